"""Difference of entropies with flows, against closed forms."""

import math

import numpy as np
import pytest

import fastmi
from fastmi import datasets

pytest.importorskip("torch")
import torch

from fastmi.estimators.neural.flow_sizes import default_width
from fastmi.nn.bnaf import BNAF
from fastmi.nn.flows import InvertibleLinear, Standardized
from fastmi.nn.ndoe import SeparateFlows, SharedFlow
from fastmi.nn.realnvp import RealNVP

pytestmark = pytest.mark.usefixtures("one_torch_thread")

METHODS = ("ndoe", "ndoe-realnvp", "bnaf")
QUICK = {"steps": 30, "batch_size": 64, "seed": 0, "patience": None}


def pair(n=3000, d=2, information=1.0, seed=0):
    rho = math.sqrt(-math.expm1(-2 * information / d))
    return datasets.CorrelatedGaussian(rho, d).sample(n, seed)


@pytest.mark.parametrize(
    "method, options",
    [
        ("ndoe", {}),
        ("ndoe-realnvp", {"lr": 5e-3, "hidden": 32, "couplings": 4, "steps": 200}),
        ("bnaf", {}),
        ("ndoe", {"side": "y"}),
    ],
)
def test_gaussian(method, options):
    x, y = pair(4000)
    make = {"ndoe": fastmi.NDoE, "ndoe-realnvp": fastmi.NDoERealNVP, "bnaf": fastmi.SeparateBNAF}
    estimator = make[method](**{"steps": 400, "seed": 0, "patience": None, **options})
    estimate = estimator.estimate(x, y, test=pair(8000, seed=1))
    assert estimate == pytest.approx(1.0, abs=0.1)
    entropy = 1 + math.log(2 * math.pi)  # of two standard normal columns
    assert estimate.terms["cross_entropy"] == pytest.approx(entropy, abs=0.15)
    assert estimate.terms["conditional_cross_entropy"] == pytest.approx(entropy - 1, abs=0.15)
    difference = estimate.terms["cross_entropy"] - estimate.terms["conditional_cross_entropy"]
    assert estimate == pytest.approx(difference, abs=1e-9)
    assert estimate.local.mean() == pytest.approx(float(estimate), abs=1e-9)
    assert estimate.method == method


def test_independent_and_badly_scaled_data():
    rng = np.random.default_rng(0)
    x, y = 1e6 + 1e3 * rng.normal(size=(2000, 2)), 1e-6 * rng.normal(size=(2000, 3))
    estimate = fastmi.mi(x, y, method="ndoe", steps=200, seed=0, width=6)
    assert abs(estimate) < 0.1
    assert estimate.dims == (2, 3)


@pytest.mark.parametrize("method", METHODS)
def test_one_column_each(method):
    x, y = pair(2000, d=1, information=0.5)
    estimate = fastmi.mi(x, y, method=method, steps=150, seed=0)
    assert estimate == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("side", ["x", "y"])
def test_constant_columns_have_no_entropy(side):
    x, y = pair(600)
    padded = np.insert(y, 1, 5.0, axis=1)
    blocks = (padded, x) if side == "x" else (x, padded)
    plain = (y, x) if side == "x" else (x, y)
    estimate = fastmi.mi(*blocks, method="ndoe", side=side, **QUICK)
    assert float(estimate) == float(fastmi.mi(*plain, method="ndoe", side=side, **QUICK))
    assert f"columns 1 of {side} are constant and left out" in estimate.warnings[0]
    blocks = (np.ones(600), x) if side == "x" else (x, np.ones(600))
    with pytest.raises(ValueError, match=f"{side} must not be constant with side='{side}'"):
        fastmi.mi(*blocks, method="ndoe", side=side, **QUICK)


@pytest.mark.parametrize("method", METHODS)
def test_seed_reproduces_bit_for_bit_and_leaves_torch_alone(method):
    x, y = pair(600)
    state = torch.get_rng_state()
    first, second = (fastmi.mi(x, y, method=method, **QUICK) for _ in range(2))
    other = fastmi.mi(x, y, method=method, **{**QUICK, "seed": 1})
    assert float(first) == float(second) != float(other)
    assert (first.local == second.local).all()
    assert torch.equal(torch.get_rng_state(), state)


def test_deactivated_weights_are_those_from_y_to_x():
    """The loss of q(x) has no gradient in them, and one in every other weight of x."""
    flow = BNAF(3, y_dims=2, width=4).double()
    x, y = torch.randn(20, 3).double(), torch.randn(20, 2).double()
    marginal, conditional = SharedFlow(flow)(x, y)
    marginal.mean().backward(retain_graph=True)
    for name, group in flow.layout.split(flow.vector.grad)._asdict().items():
        for gradient in group:
            assert bool(gradient.any()) == (name in ("weights", "biases")), name
    conditional.mean().backward()
    for name, group in flow.layout.split(flow.vector.grad)._asdict().items():
        assert all(bool(gradient.any()) for gradient in group), name
    # Columns of x still see one another in q(x).
    moved = x.clone()
    moved[:, 0] += 1
    z, _ = flow(x)
    assert (flow(moved)[0][:, 2] - z[:, 2]).abs().max() > 1e-6


