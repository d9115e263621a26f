"""Samples times a power of two, where distances or radii do not fit the dtype as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi.ops.knn import KthDistances

Array = NDArray[Any]

# How far below the largest number rescaled values end, as a power of two: their distances stay
# finite in up to 2^28 dims.
_ROOM = 16


def held_radii(
    search: Callable[[list[Array]], KthDistances], blocks: Sequence[Array]
) -> tuple[KthDistances, list[Array], int]:
    """Search, and if radii are infinite or subnormal, search in rescaled samples.

    Returns:
        The radii, the blocks that they belong to, and e: those blocks times 2^e are the given ones.
    """
    given = list(blocks)
    found = search(given)
    if _holds(found.distances):
        return found, given, 0
    moved, exponent = rescaled(given)
    return search(moved), moved, exponent


def rescaled(blocks: Sequence[Array]) -> tuple[list[Array], int]:
    """Return the blocks times 2^-e, the largest value near the largest number, and e."""
    values = [host(block) for block in blocks]
    top = np.finfo(values[0].dtype).maxexp - _ROOM
    exponent = int(np.frexp(max(np.abs(block).max() for block in values))[1]) - top
    return shifted(blocks, exponent), exponent


def shifted(blocks: Sequence[Array], exponent: int) -> list[Array]:
    """Return the blocks times 2^-exponent."""
    if exponent == 0:
        return list(blocks)
    return [like(block, np.ldexp(host(block), -exponent)) for block in blocks]


def _holds(radius: Array) -> bool:
    """Return whether the dtype holds the radii with all their digits."""
    smallest = np.finfo(radius.dtype).tiny
    return bool((np.isfinite(radius) & ((radius == 0) | (radius >= smallest))).all())
