"""One file per estimator; the tables below are where :mod:`fastmi.api` finds them by name."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fastmi._estimate import Estimate
from fastmi.estimators._base import (
    ConditionalEstimator,
    EntropyEstimator,
    MIEstimator,
    MultivariateEstimator,
)
from fastmi.estimators._lookup import Lazy
from fastmi.estimators.binning import Binning, BinningConditional, BinningTotalCorrelation
from fastmi.estimators.gaussian import Gaussian, GaussianConditional, GaussianTotalCorrelation
from fastmi.estimators.neighbors.biksg import BIKSG
from fastmi.estimators.neighbors.conditional import ConditionalKSG
from fastmi.estimators.neighbors.entropy import KozachenkoLeonenko
from fastmi.estimators.neighbors.ksg import KSG, KSGHybrid
from fastmi.estimators.neighbors.lnc import LNC
from fastmi.estimators.neighbors.mixed import MixedKSG, Ross
from fastmi.estimators.neighbors.sweep import KSGSweep
from fastmi.estimators.neighbors.total_correlation import BITotalCorrelation, TotalCorrelation
from fastmi.estimators.neighbors.weighted_entropy import EntropySum, WeightedKozachenkoLeonenko

if TYPE_CHECKING:
    from fastmi.estimators.neural.critic import (
        CCMI,
        DEMI,
        MINE,
        NWJ,
        SMILE,
        ConditionalCCMI,
        DonskerVaradhan,
        InfoNCE,
    )
    from fastmi.estimators.neural.entropies import DoE, NDoE, NDoERealNVP, SeparateBNAF
    from fastmi.estimators.neural.mienf import MIENF

__all__ = [
    "BIKSG",
    "CCMI",
    "CMI_METHODS",
    "DEMI",
    "ENTROPY_METHODS",
    "KSG",
    "LNC",
    "MIENF",
    "MINE",
    "MI_METHODS",
    "NWJ",
    "SMILE",
    "TOTAL_CORRELATION_METHODS",
    "BITotalCorrelation",
    "Binning",
    "BinningConditional",
    "BinningTotalCorrelation",
    "ConditionalCCMI",
    "ConditionalKSG",
    "DoE",
    "DonskerVaradhan",
    "EntropySum",
    "Estimate",
    "Gaussian",
    "GaussianConditional",
    "GaussianTotalCorrelation",
    "InfoNCE",
    "KSGHybrid",
    "KSGSweep",
    "KozachenkoLeonenko",
    "MixedKSG",
    "NDoE",
    "NDoERealNVP",
    "Ross",
    "SeparateBNAF",
    "TotalCorrelation",
    "WeightedKozachenkoLeonenko",
]

_CRITIC = "fastmi.estimators.neural.critic"
_NDOE = "fastmi.estimators.neural.entropies"
_MODULES = {
    "CCMI": _CRITIC,
    "ConditionalCCMI": "fastmi.estimators.neural.critic",
    "DEMI": _CRITIC,
    "DoE": "fastmi.estimators.neural.entropies",
    "DonskerVaradhan": _CRITIC,
    "InfoNCE": _CRITIC,
    "MIENF": "fastmi.estimators.neural.mienf",
    "MINE": _CRITIC,
    "NDoE": _NDOE,
    "NDoERealNVP": _NDOE,
    "NWJ": _CRITIC,
    "SMILE": _CRITIC,
    "SeparateBNAF": _NDOE,
}
_NEURAL = {name: Lazy(module, name) for name, module in _MODULES.items()}


def __getattr__(name: str) -> Any:
    if name in _NEURAL:
        return _NEURAL[name].load()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
    "mine": _NEURAL["MINE"],
    "dv": _NEURAL["DonskerVaradhan"],
    "nwj": _NEURAL["NWJ"],
    "infonce": _NEURAL["InfoNCE"],
    "smile": _NEURAL["SMILE"],
    "demi": _NEURAL["DEMI"],
    "ccmi": _NEURAL["CCMI"],
    "doe": _NEURAL["DoE"],
    "ndoe": _NEURAL["NDoE"],
    "ndoe-realnvp": _NEURAL["NDoERealNVP"],
    "bnaf": _NEURAL["SeparateBNAF"],
    "mienf": _NEURAL["MIENF"],
}

CMI_METHODS: dict[str, Callable[..., ConditionalEstimator]] = {
    "fp": partial(ConditionalKSG, variant=1),
    "ksg2": partial(ConditionalKSG, variant=2),
    "gaussian": GaussianConditional,
    "binning": BinningConditional,
    "ccmi": _NEURAL["ConditionalCCMI"],
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
