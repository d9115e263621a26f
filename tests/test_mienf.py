"""Mutual information through two flows and a base density, against closed forms."""

import math

import numpy as np
import pytest

import fastmi
from fastmi import datasets

pytest.importorskip("torch")
import torch

from fastmi.nn.bases import Base
from fastmi.nn.canonical import canonical_maps, gaussian_information

pytestmark = pytest.mark.usefixtures("one_torch_thread")

QUICK = {"steps": 20, "batch_size": 64, "seed": 0, "patience": None, "width": 4}


def pair(n=3000, d=2, information=1.0, seed=0):
    rho = math.sqrt(-math.expm1(-2 * information / d))
    return datasets.CorrelatedGaussian(rho, d).sample(n, seed)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"parametrization": "mi", "lr": 2e-2},  # w is a logarithm and starts far away
        {"base": "gaussian"},
        {"flow": "realnvp", "hidden": 32},
    ],
)
def test_gaussian(options):
    x, y = pair()
    estimator = fastmi.MIENF(
        **{"steps": 200, "batch_size": 256, "lr": 5e-3, "seed": 0, "width": 8, **options}
    )
    estimate = estimator.estimate(x, y, test=pair(6000, seed=1))
    assert estimate == pytest.approx(1.0, abs=0.1)
    assert estimate.terms["learnt"] == pytest.approx(1.0, abs=0.15)
    assert estimate.terms["gaussian"] == pytest.approx(1.0, abs=0.1)
    entropy = 4 * 0.5 * (1 + math.log(2 * math.pi)) - 1
    assert estimate.terms["cross_entropy"] == pytest.approx(entropy, abs=0.2)
    assert estimate.local.mean() == pytest.approx(float(estimate), abs=1e-6)


@pytest.mark.parametrize("base", ["diagonal", "gaussian"])
def test_linear_maps_of_normal_samples_are_undone_before_the_training(base):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 4, 4))
    (x, y), test = pair(5000, d=4, information=3.0), pair(20_000, d=4, information=3.0, seed=1)
    estimator = fastmi.MIENF(base=base, steps=1, lr=1e-9, seed=0, patience=None)
    estimate = estimator.estimate(x @ a, y @ b, test=(test[0] @ a, test[1] @ b))
    assert estimate == pytest.approx(3.0, abs=0.1)
    assert estimate.terms["learnt"] == pytest.approx(3.0, abs=0.1)
    assert estimate.terms["gaussian"] == pytest.approx(3.0, abs=0.1)


def test_canonical_maps():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    y = x[:, :2] @ rng.normal(size=(2, 2)) + rng.normal(size=(400, 2)) + 5
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    (a, shift_x), (b, shift_y) = canonical_maps(x, y)
    xi, eta = x @ a.T + shift_x, y @ b.T + shift_y
    joint = torch.cov(torch.cat([xi, eta], 1).T, correction=0)
    rho = joint[:3, 3:].diagonal()
    expected = torch.eye(5, dtype=torch.float64)
    expected[[0, 1, 3, 4], [3, 4, 0, 1]] = torch.cat([rho, rho])
    torch.testing.assert_close(joint, expected)
    assert rho[0] > rho[1] > 0
    assert -0.5 * torch.log1p(-(rho**2)).sum().item() == pytest.approx(gaussian_information(x, y))


@pytest.mark.parametrize("n", [50, 3])
def test_canonical_maps_of_degenerate_samples_are_invertible(n):
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(0))
    for degenerate in (torch.cat([x, x[:, :1]], 1), torch.full((n, 4), 0.1).double()):
        for matrix, shift in canonical_maps(degenerate, x):
            assert abs(torch.linalg.slogdet(matrix).logabsdet) < 10
            assert torch.isfinite(shift).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("base", ["diagonal", "gaussian"])
def test_constant_variable_has_no_information(base, dtype):
    x, y = np.full((500, 1), 0.1), np.random.default_rng(0).normal(size=(500, 2))
    estimate = fastmi.mi(x, y, method="mienf", base=base, dtype=dtype, **QUICK)
    assert abs(estimate) < 0.02


