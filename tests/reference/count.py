"""Number of other samples within a radius of each sample."""

from collections.abc import Sequence

import numpy as np

from reference.metric import joint_distances


def count_within(
    blocks: Sequence[np.ndarray], radius: np.ndarray, strict: bool, metric: str
) -> np.ndarray:
    """#{j != i : D_ij < radius_i}, or <= if not strict.

    radius (n,) or several of them (r, n); counts int64 of the same shape.
    """
    distances = joint_distances(blocks, metric)
    counts = np.zeros(radius.shape, dtype=np.int64)
    for row in np.ndindex(radius.shape[:-1]):
        limit = radius[row][:, None]
        inside = distances < limit if strict else distances <= limit
        np.fill_diagonal(inside, False)
        counts[row] = np.count_nonzero(inside, axis=1)
    return counts
