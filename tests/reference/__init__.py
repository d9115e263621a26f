"""Slow, obvious NumPy definitions of what fastmi computes; the tests compare fastmi with them.

Nothing here imports fastmi. Distances are kept as full (n, n) matrices. `blocks` is a sequence of
arrays (n, d_b) of the same dtype; the distance between two samples is the largest of their
distances inside the blocks. Information and entropy are in nats.
"""

from reference.biksg import biksg
from reference.binning import binned_conditional_mi, binned_total_correlation
from reference.coincidences import copied_rows, tied_share
from reference.conditional import conditional_counts, conditional_mi
from reference.count import count_within
from reference.digamma import EULER_GAMMA, digamma
from reference.discrete import discrete_cmi, discrete_entropy, discrete_total_correlation
from reference.divergence import jackknife_over_other, kl_divergence, kneighbors_among
from reference.entropy import kl_entropy, log_unit_ball, weighted_entropy
from reference.exchange import exchange_partners, exchanged_order
from reference.gaussian import (
    exact_gaussian_mi,
    gaussian_bias,
    gaussian_conditional_mi,
    gaussian_total_correlation,
)
from reference.knn import kneighbors, kth_distance
from reference.ksg import KsgTerms, ksg_hybrid, ksg_mi, ksg_terms
from reference.lnc import lnc_mi
from reference.mesner import mesner_cmi, mesner_mi
from reference.metric import block_distances, joint_distances
from reference.mixed import mixed_mi, ross_mi
from reference.multivariate import MULTIVARIATE, entropy_weights_of, ksg_entropies, signed_sum
from reference.relevance import column_dependence, relevance_kernel
from reference.space_counts import space_counts
from reference.sweep import sweep_counts
from reference.theiler import theiler_counts

__all__ = [
    "EULER_GAMMA",
    "MULTIVARIATE",
    "KsgTerms",
    "biksg",
    "binned_conditional_mi",
    "binned_total_correlation",
    "block_distances",
    "column_dependence",
    "conditional_counts",
    "conditional_mi",
    "copied_rows",
    "count_within",
    "digamma",
    "discrete_cmi",
    "discrete_entropy",
    "discrete_total_correlation",
    "entropy_weights_of",
    "exact_gaussian_mi",
    "exchange_partners",
    "exchanged_order",
    "gaussian_bias",
    "gaussian_conditional_mi",
    "gaussian_total_correlation",
    "jackknife_over_other",
    "joint_distances",
    "kl_divergence",
    "kl_entropy",
    "kneighbors",
    "kneighbors_among",
    "ksg_entropies",
    "ksg_hybrid",
    "ksg_mi",
    "ksg_terms",
    "kth_distance",
    "lnc_mi",
    "log_unit_ball",
    "mesner_cmi",
    "mesner_mi",
    "mixed_mi",
    "relevance_kernel",
    "ross_mi",
    "signed_sum",
    "space_counts",
    "sweep_counts",
    "theiler_counts",
    "tied_share",
    "weighted_entropy",
]
