"""Moments and dependence of columns by which relevance scaling turns and scales two blocks."""

import numpy as np


def relevance_kernel(x: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return K_x = sum_f (b_f b_f' + A_f^2 / 2) for white x, shape (n, d), features, shape (n, f).

    Features and products of columns are standardised: b_f and A_f are correlations, and the
    diagonal of A_f has the square root of 2 that the square of a normal variable brings.
    """
    d = x.shape[1]
    total = np.zeros((d, d))
    for feature in features.T:
        b = np.array([np.corrcoef(x[:, i], feature)[0, 1] for i in range(d)])
        a = np.array(
            [[np.corrcoef(x[:, i] * x[:, j], feature)[0, 1] for j in range(d)] for i in range(d)]
        )
        a[np.diag_indices(d)] *= np.sqrt(2)
        total += np.outer(b, b) + a @ a / 2
    return total


def column_dependence(x: np.ndarray, y: np.ndarray, orders: int) -> np.ndarray:
    """Return T_ij = sum_{a,b} max(c_ab^2 - 4 / n, 0) of the columns of x and of y."""
    n = len(x)
    found = np.zeros((x.shape[1], y.shape[1]))
    for i, j in np.ndindex(found.shape):
        curves = [
            [np.sqrt(2) * np.cos(np.pi * a * _average_rank(column)) for a in range(1, orders + 1)]
            for column in (x[:, i], y[:, j])
        ]
        for left in curves[0]:
            for right in curves[1]:
                found[i, j] += max(np.cov(left, right, ddof=0)[0, 1] ** 2 - 4 / n, 0)
    return found


def _average_rank(column: np.ndarray) -> np.ndarray:
    """Return ranks in (0, 1): the share of values below, and half of those that are equal."""
    below = (column[:, None] > column).mean(axis=1)
    return below + 0.5 * (column[:, None] == column).mean(axis=1)
