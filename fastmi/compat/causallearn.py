"""A conditional independence test for causal-learn: ``pc(data, alpha, indep_test="fastmi")``.

Importing this module registers the test. Keywords of ``pc`` and ``fci`` beyond their own reach it::

    import fastmi.compat.causallearn
    from causallearn.search.ConstraintBased.PC import pc

    graph = pc(data, 0.05, indep_test="fastmi", discrete=[3, 4], seed=0)
    print(fastmi.compat.causallearn.cautions(graph))
"""

from __future__ import annotations

from typing import Any

from fastmi._cautions import Caution, say
from fastmi._extras import load
from fastmi.compat._hosts import CAUSAL_LEARN
from fastmi.compat._independence import IndependenceResult, IndependenceTests

CAUSAL_LEARN.check()
_cit = load("causallearn.utils.cit", extra="causallearn", needed_by="fastmi.compat.causallearn")
_Base: Any = _cit.CIT_Base

__all__ = ["FastMI", "cautions", "register"]


class FastMI(_Base):  # type: ignore[misc] # causal-learn has no types
    """The test of conditional independence that "fastmi" stands for.

    Information is estimated by nearest neighbours for numbers, from counts for classes, and by
    both for mixtures of them. P-values come from surrogates: samples exchanged among rows with
    similar conditions, or their residuals where no rows are similar enough, as in
    :func:`fastmi.permutation_test`. They do not depend on the order in which tests are made. A
    test stops early where its p-value is far above what decides.

    Args:
        data: Array, shape (n, d), without missing values.
        cache_path: File of p-values, as for causal-learn's own tests.
        k: Number of neighbours; None for a twentieth of the samples, at least 3 and at most 20.
        n_permutations: Number of surrogates. No p-value is below ``1 / (1 + n_permutations)``, so
            that `alpha` has to be larger.
        scheme: "local", "residual" or None, as in :func:`fastmi.permutation_test`.
        n_neighbors: Number of rows among which samples are exchanged.
        discrete: "auto" takes columns of few values as classes; True or False is for all columns;
            otherwise the numbers of those columns.
        seed: Seed of the surrogates, an integer.
        n_jobs: Number of threads.

    Raises:
        TypeError: An option of the wrong type.
        ValueError: An option out of range, or missing or infinite values.
    """

    def __init__(
        self,
        data: Any,
        cache_path: str | None = None,
        *,
        k: int | None = None,
        n_permutations: int = 200,
        scheme: str | None = None,
        n_neighbors: int = 5,
        discrete: object = "auto",
        seed: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "k": k,
            "n_permutations": n_permutations,
            "scheme": scheme,
            "n_neighbors": n_neighbors,
            "discrete": discrete,
            "seed": seed,
        }
        self.tests = IndependenceTests(data, n_jobs=n_jobs, **options)
        super().__init__(data, cache_path=cache_path)
        # The summary that names the data in the file shows a few rows of large arrays alone.
        said = [f"{name}={value!r}" for name, value in options.items()]
        self.check_cache_method_consistent("fastmi", ", ".join([*said, f"n={self.tests.n}"]))
        self._told: set[str] = set()

    def __call__(self, X: Any, Y: Any, condition_set: Any = None) -> float:
        """Return the p-value of the test of columns X and Y given those of `condition_set`."""
        xs, ys, given, key = self.get_formatted_XYZ_and_cachekey(X, Y, condition_set)
        if key not in self.pvalue_cache:
            result = self.tests.test(xs[0], ys[0], given)
            self.pvalue_cache[key] = result.p_value
            self._tell(result)
        return float(self.pvalue_cache[key])

    def cautions(self) -> tuple[Caution, ...]:
        """Return each kind of warning of the tests so far, with the number of tests that had it."""
        return self.tests.report()

    def _tell(self, result: IndependenceResult) -> None:
        """Issue the first warning of each kind; the others are counted."""
        new = [caution for caution in result.warnings if caution.kind not in self._told]
        self._told.update(caution.kind for caution in new)
        say(
            type(caution)(
                f"{caution} (further tests are counted: see fastmi.compat.causallearn.cautions)",
                caution.kind,
            )
            for caution in new
        )


def cautions(graph: Any) -> tuple[Caution, ...]:
    """Return the warnings of all the tests that made a graph, one of each kind with its count.

    Args:
        graph: What ``pc`` returned, or a test.

    Raises:
        TypeError: It was not made by the test "fastmi".
    """
    test = getattr(graph, "test", graph)
    if not isinstance(test, FastMI):
        raise TypeError(
            "graph must come from pc(..., indep_test='fastmi'), or be its test; "
            f"got {type(graph).__name__}"
        )
    return test.cautions()


def register(name: str = "fastmi") -> None:
    """Make the test known to causal-learn by `name`; importing this module has done it."""
    _cit.register_ci_test(name, FastMI)


register()
