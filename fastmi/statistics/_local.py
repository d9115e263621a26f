"""Exchange of samples among rows with similar conditions (Runge 2018, algorithm 1), with ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._pool import heed_stop
from fastmi._symbols import as_symbols
from fastmi.ops.exchanged import exchange
from fastmi.ops.knn import kneighbors

Array = NDArray[Any]
Order = NDArray[np.intp]

# A column stands for groups rather than numbers if each of its values occurs, on average, in this
# many times as many rows as exchange with each other. The exchange is then as local in the other
# columns as it has to be; with fewer rows to choose from it would not be.
_ROWS_OF_GROUP = 10

# Noise that breaks ties between neighbours, in units of a column's largest distance from its first
# value: well above the rounding of these distances, well below their differences.
_NOISE = 1e-10

# Binary exponent of the largest coordinate where coordinates are summed.
_ROOM = 900


@dataclass(frozen=True)
class LocalExchange:
    """Draws orders in which each row gets the sample of a row with a similar condition.

    Rows whose condition `n_neighbors` or more rows share are shuffled among all that share it. The
    other rows exchange with their nearest neighbours in z, each serving once where possible; where
    neighbours at equal distance compete for the last place, every surrogate chooses anew.

    Attributes:
        n: Number of rows.
        shared: Rows that are shuffled within their group, ordered by group, shape (s,).
        group: Number of the group of each of these rows, shape (s,).
        others: The other rows, shape (n - s,).
        neighbors: The others and their neighbours, themselves first, shape (n - s, n_neighbors).
        tied: Whether neighbours of any of the others compete for the last place.
        searches: For each search of neighbours the coordinates of all rows, and which of the
            others take their neighbours from it.
    """

    n: int
    shared: Order
    group: Order
    others: Order
    neighbors: Order
    tied: bool
    searches: tuple[tuple[Array, NDArray[np.bool_]], ...]

    @property
    def exact(self) -> bool:
        """Whether all exchanges are between equal conditions, so that the null is exact."""
        return not len(self.others)

    def order(self, rng: np.random.Generator) -> Order:
        """Return one of the rows nearby for each row, shape (n,)."""
        order = np.empty(self.n, dtype=np.intp)
        if len(self.shared):
            by_group = np.lexsort((rng.random(len(self.shared)), self.group))
            order[self.shared] = self.shared[by_group]
        if self.exact:
            return order
        neighbors = self.neighbors
        if self.tied:
            size = neighbors.shape[1] - 1
            noisy = [(_with_noise(place, rng), rows) for place, rows in self.searches]
            neighbors, _ = _nearest(noisy, self.others, size, n_jobs=1)
        heed_stop()
        used = np.zeros(self.n, dtype=np.bool_)
        used[self.shared] = True
        candidates = rng.permuted(neighbors, axis=1)
        drawn = rng.permutation(len(self.others))
        order[self.others] = exchange(
            np.ascontiguousarray(candidates, dtype=np.int64), drawn.astype(np.int64), used
        )
        return order


def local_exchange(
    z: Array, n_neighbors: int, *, classes: bool = False, n_jobs: int | None
) -> LocalExchange:
    """Prepare exchanges among the `n_neighbors` rows nearest in z, the row itself included.

    Args:
        z: Conditions, shape (n, d), finite.
        n_neighbors: At least 2; more than n stands for n.
        classes: Whether values of z are classes, so that all rows exchange in their group only.
        n_jobs: Number of threads of the searches.
    """
    n = len(z)
    size = min(n_neighbors, n)
    (codes, counts), _ = as_symbols(z, "z")
    shares = counts[codes] >= (1 if classes else size)
    shared = np.flatnonzero(shares)
    shared = shared[np.argsort(codes[shared], kind="stable")]
    others = np.flatnonzero(~shares)
    searches: tuple[tuple[Array, NDArray[np.bool_]], ...] = ()
    neighbors = np.empty((0, size), dtype=np.intp)
    tied = False
    if len(others):
        searches = _searches(z, others, size)
        neighbors, tied = _nearest(searches, others, size - 1, n_jobs=n_jobs)
    return LocalExchange(
        n=n,
        shared=shared,
        group=codes[shared],
        others=others,
        neighbors=neighbors,
        tied=tied,
        searches=searches,
    )


def _searches(z: Array, others: Order, size: int) -> tuple[tuple[Array, NDArray[np.bool_]], ...]:
    """Return the coordinates to search in, and which of `others` use them.

    Columns of few values part the rows into groups: rows of a large enough group find neighbours
    in their group only, whatever the units of the other columns.
    """
    n = len(z)
    few = [len(np.unique(column)) * _ROWS_OF_GROUP * size <= n for column in z.T]
    everywhere = np.ones(len(others), dtype=bool)
    if not any(few):
        return ((z, everywhere),)
    (codes, counts), _ = as_symbols(z[:, few], "z")
    inside = counts[codes][others] >= size
    rest = _with_room(z[:, np.logical_not(few)])
    rest -= rest[0].copy()
    apart = 1.0 + 4.0 * np.abs(rest).max(initial=0.0)
    within = np.ascontiguousarray(np.column_stack([codes * apart, rest]))
    found = ((within, inside), (z, ~inside))
    return tuple((place, rows) for place, rows in found if rows.any())


def _nearest(searches: Any, others: Order, size: int, *, n_jobs: int | None) -> tuple[Order, bool]:
    """Return others and their neighbours, and whether any last place is tied."""
    neighbors = np.empty((len(others), size + 1), dtype=np.intp)
    neighbors[:, 0] = others
    tied = False
    for place, rows in searches:
        n = len(place)
        # The next neighbour shows whether the last one is tied.
        more = min(size + 1, n - 1)
        distances, indices, _ = kneighbors(
            [place], more, metric="chebyshev", algorithm="auto", n_jobs=n_jobs
        )
        chosen = others[rows]
        neighbors[rows, 1:] = indices[chosen, :size]
        if more > size:
            tied |= bool((distances[chosen, size] == distances[chosen, size - 1]).any())
    return neighbors, tied


def _with_noise(place: Array, rng: np.random.Generator) -> Array:
    moved = _with_room(place)
    moved -= moved[0].copy()
    reach = np.abs(moved).max(axis=0)
    moved += _NOISE * reach * (rng.random(moved.shape) - 0.5)
    return moved


def _with_room(place: Array) -> NDArray[np.float64]:
    """Return coordinates times a power of two, so that sums of them neither overflow nor vanish."""
    wide = place.astype(np.float64)
    _, exponent = np.frexp(np.abs(wide).max(initial=0.0))
    moved: NDArray[np.float64] = np.ldexp(wide, _ROOM - exponent)
    return moved
