"""Information of two classes given others, from the table of their counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._symbols import Symbols, crossed, numbered
from fastmi.compat._graph_columns import GraphColumn

Array = NDArray[Any]
Floats = NDArray[np.float64]
Order = NDArray[np.int64]


class ClassTable:
    """Counts of classes x, y and z, and of x in other orders that keep z.

    Such orders change the counts of (x, y, z) and no others.

    Args:
        x: Classes that are reordered.
        y: Other classes.
        z: Those of the condition; none for no condition.
    """

    def __init__(self, x: GraphColumn, y: GraphColumn, z: Sequence[GraphColumn]) -> None:
        self._x, y_of = _symbols(x), _symbols(y)
        given = [_symbols(column) for column in z]
        self._yz = reduce(crossed, [y_of, *given])
        n = len(self._x.of)
        # n log n for all counts that occur.
        numbers = np.arange(n + 1, dtype=np.float64)
        self._terms = numbers * np.log(np.maximum(numbers, 1.0))
        xz = reduce(crossed, [self._x, *given]).size
        of_z = reduce(crossed, given).size if given else np.array([n])
        self._fixed = float(
            self._terms[of_z].sum() - self._terms[xz].sum() - self._terms[self._yz.size].sum()
        )
        self.value = self._of(np.arange(n))

    def null(self, orders: Callable[[int], Sequence[Order]]) -> Callable[[int, int], Floats]:
        """Return the function that gives the values of surrogates, numbered from `begin` to `end`.

        Args:
            orders: Returns the first orders, as many as it is asked for.
        """
        return lambda begin, end: np.array([self._of(order) for order in orders(end)[begin:]])

    def _of(self, order: NDArray[Any]) -> float:
        """Return the plug-in estimate in nats for x in this order."""
        cells = self._x.of[order] * len(self._yz.size) + self._yz.of
        if len(self._x.size) * len(self._yz.size) <= 4 * len(order):
            counts = np.bincount(cells)
        else:
            counts = np.unique(cells, return_counts=True)[1]
        return (float(self._terms[counts].sum()) + self._fixed) / len(order)


def _symbols(column: GraphColumn) -> Symbols:
    return numbered(column.values.astype(np.intp))
