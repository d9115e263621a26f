"""Transfer entropy between time series, and its test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from fastmi import api
from fastmi._cautions import announce, quiet
from fastmi._checks import Seed, check_integer
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, with_cautions
from fastmi._extras import Progress
from fastmi._tasks import MOST_TASKS
from fastmi.estimators import CMI_METHODS
from fastmi.estimators._lookup import check_options, find
from fastmi.estimators._measure import given, read_samples
from fastmi.estimators._methods import listed
from fastmi.statistics._steps import step_cautions
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
    condition: object = ...,
    condition_history: int = ...,
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
    condition: object = ...,
    condition_history: int = ...,
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
    condition: object = None,
    condition_history: int = 1,
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
    first. With a `condition` it is the information beyond the past of other series as well
    (conditional or complete transfer entropy; Lizier, Prokopenko and Zomaya 2008,
    https://doi.org/10.1103/PhysRevE.77.026110, eq. 8)::

        I( target_t ; source_{t - lag}, ... | target_{t - 1}, ..., condition_{t - 1}, ... )

    which is zero where the source acts on the target through the condition alone, or both follow
    the condition, as far as its history covers the delays.

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
        condition: Series, shape (n, dc) or (n,), or a list or tuple of such series. A list of
            numbers is one series, and a list of lists has rows, as elsewhere.
        condition_history: Number of values of each of them, from time t - 1 backwards.
        n_permutations: Number of surrogates of the test; 0 for no test.
        scheme: How the test reorders the past of the source, see
            :func:`fastmi.permutation_test`, where x is that past, y the target, and z its own past
            and that of the condition.
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
        ValueError: Series of wrong shape or length or not finite, which includes gaps; an index of
            times that repeat or go backwards; histories longer than the series; more permutations
            than rotations or orders of blocks.
    """
    row = find(CMI_METHODS, method)
    count = check_integer("n_permutations", n_permutations, 0, MOST_TASKS)
    if not count:
        options |= given(n_jobs=n_jobs, seed=seed)
    check_options(transfer_entropy, row, options)
    delay = check_integer("lag", lag, 1)
    reach = check_integer("source_history", source_history, 1)
    memory = check_integer("target_history", target_history, 1)
    depth = check_integer("condition_history", condition_history, 1)
    others, labels = _conditions(condition)
    arrays, names = (source, target, *others), ("source", "target", *labels)
    x, y, *given_too = read_samples(row, arrays, names)
    steps = step_cautions(arrays, names)
    start = max(delay + reach - 1, memory, depth if given_too else 0)
    if start > len(x) - 2:
        what = f", condition_history={depth}" if given_too else ""
        raise ValueError(
            f"source and target must be longer than the histories; got n={len(x)}, lag={delay}, "
            f"source_history={reach}, target_history={memory}{what}"
        )
    past = delayed(x, range(delay, delay + reach), start)
    own = delayed(y, range(1, memory + 1), start)
    if given_too:
        beside = [delayed(one, range(1, depth + 1), start) for one in given_too]
        own = np.hstack([own, *beside])
    if not count:
        with quiet():
            found = api.cmi(y[start:], past, own, method=method, **options)
        several = found if isinstance(found, list) else [found]
        several = [with_cautions(each, (*each.warnings, *steps)) for each in several]
        announce(several)
        return several if isinstance(found, list) else several[0]
    with quiet():
        test = permutation_test(
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
    of_k = test if isinstance(test, list) else [test]
    of_k = [replace(each, warnings=(*each.warnings, *steps)) for each in of_k]
    announce(of_k)
    return of_k if isinstance(test, list) else of_k[0]


def _conditions(condition: object) -> tuple[list[object], list[str]]:
    """Return the series that a user gives as the condition, and what to call them in messages."""
    if condition is None:
        return [], []
    if isinstance(condition, list | tuple) and any(hasattr(each, "shape") for each in condition):
        # Numbers of NumPy have a shape too, of no dimension.
        if all(getattr(each, "shape", ()) == () for each in condition):
            return [condition], ["condition"]
        return list(condition), [f"condition[{place}]" for place in range(len(condition))]
    return [condition], ["condition"]


def delayed(series: Array, delays: range, start: int) -> Array:
    """Return the rows series[t - delay] for t >= start, delays side by side."""
    n = len(series)
    return np.hstack([series[start - delay : n - delay] for delay in delays])
