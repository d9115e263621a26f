"""Difference of entropies with flows: one network for both entropies, or one for each.

Ni and Lotz (2025), "A neural difference-of-entropies estimator for mutual information",
https://arxiv.org/abs/2502.13085.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fastmi.nn.flows import Flow

__all__ = ["SeparateFlows", "SharedFlow"]


class SharedFlow(nn.Module):
    """q(x | y) and q(x) of one flow, the second with the weights from y to x deactivated.

    The weights among the columns of x stay active, as q(x) would otherwise take the columns for
    independent. Both cross-entropies are minimised together: separate updates by one optimizer
    with momentum would go on moving the deactivated weights.

    Args:
        flow: Flow of x that y conditions.
    """

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return -log q(x) and -log q(x | y), shape (n,) each, nats."""
        both = -self.flow.log_density(torch.cat((x, x)), y)
        conditional, marginal = both.chunk(2)
        return marginal, conditional

    def residuals(self, x: Tensor, y: Tensor) -> Tensor:
        """Return what q(x | y) takes for standard normal, shape (n, d)."""
        z: Tensor = self.flow(x, y)[0]
        return z


class SeparateFlows(nn.Module):
    """q(x | y) and q(x) of two flows that share nothing, the baseline of the paper.

    Args:
        marginal: Flow of x alone.
        conditional: Flow of x that y conditions.
    """

    def __init__(self, marginal: Flow, conditional: Flow) -> None:
        super().__init__()
        self.marginal = marginal
        self.conditional = conditional

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return -log q(x) and -log q(x | y), shape (n,) each, nats."""
        return -self.marginal.log_density(x), -self.conditional.log_density(x, y)

    def residuals(self, x: Tensor, y: Tensor) -> Tensor:
        """Return what q(x | y) takes for standard normal, shape (n, d)."""
        z: Tensor = self.conditional(x, y)[0]
        return z
