"""Sums of entropies of several variables: total correlation, its dual, their difference and sum."""

from collections.abc import Callable, Sequence

import numpy as np

from reference.digamma import digamma
from reference.space_counts import space_counts

# Weights of (total correlation, dual total correlation) by the names of the functions.
MULTIVARIATE = {
    "total_correlation": (1, 0),
    "dual_total_correlation": (0, 1),
    "o_information": (1, -1),
    "s_information": (1, 1),
}


def entropy_weights_of(name: str, m: int) -> dict[tuple[int, ...], int]:
    """Weight of the entropy of each subset of m variables, from the definitions.

    C = sum_b H(b) - H(all), and D = H(all) - sum_b H(b | others) with
    H(b | others) = H(all) - H(others).
    """
    of_total, of_dual = MULTIVARIATE[name]
    everything = tuple(range(m))
    weights: dict[tuple[int, ...], int] = {}

    def add(space: tuple[int, ...], weight: int) -> None:
        weights[space] = weights.get(space, 0) + weight

    add(everything, of_dual - of_total)
    for b in range(m):
        others = tuple(c for c in everything if c != b)
        add((b,), of_total)
        add(everything, -of_dual)
        add(others, of_dual)
    return weights


def signed_sum(name: str, m: int, entropy: Callable[[tuple[int, ...]], float]) -> float:
    """The quantity from a function that returns the entropy of a subset of the variables."""
    return sum(weight * entropy(space) for space, weight in entropy_weights_of(name, m).items())


def ksg_entropies(
    blocks: Sequence[np.ndarray], k: int, metric: str
) -> Callable[[tuple[int, ...]], float]:
    """Entropies from strict counts within the k-th joint distances, up to what cancels in sums."""
    n, everything = len(blocks[0]), tuple(range(len(blocks)))

    def entropy(space: tuple[int, ...]) -> float:
        if space == everything:
            return float(digamma(np.array(n)) - digamma(np.array(k)))
        _, counts = space_counts(blocks, [k], [space], True, metric)
        return float(digamma(np.array(n)) - digamma(counts[0, 0] + 1).mean())

    return entropy
