"""Plug-in entropies of equal-width histograms."""

import math
from collections import Counter

import numpy as np


def symbols(block: np.ndarray, bins: int) -> list[tuple[int, ...]]:
    """For each sample, the bins of its columns."""
    columns = []
    for column in block.T.astype(float):
        low, high = column.min(), column.max()
        if low == high:
            columns.append([0] * len(column))
            continue
        columns.append([min(bins - 1, int(bins * ((v - low) / (high - low)))) for v in column])
    return list(zip(*columns, strict=True))


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
