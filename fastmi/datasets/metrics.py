"""Measures of how far estimates are from the truth, over trials whose truths may differ.

Estimates and truths are array-likes of the same shape; results are in their units.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._inputs import as_blocks
from fastmi.normalize import average_ranks

Floats: TypeAlias = NDArray[np.float64]


class Score(NamedTuple):
    """All metrics of one estimator.

    Attributes:
        bias: Mean of estimate - truth.
        rmse: Root mean square of estimate - truth.
        rmse_norm: `rmse` over :func:`truth_spread`. Above sqrt(1/2) the estimates are farther from
            the truths than the mean of the truths is.
        spearman: Correlation of the ranks of estimates and truths.
        trials: Number of trials.
    """

    bias: float
    rmse: float
    rmse_norm: float
    spearman: float
    trials: int


def score(estimates: object, truths: object) -> Score:
    """Return bias, rmse, rmse_norm and Spearman correlation of `estimates`.

    Args:
        estimates: One per trial, shape (trials,).
        truths: The true values, shape (trials,).

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The values are not finite, there are none, or the shapes differ.
    """
    estimate, truth = _pair(estimates, truths)
    return Score(
        bias(estimate, truth),
        rmse(estimate, truth),
        rmse_norm(estimate, truth),
        spearman(estimate, truth),
        len(truth),
    )


def bias(estimates: object, truths: object) -> float:
    """Return mean(estimate - truth), which is negative if the estimates are too low.

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The values are not finite, there are none, or the shapes differ.
    """
    estimate, truth = _pair(estimates, truths)
    error, exponent = _in_unit_range(estimate - truth)
    return math.ldexp(math.fsum(error) / len(truth), exponent)


def rmse(estimates: object, truths: object) -> float:
    """Return sqrt(mean((estimate - truth)^2)).

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The values are not finite, there are none, or the shapes differ.
    """
    estimate, truth = _pair(estimates, truths)
    error, exponent = _in_unit_range(estimate - truth)
    return math.ldexp(math.sqrt(math.fsum(error**2) / len(truth)), exponent)


def truth_spread(truths: object) -> float:
    """Return the root mean square difference of two truths, which is sqrt(2) sd.

    The mean is over all ordered pairs, including those of a truth and itself.

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The values are not finite, or there are none.
    """
    truth, _ = _pair(truths, truths, ("truths", "truths"))
    # Differences from the first truth are exactly 0 if all truths are equal.
    apart, exponent = _in_unit_range(truth - truth[0])
    return math.ldexp(math.sqrt(2.0) * float(np.std(apart)), exponent)


def rmse_norm(estimates: object, truths: object) -> float:
    """Return :func:`rmse` over :func:`truth_spread`, NaN where all truths are equal.

    A constant estimate that is the mean of the truths scores sqrt(1/2).

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The values are not finite, there are none, or the shapes differ.
    """
    error = rmse(estimates, truths)
    spread = truth_spread(truths)
    return error / spread if spread > 0.0 else math.nan


def spearman(estimates: object, truths: object) -> float:
    """Return Pearson's correlation of the average ranks, NaN where one side is constant.

    Raises:
        TypeError: The values are not real numbers.
        ValueError: The values are not finite, there are none, or the shapes differ.
    """
    # Deviations of ranks are multiples of 1/2 and sum exactly.
    first, second = (
        average_ranks(values) - 0.5 * (len(values) + 1) for values in _pair(estimates, truths)
    )
    norm = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    return float(first @ second) / norm if norm > 0.0 else math.nan


def _in_unit_range(values: Floats) -> tuple[Floats, int]:
    """Return values over a power of two, at most 1 in magnitude, and its exponent.

    Their sums and squares neither overflow nor vanish.
    """
    exponent = int(np.frexp(np.abs(values).max())[1])
    return np.ldexp(values, -exponent), exponent


def _pair(
    estimates: object, truths: object, names: tuple[str, str] = ("estimates", "truths")
) -> tuple[Floats, Floats]:
    blocks = as_blocks((estimates, truths), names)
    for block, name in zip(blocks, names, strict=True):
        if block.shape[1] != 1:
            raise ValueError(f"{name} must have shape (trials,); got shape {block.shape}")
    first, second = (block[:, 0].astype(np.float64) for block in blocks)
    return first, second
