"""fastmi: mutual information and entropy from samples.

    >>> import numpy as np, fastmi
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=1000)
    >>> estimate = fastmi.mi(x, x + rng.normal(size=1000))
    >>> estimate.bits, estimate.stderr, estimate.warnings  # doctest: +SKIP

Values are in nats and samples are rows. Estimates are never clipped. What gives reason to distrust
one is issued as an :class:`EstimateWarning` and listed in its ``warnings``.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from fastmi import neighbors, normalize
from fastmi._backend import VERSION as __version__
from fastmi._backend import config, show_config
from fastmi._cautions import EstimateWarning
from fastmi._divergence import kl_divergence
from fastmi._estimate import Estimate
from fastmi._extras import is_installed as _is_installed
from fastmi._several import (
    dual_total_correlation,
    o_information,
    s_information,
    total_correlation,
)
from fastmi.api import cmi, entropy, mi
from fastmi.estimators._methods import ESTIMATORS as _ESTIMATORS
from fastmi.estimators._methods import IMPORTABLE as _IMPORTABLE

if _TYPE_CHECKING:
    from fastmi import bounds, compat, datasets, estimators, nn, ops, plot, selection, statistics
    from fastmi.estimators import *
    from fastmi.estimators.auto.advice import Recommendation as Recommendation
    from fastmi.estimators.auto.advice import recommend as recommend
    from fastmi.statistics import *

# These are loaded on first use, because most programs do without them.
_SUBMODULES = ("bounds", "compat", "datasets", "estimators", "nn", "ops", "plot", "statistics")
_STATISTICS = (
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
)
_ADVICE = ("Recommendation", "recommend")

__all__ = [
    "Estimate",
    "EstimateWarning",
    "__version__",
    "cmi",
    "config",
    "dual_total_correlation",
    "entropy",
    "kl_divergence",
    "mi",
    "neighbors",
    "normalize",
    "o_information",
    "s_information",
    "show_config",
    "total_correlation",
    *(name for name in _SUBMODULES if name != "nn" or _is_installed("torch")),
    *_ADVICE,
    *_STATISTICS,
    *_IMPORTABLE,
]


def __getattr__(name: str) -> object:
    if name in _ESTIMATORS:
        return _ESTIMATORS[name].loaded
    # Not in __all__, because `from fastmi import *` would import scikit-learn.
    if name in _SUBMODULES or name == "selection":
        return _import_module(f"fastmi.{name}")
    if name in _ADVICE:
        return getattr(_import_module("fastmi.estimators.auto.advice"), name)
    if name in _STATISTICS:
        return getattr(_import_module("fastmi.statistics"), name)
    raise AttributeError(f"module 'fastmi' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
