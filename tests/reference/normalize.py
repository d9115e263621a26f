"""Scales of a sample by their definitions; float64 (n, d) in and out."""

import math

import numpy as np


def local(x: np.ndarray) -> np.ndarray:
    """Columns over their standard deviations."""
    return x / np.array([math.sqrt(np.mean((c - c.mean()) ** 2)) for c in x.T])


def global_(x: np.ndarray) -> np.ndarray:
    """Over the root mean square Euclidean distance from the mean."""
    return x / math.sqrt(np.mean(np.sum((x - x.mean(axis=0)) ** 2, axis=1)))


def global_linf(x: np.ndarray) -> np.ndarray:
    """Over the mean maximum-norm distance from the mean."""
    return x / np.mean(np.max(np.abs(x - x.mean(axis=0)), axis=1))


def global_corrected(x: np.ndarray) -> np.ndarray:
    """sqrt(d) times `global_`."""
    return math.sqrt(x.shape[1]) * global_(x)


def rank(x: np.ndarray) -> np.ndarray:
    """Values below plus half of the others that are equal, plus one, over n + 1."""
    n = len(x)
    below = (x[None, :, :] < x[:, None, :]).sum(axis=1)
    equal = (x[None, :, :] == x[:, None, :]).sum(axis=1)
    return (below + 0.5 * (equal - 1) + 1) / (n + 1)
