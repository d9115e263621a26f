"""Training of two densities of x, one of them given y, whose cross-entropies give the value."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fastmi.nn.canonical import gaussian_information, plugin_excess
from fastmi.nn.fit import Reading, in_chunks
from fastmi.nn.flows import all_capturable
from fastmi.nn.leftover import ENOUGH, leftover_information
from fastmi.nn.ndoe import SeparateFlows, SharedFlow

__all__ = ["CrossEntropyFit", "LogRatio"]


class CrossEntropyFit:
    """A model of q(x) and q(x | y) as a :class:`fastmi.nn.fit.Fit`.

    The training minimises the sum of the cross-entropies; the value is their difference.

    Args:
        model: Module whose ``model(x, y)`` returns -log q(x) and -log q(x | y) of each row in nats.
        swapped: Whether to call ``model(y, x)`` instead.
    """

    def __init__(self, model: nn.Module, *, swapped: bool) -> None:
        self.model = model
        self.swapped = swapped

    @property
    def capturable(self) -> bool:
        """Whether a CUDA graph can hold the loss: true for flows that all are capturable."""
        return isinstance(self.model, SharedFlow | SeparateFlows) and all_capturable(self.model)

    def _terms(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        marginal, conditional = in_chunks(self.model, *((y, x) if self.swapped else (x, y)))
        return marginal.double(), conditional.double()

    def loss(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum of the cross-entropies and the running value."""
        pair = self.model(y, x) if self.swapped else self.model(x, y)
        marginal, conditional = (terms.mean(dtype=torch.float64) for terms in pair)
        return marginal + conditional, marginal - conditional

    def estimate(self, x: Tensor, y: Tensor) -> float:
        """Return the difference of the cross-entropies in nats."""
        marginal, conditional = self._terms(x, y)
        return float((marginal - conditional).mean())

    def score(self, x: Tensor, y: Tensor) -> float:
        """Return the sum of the cross-entropies in nats."""
        marginal, conditional = self._terms(x, y)
        return float((marginal + conditional).mean())

    @torch.no_grad()
    def read(self, x: Tensor, y: Tensor) -> Reading:
        """Return the value on all samples; its terms are the two cross-entropies.

        Those of flows hold the information of the samples' joint normal as well, and what the
        conditional flow's outputs still share with y.
        """
        marginal, conditional = self._terms(x, y)
        local = (marginal - conditional).cpu().numpy()
        terms = {
            "cross_entropy": float(marginal.mean()),
            "conditional_cross_entropy": float(conditional.mean()),
        }
        if isinstance(self.model, SharedFlow | SeparateFlows):
            x, y = (y, x) if self.swapped else (x, y)
            x, y = x[:ENOUGH], y[:ENOUGH]
            excess = plugin_excess(len(x), x.shape[1], y.shape[1])
            terms["normal"] = max(gaussian_information(x, y) - excess, 0.0)
            model: SharedFlow | SeparateFlows = self.model
            (residuals,) = in_chunks(lambda *rows: (model.residuals(*rows),), x, y)
            terms["missed"] = leftover_information(residuals, y)
        stderr = float(local.std()) / math.sqrt(len(local))
        return Reading(float(local.mean()), local, stderr, terms=terms)

    def pointwise(self, reading: Reading, *samples: Tensor) -> nn.Module:
        """See :class:`fastmi.nn.fit.Fit`; neither argument is needed."""
        del reading, samples
        return LogRatio(self.model, swapped=self.swapped)


class LogRatio(nn.Module):
    """log q(x | y) / q(x) of a model of both densities.

    Args:
        model: See :class:`CrossEntropyFit`.
        swapped: See :class:`CrossEntropyFit`.
    """

    def __init__(self, model: nn.Module, *, swapped: bool) -> None:
        super().__init__()
        self.model = model
        self.swapped = swapped

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the pointwise information in nats, shape (m,), float64."""
        marginal, conditional = in_chunks(self.model, *((y, x) if self.swapped else (x, y)))
        ratio: Tensor = marginal.double() - conditional.double()
        return ratio
