"""What a smooth regression on a condition leaves of the samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi.normalize import normalize_blocks

Array = NDArray[Any]
Floats = NDArray[np.float64]
Order = NDArray[np.intp]

# Samples that serve as centres of the kernel. More of them follow finer detail, at a cost of
# n times their square.
_CENTRES = 100
# Widths of the Gaussian kernel over the square root of the number of columns; normal scores have
# width 1. Penalties are in units of the kernel's largest value.
_WIDTHS = (0.25, 0.5, 1.0, 2.0)
_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
# Shares of the largest singular value below which directions are rounding noise.
_FLAT = 1e-6
# Share of a column's spread below which its residuals are rounding noise.
_NOTHING = 1e-9


def residuals(x: Array, z: Array) -> Floats:
    """Return normal scores of each column of x less its regression on z, float64.

    The information about any y given z stays: I(x; y | z) = I(x - f(z); y | z) for every f, and
    increasing maps of single columns change neither side. Residuals at the level of rounding
    become 0.

    Args:
        x: Samples, shape (n, dx), finite.
        z: Conditions, shape (n, dz), finite.
    """
    fit = _Fit(x, z)
    left = fit.errors
    lost = left.std(axis=0) <= _NOTHING * fit.x.std(axis=0)
    return np.where(lost, 0.0, normal_scores(left))


def growth_of_errors(x: Array, z: Array, orders: Iterable[Order]) -> float:
    """Return by what factor orders of the rows of x raise its squared distance to its regression.

    It is the mean over the orders and the largest over the columns of x; 1 if the orders keep
    whatever of x the regression on z explains.
    """
    fit = _Fit(x, z)
    expected = fit.x - fit.errors
    before = (fit.errors**2).mean(axis=0)
    after = np.mean([((fit.x[order] - expected) ** 2).mean(axis=0) for order in orders], axis=0)
    known = before > _NOTHING**2 * fit.x.var(axis=0)
    return float((after[known] / before[known]).max(initial=1.0))


class _Fit:
    """The regression of each column of x on z.

    Attributes:
        x: The columns, or their normal scores, whichever z explains the better, shape (n, dx).
        errors: Errors of predicting each row of them from the z of the other rows, shape (n, dx).
    """

    def __init__(self, x: Array, z: Array) -> None:
        plain = _centred(x)
        scores = normal_scores(plain)
        both = np.hstack([plain, scores])
        errors = _errors(both, _centred(z))
        variances = both.var(axis=0)
        shares = (errors**2).mean(axis=0) / np.where(variances > 0.0, variances, 1.0)
        first, second = np.split(shares, 2)
        self.x = np.where(second < first, scores, plain)
        self.errors = np.where(second < first, *reversed(np.hsplit(errors, 2)))


def normal_scores(block: Array) -> Floats:
    """Return the normal scores of each column in float64; those of a constant column are 0."""
    (scores,), _ = normalize_blocks([block.astype(np.float64)], ("samples",), "copula")
    return scores


def _centred(block: Array) -> Floats:
    """Return the columns about their means over their largest distance from the first value.

    Distances from the first value are exact where the origin is far, and squares of what is
    returned neither overflow nor vanish.
    """
    wide = block.astype(np.float64)
    wide -= wide[0].copy()
    reach = np.abs(wide).max(axis=0)
    wide /= np.where(reach > 0.0, reach, 1.0)
    wide -= wide.mean(axis=0)
    return wide


def _errors(x: Floats, z: Floats) -> Floats:
    """Return the errors of predicting each row of x from the z of the other rows, shape (n, dx).

    The regression is linear in z and in its normal scores, plus a Gaussian kernel of the scores
    with a ridge penalty, on a subset of samples as centres. Width and penalty, or none of the
    kernel, are those of the smallest squared error. A sample takes no part in its own prediction,
    so that the fit does not shrink its error.
    """
    n = len(x)
    z = z[:, np.ptp(z, axis=0) > 0]
    if not z.size:
        return x
    scores = normal_scores(z)
    scores /= scores.std(axis=0)
    straight = _basis(np.column_stack([np.ones(n), z / z.std(axis=0), scores]))
    leverage = (straight**2).sum(axis=1)
    bent = x - straight @ (straight.T @ x)
    best = _left_out(bent, leverage)
    score = (best**2).mean(axis=0)

    # Which samples are centres is no property of the data; a fixed choice makes tests repeatable.
    centres = scores[np.random.default_rng(0).permutation(n)[:_CENTRES]]
    near = _squared_distances(scores, centres)
    among = _squared_distances(centres, centres)
    for width in _WIDTHS:
        by = 2.0 * width**2 * z.shape[1]
        values, vectors = np.linalg.eigh(np.exp(-among / by))
        kept = values > _FLAT * values[-1]
        features = np.exp(-near / by) @ (vectors[:, kept] / np.sqrt(values[kept]))
        features -= straight @ (straight.T @ features)
        powers, axes = np.linalg.eigh(features.T @ features)
        turned = features @ axes
        along = turned.T @ bent
        squares = turned**2
        for penalty in _PENALTIES:
            weights = 1.0 / (np.maximum(powers, 0.0) + penalty)
            errors = _left_out(
                bent - turned @ (weights[:, np.newaxis] * along), leverage + squares @ weights
            )
            found = (errors**2).mean(axis=0)
            better = found < score
            best[:, better] = errors[:, better]
            score = np.where(better, found, score)
    return best


def _basis(columns: Floats) -> Floats:
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    basis: Floats = left[:, singular > _FLAT * singular[0]]
    return basis


def _left_out(residual: Floats, leverage: Floats) -> Floats:
    """Return the errors of a linear smoother where each sample is left out in turn."""
    return residual / np.maximum(1.0 - leverage, 1e-3)[:, np.newaxis]


def _squared_distances(a: Floats, b: Floats) -> Floats:
    squares: Floats = np.add.outer((a**2).sum(axis=1), (b**2).sum(axis=1)) - 2.0 * (a @ b.T)
    return np.maximum(squares, 0.0)
