"""Counts of KSG algorithm 1 for (x, c y) at several scales c, from whole distance matrices."""

import numpy as np

from reference.metric import block_distances


def sweep_counts(x, y, scales, k, metric="chebyshev"):
    """Return the counts in x and in c y strictly within the k-th distance, (len(scales), 2, n)."""
    in_x = block_distances(x, metric)
    in_y = block_distances(y, metric)
    counts = np.empty((len(scales), 2, len(x)), dtype=np.int64)
    for s, scale in enumerate(scales):
        scaled = x.dtype.type(scale) * in_y
        joint = np.maximum(in_x, scaled)
        np.fill_diagonal(joint, np.inf)
        radius = np.sort(joint, axis=1)[:, k - 1, None]
        for b, margin in enumerate((in_x, scaled)):
            others = ~np.eye(len(x), dtype=bool)
            counts[s, b] = np.count_nonzero((margin < radius) & others, axis=1)
    return counts
