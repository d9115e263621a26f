"""BI-KSG of Gao, Oh and Viswanath (2018), for m blocks."""

import math
from collections.abc import Sequence

import numpy as np

from reference.digamma import digamma
from reference.entropy import log_unit_ball
from reference.metric import block_distances, joint_distances


def biksg(blocks: Sequence[np.ndarray], k: int, p: float) -> float:
    """Mutual information, or total correlation for m > 2; every norm is l_p, with p 2 or inf."""
    n, m = len(blocks[0]), len(blocks)
    metric = "euclidean" if p == 2 else "chebyshev"
    joint = (
        block_distances(np.hstack(blocks), metric) if p == 2 else joint_distances(blocks, metric)
    )
    others = joint + np.where(np.eye(n, dtype=bool), np.inf, 0)
    radius = np.sort(others, axis=1)[:, k - 1].astype(np.float64)
    slack = 1 + 4 * np.finfo(blocks[0].dtype).eps if p == 2 else 1.0
    logs = np.zeros(n)
    for block in blocks:
        inside = block_distances(block, metric) <= (radius * slack)[:, None]
        logs += np.log(np.maximum(inside.sum(axis=1) - 1, k))
    dims = [block.shape[1] for block in blocks]
    volume = sum(log_unit_ball(d, metric) for d in dims) - log_unit_ball(sum(dims), metric)
    psi_k = float(digamma(np.array([k]))[0])
    return psi_k + (m - 1) * math.log(n) + volume - float(logs.mean())
