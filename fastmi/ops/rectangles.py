"""Counts within products of balls, one radius for each variable and sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels, thread_count
from fastmi.ops.space_counts import SpaceCounts


def rectangle_counts(
    blocks: list[NDArray[Any]],
    ks: Sequence[int],
    spaces: Sequence[Sequence[int]],
    *,
    metric: str,
    algorithm: str,
    n_jobs: int | None,
) -> SpaceCounts:
    """Count the samples inside the k-neighbour rectangle of each sample in several spaces.

    With e_b(i) the largest distance from i to its first k joint neighbours inside block b, a sample
    j counts where D_b(i, j) <= e_b(i) in every block of the space. Candidates are taken from a
    window of the first column of the last block: O(n^2) time where it does not separate the
    samples.

    Args:
        blocks: m arrays of shape (n, d_b) in host memory.
        ks: Neighbour numbers, each in [1, n - 1].
        spaces: Blocks of each space, by number; each holds the last block.
        metric: Distance inside a block.
        algorithm: Name of the search for joint neighbours: "auto", "tree" or "brute".
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    ascending = sorted(set(ks))
    radius, counts, ran = kernels().rectangle_counts(
        blocks,
        ascending,
        [list(space) for space in spaces],
        metric,
        algorithm,
        thread_count(n_jobs),
    )
    order = [ascending.index(k) for k in ks]
    return SpaceCounts(radius[order], counts[order], ran)


def rectangle_radii(
    block: NDArray[Any],
    neighbors: NDArray[np.int64],
    ks: Sequence[int],
    *,
    metric: str,
    n_jobs: int | None,
) -> NDArray[Any]:
    """Return the largest distance in one block from each sample to its first k joint neighbours.

    Args:
        block: Samples in host memory, shape (n, d).
        neighbors: Rows of the joint neighbours, nearest first, shape (n, max(ks)).
        ks: Neighbour numbers.
        metric: Distance inside the block.
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.

    Returns:
        Shape (len(ks), n), dtype of the block.
    """
    radii: NDArray[Any] = kernels().rectangle_radii(
        block, neighbors, list(ks), metric, thread_count(n_jobs)
    )
    return radii
