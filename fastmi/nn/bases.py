"""Joint base densities of MIENF, towards which the flows of x and of y are trained.

Butakov et al. (2024), "Mutual information estimation via normalizing flows",
https://arxiv.org/abs/2403.02187.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from fastmi._checks import check_choice, check_integer
from fastmi.nn.canonical import shrunk
from fastmi.nn.flows import LOG_2_PI

PARAMETRIZATIONS = ("tanh", "mi")

# Bounds of the correlations that a base starts with: near 1 the density degenerates, near 0 the
# "mi" form has no gradient.
_LARGEST = 0.9999
_SMALLEST = 0.05
# Student's t has at least one degree of freedom.
_LARGEST_TAIL = 1.0
# The trained number is the logit of 1 / nu divided by this, so that Adam, which moves every number
# by about the step size, finds nu within some hundred steps.
_TAIL_SPEED = 30.0


class Base(nn.Module, ABC):
    """A joint density q(xi, eta) with tractable margins; derive from it for a base of your own.

    The estimate is the mean of ``log_joint - log_x - log_y`` over held-out latents.
    """

    @abstractmethod
    def log_joint(self, xi: Tensor, eta: Tensor) -> Tensor:
        """Return log q(xi, eta) of each row in nats, shape (n,)."""

    @abstractmethod
    def log_x(self, xi: Tensor) -> Tensor:
        """Return the log of q's margin of xi, shape (n,)."""

    @abstractmethod
    def log_y(self, eta: Tensor) -> Tensor:
        """Return the log of q's margin of eta, shape (n,)."""

    def start(self, xi: Tensor, eta: Tensor) -> None:
        """Set the parameters from the latents of training samples, once before the training.

        Every column of the latents has mean 0 and variance 1, and column j of one correlates with
        column j of the other alone. Unless a class overrides this method, its parameters stay as
        they are.
        """

    def mutual_information(self) -> Tensor | None:
        """Return I(xi; eta) under q in nats; None if it has no closed form."""
        return None

    def pointwise(self, xi: Tensor, eta: Tensor) -> Tensor:
        """Return the pointwise mutual information of each row under q, shape (n,)."""
        return self.log_joint(xi, eta) - self.log_x(xi) - self.log_y(eta)


class DiagonalBase(Base):
    r"""Standard normal latents in which only xi_j and eta_j correlate, by rho_j.

    The interleaved latents (xi_1, eta_1, xi_2, ...) have a tridiagonal covariance. Canonical
    correlations bring every joint normal to this form, by linear maps of x and of y that the
    flows contain.

    Args:
        dx: Number of columns of xi.
        dy: Number of columns of eta; the columns beyond min(dx, dy) are independent.
        parametrization: "tanh", rho_j = tanh w_j, which is smooth at independence; or "mi",
            rho_j = sqrt(1 - exp(-2 exp(w_j))), where exp(w_j) is the information of pair j.
    """

    def __init__(self, dx: int, dy: int, *, parametrization: str = "tanh") -> None:
        super().__init__()
        check_choice("parametrization", parametrization, PARAMETRIZATIONS)
        for name, dims in (("dx", dx), ("dy", dy)):
            check_integer(name, dims, 1)
        self.parametrization = parametrization
        # Both forms start at rho = 0.46, as the "mi" form has no gradient at independence.
        start = 0.5 if parametrization == "tanh" else math.log(math.log(math.cosh(0.5)))
        self.w = nn.Parameter(torch.full((min(dx, dy),), start))

    @torch.no_grad()
    def start(self, xi: Tensor, eta: Tensor) -> None:
        """Set each rho_j to the correlation of its pair, less what chance adds to all of them.

        It is kept away from 1, and from 0 with "mi".
        """
        a, b = xi[:, : len(self.w)].double(), eta[:, : len(self.w)].double()
        # For constant latents the ratio is 0 / 0; they correlate with nothing.
        rho = torch.nan_to_num(2 * (a * b).sum(0) / (a.square() + b.square()).sum(0))
        rho = rho.sign() * shrunk(rho.abs(), len(xi), xi.shape[1], eta.shape[1])
        if self.parametrization == "tanh":
            self.w.copy_(torch.atanh(rho.clamp(-_LARGEST, _LARGEST)))
        else:
            rho = rho.clamp(_SMALLEST, _LARGEST)
            self.w.copy_((-0.5 * torch.log1p(-rho.square())).log())

    def information(self) -> Tensor:
        """Return the information of each pair of columns in nats, shape (min(dx, dy),)."""
        if self.parametrization == "mi":
            return self.w.exp()
        size = self.w.abs()
        return size + torch.log1p(torch.exp(-2 * size)) - math.log(2)

    def correlations(self) -> Tensor:
        """Return the correlation rho_j of each pair, shape (min(dx, dy),)."""
        if self.parametrization == "tanh":
            return torch.tanh(self.w)
        return torch.sqrt(-torch.expm1(-2 * self.w.exp()))

    def mutual_information(self) -> Tensor:
        """Return the sum of the information of all pairs in nats."""
        return self.information().sum()

    def pointwise(self, xi: Tensor, eta: Tensor) -> Tensor:
        """See :meth:`Base.pointwise`."""
        pairs = len(self.w)
        m = self.information()
        # Here w is atanh rho, whichever form the parameters have.
        w = self.w if self.parametrization == "tanh" else m + torch.log1p(self.correlations())
        a, b = xi[:, :pairs], eta[:, :pairs]
        # a + b and a - b are independent, of variance 2 (1 +- rho) = 4 / (1 + exp(-+2 w)).
        # Written in terms of them, nothing cancels, however close rho is to 1.
        apart = (a - b).square() * torch.expm1(2 * w) + (a + b).square() * torch.expm1(-2 * w)
        return (m - 0.125 * apart).sum(1)

    def log_joint(self, xi: Tensor, eta: Tensor) -> Tensor:
        """See :meth:`Base.log_joint`."""
        return self.pointwise(xi, eta) + self.log_x(xi) + self.log_y(eta)

    def log_x(self, xi: Tensor) -> Tensor:
        """See :meth:`Base.log_x`."""
        return _standard_normal(xi)

    def log_y(self, eta: Tensor) -> Tensor:
        """See :meth:`Base.log_y`."""
        return _standard_normal(eta)


