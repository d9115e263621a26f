"""Estimators: those in `neighbors` search nearest neighbours, those in `neural` train networks.

:mod:`fastmi.api` finds them by name in the table of :mod:`fastmi.estimators._methods`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastmi.estimators._base import Estimator
from fastmi.estimators._methods import (
    CMI_METHODS,
    ENTROPY_METHODS,
    ESTIMATORS,
    IMPORTABLE,
    METHODS,
    MI_METHODS,
    TOTAL_CORRELATION_METHODS,
    Method,
)

if TYPE_CHECKING:
    # Type checkers cannot see through __getattr__; a test compares this list with the table.
    from fastmi.estimators.auto.information import Auto as Auto
    from fastmi.estimators.auto.information import ConditionalAuto as ConditionalAuto
    from fastmi.estimators.binning import Binning as Binning
    from fastmi.estimators.binning import BinningConditional as BinningConditional
    from fastmi.estimators.binning import BinningTotalCorrelation as BinningTotalCorrelation
    from fastmi.estimators.discrete import Discrete as Discrete
    from fastmi.estimators.discrete import DiscreteConditional as DiscreteConditional
    from fastmi.estimators.discrete import DiscreteEntropy as DiscreteEntropy
    from fastmi.estimators.discrete import DiscreteTotalCorrelation as DiscreteTotalCorrelation
    from fastmi.estimators.gaussian import Gaussian as Gaussian
    from fastmi.estimators.gaussian import GaussianConditional as GaussianConditional
    from fastmi.estimators.gaussian import GaussianTotalCorrelation as GaussianTotalCorrelation
    from fastmi.estimators.neighbors.biksg import BIKSG as BIKSG
    from fastmi.estimators.neighbors.conditional import ConditionalKSG as ConditionalKSG
    from fastmi.estimators.neighbors.divergence import KLDivergence as KLDivergence
    from fastmi.estimators.neighbors.entropy import KozachenkoLeonenko as KozachenkoLeonenko
    from fastmi.estimators.neighbors.ksg import KSG as KSG
    from fastmi.estimators.neighbors.ksg import KSGHybrid as KSGHybrid
    from fastmi.estimators.neighbors.lnc import LNC as LNC
    from fastmi.estimators.neighbors.mesner import ConditionalMesner as ConditionalMesner
    from fastmi.estimators.neighbors.mesner import Mesner as Mesner
    from fastmi.estimators.neighbors.mixed import MixedKSG as MixedKSG
    from fastmi.estimators.neighbors.mixed import Ross as Ross
    from fastmi.estimators.neighbors.multivariate import (
        DualTotalCorrelation as DualTotalCorrelation,
    )
    from fastmi.estimators.neighbors.multivariate import OInformation as OInformation
    from fastmi.estimators.neighbors.multivariate import SInformation as SInformation
    from fastmi.estimators.neighbors.relevance import RelevanceKSG as RelevanceKSG
    from fastmi.estimators.neighbors.sweep import KSGSweep as KSGSweep
    from fastmi.estimators.neighbors.total_correlation import (
        BITotalCorrelation as BITotalCorrelation,
    )
    from fastmi.estimators.neighbors.total_correlation import TotalCorrelation as TotalCorrelation
    from fastmi.estimators.neighbors.weighted_entropy import EntropySum as EntropySum
    from fastmi.estimators.neighbors.weighted_entropy import (
        WeightedKozachenkoLeonenko as WeightedKozachenkoLeonenko,
    )
    from fastmi.estimators.neural.critic import CCMI as CCMI
    from fastmi.estimators.neural.critic import DEMI as DEMI
    from fastmi.estimators.neural.critic import MINE as MINE
    from fastmi.estimators.neural.critic import NWJ as NWJ
    from fastmi.estimators.neural.critic import SMILE as SMILE
    from fastmi.estimators.neural.critic import ConditionalCCMI as ConditionalCCMI
    from fastmi.estimators.neural.critic import DonskerVaradhan as DonskerVaradhan
    from fastmi.estimators.neural.critic import InfoNCE as InfoNCE
    from fastmi.estimators.neural.critic import InfoNCEAnchor as InfoNCEAnchor
    from fastmi.estimators.neural.entropies import DoE as DoE
    from fastmi.estimators.neural.entropies import NDoE as NDoE
    from fastmi.estimators.neural.entropies import NDoERealNVP as NDoERealNVP
    from fastmi.estimators.neural.entropies import SeparateBNAF as SeparateBNAF
    from fastmi.estimators.neural.mienf import MIENF as MIENF
    from fastmi.estimators.several.discrete import (
        DiscreteDualTotalCorrelation as DiscreteDualTotalCorrelation,
    )
    from fastmi.estimators.several.discrete import DiscreteOInformation as DiscreteOInformation
    from fastmi.estimators.several.discrete import DiscreteSInformation as DiscreteSInformation
    from fastmi.estimators.several.divergence import DiscreteKLDivergence as DiscreteKLDivergence
    from fastmi.estimators.several.divergence import GaussianKLDivergence as GaussianKLDivergence
    from fastmi.estimators.several.gaussian import (
        GaussianDualTotalCorrelation as GaussianDualTotalCorrelation,
    )
    from fastmi.estimators.several.gaussian import GaussianOInformation as GaussianOInformation
    from fastmi.estimators.several.gaussian import GaussianSInformation as GaussianSInformation

__all__ = [
    "CMI_METHODS",
    "ENTROPY_METHODS",
    "METHODS",
    "MI_METHODS",
    "TOTAL_CORRELATION_METHODS",
    "Estimator",
    "Method",
    *IMPORTABLE,
]


def __getattr__(name: str) -> Any:
    if name in ESTIMATORS:
        return ESTIMATORS[name].loaded
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
