"""fastmi: mutual information and entropy from samples, by nearest neighbours.

    >>> import numpy as np, fastmi
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=1000)
    >>> estimate = fastmi.mi(x, x + rng.normal(size=1000))
    >>> estimate.bits, estimate.stderr, estimate.warnings  # doctest: +SKIP

Values are in nats, samples are rows, and nothing is clipped or jittered unless asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastmi import neighbors, normalize
from fastmi._backend import VERSION as __version__
from fastmi._backend import config, show_config
from fastmi.api import cmi, entropy, mi, total_correlation
from fastmi.estimators import (
    BIKSG,
    KSG,
    LNC,
    Binning,
    BinningConditional,
    BinningTotalCorrelation,
    BITotalCorrelation,
    ConditionalKSG,
    EntropySum,
    Estimate,
    Gaussian,
    GaussianConditional,
    GaussianTotalCorrelation,
    KozachenkoLeonenko,
    KSGHybrid,
    KSGSweep,
    MixedKSG,
    Ross,
    TotalCorrelation,
    WeightedKozachenkoLeonenko,
)

if TYPE_CHECKING:
    from fastmi import bounds, compat, datasets, nn, statistics
    from fastmi.estimators import (
        CCMI,
        DEMI,
        MIENF,
        MINE,
        NWJ,
        SMILE,
        ConditionalCCMI,
        DoE,
        DonskerVaradhan,
        InfoNCE,
        NDoE,
        NDoERealNVP,
        SeparateBNAF,
    )
    from fastmi.statistics import (
        jackknife_error,
        lagged_mi,
        pairwise_mi,
        permutation_test,
        subsample_error,
        transfer_entropy,
    )

__all__ = [
    "BIKSG",
    "CCMI",
    "DEMI",
    "KSG",
    "LNC",
    "MIENF",
    "MINE",
    "NWJ",
    "SMILE",
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
    "__version__",
    "bounds",
    "cmi",
    "compat",
    "config",
    "datasets",
    "entropy",
    "jackknife_error",
    "lagged_mi",
    "mi",
    "neighbors",
    "nn",
    "normalize",
    "pairwise_mi",
    "permutation_test",
    "show_config",
    "statistics",
    "subsample_error",
    "total_correlation",
    "transfer_entropy",
]

# Submodules that load when first named: most programs do without them.
_LAZY = frozenset({"bounds", "compat", "datasets", "nn", "statistics"})
_STATISTICS = frozenset(
    {
        "jackknife_error",
        "lagged_mi",
        "pairwise_mi",
        "permutation_test",
        "subsample_error",
        "transfer_entropy",
    }
)
_NEURAL = frozenset(
    {
        "CCMI",
        "ConditionalCCMI",
        "DEMI",
        "DoE",
        "DonskerVaradhan",
        "InfoNCE",
        "MIENF",
        "MINE",
        "NDoE",
        "NDoERealNVP",
        "NWJ",
        "SMILE",
        "SeparateBNAF",
    }
)


def __getattr__(name: str) -> Any:
    if name in _NEURAL:
        return getattr(import_module("fastmi.estimators"), name)
    if name in _LAZY:
        return import_module(f"fastmi.{name}")
    if name in _STATISTICS:
        return getattr(import_module("fastmi.statistics"), name)
    raise AttributeError(f"module 'fastmi' has no attribute {name!r}")
