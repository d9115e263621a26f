"""Standard errors from random halves of the samples, drawn without replacement.

Their standard deviation is the delete-d jackknife with d = n / 2, whose factor (n - d) / d is 1
(Shao and Wu 1989, https://doi.org/10.1214/aos/1176347263; Politis, Romano and Wolf 1999,
"Subsampling"). With V the variance of an estimate from n / 2 samples, the expected square of that
deviation is V / 2 for means over single samples, and more than V / 2 for every other function of
the samples (by Hoeffding's decomposition, as Efron and Stein 1981 show it for d = 1,
https://doi.org/10.1214/aos/1176345462). The error is therefore right or too large as far as
variances fall as 1 / n.

A bootstrap draws with replacement. It copies samples, copies are at distance 0, and estimates from
neighbours rise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import INFLATED, run_inflation
from fastmi._blocks import take_rows
from fastmi._cautions import Caution, announce, quiet
from fastmi._checks import generator
from fastmi._estimate import Estimate, few_samples, with_cautions
from fastmi._extras import Progress
from fastmi._tasks import run, streams
from fastmi.estimators._measure import Measure, read_samples, values
from fastmi.estimators._methods import Method

#: Number of halves: the error of the bar itself is then 11 %.
HALVES = 40
# The fixed seed of the halves where the user gives none.
_SEED = 0


def estimate_with_error(
    error: object,
    estimator: Any,
    methods: Mapping[str, Method],
    arrays: Sequence[object],
    names: Sequence[str],
) -> Estimate | list[Estimate]:
    """Return what ``estimator.estimate(*arrays)`` does, with errors from halves as ``stderr``.

    Args:
        error: The option that the user gave, not None.
        estimator: The estimator, with all options.
        methods: Methods of the public function by name.
        arrays: The samples of each argument.
        names: What to call each in messages.

    Raises:
        ValueError: Unknown `error`; samples that the estimator refuses, or that are too few for
            halves of them.
    """
    if not isinstance(error, str) or error != "half":
        raise ValueError(f"error must be None or 'half'; got error={error!r}")
    with quiet():
        found: Estimate | list[Estimate] = estimator.estimate(*arrays)
    row = methods[estimator.method]
    options = {name: getattr(estimator, name) for name in row.options}
    seed, n_jobs = options.get("seed"), options.get("n_jobs")
    rng = generator(_SEED if seed is None and not row.trains else seed)
    blocks = read_samples(
        row, arrays, names, options.get("device", "host") if row.searches else "host"
    )
    measure = Measure(method=row, options=options | ({"noise": 0.0} if row.searches else {}))
    blocks, _ = measure.settle(
        blocks, noise=options.get("noise"), seed=seed, rng=rng, n_jobs=n_jobs, names=names
    )
    add_error(
        found if isinstance(found, list) else [found], measure, blocks, rng=rng, n_jobs=n_jobs
    )
    return announce(found)


def add_error(
    estimates: Sequence[Estimate],
    measure: Measure,
    blocks: list[NDArray[Any]],
    *,
    rng: np.random.Generator,
    n_jobs: int | None,
    halves: int = HALVES,
    progress: Progress = False,
) -> NDArray[np.float64]:
    """Set ``stderr`` of estimates from their scatter over random halves, and add its cautions.

    Args:
        estimates: Estimates from all samples, one for each number of neighbours.
        measure: What made them.
        blocks: The samples of each argument, settled.
        rng: Generator of the halves, and of the seeds of trainings.
        n_jobs: Number of threads, which share the halves.
        halves: Number of halves.
        progress: See :func:`fastmi._tasks.run`.

    Returns:
        The estimates from the halves, shape (halves, number of estimates).

    Raises:
        ValueError: The method refuses a half of the samples, as a rule because they are too few.
    """
    n = len(blocks[0])
    seeds = streams(rng, halves)

    def half(number: int, threads: int) -> NDArray[np.float64]:
        own = np.random.default_rng(seeds[number])
        chosen = np.zeros(n, dtype=np.bool_)
        chosen[own.permutation(n)[: n // 2]] = True
        # In their order, which means something to a Theiler window and to blocked splits.
        rows = np.flatnonzero(chosen)
        try:
            parts = [take_rows(block, rows) for block in blocks]
            return values(measure(parts, threads, own, repeated=True))
        except ValueError as error:
            raise ValueError(
                f"error bars must have enough samples for estimates from halves of them; got "
                f"n={n}, and half of them give: {error}"
            ) from None

    # Trainings share torch's generator, and follow each other.
    threads = 1 if measure.method.trains else n_jobs
    found = np.array(run(half, halves, n_jobs=threads, progress=progress, what="halves"))
    for estimate, own in zip(estimates, found.T, strict=True):
        infinite = halves - int(np.isfinite(own).sum())
        if infinite:
            estimate.stderr, cautions = math.nan, _of_infinite(infinite, halves)
        else:
            estimate.stderr = float(own.std(ddof=1))
            estimate.interval = _widened(estimate)
            cautions = (*of_series(estimate.local), *_of_few(n // 2, estimate.k))
        with_cautions(estimate, (*estimate.warnings, *cautions))
    return found


def _widened(estimate: Estimate) -> tuple[float, float] | None:
    """Return the interval of an estimate, widened to what its error says."""
    if estimate.interval is None:
        return None
    half = 1.96 * estimate.stderr
    low, high = estimate.interval
    return min(low, float(estimate) - half), max(high, float(estimate) + half)


def _of_few(n: int, k: int | None) -> tuple[Caution, ...]:
    """Return a caution if halves of n samples are so few that their scatter follows other laws."""
    if not few_samples(n, k or 1):
        return ()
    number = f" for k={k}" if k is not None else ""
    text = (
        f"the error bar is from halves of {n} samples, which are few{number}: below 50, or below "
        "10 k, scatter does not fall as 1 / sqrt(n), and the bar may be off by a third"
    )
    return (Caution(text, "few_for_error"),)


def _of_infinite(infinite: int, halves: int) -> tuple[Caution, ...]:
    """Return the caution that estimates from halves are infinite."""
    text = (
        f"the estimates from {infinite} of {halves} halves are infinite: their scatter, and the "
        "error with it, has no value"
    )
    return (Caution(text, "infinite"),)


def of_series(local: NDArray[np.float64], run_length: int = 0) -> tuple[Caution, ...]:
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
            "halves that are drawn at random do not see it",
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
