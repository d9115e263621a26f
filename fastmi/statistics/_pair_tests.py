"""Permutation tests of many pairs of columns, which share surrogates wherever that is exact.

The distribution of an estimate over all orders of the rows depends on the values of each margin,
and not on which row has which. Every column without classes is a reordering of the same normal
scores, so that all pairs of such columns have one null distribution, which depends on n and k
alone; with a column of classes it depends on the sizes of the classes, too. Each distinct pair of
margins therefore gets one series of surrogates, from which all its pairs take their p-values.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import pair_cautions
from fastmi._cautions import Caution
from fastmi._checks import Seed, check_choice, check_flag, check_integer, generator
from fastmi._extras import Progress, ProgressBar
from fastmi._tasks import MOST_TASKS, run
from fastmi.estimators.auto.kinds import CLASSES
from fastmi.statistics._mixed_pairs import Margin, PairEngine, PairTable
from fastmi.statistics._sequential import SequentialTests
from fastmi.statistics._table_pairs import TablePairs
from fastmi.statistics._variables import Variable, Variables, filled
from fastmi.statistics.multiple import FDR, LargestStatistic, q_values

Floats: TypeAlias = NDArray[np.float64]

AUTO = "auto"
#: The level of the decisions that "auto" makes possible, and that warnings speak of.
ALPHA = 0.05
# Surrogates of "auto" for each pair: a pair that none of them reaches has q = 0.04 by itself.
_PER_PAIR = 25
_LEAST_AUTO = 999
# Surrogates at or above its estimate that end the test of a pair. There are more than for a test by
# itself, because pairs that share a series share its errors, which at the 20th of them are a
# fifth of every p-value, and the series goes on for the rarest of its pairs anyway.
_STOP_AT = 100
# Surrogates that are drawn together; those of a test depend on its seed and on their number alone.
_CHUNK = 64
# Entries of the orders that a thread holds at once: 16 MiB.
_MOST_ENTRIES = 1 << 21
# Surrogates that one round draws of a series that has tests left, at first and at most.
_FIRST, _LARGEST = 64, 1 << 14
# Surrogates of all pairs of a table at which their deviations are known well enough.
_FOR_SCALE = 256


class Plan(NamedTuple):
    """What was asked for about p-values.

    Attributes:
        most: Largest number of surrogates of a pair; 0 for no test, -1 for "auto".
        sequential: Whether tests stop early.
        corrected: Whether p-values of the largest statistic are asked for.
        fdr: The correction of :func:`fastmi.q_values`.
    """

    most: int
    sequential: bool
    corrected: bool
    fdr: str

    def of(self, pairs: int) -> int:
        """Return the largest number of surrogates for a number of pairs."""
        if self.most >= 0:
            return self.most
        return min(max(_LEAST_AUTO, _PER_PAIR * pairs - 1), MOST_TASKS)

    def of_all(self, count: int) -> int:
        """Return the number of surrogates of all pairs, where each pair has at most `count`.

        One p-value of the largest statistic is a decision about all of them.
        """
        return count if self.most >= 0 else min(count, _LEAST_AUTO)


def make_plan(n_permutations: object, sequential: object, corrected: object, fdr: object) -> Plan:
    """Return what was asked for, checked.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of range; `corrected` without permutations.
    """
    check_flag("sequential", sequential)
    check_flag("corrected", corrected)
    check_choice("fdr", fdr, FDR)
    if isinstance(n_permutations, str):
        check_choice("n_permutations", n_permutations, [AUTO])
        count = -1
    else:
        count = check_integer("n_permutations", n_permutations, 0, MOST_TASKS)
    if corrected and not count:
        raise ValueError("corrected must be False without permutations; got n_permutations=0")
    return Plan(count, bool(sequential), bool(corrected), str(fdr))


class PairPValues(NamedTuple):
    """P-values of p pairs for one k, each of shape (p,).

    Attributes:
        p_value: P-values of each pair by itself, NaN where it has no value.
        q_value: The same, corrected by the false discovery rate.
        p_corrected: P-values of the largest statistic, None if not asked for.
        cautions: What is wrong with the tests as a whole.
    """

    p_value: Floats
    q_value: Floats
    p_corrected: Floats | None
    cautions: tuple[Caution, ...]


def p_values_of_pairs(
    source: TablePairs,
    pairs: NDArray[np.int64],
    estimates: list[PairTable],
    plan: Plan,
    *,
    symmetric: bool,
    n_jobs: int | None,
    seed: Seed | None,
    progress: Progress,
) -> list[PairPValues]:
    """Return the p-values of pairs for each k.

    Args:
        source: The columns.
        pairs: Positions of x and of y, shape (p, 2).
        estimates: The estimates of the pairs, for each k.
        plan: What was asked for.
        symmetric: Whether x and y are columns of one table, so that a surrogate of all pairs
            reorders each column by itself; else it reorders the rows of all y together.
        n_jobs: Number of threads.
        seed: Seed of the surrogates.
        progress: As in :func:`fastmi.pairwise_mi`.

    Raises:
        ValueError: The largest statistic is asked for, and pairs have rows of their own.
    """
    if plan.corrected and any(_has_gaps(each) for each in (*source.x, *source.y)):
        raise ValueError(
            "corrected must be False where pairs have rows of their own; got missing values: "
            "missing='drop' gives all pairs the same rows"
        )
    values = np.array([table.values for table in estimates])
    entropy = [int(each) for each in generator(seed).integers(0, 2**63, size=2)]
    tested = int((~np.isnan(values[0])).sum())
    count = plan.of(tested)
    series = _series_of(source, pairs, values, count, _STOP_AT if plan.sequential else 0, entropy)
    _draw(series, n_jobs, progress)
    p = np.full(values.shape, np.nan)
    for each in series:
        for row, tests in enumerate(each.tests):
            p[row, each.numbers] = tests.p_values()
    corrected = (
        _against_largest(
            pairs, values, series, plan.of_all(count), entropy, symmetric, n_jobs, progress
        )
        if plan.corrected
        else None
    )
    found = []
    for row in range(len(values)):
        q = q_values(p[row], plan.fdr)
        own = None if corrected is None else corrected[row]
        cautions = resolution_cautions(count, p[row], q)
        found.append(PairPValues(p[row], q, own, cautions))
    return found


@dataclass
class _Series:
    """One series of surrogates, and the tests that take it.

    Attributes:
        engine: An engine that has a pair with these margins.
        pair: The pair.
        seed: Seed of the series.
        most: Largest number of surrogates.
        numbers: The pairs that are tested with it.
        tests: Their tests, for each k.
        drawn: Number of them so far.
    """

    engine: PairEngine
    pair: tuple[int, int]
    seed: list[int]
    most: int
    numbers: list[int] = field(default_factory=list)
    tests: list[SequentialTests] = field(default_factory=list)
    drawn: int = 0

    @property
    def active(self) -> bool:
        return self.drawn < self.most and not all(test.done for test in self.tests)

    def chunk(self, number: int) -> Floats:
        """Return surrogates ``_CHUNK * number`` and following, shape (_CHUNK, number of k)."""
        rng = np.random.default_rng([*self.seed, number])
        ranks, rows, swapped = self._places
        together = min(_CHUNK, max(1, _MOST_ENTRIES // self.engine.n))
        parts = []
        for begin in range(0, _CHUNK, together):
            orders = _orders(rng, min(together, _CHUNK - begin), self.engine.n)
            if swapped:
                orders = np.argsort(orders, axis=1)
            parts.append(self.engine.reordered(self.pair, rows[orders[:, ranks]], n_jobs=1))
        return np.concatenate(parts)

    @cached_property
    def _places(self) -> tuple[NDArray[np.intp], NDArray[np.intp], bool]:
        """Return the rank of each row in x, the rows of y by rank, and which margin is first.

        Orders are drawn between ranks, so that all pairs of these margins have the same series.
        """
        x, y = self.engine.x[self.pair[0]], self.engine.y[self.pair[1]]
        swapped = _margin(x, 0) > _margin(y, 1)
        return np.argsort(_by_rank(x, 0)), _by_rank(y, 1), swapped


def _series_of(
    source: TablePairs,
    pairs: NDArray[np.int64],
    values: Floats,
    count: int,
    stop_at: int,
    entropy: list[int],
) -> list[_Series]:
    """Return the series of surrogates that serve all pairs which have a value."""
    found: dict[Hashable, _Series] = {}
    for number in np.flatnonzero(~np.isnan(values).any(axis=0)).tolist():
        engine, pair, _ = source.of_pair(pairs[number].tolist())
        key = _margins(engine, pair)
        if key not in found:
            # The series depends on the margins, so that it is the same in any company of pairs.
            digest = blake2b(repr(key).encode(), digest_size=8).digest()
            seed = [*entropy, int.from_bytes(digest, "little")]
            found[key] = _Series(engine, pair, seed, most=count)
        found[key].numbers.append(number)
    for series in found.values():
        series.tests = [SequentialTests(of_k[series.numbers], count, stop_at) for of_k in values]
    return list(found.values())


def _margins(engine: PairEngine, pair: tuple[int, int]) -> Hashable:
    """Return what the null distribution of a pair depends on, beside the numbers of neighbours."""
    both = (_margin(engine.x[pair[0]], 0), _margin(engine.y[pair[1]], 1))
    return (engine.n, *sorted(both))


def _margin(margin: Margin, place: int) -> tuple[str, Any]:
    if margin.variable.kind.name == CLASSES:
        return "classes", tuple(sorted(margin.symbols.size.tolist()))
    if margin.separate:
        return "scores", ()
    # Without noise equal values share a rank, and which ranks are shared differs by column.
    ranks = np.sort(margin.scores(place))
    return "tied", blake2b(ranks.tobytes(), digest_size=16).hexdigest()


def _orders(rng: np.random.Generator, count: int, n: int) -> NDArray[np.int64]:
    """Return random orders of n rows, shape (count, n)."""
    return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)


def _by_rank(margin: Margin, place: int) -> NDArray[np.intp]:
    """Return the rows of a column in ascending order, classes in that of their sizes."""
    if margin.variable.kind.name == CLASSES:
        symbols = margin.symbols
        return np.lexsort((symbols.of, symbols.size[symbols.of]))
    return np.argsort(margin.scores(place), kind="stable")


def _draw(series: list[_Series], n_jobs: int | None, progress: Progress) -> None:
    """Draw surrogates until no test needs more, a few at first and more in each round."""
    size = _FIRST
    with ProgressBar(progress, sum(each.most for each in series), "surrogates") as bar:
        while active := [each for each in series if each.active]:
            tasks = [
                (each, each.drawn // _CHUNK + i)
                for each in active
                for i in range(math.ceil(min(size, each.most - each.drawn) / _CHUNK))
            ]
            _take(tasks, n_jobs, bar)
            size = min(2 * size, _LARGEST)


def _take(tasks: list[tuple[_Series, int]], n_jobs: int | None, bar: ProgressBar) -> None:
    def task(number: int, threads: int) -> Floats:
        del threads
        own, chunk = tasks[number]
        return own.chunk(chunk)

    surrogates = run(task, len(tasks), n_jobs=n_jobs, progress=False, what="surrogates")
    for (own, _), found in zip(tasks, surrogates, strict=True):
        for tests, of_k in zip(own.tests, found.T, strict=True):
            tests.add(of_k)
        own.drawn = min(own.drawn + len(found), own.most)
        for _ in range(len(found)):
            bar.advance()


def cautions_of(tested: PairPValues | None) -> tuple[Caution, ...]:
    """Return what is wrong with tests as a whole; nothing where there were none."""
    return () if tested is None else tested.cautions


def _has_gaps(variable: Variable) -> bool:
    return variable.missing is not None and bool(variable.missing.any())


def serial_cautions(
    found: Sequence[Variables], places: NDArray[np.int64]
) -> dict[int, tuple[Caution, ...]]:
    """Return why surrogates of pairs give too small p-values, by the number of the pair.

    Tables are often sorted by their classes, and then rows that follow each other are alike because
    they are of one class. Where a column has each of its classes in one run of rows, columns are
    looked at less the mean of the class.
    """
    blocks = [np.column_stack([filled(each) for each in own.used]) for own in found]
    for variable in (each for own in found for each in own.used):
        if variable.kind.name == CLASSES and _in_runs(variable.values):
            blocks = [_less_means(block, variable.values) for block in blocks]
            break
    return pair_cautions(blocks, places)


def _in_runs(codes: NDArray[np.intp]) -> bool:
    """Return whether each class has one run of rows."""
    return int(np.count_nonzero(codes[1:] != codes[:-1])) + 1 == len(np.unique(codes))


def _less_means(block: Floats, codes: NDArray[np.intp]) -> Floats:
    """Return the columns less the mean of each class."""
    _, of, size = np.unique(codes, return_inverse=True, return_counts=True)
    of = of.reshape(-1)
    means = [np.bincount(of, column) / size for column in block.T]
    return np.column_stack([column - mean[of] for column, mean in zip(block.T, means, strict=True)])


def resolution_cautions(count: int, p: Floats, q: Floats | None) -> tuple[Caution, ...]:
    """Return a caution where more surrogates might make pairs significant that are not.

    Args:
        count: Largest number of surrogates of a pair.
        p: P-values, of which the smallest that is possible is ``1 / (1 + count)``.
        q: The same, corrected for their number; None without tests.
    """
    if q is None:
        return ()
    lowest = 1.0 / (1.0 + count)
    with np.errstate(invalid="ignore"):
        held_back = int(((p <= lowest) & (q > ALPHA)).sum())
    if not held_back:
        return ()
    tested = int((~np.isnan(p)).sum())
    text = (
        f"{held_back} of {tested} tests have no surrogate that reaches the estimate and still "
        f"q > {ALPHA:g}, because p-values of {count} surrogates are at least {lowest:.2g}: "
        f"n_permutations='auto', or {_PER_PAIR * tested - 1}, can tell"
    )
    return (Caution(text, "resolution"),)


def _against_largest(
    pairs: NDArray[np.int64],
    values: Floats,
    series: list[_Series],
    count: int,
    entropy: list[int],
    symmetric: bool,
    n_jobs: int | None,
    progress: Progress,
) -> Floats:
    """Return the p-values of the largest statistic of all pairs, shape (number of k, p)."""
    engine = series[0].engine  # the only one where nothing is missing
    kept = np.flatnonzero(~np.isnan(values).any(axis=0))
    mean, deviation = np.zeros(values.shape), np.zeros(values.shape)
    for each in series:
        null = np.concatenate([each.chunk(number) for number in range(_FOR_SCALE // _CHUNK)])
        mean[:, each.numbers] = null.mean(axis=0)[:, None]
        deviation[:, each.numbers] = null.std(axis=0)[:, None]
    largest = [
        LargestStatistic(of_k[kept], m[kept], s[kept])
        for of_k, m, s in zip(values, mean, deviation, strict=True)
    ]

    def orders(column: int, begin: int, size: int) -> NDArray[np.int64]:
        return _orders(np.random.default_rng([*entropy, column, begin]), size, engine.n)

    def of_pair(
        begin: int, together: NDArray[np.int64] | None, number: int, threads: int
    ) -> Floats:
        del threads
        i, j = pairs[kept[number]].tolist()
        if together is None:
            # With both columns in other orders, y meets x as in one order of y alone.
            size = min(_CHUNK, count - begin)
            back = np.argsort(orders(i, begin, size), axis=1)
            together = np.take_along_axis(orders(j, begin, size), back, axis=1)
        return engine.reordered((i, j), together)

    with ProgressBar(progress, count, "surrogates of all pairs") as bar:
        for begin in range(0, count, _CHUNK):
            size = min(_CHUNK, count - begin)
            task = partial(of_pair, begin, None if symmetric else orders(0, begin, size))
            found = run(task, len(kept), n_jobs=n_jobs, progress=False, what="pairs")
            for row, of_k in enumerate(largest):
                of_k.add(np.column_stack([each[:, row] for each in found]))
            for _ in range(size):
                bar.advance()
    p = np.full(values.shape, np.nan)
    p[:, kept] = [of_k.p_values() for of_k in largest]
    return p
