"""Neighbours of one sample in another, and the divergence that follows from their distances."""

import math
from collections.abc import Sequence

import numpy as np

from reference.digamma import digamma
from reference.knn import kth_distance
from reference.metric import joint_distances, joint_order_keys


def kneighbors_among(
    blocks: Sequence[np.ndarray], reference: Sequence[np.ndarray], k: int, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n, k) and rows (n, k) of the k nearest of `reference`, by (distance, row)."""
    m = len(reference[0])
    both = [np.concatenate([r, b]) for r, b in zip(reference, blocks, strict=True)]
    order = np.argsort(joint_order_keys(both, metric)[m:, :m], axis=1, kind="stable")[:, :k]
    distances = joint_distances(both, metric)[m:, :m]
    return np.take_along_axis(distances, order, axis=1), order.astype(np.int64)


def kl_divergence(x: np.ndarray, other: np.ndarray, k: int, metric: str) -> float:
    """d < log nu_k - log rho_k > + psi(m + 1) - psi(n), Wang, Kulkarni and Verdu (2009)."""
    n, m = len(x), len(other)
    rho = kth_distance([x], [k], metric)[0].astype(np.float64)
    nu = kneighbors_among([x], [other], k, metric)[0][:, -1].astype(np.float64)
    logs = math.fsum(np.log(nu) - np.log(rho)) / n
    return x.shape[1] * logs + float(digamma(np.array(m + 1)) - digamma(np.array(n)))


def jackknife_over_other(x: np.ndarray, other: np.ndarray, k: int, metric: str) -> float:
    """Standard error of the divergence by leaving out each sample of `other` in turn."""
    m = len(other)
    logs = []
    for left_out in range(m):
        rest = np.delete(other, left_out, axis=0)
        nu = kneighbors_among([x], [rest], k, metric)[0][:, -1].astype(np.float64)
        logs.append(x.shape[1] * np.log(nu).mean())
    return math.sqrt((m - 1) / m * ((np.array(logs) - np.mean(logs)) ** 2).sum())
