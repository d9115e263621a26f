"""I(X; Y) and I(X; Y | Z) of single columns of any kinds, all from one family of estimators.

Every value has the form of Kraskov et al. (2004) and of Frenzel and Pompe (2007). With r_i the
distance from sample i to its k_i-th neighbour among the samples that agree with it in all classes,
the others within r_i are counted in (x, z), in (y, z) and in z, again only among those that agree
in the classes of that space::

    I(X; Y | Z) = < psi(k_i) - psi(n_xz) - psi(n_yz) + psi(n_z) >

k_i is k, or what a smaller class allows; where two or three columns of classes leave no more than k
samples together, all of these are taken, whatever their distance, and the counts are those of the
classes. Without z the last count is n, the number of samples. Without classes this is KSG algorithm
1 or its conditional form, with continuous x and classes y it is Ross (2014), and where a column has
atoms the counts are those of Mesner and Shalizi (2019). Columns of classes alone are counted as
symbols, with Grassberger's correction. So a term with a redundant column, I(X; Y | X), is near 0
whatever the kinds are, as is one with a column that carries nothing; differences of estimates in
different numbers of columns, of which the biases do not cancel, are never taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import compress
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._symbols import Symbols, crossed, numbered
from fastmi._tasks import run
from fastmi.estimators.auto.kinds import CLASSES, CONTINUOUS, MIXTURE
from fastmi.estimators.discrete import grassberger
from fastmi.estimators.neighbors._ties import traced
from fastmi.normalize import normalize_blocks
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.knn import sorts_pairs
from fastmi.ops.pairwise import pair_terms
from fastmi.ops.space_counts import space_counts

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

# Distance between classes as numbers. Normal scores of 1e15 samples span less than 20, so that no
# neighbour within a class is as far, and powers of two round nothing.
_APART = 1024.0
# Samples in each cell of classes, on average, below which the estimate is compared with shuffles of
# x; their number; and how many samples that follow each other in z exchange their x.
_EACH, _SHUFFLES, _NEAR = 10, 10, 10
# Positions among the columns x, y, z that make the spaces of the counts, the joint one first.
_SPACES = ((0, 1), (0,), (1,))
_CONDITIONAL_SPACES = ((0, 1, 2), (0, 2), (1, 2), (2,))
_SEARCH: dict[str, Any] = {"metric": "chebyshev", "algorithm": "auto"}


@dataclass(frozen=True)
class Column:
    """A column of a table, as its information is estimated.

    Attributes:
        kind: "continuous", "classes" or "mixture".
        values: Shape (n,): numbers, or codes of classes.
        missing: Rows without a value, shape (n,); None if every row has one.
        place: Its number in the table, which tells the noise that separates its equal values.
    """

    kind: str
    values: Array
    missing: Mask | None
    place: int


@dataclass(frozen=True)
class _Prepared:
    """A column on the scale on which distances are compared, for some of its rows.

    Attributes:
        kind: As in :class:`Column`.
        block: Normal scores, or numbers of classes far apart, shape (n, 1).
        symbols: The classes; None for numbers.
    """

    kind: str
    block: Floats
    symbols: Symbols | None

    def rows(self, kept: Mask) -> _Prepared:
        """Return some rows; scores stay as they are."""
        symbols = None if self.symbols is None else numbered(self.symbols.of[kept])
        return _Prepared(self.kind, self.block[kept], symbols)

    def reordered(self, order: NDArray[np.intp]) -> _Prepared:
        """Return the column with its rows in another order."""
        symbols = None if self.symbols is None else self.symbols._replace(of=self.symbols.of[order])
        return _Prepared(self.kind, self.block[order], symbols)


class Information:
    """Estimates for the columns of one table; a column is named by its number.

    Args:
        columns: The columns.
        k: Number of neighbours.
        n_jobs: Number of threads.
        seed: Seed of the noise that separates equal values of continuous columns.

    Attributes:
        few: Numbers of the columns of each estimate for which too few rows were complete.
    """

    def __init__(
        self, columns: Sequence[Column], *, k: int, n_jobs: int | None, seed: int | None
    ) -> None:
        self.few: set[tuple[int, ...]] = set()
        self._columns = columns
        self._k, self._n_jobs, self._seed = k, n_jobs, seed
        self._root = [0 if seed is None else seed]
        whole = [at for at, column in enumerate(columns) if column.missing is None]
        prepared = run(
            lambda at, _: self._prepare(columns[whole[at]], None),
            len(whole),
            n_jobs=n_jobs,
            progress=False,
            what="columns",
        )
        # Columns without gaps are prepared once.
        self._whole = dict(zip(whole, prepared, strict=True))

    def pairs(self, pairs: Sequence[tuple[int, int]]) -> Floats:
        """Return I(A; B) in nats for pairs of columns a, b."""
        values = np.empty(len(pairs))
        fast = [at for at, pair in enumerate(pairs) if self._is_sorted(*pair)]
        if fast:
            values[fast] = self._at_once([pairs[at] for at in fast])
        slow = sorted({*range(len(pairs))} - {*fast})
        values[slow] = self._each([pairs[at] for at in slow])
        return values

    def conditional(self, columns: Sequence[int], target: int, given: int) -> Floats:
        """Return I(A; target | given) in nats for each column a."""
        return self._each([(column, target, given) for column in columns])

    @cached_property
    def _sorts(self) -> bool:
        return sorts_pairs(len(self._columns[0].values), self._k)

    @cached_property
    def _table(self) -> tuple[Floats, dict[int, int]]:
        """The columns without gaps side by side, and the position of each."""
        places = {at: position for position, at in enumerate(self._whole)}
        blocks = [column.block for column in self._whole.values()]
        return np.ascontiguousarray(np.hstack(blocks)), places

    def _is_sorted(self, a: int, b: int) -> bool:
        """Return whether the kernel of many pairs gives the value of a pair.

        It does for continuous columns, and with classes that are far apart if each has k + 1
        samples, so that no neighbour is in another.
        """
        own = [self._whole.get(at) for at in (a, b)]
        if not self._sorts or own[0] is None or own[1] is None:
            return False
        kinds = sorted(column.kind for column in own if column is not None)
        if kinds == [CONTINUOUS, CONTINUOUS]:
            return a != b
        if kinds != [CLASSES, CONTINUOUS]:
            return False
        classes = next(c.symbols for c in own if c is not None and c.symbols is not None)
        return int(classes.size.min()) > self._k

    def _at_once(self, pairs: Sequence[tuple[int, int]]) -> Floats:
        table, places = self._table
        at = np.array([[places[a], places[b]] for a, b in pairs], dtype=np.int64)
        terms = pair_terms([table], at, [self._k], n_jobs=self._n_jobs)
        found: Floats = psi(self._k) + psi(len(table)) - terms.psi_mean[0]
        return found

    def _each(self, places: Sequence[tuple[int, ...]]) -> Floats:
        def one(number: int, threads: int) -> float:
            own = places[number]
            rows = self._complete(own)
            if rows is not None and np.count_nonzero(rows) < 2 * self._k + 2:
                self.few.add(own)
                return 0.0
            columns = [self._of(at, rows) for at in own]
            # Shuffles depend on nothing but the seed and the columns.
            rng = np.random.default_rng([*self._root, *own])
            return information(columns, self._k, rng, n_jobs=threads)

        values = run(one, len(places), n_jobs=self._n_jobs, progress=False, what="terms")
        return np.array(values, dtype=np.float64)

    def _complete(self, places: Sequence[int]) -> Mask | None:
        """Return the rows that no column lacks; None for all."""
        gaps = [self._columns[at].missing for at in places]
        given = [gap for gap in gaps if gap is not None]
        if not given:
            return None
        complete: Mask = ~np.logical_or.reduce(given)
        return complete

    def _of(self, at: int, rows: Mask | None) -> _Prepared:
        if rows is None:
            return self._whole[at]
        return self._prepare(self._columns[at], rows)

    def _prepare(self, column: Column, rows: Mask | None) -> _Prepared:
        values = column.values if rows is None else column.values[rows]
        if column.kind == CLASSES:
            symbols = numbered(values)
            apart = _APART * symbols.of[:, np.newaxis]
            return _Prepared(CLASSES, apart.astype(np.float64), symbols)
        block = values.astype(np.float64).reshape(-1, 1)
        (scores,), _ = normalize_blocks([block], ["x"], "copula")
        if column.kind == CONTINUOUS and len(np.unique(scores)) < len(scores):
            scores = traced(scores, column.place, self._seed)
        return _Prepared(column.kind, np.ascontiguousarray(scores), None)


def information(
    columns: Sequence[_Prepared], k: int, rng: np.random.Generator, *, n_jobs: int | None
) -> float:
    """Return I(X; Y), or I(X; Y | Z), in nats.

    Where few samples share their classes of x and y, estimates are far too high: two columns of
    random classes seem to tell much about each other. What the estimate is on average where x has
    been shuffled, among samples that are near in z, is then subtracted, and the rest is stretched,
    at most twofold, so that the largest possible value stays as it is (Vinh, Epps and Bailey 2010,
    https://jmlr.org/papers/v11/vinh10a.html).

    Args:
        columns: x, y and perhaps z.
        k: Number of neighbours.
        rng: Source of the shuffles.
        n_jobs: Number of threads.
    """
    x, y = (column.symbols for column in columns[:2])
    value = _estimate(columns, k, n_jobs=n_jobs)
    if x is None or y is None:
        return value
    joint = reduce(crossed, [c.symbols for c in columns if c.symbols is not None])
    if len(joint.size) * _EACH <= len(joint.of):
        return value
    shuffled = [
        _estimate([columns[0].reordered(order), *columns[1:]], k, n_jobs=n_jobs)
        for order in _orders(columns[2:], len(joint.of), rng)
    ]
    chance = float(np.mean(shuffled))
    largest = min(_entropy(x), _entropy(y))
    # Without a bound, noise would be stretched where chance explains nearly everything.
    left = max(1.0 - max(chance, 0.0) / largest, 0.5) if largest > 0.0 else 1.0
    return (value - chance) / left


def _orders(
    given: Sequence[_Prepared], n: int, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Yield orders of the samples that exchange only those which are near in z."""
    groups = np.zeros(n, dtype=np.intp)
    if given and given[0].symbols is not None:
        groups = given[0].symbols.of
    elif given:
        groups[np.argsort(given[0].block[:, 0], kind="stable")] = np.arange(n) // _NEAR
    grouped = np.argsort(groups, kind="stable")
    for _ in range(_SHUFFLES):
        order = np.empty(n, dtype=np.intp)
        # Sorted by group and by chance within the group.
        order[grouped] = np.lexsort((rng.random(n), groups))
        yield order


def _estimate(columns: Sequence[_Prepared], k: int, *, n_jobs: int | None) -> float:
    symbols = [column.symbols for column in columns if column.symbols is not None]
    if len(symbols) == len(columns):
        return _of_symbols(symbols)
    if len(symbols) == 1 and symbols[0].size.min() == 1:
        # Nothing is known of what is alone in its class.
        kept = symbols[0].size[symbols[0].of] > 1
        if not kept.any():
            return 0.0
        columns = [column.rows(kept) for column in columns]
        symbols = [column.symbols for column in columns if column.symbols is not None]
    cells = reduce(crossed, symbols) if symbols else None
    strict = all(column.kind != MIXTURE for column in columns)
    return _of_neighbours(columns, cells, k, strict=strict, n_jobs=n_jobs)


def _of_symbols(columns: Sequence[Symbols]) -> float:
    """Return the sum of entropies of classes, each corrected by itself."""
    if len(columns) == 2:
        x, y = columns
        return _entropy(x) + _entropy(y) - _entropy(crossed(x, y))
    x, y, z = columns
    xz = crossed(x, z)
    return _entropy(xz) + _entropy(crossed(y, z)) - _entropy(crossed(xz, y)) - _entropy(z)


def _entropy(symbols: Symbols) -> float:
    n = len(symbols.of)
    # Correctly rounded, so that neither the order of the rows nor that of the variables matters.
    return math.fsum(grassberger(symbols.size, n) * symbols.size) / n


def _of_neighbours(
    columns: Sequence[_Prepared],
    cells: Symbols | None,
    k: int,
    *,
    strict: bool,
    n_jobs: int | None,
) -> float:
    n = len(columns[0].block)
    spaces = _SPACES if len(columns) == 2 else _CONDITIONAL_SPACES
    size = np.full(n, n) if cells is None else cells.size[cells.of]
    several = sum(column.symbols is not None for column in columns) > 1
    # Where several columns of classes leave few samples together, all of these are neighbours.
    whole = (size <= k) & several
    number = np.full(n, k) if several else np.minimum(k, size - 1)
    ks = np.unique(number)
    # A space of classes alone is counted by their sizes, without a search.
    searched = [any(columns[b].symbols is None for b in space) for space in spaces]
    found = space_counts(
        [column.block for column in columns],
        ks.tolist(),
        list(compress(spaces, searched)),
        strict=strict,
        n_jobs=n_jobs,
        **_SEARCH,
    )
    which = np.searchsorted(ks, number)
    counts = found.counts[which, :, np.arange(n)].T
    # Strict counts leave out the neighbour at the radius, which the sample itself stands for.
    within = iter(counts + strict)
    psis = []
    for space, search in zip(spaces, searched, strict=True):
        own = [s for b in space if (s := columns[b].symbols) is not None]
        inside = np.full(n, n)
        if own:
            every = reduce(crossed, own)
            inside = every.size[every.of]
        near = next(within) if search else inside - (not strict)
        psis.append(digamma(np.where(whole, inside, near)))
    joint = np.where(whole, digamma(size), digamma(number)) if strict else psis[0]
    last = psi(n) if len(columns) == 2 else psis[3]
    return float(np.mean(joint - psis[1] - psis[2] + last))
