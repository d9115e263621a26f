"""Canonical correlations of two blocks of columns, and what a sample inflates them by."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fastmi._plug_in import OF_TWO, lowered, plug_in_bias

__all__ = [
    "canonical_correlations",
    "canonical_maps",
    "gaussian_information",
    "plugin_excess",
    "shrunk",
]

# Canonical correlations are kept below 1 by this much; closer to 1 they are rounding errors.
_MARGIN = 1e-12
# Share of the mean square below which the variance of a direction counts as a rounding error.
_FLAT = 1e-10


def gaussian_information(xi: Tensor, eta: Tensor) -> float:
    """Return the mutual information in nats of the joint normal with the samples' covariance.

    It is ``-0.5 sum_j log(1 - r_j^2)`` over the canonical correlations r_j: a lower bound on the
    information if xi and eta are normal each by themselves, up to a sampling error of about
    ``dx dy / 2n`` upwards. If they are not normal, it can exceed the truth.

    Args:
        xi: Samples, shape (n, dx).
        eta: Samples, shape (n, dy).
    """
    correlations = canonical_correlations(xi, eta).clamp(max=1 - _MARGIN)
    return -0.5 * float(torch.log1p(-correlations.square()).sum())


def canonical_correlations(xi: Tensor, eta: Tensor) -> Tensor:
    """Return the canonical correlations of samples, shape (min of the ranks,), float64."""
    factors = []
    for latent in (xi.double(), eta.double()):
        # Orthonormal columns that span the centred latent, also where its rank is deficient.
        u, s, _ = torch.linalg.svd(latent - latent.mean(0), full_matrices=False)
        factors.append(u[:, s > s[0] * 1e-10] if s[0] > 0 else u[:, :0])
    correlations: Tensor = torch.linalg.svdvals(factors[0].T @ factors[1])
    return correlations


def canonical_maps(xi: Tensor, eta: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (A, a) and (B, b) that bring samples to canonical form.

    The columns of A xi + a are uncorrelated, of mean 0 and variance 1, as are those of B eta + b.
    Column j of one correlates with column j of the other alone, and the correlations fall with j.

    Args:
        xi: Samples, shape (n, dx).
        eta: Samples, shape (n, dy).
    """
    whitening, means, white = [], [], []
    for latent in (xi.double(), eta.double()):
        means.append(latent.mean(0))
        centred = latent - means[-1]
        variances, axes = torch.linalg.eigh(centred.T @ centred / len(latent))
        # Directions without variance keep their scale; dividing by it would blow them up.
        flat = variances <= _FLAT * latent.square().sum(1).mean()
        whitening.append((axes * torch.where(flat, 1.0, variances).rsqrt()).T)
        white.append(centred @ whitening[-1].T)
    p, _, q = torch.linalg.svd(white[0].T @ white[1])
    first, second = p.T @ whitening[0], q @ whitening[1]
    return (first, -first @ means[0]), (second, -second @ means[1])


def plugin_excess(n: int, dx: int, dy: int) -> float:
    """Return by how much :func:`gaussian_information` of n normal samples exceeds the truth.

    It is known exactly, in nats, whatever the covariance, see
    :func:`fastmi._plug_in.plug_in_bias`, and infinite where n is too small for a covariance of all
    columns that can be inverted.
    """
    return plug_in_bias(n, (dx, dy), OF_TWO) if n > dx + dy else math.inf


def shrunk(correlations: Tensor, n: int, dx: int, dy: int) -> Tensor:
    """Return canonical correlations of n samples without what chance adds to them.

    The information of every pair is lowered by one threshold, so that their sum is that of the
    samples less :func:`plugin_excess`. Pairs that chance alone explains thus become independent.

    Args:
        correlations: Canonical correlations in [0, 1], falling, shape (pairs,).
        n: Number of samples that they come from.
        dx: Number of columns of x.
        dy: Number of columns of y.
    """
    information = -0.5 * torch.log1p(-correlations.double().clamp(max=1 - _MARGIN).square())
    target = max(float(information.sum()) - plugin_excess(n, dx, dy), 0.0)
    left = torch.from_numpy(lowered(information.cpu().numpy(), target))
    return torch.sqrt(-torch.expm1(-2.0 * left)).to(correlations)
