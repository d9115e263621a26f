"""Information between jointly Gaussian variables, by determinants of the sample covariance."""

import numpy as np


def log_determinant(*blocks: np.ndarray) -> float:
    """log det of the covariance of all columns, with the divisor n."""
    columns = np.hstack(blocks).astype(float)
    return float(np.linalg.slogdet(np.atleast_2d(np.cov(columns.T, ddof=0)))[1])


def gaussian_total_correlation(*blocks: np.ndarray) -> float:
    """1/2 (sum_b log det S_b - log det S)."""
    return 0.5 * (sum(log_determinant(block) for block in blocks) - log_determinant(*blocks))


def gaussian_conditional_mi(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
    """1/2 (log det S_xz + log det S_yz - log det S_z - log det S_xyz)."""
    return 0.5 * (
        log_determinant(x, z)
        + log_determinant(y, z)
        - log_determinant(z)
        - log_determinant(x, y, z)
    )