class GaussianBase(Base):
    """A joint normal of any mean and covariance, whose Cholesky factor is trained.

    Args:
        dx: Number of columns of xi.
        dy: Number of columns of eta.
    """

    def __init__(self, dx: int, dy: int) -> None:
        super().__init__()
        d = check_integer("dx", dx, 1) + check_integer("dy", dy, 1)
        self.dx = dx
        self.mean = nn.Parameter(torch.zeros(d))
        self.log_diagonal = nn.Parameter(torch.zeros(d))
        self.below = nn.Parameter(torch.zeros(d * (d - 1) // 2))

    @torch.no_grad()
    def start(self, xi: Tensor, eta: Tensor) -> None:
        """Set the mean and the covariance to those of the latents."""
        latents = torch.cat([xi, eta], 1).double()
        self.mean.copy_(latents.mean(0))
        covariance = torch.cov(latents.T, correction=0)
        # Slightly less dependence than measured keeps the covariance positive definite where
        # latents determine one another or are constant.
        covariance[: self.dx, self.dx :] *= _LARGEST
        covariance[self.dx :, : self.dx] *= _LARGEST
        covariance.diagonal().mul_(1 + 1e-6).add_(1e-12)
        factor = torch.linalg.cholesky(covariance)
        self.log_diagonal.copy_(factor.diagonal().log())
        d = len(self.mean)
        place = torch.tril_indices(d, d, -1, device=self.mean.device)
        self.below.copy_(factor[place[0], place[1]])

    def factor(self) -> Tensor:
        """Return the Cholesky factor of the covariance, lower triangular."""
        d = len(self.mean)
        place = torch.tril_indices(d, d, -1, device=self.mean.device)
        return torch.diag_embed(self.log_diagonal.exp()).index_put((place[0], place[1]), self.below)

    def mutual_information(self) -> Tensor:
        """Return I(xi; eta) in nats, in closed form from the determinants of the factors."""
        factor = self.factor()
        # The leading block of the factor is that of xi's covariance, so xi's terms cancel.
        covariance_y = factor[self.dx :] @ factor[self.dx :].T
        own_y = torch.linalg.cholesky(covariance_y).diagonal().log().sum()
        information: Tensor = own_y - self.log_diagonal[self.dx :].sum()
        return information

    def log_joint(self, xi: Tensor, eta: Tensor) -> Tensor:
        """See :meth:`Base.log_joint`."""
        return _normal(torch.cat([xi, eta], 1) - self.mean, self.factor())

    def log_x(self, xi: Tensor) -> Tensor:
        """See :meth:`Base.log_x`."""
        return _normal(xi - self.mean[: self.dx], self.factor()[: self.dx, : self.dx])

    def log_y(self, eta: Tensor) -> Tensor:
        """See :meth:`Base.log_y`."""
        rows = self.factor()[self.dx :]
        return _normal(eta - self.mean[self.dx :], torch.linalg.cholesky(rows @ rows.T))


class StudentBase(DiagonalBase):
    r"""Student's t of nu degrees of freedom, whose scale matrix is that of a DiagonalBase.

    It tends to the normal as nu grows. For finite nu all columns share one random scale, so that
    even uncorrelated latents have information: that of the normal of the same correlations plus
    h(dx) + h(dy) - h(dx + dy), h(d) being the entropy of d uncorrelated columns of Student's t.

    Args:
        dx: Number of columns of xi.
        dy: Number of columns of eta.
        parametrization: See :class:`DiagonalBase`.
    """

    def __init__(self, dx: int, dy: int, *, parametrization: str = "tanh") -> None:
        super().__init__(dx, dy, parametrization=parametrization)
        self.dx, self.dy = dx, dy
        # 1 / nu is a logistic function of this number, which starts next to the normal.
        self.tail = nn.Parameter(torch.tensor(-6.0 / _TAIL_SPEED))

    def _shape(self) -> Tensor:
        """Return 1 / nu, in float64."""
        return _LARGEST_TAIL * torch.sigmoid(_TAIL_SPEED * self.tail.double())

    def degrees_of_freedom(self) -> Tensor:
        """Return nu."""
        return 1.0 / self._shape()

    def mutual_information(self) -> Tensor:
        """Return I(xi; eta) in nats."""
        h = [
            _student_entropy(dims, self._shape()) for dims in (self.dx, self.dy, self.dx + self.dy)
        ]
        return self.information().sum() + (h[0] + h[1] - h[2]).to(self.w.dtype)

    def log_joint(self, xi: Tensor, eta: Tensor) -> Tensor:
        """See :meth:`Base.log_joint`."""
        normal = super().pointwise(xi, eta)
        squares = xi.double().square().sum(1) + eta.double().square().sum(1)
        # log det of the scale matrix is minus twice the information of its normal, from which
        # and the normal's pointwise information its quadratic form follows.
        information = super().information().sum().double()
        form = squares - 2.0 * (normal.double() - information)
        log_joint = _student(form, self.dx + self.dy, self._shape()) + information
        return log_joint.to(xi.dtype)

    def log_x(self, xi: Tensor) -> Tensor:
        """See :meth:`Base.log_x`."""
        return _student(xi.double().square().sum(1), self.dx, self._shape()).to(xi.dtype)

    def log_y(self, eta: Tensor) -> Tensor:
        """See :meth:`Base.log_y`."""
        return _student(eta.double().square().sum(1), self.dy, self._shape()).to(eta.dtype)

    def pointwise(self, xi: Tensor, eta: Tensor) -> Tensor:
        """See :meth:`Base.pointwise`."""
        return Base.pointwise(self, xi, eta)


def _student(form: Tensor, dims: int, tail: Tensor) -> Tensor:
    """Return the log density of Student's t with unit scale matrix at a quadratic form.

    Args:
        form: Quadratic form of each row, shape (n,), float64.
        dims: Number of columns.
        tail: 1 / nu.
    """
    half = 0.5 / tail
    constant = torch.lgamma(half + 0.5 * dims) - torch.lgamma(half) + 0.5 * dims * tail.log()
    power = half + 0.5 * dims
    return constant - 0.5 * dims * math.log(math.pi) - power * torch.log1p(tail * form)


def _student_entropy(dims: int, tail: Tensor) -> Tensor:
    """Return the entropy of `dims` uncorrelated columns of Student's t in nats."""
    half = 0.5 / tail
    power = half + 0.5 * dims
    constant = torch.lgamma(half) - torch.lgamma(power) + 0.5 * dims * math.log(math.pi)
    return constant - 0.5 * dims * tail.log() + power * (power.digamma() - half.digamma())


def _standard_normal(z: Tensor) -> Tensor:
    return -0.5 * (z.square().sum(1) + z.shape[1] * LOG_2_PI)


def _normal(centred: Tensor, factor: Tensor) -> Tensor:
    white: Tensor = torch.linalg.solve_triangular(factor, centred.T, upper=False).T
    log_det: Tensor = factor.diagonal().log().sum()
    return _standard_normal(white) - log_det
