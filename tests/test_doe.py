"""Difference of entropies: densities against closed forms, and the plug-in value."""

import math

import numpy as np
import pytest

import fastmi
from fastmi import datasets

pytest.importorskip("torch")
import torch

from fastmi.nn import densities

pytestmark = pytest.mark.usefixtures("one_torch_thread")

FEW = {
    "method": "doe",
    "hidden": (32, 32),
    "steps": 300,
    "lr": 5e-3,
    "eval_every": 50,
    "seed": 0,
}


@pytest.mark.parametrize(
    "density, standard",
    [("gaussian", torch.distributions.Normal), ("logistic", None)],
)
def test_densities_are_normalised(density, standard):
    x = torch.linspace(-60, 60, 240_001, dtype=torch.float64)
    values = densities.DENSITIES[density](
        x[:, None], torch.tensor([0.7]).double(), torch.tensor([0.4]).double()
    )
    assert float(torch.trapezoid((-values).exp(), x)) == pytest.approx(1.0, abs=1e-9)
    if standard is not None:
        expected = -standard(0.7, math.exp(0.4)).log_prob(x[::1000])
        torch.testing.assert_close(values[::1000], expected, rtol=1e-6, atol=1e-6)


def test_logistic_is_its_definition():
    x = np.array([[-3.0], [0.2], [500.0]])
    w = (x - 0.5) / 2.0
    with np.errstate(over="ignore"):
        expected = (w + 2 * np.log1p(np.exp(-w)) + math.log(2.0))[:, 0]
    values = densities.logistic(
        torch.from_numpy(x), torch.tensor([0.5]).double(), torch.tensor([2.0]).double().log()
    )
    np.testing.assert_allclose(values.numpy(), expected, rtol=1e-12)


def test_columns_add():
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).double()
    zero = torch.zeros(3).double()
    for density in densities.DENSITIES.values():
        alone = sum(density(x[:, j : j + 1], zero[:1], zero[:1]) for j in range(3))
        torch.testing.assert_close(density(x, zero, zero), alone)


def test_plug_in_value_of_a_linear_gaussian_channel():
    # With the conditional mean linear in y the value is that of the residual variances.
    law = datasets.CorrelatedGaussian.from_mi(1.5, d=3)
    x, y = law.sample(6000, seed=1)
    estimate = fastmi.mi(x, y, test_size=0.3, **FEW)
    rho = np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(x.T, y.T, strict=True)])
    plug_in = -0.5 * np.log1p(-(rho**2)).sum()
    assert float(estimate) == pytest.approx(plug_in, abs=0.08)
    assert abs(estimate - 1.5) < 4 * estimate.stderr + 0.05


def test_the_side_matters_where_a_margin_is_not_gaussian():
    law = datasets.CorrelatedGaussian.from_mi(1.0, d=1)
    x, y = law.sample(4000, seed=0)
    plain = fastmi.mi(x, y**3, side="x", inputs="standard", **FEW)
    mirrored = fastmi.mi(x, y**3, side="y", inputs="standard", **FEW)
    assert float(plain) == pytest.approx(1.0, abs=0.12)
    assert abs(mirrored - 1.0) > 0.2
    # Swapping the arguments and the side changes nothing but the order of the columns.
    swapped = fastmi.mi(y**3, x, side="y", inputs="standard", **FEW)
    assert float(swapped) == pytest.approx(float(plain), abs=1e-6)
    # The squash of heavy tails makes a cube nearly normal.
    assert float(fastmi.mi(x, y**3, side="y", **FEW)) == pytest.approx(1.0, abs=0.12)


def test_logistic_density_on_logistic_noise():
    rng = np.random.default_rng(0)
    y = rng.normal(size=4000)
    x = 2 * y + rng.logistic(size=4000)
    # h(X) by quadrature of the convolution, less h(X | Y) = 2.
    grid = np.linspace(-40, 40, 1601)
    weights = np.exp(-(grid**2) / 8) / math.sqrt(8 * math.pi) * (grid[1] - grid[0])
    density = (0.25 / np.cosh((grid[:, None] - grid) / 2) ** 2) @ weights
    truth = -np.sum(density * np.log(density)) * (grid[1] - grid[0]) - 2
    estimate = fastmi.mi(x, y, density="logistic", **FEW)
    assert abs(estimate - truth) < 4 * estimate.stderr


def test_a_constant_column_changes_nothing():
    law = datasets.CorrelatedGaussian.from_mi(1.0, d=1)
    x, y = law.sample(2000, seed=0)
    padded = np.column_stack((x, np.full(2000, 5.0)))
    estimate = fastmi.mi(padded, y, **FEW)
    assert float(estimate) == float(fastmi.mi(x, y, **FEW))
    assert "columns 1 of x are constant and left out" in estimate.warnings[0]
