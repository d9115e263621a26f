"""Transfer entropy between all series of a table."""

from __future__ import annotations

import math
from collections.abc import Hashable
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import scheme_cautions
from fastmi._cautions import Caution, say
from fastmi._checks import (
    Seed,
    as_k,
    check_choice,
    check_integer,
    check_noise,
    check_search,
    generator,
)
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, with_cautions
from fastmi._extras import Progress
from fastmi._table import TableColumn, read_table
from fastmi._tasks import MOST_TASKS, run, streams
from fastmi.estimators import CMI_METHODS
from fastmi.estimators._lookup import find
from fastmi.estimators._measure import Measure, make_measure, read_samples
from fastmi.estimators._methods import Method, listed
from fastmi.statistics._serial_orders import most_rotations, rotations
from fastmi.statistics._steps import step_cautions
from fastmi.statistics._stopping import read_sequential
from fastmi.statistics._variables import told_apart
from fastmi.statistics.multiple import FDR, q_values
from fastmi.statistics.network import TransferNetwork, summaries
from fastmi.statistics.permutation import p_value
from fastmi.statistics.transfer import delayed

Array = NDArray[Any]
Floats = NDArray[np.float64]

CONDITIONS = ("none", "all")
_ALPHA = 0.05
# Rotations by default where few pairs need no more.
_LEAST = 199
# Columns that a message names in full.
_NAMED = 5


@describes_options(method=listed("cmi"))
def transfer_entropy_network(
    X: object,
    max_lag: int = 1,
    *,
    source_history: int = 1,
    target_history: int = 1,
    condition: str = "none",
    condition_history: int | None = None,
    k: int = 10,
    method: str = "fp",
    n_permutations: int | str = "auto",
    sequential: bool | int = True,
    min_shift: int | None = None,
    fdr: str = "bh",
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
    **options: Any,
) -> TransferNetwork:
    """Estimate the transfer entropy of every ordered pair of columns, and which are links.

    For each source and target, :func:`fastmi.transfer_entropy` is estimated at the lags 1 to
    `max_lag`, all from the same times, and the largest is kept with its lag. The test rotates the
    past of the source against the target and all that is given; each surrogate has its largest
    value over the lags too, so that the choice of the lag costs no level. Q-values then correct for
    the number of pairs.

    Without a condition a link says that the past of the source helps to predict the target, be it
    through other series or because both follow a third one. With ``condition="all"`` the past of
    all other series is given, which leaves direct links. Neighbours see little in so many columns;
    ``method="gaussian"`` sees what is linear.

    Args:
        X: Table, shape (n, m), in an array or a data frame: a series in each column, one row per
            time, at equal steps. Columns that are constant, hold names, or count the rows are left
            out, with a warning.
        max_lag: Largest lag, at least 1.
        source_history: Number of source values, the latest at the lag.
        target_history: Number of values of the target's own past.
        condition: "none", or "all" to give the past of all other columns.
        condition_history: Number of values of each of them; by default `max_lag`, so that no way
            through another series, and no common driver, is later than what is given.
        k: Number of neighbours, one integer. More of them find weak links that are smooth, and miss
            some of fine structure: of linear links with coefficient 0.3 between AR(.5) series of
            400 times, tests at 5 % find 60 % with k = 3, 93 % with 10 and all with 20, and of
            logistic maps coupled by 0.05 all, 98 % and 83 %.
        n_permutations: Number of rotations of each pair; 0 for no p-values. "auto" takes as many
            as a single link needs to be found among all pairs, at least 199, and at most all that
            leave the series far enough from where they were.
        sequential: Whether the test of a pair ends once 20 of its rotations, or as many as are
            given here, have reached the estimate. The p-value is then their number over that of
            the rotations, which is as valid (Besag and Clifford 1991,
            https://doi.org/10.1093/biomet/78.2.301).
        min_shift: Smallest rotation, in either direction. By default that of
            :func:`fastmi.permutation_test`, and more than `max_lag`.
        fdr: Kind of the q-values, see :func:`fastmi.q_values`.
        n_jobs: Number of threads, which share the pairs; None or -1 as in :func:`fastmi.cmi`.
        noise: As in :func:`fastmi.cmi`; it is added once, before the surrogates are made.
        seed: Seed of noise, rotations and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        progress: True shows a bar over the pairs, which needs tqdm; a function is called after
            each.
        **options: Further options of the method.

    Warns:
        EstimateWarning: Columns are left out; the series have trends or change slowly; there are
            too few rotations for a single link to be found.

    Raises:
        TypeError: What is no table, an option of the wrong type or unknown.
        ValueError: Values that are missing or infinite, fewer than two series, too few times, an
            option out of range; more permutations than rotations.
    """
    start_time = perf_counter()
    row = find(CMI_METHODS, method)
    if not isinstance(as_k(k), int):
        raise TypeError(f"k must be one integer; got k={k!r}")
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    check_choice("condition", condition, CONDITIONS)
    check_choice("fdr", fdr, FDR)
    most = check_integer("max_lag", max_lag, 1)
    reach = check_integer("source_history", source_history, 1)
    memory = check_integer("target_history", target_history, 1)
    depth = most if condition_history is None else condition_history
    depth = check_integer("condition_history", depth, 1) if condition == "all" else 0
    count = None if n_permutations == "auto" else _count(n_permutations)
    enough = read_sequential(sequential) or math.inf
    rng = generator(seed)
    measure = make_measure(transfer_entropy_network, row, k=k, options=options)
    steps = step_cautions((X,), ("X",))
    series, names, left_out = _series(X, row)
    begin = max(most + reach - 1, memory, depth)
    n = len(series[0]) - begin
    if n < 2:
        raise ValueError(
            f"X must have more rows than the histories; got n={len(series[0])}, max_lag={most}, "
            f"source_history={reach}, target_history={memory}, condition_history={depth}"
        )
    m = len(series)
    pairs = [(i, j) for i in range(m) for j in range(m) if i != j]
    wanted = max(_LEAST, math.ceil(len(pairs) / _ALPHA)) if count is None else count
    pasts = [delayed(one, range(1, most + reach), begin) for one in series]
    task = _Pairs(
        measure=measure,
        targets=[one[begin:] for one in series],
        sources=[
            [np.ascontiguousarray(past[:, at : at + reach]) for at in range(most)] for past in pasts
        ],
        own=[delayed(one, range(1, memory + 1), begin) for one in series],
        given=[delayed(one, range(1, depth + 1), begin) for one in series] if depth else [],
        wanted=wanted,
        exactly=count is not None,
        enough=enough,
        min_shift=min_shift,
        beyond=most,
        noise=noise,
        seed=seed,
    )
    seeds = streams(rng, len(pairs))
    found = run(
        lambda number, threads: task.of(*pairs[number], seeds[number], threads),
        len(pairs),
        n_jobs=1 if row.trains else n_jobs,
        progress=progress,
        what="pairs",
    )
    tested = wanted > 0

    def matrix(values: list[float]) -> Floats:
        filled = np.full((m, m), np.nan)
        filled[tuple(np.array(pairs).T)] = values
        return filled

    lag = np.zeros((m, m), dtype=np.int64)
    lag[tuple(np.array(pairs).T)] = [each.lag for each in found]
    p = matrix([each.p_value for each in found]) if tested else None
    least = min(each.rotations for each in found)
    cautions = _resolution(least, len(pairs)) if tested else ()
    network = TransferNetwork(
        names=tuple(names),
        lag=lag,
        te=matrix([float(each.estimate) for each in found]),
        stderr=matrix([each.estimate.stderr for each in found]),
        p_value=p,
        q_value=None if p is None else q_values(p, fdr),
        max_lag=most,
        source_history=reach,
        target_history=memory,
        condition=condition,
        condition_history=depth,
        n_permutations=max(each.rotations for each in found),
        n=n,
        method=method,
        k=found[0].estimate.k,
        left_out=left_out,
        cautions=(*_of_left_out(left_out), *steps, *cautions),
        warnings={
            (names[i], names[j]): each.estimate.warnings
            for (i, j), each in zip(pairs, found, strict=True)
            if each.estimate.warnings
        },
        seconds=perf_counter() - start_time,
    )
    say([*network.cautions, *summaries(network)])
    return network


