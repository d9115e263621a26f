"""Parts of the neural estimators, in torch: objectives, critics, densities, one training loop.

Importing this package imports torch; ``import fastmi`` does not.
"""

from fastmi._extras import load as _load

# This comes before the imports that need torch, so that its absence is an error that names the
# extra (hence E402 is off for this file in pyproject.toml).
_load("torch", extra="torch", needed_by="fastmi.nn")

from fastmi._estimate import History
from fastmi.nn import critics, densities, objectives
from fastmi.nn.bases import Base, DiagonalBase, GaussianBase, StudentBase
from fastmi.nn.bnaf import BNAF, BNAFStep
from fastmi.nn.critics import Bilinear, Concat, Separable
from fastmi.nn.flows import (
    Composition,
    Flow,
    InvertibleLinear,
    Reversal,
    Standardized,
)
from fastmi.nn.linear import MLP
from fastmi.nn.objectives import (
    MovingDV,
    clipped_dv,
    demi,
    dv,
    infonce,
    infonce_anchor,
    jensen,
    logistic,
    nwj,
    smile,
    tuba,
)
from fastmi.nn.realnvp import AffineCoupling, RealNVP
from fastmi.nn.training import Training, train

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
    "StudentBase",
    "Training",
    "clipped_dv",
    "critics",
    "demi",
    "densities",
    "dv",
    "infonce",
    "infonce_anchor",
    "jensen",
    "logistic",
    "nwj",
    "objectives",
    "smile",
    "train",
    "tuba",
]
