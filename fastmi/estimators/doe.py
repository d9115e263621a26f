"""Mutual information as a difference of entropies of fitted densities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastmi._inputs import check_choice
from fastmi.estimators._base import Estimate
from fastmi.estimators._neural import NeuralEstimator, hidden_widths

if TYPE_CHECKING:
    from torch import Tensor

    from fastmi.nn.cross_entropy import CrossEntropyFit

DENSITIES = ("gaussian", "logistic")
SIDES = ("x", "y")


@dataclass(frozen=True, kw_only=True)
class DoE(NeuralEstimator):
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
    side: str = "x"
    hidden: Sequence[int] = (512, 512)
    clip_norm: float | None = 1.0
    method: ClassVar[str] = "doe"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("density", self.density, DENSITIES)
        check_choice("side", self.side, SIDES)
        object.__setattr__(self, "hidden", hidden_widths(self.hidden))

    def estimate(self, x: object, y: object, *, test: object = None) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): anything array-like, or a torch tensor on any
                device.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            test: Held-out samples (x_test, y_test); None to hold out `test_size` of the others.

        Returns:
            One estimate; its ``local`` are log ratios of the fitted densities at the held-out
            samples that gave the value, its ``terms`` both cross-entropies.

        Raises:
            FloatingPointError: The loss became NaN or infinite; the message names the step.
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite, fewer than a batch.
        """
        return self._estimate((x, y), ("x", "y"), test)

    def _make_fit(self, train: tuple[Tensor, ...]) -> CrossEntropyFit:
        from fastmi.nn.cross_entropy import CrossEntropyFit
        from fastmi.nn.densities import DifferenceOfEntropies

        x, y = train if self.side == "x" else train[::-1]
        model = DifferenceOfEntropies(x, y.shape[1], self.hidden, self.density)
        return CrossEntropyFit(model, swapped=self.side == "y")
