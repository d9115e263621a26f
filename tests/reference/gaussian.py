"""Information between jointly Gaussian variables, by determinants of the sample covariance."""

import math
from fractions import Fraction

import numpy as np
import scipy.special


def exact_gaussian_mi(x: np.ndarray, y: np.ndarray) -> float:
    """-1/2 log(1 - r^2) of two columns, with the correlation r of their values in fractions."""

    def deviations(values: np.ndarray) -> list[Fraction]:
        numbers = [Fraction(v) for v in values.tolist()]
        mean = sum(numbers) / len(numbers)
        return [number - mean for number in numbers]

    u, v = deviations(x), deviations(y)
    product = sum(a * b for a, b in zip(u, v, strict=True)) ** 2
    squares = sum(a * a for a in u) * sum(b * b for b in v)
    if squares == 0:
        return 0.0
    rest = 1 - product / squares
    if rest == 0:
        return math.inf
    return 0.5 * (math.log(rest.denominator) - math.log(rest.numerator))


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


def gaussian_bias(n: int, before: tuple[int, ...], after: tuple[int, ...], given: int = 0) -> float:
    """Bias of the plug-in information of n normal samples, by the chain rule over single columns.

    Each new column of a later block regressed on d columns has a squared multiple correlation R^2
    whose plug-in -1/2 log(1 - R^2) is too high by 1/2 [psi((n - 1)/2) - psi((n - 1 - d)/2)].
    Blocks `before` come first, those `after` follow, all given `given` columns.
    """

    def of_columns(regressors: int) -> float:
        return 0.5 * (scipy.special.psi((n - 1) / 2) - scipy.special.psi((n - 1 - regressors) / 2))

    total, behind = 0.0, 0
    for width in (*before, *after):
        for own in range(width):
            total += of_columns(given + behind + own) - of_columns(given + own)
        behind += width
    return float(total)
