"""The digamma function psi at positive integers."""

import math

import numpy as np

EULER_GAMMA = 0.57721566490153286061


def _digamma(n: int) -> float:
    if n <= 2000:
        return math.fsum([-EULER_GAMMA, *(1.0 / j for j in range(1, n))])
    # Beyond n = 2000 the next term of the asymptotic series, 1 / (252 n^6), is below 1e-22.
    return math.fsum([math.log(n), -0.5 / n, -1.0 / (12.0 * n**2), 1.0 / (120.0 * n**4)])


def digamma(n: np.ndarray) -> np.ndarray:
    """psi(n) = -gamma + sum_{j < n} 1 / j, any shape."""
    n = np.asarray(n, dtype=np.int64)
    if np.any(n < 1):
        raise ValueError("n must be positive")
    values, inverse = np.unique(n, return_inverse=True)
    table = np.array([_digamma(int(v)) for v in values])
    return table[inverse].reshape(n.shape)
