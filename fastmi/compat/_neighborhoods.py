"""What NPEET makes of the neighbours of a sample and the kernels have no operation for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastmi.ops.knn import kneighbors

Samples = NDArray[np.float64]

# Largest magnitude of a binary exponent at which sums of squares of float64 keep their digits.
_SQUARED = 450


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
