"""Dependence that a fitted model has left over, measured by cosines of ranks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["ENOUGH", "leftover_information"]

#: Number of samples that are enough to look for what a model has missed.
ENOUGH = 20_000
# Cosines of so many frequencies describe a column.
_FREQUENCIES = 4
# The largest of m squared standard normals exceeds 2 (log m + 3) in about 2 % of cases.
_RARE = 3.0
# Share of the largest singular value below which a direction counts as a rounding error.
_FLAT = 1e-6


def leftover_information(z: Tensor, y: Tensor) -> float:
    """Return information of z and y in nats that samples show beyond chance, nearly a lower bound.

    What a conditional density q(x | y) makes standard normal, z, is independent of y if q is right;
    the misfit of q is at least I(z; y). For weak dependence that is half the sum of the squared
    correlations of orthonormal functions of z and of y. Pairs of columns and of the first four
    cosines of their ranks are taken, each squared correlation above what the largest of as many
    independent ones reaches by chance. It is 0 where nothing is seen, which proves nothing. Only
    the first `ENOUGH` samples are looked at.

    Args:
        z: Samples, shape (n, dz), of uncorrelated columns.
        y: Samples, shape (n, dy).
    """
    z, y = z[:ENOUGH], y[:ENOUGH]
    n = len(z)
    white = torch.linalg.svd(y.double() - y.double().mean(0), full_matrices=False)
    rank = int((white.S / white.S.max() > _FLAT).sum())
    first, second = _cosines(z.double()), _cosines(white.U[:, :rank])
    squares = (first.T @ second / n).square()
    if not squares.numel():
        return 0.0
    chance = 2.0 * (math.log(squares.numel()) + _RARE) / n
    return 0.5 * float(squares[squares > chance].sum())


def _cosines(columns: Tensor) -> Tensor:
    """Return sqrt(2) cos(pi a u) of the ranks u in (0, 1), a = 1 ... 4, shape (n, 4 d)."""
    n = len(columns)
    ranks = columns.argsort(0).argsort(0).double()
    u = math.pi * (ranks + 0.5) / n
    return math.sqrt(2.0) * torch.cat([torch.cos(a * u) for a in range(1, _FREQUENCIES + 1)], 1)
