"""Base densities of MIENF: against the normal laws that they are."""

import math

import pytest

pytest.importorskip("torch")
import torch

from fastmi.nn.bases import DiagonalBase, GaussianBase, StudentBase
from fastmi.nn.canonical import gaussian_information

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(autouse=True)
def seeded_float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def latents(n=4000):
    generator = torch.Generator().manual_seed(3)
    xi = torch.randn(n, 3, generator=generator)
    rho = torch.tensor([0.9, 0.3])
    eta = rho * xi[:, :2] + (1 - rho**2).sqrt() * torch.randn(n, 2, generator=generator)
    return xi, eta, rho


@pytest.mark.parametrize("parametrization", ["tanh", "mi"])
def test_diagonal_base_is_the_normal_it_says(parametrization):
    base = DiagonalBase(3, 2, parametrization=parametrization)
    with torch.no_grad():
        base.w.copy_(torch.tensor([0.7, -0.4]))
    rho = base.correlations()
    covariance = torch.eye(5)
    for j in range(2):
        covariance[j, 3 + j] = covariance[3 + j, j] = rho[j]
    xi, eta, _ = latents(20)
    normal = torch.distributions.MultivariateNormal(torch.zeros(5), covariance)
    torch.testing.assert_close(base.log_joint(xi, eta), normal.log_prob(torch.cat([xi, eta], 1)))
    torch.testing.assert_close(base.information(), -0.5 * torch.log1p(-(rho**2)))
    margin = torch.distributions.Normal(0.0, 1.0)
    torch.testing.assert_close(base.log_x(xi), margin.log_prob(xi).sum(1))
    torch.testing.assert_close(base.log_y(eta), margin.log_prob(eta).sum(1))


