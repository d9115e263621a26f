"""What columns of any kinds tell about a target, alone, beside each other, and given another one.

I(X; Y) is that of :func:`fastmi.rank_features` and :func:`fastmi.pairwise_mi`. I(X; Y | Z) is made
in the same way. Columns that are no classes are replaced by their normal scores, where the order of
equal values is drawn at random. With r_i the distance from sample i to its k-th neighbour among the
samples that agree with it in all classes, the others strictly inside r_i are counted in (x, z), in
(y, z) and in z, again only among those that agree in the classes of that space::

    I(X; Y | Z) = psi(k) - < psi(n_xz + 1) + psi(n_yz + 1) - psi(n_z + 1) >

Without classes this is the conditional form of KSG by Frenzel and Pompe (2007). Where no more than
k samples agree in all classes, each takes as many neighbours as there are, as in Ross (2014). A
sample that is alone is left out if one column has classes; beside several its counts are those of
the classes, whatever the distance. Three columns of classes are counted as symbols, with the
correction of Grassberger.

So a term with a redundant column, I(X; Y | X), is near 0 whatever the kinds are, as is that of a
column which carries nothing. Differences of estimates in different numbers of columns, of which the
biases do not cancel, are never taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import compress
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._symbols import Symbols, crossed, numbered
from fastmi._tasks import run
from fastmi.estimators.auto.kinds import CLASSES
from fastmi.estimators.discrete import grassberger
from fastmi.ops.digamma import digamma
from fastmi.ops.space_counts import space_counts
from fastmi.statistics._scores import scores_of
from fastmi.statistics._table_pairs import TablePairs
from fastmi.statistics._variables import Variable

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

# Distance between classes as numbers. Normal scores of 1e15 samples span less than 20, so that no
# neighbour within a class is as far.
_APART = 1024.0
# Where the noise that orders equal values begins; pairs use 0 and 1.
_PLACE = 2
# Samples in each cell of classes, on average, below which the estimate is compared with shuffles of
# x; their number; and how many samples that follow each other in z exchange their x.
_EACH, _SHUFFLES, _NEAR = 10, 10, 10
# Positions among x, y, z that make the spaces of n_xz, n_yz and n_z.
_SPACES = ((0, 2), (1, 2), (2,))


@dataclass(frozen=True)
class Scored:
    """A column on the scale on which distances are compared, for the rows of one estimate.

    Attributes:
        block: Normal scores, or numbers of classes far apart, shape (n, 1).
        symbols: The classes; None for numbers.
    """

    block: Floats
    symbols: Symbols | None

    def rows(self, kept: Mask) -> Scored:
        """Return some rows; scores stay as they are."""
        return Scored(
            self.block[kept], None if self.symbols is None else numbered(self.symbols.of[kept])
        )

    def reordered(self, order: NDArray[np.intp]) -> Scored:
        """Return the column with its rows in another order."""
        symbols = None if self.symbols is None else self.symbols._replace(of=self.symbols.of[order])
        return Scored(self.block[order], symbols)


class Information:
    """Estimates in nats for the columns of one table, which are named by their positions.

    Where fewer than 2 k + 2 rows have all columns of an estimate, it is 0.

    Args:
        features: The columns.
        target: The target.
        places: Numbers of the columns in the whole table.
        k: Number of neighbours.
        n_jobs: Number of threads.
        seed: Seed of the order of equal values.

    Attributes:
        few: Positions of the columns, beside the target, of estimates with too few rows.
        warnings: Cautions about the relevance of each column.
    """

    def __init__(
        self,
        features: Sequence[Variable],
        target: Variable,
        places: Sequence[int],
        *,
        k: int,
        n_jobs: int | None,
        seed: int | None,
    ) -> None:
        self.few: set[tuple[int, ...]] = set()
        self.warnings: dict[int, tuple[Caution, ...]] = {}
        self._columns = [*features, target]
        self._target = len(features)
        # The target is that of all selections, and columns keep their noise beside others.
        self._noise = [*(1 + place for place in places), 0]
        self._k, self._n_jobs, self._seed = k, n_jobs, seed
        self._pairs = TablePairs(self._columns, self._columns, ks=(k,), noise=None, seed=seed)
        self._scored: dict[int, Scored] = {}

    def relevance(self) -> Floats:
        """Return I(X; Y) of every column."""
        values, self.warnings = self._of_pairs([(at, self._target) for at in range(self._target)])
        return values

    def redundancy(self, columns: Sequence[int], other: int) -> Floats:
        """Return I(X; X') of columns and another one."""
        return self._of_pairs([(at, other) for at in columns])[0]

    def conditional(self, columns: Sequence[int], given: int) -> Floats:
        """Return I(X; Y | X') of columns and another one."""
        both = (self._target, given)
        for at in (*columns, *both):
            if at not in self._scored and self._columns[at].missing is None:
                self._scored[at] = self._score(at, None)

        def term(number: int, threads: int) -> float:
            own = (columns[number], *both)
            gaps = [gap for at in own if (gap := self._columns[at].missing) is not None]
            rows = ~np.logical_or.reduce(gaps) if gaps else None
            if rows is not None and np.count_nonzero(rows) < 2 * self._k + 2:
                self.few.add((columns[number], given))
                return 0.0
            x, y, z = (self._scored[at] if rows is None else self._score(at, rows) for at in own)
            # Shuffles depend on nothing but the seed and the columns.
            root = 0 if self._seed is None else self._seed
            rng = np.random.default_rng([root, *(self._noise[at] for at in own)])
            return conditional_information(x, y, z, self._k, rng, n_jobs=threads)

        values = run(term, len(columns), n_jobs=self._n_jobs, progress=False, what="terms")
        return np.array(values, dtype=np.float64)

    def _of_pairs(
        self, pairs: Sequence[tuple[int, int]]
    ) -> tuple[Floats, dict[int, tuple[Caution, ...]]]:
        (table,) = self._pairs.estimate(
            np.array(pairs, dtype=np.int64), n_jobs=self._n_jobs, report=lambda _: None
        )
        unknown = np.isnan(table.values)
        self.few.update(
            tuple(at for at in pairs[number] if at != self._target)
            for number in np.flatnonzero(unknown).tolist()
        )
        return np.where(unknown, 0.0, table.values), table.warnings

    def _score(self, at: int, rows: Mask | None) -> Scored:
        variable = self._columns[at]
        values = variable.values if rows is None else variable.values[rows]
        if variable.kind.name == CLASSES:
            symbols = numbered(values)
            apart = _APART * symbols.of[:, np.newaxis]
            return Scored(apart.astype(np.float64), symbols)
        scores, _ = scores_of(values, self._seed, _PLACE, self._noise[at])
        return Scored(scores[:, np.newaxis], None)


def conditional_information(
    x: Scored, y: Scored, z: Scored, k: int, rng: np.random.Generator, *, n_jobs: int | None
) -> float:
    """Return I(X; Y | Z) in nats.

    Where few samples share their classes of x and y, estimates are far too high: two columns of
    random classes seem to tell much about each other. What the estimate is on average where x has
    been shuffled, among samples that are near in z, is then subtracted, and the rest is stretched,
    at most twofold, so that the largest possible value stays as it is (Vinh, Epps and Bailey 2010,
    https://jmlr.org/papers/v11/vinh10a.html).

    Args:
        x: One variable.
        y: The other.
        z: The condition.
        k: Number of neighbours.
        rng: Source of the shuffles.
        n_jobs: Number of threads.
    """
    if x.symbols is None or y.symbols is None:
        return _estimate([x, y, z], k, n_jobs=n_jobs)
    joint = crossed(x.symbols, y.symbols)
    if z.symbols is None:
        value = _estimate([x, y, z], k, n_jobs=n_jobs)
    else:
        xz, yz = crossed(x.symbols, z.symbols), crossed(y.symbols, z.symbols)
        joint = crossed(joint, z.symbols)
        margins = _entropy(xz) + _entropy(yz) - _entropy(z.symbols)
        value = margins - _entropy(joint)
    if len(joint.size) * _EACH <= len(joint.of):
        return value
    orders = _orders(z, rng)
    if z.symbols is None:
        shuffled = [_estimate([x.reordered(order), y, z], k, n_jobs=n_jobs) for order in orders]
    else:
        # Shuffles within the classes of z leave the margins as they are.
        moved = (numbered(xz.of[order] * len(y.symbols.size) + y.symbols.of) for order in orders)
        shuffled = [margins - _entropy(each) for each in moved]
    chance = float(np.mean(shuffled))
    largest = min(_entropy(x.symbols), _entropy(y.symbols))
    # Without a bound, noise would be stretched where chance explains nearly everything.
    left = max(1.0 - max(chance, 0.0) / largest, 0.5) if largest > 0.0 else 1.0
    return (value - chance) / left


def _orders(given: Scored, rng: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Yield orders of the samples that exchange only those which are near in z."""
    n = len(given.block)
    if given.symbols is None:
        groups = np.empty(n, dtype=np.intp)
        groups[np.argsort(given.block[:, 0], kind="stable")] = np.arange(n) // _NEAR
    else:
        groups = given.symbols.of
    grouped = np.argsort(groups, kind="stable")
    for _ in range(_SHUFFLES):
        order = np.empty(n, dtype=np.intp)
        # Sorted by group, and by chance within the group.
        order[grouped] = np.lexsort((rng.random(n), groups))
        yield order


def _estimate(columns: Sequence[Scored], k: int, *, n_jobs: int | None) -> float:
    """Return the estimate for columns of which at least one holds numbers."""
    symbols = [column.symbols for column in columns if column.symbols is not None]
    if len(symbols) == 1 and symbols[0].size.min() == 1:
        # Nothing is known of what is alone in its class.
        kept = symbols[0].size[symbols[0].of] > 1
        if not kept.any():
            return 0.0
        columns = [column.rows(kept) for column in columns]
    size = _together(columns)
    # Samples alone in their cell are dropped where one column has classes, as nothing is known of
    # them. Of several columns that would drop what contradicts a dependence between classes.
    whole = size == 1
    number = np.clip(size - 1, 1, k)
    ks = np.unique(number)
    # A space of classes alone is counted by their sizes, without a search.
    searched = [any(columns[b].symbols is None for b in space) for space in _SPACES]
    found = space_counts(
        [column.block for column in columns],
        ks.tolist(),
        list(compress(_SPACES, searched)),
        strict=True,
        metric="chebyshev",
        algorithm="auto",
        n_jobs=n_jobs,
    )
    counts = found.counts[np.searchsorted(ks, number), :, np.arange(len(size))].T
    # The sample itself is counted as well.
    within = iter(counts + 1)
    psis = []
    for space, search in zip(_SPACES, searched, strict=True):
        inside = _together([columns[b] for b in space])
        psis.append(digamma(np.where(whole, inside, next(within)) if search else inside))
    joint = digamma(np.where(whole, size, number))
    return float(np.mean(joint - psis[0] - psis[1] + psis[2]))


def _entropy(symbols: Symbols) -> float:
    n = len(symbols.of)
    # Correctly rounded, so that neither the order of the rows nor that of the variables matters.
    return math.fsum(grassberger(symbols.size, n) * symbols.size) / n


def _together(columns: Sequence[Scored]) -> NDArray[np.intp]:
    """Return the number of samples that agree with each sample in all classes, itself included."""
    symbols = [column.symbols for column in columns if column.symbols is not None]
    if not symbols:
        n = len(columns[0].block)
        return np.full(n, n)
    cells = reduce(crossed, symbols)
    return cells.size[cells.of]
