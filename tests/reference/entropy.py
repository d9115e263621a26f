"""Kozachenko-Leonenko entropy."""

import math

import numpy as np

from reference.digamma import digamma
from reference.knn import kth_distance


def log_unit_ball(d: int, metric: str) -> float:
    """Log volume of the unit ball in d dims."""
    if metric == "chebyshev":
        return d * math.log(2.0)
    return 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1.0)


def kl_entropy(x: np.ndarray, k: int, metric: str, correction: str = "digamma") -> float:
    """A - psi(k) + log c(d) + d <log r_i> in nats, where A is psi(n), log n or log(n - 1)."""
    n, d = x.shape
    a_n = {
        "digamma": float(digamma(np.array([n]))[0]),
        "log": math.log(n),
        "log-1": math.log(n - 1),
    }[correction]
    radius = kth_distance([x], [k], metric)[0].astype(np.float64)
    psi_k = float(digamma(np.array([k]))[0])
    return a_n - psi_k + log_unit_ball(d, metric) + d * float(np.mean(np.log(radius)))


def weighted_entropy(x: np.ndarray, weights: dict[int, float]) -> float:
    """Weighted sum of the entropies from the j-th neighbour alone; Euclidean, in nats."""
    n, d = x.shape
    total = 0.0
    for j, weight in weights.items():
        radius = kth_distance([x], [j], "euclidean")[0].astype(np.float64)
        psi_j = float(digamma(np.array([j]))[0])
        constant = math.log(n - 1) - psi_j + log_unit_ball(d, "euclidean")
        total += weight * (constant + d * float(np.mean(np.log(radius))))
    return total
