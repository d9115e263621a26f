"""Mutual information through two normalizing flows and a joint base density."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from fastmi._checks import MOST_LAYERS, check_choice, check_integer
from fastmi._estimate import Estimate
from fastmi.estimators.neural.base import NeuralEstimator, Split
from fastmi.estimators.neural.entropies import (
    check_bnaf_size,
    check_realnvp_size,
    default_width,
    without_constant_columns,
)

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from fastmi.nn.flows import Flow
    from fastmi.nn.mienf import MIENFFit

FLOWS = ("bnaf", "realnvp")
BASES = ("diagonal", "gaussian")
PARAMETRIZATIONS = ("tanh", "mi")

# Where the gate of a BNAF starts, 2 % open: close to the identity, so that what is normal stays so.
_GATE = -4.0
# Training samples that the linear maps and the base start from.
_ALIGNED = 32_768


@dataclass(frozen=True, kw_only=True)
class MIENF(NeuralEstimator):
    """Butakov et al. (2024): flows of x and of y, each by itself, towards a joint normal.

    Information is invariant to both flows, so that it is that of the latents; a joint base
    density of the latents gives it. The value is the mean of its pointwise information over
    held-out samples. With normal bases it tends to a lower bound: never above the truth if
    both latents are exactly normal each by themselves, and arbitrarily far below if they are
    not jointly normal. Where the latents are not normal yet it can exceed the truth. Constant
    columns beside others have no density: they are left out, with a warning.

    ``terms`` of the result: ``learnt``, the information of the base's own parameters, which
    agrees with the value when the training has converged; ``gaussian``, that of the joint
    normal with the held-out latents' covariance; ``cross_entropy`` of (x, y). All in nats.

    Args:
        flow: "bnaf" or "realnvp", between two invertible linear maps, the second of which starts
            at the canonical directions of training samples. A Real NVP of a single column is
            affine: it cannot make that column normal.
        base: "diagonal", pairs of latents correlate (no generality is lost against "gaussian",
            a joint normal of any covariance); or a :class:`fastmi.nn.Base`, of which a copy is
            trained.
        parametrization: Of "diagonal", "tanh" or "mi", see :class:`fastmi.nn.DiagonalBase`.
        width: Hidden units per column of a BNAF; None for 160 in all, but 6 to 20 each.
        hidden_layers: Hidden layers of a BNAF.
        couplings: Affine couplings of a Real NVP.
        hidden: Units in each of the two hidden layers of a Real NVP's networks.
    """

    batch_size: int = 512
    lr: float = 3e-3
    schedule: str | Callable[[Optimizer], LRScheduler] | None = "linear"
    flow: str = "bnaf"
    base: str | nn.Module = "diagonal"
    parametrization: str = "tanh"
    width: int | None = None
    hidden_layers: int = 2
    couplings: int = 6
    hidden: int = 128
    method: ClassVar[str] = "mienf"

    def __post_init__(self) -> None:
        super().__post_init__()
        from fastmi.nn.bases import Base

        check_choice("flow", self.flow, FLOWS)
        if not isinstance(self.base, str | Base):
            raise TypeError(
                f"base must be 'diagonal', 'gaussian' or a fastmi.nn.Base; "
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

    def estimate(self, x: object, y: object, *, test: object = None) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): anything array-like, or a torch tensor on any
                device.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            test: Held-out samples (x_test, y_test); None to hold out `test_size` of the others.

        Returns:
            One estimate; its ``local`` are the pointwise information of the held-out samples
            that gave the value, its ``terms`` other readings, its ``history`` the curves.

        Raises:
            FloatingPointError: The loss became NaN or infinite; the message names the step.
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite, fewer than a batch.
        """
        return self._estimate((x, y), ("x", "y"), test)

    def _split(self, variables: Sequence[object], names: Sequence[str], test: object) -> Split:
        split = super()._split(variables, names, test)
        for which, name in enumerate(names):
            split = without_constant_columns(split, which, name)
        return split

    def _make_fit(self, train: tuple[Tensor, ...]) -> MIENFFit:
        from fastmi.nn.bases import Base, DiagonalBase, GaussianBase
        from fastmi.nn.mienf import MIENFFit, MIENFModel

        x, y = train
        dx, dy = x.shape[1], y.shape[1]
        base: Base
        if isinstance(self.base, Base):
            base = copy.deepcopy(self.base)
        elif self.base == "diagonal":
            base = DiagonalBase(dx, dy, parametrization=self.parametrization)
        else:
            base = GaussianBase(dx, dy)
        model = MIENFModel(self._flow(x), self._flow(y), base)
        model.align(x[:_ALIGNED], y[:_ALIGNED])
        return MIENFFit(model)

    def _flow(self, samples: Tensor) -> Flow:
        import torch

        from fastmi.nn.bnaf import BNAFStep
        from fastmi.nn.flows import Composition, InvertibleLinear, Standardized
        from fastmi.nn.realnvp import RealNVP

        dims = samples.shape[1]
        after: Flow
        if self.flow == "bnaf":
            width = self.width or default_width(dims)
            check_bnaf_size(dims, width, self.hidden_layers)
            after = BNAFStep(dims, width=width, hidden_layers=self.hidden_layers, residual="gated")
            after.gate = torch.nn.Parameter(torch.tensor(_GATE))
        else:
            check_realnvp_size(dims, self.hidden, self.couplings)
            after = RealNVP(dims, couplings=self.couplings, hidden=self.hidden)
        return Standardized(Composition(InvertibleLinear(dims), after), samples)

    def _trust(self, reading: Any, train_reading: Any) -> list[str]:
        found = super()._trust(reading, train_reading)
        learnt = reading.terms["learnt"]
        gap = abs(learnt - reading.value)
        if math.isfinite(learnt) and gap > max(3 * reading.stderr, 0.1 * abs(reading.value)):
            found.append(
                f"the base's own parameters say {learnt:.3g} nats, held-out samples "
                f"{reading.value:.3g}: the training has not converged, or the model is overfitted"
            )
        return found
