"""Number of other samples within a radius of each sample."""

from collections.abc import Sequence

import numpy as np

from reference.metric import joint_distances


def count_within(
    blocks: Sequence[np.ndarray], radius: np.ndarray, strict: bool, metric: str
) -> np.ndarray:
    """#{j != i : D_ij < radius_i}, or with <= if not strict.

    radius has shape (n,), or (..., n) for several radii per sample; the int64 counts have the
    same shape.
    """
    distances = joint_distances(blocks, metric)
    counts = np.zeros(radius.shape, dtype=np.int64)
    for row in np.ndindex(radius.shape[:-1]):
        limit = radius[row][:, None]
        inside = distances < limit if strict else distances <= limit
        np.fill_diagonal(inside, False)
        counts[row] = np.count_nonzero(inside, axis=1)
    return counts
