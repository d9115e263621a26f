"""What repeats in samples: rows, and values and distances that tie."""

import numpy as np

from reference.metric import joint_distances


def copied_rows(blocks: list[np.ndarray]) -> float:
    """Share of the rows that equal another row."""
    rows = [tuple(row) for row in np.hstack(blocks).tolist()]
    return sum(rows.count(row) > 1 for row in rows) / len(rows)


def tied_share(blocks: list[np.ndarray], k: int, metric: str = "chebyshev") -> float:
    """Share of samples whose k-th neighbour is at the distance of another, or at distance 0."""
    tied = 0
    for i, row in enumerate(joint_distances(blocks, metric)):
        others = np.sort(np.delete(row, i))
        radius = others[k - 1]
        tied += radius == 0 or np.sum(others == radius) > 1
    return tied / len(blocks[0])
