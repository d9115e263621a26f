"""What the estimators H(X) - H(X | Y) by fitted densities share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastmi._inputs import check_choice
from fastmi.estimators._base import Estimate
from fastmi.estimators._constant import without_constant_columns
from fastmi.estimators._neural import NeuralEstimator, Split

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fastmi.nn.cross_entropy import CrossEntropyFit

SIDES = ("x", "y")


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
