"""Densities that factor over the columns of x, for the difference of entropies."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from fastmi.nn.linear import MLP

__all__ = ["DENSITIES", "DifferenceOfEntropies", "gaussian", "logistic"]


def gaussian(x: Tensor, center: Tensor, log_scale: Tensor) -> Tensor:
    """Return minus the log density in nats of independent normals, shape (n,).

    ``sum_j [((x - mu) e^-l)^2 + log 2 pi] / 2 + l``.

    Args:
        x: Shape (n, d).
        center: Mean mu of each column, shape (d,) or (n, d).
        log_scale: Logarithm l of the standard deviation, shape (d,) or (n, d).
    """
    w = (x - center) * (-log_scale).exp()
    return (0.5 * w.square() + log_scale).sum(1) + 0.5 * x.shape[1] * math.log(2.0 * math.pi)


def logistic(x: Tensor, center: Tensor, log_scale: Tensor) -> Tensor:
    """Return minus the log density in nats of independent logistic variables, shape (n,).

    ``sum_j |w| + 2 log(1 + e^-|w|) + l`` with ``w = (x - mu) e^-l``.

    Args:
        x: Shape (n, d).
        center: Mean mu of each column, shape (d,) or (n, d).
        log_scale: Logarithm l of the scale, shape (d,) or (n, d).
    """
    w = ((x - center) * (-log_scale).exp()).abs()
    return (w + 2.0 * softplus(-w) + log_scale).sum(1)


DENSITIES = {"gaussian": gaussian, "logistic": logistic}


class DifferenceOfEntropies(nn.Module):
    """Minus log q(x) and minus log q(x | y) of McAllester and Stratos (2020, section 4).

    Args:
        x: Training samples, shape (n, dx); both densities start from their mean and spread.
        dy: Number of columns of y.
        hidden: Widths of the hidden layers of the network from y to the parameters of q(x | y).
        density: Family of both densities, "gaussian" or "logistic".
    """

    def __init__(self, x: Tensor, dy: int, hidden: Sequence[int], density: str) -> None:
        super().__init__()
        self.unit_center: Tensor
        self.unit_log_scale: Tensor
        d = x.shape[1]
        center = x.mean(0)
        spread = x.std(0, correction=0)
        log_scale = torch.where(spread > 0, spread, 1.0).log()
        if density == "logistic":
            log_scale = log_scale + math.log(math.sqrt(3.0) / math.pi)
        self.center = nn.Parameter(center.clone())
        self.log_scale = nn.Parameter(log_scale.clone())
        # The network's outputs are in units of the density that q(x) starts from, so that
        # initial outputs near zero make q(x | y) start close to it.
        self.register_buffer("unit_center", center.clone())
        self.register_buffer("unit_log_scale", log_scale.clone())
        self.network = MLP(dy, hidden, 2 * d)
        self.density = DENSITIES[density]

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return -log q(x) and -log q(x | y), shape (n,) each, nats."""
        shift, log_ratio = self.network(y).chunk(2, dim=1)
        center = self.unit_center + shift * self.unit_log_scale.exp()
        log_scale = self.unit_log_scale + log_ratio
        marginal = self.density(x, self.center, self.log_scale)
        return marginal, self.density(x, center, log_scale)
