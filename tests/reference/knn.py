"""The k nearest other samples, ordered by (distance, index).

In the Euclidean metric the order is that of squared distances.
"""

from collections.abc import Sequence

import numpy as np

from reference.metric import joint_distances, joint_order_keys


def neighbor_order(keys: np.ndarray) -> np.ndarray:
    """Indices of the other samples by (key, index): (n, n) -> (n, n - 1)."""
    n = len(keys)
    # A stable sort keeps equal keys in index order; the sample itself is dropped afterwards,
    # because with duplicates it need not come first.
    order = np.argsort(keys, axis=1, kind="stable")
    return order[order != np.arange(n)[:, None]].reshape(n, n - 1)


def kneighbors(blocks: Sequence[np.ndarray], k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n, k) and indices (n, k) of the k nearest other samples."""
    indices = neighbor_order(joint_order_keys(blocks, metric))[:, :k]
    distances = np.take_along_axis(joint_distances(blocks, metric), indices, axis=1)
    return distances, indices.astype(np.int64)


def kth_distance(blocks: Sequence[np.ndarray], ks: Sequence[int], metric: str) -> np.ndarray:
    """Distance to the k-th nearest other sample for every k of `ks`: (len(ks), n)."""
    nearest, _ = kneighbors(blocks, max(ks), metric)
    return np.stack([nearest[:, k - 1] for k in ks])
