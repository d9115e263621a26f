"""Error bars for nearest-neighbour estimates; bench/bench_error_bars.py measures their coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce, say
from fastmi._checks import Seed, as_k, check_integer, check_noise, check_search, generator
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, number_of, with_cautions
from fastmi._extras import Progress
from fastmi._results import Table, plain
from fastmi.estimators._halves import HALVES, add_error, of_series
from fastmi.estimators._measure import make_measure, method_named, read_samples

_MOST_HALVES = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class SubsampleError(Table):
    """An estimate with its standard error from random halves of the samples.

    Attributes:
        estimate: Estimate from all samples, with this error as its ``stderr``.
        halves: Estimates from the halves, shape (number of halves,), in nats. Where their mean is
            away from `estimate`, the estimate has a bias that depends on n, which `stderr` does
            not contain; see :func:`fastmi.size_curve`.
    """

    estimate: Estimate
    halves: NDArray[np.float64] = field(repr=False)

    @property
    def stderr(self) -> float:
        """Standard error of `estimate` in nats, the standard deviation of `halves`."""
        return self.estimate.stderr

    @property
    def warnings(self) -> tuple[Caution, ...]:
        """Reasons to distrust the estimate or its error, each one sentence.

        The call that made them has issued them as :class:`fastmi.EstimateWarning`.
        """
        return self.estimate.warnings

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the arrays of the estimate, as JSON-able values."""
        record: dict[str, Any] = plain(
            {
                "estimate": self.estimate.to_dict(),
                "stderr": self.stderr,
                "halves": self.halves,
                "warnings": self.warnings,
            }
        )
        return record

    def _rows(self) -> dict[str, Sequence[Any]]:
        row = {
            "value": float(self.estimate),
            "stderr": self.stderr,
            "halves_mean": float(self.halves.mean()),
            "halves": len(self.halves),
            "method": self.estimate.method,
            "k": self.estimate.k,
            "n": self.estimate.n,
            "warnings": "; ".join(self.warnings),
        }
        return {name: [value] for name, value in row.items()}

    def _about(self) -> dict[str, Any]:
        return {"error from halves": str(self)}

    def __str__(self) -> str:
        about = ", ".join(number_of(self.warnings))
        return f"{float(self.estimate):.4g} ± {self.stderr:.2g} nats{f' ({about})' * bool(about)}"


@overload
def subsample_error(
    x: object,
    y: object,
    z: object = ...,
    *,
    halves: int = ...,
    k: int = ...,
    method: str | None = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    progress: Progress = ...,
    **options: Any,
) -> SubsampleError: ...


@overload
def subsample_error(
    x: object,
    y: object,
    z: object = ...,
    *,
    halves: int = ...,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str | None = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    progress: Progress = ...,
    **options: Any,
) -> list[SubsampleError]: ...


@describes_options()
def subsample_error(
    x: object,
    y: object,
    z: object = None,
    *,
    halves: int = HALVES,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str | None = None,
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
    **options: Any,
) -> SubsampleError | list[SubsampleError]:
    """Estimate mutual information and its standard error from random halves of the samples.

    The error is the standard deviation of the estimates from the halves, which are drawn without
    replacement. That is the delete-d jackknife with d = n / 2 (Shao and Wu 1989,
    https://doi.org/10.1214/aos/1176347263): right or too large as far as the variance of an
    estimate falls as 1 / n. The estimate plus and minus 2 errors (Student's t with ``halves - 1``
    degrees of freedom) covers the mean of the estimator in about 95 %, not the truth where the
    estimator is biased. :func:`fastmi.mi` gives the same error with ``error="half"``.

    Rows are taken as independent, and a warning says where their order suggests that they are not;
    for time series use :func:`jackknife_error` with long runs. Copies of rows are taken as samples
    of their own, which makes the error too small; the estimate warns of them.

    Args:
        x: Samples, shape (n, dx) or (n,).
        y: Samples, shape (n, dy) or (n,).
        z: Samples of the condition, shape (n, dz) or (n,); None for no condition.
        halves: Number of halves; the error itself is uncertain by ``1 / sqrt(2 (halves - 1))``.
        k: Number of neighbours. A sequence of numbers gives a list of results from the same halves.
        method: Name of a method of :func:`fastmi.mi`, by default "ksg1"; with `z` a name of a
            method of :func:`fastmi.cmi`, by default "fp".
        n_jobs: Number of threads, which share the halves; None or -1 as in :func:`fastmi.mi`.
            Networks are trained one after another, by as many threads as torch uses.
        seed: Seed of noise, halves and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        **options: Further options of the method.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range;
            too few samples for an estimate from half of them.
    """
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    number = check_integer("halves", halves, 2, _MOST_HALVES)
    rng = generator(seed)
    given = (x, y) if z is None else (x, y, z)
    row = method_named(method, conditional=z is not None)
    measure = make_measure(subsample_error, row, k=k, options=options)
    blocks = read_samples(row, given, ("x", "y", "z")[: len(given)])
    blocks, cautions = measure.settle(blocks, noise=noise, seed=seed, rng=rng, n_jobs=n_jobs)
    estimates = [with_cautions(each, cautions) for each in measure(blocks, n_jobs, rng)]
    found = add_error(
        estimates, measure, blocks, rng=rng, n_jobs=n_jobs, halves=number, progress=progress
    )
    results = [
        SubsampleError(estimate=estimate, halves=own)
        for estimate, own in zip(estimates, found.T, strict=True)
    ]
    announce(results)
    return results[0] if isinstance(as_k(k), int) else results


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
    say(of_series(local, n // count))
    edges = np.linspace(0, n, count + 1).astype(np.int64)
    sums = np.add.reduceat(local, edges[:-1])
    without = (local.sum() - sums) / (n - np.diff(edges))
    return float(np.sqrt((count - 1) * without.var()))
