"""Joint k-th distances, and the number of other samples within them in several spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for, thread_count

Array = NDArray[Any]


class SpaceCounts(NamedTuple):
    """Joint distances and the counts within them.

    Attributes:
        radius: k-th joint distances, shape (len(ks), n), dtype of the blocks.
        counts: Shape (len(ks), len(spaces), n).
        algorithm: Name of the search of the joint space that ran.
    """

    radius: Array
    counts: NDArray[np.int64]
    algorithm: str


def space_counts(
    blocks: list[Array],
    ks: Sequence[int],
    spaces: Sequence[Sequence[int]],
    *,
    strict: bool,
    metric: str,
    algorithm: str,
    n_jobs: int | None,
) -> SpaceCounts:
    """Find each sample's k-th joint neighbour and count who is no farther away in every space.

    All numbers of neighbours share one search of the joint space, and one pass in each space.

    Args:
        blocks: m arrays of shape (n, d_b); the joint distance is the largest of the m distances.
        ks: Neighbour numbers, each in [1, n - 1].
        spaces: Blocks of each space, by number; its distance is the largest of theirs.
        strict: Whether a sample at exactly the k-th distance stays outside.
        metric: Distance inside a block.
        algorithm: Name of the search, or "auto". "sort" counts in spaces of one column; spaces of
            several are then searched by "auto".
        n_jobs: Threads, see :func:`fastmi._backend.thread_count`.
    """
    return SpaceCounts(
        *kernels_for(blocks[0]).space_counts(
            blocks,
            list(ks),
            [list(space) for space in spaces],
            strict,
            metric,
            algorithm,
            thread_count(n_jobs),
        )
    )
