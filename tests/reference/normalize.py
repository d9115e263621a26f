"""Normalisations of a sample by their definitions, from float64 (n, d) to the same."""

import math

import numpy as np


def local(x: np.ndarray) -> np.ndarray:
    """Columns divided by their standard deviations."""
    return x / np.array([math.sqrt(np.mean((c - c.mean()) ** 2)) for c in x.T])


def global_(x: np.ndarray) -> np.ndarray:
    """Samples divided by the root mean square Euclidean distance from their mean."""
    return x / math.sqrt(np.mean(np.sum((x - x.mean(axis=0)) ** 2, axis=1)))


def global_linf(x: np.ndarray) -> np.ndarray:
    """Samples divided by the mean Chebyshev distance from their mean."""
    return x / np.mean(np.max(np.abs(x - x.mean(axis=0)), axis=1))


def global_corrected(x: np.ndarray) -> np.ndarray:
    """sqrt(d) times `global_`."""
    return math.sqrt(x.shape[1]) * global_(x)


def rank(x: np.ndarray) -> np.ndarray:
    """(number of smaller values + half of the number of equal others + 1) / (n + 1)."""
    n = len(x)
    below = (x[None, :, :] < x[:, None, :]).sum(axis=1)
    equal = (x[None, :, :] == x[:, None, :]).sum(axis=1)
    return (below + 0.5 * (equal - 1) + 1) / (n + 1)
