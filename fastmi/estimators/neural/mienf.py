"""Mutual information through two normalizing flows and a joint base density."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fastmi._cautions import Caution
from fastmi._checks import MOST_LAYERS, check_choice, check_integer
from fastmi.estimators.neural.base import NeuralEstimator
from fastmi.estimators.neural.flow_sizes import check_bnaf_size, check_realnvp_size, default_width
from fastmi.estimators.neural.split import Split, without_constant_columns
from fastmi.nn.bases import PARAMETRIZATIONS, Base, DiagonalBase, GaussianBase, StudentBase
from fastmi.nn.bnaf import NEARLY_SHUT, BNAFStep
from fastmi.nn.fit import Reading
from fastmi.nn.flows import Composition, Flow, InvertibleLinear, Standardized
from fastmi.nn.mienf import MIENFFit, MIENFModel
from fastmi.nn.realnvp import RealNVP

FLOWS = ("bnaf", "realnvp")
BASES = ("diagonal", "gaussian", "student")

# Number of training samples that the linear maps and the base start from.
_ALIGNED = 32_768


@dataclass(frozen=True, kw_only=True)
class MIENF(NeuralEstimator):
    """Butakov et al. (2024): flows of x and of y, each by itself, towards a joint normal.

    The flows do not change the information, so that it is that of the latents, which a joint base
    density of them gives. The value is the mean of its pointwise information over
    held-out samples. With normal bases it tends to a lower bound: never above the truth if
    both latents are exactly normal each by themselves, and arbitrarily far below if they are
    not jointly normal. As long as the latents are not normal it can exceed the truth. Constant
    columns beside others have no density: they are left out, with a warning.
    See https://arxiv.org/abs/2403.02187.

    ``terms`` of the result: ``learnt``, the information of the base's own parameters, which
    agrees with the value when the training has converged; ``gaussian``, that of the joint
    normal with the held-out latents' covariance; ``cross_entropy`` of (x, y). All in nats.

    Args:
        flow: "bnaf" or "realnvp", between two invertible linear maps, the second of which starts
            at the canonical directions of training samples. A Real NVP of a single column is
            affine: it cannot make that column normal.
        base: "diagonal", joint normal latents of which pairs correlate; "gaussian", a joint normal
            of any covariance, which is no more general, as the flows contain linear maps;
            "student", "diagonal" with a common random scale, as heavy tails have it, whose
            distribution is learnt and may tend to no scale at all; or a :class:`fastmi.nn.Base`, of
            which a copy is trained.
        parametrization: How the correlations are stored, "tanh" or "mi", see
            :class:`fastmi.nn.DiagonalBase`.
        width: Number of hidden units per column of a BNAF; None for 160 in all, but 6 to 20 each.
        hidden_layers: Number of hidden layers of a BNAF.
        couplings: Number of affine couplings of a Real NVP.
        hidden: Number of units in each of the two hidden layers of a Real NVP's networks.
    """

    inputs: str = "scores"
    folds: int = 3
    batch_size: int = 512
    lr: float = 3e-3
    schedule: str | Callable[[Optimizer], LRScheduler] | None = "linear"
    flow: str = "bnaf"
    base: str | Base = "student"
    parametrization: str = "tanh"
    width: int | None = None
    hidden_layers: int = 2
    couplings: int = 6
    hidden: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()

        check_choice("flow", self.flow, FLOWS)
        if not isinstance(self.base, str | Base):
            raise TypeError(
                f"base must be 'student', 'diagonal', 'gaussian' or a fastmi.nn.Base; "
                f"got base={self.base!r} ({type(self.base).__name__})"
            )
        if isinstance(self.base, str):
            check_choice("base", self.base, BASES)
        check_choice("parametrization", self.parametrization, PARAMETRIZATIONS)
        if self.width is not None:
            check_integer("width", self.width, 1)
        check_integer("hidden", self.hidden, 1)
        for name in ("hidden_layers", "couplings"):
            check_integer(name, getattr(self, name), 1, MOST_LAYERS)

    def _prepared(self, split: Split, names: Sequence[str]) -> Split:
        for which, name in enumerate(names):
            split = without_constant_columns(split, which, name)
        return split

    def _in_units(self, terms: dict[str, float], split: Split) -> dict[str, float]:
        return terms | {"cross_entropy": terms["cross_entropy"] - sum(split.log_slopes)}

    def _make_fit(self, train: tuple[Tensor, ...]) -> MIENFFit:
        x, y = train
        dx, dy = x.shape[1], y.shape[1]
        base: Base
        if isinstance(self.base, Base):
            base = copy.deepcopy(self.base)
        elif self.base == "diagonal":
            base = DiagonalBase(dx, dy, parametrization=self.parametrization)
        elif self.base == "student":
            base = StudentBase(dx, dy, parametrization=self.parametrization)
        else:
            base = GaussianBase(dx, dy)
        model = MIENFModel(self._flow(x), self._flow(y), base)
        model.align(x[:_ALIGNED], y[:_ALIGNED])
        return MIENFFit(model)

    def _flow(self, samples: Tensor) -> Flow:
        dims = samples.shape[1]
        after: Flow
        if self.flow == "bnaf":
            width = self.width or default_width(dims)
            check_bnaf_size(dims, width, self.hidden_layers)
            after = BNAFStep(
                dims,
                width=width,
                hidden_layers=self.hidden_layers,
                residual="gated",
                gate=NEARLY_SHUT,
            )
        else:
            check_realnvp_size(dims, self.hidden, self.couplings)
            after = RealNVP(dims, couplings=self.couplings, hidden=self.hidden)
        return Standardized(Composition(InvertibleLinear(dims), after), samples)

    def _trust(self, reading: Reading, train_reading: Reading) -> list[Caution]:
        found = super()._trust(reading, train_reading)
        learnt = reading.terms["learnt"]
        gap = abs(learnt - reading.value)
        if math.isfinite(learnt) and gap > max(3 * reading.stderr, 0.1 * abs(reading.value)):
            found.append(
                Caution(
                    f"the base's own parameters say {learnt:.3g} nats, held-out samples "
                    f"{reading.value:.3g}: the training has not converged, or the model is "
                    "overfitted",
                    "unconverged",
                )
            )
        return found
