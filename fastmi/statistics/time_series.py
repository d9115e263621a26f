"""Lagged mutual information and transfer entropy of time series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi import api
from fastmi._cautions import announce, quiet
from fastmi._checks import check_integer
from fastmi._docs import describes_options
from fastmi._estimate import Estimate
from fastmi.estimators import CMI_METHODS, MI_METHODS
from fastmi.estimators._lookup import check_options, find
from fastmi.estimators._methods import listed
from fastmi.statistics._measure import read_samples

Array = NDArray[Any]


@describes_options(method=listed("mi"))
def lagged_mi(
    x: object,
    y: object,
    lags: int | Sequence[int] | NDArray[np.integer[Any]],
    *,
    method: str = "ksg1",
    **options: Any,
) -> Any:
    """Estimate I(X_t; Y_{t + lag}) in nats.

    Args:
        x: Series, shape (n, dx) or (n,), one row per time.
        y: Series, shape (n, dy) or (n,).
        lags: One lag, or a sequence of them; at positive lags x is earlier than y. Each lag uses
            the ``n - abs(lag)`` times that both series have.
        **options: Further options of :func:`fastmi.mi`. Where the series move slowly,
            ``theiler=w`` keeps samples within w time steps of each other from being neighbours; it
            adds about ``2 w / n`` nats, see :class:`fastmi.KSG`.

    Returns:
        What :func:`fastmi.mi` returns, or a list of it if `lags` is a sequence.

    Raises:
        TypeError: Series that are not real numbers, lags that are not integers.
        ValueError: Series of wrong shape or length or not finite; a lag that leaves fewer
            than two times.
    """
    row = find(MI_METHODS, method)
    check_options(lagged_mi, row, options)
    first, second = read_samples(row, (x, y), ("x", "y"))
    n = len(first)
    # 0-d arrays cannot be iterated over.
    single = not isinstance(lags, Sequence | np.ndarray) or getattr(lags, "ndim", 1) == 0
    estimates = []
    for lag in (lags,) if single else lags:  # type: ignore[union-attr]
        shift = check_integer("lags", lag, 2 - n)
        if shift > n - 2:
            raise ValueError(f"lags must be in [2 - n, n - 2]; got {shift}, n={n}")
        earlier = first[: n - shift] if shift >= 0 else first[-shift:]
        later = second[shift:] if shift >= 0 else second[: n + shift]
        with quiet():
            estimates.append(api.mi(earlier, later, method=method, **options))
    announce(
        [each for found in estimates for each in (found if isinstance(found, list) else [found])]
    )
    return estimates[0] if single else estimates


@describes_options(method=listed("cmi"))
def transfer_entropy(
    source: object,
    target: object,
    *,
    lag: int = 1,
    source_history: int = 1,
    target_history: int = 1,
    method: str = "fp",
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the transfer entropy from `source` to `target` in nats.

    It is the information of the past of the source about the target beyond the target's own past
    (Schreiber 2000, https://doi.org/10.1103/PhysRevLett.85.461, eq. 4)::

        I( target_t ; source_{t - lag}, ... | target_{t - 1}, ... )

    with `source_history` values of the source and `target_history` values of the target, the latest
    first.

    Args:
        source: Series, shape (n, dx) or (n,), one row per time.
        target: Series, shape (n, dy) or (n,).
        lag: Delay of the latest source value, at least 1.
        source_history: Number of source values.
        target_history: Number of target values.
        **options: Further options of :func:`fastmi.cmi`; ``theiler`` as in :func:`lagged_mi`.

    Raises:
        TypeError: Series that are not real numbers, an option of the wrong type or unknown.
        ValueError: Series of wrong shape or length or not finite; histories longer than them.
    """
    row = find(CMI_METHODS, method)
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
    estimate: Estimate | list[Estimate] = api.cmi(y[start:], past, own, method=method, **options)
    return estimate


def _delayed(series: Array, delays: range, start: int) -> Array:
    """Return the rows series[t - delay] for t >= start, delays side by side."""
    n = len(series)
    return np.hstack([series[start - delay : n - delay] for delay in delays])
