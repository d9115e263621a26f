"""Transfer entropy between time series, and its test."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from fastmi import api
from fastmi._checks import Seed, check_integer
from fastmi._docs import describes_options
from fastmi._estimate import Estimate
from fastmi._extras import Progress
from fastmi._tasks import MOST_TASKS
from fastmi.estimators import CMI_METHODS
from fastmi.estimators._lookup import check_options, find
from fastmi.estimators._measure import given, read_samples
from fastmi.estimators._methods import listed
from fastmi.statistics.permutation import PermutationTest, permutation_test

Array = NDArray[Any]


@overload
def transfer_entropy(
    source: object,
    target: object,
    *,
    lag: int = ...,
    source_history: int = ...,
    target_history: int = ...,
    method: str = ...,
    n_permutations: Literal[0] = ...,
    scheme: str = ...,
    block_length: int | None = ...,
    min_shift: int | None = ...,
    n_neighbors: int = ...,
    n_jobs: int | None = ...,
    seed: Seed | None = ...,
    progress: Progress = ...,
    **options: Any,
) -> Estimate | list[Estimate]: ...


@overload
def transfer_entropy(
    source: object,
    target: object,
    *,
    lag: int = ...,
    source_history: int = ...,
    target_history: int = ...,
    method: str = ...,
    n_permutations: int,
    scheme: str = ...,
    block_length: int | None = ...,
    min_shift: int | None = ...,
    n_neighbors: int = ...,
    n_jobs: int | None = ...,
    seed: Seed | None = ...,
    progress: Progress = ...,
    **options: Any,
) -> Estimate | list[Estimate] | PermutationTest | list[PermutationTest]: ...


@describes_options(method=listed("cmi"))
def transfer_entropy(
    source: object,
    target: object,
    *,
    lag: int = 1,
    source_history: int = 1,
    target_history: int = 1,
    method: str = "fp",
    n_permutations: int = 0,
    scheme: str = "circular",
    block_length: int | None = None,
    min_shift: int | None = None,
    n_neighbors: int = 5,
    n_jobs: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
    **options: Any,
) -> Estimate | list[Estimate] | PermutationTest | list[PermutationTest]:
    """Estimate the transfer entropy from `source` to `target` in nats, and test whether it is zero.

    It is the information of the past of the source about the target beyond the target's own past
    (Schreiber 2000, https://doi.org/10.1103/PhysRevLett.85.461, eq. 4)::

        I( target_t ; source_{t - lag}, ... | target_{t - 1}, ... )

    with `source_history` values of the source and `target_history` values of the target, the latest
    first.

    The test reorders the past of the source, each time's values of it together, against the target
    and its past, which stay as they are. Rotations keep the autocorrelation of the source, and hold
    their level on slow series, where the exchange among similar pasts of the target ("local") does
    not; bench/bench_rejections.py compares them.

    Args:
        source: Series, shape (n, dx) or (n,), one row per time, at equal steps.
        target: Series, shape (n, dy) or (n,).
        lag: Delay of the latest source value, at least 1.
        source_history: Number of source values.
        target_history: Number of target values.
        n_permutations: Number of surrogates of the test; 0 for no test.
        scheme: How the test reorders the past of the source, see
            :func:`fastmi.permutation_test`, where x is that past, y the target and z its own past.
        block_length: As in :func:`fastmi.permutation_test`.
        min_shift: As in :func:`fastmi.permutation_test`.
        n_neighbors: As in :func:`fastmi.permutation_test`.
        n_jobs: Number of threads, which share the surrogates; None or -1 as in :func:`fastmi.cmi`.
        seed: Seed of noise, surrogates and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        progress: True shows a bar over the surrogates, which needs tqdm; a function is called
            after each.
        **options: Further options of :func:`fastmi.cmi`; ``theiler=w`` keeps samples within w time
            steps of each other from being neighbours.

    Returns:
        An :class:`fastmi.Estimate`; with `n_permutations` a :class:`fastmi.PermutationTest`, whose
        ``estimate`` is the transfer entropy. A list of it if `k` is a sequence.

    Raises:
        TypeError: Series that are not real numbers, an option of the wrong type or unknown.
        ValueError: Series of wrong shape or length or not finite, which includes gaps; histories
            longer than them; more permutations than rotations or orders of blocks.
    """
    row = find(CMI_METHODS, method)
    count = check_integer("n_permutations", n_permutations, 0, MOST_TASKS)
    if not count:
        options |= given(n_jobs=n_jobs, seed=seed)
    check_options(transfer_entropy, row, options)
    delay = check_integer("lag", lag, 1)
    reach = check_integer("source_history", source_history, 1)
    memory = check_integer("target_history", target_history, 1)
    x, y = read_samples(row, (source, target), ("source", "target"))
    start = max(delay + reach - 1, memory)
    if start > len(x) - 2:
        raise ValueError(
            f"source and target must be longer than the histories; got n={len(x)}, lag={delay}, "
            f"source_history={reach}, target_history={memory}"
        )
    past = _delayed(x, range(delay, delay + reach), start)
    own = _delayed(y, range(1, memory + 1), start)
    if count:
        test: PermutationTest | list[PermutationTest] = permutation_test(
            past,
            y[start:],
            own,
            n_permutations=count,
            scheme=scheme,
            block_length=block_length,
            min_shift=min_shift,
            n_neighbors=n_neighbors,
            method=method,
            n_jobs=n_jobs,
            seed=seed,
            progress=progress,
            **options,
        )
        return test
    estimate: Estimate | list[Estimate] = api.cmi(y[start:], past, own, method=method, **options)
    return estimate


def _delayed(series: Array, delays: range, start: int) -> Array:
    """Return the rows series[t - delay] for t >= start, delays side by side."""
    n = len(series)
    return np.hstack([series[start - delay : n - delay] for delay in delays])
