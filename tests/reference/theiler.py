"""Neighbours and counts among the samples with |i - j| > window, from whole distance matrices."""

import numpy as np

from reference.metric import block_distances, joint_order_keys


def theiler_counts(blocks, k, window, closed, spaces, metric):
    """Return the k-th joint distances (n,) and the counts in each subspace, (len(spaces), n).

    Counts are of samples strictly within the k-th joint distance. If closed, they are of samples
    up to the largest distance in each block among the k joint neighbours, which are the first by
    (distance, index), or by (square, index) where distances are Euclidean.
    """
    n = len(blocks[0])
    margins = [block_distances(block, metric) for block in blocks]
    joint = np.maximum.reduce(margins)
    keys = joint_order_keys(blocks, metric)
    radius = np.empty(n, dtype=joint.dtype)
    counts = np.empty((len(spaces), n), dtype=np.int64)
    for i in range(n):
        others = np.array([j for j in range(n) if abs(i - j) > window])
        nearest = others[np.argsort(keys[i, others], kind="stable")[:k]]
        radius[i] = joint[i, nearest[-1]]
        for s, space in enumerate(spaces):
            inside = np.ones(len(others), dtype=bool)
            for b in space:
                reach = margins[b][i, nearest].max() if closed else radius[i]
                row = margins[b][i, others]
                inside &= row <= reach if closed else row < reach
            counts[s, i] = np.count_nonzero(inside)
    return radius, counts
