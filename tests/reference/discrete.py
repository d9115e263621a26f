"""Entropies of discrete samples from their counts, with corrections of the bias.

Each formula is the sum over the symbols as it stands in the paper.
"""

import math
from collections import Counter

import numpy as np

from reference.digamma import EULER_GAMMA


def grassberger_g(count: int) -> float:
    """G of Grassberger (2003), by the recurrence that starts at -gamma - log 2.

    G(1) = -gamma - log 2, G(2) = 2 - gamma - log 2, G(2 m + 1) = G(2 m), and
    G(2 m + 2) = G(2 m) + 2/(2 m + 1).
    """
    value = -EULER_GAMMA - math.log(2)
    for m in range(count // 2):
        value += 2 / (2 * m + 1)
    return value


def discrete_entropy(symbols: list, correction: str) -> float:
    """H of a list of hashable symbols."""
    n = len(symbols)
    counts = list(Counter(symbols).values())
    plug_in = -math.fsum(c / n * math.log(c / n) for c in counts)
    if correction == "none":
        return plug_in
    if correction == "miller-madow":
        return plug_in + (len(counts) - 1) / (2 * n)
    if correction == "chao-shen":
        single = sum(c == 1 for c in counts)
        coverage = 1 - (n - 1 if single == n else single) / n
        shares = [coverage * c / n for c in counts]
        return -math.fsum(q * math.log(q) / (1 - (1 - q) ** n) for q in shares)
    assert correction == "grassberger"
    return math.log(n) - math.fsum(c * grassberger_g(c) for c in counts) / n


def rows(block) -> list[tuple]:
    """The symbol of each sample: the tuple of its columns."""
    array = np.asarray(block, dtype=object)
    return [tuple(row) for row in array.reshape(len(array), -1)]


def discrete_total_correlation(blocks: list, correction: str) -> float:
    """sum_b H(X_b) - H(X_1, ..., X_m)."""
    each = [rows(block) for block in blocks]
    joint = list(zip(*each, strict=True))
    return sum(discrete_entropy(own, correction) for own in each) - discrete_entropy(
        joint, correction
    )


def discrete_cmi(x, y, z, correction: str) -> float:
    """H(X, Z) + H(Y, Z) - H(Z) - H(X, Y, Z)."""
    x, y, z = rows(x), rows(y), rows(z)
    return (
        discrete_entropy(list(zip(x, z, strict=True)), correction)
        + discrete_entropy(list(zip(y, z, strict=True)), correction)
        - discrete_entropy(z, correction)
        - discrete_entropy(list(zip(x, y, z, strict=True)), correction)
    )