@pytest.mark.parametrize(
    "parametrization, w",
    [("tanh", 9 + math.log(2)), ("tanh", -9 - math.log(2)), ("mi", math.log(9))],
)
def test_diagonal_base_keeps_its_precision_at_high_information(parametrization, w):
    base = DiagonalBase(1, 1, parametrization=parametrization)
    torch.nn.init.constant_(base.w, w)
    rho = base.correlations().detach()
    generator = torch.Generator().manual_seed(0)
    xi, noise = (torch.randn(2000, 1, generator=generator) for _ in range(2))
    xi, eta = xi.float(), (rho * xi + (-base.information()).exp() * noise).detach().float()
    exact = base.pointwise(xi.double(), eta.double())
    assert exact.mean().item() == pytest.approx(9, abs=0.1)
    got = base.float().pointwise(xi, eta)
    torch.testing.assert_close(got.double(), exact, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("nu", [1.5, 5.0, 1e6])
def test_student_base_is_the_law_it_says(nu):
    """Against the density of t in plain numbers, and its information by simulation."""
    base = StudentBase(2, 3)
    with torch.no_grad():
        base.w.copy_(torch.tensor([0.6, -0.2]))
        base.tail.copy_(torch.tensor(-math.log(nu - 1)) / 30)
    assert base.degrees_of_freedom().item() == pytest.approx(nu, rel=1e-6)
    scale = torch.eye(5)
    for j, rho in enumerate(base.correlations().tolist()):
        scale[j, 2 + j] = scale[2 + j, j] = rho
    generator = torch.Generator().manual_seed(1)
    normal = torch.randn(200_000, 5, generator=generator) @ torch.linalg.cholesky(scale).T
    chi = torch.distributions.Chi2(torch.tensor(nu)).sample((len(normal), 1))
    z = normal * (nu / chi).sqrt()

    def log_density(rows, matrix):
        d = len(matrix)
        form = (rows @ torch.linalg.inv(matrix) * rows).sum(1)
        constant = math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - d / 2 * math.log(nu * math.pi)
        return constant - 0.5 * torch.logdet(matrix) - (nu + d) / 2 * torch.log1p(form / nu)

    xi, eta = z[:, :2], z[:, 2:]
    close = {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(base.log_joint(xi, eta), log_density(z, scale), **close)
    torch.testing.assert_close(base.log_x(xi), log_density(xi, scale[:2, :2]), **close)
    torch.testing.assert_close(base.log_y(eta), log_density(eta, scale[2:, 2:]), **close)
    pointwise = base.pointwise(xi, eta).detach()
    error = 4 * float(pointwise.std()) / math.sqrt(len(z))
    assert pointwise.mean().item() == pytest.approx(base.mutual_information().item(), abs=error)
    assert base.mutual_information() >= base.information().sum() - 1e-9


def test_parametrizations_start_alike():
    tanh, mi = DiagonalBase(2, 2), DiagonalBase(2, 2, parametrization="mi")
    torch.testing.assert_close(tanh.correlations(), mi.correlations())


@pytest.mark.parametrize("parametrization", ["tanh", "mi"])
def test_diagonal_base_starts_at_the_correlations(parametrization):
    xi, eta, rho = latents(100_000)
    base = DiagonalBase(3, 2, parametrization=parametrization)
    base.start(xi, eta)
    torch.testing.assert_close(base.correlations().detach(), rho, rtol=0, atol=0.01)
    base.start(xi, -xi[:, :2])  # determined: a finite density all the same
    assert torch.isfinite(base.log_joint(xi, -xi[:, :2])).all()
    base.start(torch.zeros(10, 3), torch.zeros(10, 2))
    assert torch.isfinite(base.w).all()


def test_gaussian_base_starts_at_the_covariance():
    xi, eta, _ = latents(1000)
    xi, eta = xi @ torch.randn(3, 3) + 1, eta - 2
    base = GaussianBase(3, 2)
    base.start(xi, eta)
    both = torch.cat([xi, eta], 1)
    torch.testing.assert_close(base.mean.detach(), both.mean(0))
    covariance = torch.cov(both.T, correction=0)
    torch.testing.assert_close(base.factor() @ base.factor().T, covariance, rtol=2e-4, atol=1e-5)
    assert base.mutual_information().item() == pytest.approx(
        gaussian_information(xi, eta), abs=2e-3
    )
    base.start(xi, xi[:, :2])
    assert torch.isfinite(base.log_joint(xi, xi[:, :2])).all()


@pytest.mark.parametrize("parametrization", ["tanh", "mi"])
def test_likelihood_of_the_diagonal_base_peaks_where_its_derivative_is_zero(parametrization):
    xi, eta, _ = latents()
    base = DiagonalBase(3, 2, parametrization=parametrization)
    optimizer = torch.optim.LBFGS(
        base.parameters(),
        max_iter=100,
        tolerance_grad=1e-10,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def loss():
        optimizer.zero_grad()
        value = -base.log_joint(xi, eta).mean()
        value.backward()
        return value

    optimizer.step(loss)
    # d/drho of the mean of log q, times (1 - rho^2)^2: a cubic, whose root 2 <ab> / <aa + bb>
    # would be if both variances were 1 in the sample too.
    rho = base.correlations().detach()
    product, square = (xi[:, :2] * eta).mean(0), (xi[:, :2].square() + eta.square()).mean(0)
    cubic = rho - rho**3 + product * (1 + rho**2) - rho * square
    torch.testing.assert_close(cubic, torch.zeros(2), rtol=0, atol=1e-6)


def test_gaussian_base_is_the_normal_it_says():
    base = GaussianBase(3, 2)
    with torch.no_grad():
        for parameter in base.parameters():
            parameter.copy_(0.3 * torch.randn_like(parameter))
    covariance = base.factor() @ base.factor().T
    xi, eta, _ = latents(20)
    joint = torch.distributions.MultivariateNormal(base.mean, covariance)
    x = torch.distributions.MultivariateNormal(base.mean[:3], covariance[:3, :3])
    y = torch.distributions.MultivariateNormal(base.mean[3:], covariance[3:, 3:])
    torch.testing.assert_close(base.log_joint(xi, eta), joint.log_prob(torch.cat([xi, eta], 1)))
    torch.testing.assert_close(base.log_x(xi), x.log_prob(xi))
    torch.testing.assert_close(base.log_y(eta), y.log_prob(eta))
    expected = 0.5 * (
        torch.logdet(covariance[:3, :3])
        + torch.logdet(covariance[3:, 3:])
        - torch.logdet(covariance)
    )
    torch.testing.assert_close(base.mutual_information(), expected)
