"""Two separate flows trained towards a joint base density of known mutual information.

Butakov et al. (2024), "Mutual information estimation via normalizing flows",
https://arxiv.org/abs/2403.02187.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fastmi.nn.bases import Base, DiagonalBase
from fastmi.nn.discriminative import Reading
from fastmi.nn.flows import Flow, InvertibleLinear, all_capturable

__all__ = ["MIENFFit", "MIENFModel"]

# Canonical correlations are kept below 1 by this much: beyond, rounding decides.
_MARGIN = 1e-12
# Share of the mean square below which the variance of a direction counts as rounding.
_FLAT = 1e-10
# Fewest samples per latent column that canonical correlations are taken from: with fewer, most of
# what they find is chance.
_FEWEST = 10


class MIENFModel(nn.Module):
    """Latents xi = A f_x(x) + a, eta = B f_y(y) + b and a joint base density q of them.

    Args:
        flow_x: Flow of x.
        flow_y: Flow of y.
        base: The q, see :mod:`fastmi.nn.bases`.
    """

    def __init__(self, flow_x: Flow, flow_y: Flow, base: Base) -> None:
        super().__init__()
        self.flow_x = flow_x
        self.flow_y = flow_y
        self.linear_x = InvertibleLinear(flow_x.dims)
        self.linear_y = InvertibleLinear(flow_y.dims)
        self.base = base

    @torch.no_grad()
    def align(self, x: Tensor, y: Tensor) -> None:
        """Set A, B and the base by the canonical correlations of what the flows make of samples.

        Joint normals have the right base from then on, whichever linear maps x and y went
        through; gradient steps alone would need thousands for it. With few samples for so many
        columns everything stays as it is.

        Args:
            x: Training samples, shape (n, dx).
            y: Shape (n, dy).
        """
        self.to(x.device, x.dtype)
        if len(x) < _FEWEST * (self.flow_x.dims + self.flow_y.dims):
            return
        xi, eta = self.flow_x(x)[0], self.flow_y(y)[0]
        for linear, (matrix, bias) in zip(
            (self.linear_x, self.linear_y), canonical_maps(xi, eta), strict=True
        ):
            linear.start_at(matrix, bias)
        self.base.start(self.linear_x(xi)[0], self.linear_y(eta)[0])

    def latents(self, x: Tensor, y: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Return xi and eta, each with its log |det|."""
        (xi, log_det_x), (eta, log_det_y) = self.flow_x(x), self.flow_y(y)
        (xi, linear_x), (eta, linear_y) = self.linear_x(xi), self.linear_y(eta)
        return (xi, log_det_x + linear_x), (eta, log_det_y + linear_y)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return log q(x, y) and the pointwise information of q's latents, shape (n,) each."""
        return self.log_densities(*self.latents(x, y))

    def log_densities(
        self, mapped_x: tuple[Tensor, Tensor], mapped_y: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the same from what :meth:`latents` returns."""
        (xi, log_det_x), (eta, log_det_y) = mapped_x, mapped_y
        pointwise = self.base.pointwise(xi, eta)
        margins = self.base.log_x(xi) + self.base.log_y(eta)
        for name, terms in (("log_joint", pointwise), ("log_x and log_y", margins)):
            if terms.shape != log_det_x.shape:
                raise ValueError(
                    f"base must return shape (n,) from {name}; got {tuple(terms.shape)} "
                    f"with n={len(xi)}"
                )
        return pointwise + margins + log_det_x + log_det_y, pointwise


class MIENFFit:
    """The model with what :func:`fastmi.nn.train` and the estimator need of it.

    Trained by the joint likelihood; the value is the mean pointwise information of held-out
    samples under the base.

    Args:
        model: Trained in place.
    """

    def __init__(self, model: MIENFModel) -> None:
        self.model = model

    @property
    def capturable(self) -> bool:
        """Whether a CUDA graph can hold the loss: nothing of a diagonal base is read back."""
        return type(self.model.base) is DiagonalBase and all_capturable(self.model)

    def loss(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return minus the mean log likelihood, and the running value."""
        log_joint, pointwise = self.model(x, y)
        return -log_joint.mean(), pointwise.detach().mean()

    def estimate(self, x: Tensor, y: Tensor) -> float:
        """Return the mean pointwise information."""
        return float(self.model(x, y)[1].double().mean())

    def score(self, x: Tensor, y: Tensor) -> float:
        """Return minus the mean log likelihood."""
        return -float(self.model(x, y)[0].double().mean())

    @torch.no_grad()
    def read(self, x: Tensor, y: Tensor) -> Reading:
        """Return the mean pointwise information of all samples, and what else the model says."""
        mapped_x, mapped_y = self.model.latents(x, y)
        log_joint, pointwise = self.model.log_densities(mapped_x, mapped_y)
        local = pointwise.double().cpu().numpy()
        learnt = self.model.base.mutual_information()
        return Reading(
            float(local.mean()),
            local,
            float(local.std()) / math.sqrt(len(local)),
            terms={
                "learnt": math.nan if learnt is None else float(learnt),
                "gaussian": gaussian_information(mapped_x[0], mapped_y[0]),
                "cross_entropy": -float(log_joint.double().mean()),
            },
        )


def gaussian_information(xi: Tensor, eta: Tensor) -> float:
    """Return the mutual information in nats of the joint normal with the samples' covariance.

    ``-0.5 sum_j log(1 - r_j^2)`` over the canonical correlations. A lower bound (up to sampling
    error, which is about ``dx dy / 2n`` upwards) if the latents are normal each by
    themselves; beyond the truth, possibly, if not.

    Args:
        xi: Shape (n, dx).
        eta: Shape (n, dy).
    """
    correlations = canonical_correlations(xi, eta).clamp(max=1 - _MARGIN)
    return -0.5 * float(torch.log1p(-correlations.square()).sum())


def canonical_correlations(xi: Tensor, eta: Tensor) -> Tensor:
    """Return the canonical correlations of samples, shape (min of the ranks,), float64."""
    factors = []
    for latent in (xi.double(), eta.double()):
        # Orthonormal columns with the span of the centred latent, rank deficient or not.
        u, s, _ = torch.linalg.svd(latent - latent.mean(0), full_matrices=False)
        factors.append(u[:, s > s[0] * 1e-10] if s[0] > 0 else u[:, :0])
    correlations: Tensor = torch.linalg.svdvals(factors[0].T @ factors[1])
    return correlations


def canonical_maps(xi: Tensor, eta: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (A, a) and (B, b) that bring samples to canonical form.

    The columns of A xi + a are uncorrelated, of mean 0 and variance 1, as are those of B eta + b;
    column j of one correlates with column j of the other alone, in falling order.

    Args:
        xi: Shape (n, dx).
        eta: Shape (n, dy).
    """
    whitening, means, white = [], [], []
    for latent in (xi.double(), eta.double()):
        means.append(latent.mean(0))
        centred = latent - means[-1]
        variances, axes = torch.linalg.eigh(centred.T @ centred / len(latent))
        # Directions without variance are left as they are instead of blown up.
        flat = variances <= _FLAT * latent.square().sum(1).mean()
        whitening.append((axes * torch.where(flat, 1.0, variances).rsqrt()).T)
        white.append(centred @ whitening[-1].T)
    p, _, q = torch.linalg.svd(white[0].T @ white[1])
    first, second = p.T @ whitening[0], q @ whitening[1]
    return (first, -first @ means[0]), (second, -second @ means[1])
