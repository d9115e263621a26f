"""Mutual information of many pairs of columns of any kind, each pair by the method of its kinds.

Three methods serve all pairs, and all are on one scale. Columns that are no classes are replaced by
their normal scores, where the order of equal values is drawn at random, so that any of them is a
reordering of the same numbers:

- both continuous or mixtures: "ksg1" of the normal scores, all pairs in one call of the kernel;
- one with classes: "ross" of the normal scores and the classes;
- both with classes: "discrete".

What depends on one column alone is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import Seed, generator
from fastmi._inputs import jitter
from fastmi._pool import heed_stop
from fastmi._symbols import Symbols
from fastmi._tasks import run
from fastmi.estimators.auto.kinds import CLASSES, method_of_columns
from fastmi.estimators.discrete import Discrete
from fastmi.estimators.neighbors._settle import copies_cautions, tied_caution
from fastmi.estimators.neighbors._ties import TIED_SHARE, repeated_share
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.estimators.neighbors.mixed import ClassMembers, Ross
from fastmi.normalize import copula
from fastmi.ops.coincidences import coincidences
from fastmi.ops.digamma import psi
from fastmi.ops.knn import sorts_pairs
from fastmi.ops.ross import ross_estimates
from fastmi.ops.surrogates import surrogate_means
from fastmi.statistics._pairs import estimate_settled
from fastmi.statistics._scores import scores_of
from fastmi.statistics._variables import Variable

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Notes: TypeAlias = tuple[Caution, ...]
Report: TypeAlias = Callable[[int], object]

#: The estimator of two columns of classes.
DISCRETE = Discrete(correction="chance")


class PairTable(NamedTuple):
    """Estimates of p pairs for one k; warnings are listed by the number of the pair.

    Attributes:
        k: Number of neighbours.
        values: Nats, NaN where a pair has too few rows, shape (p,).
        stderr: Standard errors in nats, shape (p,).
        n: Rows that were used, shape (p,).
        warnings: Pairs without any are left out.
    """

    k: int
    values: Floats
    stderr: Floats
    n: NDArray[np.int64]
    warnings: dict[int, Notes]


@dataclass
class Margin:
    """What depends on one column alone, computed when it is first asked for.

    Attributes:
        variable: The column, without missing values.
        seed: Seed of the order of equal values.
        separate: Whether equal values are separated; else they share their mean rank.
    """

    variable: Variable
    seed: Seed | None
    separate: bool = True
    _scores: dict[int, Floats] = field(default_factory=dict)
    _symbols: Symbols | None = None
    _classes: ClassMembers | None = None
    _tied: bool | None = None
    _entropy: float | None = None
    _repeats: bool | None = None

    @property
    def repeats(self) -> bool:
        """Whether so many values repeat that rows may be copies of one another."""
        if self._repeats is None:
            self._repeats = coincidences([_block(self.variable.values)]).copies
        return self._repeats

    @property
    def entropy(self) -> float:
        """The entropy in nats of a column of classes, NaN of another."""
        if self.variable.kind.name != CLASSES:
            return float("nan")
        if self._entropy is None:
            self._entropy = DISCRETE.entropy_of(self.symbols)
        return self._entropy

    @property
    def symbols(self) -> Symbols:
        """The classes of a column of classes."""
        if self._symbols is None:
            codes = self.variable.values
            self._symbols = Symbols(codes, np.bincount(codes))
        return self._symbols

    @property
    def classes(self) -> ClassMembers:
        """The classes of a column of classes, and the samples of each."""
        if self._classes is None:
            self._classes = ClassMembers.of(self.symbols)
        return self._classes

    def scores(self, place: int) -> Floats:
        """Return the normal scores, shape (n,), of a column that has no classes.

        Equal values are put in an order that is drawn for each place in a pair, because the same
        order in both columns of a pair would be dependence.

        Args:
            place: 0 for x, 1 for y of a pair.
        """
        if self._tied is False:
            place = 0
        found = self._scores.get(place)
        if found is None:
            found = self._scores[place] = self._scored(place)
        return found

    def _scored(self, place: int) -> Floats:
        values = self.variable.values
        if not self.separate:
            return copula(values)[:, 0]
        # The noise that the estimators add to separate equal values puts them in this order.
        scores, self._tied = scores_of(values, self.seed, place)
        return scores


class PairEngine:
    """Estimates pairs of columns without missing values.

    Pairs are given as the positions (i, j) of x among `x` and of y among `y`.

    Args:
        x: Columns in the first place of a pair.
        y: Columns in the second place; the same list as `x` for pairs within a table.
        ks: Numbers of neighbours.
        noise: As in :func:`fastmi.mi`, except that None always separates equal values.
        seed: Seed of the noise.
    """

    def __init__(
        self,
        x: Sequence[Variable],
        y: Sequence[Variable],
        *,
        ks: tuple[int, ...],
        noise: float | None = None,
        seed: Seed | None = None,
    ) -> None:
        self.ks = ks
        self.n = len(x[0].values)
        self._noise = noise
        self._seed = seed
        same = y is x
        self.x = self._margins(x)
        self.y = self.x if same else self._margins(y)
        self._ross = Ross(k=ks, n_jobs=1, noise=0.0)
        self._ksg = KSG(k=ks, n_jobs=1, noise=0.0)

    def _margins(self, variables: Sequence[Variable]) -> list[Margin]:
        noise = self._noise
        if noise:
            rng = generator(self._seed)
            variables = [
                variable
                if variable.kind.name == CLASSES
                else Variable(
                    variable.label,
                    jitter([variable.values.reshape(-1, 1)], noise, rng)[0][:, 0],
                    None,
                    variable.kind,
                )
                for variable in variables
            ]
        return [Margin(variable, self._seed, noise != 0.0) for variable in variables]

    def method(self, pair: Sequence[int]) -> str:
        """Return the name of the method of a pair."""
        i, j = pair
        return method_of_columns(self.x[i].variable.kind, self.y[j].variable.kind)

    def estimate(
        self, pairs: NDArray[np.int64], *, n_jobs: int | None, report: Report
    ) -> list[PairTable]:
        """Return the estimates of the pairs, shape (p, 2), for each k.

        Args:
            pairs: Positions of x and of y.
            n_jobs: Number of threads.
            report: Function that is called with numbers of pairs that have been done.
        """
        values = np.empty((len(self.ks), len(pairs)))
        stderr = np.empty((len(self.ks), len(pairs)))
        warnings: list[dict[int, Notes]] = [{} for _ in self.ks]
        methods = np.array([self.method(pair) for pair in pairs.tolist()])
        at_once = np.flatnonzero(methods == "ksg1")
        if len(at_once) and sorts_pairs(self.n, max(self.ks)):
            found = self._ksg_at_once(pairs[at_once], n_jobs, report)
            for row, own in enumerate(found):
                values[row, at_once], stderr[row, at_once] = own.values, own.stderr
                warnings[row].update((int(at_once[p]), notes) for p, notes in own.warnings.items())
        else:
            at_once = at_once[:0]
        rest = np.setdiff1d(np.arange(len(pairs)), at_once)

        def one(number: int, threads: int) -> list[tuple[float, float, Notes]]:
            del threads
            found = self.of_pair(pairs[rest[number]].tolist())
            report(1)
            return found

        for number, cells in zip(
            rest.tolist(),
            run(one, len(rest), n_jobs=n_jobs, progress=False, what="pairs"),
            strict=True,
        ):
            for row, (value, error, notes) in enumerate(cells):
                values[row, number], stderr[row, number] = value, error
                if notes:
                    warnings[row][number] = notes
        n = np.full(len(pairs), self.n, dtype=np.int64)
        return [
            PairTable(k, *own, n, warned)
            for k, own, warned in zip(
                self.ks, zip(values, stderr, strict=True), warnings, strict=True
            )
        ]

    def of_pair(self, pair: Sequence[int]) -> list[tuple[float, float, Notes]]:
        """Return value, standard error and warnings of one pair for each k."""
        x, y = self.x[pair[0]], self.y[pair[1]]
        method = self.method(pair)
        if method == "discrete":
            return [_discrete(x, y)] * len(self.ks)
        if method == "ross":
            return self._of_classes(*_continuous_first(x, y))
        found, _ = self._ksg._terms([_block(x.scores(0)), _block(y.scores(1))], self.ks)
        notes = (*self._copies(x, y), *self._left_tied(x, y))
        return [_cell(terms, self.n, notes) for terms in found]

    def _of_classes(self, x: Margin, y: Margin) -> list[tuple[float, float, Notes]]:
        found = self._ross.of_members(_block(x.scores(0)), y.classes)
        notes = self._left_tied(x)
        n = int(y.classes.kept.sum())
        return [_cell(terms, n, notes) for terms in found]

    def _ksg_at_once(
        self, pairs: NDArray[np.int64], n_jobs: int | None, report: Report
    ) -> list[Any]:
        """Return the estimates of pairs of columns without classes, all in one call."""
        # Columns without ties have the same scores in both places, and are kept once.
        numbers: dict[int, int] = {}
        columns: list[Floats] = []
        placed = np.empty_like(pairs)
        for side, margins in enumerate((self.x, self.y)):
            positions = np.zeros(len(margins), dtype=np.int64)
            for j in np.unique(pairs[:, side]).tolist():
                scores = margins[j].scores(side)
                positions[j] = numbers.setdefault(id(scores), len(columns))
                if positions[j] == len(columns):
                    columns.append(scores)
            placed[:, side] = positions[pairs[:, side]]
        done = 0

        def told(total: int) -> None:
            nonlocal done
            report(total - done)
            done = total

        cautions = []
        for i, j in pairs.tolist():
            both = self.x[i], self.y[j]
            cautions.append((*self._copies(*both), *self._left_tied(*both)))
        found = estimate_settled(
            self._ksg, [np.column_stack(columns)], placed, cautions, n_jobs, told
        )
        told(len(pairs))
        return found

    def _copies(self, *margins: Margin) -> Notes:
        """Return a caution if rows of two columns without classes are copies of one another."""
        if not all(margin.repeats for margin in margins):
            return ()
        return copies_cautions([_block(margin.variable.values) for margin in margins])

    def _left_tied(self, *margins: Margin) -> Notes:
        """Return a caution if noise=0 leaves values of columns without classes tied."""
        if self._noise != 0.0:
            return ()
        share = max(repeated_share([_block(margin.variable.values)]) for margin in margins)
        return (tied_caution(share),) if share > TIED_SHARE else ()

    def reordered(
        self, pair: Sequence[int], orders: NDArray[np.int64], *, n_jobs: int | None = 1
    ) -> Floats:
        """Return the values of a pair whose y is put in other orders, shape (len(orders), ks).

        Args:
            pair: Positions of x and of y.
            orders: Permutations of the rows, shape (s, n).
            n_jobs: Number of threads.
        """
        x, y = self.x[pair[0]], self.y[pair[1]]
        found: Floats
        method = self.method(pair)
        if method == "ksg1":
            waiting = iter([np.ascontiguousarray(orders, dtype=np.int64), None])
            # The kernel reorders its first argument, and the estimate is symmetric.
            means, _ = surrogate_means(
                _block(y.scores(1)),
                _block(x.scores(0)),
                self.ks,
                partial(next, waiting),
                metric="chebyshev",
                algorithm="auto",
                n_jobs=n_jobs,
            )
            constants = np.array([psi(k) + psi(self.n) for k in self.ks])
            found = constants - means
            return found
        if method == "discrete":
            entropies = (x.entropy, y.entropy)
            every = []
            for order in orders:
                heed_stop()
                shuffled = Symbols(y.symbols.of[order], y.symbols.size)
                every.append(DISCRETE.reordered_value(x.symbols, shuffled, entropies))
            return np.repeat(np.array(every)[:, None], len(self.ks), axis=1)
        first, second = _continuous_first(x, y)
        scores = first.scores(0)
        ascending = np.argsort(scores, kind="stable")
        codes = second.symbols.of.astype(np.int64, copy=False)
        # The classes in the order of the scores. Sample i has x[i] and y[order[i]].
        if first is x:
            labels = codes[np.take(orders, ascending, axis=1)]
        else:
            rank = np.empty_like(ascending)
            rank[ascending] = np.arange(self.n)
            labels = np.empty(orders.shape, dtype=np.int64)
            np.put_along_axis(labels, rank[orders], codes[np.newaxis], axis=1)
        found = ross_estimates(scores[ascending], labels, self.ks, n_jobs=n_jobs).T
        return found


def _continuous_first(x: Margin, y: Margin) -> tuple[Margin, Margin]:
    return (y, x) if x.variable.kind.name == CLASSES else (x, y)


def _block(column: Array) -> Array:
    return np.ascontiguousarray(column).reshape(-1, 1)


def _cell(terms: Any, n: int, notes: Notes) -> tuple[float, float, Notes]:
    if terms.summed is not None:
        mean, std = terms.summed
    else:
        mean, std = float(terms.local.mean()), float(terms.local.std())
    warnings = terms.warnings() if callable(terms.warnings) else terms.warnings
    return mean, std / n**0.5, (*notes, *warnings)


def _discrete(x: Margin, y: Margin) -> tuple[float, float, Notes]:
    return DISCRETE.of_symbols(x.symbols, y.symbols, entropies=(x.entropy, y.entropy))
