"""Conditional mutual information by Frenzel and Pompe (2007), and by KSG algorithm 2."""

import numpy as np

from reference.digamma import digamma
from reference.knn import neighbor_order
from reference.metric import block_distances, joint_order_keys


def conditional_counts(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, k: int, variant: int, metric: str
) -> np.ndarray:
    """Counts n_xz, n_yz and n_z, shape (3, n).

    Variant 1 counts strictly within the k-th joint distance; variant 2 counts within the
    largest distance among the k joint neighbours, one for each of x, y and z.
    """
    margins = [block_distances(block, metric) for block in (x, y, z)]
    neighbors = neighbor_order(joint_order_keys([x, y, z], metric))[:, :k]
    if variant == 1:
        joint = np.maximum.reduce(margins)
        radius = np.take_along_axis(joint, neighbors[:, -1:], axis=1)
        near_x, near_y, near_z = (distances < radius for distances in margins)
    else:
        near_x, near_y, near_z = (
            distances <= np.take_along_axis(distances, neighbors, axis=1).max(axis=1)[:, None]
            for distances in margins
        )
    spaces = np.stack([near_x & near_z, near_y & near_z, near_z])
    spaces[:, np.eye(len(x), dtype=bool)] = False
    return spaces.sum(axis=2)


def conditional_mi(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, k: int, variant: int, metric: str
) -> float:
    """I(X; Y | Z) in nats."""
    counts = conditional_counts(x, y, z, k, variant, metric)
    psi_k = float(digamma(np.array([k]))[0])
    if variant == 1:
        n_xz, n_yz, n_z = digamma(counts + 1)
        return psi_k - float(np.mean(n_xz + n_yz - n_z))
    n_xz, n_yz, n_z = digamma(counts)
    inverse = 1 / counts[0] + 1 / counts[1]
    return psi_k - 2 / k + float(np.mean(n_z - n_xz - n_yz + inverse))
