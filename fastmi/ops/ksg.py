"""The fused search and counts of the Kraskov-Stoegbauer-Grassberger estimators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for, thread_count


class KSGTerms(NamedTuple):
    """What one pass over the samples yields; each array has one entry per k.

    Attributes:
        psi_mean: Mean over i of ``sum_b psi(n_b(i) + 1)`` (variant 1) or
            ``sum_b psi(n_b(i))`` (variant 2), shape (len(ks),).
        psi_std: Its population standard deviation over i, shape (len(ks),).
        counts: The n_b(i), shape (len(ks), m, n).
        zero_radius: Samples whose k-th joint distance is 0, shape (len(ks),).
        count_sum: Sums of the n_b of the first two blocks over the samples, shape (len(ks), 2).
        algorithm: Name of the search of the joint space that ran.
    """

    psi_mean: NDArray[np.float64]
    psi_std: NDArray[np.float64]
    counts: NDArray[np.int64]
    zero_radius: NDArray[np.int64]
    count_sum: NDArray[np.int64]
    algorithm: str


def ksg_terms(
    blocks: list[NDArray[Any]],
    ks: Sequence[int],
    *,
    variant: int,
    metric: str,
    algorithm: str,
    n_jobs: int | None,
) -> KSGTerms:
    """Search the joint space once and count in every margin.

    Args:
        blocks: m arrays of shape (n, d_b).
        ks: Neighbour numbers, each in [1, n - 1].
        variant: 1 for one radius per sample and strict counts (Kraskov et al. 2004, eq. 8), 2 for
            one radius per sample and block and closed counts (eq. 9).
        metric: Distance inside a block; across blocks it is always the maximum.
        algorithm: Name of the search, or "auto".
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    return KSGTerms(
        *kernels_for(blocks[0]).ksg(
            blocks, list(ks), variant, metric, algorithm, thread_count(n_jobs)
        )
    )
