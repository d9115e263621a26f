"""Number of other samples within a radius of each sample."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for, thread_count

Array = NDArray[Any]


class Counts(NamedTuple):
    """Numbers of other samples within a radius.

    Attributes:
        counts: Number for each sample, shape (n,).
        algorithm: Name of the search that ran.
    """

    counts: NDArray[np.int64]
    algorithm: str


def count_within(
    blocks: list[Array],
    radius: Array,
    *,
    strict: bool,
    metric: str,
    algorithm: str,
    n_jobs: int | None,
) -> Counts:
    """Count the samples j != i with D(i, j) < radius[i] (strict) or <= (not strict) for each i.

    The comparison is on the computed distances, so the counts are the same integers for
    every algorithm, SIMD level and number of threads.

    Args:
        blocks: m arrays of shape (n, d_b); the distance is the largest of the m distances.
        radius: Shape (n,), dtype of the blocks.
        strict: Whether a sample at exactly the radius stays outside.
        metric: Distance inside a block.
        algorithm: Name of the search, or "auto".
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    return Counts(
        *kernels_for(blocks[0]).count_within(
            blocks, radius, strict, metric, algorithm, thread_count(n_jobs)
        )
    )
