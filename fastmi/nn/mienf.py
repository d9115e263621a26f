"""Two separate flows trained towards a joint base density of known mutual information.

Butakov et al. (2024), "Mutual information estimation via normalizing flows",
https://arxiv.org/abs/2403.02187.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fastmi.nn.bases import Base, DiagonalBase, StudentBase
from fastmi.nn.canonical import canonical_maps, gaussian_information
from fastmi.nn.fit import Reading, in_chunks
from fastmi.nn.flows import Flow, InvertibleLinear, all_capturable
from fastmi.nn.leftover import ENOUGH, leftover_information

__all__ = ["LatentInformation", "MIENFFit", "MIENFModel"]

# Share of the largest singular value below which a direction counts as a rounding error.
_FLAT = 1e-6
# Canonical correlations are taken from this many samples per latent column or more: with fewer
# they are mostly chance.
_FEWEST = 10


class MIENFModel(nn.Module):
    """Latents xi = A f_x(x) + a and eta = B f_y(y) + b with a joint base density q.

    Args:
        flow_x: Flow f_x of x.
        flow_y: Flow f_y of y.
        base: Density q of the latents, see :mod:`fastmi.nn.bases`.
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
        """Set A, B and the base from canonical correlations of the flows' outputs for samples.

        The base then is right for joint normals, whichever linear maps x and y went through;
        gradient steps alone would need thousands for it. With too few samples for the number of
        columns everything stays as it is.

        Args:
            x: Training samples, shape (n, dx).
            y: Training samples, shape (n, dy).
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
        """Return what :meth:`forward` does, from the results of :meth:`latents`."""
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
    """A :class:`MIENFModel` as a :class:`fastmi.nn.fit.Fit`.

    The training maximises the joint likelihood; the value is the mean pointwise information of
    held-out samples under the base.

    Args:
        model: The model, which is trained in place.
    """

    def __init__(self, model: MIENFModel) -> None:
        self.model = model

    @property
    def capturable(self) -> bool:
        """Whether a CUDA graph can hold the loss: these bases read nothing back."""
        return type(self.model.base) in (DiagonalBase, StudentBase) and all_capturable(self.model)

    def loss(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return minus the mean log likelihood and the running value."""
        log_joint, pointwise = self.model(x, y)
        return -log_joint.mean(), pointwise.detach().mean()

    def estimate(self, x: Tensor, y: Tensor) -> float:
        """Return the mean pointwise information in nats."""
        return float(self.model(x, y)[1].double().mean())

    def score(self, x: Tensor, y: Tensor) -> float:
        """Return minus the mean log likelihood in nats."""
        return -float(self.model(x, y)[0].double().mean())

    @torch.no_grad()
    def read(self, x: Tensor, y: Tensor) -> Reading:
        """Return the mean pointwise information of all samples, with other terms of the model."""
        xi, eta, log_joint, pointwise = in_chunks(self._all, x, y)
        local = pointwise.double().cpu().numpy()
        learnt = self.model.base.mutual_information()
        return Reading(
            float(local.mean()),
            local,
            float(local.std()) / math.sqrt(len(local)),
            terms={
                "learnt": math.nan if learnt is None else float(learnt),
                "gaussian": gaussian_information(xi, eta),
                "cross_entropy": -float(log_joint.double().mean()),
                "missed": leftover_information(_residuals(xi[:ENOUGH], eta[:ENOUGH]), xi),
            },
        )

    def _all(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        """Return the latents of x and of y, and the results of the model."""
        mapped_x, mapped_y = self.model.latents(x, y)
        return mapped_x[0], mapped_y[0], *self.model.log_densities(mapped_x, mapped_y)

    def pointwise(self, reading: Reading, *samples: Tensor) -> nn.Module:
        """See :class:`fastmi.nn.fit.Fit`; neither argument is needed."""
        del reading, samples
        return LatentInformation(self.model)


class LatentInformation(nn.Module):
    """Pointwise information of the latents under the base.

    Args:
        model: The flows and the base.
    """

    def __init__(self, model: MIENFModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the pointwise information in nats, shape (m,), float64."""
        return in_chunks(self.model, x, y)[1].double()


def _residuals(xi: Tensor, eta: Tensor) -> Tensor:
    """Return what a regression of eta on xi leaves over, white."""
    wide_x, wide_y = xi.double() - xi.double().mean(0), eta.double() - eta.double().mean(0)
    left = wide_y - wide_x @ torch.linalg.pinv(wide_x) @ wide_y
    u, s, _ = torch.linalg.svd(left, full_matrices=False)
    white: Tensor = u[:, : int((s / s.max() > _FLAT).sum())]
    return white
