"""A conditional independence test for pgmpy: ``PC(data).estimate(ci_test=test)``.

It takes frames of numbers, strings, categories and booleans together::

    from fastmi.compat.pgmpy import IndependenceTest
    from pgmpy.estimators import PC

    test = IndependenceTest(data, seed=0)
    graph = PC(data).estimate(ci_test=test, significance_level=0.05)
    print(test.cautions())
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from fastmi._cautions import Caution, say
from fastmi._columns import column_labels
from fastmi.compat._hosts import PGMPY
from fastmi.compat._independence import IndependenceTests

PGMPY.check()

__all__ = ["IndependenceTest"]


class IndependenceTest:
    """A test of conditional independence that pgmpy calls.

    Information is estimated by nearest neighbours for numbers, from counts for classes, and by
    both for mixtures of them. P-values come from surrogates: samples exchanged among rows with
    similar conditions, or their residuals where no rows are similar enough, as in
    :func:`fastmi.permutation_test`. They do not depend on the order in which tests are made. A
    test stops early where its p-value is far above what decides.

    Args:
        data: Data frame without missing values.
        k: Number of neighbours; None for a twentieth of the samples, at least 3 and at most 20.
        n_permutations: Number of surrogates; no p-value is below ``1 / (1 + n_permutations)``.
        scheme: "local", "residual" or None, as in :func:`fastmi.permutation_test`.
        n_neighbors: Number of rows among which samples are exchanged.
        discrete: "auto" takes columns of few numbers as classes; True or False is for all columns
            of numbers; otherwise the names of those columns.
        seed: Seed of the surrogates, an integer.
        n_jobs: Number of threads.

    Attributes:
        statistic_: Information of the last test in nats, of normal scores for numbers.
        effect_size_: The same.
        p_value_: P-value of the last test.

    Raises:
        TypeError: An option of the wrong type, or data that cannot be read.
        ValueError: An option out of range, or missing values.
    """

    def __init__(
        self,
        data: Any,
        *,
        k: int | None = None,
        n_permutations: int = 200,
        scheme: str | None = None,
        n_neighbors: int = 5,
        discrete: object = "auto",
        seed: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self._shape = data.shape if hasattr(data, "shape") else None
        self._labels = column_labels(data)
        self._n_permutations = n_permutations
        self.tests = IndependenceTests(
            data,
            k=k,
            n_permutations=n_permutations,
            scheme=scheme,
            n_neighbors=n_neighbors,
            discrete=discrete,
            seed=seed,
            n_jobs=n_jobs,
        )
        self._told: set[str] = set()
        self.statistic_ = self.effect_size_ = float("nan")
        self.p_value_ = float("nan")

    def __call__(
        self,
        X: Hashable,
        Y: Hashable,
        Z: Iterable[Hashable] = (),
        data: Any = None,
        significance_level: float = 0.05,
        **_: object,
    ) -> bool:
        """Return whether X and Y are taken as independent given Z.

        Args:
            X: A column.
            Y: Another column.
            Z: Columns of the condition.
            data: None, or the data that the test was made with, which pgmpy passes.
            significance_level: Columns count as independent if the p-value is at least this.

        Raises:
            ValueError: A column that is not there, other data, or a `significance_level` that no
                p-value of so few surrogates can reach.
        """
        if data is not None and (
            getattr(data, "shape", None) != self._shape or column_labels(data) != self._labels
        ):
            raise ValueError(
                "data must be those that the test was made with, "
                f"shape {self._shape}; got shape {getattr(data, 'shape', None)}"
            )
        least = 1.0 / (1 + self._n_permutations)
        if not least < significance_level < 1.0:
            raise ValueError(
                f"significance_level must be above 1 / (1 + n_permutations) = {least:.3g}, the "
                f"smallest p-value, and below 1; got significance_level={significance_level!r}"
            )
        # Other threads may test other columns meanwhile, whose result `p_value_` then is.
        return self.run_test(X, Y, Z)[1] >= significance_level

    def run_test(self, X: Hashable, Y: Hashable, Z: Iterable[Hashable]) -> tuple[float, float]:
        """Return the information in nats and the p-value, as pgmpy's own tests do."""
        place = self.tests.position
        result = self.tests.test(place(X), place(Y), [place(z) for z in Z])
        self.statistic_ = self.effect_size_ = result.value
        self.p_value_ = result.p_value
        new = [caution for caution in result.warnings if caution.kind not in self._told]
        self._told.update(caution.kind for caution in new)
        say(
            type(caution)(
                f"{caution} (further tests are counted: see the method cautions of the test)",
                caution.kind,
            )
            for caution in new
        )
        return result.value, result.p_value

    def is_independent(
        self,
        X: Hashable,
        Y: Hashable,
        Z: Iterable[Hashable] = (),
        significance_level: float = 0.05,
    ) -> bool:
        """Return whether X and Y are taken as independent given Z, as pgmpy's own tests do."""
        return self(X, Y, Z, significance_level=significance_level)

    def cautions(self) -> tuple[Caution, ...]:
        """Return each kind of warning of the tests so far, with the number of tests that had it."""
        return self.tests.report()
