"""Orders of rows and null values that the tests of one graph share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice
from fastmi.compat._graph_columns import GraphColumn
from fastmi.statistics._local import LocalExchange, local_exchange

Array = NDArray[Any]
Floats = NDArray[np.float64]
Order = NDArray[np.int64]
Found = TypeVar("Found")

# Memory for orders and for what else tests with the same condition share, in entries.
_MOST_ENTRIES = 1 << 23
# Orders that show which rows exchange with no other.
_LOOK = 10


class Recall:
    """Keeps what was computed last, up to a number of entries of arrays."""

    def __init__(self) -> None:
        self._found: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._entries = 0

    def get(self, key: Hashable, make: Callable[[], Found], entries: int) -> Found:
        """Return what `make` returned for this key, made now if it is not kept."""
        if key in self._found:
            self._found.move_to_end(key)
            return self._found[key][0]  # type: ignore[no-any-return]
        found = make()
        self._found[key] = (found, entries)
        self._entries += entries
        while self._entries > _MOST_ENTRIES and len(self._found) > 1:
            _, (_, freed) = self._found.popitem(last=False)
            self._entries -= freed
        return found


class Orders:
    """Orders of rows for tests with the same condition, drawn when first needed.

    Their seeds depend on the condition alone, so that no test depends on the tests before it.
    """

    def __init__(self, condition: Condition | None, n: int, seed: Sequence[int]) -> None:
        self._exchange = None if condition is None else condition.exchange
        self._n = n
        self._seed = list(seed)
        self._drawn: list[Order] = []

    @property
    def fixed(self) -> float:
        """Share of the rows that keep their sample in every order."""
        if self._exchange is None:
            return 0.0
        rows = np.arange(self._n)
        return float(np.all([order == rows for order in self.first(_LOOK)], axis=0).mean())

    def first(self, count: int) -> list[Order]:
        """Return the first `count` orders."""
        for number in range(len(self._drawn), count):
            rng = np.random.default_rng([*self._seed, number])
            if self._exchange is None:
                order = rng.permutation(self._n)
            else:
                order = self._exchange.order(rng)
            self._drawn.append(order.astype(np.int64))
        return self._drawn[:count]


class Condition:
    """The columns of a condition.

    Attributes:
        key: Their numbers.
        place: Their coordinates, shape (n, d).
        regressors: Columns for a regression: numbers, and an indicator of each class but one.
        exchange: Draws orders among rows of similar conditions.
        classes: Whether all columns are classes.
    """

    def __init__(
        self, key: tuple[int, ...], columns: Sequence[GraphColumn], n_neighbors: int
    ) -> None:
        self.key = key
        self.classes = all(column.symbols for column in columns)
        self.place = np.column_stack([column.place for column in columns])
        # Here equal values are equal: rows that share them are shuffled among themselves.
        tied = [column.place if column.symbols else column.values for column in columns]
        self.exchange: LocalExchange = local_exchange(
            np.column_stack(tied), n_neighbors, classes=self.classes, n_jobs=1
        )
        self.regressors = np.column_stack([_regressors(column) for column in columns])


def _regressors(column: GraphColumn) -> Floats:
    if column.symbols <= 2:
        return column.values[:, np.newaxis]
    one: Floats = (column.values[:, np.newaxis] == np.arange(1, column.symbols)).astype(np.float64)
    return one


def check_scheme(scheme: object) -> None:
    """Raise ValueError unless `scheme` is None, "local" or "residual"."""
    if scheme is not None:
        check_choice("scheme", scheme, ("local", "residual"))
