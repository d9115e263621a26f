"""Uses of estimates: tests, error bars, matrices of pairs and time series.

Most functions here call :func:`fastmi.mi` or :func:`fastmi.cmi` many times, on several threads;
results do not depend on the number of threads.
"""

from fastmi.statistics.error_bars import SubsampleError, jackknife_error, subsample_error
from fastmi.statistics.features import RankedFeatures, rank_features
from fastmi.statistics.lagged import LaggedMI
from fastmi.statistics.multiple import q_values
from fastmi.statistics.network import Link, TransferNetwork
from fastmi.statistics.pairwise import PairwiseMI, RankedPairs, pairwise_mi
from fastmi.statistics.permutation import PermutationTest, permutation_test
from fastmi.statistics.size_curve import SizeCurve, size_curve
from fastmi.statistics.time_series import lagged_mi
from fastmi.statistics.transfer import transfer_entropy
from fastmi.statistics.transfer_network import transfer_entropy_network

__all__ = [
    "LaggedMI",
    "Link",
    "PairwiseMI",
    "PermutationTest",
    "RankedFeatures",
    "RankedPairs",
    "SizeCurve",
    "SubsampleError",
    "TransferNetwork",
    "jackknife_error",
    "lagged_mi",
    "pairwise_mi",
    "permutation_test",
    "q_values",
    "rank_features",
    "size_curve",
    "subsample_error",
    "transfer_entropy",
    "transfer_entropy_network",
]
