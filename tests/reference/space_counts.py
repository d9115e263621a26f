"""Joint k-th distances, and the number of other samples within them in several spaces."""

from collections.abc import Sequence

import numpy as np

from reference.count import count_within
from reference.knn import kth_distance


def space_counts(
    blocks: Sequence[np.ndarray],
    ks: Sequence[int],
    spaces: Sequence[Sequence[int]],
    strict: bool,
    metric: str,
) -> tuple[np.ndarray, np.ndarray]:
    """k-th joint distances (len(ks), n), and counts within them (len(ks), len(spaces), n)."""
    radius = kth_distance(blocks, ks, metric)
    counts = [count_within([blocks[b] for b in space], radius, strict, metric) for space in spaces]
    shape = (len(ks), 0, len(blocks[0]))
    return radius, np.stack(counts, axis=1) if spaces else np.empty(shape, dtype=np.int64)
