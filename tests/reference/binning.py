"""Plug-in entropies of equal-width histograms."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np


def bins_of(column: np.ndarray, bins: int) -> list[int]:
    """The largest j < bins with low + (high - low) j / bins <= v of each v, in exact fractions."""
    values = [Fraction(v) for v in column.tolist()]
    low, high = min(values), max(values)
    if low == high:
        return [0] * len(values)
    return [min(bins - 1, math.floor(bins * (v - low) / (high - low))) for v in values]


def symbols(block: np.ndarray, bins: int) -> list[tuple[int, ...]]:
    """For each sample, the bins of its columns."""
    return list(zip(*(bins_of(column, bins) for column in block.T), strict=True))


def plug_in_entropy(observed: list) -> float:
    """-sum f log f, over the observed frequencies f."""
    n = len(observed)
    return -math.fsum(c / n * math.log(c / n) for c in Counter(observed).values())


def binned_total_correlation(blocks: list[np.ndarray], bins: int) -> float:
    """sum_b H(X_b) - H(X_1, ..., X_m)."""
    each = [symbols(block, bins) for block in blocks]
    joint = list(zip(*each, strict=True))
    return sum(map(plug_in_entropy, each)) - plug_in_entropy(joint)


def binned_conditional_mi(x: np.ndarray, y: np.ndarray, z: np.ndarray, bins: int) -> float:
    """H(X, Z) + H(Y, Z) - H(Z) - H(X, Y, Z)."""
    in_x, in_y, in_z = (symbols(block, bins) for block in (x, y, z))
    return (
        plug_in_entropy(list(zip(in_x, in_z, strict=True)))
        + plug_in_entropy(list(zip(in_y, in_z, strict=True)))
        - plug_in_entropy(in_z)
        - plug_in_entropy(list(zip(in_x, in_y, in_z, strict=True)))
    )
