"""One file per estimator; the tables below are where :mod:`fastmi.api` finds them by name."""

from collections.abc import Callable
from functools import partial

from fastmi.estimators._base import (
    ConditionalEstimator,
    EntropyEstimator,
    Estimate,
    MIEstimator,
    MultivariateEstimator,
)
from fastmi.estimators.biksg import BIKSG
from fastmi.estimators.binning import Binning, BinningConditional, BinningTotalCorrelation
from fastmi.estimators.conditional import ConditionalKSG
from fastmi.estimators.entropy import KozachenkoLeonenko
from fastmi.estimators.entropy_sum import EntropySum
from fastmi.estimators.gaussian import Gaussian, GaussianConditional, GaussianTotalCorrelation
from fastmi.estimators.ksg import KSG
from fastmi.estimators.ksg_eq6 import KSGHybrid
from fastmi.estimators.lnc import LNC
from fastmi.estimators.mixed import MixedKSG, Ross
from fastmi.estimators.sweep import KSGSweep
from fastmi.estimators.total_correlation import BITotalCorrelation, TotalCorrelation
from fastmi.estimators.weighted_entropy import WeightedKozachenkoLeonenko

__all__ = [
    "BIKSG",
    "CMI_METHODS",
    "ENTROPY_METHODS",
    "KSG",
    "LNC",
    "MI_METHODS",
    "TOTAL_CORRELATION_METHODS",
    "BITotalCorrelation",
    "Binning",
    "BinningConditional",
    "BinningTotalCorrelation",
    "ConditionalKSG",
    "EntropySum",
    "Estimate",
    "Gaussian",
    "GaussianConditional",
    "GaussianTotalCorrelation",
    "KSGHybrid",
    "KSGSweep",
    "KozachenkoLeonenko",
    "MixedKSG",
    "Ross",
    "TotalCorrelation",
    "WeightedKozachenkoLeonenko",
]

MI_METHODS: dict[str, Callable[..., MIEstimator]] = {
    "ksg1": partial(KSG, variant=1),
    "ksg2": partial(KSG, variant=2),
    "ksg_global": partial(KSGSweep, normalize="global"),
    "ksg_global_linf": partial(KSGSweep, normalize="global-linf"),
    "biksg": BIKSG,
    "lnc": LNC,
    "3h": EntropySum,
    "mixed": MixedKSG,
    "ross": Ross,
    "gaussian": Gaussian,
    "binning": Binning,
    "ksg_eq6": KSGHybrid,
}

CMI_METHODS: dict[str, Callable[..., ConditionalEstimator]] = {
    "fp": partial(ConditionalKSG, variant=1),
    "ksg2": partial(ConditionalKSG, variant=2),
    "gaussian": GaussianConditional,
    "binning": BinningConditional,
}

TOTAL_CORRELATION_METHODS: dict[str, Callable[..., MultivariateEstimator]] = {
    "ksg1": partial(TotalCorrelation, variant=1),
    "ksg2": partial(TotalCorrelation, variant=2),
    "biksg": BITotalCorrelation,
    "gaussian": GaussianTotalCorrelation,
    "binning": BinningTotalCorrelation,
}

ENTROPY_METHODS: dict[str, Callable[..., EntropyEstimator]] = {
    "kl": KozachenkoLeonenko,
    "wkl": WeightedKozachenkoLeonenko,
}
