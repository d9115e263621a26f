"""Nearest neighbours of every sample among the other samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels, kernels_for, thread_count

Array = NDArray[Any]


class KthDistances(NamedTuple):
    """Distances to the k-th nearest other sample.

    Attributes:
        distances: Distances for each k, shape (len(ks), n), dtype of the blocks.
        algorithm: Name of the search that ran.
    """

    distances: Array
    algorithm: str


class Neighbors(NamedTuple):
    """The k nearest other samples of each sample, by (distance, index).

    Attributes:
        distances: Distances, nearest first, shape (n, k), dtype of the blocks.
        indices: Row numbers of the neighbours, shape (n, k).
        algorithm: Name of the search that ran.
    """

    distances: Array
    indices: NDArray[np.int64]
    algorithm: str


def kth_distance(
    blocks: list[Array], ks: Sequence[int], *, metric: str, algorithm: str, n_jobs: int | None
) -> KthDistances:
    """Find the distance from each sample to its k-th nearest other sample.

    Args:
        blocks: m arrays of shape (n, d_b); the distance is the largest of the m distances.
        ks: Neighbour numbers, each in [1, n - 1].
        metric: Distance inside a block.
        algorithm: Name of the search, or "auto".
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    return KthDistances(
        *kernels_for(blocks[0]).kth_distance(
            blocks, list(ks), metric, algorithm, thread_count(n_jobs)
        )
    )


def kneighbors(
    blocks: list[Array], k: int, *, metric: str, algorithm: str, n_jobs: int | None
) -> Neighbors:
    """Find the k nearest other samples, see :mod:`fastmi.neighbors`.

    Arguments as in :func:`kth_distance`.
    """
    return Neighbors(
        *kernels_for(blocks[0]).kneighbors(blocks, k, metric, algorithm, thread_count(n_jobs))
    )


def kneighbors_among(
    blocks: list[Array],
    reference: list[Array],
    k: int,
    *,
    metric: str,
    algorithm: str,
    n_jobs: int | None,
) -> Neighbors:
    """Find the k nearest of other samples, in host memory, with row numbers of `reference`.

    Args:
        blocks: m arrays of shape (n, d_b), whose samples ask.
        reference: m arrays of shape (n', d_b) of the same dtype, whose samples are found.
        k: Number of neighbours in [1, n'].
        metric: Distance inside a block.
        algorithm: Name of the search, "auto", "tree" or "brute".
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    both = [np.concatenate([r, b]) for r, b in zip(reference, blocks, strict=True)]
    return Neighbors(
        *kernels().kneighbors_among(
            both, len(reference[0]), k, metric, algorithm, thread_count(n_jobs)
        )
    )


def sorts_pairs(n: int, k: int) -> bool:
    """Return whether "auto" is "sort" for two columns of n samples in host memory."""
    return bool(kernels().choose_algorithm(n, [1, 1], k) == "sort")
