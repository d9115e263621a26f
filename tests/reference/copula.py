"""Gaussian and t copulas by their definitions: densities, integrals, determinants, sorted lists."""

import math
from collections.abc import Sequence

import numpy as np


def t_log_density(point: np.ndarray, dispersion: np.ndarray, nu: float) -> float:
    """Log density of a multivariate t, or of a normal if nu is infinite, at one point."""
    d = len(point)
    quadratic = float(point @ np.linalg.inv(dispersion) @ point)
    log_det = math.log(np.linalg.det(dispersion))
    if math.isinf(nu):
        return -0.5 * (quadratic + log_det + d * math.log(2 * math.pi))
    return (
        math.lgamma((nu + d) / 2)
        - math.lgamma(nu / 2)
        - 0.5 * (d * math.log(nu * math.pi) + log_det)
        - 0.5 * (nu + d) * math.log1p(quadratic / nu)
    )


def t_entropy(d: int, nu: float) -> float:
    """-int p log p of d dimensions without correlation, as an integral over the logarithm of r."""
    log_r = np.linspace(-40 / d, 80.0 if math.isfinite(nu) else 4.0, 200_001)
    r = np.exp(log_r)
    squares = r**2
    if math.isinf(nu):
        log_p = -0.5 * (squares + d * math.log(2 * math.pi))
    else:
        log_p = math.lgamma((nu + d) / 2) - math.lgamma(nu / 2)
        log_p = log_p - 0.5 * d * math.log(nu * math.pi) - 0.5 * (nu + d) * np.log1p(squares / nu)
    log_surface = math.log(2) + 0.5 * d * math.log(math.pi) - math.lgamma(d / 2)
    weight = np.exp(log_p + log_surface + d * log_r)
    return float(-(weight * log_p).sum() * (log_r[1] - log_r[0]))


def copula_log_likelihood(values: np.ndarray, correlation: np.ndarray, nu: float) -> float:
    """Sum over the rows of log p(row) - sum_j log p(row_j), for values with margins t_nu."""
    one = np.eye(1)
    return sum(
        t_log_density(row, correlation, nu)
        - sum(t_log_density(np.array([value]), one, nu) for value in row)
        for row in values
    )


def signed_log_determinants(
    covariance: np.ndarray, columns: Sequence[Sequence[int]], signed: Sequence
) -> float:
    """1/2 sum_s sign_s log det of the covariance of the columns of the blocks in s."""
    total = 0.0
    for space, sign in signed:
        own = [j for b in space for j in columns[b]]
        total += 0.5 * sign * np.linalg.slogdet(covariance[np.ix_(own, own)])[1]
    return total


def with_margins(drawn: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The r-th smallest value of each column of `drawn` becomes the r-th smallest of `of`."""
    found = np.empty_like(of)
    for j in range(drawn.shape[1]):
        rows = sorted(range(len(drawn)), key=lambda i: drawn[i, j])
        for row, value in zip(rows, sorted(of[:, j]), strict=True):
            found[row, j] = value
    return found
