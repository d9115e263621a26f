"""Nearest neighbours of every sample among the other samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import cuda_kernels, kernels, kernels_for, thread_count

Array = NDArray[Any]


def kth_distance(
    blocks: list[Array], ks: Sequence[int], *, metric: str, algorithm: str, n_jobs: int | None
) -> Array:
    """Return the distance from each sample to its k-th nearest other sample.

    Args:
        blocks: m arrays of shape (n, d_b); the distance is the largest of the m distances.
        ks: Neighbour numbers, each in [1, n - 1].
        metric: Distance inside a block.
        algorithm: Name of the search, or "auto".
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.

    Returns:
        Shape (len(ks), n), dtype of the blocks.
    """
    distances: Array = kernels_for(blocks[0]).kth_distance(
        blocks, list(ks), metric, algorithm, thread_count(n_jobs)
    )
    return distances


def kneighbors(
    blocks: list[Array], k: int, *, metric: str, algorithm: str, n_jobs: int | None
) -> tuple[Array, NDArray[np.int64]]:
    """Return distances and indices, both (n, k), by (distance, index); see :mod:`fastmi.neighbors`.

    Arguments as in :func:`kth_distance`.
    """
    pair: tuple[Array, NDArray[np.int64]] = kernels_for(blocks[0]).kneighbors(
        blocks, k, metric, algorithm, thread_count(n_jobs)
    )
    return pair


def chosen_algorithm(
    n: int, dims: tuple[int, ...], k: int, indices: bool = False, device: str = "cpu"
) -> str:
    """Return the name that "auto" stands for at this size; `indices` if those are wanted too."""
    chooser = kernels() if device == "cpu" else cuda_kernels()
    return str(chooser.choose_algorithm(n, list(dims), k, indices))
