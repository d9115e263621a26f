"""Discrete variables by Ross (2014), mixed ones by Gao, Kannan, Oh and Viswanath (2017)."""

import math

import numpy as np

from reference.digamma import digamma
from reference.metric import block_distances, joint_distances


def ross_mi(x: np.ndarray, classes: np.ndarray, k: int, metric: str) -> float:
    """I(X; Y) in nats, where Y is the class of a sample; classes of one sample are left out."""
    size = np.array([np.sum(classes == c) for c in classes])
    x, classes, size = x[size > 1], classes[size > 1], size[size > 1]
    distances = block_distances(x, metric)
    n = len(x)
    terms = []
    for i in range(n):
        mates = np.sort([distances[i, j] for j in range(n) if j != i and classes[j] == classes[i]])
        k_i = min(k, len(mates))
        inside = sum(distances[i, j] < mates[k_i - 1] for j in range(n) if j != i) + 1
        psi = digamma(np.array([n, size[i], k_i, inside]))
        terms.append(psi[0] - psi[1] + psi[2] - psi[3])
    return float(np.mean(terms))


def mixed_mi(x: np.ndarray, y: np.ndarray, k: int, metric: str) -> float:
    """I(X; Y) in nats."""
    joint = joint_distances([x, y], metric)
    margins = [block_distances(block, metric) for block in (x, y)]
    n = len(x)
    terms = []
    for i in range(n):
        radius = np.sort(np.delete(joint[i], i))[k - 1]
        if radius == 0:
            k_i = np.sum(joint[i] == 0)
            n_x, n_y = (np.sum(distances[i] == 0) for distances in margins)
        else:
            k_i = k
            n_x, n_y = (np.sum(distances[i] < radius) for distances in margins)
        psi = digamma(np.array([k_i, n_x, n_y]))
        terms.append(psi[0] + math.log(n) - psi[1] - psi[2])
    return float(np.mean(terms))
