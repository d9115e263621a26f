"""A conditional independence test for DoWhy's ``gcm``, which takes functions of samples.

For example::

    from dowhy.gcm.falsify import falsify_graph
    from fastmi.compat.dowhy import independence_test

    falsify_graph(
        graph,
        data,
        independence_test=independence_test,
        conditional_independence_test=independence_test,
    )
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import say
from fastmi.compat._hosts import DOWHY
from fastmi.compat._independence import IndependenceTests

DOWHY.check()

Array = NDArray[Any]

__all__ = ["independence_test"]


def independence_test(
    X: Any,
    Y: Any,
    Z: Any = None,
    *,
    k: int | None = None,
    n_permutations: int = 200,
    scheme: str | None = None,
    n_neighbors: int = 5,
    discrete: object = "auto",
    seed: int = 0,
    n_jobs: int | None = None,
) -> float:
    """Return the p-value of the test whether X and Y are independent, given Z if there is one.

    See :class:`fastmi.compat.pgmpy.IndependenceTest` for the test. :func:`functools.partial` sets
    its options for DoWhy. Warnings are issued as :class:`fastmi.EstimateWarning`.

    Args:
        X: Samples, shape (n,) or (n, 1).
        Y: Samples, shape (n,) or (n, 1).
        Z: Conditions, shape (n,) or (n, d); None for no condition.
        k: Number of neighbours; None for a twentieth of the samples, at least 3 and at most 20.
        n_permutations: Number of surrogates; no p-value is below ``1 / (1 + n_permutations)``.
        scheme: "local", "residual" or None, as in :func:`fastmi.permutation_test`.
        n_neighbors: Number of rows among which samples are exchanged.
        discrete: "auto" takes columns of few numbers as classes; True or False is for all columns
            of numbers; otherwise a list of "X", "Y" and "Z", whose columns are classes.
        seed: Seed of the surrogates, an integer.
        n_jobs: Number of threads.

    Raises:
        TypeError: An option of the wrong type, or samples that cannot be read.
        ValueError: An option out of range, samples of wrong shape or length, or missing values.
    """
    given = [("X", X), ("Y", Y), *([] if Z is None else [("Z", Z)])]
    columns: list[tuple[str, Any]] = []
    for name, samples in given:
        read = np.asarray(samples)
        if read.ndim == 1:
            read = read.reshape(-1, 1)
        if read.ndim != 2 or read.shape[1] == 0 or (name != "Z" and read.shape[1] != 1):
            raise ValueError(
                f"{name} must have shape (n,) or (n, {'d' if name == 'Z' else 1}); "
                f"got shape {np.shape(samples)}"
            )
        own = [name] if name != "Z" else [f"Z[{j}]" for j in range(read.shape[1])]
        columns.extend((label, _numbers(read[:, j])) for j, label in enumerate(own))
    tests = IndependenceTests(
        columns,
        k=k,
        n_permutations=n_permutations,
        scheme=scheme,
        n_neighbors=n_neighbors,
        discrete=_with_columns(discrete, [label for label, _ in columns]),
        seed=seed,
        n_jobs=n_jobs,
    )
    result = tests.test(0, 1, range(2, len(columns)))
    say(result.warnings)
    return result.p_value


def _numbers(column: Array) -> Array:
    """Return a column as numbers where NumPy holds them as objects beside names."""
    if column.dtype.kind == "O" and all(isinstance(value, Real) for value in column):
        return column.astype(np.float64)
    return column


def _with_columns(discrete: object, labels: list[str]) -> object:
    """Return the labels of the columns of the variables in `discrete`, if it is a list."""
    if not isinstance(discrete, list | tuple | set):
        return discrete
    chosen: list[object] = []
    for name in discrete:
        own = [label for label in labels if name in (label, label.partition("[")[0])]
        chosen.extend(own or [name])
    return chosen
