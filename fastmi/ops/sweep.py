"""KSG at many relative scales of two variables, from one pass over the distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for, thread_count
from fastmi._blocks import glance
from fastmi.ops.ksg import KSGTerms
from fastmi.ops.rescale import shifted


def sweep_terms(
    x: NDArray[Any],
    y: NDArray[Any],
    scales: Sequence[float],
    ks: Sequence[int],
    *,
    metric: str,
    n_jobs: int | None,
) -> KSGTerms:
    """Return the terms of KSG algorithm 1 of (x, c y) for every scale c and every k.

    The joint distance is max(D_x, c D_y) and the margin of y counts c D_y < r, both on computed
    distances: the result may differ in the last place from that of rescaled data. The time is
    O(n^2), or O(n log n) for single columns of smooth data on the CPU.

    Args:
        x: Samples, shape (n, dx).
        y: Samples, shape (n, dy), dtype of `x`.
        scales: Positive numbers c.
        ks: Neighbour numbers, each in [1, n - 1].
        metric: Distance inside x and inside y.
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.

    Returns:
        Terms as in :func:`fastmi.ops.ksg.ksg_terms`, with an axis of the scales before that of
        the ks: the counts have shape (len(scales), len(ks), 2, n).
    """
    x, y = _with_products(x, y, max(scales))
    return KSGTerms(
        *kernels_for(x).ksg_sweep(x, y, list(scales), list(ks), metric, thread_count(n_jobs))
    )


def _with_products(x: NDArray[Any], y: NDArray[Any], scale: float) -> Sequence[NDArray[Any]]:
    """Return x and y, times a power of two if their distances, or those of `scale` y, need it.

    Products of a scale and a distance must be finite, and not all of them subnormal. Samples on a
    GPU stay as they are if they belong to a library whose arrays offer no copy to the host.
    """
    samples = glance((x, y), 2 * len(x))
    if not samples:
        return x, y
    exponents = [int(np.frexp(np.abs(block).max())[1]) for block in samples]
    exponents[1] += max(0, math.frexp(scale)[1])
    # A distance is at most the range, twice the largest value, times the root of the columns.
    longest = max(exponents) + 1 + math.ceil(math.log2(max(x.shape[1], y.shape[1])) / 2)
    most = np.finfo(x.dtype).maxexp
    return (x, y) if 0 <= longest <= most else shifted((x, y), longest - most)