def test_few_samples_for_many_columns():
    """The canonical correlations of 60 samples of 10 and 10 independent columns are chance."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 100, 10))
    few = {"steps": 1, "lr": 1e-9, "batch_size": 32, "seed": 0, "patience": None, "width": 4}
    estimator = fastmi.MIENF(base="diagonal", **few)
    assert estimator.estimate(x, y).terms["learnt"] == pytest.approx(10 * math.log(math.cosh(0.5)))


def test_bijections_of_the_columns_are_undone():
    x, y = pair(4000, d=1, information=0.7)
    estimate = fastmi.mi(
        np.sinh(x), 1000 * np.cbrt(y), method="mienf", steps=500, batch_size=256, lr=1e-2, seed=0
    )
    assert estimate == pytest.approx(0.7, abs=0.15)


def test_different_numbers_of_columns():
    x, y = pair(1000, d=1, information=0.5)
    noise = np.random.default_rng(0).normal(size=(1000, 2))
    estimate = fastmi.mi(x, np.hstack([noise, y]), method="mienf", **{**QUICK, "steps": 60})
    assert estimate.dims == (1, 3)
    assert math.isfinite(estimate)


def test_constant_columns_are_left_out():
    x, y = pair(600)
    padded_x, padded_y = np.insert(x, 1, 5.0, axis=1), np.insert(y, 0, -1.0, axis=1)
    estimate = fastmi.mi(padded_x, padded_y, method="mienf", **QUICK)
    assert float(estimate) == float(fastmi.mi(x, y, method="mienf", **QUICK))
    assert "columns 1 of x are constant and left out" in estimate.warnings[0]
    assert "columns 0 of y are constant and left out" in estimate.warnings[1]
    assert abs(fastmi.mi(np.ones((600, 2)), np.ones(600), method="mienf", **QUICK)) < 0.02


def test_seed_reproduces_bit_for_bit():
    x, y = pair(600)
    first, second = (fastmi.mi(x, y, method="mienf", **QUICK) for _ in range(2))
    assert float(first) == float(second)
    assert (first.local == second.local).all()


def test_gaussian_information_is_that_of_the_covariances():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    y = x[:, :2] @ rng.normal(size=(2, 2)) + rng.normal(size=(400, 2))
    joint = np.cov(np.hstack([x, y]).T)
    log_det = [np.linalg.slogdet(block)[1] for block in (joint[:3, :3], joint[3:, 3:], joint)]
    expected = 0.5 * (log_det[0] + log_det[1] - log_det[2])
    found = gaussian_information(torch.from_numpy(x), torch.from_numpy(y))
    assert found == pytest.approx(expected, abs=1e-10)
    # Invariant to linear maps of either side, so that a diagonal base loses nothing.
    mixed = gaussian_information(torch.from_numpy(x @ rng.normal(size=(3, 3))), torch.from_numpy(y))
    assert mixed == pytest.approx(expected, abs=1e-10)


def test_gaussian_information_of_degenerate_latents():
    x = torch.randn(50, 2).double()
    assert gaussian_information(x, torch.ones(50, 1).double()) == 0.0
    doubled = torch.cat([x, x[:, :1]], 1)
    y = torch.randn(50, 1).double()
    assert gaussian_information(doubled, y) == pytest.approx(gaussian_information(x, y))


def test_gaussian_information_exceeds_the_truth_where_a_margin_is_not_normal():
    """X uniform, Y = X + N(0, 0.05^2): 1.768 against 1.667 nats."""
    rng = np.random.default_rng(0)
    x = rng.random((400_000, 1))
    y = x + 0.05 * rng.normal(size=x.shape)
    found = gaussian_information(torch.from_numpy(x), torch.from_numpy(y))
    assert found == pytest.approx(1.768, abs=0.01)
    truth = fastmi.mi(x[:20_000], y[:20_000], k=3)
    assert truth == pytest.approx(1.667, abs=0.03)
    assert found > truth + 0.05


def test_normal_margins_are_no_more_than_a_lower_bound():
    """eta = +-xi by a fair coin: infinite information, none for a joint normal."""
    rng = np.random.default_rng(0)
    xi = rng.normal(size=(100_000, 1))
    eta = xi * rng.choice([-1.0, 1.0], size=xi.shape)
    assert gaussian_information(torch.from_numpy(xi), torch.from_numpy(eta)) < 0.001


class Laplace(Base):
    """xi Laplace, eta = xi plus a Laplace variable; information unknown to the estimator."""

    def __init__(self):
        super().__init__()
        self.log_scale = torch.nn.Parameter(torch.zeros(2))

    def log_x(self, xi):
        return torch.distributions.Laplace(0.0, self.log_scale[0].exp()).log_prob(xi).sum(1)

    def log_y(self, eta):
        return torch.distributions.Laplace(0.0, self.log_scale[1].exp()).log_prob(eta).sum(1)

    def log_joint(self, xi, eta):
        given = torch.distributions.Laplace(xi, self.log_scale[1].exp())
        return self.log_x(xi) + given.log_prob(eta).sum(1)


def test_own_base():
    x, y = pair(600)
    base = Laplace()
    estimate = fastmi.mi(x, y, method="mienf", base=base, **QUICK)
    assert math.isnan(estimate.terms["learnt"])
    assert math.isfinite(estimate)
    assert (base.log_scale == 0).all()  # a copy was trained


def test_own_base_of_another_shape():
    class Columns(Laplace):
        def log_x(self, xi):
            return super().log_x(xi)[:, None]

    x, y = pair(200)
    with pytest.raises(ValueError, match=r"base must return shape \(n,\) from log_joint; got"):
        fastmi.mi(x, y, method="mienf", base=Columns(), **QUICK)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"flow": "nice"}, ValueError, "flow must be one of 'bnaf', 'realnvp'"),
        ({"base": "cauchy"}, ValueError, "base must be one of 'diagonal', 'gaussian'"),
        ({"base": Base}, TypeError, "base must be 'student', 'diagonal', 'gaussian' or a"),
        ({"parametrization": "r"}, ValueError, "parametrization must be one of"),
        ({"couplings": 0}, ValueError, "couplings must be an integer >= 1"),
        ({"hidden": 1.5}, TypeError, "hidden must be an integer"),
    ],
)
def test_bad_options(options, error, message):
    x, y = pair(200)
    with pytest.raises(error, match=message):
        fastmi.mi(x, y, method="mienf", **{**QUICK, **options})
