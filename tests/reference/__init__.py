"""Slow, obvious NumPy definitions of every op; the tests hold fastmi to them.

Nothing here imports fastmi. Every function materialises the full (n, n) distance matrix.
`blocks` is a sequence of arrays (n, d_b) of one dtype; the distance between two samples is the
largest of their distances inside the blocks.
"""

from reference.count import count_within
from reference.digamma import EULER_GAMMA, digamma
from reference.entropy import kl_entropy, log_unit_ball
from reference.knn import kneighbors, kth_distance
from reference.ksg import KsgTerms, ksg_mi, ksg_terms
from reference.metric import block_distances, joint_distances

__all__ = [
    "EULER_GAMMA",
    "KsgTerms",
    "block_distances",
    "count_within",
    "digamma",
    "joint_distances",
    "kl_entropy",
    "kneighbors",
    "ksg_mi",
    "ksg_terms",
    "kth_distance",
    "log_unit_ball",
]
