"""Lagged mutual information of time series, and its test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastmi import api
from fastmi._autocorrelation import row_order, scheme_cautions
from fastmi._cautions import Caution, announce, quiet
from fastmi._checks import Seed, as_k, check_integer, generator, k_list
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, with_cautions
from fastmi._extras import Progress
from fastmi._tasks import MOST_TASKS, run, streams
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import check_options, find
from fastmi.estimators._measure import given, make_measure, read_samples, values
from fastmi.estimators._methods import Method, listed
from fastmi.statistics._serial_orders import rotations
from fastmi.statistics._steps import step_cautions
from fastmi.statistics.lagged import LaggedMI, corrected
from fastmi.statistics.permutation import p_value, permutation_test

Array = NDArray[Any]

# Below this share of effective rows the bias of independent series exceeds the error bar: AR(.95),
# n = 1000, k = 3 has .08 nats at a share of .06, AR(.9) .03 at .12, and AR(.5) .01 at .6.
_SLOW = 0.25
# Product of the persistences of two series that are not yet that slow: .3 at the share of .25 for
# autoregressive ones, .1 at AR(.5).
_PERSISTENT = 0.2


@describes_options(method=listed("mi"))
def lagged_mi(
    x: object,
    y: object,
    lags: int | Sequence[int] | NDArray[np.integer[Any]],
    *,
    method: str = "ksg1",
    n_permutations: int = 0,
    min_shift: int | None = None,
    n_jobs: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
    **options: Any,
) -> Any:
    """Estimate I(X_t; Y_{t + lag}) in nats, and test whether it is zero.

    The test compares with surrogates in which the whole series x is rotated, so that each series
    keeps its autocorrelation and loses the other; all lags share the surrogates.

    Args:
        x: Series, shape (n, dx) or (n,), one row per time, at equal steps.
        y: Series, shape (n, dy) or (n,).
        lags: One lag, or a sequence of different ones; at positive lags x is earlier than y. Each
            lag uses the ``n - abs(lag)`` times that both series have.
        n_permutations: Number of rotations for the p-values; 0 for no p-values.
        min_shift: Smallest rotation, in either direction. By default that of
            :func:`fastmi.permutation_test`, and more than the distance between the lags, so that no
            rotation brings one of them onto another, as far as enough rotations are left.
        n_jobs: Number of threads, which share the rotations; None or -1 as in :func:`fastmi.mi`.
        seed: Seed of noise, rotations and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        progress: True shows a bar over the rotations, which needs tqdm; a function is called after
            each.
        **options: Further options of :func:`fastmi.mi`. Where the series move slowly,
            ``theiler=w`` keeps samples within w time steps of each other from being neighbours; it
            adds about ``2 w / n`` nats, see :class:`fastmi.KSG`.

    Returns:
        A :class:`fastmi.LaggedMI`, whose ``result[lag]`` is the :class:`fastmi.Estimate` of a lag,
        or a list of it if `k` is a sequence. One lag without `n_permutations` gives what
        :func:`fastmi.mi` returns.

    Warns:
        EstimateWarning: The series change slowly; the index of a pandas series has unequal steps.

    Raises:
        TypeError: Series that are not real numbers, lags that are not integers.
        ValueError: Series of wrong shape or length or not finite, which includes gaps; an index of
            times that repeat or go backwards; no lag, one that occurs twice or that leaves no more
            than `k` times; more permutations than rotations.
    """
    row = find(MI_METHODS, method)
    count = check_integer("n_permutations", n_permutations, 0, MOST_TASKS)
    if not count:
        options |= given(n_jobs=n_jobs, seed=seed)
    check_options(lagged_mi, row, options)
    pair = read_samples(row, (x, y), ("x", "y"))
    steps = step_cautions((x, y), ("x", "y"))
    # 0-d arrays cannot be iterated over.
    several = isinstance(lags, Sequence | np.ndarray) and getattr(lags, "ndim", 1) != 0
    listed_lags = cast("Sequence[object]", lags) if several else (lags,)
    most = max(k_list(as_k(options.get("k", 3)), len(pair[0]))) if row.searches else 1
    shifts = [_as_lag(lag, len(pair[0]), most) for lag in listed_lags]
    if not shifts:
        raise ValueError("lags must name at least one lag; got none")
    twice = [lag for place, lag in enumerate(shifts) if lag in shifts[:place]]
    if twice:
        raise ValueError(f"lags must be different from each other; got {twice[0]} twice")
    if count:
        return _tested(pair, shifts, count, min_shift, row, options, n_jobs, seed, progress, steps)
    cautions = (*_slow(pair, row, options), *steps)
    by_lag: list[list[Estimate]] = []
    for lag in shifts:
        with quiet():
            found = api.mi(*_at(lag, *pair), method=method, **options)
        each_k = found if isinstance(found, list) else [found]
        by_lag.append([with_cautions(each, (*each.warnings, *cautions)) for each in each_k])
    one_k = isinstance(as_k(options.get("k", 3)), int)
    if not several:
        announce(by_lag[0])
        return by_lag[0][0] if one_k else by_lag[0]
    results = [
        LaggedMI(lags=np.array(shifts, dtype=np.int64), estimates=of_k, warnings=_kinds(of_k))
        for of_k in zip(*by_lag, strict=True)
    ]
    announce(results)
    return results[0] if one_k else results


def _kinds(estimates: Sequence[Estimate]) -> tuple[Caution, ...]:
    """Return one of the cautions of each kind."""
    return tuple({each.kind: each for one in estimates for each in one.warnings}.values())


def _tested(
    pair: list[Array],
    lags: list[int],
    count: int,
    min_shift: int | None,
    row: Method,
    options: dict[str, Any],
    n_jobs: int | None,
    seed: Seed | None,
    progress: Progress,
    steps: tuple[Caution, ...],
) -> LaggedMI | list[LaggedMI]:
    """Return the test of all lags, or a list of it if `k` is a sequence."""
    options = dict(options)
    k = options.pop("k", 3)
    noise = options.pop("noise", None)
    rng = generator(seed)
    measure = make_measure(permutation_test, row, k=k, options=options)
    pair, ties = measure.settle(pair, noise=noise, seed=seed, rng=rng, n_jobs=n_jobs)
    shifts = rotations(pair, rng, count, min_shift, beyond=max(lags) - min(lags))
    seeds = streams(rng, count)

    def at_all_lags(x: Array, threads: int | None, own: np.random.Generator) -> list[Any]:
        return [measure(_at(lag, x, pair[1]), threads, own) for lag in lags]

    def surrogate(number: int, threads: int) -> NDArray[np.float64]:
        rotated = np.roll(pair[0], shifts[number], axis=0)
        found = at_all_lags(rotated, threads, np.random.default_rng(seeds[number]))
        return np.array([values(of_lag) for of_lag in found])

    estimates = [
        [with_cautions(each, ties) for each in of_lag]
        for of_lag in at_all_lags(pair[0], n_jobs, rng)
    ]
    threads = 1 if row.trains else n_jobs
    null = np.array(run(surrogate, count, n_jobs=threads, progress=progress, what="rotations"))
    cautions = (*scheme_cautions("circular", pair), *steps)
    results = []
    for of_k, own_null in zip(zip(*estimates, strict=True), np.moveaxis(null, 2, 0), strict=True):
        observed = values(list(of_k))
        results.append(
            LaggedMI(
                lags=np.array(lags, dtype=np.int64),
                estimates=of_k,
                p_value=np.array(
                    [p_value(v, own) for v, own in zip(observed, own_null.T, strict=True)]
                ),
                p_corrected=corrected(observed, own_null),
                null=np.ascontiguousarray(own_null),
                warnings=(*_kinds(of_k), *cautions),
            )
        )
    announce(results)
    return results[0] if isinstance(as_k(k), int) else results


def _slow(pair: list[Array], row: Method, options: dict[str, Any]) -> tuple[Caution, ...]:
    """Return why the values of slow series and their error bars are wrong, if they are."""
    # Most series are not slow, and a short estimate takes less time than their full look.
    if _persistence(pair[0]) * _persistence(pair[1]) < _PERSISTENT:
        return ()
    order = row_order(pair)
    if order.effective > _SLOW * order.n:
        return ()
    raised = advice = ""
    if "theiler" in row.options and not options.get("theiler"):
        raised = ", and samples near in time, which are near in value anyway, raise the value"
        advice = "; theiler=w leaves neighbours within w time steps out"
    text = (
        f"x and y change slowly: n={order.n} rows scatter like {order.effective} independent ones, "
        f"so that the error bar is too small{raised}{advice}; n_permutations=200 gives p-values "
        "that allow for it"
    )
    return (Caution(text, "autocorrelation"),)


def _persistence(series: Array) -> float:
    """Return how often rows that follow each other are on the same side of a column's mean.

    It is the autocorrelation at lag 1 of "above the mean", of the column where it is largest.
    """
    # In units of a power of two, in which sums do not overflow.
    near = np.ldexp(series, -np.frexp(np.abs(series).max(axis=0))[1])
    above = near > near.mean(axis=0)
    share = above.mean(axis=0)
    both = (above[1:] & above[:-1]).mean(axis=0)
    spread = share * (1.0 - share)
    return float(((both - share**2) / np.where(spread > 0, spread, 1.0)).max())


def _as_lag(lag: object, n: int, k: int) -> int:
    shift = check_integer("lags", lag, 2 - n)
    if shift > n - 2:
        raise ValueError(f"lags must be in [2 - n, n - 2]; got {shift}, n={n}")
    if n - abs(shift) <= k:
        raise ValueError(f"lags must leave more than k times; got {shift}, n={n}, k={k}")
    return shift


def _at(lag: int, x: Array, y: Array) -> tuple[Array, Array]:
    """Return the rows x[t] and y[t + lag] of all times t that both series have."""
    n = len(x)
    return (x[: n - lag], y[lag:]) if lag >= 0 else (x[-lag:], y[: n + lag])