class _Found(NamedTuple):
    """What is kept of a pair."""

    lag: int
    estimate: Estimate
    p_value: float
    rotations: int


class _Pairs(NamedTuple):
    """The embedded series, and how to estimate and test a pair of them.

    Attributes:
        measure: The estimate.
        targets: Values of each series, shape (n, 1).
        sources: Past of each series at each lag, shape (n, source_history).
        own: Past of each series as a target.
        given: Past of each series as a condition; empty without one.
        wanted: Number of rotations.
        exactly: Whether the user gave it.
        enough: Rotations that reach the estimate before the test ends.
        min_shift: Smallest rotation, or None.
        beyond: Largest lag.
        noise: Level of noise, or None.
        seed: Seed that the user gave.
    """

    measure: Measure
    targets: list[Array]
    sources: list[list[Array]]
    own: list[Array]
    given: list[Array]
    wanted: int
    exactly: bool
    enough: float
    min_shift: int | None
    beyond: int
    noise: float | None
    seed: Seed | None

    def of(self, source: int, target: int, seed: list[int], threads: int) -> _Found:
        rng = np.random.default_rng(seed)
        others = [past for at, past in enumerate(self.given) if at not in (source, target)]
        z = np.hstack([self.own[target], *others])
        by_lag: list[list[Array]] = []
        estimates: list[Estimate] = []
        for past in self.sources[source]:
            blocks, ties = self.measure.settle(
                [past, self.targets[target], z],
                noise=self.noise,
                seed=np.random.default_rng(seed) if self.noise else self.seed,
                rng=np.random.default_rng(seed),
                n_jobs=threads,
            )
            by_lag.append(blocks)
            estimates.append(with_cautions(self.measure(blocks, threads, rng)[0], ties))
        values = np.array(estimates, dtype=np.float64)
        best = int(np.argmax(values))
        if not self.wanted:
            return _Found(best + 1, estimates[best], math.nan, 0)
        p, rotations = self._test(by_lag, float(values[best]), rng, threads)
        cautions = scheme_cautions("circular", by_lag[best])
        estimate = with_cautions(estimates[best], (*estimates[best].warnings, *cautions))
        return _Found(best + 1, estimate, p, rotations)

    def _test(
        self, by_lag: list[list[Array]], largest: float, rng: np.random.Generator, threads: int
    ) -> tuple[float, int]:
        """Return the p-value of the largest value over the lags, and the number of rotations."""
        blocks, shift, count = by_lag[0], self.min_shift, self.wanted
        if not self.exactly:
            smallest, possible = most_rotations(blocks, beyond=self.beyond)
            if shift is None:
                shift = smallest
            else:
                possible = len(blocks[0]) + 1 - 2 * check_integer("min_shift", shift, 1)
            count = max(1, min(count, possible))
        reached = made = 0
        for shift_by in rotations(blocks, rng, count, shift, beyond=self.beyond):
            made += 1
            for past, y, z in by_lag:
                rotated = np.roll(past, shift_by, axis=0)
                value = self.measure((rotated, y, z), threads, rng, repeated=True)[0]
                # One comparison, so that ties are seen as in every other test.
                if p_value(largest, np.array([float(value)])) == 1.0:
                    reached += 1
                    break
            if reached >= self.enough:
                return reached / made, count
        return (1 + reached) / (1 + made), count


