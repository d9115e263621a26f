"""Surrogates of a conditional test: exchange of samples, and counts for many orders at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels, thread_count

Array = NDArray[Any]
Integers = NDArray[np.int64]

#: Most neighbours for which there are counts of many orders.
MOST_NEIGHBORS = 64


def exchanged_counts(
    blocks: Sequence[Array], ks: Sequence[int], orders: Integers, *, n_jobs: int | None
) -> Integers:
    """Return the counts of the conditional KSG estimator for (x[order], y, z) in each order.

    They are those of :func:`fastmi.ops.space_counts.space_counts` in the spaces (x, z), (y, z) and
    z, strictly within the distance to the k-th joint neighbour, with the Chebyshev metric. Whatever
    depends on y and z alone is done once for all orders.

    Args:
        blocks: x, y and z, NumPy arrays of shape (n, d_b) and of one dtype.
        ks: Neighbour numbers, ascending, each in [1, n - 1] and at most `MOST_NEIGHBORS`.
        orders: Rows of x, int64, shape (s, n). A row may occur more than once.
        n_jobs: Threads, which share the samples; see :func:`fastmi._backend.thread_count`.

    Returns:
        Shape (s, len(ks), 3, n).
    """
    found: Integers = kernels().exchanged_counts(
        list(blocks), list(ks), orders, thread_count(n_jobs)
    )
    return found


def exchange(candidates: Integers, sequence: Integers, taken: NDArray[np.bool_]) -> Integers:
    """Return the sample that each row gets, shape (m,).

    Rows choose one after another, as `sequence` says: the first of their candidates that nobody has
    taken, or the last of them if all are.

    Args:
        candidates: Shape (m, size), int64, in [0, n).
        sequence: A permutation of the m rows, int64.
        taken: Samples that nobody may choose first, shape (n,).
    """
    found: Integers = kernels().exchange(candidates, sequence, taken)
    return found
