"""Two neighbour searches of NPEET for which the kernels have no operation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastmi.ops.knn import kneighbors

Samples = NDArray[np.float64]

# Number of distances in memory at once if a search across two samples compares all pairs.
_CHUNK = 1 << 20
# Largest magnitude of a binary exponent at which sums of squares of float64 keep their digits.
_SQUARED = 450
# Number of coordinate differences that cost less than a search.
_FEW_GAPS = 1 << 18


def cross_kth_distance(queries: Samples, points: Samples, k: int) -> Samples:
    """Return the distance from each query to its k-th nearest point, shape (len(queries),).

    Args:
        queries: Shape (n, d).
        points: Shape (n', d).
        k: Number of neighbours, at most n'.
    """
    result = np.empty(len(queries))
    missing = np.arange(len(queries))
    stuck = False
    while not stuck and missing.size * points.size > _FEW_GAPS:
        result[missing] = _among_both(queries[missing], points, k)
        left = missing[np.isinf(result[missing])]
        # If most queries lie among themselves, away from the points, another search finds few more.
        stuck = 2 * len(left) > len(missing)
        missing = left
    result[missing] = _scanned(queries[missing], points, k)
    return result


def _among_both(queries: Samples, points: Samples, k: int) -> Samples:
    """Return the distance, or infinity if the neighbours of a query hold fewer than k points."""
    n = len(queries)
    # If both samples have the same distribution, this is twice the number of neighbours that hold k
    # points on average.
    wanted = min(2 * k * (1 + -(-n // len(points))), n + len(points) - 1)
    both = np.ascontiguousarray(np.concatenate([queries, points]))
    distances, indices, _ = kneighbors(
        [both], wanted, metric="chebyshev", algorithm="auto", n_jobs=None
    )
    rank = (indices[:n] >= n).cumsum(axis=1)
    position = (rank < k).sum(axis=1)
    nearest: Samples = distances[np.arange(n), np.minimum(position, wanted - 1)]
    nearest[position == wanted] = np.inf
    return nearest


def _scanned(queries: Samples, points: Samples, k: int) -> Samples:
    """Return the distance by comparing all pairs."""
    result = np.empty(len(queries))
    rows = max(1, _CHUNK // len(points))
    for start in range(0, len(queries), rows):
        chunk = queries[start : start + rows]
        gaps = np.abs(chunk[:, 0, None] - points[:, 0])
        for own, other in zip(chunk.T[1:], points.T[1:], strict=True):
            np.maximum(gaps, np.abs(own[:, None] - other), out=gaps)
        result[start : start + rows] = np.partition(gaps, k - 1, axis=1)[:, k - 1]
    return result


def nonuniformity(blocks: list[Samples], k: int, alpha: float) -> float:
    """Return the local non-uniformity correction of an estimate, in nats.

    Let V be the volume of the box around the k neighbours of a sample along the coordinate axes,
    and V_rect that along their principal axes. If ``V_rect < alpha V``, the sample adds
    ``log(V / V_rect) / n`` (Gao, Ver Steeg and Galstyan 2015, https://arxiv.org/abs/1411.2003).

    Args:
        blocks: Samples, shapes (n, d_b).
        k: Number of neighbours, at least the number of all columns, since fewer span no box.
        alpha: Threshold in (0, 1).
    """
    points = np.hstack(blocks)
    _, indices, _ = kneighbors(blocks, k, metric="chebyshev", algorithm="auto", n_jobs=None)
    offsets = points[indices] - points[:, None, :]
    # A power of two, which cancels, where squares would overflow or vanish.
    _, exponents = np.frexp(np.abs(offsets).max(axis=(1, 2), keepdims=True))
    offsets = np.ldexp(offsets, np.where(np.abs(exponents) > _SQUARED, -exponents, 0))
    _, axes = np.linalg.eigh(offsets.transpose(0, 2, 1) @ offsets / k)
    # A box without width has the logarithm -inf, which the comparison below knows how to order.
    with np.errstate(divide="ignore"):
        log_rotated = np.log(np.abs(offsets @ axes).max(axis=1)).sum(axis=1)
        log_box = np.log(np.abs(offsets).max(axis=1)).sum(axis=1)
    uneven = log_rotated < log_box + math.log(alpha)
    return float((log_box[uneven] - log_rotated[uneven]).sum() / len(points))
