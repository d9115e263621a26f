"""Mutual information as a difference of entropies under normalizing flows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastmi._inputs import check_choice
from fastmi._scalars import check_flag, check_integer
from fastmi.estimators._entropies import EntropyDifference
from fastmi.estimators._sizes import MOST_LAYERS, check_weights

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from fastmi.nn.flows import Flow

ACTIVATIONS = ("leaky-tanh", "tanh")
RESIDUALS = ("plain", "gated")


@dataclass(frozen=True, kw_only=True)
class NDoE(EntropyDifference):
    """Ni and Lotz (2025): one block autoregressive flow for both entropies.

    H(X) is read with the weights from y to x deactivated, all others shared, so that much of
    the misfit of the two densities is the same and cancels.

    Args:
        width: Hidden units per column; None for 160 in all, but 6 to 20 each. The paper has 20, 10
            and 6 for 20, 50 and 100 columns.
        hidden_layers: Hidden layers of each stack.
        stacks: BNAF stacks, the order of x's columns reversed between them.
        activation: "leaky-tanh", tanh(u) + 0.01 u, or "tanh", whose range is bounded: the
            density it models then integrates to less than 1.
        residual: None, "plain" or "gated", see :class:`fastmi.nn.BNAFStep`.
        weight_norm: Learn the length of each row of weights apart from its direction.
    """

    lr: float = 1e-3
    schedule: str | Callable[[Optimizer], LRScheduler] | None = "linear"
    width: int | None = None
    hidden_layers: int = 2
    stacks: int = 1
    activation: str = "leaky-tanh"
    residual: str | None = None
    weight_norm: bool = False
    method: ClassVar[str] = "ndoe"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width is not None:
            check_integer("width", self.width, 1)
        check_integer("hidden_layers", self.hidden_layers, 1, MOST_LAYERS)
        check_integer("stacks", self.stacks, 1, MOST_LAYERS)
        check_choice("activation", self.activation, ACTIVATIONS)
        if self.residual is not None:
            check_choice("residual", self.residual, RESIDUALS)
        check_flag("weight_norm", self.weight_norm)

    def _flow(self, dims: int, y_dims: int) -> Flow:
        from fastmi.nn.bnaf import BNAF

        width = self.width or default_width(max(dims, y_dims))
        check_bnaf_size(dims + y_dims, width, self.hidden_layers, self.stacks)
        return BNAF(
            dims,
            y_dims=y_dims,
            width=width,
            hidden_layers=self.hidden_layers,
            steps=self.stacks,
            activation=self.activation,
            residual=self.residual,
            weight_norm=self.weight_norm,
        )

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        from fastmi.nn.flows import Standardized
        from fastmi.nn.ndoe import SharedFlow

        return SharedFlow(Standardized(self._flow(x.shape[1], y.shape[1]), x, y))


@dataclass(frozen=True, kw_only=True)
class SeparateBNAF(NDoE):
    """Two block autoregressive flows that share nothing, one per entropy.

    The baseline of Ni and Lotz (2025): the misfits of the two densities need not cancel.
    """

    method: ClassVar[str] = "bnaf"

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        from fastmi.nn.flows import Standardized
        from fastmi.nn.ndoe import SeparateFlows

        return SeparateFlows(
            Standardized(self._flow(x.shape[1], 0), x),
            Standardized(self._flow(x.shape[1], y.shape[1]), x, y),
        )


@dataclass(frozen=True, kw_only=True)
class NDoERealNVP(EntropyDifference):
    """Ni and Lotz (2025) with Real NVP: y is an input of the couplings' networks.

    Its authors report it worse than :class:`NDoE` on data far from normal, and failing on sparse
    dependence.

    Args:
        couplings: Affine couplings.
        hidden: Units in each of the two hidden layers of every network.
        optimizer: "adam", "adamax", "adamw", "sgd", or a function from parameters to optimizer.
    """

    lr: float = 1e-3
    schedule: str | Callable[[Optimizer], LRScheduler] | None = "linear"
    couplings: int = 6
    hidden: int = 128
    optimizer: str | Callable[[Iterable[nn.Parameter]], Optimizer] = "adamax"
    method: ClassVar[str] = "ndoe-realnvp"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("couplings", self.couplings, 1, MOST_LAYERS)
        check_integer("hidden", self.hidden, 1)

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        from fastmi.nn.flows import Standardized
        from fastmi.nn.ndoe import SharedFlow
        from fastmi.nn.realnvp import RealNVP

        check_realnvp_size(x.shape[1] + y.shape[1], self.hidden, self.couplings)
        flow = RealNVP(x.shape[1], y_dims=y.shape[1], couplings=self.couplings, hidden=self.hidden)
        return SharedFlow(Standardized(flow, x, y))


def default_width(dims: int) -> int:
    """Return the units per column for `dims` columns, about 160 in all.

    The paper takes 20, 10 and 6 for 20, 50 and 100 columns. Narrower layers are faster and nearer
    to the truth there: weights among units grow with the square of their number, and q(x | y)
    overfits by as much while q(x) hardly does.
    """
    return min(20, max(6, 160 // dims))


def check_bnaf_size(dims: int, width: int, hidden_layers: int, stacks: int = 1) -> None:
    """Raise ValueError where a BNAF of `dims` columns in all would be too large to build."""
    inner = [dims * width] * hidden_layers
    check_weights([dims, *inner, dims], f"width={width} per column", networks=stacks)


def check_realnvp_size(dims: int, hidden: int, couplings: int) -> None:
    """Raise ValueError where a Real NVP of `dims` columns in all would be too large to build."""
    check_weights([dims, hidden, hidden, dims], f"hidden={hidden}", networks=couplings)
