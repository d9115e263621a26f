"""Distances in the dtype of the samples, in the order of operations that fastmi promises."""

from collections.abc import Sequence

import numpy as np


def power_of_two_near_inverse(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """2^-e for the largest magnitude m 2^e of all blocks, in their dtype; 1 if all is zero."""
    dtype = blocks[0].dtype
    _, exponent = np.frexp(max(np.abs(x).max() for x in blocks))
    limit = np.finfo(dtype).maxexp - 2
    return np.ldexp(dtype.type(1), -np.clip(exponent, -limit, limit))


def gaps(x: np.ndarray) -> list[np.ndarray]:
    """Differences a_j - b_j for each of the d dims, as d arrays (n, n)."""
    return [column[:, None] - column[None, :] for column in x.T]


def sums_of_squares(x: np.ndarray) -> np.ndarray:
    """Squares summed from the first dim to the last; each product and sum is rounded (no fma)."""
    total = np.zeros((len(x), len(x)), dtype=x.dtype)
    for gap in gaps(x):
        total = total + gap * gap
    return total


def block_distances(x: np.ndarray, metric: str) -> np.ndarray:
    """Distances inside one block: x (n, d) -> (n, n) of the same dtype.

    The Chebyshev distance is the largest |a_j - b_j|. The Euclidean distance is the root of the
    sum of squares. Coordinates are scaled before by a power of two near the largest one, which
    keeps squares in range and changes no other bit.
    """
    if metric == "chebyshev":
        return np.maximum.reduce([np.abs(gap) for gap in gaps(x)])
    if metric == "euclidean":
        scale = power_of_two_near_inverse([x])
        return np.sqrt(sums_of_squares(x * scale)) / scale
    raise ValueError(metric)


def joint_distances(blocks: Sequence[np.ndarray], metric: str) -> np.ndarray:
    """Maximum over the blocks of the distance inside each: (n, n)."""
    return np.maximum.reduce([block_distances(block, metric) for block in blocks])


def joint_order_keys(blocks: Sequence[np.ndarray], metric: str) -> np.ndarray:
    """Keys (n, n) that increase with the joint distance and order the neighbours.

    Euclidean neighbours are ordered by squared distance, which differs for some neighbours whose
    distances round to the same number. In one dim nothing is squared.
    """
    if metric == "chebyshev" or all(block.shape[1] == 1 for block in blocks):
        return joint_distances(blocks, "chebyshev")
    scale = power_of_two_near_inverse(blocks)
    return np.maximum.reduce([sums_of_squares(block * scale) for block in blocks])
