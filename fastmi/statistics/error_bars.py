"""Error bars for nearest-neighbour estimates; bench/bench_error_bars.py measures their coverage.

There is no bootstrap, because it draws with replacement, and copies of a sample are at distance 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import INFLATED, run_inflation
from fastmi._cautions import Caution, announce, say
from fastmi._checks import Seed, as_k, check_integer, check_noise, check_search, generator
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, number_of, with_cautions
from fastmi._extras import Progress
from fastmi._tasks import run, streams
from fastmi.estimators._measure import make_measure, method_named, read_samples

# Smallest number of samples per neighbour in the default parts: with fewer, the variance is no
# longer inversely proportional to the number of samples.
_SAMPLES_PER_NEIGHBOR = 10
_MOST_PARTS = 10
# Each repeat keeps an order of all samples in memory.
_MOST_REPEATS = 10_000


@dataclass(frozen=True, kw_only=True)
class SubsampleError:
    """An estimate with its standard error from disjoint parts of the samples.

    Attributes:
        estimate: Estimate from all samples.
        stderr: Standard error of `estimate` in nats.
        parts: Numbers of parts that the samples were cut into, shape (m,).
        means: Mean estimate over the parts, shape (m,), in nats. A drift away from `estimate`
            as parts get smaller shows bias that depends on n, which `stderr` does not contain.
        deviations: Standard deviation over the parts (ddof 1), shape (m,), in nats.
        warnings: Reasons to distrust the estimate or its error, each one sentence; the call that
            made them has issued them as :class:`fastmi.EstimateWarning`.
    """

    estimate: Estimate
    stderr: float
    parts: NDArray[np.int64] = field(repr=False)
    means: NDArray[np.float64] = field(repr=False)
    deviations: NDArray[np.float64] = field(repr=False)
    warnings: tuple[Caution, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        about = ", ".join(number_of(self.warnings))
        return f"{float(self.estimate):.4g} ± {self.stderr:.2g} nats{f' ({about})' * bool(about)}"


@describes_options()
def subsample_error(
    x: object,
    y: object,
    z: object = None,
    *,
    parts: Sequence[int] | None = None,
    repeats: int = 1,
    k: int = 3,
    method: str | None = None,
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
    **options: Any,
) -> SubsampleError:
    """Estimate mutual information and its standard error by subsampling.

    The samples are cut at random into p disjoint parts, for each p of `parts`, without
    replacement. The variance of an estimate from n / p samples is taken as ``p * s2``, and
    s2, the variance of the estimate from all samples, is fitted to the scatter of the parts by
    maximum likelihood (Holmes and Nemenman 2019, https://doi.org/10.1103/PhysRevE.100.022404)::

        s2 = sum_p (p - 1) (var_p / p) / sum_p (p - 1)

    Rows are taken as independent, and a warning says where their order suggests that they are not;
    for time series use :func:`jackknife_error` with long runs.

    Args:
        x: Samples, shape (n, dx) or (n,).
        y: Samples, shape (n, dy) or (n,).
        z: Samples of the condition, shape (n, dz) or (n,); None for no condition.
        parts: Numbers of parts, each at least 2; by default 2 to 10, as far as the parts
            have ``10 k`` samples.
        repeats: Number of times that the samples are cut anew; the variances are averaged.
        k: Number of neighbours, one integer for the parts and the whole.
        method: Name of a method of :func:`fastmi.mi`, by default "ksg1"; with `z` a name of a
            method of :func:`fastmi.cmi`, by default "fp".
        n_jobs: Number of threads, which share the parts; None or -1 as in :func:`fastmi.mi`.
            Networks are trained one after another, by as many threads as torch uses.
        seed: Seed of noise, cuts and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        **options: Further options of the method.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range;
            too few samples for two parts.
    """
    if not isinstance(as_k(k), int):
        raise TypeError(f"k must be one integer; got k={k!r}")
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    cuts = check_integer("repeats", repeats, 1, _MOST_REPEATS)
    rng = generator(seed)
    given = (x, y) if z is None else (x, y, z)
    row = method_named(method, conditional=z is not None)
    blocks = read_samples(row, given, ("x", "y", "z")[: len(given)])
    n = len(blocks[0])
    numbers = _parts(parts, n, int(k))
    measure = make_measure(subsample_error, row, k=k, options=options)
    blocks, cautions = measure.settle(blocks, noise=noise, seed=seed, rng=rng, n_jobs=n_jobs)

    # Row numbers of every part, one cut after another; up to p - 1 samples of a cut are left out.
    rows = []
    for _ in range(cuts):
        for p in numbers:
            rows += np.split(rng.permutation(n)[: n // p * p], p)
    seeds = streams(rng, len(rows))

    def part(number: int, threads: int) -> float:
        own = np.random.default_rng(seeds[number])
        return float(measure([block[rows[number]] for block in blocks], threads, own)[0])

    estimate = with_cautions(measure(blocks, n_jobs, rng)[0], cautions)
    threads = 1 if row.trains else n_jobs
    found = np.array(run(part, len(rows), n_jobs=threads, progress=progress, what="parts"))
    ends = np.cumsum(numbers)[:-1]
    by_cut = [np.split(of_cut, ends) for of_cut in found.reshape(cuts, -1)]
    means = np.array([[own.mean() for own in cut] for cut in by_cut]).mean(axis=0)
    variances = np.array([[_variance(own) for own in cut] for cut in by_cut]).mean(axis=0)
    counts = np.array(numbers, dtype=np.int64)
    of_all = float((variances / counts * (counts - 1)).sum() / (counts - 1).sum())
    result = SubsampleError(
        estimate=estimate,
        stderr=of_all**0.5,
        parts=counts,
        means=means,
        deviations=np.sqrt(variances),
        warnings=(*estimate.warnings, *_of_series(estimate.local), *_of_parts(found)),
    )
    return announce(result)


def _variance(values: NDArray[np.float64]) -> float:
    """Return the variance of estimates with the divisor n - 1, NaN if one of them is infinite."""
    return float(values.var(ddof=1)) if np.isfinite(values).all() else math.nan


def _of_parts(values: NDArray[np.float64]) -> tuple[Caution, ...]:
    """Return a caution if estimates of parts are infinite."""
    infinite = len(values) - int(np.isfinite(values).sum())
    if not infinite:
        return ()
    text = (
        f"the estimates of {infinite} of {len(values)} parts are infinite: their scatter, and the "
        "error with it, has no value"
    )
    return (Caution(text, "infinite"),)


def jackknife_error(estimate: Estimate, *, n_blocks: int | None = None) -> float:
    """Return the standard error of the mean of an estimate's local values, by the jackknife.

    The samples are divided into ``n_blocks`` runs of consecutive samples, which are left out in
    turn. With one sample per run, the default, the result is ``std(local, ddof=1) / sqrt(n)``.
    Long runs allow for the autocorrelation of time series: make them longer than it lasts, and use
    at least 20 of them.

    The local values are not estimated anew without the run, so that the dependence between samples
    with common neighbours is not seen; see :func:`subsample_error`. The error of an infinite
    estimate is NaN.

    Args:
        estimate: An estimate with ``local`` values, shape (n,), in the order of the samples.
        n_blocks: Number of runs, in [2, n]; n by default.

    Warns:
        EstimateWarning: The local values are autocorrelated over more samples than a run has.

    Raises:
        TypeError: `estimate` has no local values, or `n_blocks` is not an integer.
        ValueError: `n_blocks` out of range.
    """
    local = getattr(estimate, "local", None)
    if local is None:
        raise TypeError(
            f"estimate must be an Estimate with local values; got {type(estimate).__name__}"
        )
    n = len(local)
    count = n if n_blocks is None else check_integer("n_blocks", n_blocks, 2)
    if count > n:
        raise ValueError(f"n_blocks must be in [2, n]; got n_blocks={count}, n={n}")
    if not np.isfinite(local).all():
        return math.nan
    say(_of_series(local, n // count))
    edges = np.linspace(0, n, count + 1).astype(np.int64)
    sums = np.add.reduceat(local, edges[:-1])
    without = (local.sum() - sums) / (n - np.diff(edges))
    return float(np.sqrt((count - 1) * without.var()))


def _of_series(local: NDArray[np.float64], run_length: int = 0) -> tuple[Caution, ...]:
    """Return a caution if local values are alike over more rows than the error bar allows for.

    Args:
        local: Local values in the order of the samples, shape (n,).
        run_length: Number of samples that are left out together; 0 where they are drawn at random.
    """
    inflation = run_inflation(local, max(run_length, 1))
    if inflation <= INFLATED:
        return ()
    if not run_length:
        cause, advice = (
            "parts that are drawn at random do not see it",
            "jackknife_error, n_blocks=20",
        )
    elif len(local) // run_length > 20:
        cause, advice = f"runs of {run_length} samples are too short for it", "n_blocks=20"
    else:
        cause, advice = f"even runs of {run_length} samples are too short for it", "a longer series"
    text = (
        "the local values of samples that follow each other are alike, as in time series, and "
        f"{cause}: the error bar is then about {inflation**0.5:.1f} times too small; use {advice}. "
        "If independent rows were sorted afterwards, it is right"
    )
    return (Caution(text, "autocorrelation"),)


def _parts(parts: Sequence[int] | None, n: int, k: int) -> list[int]:
    if parts is not None:
        given: object = parts
        listed = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str | bytes)
        if not listed or getattr(given, "ndim", 1) != 1:
            raise TypeError(
                f"parts must be a sequence of integers; got {parts!r} ({type(parts).__name__})"
            )
        numbers = [check_integer("parts", p, 2) for p in parts]
        if not numbers or n // max(numbers) <= k:
            raise ValueError(
                f"parts must leave more than k samples in each part; got {numbers}, n={n}, k={k}"
            )
        return numbers
    most = min(_MOST_PARTS, n // (_SAMPLES_PER_NEIGHBOR * k))
    if most < 2:
        raise ValueError(
            f"n must be at least {2 * _SAMPLES_PER_NEIGHBOR} k for error bars; got n={n}, k={k}"
        )
    return list(range(2, most + 1))
