"""Counts within products of balls, one radius for each variable and sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Number of distances held at once for each variable: 8 MB of float64.
_CHUNK = 2**20


def count_in_subspaces(
    blocks: list[Array], neighbors: NDArray[np.int64], ks: Sequence[int], metric: str
) -> list[NDArray[np.int64]]:
    """Count the samples inside the k-neighbour rectangle of each sample, seen in (x,z), (y,z), z.

    With e_b(i) the largest distance from i to its first k neighbours inside block b, n_xz(i) is
    the number of j != i with D_x(i, j) <= e_x(i) and D_z(i, j) <= e_z(i); n_yz(i) and n_z(i)
    likewise. O(n^2) time at worst; candidates are taken from a window of the first column of z.

    Args:
        blocks: x, y and z, shapes (n, d_b).
        neighbors: Joint neighbours, nearest first, shape (n, max(ks)).
        ks: Numbers of neighbours.
        metric: Distance inside a block.

    Returns:
        For each k, n_xz, n_yz and n_z: int64, shape (3, n).
    """
    scaled = [_scaled(block, metric) for block in blocks]
    # [block, neighbour, sample]: the largest distance so far along the neighbours is e_b.
    reach = np.stack(
        [np.stack([_distance(b, b[column], metric) for column in neighbors.T]) for b in scaled]
    )
    radii = np.maximum.accumulate(reach, axis=1)[:, [k - 1 for k in ks]]

    n = len(neighbors)
    # Sorting the samples changes no distance and turns their windows into slices.
    order = np.argsort(scaled[2][:, 0], kind="stable")
    sorted_blocks = [b[order] for b in scaled]
    sorted_radii = radii[:, :, order]
    first, last = _windows(sorted_blocks[2][:, 0], sorted_radii[2].max(axis=0))
    counts = np.empty((len(ks), 3, n), dtype=np.int64)
    step = max(1, _CHUNK // n)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        window = slice(first[rows].min(), last[rows].max())
        distances = [_distance(b[rows, None], b[None, window], metric) for b in sorted_blocks]
        for which in range(len(ks)):
            inside_x, inside_y, inside_z = (
                d <= r[which, rows, None] for d, r in zip(distances, sorted_radii, strict=True)
            )
            for space, inside in enumerate((inside_x & inside_z, inside_y & inside_z, inside_z)):
                # The sample itself is always inside.
                counts[which, space, order[rows]] = np.count_nonzero(inside, axis=1) - 1
    return list(counts)


def _windows(line: Array, radius: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first, and one past the last, position on a sorted line within each radius."""
    # The slack exceeds the rounding of distances and of these sums; windows may be too wide.
    slack = 16 * np.finfo(line.dtype).eps
    center = line.astype(np.float64)
    wide = radius.astype(np.float64) * (1 + slack) + slack * np.abs(center)
    first = np.searchsorted(center, center - wide, side="left")
    last = np.searchsorted(center, center + wide, side="right")
    return first, last


def _scaled(block: Array, metric: str) -> Array:
    """Return the block times a power of two that keeps squares in range; the product is exact."""
    if metric == "chebyshev":
        return block
    _, exponent = np.frexp(np.abs(block).max())
    limit = np.finfo(block.dtype).maxexp - 2
    scaled: Array = block * np.ldexp(block.dtype.type(1), -np.clip(exponent, -limit, limit))
    return scaled


def _distance(a: Array, b: Array, metric: str) -> Array:
    """Return distances over the last axis, broadcast over the others, summed in its order."""
    total: Array | None = None
    for j in range(a.shape[-1]):
        gap = a[..., j] - b[..., j]
        if metric == "chebyshev":
            term = np.abs(gap)
            total = term if total is None else np.maximum(total, term, out=total)
        else:
            term = gap * gap
            total = term if total is None else np.add(total, term, out=total)
    if total is None:
        raise ValueError("a and b must have at least one column")
    return total if metric == "chebyshev" else np.sqrt(total)
