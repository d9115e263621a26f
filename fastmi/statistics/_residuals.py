"""What a smooth regression on a condition leaves of the samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi.normalize import normalize_blocks

Array = NDArray[Any]
Floats = NDArray[np.float64]
Order = NDArray[np.intp]

# Samples that serve as centres of the kernel, over the root of n, and at most. More of them follow
# finer detail, at a cost of n times their square.
_CENTRES_PER_ROOT = 7.0
_MOST_CENTRES = 200
# Widths of the Gaussian kernels, over the square root of the number of columns where it is that of
# all columns; normal scores have width 1. Penalties are in units of the kernel's largest value.
_WIDTHS = (0.25, 0.7, 2.0)
_WIDTHS_OF_ONE = (0.3, 1.0)
_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
# Normal scores of x are predicted rather than x if they leave less than this part of the error in
# relation to their variance. Scores of noise that adds to x would depend on z in their spread.
_MUCH_LESS = 0.8
# Shares of the largest singular value below which directions are rounding noise.
_FLAT = 1e-6
# Rows that each term of the regression without penalty needs.
_ROWS_OF_TERM = 8
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
        x: The columns, or their normal scores where z explains these much better, shape (n, dx).
        errors: Errors of predicting each row of them from the z of the other rows, shape (n, dx).
    """

    def __init__(self, x: Array, z: Array) -> None:
        plain = _centred(x)
        scores = normal_scores(plain)
        both = np.hstack([plain, scores])
        errors = _errors(both, _centred(z))
        variances = both.var(axis=0)
        shares = (errors**2).mean(axis=0) / np.where(variances > 0.0, variances, 1.0)
        of_plain, of_scores = np.split(shares, 2)
        better = of_scores < _MUCH_LESS * of_plain
        self.x = np.where(better, scores, plain)
        self.errors = np.where(better, *reversed(np.hsplit(errors, 2)))


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

    The regression is linear in z and in its normal scores, with products of two columns where
    they help and there are rows enough, plus a Gaussian kernel of the scores
    with a ridge penalty, on a subset of samples as centres. Kernel and penalty, or none of the
    kernels, are those of the smallest squared error. A sample takes no part in its own prediction,
    so that the fit does not shrink its error.
    """
    n = len(x)
    z = z[:, np.ptp(z, axis=0) > 0]
    if not z.size:
        return x
    scores = normal_scores(z)
    scores /= scores.std(axis=0)
    unit = z / z.std(axis=0)
    plain = np.column_stack([np.ones(n), unit, scores])
    first, second = np.triu_indices(z.shape[1])
    curved = np.hstack([plain, unit[:, first] * unit[:, second]])
    bases = [_basis(each) for each in (plain, curved) if _ROWS_OF_TERM * each.shape[1] <= n]
    straight = min(bases or [_basis(plain)], key=lambda basis: _loss(x, basis))
    leverage = (straight**2).sum(axis=1)
    bent = x - straight @ (straight.T @ x)
    best = _left_out(bent, leverage)
    score = (best**2).mean(axis=0)

    # Which samples are centres is no property of the data; a fixed choice makes tests repeatable.
    count = min(_MOST_CENTRES, int(_CENTRES_PER_ROOT * np.sqrt(n)))
    centres = np.random.default_rng(0).permutation(n)[:count]
    for kernel in _kernels(scores, centres):
        features = kernel - straight @ (straight.T @ kernel)
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


def _loss(x: Floats, basis: Floats) -> float:
    """Return the sum over the columns of x of the logarithm of their errors, left out in turn."""
    errors = _left_out(x - basis @ (basis.T @ x), (basis**2).sum(axis=1))
    return float(np.log((errors**2).mean(axis=0) + np.finfo(float).tiny).sum())


def _left_out(residual: Floats, leverage: Floats) -> Floats:
    """Return the errors of a linear smoother where each sample is left out in turn."""
    return residual / np.maximum(1.0 - leverage, 1e-3)[:, np.newaxis]


def _kernels(scores: Floats, centres: Order) -> Iterator[Floats]:
    """Yield Gaussian kernels of all samples with the centres, shape (n, len(centres)), at most 1.

    The product over the columns of z follows any smooth function, their mean functions of single
    columns, for which fewer samples are enough.
    """
    n, d = scores.shape
    squares = [np.subtract.outer(column, column[centres]) ** 2 for column in scores.T]
    for width in _WIDTHS:
        yield np.exp(-sum(squares, np.zeros((n, len(centres)))) / (2.0 * width**2 * d))
    for width in _WIDTHS_OF_ONE if d > 1 else ():
        yield sum((np.exp(-one / (2.0 * width**2)) for one in squares), np.zeros(1)) / d
