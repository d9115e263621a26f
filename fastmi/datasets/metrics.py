"""How far estimates are from the truth, over trials whose truths may differ.

Estimates and truths are array-likes of one shape; everything is in the units they came in.
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
        rmse_norm: `rmse` over :func:`truth_spread`; above 1 the estimates say nothing.
        spearman: Correlation of the ranks of estimates and truths.
        trials: How many there were.
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
        TypeError: Not real numbers.
        ValueError: Not finite, empty, or of different shapes.
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
    """Return mean(estimate - truth): negative where the estimator is too low.

    Raises:
        TypeError: Not real numbers.
        ValueError: Not finite, empty, or of different shapes.
    """
    estimate, truth = _pair(estimates, truths)
    return math.fsum(estimate - truth) / len(truth)


def rmse(estimates: object, truths: object) -> float:
    """Return sqrt(mean((estimate - truth)^2)).

    Raises:
        TypeError: Not real numbers.
        ValueError: Not finite, empty, or of different shapes.
    """
    estimate, truth = _pair(estimates, truths)
    return math.sqrt(math.fsum((estimate - truth) ** 2) / len(truth))


def truth_spread(truths: object) -> float:
    """Return the root mean square difference of two truths, over all pairs: sqrt(2) sd.

    All k^2 ordered pairs, a truth and itself included.

    Raises:
        TypeError: Not real numbers.
        ValueError: Not finite or empty.
    """
    truth, _ = _pair(truths, truths, ("truths", "truths"))
    # From the first: equal truths then give exactly 0.
    return math.sqrt(2.0) * float(np.std(truth - truth[0]))


def rmse_norm(estimates: object, truths: object) -> float:
    """Return :func:`rmse` over :func:`truth_spread`, NaN where all truths are equal.

    The mean of the truths, as a constant estimate, scores sqrt(1/2).

    Raises:
        TypeError: Not real numbers.
        ValueError: Not finite, empty, or of different shapes.
    """
    error = rmse(estimates, truths)
    spread = truth_spread(truths)
    return error / spread if spread > 0.0 else math.nan


def spearman(estimates: object, truths: object) -> float:
    """Return Pearson's correlation of the average ranks, NaN where one side is constant.

    Raises:
        TypeError: Not real numbers.
        ValueError: Not finite, empty, or of different shapes.
    """
    # Deviations of ranks are multiples of 1/2 and sum exactly.
    first, second = (
        average_ranks(values) - 0.5 * (len(values) + 1) for values in _pair(estimates, truths)
    )
    norm = math.sqrt(float(first @ first)) * math.sqrt(float(second @ second))
    return float(first @ second) / norm if norm > 0.0 else math.nan


def _pair(
    estimates: object, truths: object, names: tuple[str, str] = ("estimates", "truths")
) -> tuple[Floats, Floats]:
    blocks = as_blocks((estimates, truths), names)
    for block, name in zip(blocks, names, strict=True):
        if block.shape[1] != 1:
            raise ValueError(f"{name} must have shape (trials,); got shape {block.shape}")
    first, second = (block[:, 0].astype(np.float64) for block in blocks)
    return first, second
