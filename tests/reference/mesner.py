"""Mixed variables by Mesner and Shalizi (2019), without and with a condition."""

import numpy as np

from reference.digamma import digamma
from reference.metric import block_distances, joint_distances


def mesner_mi(x: np.ndarray, y: np.ndarray, k: int, metric: str) -> float:
    """I(X; Y) in nats."""
    joint = joint_distances([x, y], metric)
    margins = [block_distances(block, metric) for block in (x, y)]
    n = len(x)
    terms = []
    for i in range(n):
        radius = np.sort(np.delete(joint[i], i))[k - 1]
        # The sample itself, at distance 0, is not counted.
        k_i = np.sum(joint[i] <= radius) - 1
        n_x, n_y = (np.sum(distances[i] <= radius) - 1 for distances in margins)
        psi = digamma(np.array([k_i, n, n_x, n_y]))
        terms.append(psi[0] + psi[1] - psi[2] - psi[3])
    return float(np.mean(terms))


def mesner_cmi(x: np.ndarray, y: np.ndarray, z: np.ndarray, k: int, metric: str) -> float:
    """I(X; Y | Z) in nats."""
    joint = joint_distances([x, y, z], metric)
    margins = [
        joint_distances([x, z], metric),
        joint_distances([y, z], metric),
        block_distances(z, metric),
    ]
    terms = []
    for i in range(len(x)):
        radius = np.sort(np.delete(joint[i], i))[k - 1]
        k_i = np.sum(joint[i] <= radius) - 1
        n_xz, n_yz, n_z = (np.sum(distances[i] <= radius) - 1 for distances in margins)
        psi = digamma(np.array([k_i, n_xz, n_yz, n_z]))
        terms.append(psi[0] - psi[1] - psi[2] + psi[3])
    return float(np.mean(terms))
