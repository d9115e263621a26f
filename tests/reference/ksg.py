"""Algorithms 1 and 2 of Kraskov, Stögbauer and Grassberger (2004), for m blocks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reference.digamma import digamma
from reference.knn import neighbor_order
from reference.metric import block_distances, joint_order_keys


class KsgTerms(NamedTuple):
    """Terms of the estimate for one k, as the kernel returns them.

    counts (m, n) are int64; psi (n,) is the sum over blocks of the digamma terms; zero_radius is
    the number of samples whose k-th joint distance is 0.
    """

    counts: np.ndarray
    psi: np.ndarray
    zero_radius: int


def ksg_terms(
    blocks: Sequence[np.ndarray], ks: Sequence[int], variant: int, metric: str
) -> list[KsgTerms]:
    """Marginal counts and digamma terms of each sample, for every k of `ks`.

    Variant 1 counts D_b < r, with r the k-th joint distance, and takes psi(n_b + 1). Variant 2
    counts D_b <= r_b, with r_b the largest D_b among the k joint neighbours, and takes psi(n_b).
    """
    margins = [block_distances(block, metric) for block in blocks]
    joint = np.maximum.reduce(margins)
    order = neighbor_order(joint_order_keys(blocks, metric))
    terms = []
    for k in ks:
        neighbors = order[:, :k]
        radius = np.take_along_axis(joint, neighbors[:, -1:], axis=1)
        counts = []
        for distances in margins:
            if variant == 1:
                inside = distances < radius
            else:
                block_radius = np.take_along_axis(distances, neighbors, axis=1).max(axis=1)
                inside = distances <= block_radius[:, None]
            np.fill_diagonal(inside, False)
            counts.append(np.count_nonzero(inside, axis=1))
        stacked = np.stack(counts).astype(np.int64)
        psi = digamma(stacked + 1 if variant == 1 else stacked).sum(axis=0)
        terms.append(KsgTerms(stacked, psi, int(np.count_nonzero(radius == 0))))
    return terms


def ksg_mi(blocks: Sequence[np.ndarray], k: int, variant: int, metric: str) -> float:
    """Mutual information (total correlation for m > 2) in nats."""
    n, m = len(blocks[0]), len(blocks)
    psi_k, psi_n = digamma(np.array([k, n]))
    correction = 0.0 if variant == 1 else (m - 1) / k
    mean_psi = ksg_terms(blocks, [k], variant, metric)[0].psi.mean()
    return float(psi_k - correction + (m - 1) * psi_n - mean_psi)


def ksg_hybrid(x: np.ndarray, y: np.ndarray, k: int, metric: str) -> float:
    """Counts up to and including the k-th joint distance, with the constant of algorithm 2."""
    margins = [block_distances(block, metric) for block in (x, y)]
    joint = np.maximum.reduce(margins)
    n = len(x)
    radius = np.array([np.sort(np.delete(row, i))[k - 1] for i, row in enumerate(joint)])
    counts = [(distances <= radius[:, None]).sum(axis=1) - 1 for distances in margins]
    psi_k, psi_n = digamma(np.array([k, n]))
    return float(psi_k - 1 / k + psi_n - np.mean(digamma(counts[0]) + digamma(counts[1])))
