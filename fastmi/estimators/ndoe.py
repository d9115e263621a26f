"""Mutual information as a difference of entropies under normalizing flows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastmi._inputs import check_choice
from fastmi.estimators._base import Estimate
from fastmi.estimators._neural import NeuralEstimator, check_width

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from fastmi.nn.cross_entropy import CrossEntropyFit
    from fastmi.nn.flows import Flow

SIDES = ("x", "y")
ACTIVATIONS = ("leaky-tanh", "tanh")
RESIDUALS = ("plain", "gated")


@dataclass(frozen=True, kw_only=True)
class FlowEntropies(NeuralEstimator):
    """Options of the estimators H(X) - H(X | Y) with flows; a base class.

    Each cross-entropy on held-out samples is an upper bound of its entropy, their difference
    neither an upper nor a lower bound: its error is the misfit of q(x) less that of q(x | y).
    ``terms`` of the result hold both cross-entropies in nats.

    Args:
        side: Variable whose entropies are taken, "x" or "y" (``H(Y) - H(Y | X)``).
    """

    side: str = "x"
    lr: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("side", self.side, SIDES)

    def estimate(self, x: object, y: object, *, test: object = None) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): anything array-like, or a torch tensor on any
                device.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            test: Held-out samples (x_test, y_test); None to hold out `test_size` of the others.

        Returns:
            One estimate; its ``local`` are log q(x | y) / q(x) at the held-out samples that gave
            the value, its ``terms`` both cross-entropies, its ``history`` the curves.

        Raises:
            FloatingPointError: The loss became NaN or infinite; the message names the step.
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite, fewer than a batch.
        """
        return self._estimate((x, y), ("x", "y"), test)

    def _make_fit(self, train: tuple[Tensor, ...]) -> CrossEntropyFit:
        from fastmi.nn.cross_entropy import CrossEntropyFit

        x, y = train if self.side == "x" else train[::-1]
        return CrossEntropyFit(self._model(x, y), swapped=self.side == "y")

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        """Return the densities of x and of x given y, started from training samples."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class NDoE(FlowEntropies):
    """Ni and Lotz (2025): one block autoregressive flow for both entropies.

    H(X) is read with the weights from y to x deactivated, all others shared, so that much of
    the misfit of the two densities is the same and cancels.

    Args:
        width: Hidden units per column; None for 20, 10 or 6 with up to 20, 50 or more columns.
        hidden_layers: Hidden layers of each stack.
        stacks: BNAF stacks, the order of x's columns reversed between them.
        activation: "leaky-tanh", tanh(u) + 0.01 u, or "tanh", whose range is bounded: the
            density it models then integrates to less than 1.
        residual: None, "plain" or "gated", see :class:`fastmi.nn.BNAFStep`.
        weight_norm: Learn the length of each row of weights apart from its direction.
    """

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
            check_width("width", self.width)
        check_width("hidden_layers", self.hidden_layers)
        check_width("stacks", self.stacks)
        check_choice("activation", self.activation, ACTIVATIONS)
        if self.residual is not None:
            check_choice("residual", self.residual, RESIDUALS)

    def _flow(self, dims: int, y_dims: int) -> Flow:
        from fastmi.nn.bnaf import BNAF

        return BNAF(
            dims,
            y_dims=y_dims,
            width=self.width or default_width(max(dims, y_dims)),
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
class NDoERealNVP(FlowEntropies):
    """Ni and Lotz (2025) with Real NVP: y is an input of the couplings' networks.

    Faster than :class:`NDoE` in high dimension, and worse on data far from normal: its authors
    report failure on sparse dependence.

    Args:
        couplings: Affine couplings.
        hidden: Units in each of the two hidden layers of every network.
        optimizer: "adam", "adamax", "adamw", "sgd", or a function from parameters to optimizer.
    """

    couplings: int = 6
    hidden: int = 128
    optimizer: str | Callable[[Iterable[nn.Parameter]], Optimizer] = "adamax"
    method: ClassVar[str] = "ndoe-realnvp"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_width("couplings", self.couplings)
        check_width("hidden", self.hidden)

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        from fastmi.nn.flows import Standardized
        from fastmi.nn.ndoe import SharedFlow
        from fastmi.nn.realnvp import RealNVP

        flow = RealNVP(x.shape[1], y_dims=y.shape[1], couplings=self.couplings, hidden=self.hidden)
        return SharedFlow(Standardized(flow, x, y))


def default_width(dims: int) -> int:
    """Return the units per column that the paper takes for `dims` columns."""
    if dims <= 20:
        return 20
    return 10 if dims <= 50 else 6