def _series(X: object, row: Method) -> tuple[list[Array], list[Hashable], dict[Hashable, str]]:
    """Return the series, shape (n, 1) each, their labels, and why others are left out.

    Raises:
        ValueError: Missing values, or fewer than two series.
    """
    columns = read_table(X, "X")
    labels = told_apart([column.label for column in columns])
    gaps = [
        (label, int(column.missing.sum()), int(column.missing.argmax()))
        for label, column in zip(labels, columns, strict=True)
        if column.missing is not None and column.missing.any()
    ]
    if gaps:
        listed_gaps = ", ".join(
            f"{label!r} ({number}, the first in row {first})"
            for label, number, first in gaps[:_NAMED]
        )
        more = f" and {len(gaps) - _NAMED} others" if len(gaps) > _NAMED else ""
        raise ValueError(
            f"X must have no missing values, because rows are equal steps of time; got columns "
            f"with missing values: {listed_gaps}{more}: interpolate short gaps, leave the columns "
            "out, or use a part without gaps"
        )
    left_out: dict[Hashable, str] = {}
    kept: list[tuple[Hashable, Array]] = []
    for label, column in zip(labels, columns, strict=True):
        reason = _no_series(column, row)
        if reason:
            left_out[label] = reason
        else:
            kept.append((label, column.values))
    if len(kept) < 2:
        reasons = "; ".join(f"{label!r}: {reason}" for label, reason in left_out.items())
        raise ValueError(
            f"X must have at least two series; got {len(kept)}"
            f"{f', left out {reasons}' * bool(reasons)}"
        )
    names = [f"column {label!r} of X" for label, _ in kept]
    return (
        read_samples(row, [values for _, values in kept], names),
        [label for label, _ in kept],
        left_out,
    )


def _no_series(column: TableColumn, row: Method) -> str:
    """Return why a column is no series of the network, "" if it is one."""
    if column.problem:
        return column.problem
    values = column.values
    if column.named and not row.takes_classes(0):
        return f"holds names, and method={row.name!r} takes numbers"
    if (values == values[0]).all():
        return "constant"
    if not column.named and len(values) > 2:
        steps = np.diff(values.astype(np.float64))
        if np.isfinite(steps).all() and np.allclose(steps, steps[0], rtol=1e-9, atol=0.0):
            return "changes by equal steps, as a clock or a row number does"
    return ""


def _of_left_out(left_out: dict[Hashable, str]) -> tuple[Caution, ...]:
    if not left_out:
        return ()
    named = [f"{label!r} ({reason})" for label, reason in list(left_out.items())[:_NAMED]]
    more = f" and {len(left_out) - _NAMED} others" if len(left_out) > _NAMED else ""
    return (Caution(f"left out of the network: {', '.join(named)}{more}", "left_out"),)


def _resolution(count: int, pairs: int) -> tuple[Caution, ...]:
    """Return a caution if one link alone could not be found with so many rotations."""
    least = 1.0 / (1 + count)
    needed = math.ceil(pairs * least / _ALPHA - 1e-9)
    if needed <= 1:
        return ()
    what = (
        f"q <= {_ALPHA} takes at least {needed} of {pairs} pairs with it, and fewer links are not "
        "found"
        if needed <= pairs
        else f"no pair can have q <= {_ALPHA}"
    )
    text = (
        f"with {count} rotations the smallest p-value is {least:.2g}, so that {what}: use more "
        "rotations, of which longer series have more, or fewer columns"
    )
    return (Caution(text, "resolution"),)


def _count(n_permutations: object) -> int:
    if isinstance(n_permutations, str):
        raise ValueError(
            f"n_permutations must be an integer or 'auto'; got n_permutations={n_permutations!r}"
        )
    return check_integer("n_permutations", n_permutations, 0, MOST_TASKS)
