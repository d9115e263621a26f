"""Two separate flows trained towards a joint base density of known mutual information.

Butakov et al. (2024), "Mutual information estimation via normalizing flows",
https://arxiv.org/abs/2403.02187.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fastmi.nn.bases import Base
from fastmi.nn.discriminative import Reading
from fastmi.nn.flows import Flow

__all__ = ["MIENFFit", "MIENFModel"]

# Canonical correlations are kept below 1 by this much: beyond, rounding decides.
_MARGIN = 1e-12


class MIENFModel(nn.Module):
    """Latents xi = f_x(x), eta = f_y(y) and a joint base density q of them.

    Args:
        flow_x: Flow of x.
        flow_y: Flow of y.
        base: The q, see :mod:`fastmi.nn.bases`.
    """

    def __init__(self, flow_x: Flow, flow_y: Flow, base: Base) -> None:
        super().__init__()
        self.flow_x = flow_x
        self.flow_y = flow_y
        self.base = base

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return log q(x, y) and the pointwise information of q's latents, shape (n,) each."""
        return self.log_densities(self.flow_x(x), self.flow_y(y))

    def log_densities(
        self, mapped_x: tuple[Tensor, Tensor], mapped_y: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the same from what the two flows return."""
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
        mapped_x, mapped_y = self.model.flow_x(x), self.model.flow_y(y)
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
    factors = []
    for latent in (xi.double(), eta.double()):
        centred = latent - latent.mean(0)
        # Orthonormal columns with the span of the centred latent, rank deficient or not.
        u, s, _ = torch.linalg.svd(centred, full_matrices=False)
        factors.append(u[:, s > s[0] * 1e-10] if s[0] > 0 else u[:, :0])
    correlations = torch.linalg.svdvals(factors[0].T @ factors[1]).clamp(max=1 - _MARGIN)
    return -0.5 * float(torch.log1p(-correlations.square()).sum())
