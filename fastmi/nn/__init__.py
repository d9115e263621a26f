"""Parts of the neural estimators, in torch: objectives, critics, densities, one training loop.

Importing this package imports torch; ``import fastmi`` does not.
"""

from fastmi._extras import load as _load

# First, so that a missing torch is an error that names the extra.
_load("torch", extra="torch", needed_by="fastmi.nn")

from fastmi._estimate import History  # noqa: E402
from fastmi.nn import critics, densities, objectives  # noqa: E402
from fastmi.nn.bases import Base, DiagonalBase, GaussianBase  # noqa: E402
from fastmi.nn.bnaf import BNAF, BNAFStep  # noqa: E402
from fastmi.nn.critics import Bilinear, Concat, Separable  # noqa: E402
from fastmi.nn.flows import (  # noqa: E402
    Composition,
    Flow,
    InvertibleLinear,
    Reversal,
    Standardized,
)
from fastmi.nn.linear import MLP  # noqa: E402
from fastmi.nn.objectives import (  # noqa: E402
    MovingDV,
    clipped_dv,
    demi,
    dv,
    infonce,
    jensen,
    logistic,
    nwj,
    smile,
    tuba,
)
from fastmi.nn.realnvp import AffineCoupling, RealNVP  # noqa: E402
from fastmi.nn.training import Training, train  # noqa: E402

__all__ = [
    "BNAF",
    "MLP",
    "AffineCoupling",
    "BNAFStep",
    "Base",
    "Bilinear",
    "Composition",
    "Concat",
    "DiagonalBase",
    "Flow",
    "GaussianBase",
    "History",
    "InvertibleLinear",
    "MovingDV",
    "RealNVP",
    "Reversal",
    "Separable",
    "Standardized",
    "Training",
    "clipped_dv",
    "critics",
    "demi",
    "densities",
    "dv",
    "infonce",
    "jensen",
    "logistic",
    "nwj",
    "objectives",
    "smile",
    "train",
    "tuba",
]
