"""KSG estimates of many pairs of columns, each column sorted once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for, thread_count

# Pairs of one call on a GPU: enough to keep it busy, few enough to report.
_TOGETHER = 8192


class PairTerms(NamedTuple):
    """What the search yields, first axis the ks, last axis the p pairs.

    Attributes:
        psi_mean: Mean over samples of ``psi(n_x + 1) + psi(n_y + 1)``, shape (len(ks), p).
        psi_std: Its population standard deviation over samples, shape (len(ks), p).
        count_sum: Sums of n_x and of n_y over the samples, shape (len(ks), 2, p).
        zero_radius: Samples whose k-th joint distance is 0, shape (len(ks), p).
    """

    psi_mean: NDArray[np.float64]
    psi_std: NDArray[np.float64]
    count_sum: NDArray[np.int64]
    zero_radius: NDArray[np.int64]


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
        ks: Neighbour numbers in [1, n - 1]; on the CPU those for which "auto" sorts two columns.
        algorithm: Name of the search on a GPU, or "auto"; on the CPU it is always "sort".
        n_jobs: Threads, across pairs; see :func:`fastmi._backend.thread_count`.
        report: Called now and then, on the calling thread, with the number of pairs done.
    """
    kernels = kernels_for(blocks[0])
    if type(blocks[0]) is np.ndarray:
        columns = np.ascontiguousarray(np.hstack(blocks).T)
        terms = kernels.ksg_pairwise(columns, pairs, list(ks), report, thread_count(n_jobs))
        return PairTerms(*terms)
    parts = []
    for begin in range(0, len(pairs), _TOGETHER):
        part = pairs[begin : begin + _TOGETHER]
        parts.append(kernels.ksg_pairs(blocks, part, list(ks), algorithm))
        if report is not None:
            report(begin + len(part))
    mean, std, count_sum, zero_radius = map(np.concatenate, zip(*parts, strict=True))
    return PairTerms(mean.T, std.T, count_sum.transpose(1, 2, 0), zero_radius.T)
