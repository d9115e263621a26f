"""Lagged mutual information of time series, and its test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fastmi import api
from fastmi._autocorrelation import row_order, scheme_cautions
from fastmi._cautions import Caution, announce, quiet
from fastmi._checks import Seed, as_k, check_integer, generator, k_list
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, number_of, with_cautions
from fastmi._extras import Progress
from fastmi._tasks import MOST_TASKS, run, streams
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import check_options, find
from fastmi.estimators._measure import given, make_measure, read_samples, values
from fastmi.estimators._methods import Method, listed
from fastmi.statistics._serial_orders import rotations
from fastmi.statistics.permutation import p_value, permutation_test

Array = NDArray[Any]

# Below this share of effective rows the bias of independent series exceeds the error bar: AR(.95),
# n = 1000, k = 3 has .08 nats at a share of .06, AR(.9) .03 at .12, and AR(.5) .01 at .6.
_SLOW = 0.25
# Product of the persistences of two series that are not yet that slow: .3 at the share of .25 for
# autoregressive ones, .1 at AR(.5).
_PERSISTENT = 0.2

# A number of nats that stands for infinity, and whose square is finite.
_HUGE = 1e100


@dataclass(frozen=True, kw_only=True)
class LaggedMI:
    """Mutual information at several lags, with a permutation test of each and of all together.

    ``print`` shows a table with a line for each lag.

    Attributes:
        lags: The lags, shape (m,).
        estimates: Estimate of each lag, m of them.
        p_value: P-value of each lag alone, shape (m,).
        p_corrected: P-value of each lag among all of them, shape (m,): a dependence at any lag is
            found at the level 5 % where the smallest is at most .05. It compares with the largest
            value that a surrogate has at any lag, each lag in deviations of its own surrogates
            (Westfall and Young 1993, the step of the largest statistic).
        null: Values of the surrogates in nats, shape (n_permutations, m).
        warnings: Reasons to distrust the result, each one sentence.
    """

    lags: NDArray[np.int64]
    estimates: tuple[Estimate, ...] = field(repr=False)
    p_value: NDArray[np.float64]
    p_corrected: NDArray[np.float64]
    null: NDArray[np.float64] = field(repr=False)
    warnings: tuple[Caution, ...] = field(default=(), repr=False)

    @property
    def mi(self) -> NDArray[np.float64]:
        """The estimates in nats, shape (m,)."""
        return np.array(self.estimates, dtype=np.float64)

    def __len__(self) -> int:
        return len(self.lags)

    def __str__(self) -> str:
        rows = [
            f"{lag:6d} {float(estimate):10.4g} {estimate.stderr:8.2g} {p:8.3g} {corrected:11.3g}"
            for lag, estimate, p, corrected in zip(
                self.lags, self.estimates, self.p_value, self.p_corrected, strict=True
            )
        ]
        head = f"{'lag':>6} {'nats':>10} {'stderr':>8} {'p':>8} {'p corrected':>11}"
        about = ", ".join([f"{len(self.null)} rotations", *number_of(self.warnings)])
        return "\n".join([head, *rows, about])


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
        lags: One lag, or a sequence of them; at positive lags x is earlier than y. Each lag uses
            the ``n - abs(lag)`` times that both series have.
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
        What :func:`fastmi.mi` returns, or a list of it if `lags` is a sequence. With
        `n_permutations` a :class:`fastmi.LaggedMI`, or a list of it if `k` is a sequence.

    Raises:
        TypeError: Series that are not real numbers, lags that are not integers.
        ValueError: Series of wrong shape or length or not finite, which includes gaps; a lag that
            leaves no more than `k` times; more permutations than rotations.
    """
    row = find(MI_METHODS, method)
    count = check_integer("n_permutations", n_permutations, 0, MOST_TASKS)
    if not count:
        options |= given(n_jobs=n_jobs, seed=seed)
    check_options(lagged_mi, row, options)
    pair = read_samples(row, (x, y), ("x", "y"))
    # 0-d arrays cannot be iterated over.
    several = isinstance(lags, Sequence | np.ndarray) and getattr(lags, "ndim", 1) != 0
    listed_lags = cast("Sequence[object]", lags) if several else (lags,)
    most = max(k_list(as_k(options.get("k", 3)), len(pair[0]))) if row.searches else 1
    shifts = [_as_lag(lag, len(pair[0]), most) for lag in listed_lags]
    if count:
        if not shifts:
            raise ValueError("lags must name at least one lag to test; got none")
        return _tested(pair, shifts, count, min_shift, row, options, n_jobs, seed, progress)
    cautions = _slow(pair, row, options)
    found = []
    for lag in shifts:
        with quiet():
            found.append(api.mi(*_at(lag, *pair), method=method, **options))
    announce(
        [
            with_cautions(each, (*each.warnings, *cautions))
            for of_lag in found
            for each in (of_lag if isinstance(of_lag, list) else [of_lag])
        ]
    )
    return found if several else found[0]


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
    cautions = scheme_cautions("circular", pair)
    results = []
    for of_k, own_null in zip(zip(*estimates, strict=True), np.moveaxis(null, 2, 0), strict=True):
        observed = values(list(of_k))
        kinds = {each.kind: each for estimate in of_k for each in estimate.warnings}
        results.append(
            LaggedMI(
                lags=np.array(lags, dtype=np.int64),
                estimates=of_k,
                p_value=np.array(
                    [p_value(v, own) for v, own in zip(observed, own_null.T, strict=True)]
                ),
                p_corrected=_corrected(observed, own_null),
                null=np.ascontiguousarray(own_null),
                warnings=(*kinds.values(), *cautions),
            )
        )
    announce(results)
    return results[0] if isinstance(as_k(k), int) else results


def _corrected(observed: NDArray[np.float64], null: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the p-value of each lag against the largest of all lags.

    Each lag is brought to mean 0 and deviation 1 over the surrogates and the samples together,
    because long lags have fewer times and scatter more; the samples then take no part that a
    surrogate does not.
    """
    # Infinite values are the limit of large ones, beside which the others are equal.
    table = np.clip(np.vstack([observed, null]), -_HUGE, _HUGE)
    deviations = table.std(axis=0)
    differ = deviations > 1e-12  # less is rounding
    scaled = np.where(differ, table - table.mean(axis=0), 0.0) / np.where(differ, deviations, 1.0)
    largest = scaled[1:].max(axis=1)
    return np.array([p_value(float(value), largest) for value in scaled[0]])


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
