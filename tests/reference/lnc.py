"""KSG algorithm 1 with the local non-uniformity correction of Gao et al. (2015)."""

import math

import numpy as np

from reference.knn import kneighbors
from reference.ksg import ksg_mi


def lnc_mi(x: np.ndarray, y: np.ndarray, k: int, alpha: float) -> float:
    """Mutual information in nats; columns must not be constant."""
    _, neighbors = kneighbors([x, y], k, "chebyshev")
    points = np.hstack([x, y]).astype(float)
    added = []
    for point, indices in zip(points, neighbors, strict=True):
        offsets = points[indices] - point
        _, _, axes = np.linalg.svd(offsets)
        log_box = np.log(np.abs(offsets).max(axis=0)).sum()
        log_principal = np.log(np.abs(offsets @ axes.T).max(axis=0)).sum()
        thin = log_principal < log_box + math.log(alpha)
        added.append(log_box - log_principal if thin else 0.0)
    return ksg_mi([x, y], k, 1, "chebyshev") + float(np.mean(added))
