"""Two searches that NPEET makes and the kernels have no operation for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastmi.ops.knn import kneighbors

Samples = NDArray[np.float64]

# Distances in memory at once where a search across two samples falls back on all pairs.
_CHUNK = 1 << 20


def cross_kth_distance(queries: Samples, points: Samples, k: int) -> Samples:
    """Return the distance from each query to its k-th nearest point, shape (len(queries),).

    Args:
        queries: Shape (n, d).
        points: Shape (n', d).
        k: Number of neighbours, at most n'.
    """
    n = len(queries)
    # The nearest of queries and points together: where the laws overlap, k points are among
    # them. The few other queries are searched directly.
    wanted = min(8 * k * (1 + n // len(points)), n + len(points) - 1)
    both = np.ascontiguousarray(np.concatenate([queries, points]))
    distances, indices = kneighbors(
        [both], wanted, metric="chebyshev", algorithm="auto", n_jobs=None
    )
    is_point = indices[:n] >= n
    rank = is_point.cumsum(axis=1)
    position = (rank < k).sum(axis=1)
    result: Samples = distances[np.arange(n), np.minimum(position, wanted - 1)]
    missing = np.flatnonzero(position == wanted)
    rows = max(1, _CHUNK // points.size)
    for start in range(0, len(missing), rows):
        chunk = missing[start : start + rows]
        gaps = np.abs(queries[chunk][:, None, :] - points[None, :, :]).max(axis=2)
        result[chunk] = np.partition(gaps, k - 1, axis=1)[:, k - 1]
    return result


def nonuniformity(blocks: list[Samples], k: int, alpha: float) -> float:
    """Return what local non-uniformity adds to an estimate, in nats.

    The k neighbours of a sample fill a box of volume V, and one along their principal axes of
    volume V_rect. Where ``V_rect < alpha V`` the sample contributes ``log(V / V_rect) / n``
    (Gao, Ver Steeg and Galstyan 2015).

    Args:
        blocks: Samples, shapes (n, d_b).
        k: Number of neighbours, at least the number of all columns: fewer span no box.
        alpha: Threshold in (0, 1).
    """
    points = np.hstack(blocks)
    _, indices = kneighbors(blocks, k, metric="chebyshev", algorithm="auto", n_jobs=None)
    offsets = points[indices] - points[:, None, :]
    _, axes = np.linalg.eigh(offsets.transpose(0, 2, 1) @ offsets / k)
    with np.errstate(divide="ignore"):
        log_rotated = np.log(np.abs(offsets @ axes).max(axis=1)).sum(axis=1)
        log_box = np.log(np.abs(offsets).max(axis=1)).sum(axis=1)
    uneven = log_rotated < log_box + math.log(alpha)
    return float((log_box - log_rotated)[uneven].sum() / len(points))
