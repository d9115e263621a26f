"""Neighbours and counts that leave out samples near in time.

Theiler (1986), https://doi.org/10.1103/PhysRevA.34.2427.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels, thread_count
from fastmi.ops.digamma import digamma
from fastmi.ops.ksg import KSGTerms

Array = NDArray[Any]


class TheilerCounts(NamedTuple):
    """Joint distances and the counts in subspaces.

    Attributes:
        radius: k-th joint distances, shape (len(ks), n).
        counts: Shape (len(ks), len(spaces), n).
        algorithm: Name of the search that ran.
    """

    radius: Array
    counts: NDArray[np.int64]
    algorithm: str


def theiler_counts(
    blocks: list[Array],
    ks: Sequence[int],
    *,
    window: int,
    closed: bool,
    spaces: Sequence[Sequence[int]],
    metric: str,
    n_jobs: int | None,
) -> TheilerCounts:
    """Search and count among the samples with |i - j| > window, in O(n^2) time.

    Args:
        blocks: m arrays of shape (n, d_b); the joint distance is the largest of the m distances.
        ks: Neighbour numbers, each in [1, n - 1 - 2 window].
        window: Samples left out before and after each sample.
        closed: False counts strictly within the k-th joint distance. True counts in each block up
            to, and including, the largest distance among the k joint neighbours, which are chosen
            by (distance, index).
        spaces: Blocks of each subspace to count in.
        metric: Distance inside a block.
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    ascending = sorted(set(ks))
    radius, counts, algorithm = kernels().theiler_counts(
        blocks,
        ascending,
        window,
        closed,
        [list(space) for space in spaces],
        metric,
        thread_count(n_jobs),
    )
    order = [ascending.index(k) for k in ks]
    return TheilerCounts(radius[order], counts[order], algorithm)


def theiler_ksg_terms(
    blocks: list[Array],
    ks: Sequence[int],
    *,
    window: int,
    variant: int,
    metric: str,
    n_jobs: int | None,
) -> KSGTerms:
    """Return the terms of :func:`fastmi.ops.ksg.ksg_terms` among the samples with |i - j| > window.

    Args:
        blocks: m arrays of shape (n, d_b).
        ks: Neighbour numbers, each in [1, n - 1 - 2 window].
        window: Samples left out before and after each sample.
        variant: 1 or 2.
        metric: Distance inside a block.
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    radius, counts, algorithm = theiler_counts(
        blocks,
        ks,
        window=window,
        closed=variant == 2,
        spaces=[[b] for b in range(len(blocks))],
        metric=metric,
        n_jobs=n_jobs,
    )
    psi = digamma(counts + (1 if variant == 1 else 0)).sum(axis=1)
    zero_radius = np.count_nonzero(radius == 0, axis=1)
    sums = counts[:, :2].sum(axis=2)
    return KSGTerms(psi.mean(axis=1), psi.std(axis=1), counts, zero_radius, sums, algorithm)
