"""What the estimators H(X) - H(X | Y) by fitted densities share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from fastmi._checks import (
    MOST_LAYERS,
    check_choice,
    check_flag,
    check_integer,
    check_weights,
    hidden_widths,
)
from fastmi._estimate import Estimate
from fastmi.estimators.neural.base import NeuralEstimator, Split

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from fastmi.nn.cross_entropy import CrossEntropyFit
    from fastmi.nn.flows import Flow

SIDES = ("x", "y")
DENSITIES = ("gaussian", "logistic")
ACTIVATIONS = ("leaky-tanh", "tanh")
RESIDUALS = ("plain", "gated")


@dataclass(frozen=True, kw_only=True)
class EntropyDifference(NeuralEstimator):
    """Options of the estimators H(X) - H(X | Y); a base class.

    Each cross-entropy on held-out samples is an upper bound of its entropy, their difference
    neither an upper nor a lower bound: its error is the misfit of q(x) less that of q(x | y).
    ``terms`` of the result hold both cross-entropies in nats. Constant columns of the variable
    whose entropies are taken have no density: they are left out, with a warning.

    Args:
        side: Variable whose entropies are taken, "x" or "y" (``H(Y) - H(Y | X)``).
    """

    side: str = "x"

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
            ValueError: Samples of wrong shape or length, not finite, fewer than a batch; the
                variable of `side` is constant.
        """
        return self._estimate((x, y), ("x", "y"), test)

    def _split(self, variables: Sequence[object], names: Sequence[str], test: object) -> Split:
        split = super()._split(variables, names, test)
        which = SIDES.index(self.side)
        return without_constant_columns(split, which, self.side, needed_by=f"side={self.side!r}")

    def _make_fit(self, train: tuple[Tensor, ...]) -> CrossEntropyFit:
        from fastmi.nn.cross_entropy import CrossEntropyFit

        x, y = train if self.side == "x" else train[::-1]
        return CrossEntropyFit(self._model(x, y), swapped=self.side == "y")

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        """Return the densities of x and of x given y, started from training samples."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class DoE(EntropyDifference):
    """McAllester and Stratos (2020): ``H(X) - H(X | Y)``, each a cross-entropy on held-out data.

    Each cross-entropy is an upper bound, their difference is neither an upper nor a lower
    one: its error is the misfit of q(x) less the misfit of q(x | y). The densities factor over
    the columns; centre and scale of q(x | y) come from a network.

    Args:
        density: "gaussian" or "logistic".
        side: Variable whose entropies are taken, "x" or "y" (``H(Y) - H(Y | X)``). Information
            is symmetric, the misfit of the densities is not.
        hidden: Widths of the network's hidden layers.
        clip_norm: Largest Euclidean norm of the gradient; None for no clipping.
    """

    density: str = "gaussian"
    hidden: Sequence[int] = (512, 512)
    clip_norm: float | None = 1.0
    method: ClassVar[str] = "doe"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("density", self.density, DENSITIES)
        object.__setattr__(self, "hidden", hidden_widths(self.hidden))

    def _model(self, x: Tensor, y: Tensor) -> nn.Module:
        from fastmi.nn.densities import DifferenceOfEntropies

        return DifferenceOfEntropies(x, y.shape[1], self.hidden, self.density)


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


def without_constant_columns(
    split: Split, which: int, name: str, *, needed_by: str | None = None
) -> Split:
    """Return the split without the constant columns of variable number `which`, with a warning.

    A variable that has no other column stays as it is, unless something needs one.

    Args:
        split: Samples.
        which: Number of the variable.
        name: Its name.
        needed_by: Option that needs a density, "side='x'" say; None if none does.

    Raises:
        ValueError: All columns are constant, and a density is needed.
    """
    first = split.train[which][0]
    varies = (split.train[which] != first).any(0)
    for part in (split.select, split.report):
        varies |= (part[which] != first).any(0)
    constant = (~varies).nonzero()[:, 0].tolist()
    if not constant or (needed_by is None and len(constant) == len(varies)):
        return split
    if len(constant) == len(varies):
        raise ValueError(
            f"{name} must not be constant with {needed_by}: it has no density; the information is 0"
        )

    def without(*blocks: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            block[:, varies].contiguous() if i == which else block for i, block in enumerate(blocks)
        )

    note = (
        f"columns {', '.join(map(str, constant))} of {name} are constant and left out: "
        "they have no density, and share no information"
    )
    split = split.map(without)
    return replace(split, warnings=(*split.warnings, note))
