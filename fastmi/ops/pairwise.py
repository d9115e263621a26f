"""KSG estimates of many pairs of columns, each column sorted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for, thread_count


class PairTerms(NamedTuple):
    """What the search yields; in the arrays the first axis is the ks, the last the p pairs.

    Attributes:
        psi_mean: Mean over samples of ``psi(n_x + 1) + psi(n_y + 1)``, shape (len(ks), p).
        psi_std: Its population standard deviation over samples, shape (len(ks), p).
        count_sum: Sums of n_x and of n_y over the samples, shape (len(ks), 2, p).
        zero_radius: Samples whose k-th joint distance is 0, shape (len(ks), p).
        algorithm: Name of the search of the joint space that ran.
    """

    psi_mean: NDArray[np.float64]
    psi_std: NDArray[np.float64]
    count_sum: NDArray[np.int64]
    zero_radius: NDArray[np.int64]
    algorithm: str


def pair_terms(
    blocks: Sequence[NDArray[Any]],
    pairs: NDArray[np.int64],
    ks: Sequence[int],
    *,
    algorithm: str = "auto",
    n_jobs: int | None,
    report: Callable[[int], object] | None = None,
) -> PairTerms:
    """Return the terms of KSG algorithm 1 (Kraskov et al. 2004, eq. 8) of every pair.

    They are those of :func:`fastmi.ops.ksg.ksg_terms` for the two columns, bit for bit.

    Args:
        blocks: Samples of one dtype on one device, shape (n, d) each.
        pairs: Positions of x and y among the columns of all blocks side by side, shape (p, 2).
        ks: Neighbour numbers in [1, n - 1]; on the CPU :func:`fastmi.ops.knn.sorts_pairs` must be
            True for the largest.
        algorithm: Name of the search, or "auto"; on the CPU "sort" is the only one.
        n_jobs: Threads, which share the pairs; see :func:`fastmi._backend.thread_count`.
        report: Function that is called now and then, on the calling thread, with the number of
            pairs done.
    """
    return PairTerms(
        *kernels_for(blocks[0]).ksg_pairs(
            blocks, pairs, list(ks), algorithm, report, thread_count(n_jobs)
        )
    )