def test_untrained_identity_gives_the_entropy_of_a_standard_normal():
    x, y = (torch.from_numpy(block) for block in pair(20_000, d=3))
    flow = RealNVP(3, y_dims=3).double()
    marginal, conditional = SharedFlow(flow)(x, y)
    expected = 1.5 * (1 + math.log(2 * math.pi))
    assert marginal.mean().item() == pytest.approx(expected, abs=0.03)
    assert conditional.mean().item() == marginal.mean().item()
    both = SeparateFlows(InvertibleLinear(3).double(), flow)
    torch.testing.assert_close(both(x, y)[0], marginal)


def test_affine_flow_cannot_serve_both_losses():
    """Shared and affine: rho^2 / (2 - rho^2), not the information."""
    rho = 0.9
    x, y = pair(50_000, d=1, information=-0.5 * math.log1p(-(rho**2)))
    x, y = torch.from_numpy(x), torch.from_numpy(y)

    class Affine(InvertibleLinear):
        def __init__(self):
            super().__init__(1)
            self.y_dims = 1
            self.slope = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x, y=None):
            z, log_det = super().forward(x)
            shift = torch.zeros_like(x)
            shift[: len(y)] = self.slope * y
            return z + shift, log_det

    model = SharedFlow(Affine().double())
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=50, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        marginal, conditional = model(x, y)
        total = marginal.mean() + conditional.mean()
        total.backward()
        return total

    optimizer.step(loss)
    marginal, conditional = model(x, y)
    difference = (marginal.mean() - conditional.mean()).item()
    assert difference == pytest.approx(rho**2 / (2 - rho**2), abs=0.02)


def test_standardized_accounts_for_the_scale():
    x = torch.randn(1000, 2).double() * torch.tensor([3.0, 0.1]) + 5
    plain = InvertibleLinear(2).double()
    flow = Standardized(plain, x)
    z, log_det = flow(x)
    torch.testing.assert_close(z.mean(0), torch.zeros(2).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(z.std(0, correction=0), torch.ones(2).double())
    assert log_det[0].item() == pytest.approx(-x.std(0, correction=0).log().sum().item())
    torch.testing.assert_close(flow.inverse(z), x)
    constant = Standardized(plain, torch.full((10, 2), 7.0).double())
    assert torch.isfinite(constant(x)[0]).all()


@pytest.mark.parametrize("scale", [1e-307, 1e-200, 1e200, 1e307])
def test_standardized_at_the_ends_of_float64(scale):
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)).double() + 3
    plain = Standardized(InvertibleLinear(2).double(), x)
    scaled = Standardized(InvertibleLinear(2).double(), scale * x)
    (z, log_det), (expected, expected_log_det) = scaled(scale * x), plain(x)
    torch.testing.assert_close(z, expected)
    torch.testing.assert_close(log_det, expected_log_det - 2 * math.log(scale))


def test_width_that_nobody_set():
    assert [default_width(d) for d in (1, 8, 16, 20, 100)] == [20, 20, 10, 8, 6]


def test_normal_scores_undo_what_was_done_to_the_columns():
    x, y = pair(600)
    same = fastmi.mi(x, y, method="ndoe", normalize="copula", **QUICK)
    assert float(same) == float(
        fastmi.mi(np.exp(x), y**3, method="ndoe", normalize="copula", **QUICK)
    )


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"side": "z"}, ValueError, "side must be one of 'x', 'y'; got side='z'"),
        ({"width": 0}, ValueError, "width must be an integer >= 1; got width=0"),
        ({"width": 2.5}, TypeError, "width must be an integer"),
        ({"hidden_layers": 0}, ValueError, "hidden_layers must be an integer >= 1"),
        ({"stacks": -1}, ValueError, "stacks must be an integer >= 1"),
        ({"activation": "relu"}, ValueError, "activation must be one of"),
        ({"residual": "no"}, ValueError, "residual must be one of"),
        ({"weight_norm": "no"}, TypeError, "weight_norm must be True or False; got"),
        ({"couplings": 3}, TypeError, "got couplings"),
        ({"batch_size": 1000}, ValueError, "batch_size must be at most the number of training"),
    ],
)
def test_bad_options(options, error, message):
    x, y = pair(200)
    with pytest.raises(error, match=message):
        fastmi.mi(x, y, method="ndoe", **{**QUICK, **options})


def test_bad_options_of_real_nvp():
    x, y = pair(200)
    with pytest.raises(ValueError, match="couplings must be an integer >= 1; got couplings=0"):
        fastmi.mi(x, y, method="ndoe-realnvp", couplings=0)
    with pytest.raises(TypeError, match="hidden must be an integer"):
        fastmi.mi(x, y, method="ndoe-realnvp", hidden=(64, 64))
