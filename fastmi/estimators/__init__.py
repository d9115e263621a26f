"""One file per estimator; the tables below are where :mod:`fastmi.api` finds them by name."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fastmi.estimators._base import (
    ConditionalEstimator,
    EntropyEstimator,
    Estimate,
    MIEstimator,
    MultivariateEstimator,
)
from fastmi.estimators._lookup import Lazy
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

if TYPE_CHECKING:
    from fastmi.estimators.critic import (
        CCMI,
        DEMI,
        MINE,
        NWJ,
        SMILE,
        DonskerVaradhan,
        InfoNCE,
    )
    from fastmi.estimators.critic_conditional import ConditionalCCMI
    from fastmi.estimators.doe import DoE
    from fastmi.estimators.mienf import MIENF
    from fastmi.estimators.ndoe import NDoE, NDoERealNVP, SeparateBNAF

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

_CRITIC = "fastmi.estimators.critic"
_NDOE = "fastmi.estimators.ndoe"
_MODULES = {
    "CCMI": _CRITIC,
    "ConditionalCCMI": "fastmi.estimators.critic_conditional",
    "DEMI": _CRITIC,
    "DoE": "fastmi.estimators.doe",
    "DonskerVaradhan": _CRITIC,
    "InfoNCE": _CRITIC,
    "MIENF": "fastmi.estimators.mienf",
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
