"""Mutual information as a difference of entropies, each taken from a fitted density."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fastmi._checks import MOST_LAYERS, check_choice, check_flag, check_integer, hidden_widths
from fastmi.estimators.neural.base import COARSE_GRID, NeuralEstimator
from fastmi.estimators.neural.flow_sizes import check_bnaf_size, check_realnvp_size, default_width
from fastmi.estimators.neural.split import Split, without_constant_columns
from fastmi.nn.bnaf import BNAF, NEARLY_SHUT, RESIDUALS
from fastmi.nn.cross_entropy import CrossEntropyFit
from fastmi.nn.densities import DENSITIES, DifferenceOfEntropies
from fastmi.nn.flows import Composition, Flow, Standardized
from fastmi.nn.ndoe import SeparateFlows, SharedFlow
from fastmi.nn.normal_start import NormalStart
from fastmi.nn.realnvp import RealNVP
from fastmi.ops.bnaf import ACTIVATIONS

SIDES = ("x", "y")
STARTS = ("normal",)


@dataclass(frozen=True, kw_only=True)
class EntropyDifference(NeuralEstimator):
    """Options of the estimators H(X) - H(X | Y); a base class.

    Each cross-entropy on held-out samples is an upper bound of its entropy, their difference
    neither an upper nor a lower bound: its error is the misfit of q(x) less that of q(x | y).
    ``terms`` of the result hold both cross-entropies in nats, its ``local`` are
    log q(x | y) / q(x). Constant columns of the variable whose entropies are taken have no
    density: they are left out, with a warning.

    Args:
        side: Variable whose entropies are taken, "x" or "y" (``H(Y) - H(Y | X)``). Information
            is symmetric, the misfit of the densities is not.
    """

    side: str = "x"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("side", self.side, SIDES)

    def _prepared(self, split: Split, names: Sequence[str]) -> Split:
        del names
        which = SIDES.index(self.side)
        return without_constant_columns(split, which, self.side, needed_by=f"side={self.side!r}")

    def _in_units(self, terms: dict[str, float], split: Split) -> dict[str, float]:
        log_slope = split.log_slopes[SIDES.index(self.side)]
        # The other terms are amounts of information, which have no unit to convert.
        entropies = {name for name in terms if name.endswith("cross_entropy")}
        return terms | {name: terms[name] - log_slope for name in entropies}

    def _make_fit(self, train: tuple[Tensor, ...]) -> CrossEntropyFit:
        x, y = train if self.side == "x" else train[::-1]
        return CrossEntropyFit(self._model(x, y), swapped=self.side == "y")

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        """Return the densities of x and of x given y, started from training samples."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class DoE(EntropyDifference):
    """McAllester and Stratos (2020): difference of entropies with densities of a fixed family.

    The densities factor over the columns of x; centre and scale of q(x | y) come from a network.
    See https://arxiv.org/abs/1811.04251.

    Args:
        density: Family of the densities, "gaussian" or "logistic".
        hidden: Widths of the network's hidden layers.
    """

    density: str = "gaussian"
    hidden: Sequence[int] = (512, 512)
    clip_norm: float | None = 1.0

    _grid = COARSE_GRID

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("density", self.density, DENSITIES)
        object.__setattr__(self, "hidden", hidden_widths(self.hidden))

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        return DifferenceOfEntropies(x, y.shape[1], self.hidden, self.density)


@dataclass(frozen=True, kw_only=True)
class NDoE(EntropyDifference):
    """Ni and Lotz (2025): one block neural autoregressive flow (BNAF) for both entropies.

    H(X) is read with the weights from y to x deactivated and all others shared, so that much of
    the misfit is the same in both densities and cancels. See https://arxiv.org/abs/2502.13085.

    Args:
        width: Number of hidden units per column; None for 160 in all, but 6 to 20 each. The paper
            takes 20, 10 and 6 for 20, 50 and 100 columns.
        hidden_layers: Number of hidden layers of each stack.
        stacks: Number of BNAF stacks; the order of x's columns is reversed between them.
        activation: "leaky-tanh", tanh(u) + 0.01 u; or "tanh", whose range is bounded, so that
            the modelled density integrates to less than 1.
        residual: None, "plain" or "gated", see :class:`fastmi.nn.BNAFStep`.
        weight_norm: True learns the length of each row of weights apart from its direction.
        start: "normal" puts the joint normal of the training samples before the flow
            (:class:`fastmi.nn.normal_start.NormalStart`), which then learns only what that misses;
            with ``residual="gated"`` it starts as the identity. None puts nothing there.
    """

    inputs: str = "scores"
    folds: int = 3

    lr: float = 3e-3
    schedule: str | Callable[[Optimizer], LRScheduler] | None = "linear"
    width: int | None = None
    hidden_layers: int = 2
    stacks: int = 1
    activation: str = "leaky-tanh"
    residual: str | None = "gated"
    weight_norm: bool = False
    start: str | None = "normal"

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
        if self.start is not None:
            check_choice("start", self.start, STARTS)

    def _flow(self, dims: int, y_dims: int) -> Flow:
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
            gate=NEARLY_SHUT if self.start == "normal" else 0.0,
        )

    def _conditional(self, x: Tensor, y: Tensor) -> Flow:
        flow = self._flow(x.shape[1], y.shape[1])
        if self.start == "normal":
            flow = Composition(NormalStart(x, y), flow)
        return Standardized(flow, x, y)

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        return SharedFlow(self._conditional(x, y))


@dataclass(frozen=True, kw_only=True)
class SeparateBNAF(NDoE):
    """Two block autoregressive flows that share nothing, one per entropy.

    The baseline of Ni and Lotz (2025): the misfits of the two densities need not cancel.
    """

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        return SeparateFlows(
            Standardized(self._flow(x.shape[1], 0), x),
            self._conditional(x, y),
        )


@dataclass(frozen=True, kw_only=True)
class NDoERealNVP(EntropyDifference):
    """Ni and Lotz (2025) with Real NVP: y is an input of the couplings' networks.

    Its authors report that it is worse than :class:`NDoE` on data far from normal and fails on
    sparse dependence.

    Args:
        couplings: Number of affine couplings.
        hidden: Number of units in each of the two hidden layers of every network.
    """

    inputs: str = "scores"
    lr: float = 1e-3
    schedule: str | Callable[[Optimizer], LRScheduler] | None = "linear"
    couplings: int = 6
    hidden: int = 128
    optimizer: str | Callable[[Iterable[nn.Parameter]], Optimizer] = "adamax"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("couplings", self.couplings, 1, MOST_LAYERS)
        check_integer("hidden", self.hidden, 1)

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        check_realnvp_size(x.shape[1] + y.shape[1], self.hidden, self.couplings)
        flow = RealNVP(x.shape[1], y_dims=y.shape[1], couplings=self.couplings, hidden=self.hidden)
        return SharedFlow(Standardized(flow, x, y))
