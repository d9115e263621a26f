"""Mutual information as a difference of entropies of fitted densities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastmi._inputs import check_choice
from fastmi.estimators._entropies import EntropyDifference
from fastmi.estimators._sizes import hidden_widths

if TYPE_CHECKING:
    from torch import Tensor, nn

DENSITIES = ("gaussian", "logistic")


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
