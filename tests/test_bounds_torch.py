"""Bounds on tensors: torch distributions, autograd, learned proposals."""

import math
import subprocess
import sys

import numpy as np
import pytest

from channels import SCALAR, WIDE, model_of
from fastmi import bounds

pytest.importorskip("torch")
import torch

from fastmi.nn import Training

D = torch.distributions

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def gaussian_model(dtype=torch.float64):
    a = torch.tensor(WIDE.a, dtype=dtype)
    noise = torch.tensor(WIDE.noise, dtype=dtype).sqrt()
    prior = D.Independent(D.Normal(torch.zeros(2, dtype=dtype), torch.ones(2, dtype=dtype)), 1)
    return bounds.Model.from_distributions(
        prior, lambda z: D.Independent(D.Normal(z @ a.T, noise), 1)
    )


def posterior(inflation=1.0, dtype=torch.float64):
    gain = torch.tensor(WIDE.gain, dtype=dtype)
    covariance = torch.tensor(inflation * WIDE.covariance, dtype=dtype)
    return bounds.Proposal.from_distribution(lambda x: D.MultivariateNormal(x @ gain.T, covariance))


@pytest.fixture(scope="module")
def pairs():
    return gaussian_model().sample(4000, seed=0)


def test_distributions_give_the_closed_form(pairs):
    x, z = pairs
    assert isinstance(x, torch.Tensor)
    assert x.shape == (4000, 3)
    assert x.dtype == torch.float64
    both = bounds.sandwich(gaussian_model(), x, z, proposal=posterior(), n_importance=3, seed=0)
    exact = WIDE.log_lik(x.numpy(), z.numpy()) - WIDE.log_evidence(x.numpy())
    np.testing.assert_allclose(both.lower.local, exact, atol=1e-10)
    np.testing.assert_allclose(both.upper.local, exact, atol=1e-10)
    assert isinstance(both.lower.local, np.ndarray)
    assert both.lower.device == "cpu"
    ba = bounds.barber_agakov(gaussian_model(), x, z, proposal=posterior())
    np.testing.assert_allclose(ba.local, exact, atol=1e-10)
    lautum = bounds.lautum_sandwich(gaussian_model(), x, z, proposal=posterior(), seed=0)
    assert abs(lautum.midpoint - WIDE.lautum) < 4 * lautum.lower.stderr


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_bounds_hold_the_truth(dtype):
    model = gaussian_model(dtype)
    x, z = model.sample(4000, seed=1)
    for q in (None, posterior(2.0, dtype)):
        for both in (
            bounds.sandwich(model, x, z, proposal=q, n_importance=32, seed=0),
            bounds.ais(model, x[:500], z[:500], proposal=q, n_steps=10, seed=0),
        ):
            assert both.lower - 4 * both.lower.stderr < WIDE.mi
            assert both.upper + 4 * both.upper.stderr > WIDE.mi
            assert both.gap < 1.3
            assert both.lower.local.dtype == np.float64
    both = bounds.jeffreys(model, x, z, seed=0)
    assert abs(both - WIDE.mi - WIDE.lautum) < 4 * both.stderr


def test_autograd_is_the_gradient_of_the_user(pairs):
    """The chains are the same with gradients by hand and by autograd."""
    x, z = (block[:50] for block in pairs)
    good = gaussian_model()
    a, noise = torch.tensor(WIDE.a), torch.tensor(WIDE.noise)
    by_hand = bounds.Model(
        log_lik=good.log_lik,
        log_prior=good.log_prior,
        sample_prior=good.sample_prior,
        grad_log_joint=lambda x, z: -z + ((x - z @ a.T) / noise) @ a,
        grad_log_prior=lambda z: -z,
    )
    found = [bounds.ais(model, x, z, n_steps=5, seed=0) for model in (good, by_hand)]
    np.testing.assert_allclose(found[0].upper.local, found[1].upper.local, atol=1e-9)
    np.testing.assert_allclose(found[0].lower.local, found[1].lower.local, atol=1e-9)


def test_parameters_that_learn_are_left_alone(pairs):
    """If a decoder requires gradients, the bounds leave none behind."""
    decoder = torch.nn.Linear(2, 3, dtype=torch.float64)
    prior = D.Independent(D.Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)
    model = bounds.Model.from_distributions(
        prior, lambda z: D.Independent(D.Normal(decoder(z), 0.7), 1)
    )
    x, z = model.sample(200, seed=0)
    assert not x.requires_grad
    both = bounds.ais(model, x, z, n_steps=3, seed=0)
    assert math.isfinite(both.gap)
    assert decoder.weight.grad is None


def test_torch_state_is_left_alone_and_seeds_are_respected(pairs):
    x, z = (block[:100] for block in pairs)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    found = []
    for seed in (0, 0, 1):
        found.append(bounds.sandwich(gaussian_model(), x, z, n_importance=5, seed=seed).upper)
        gaussian_model().sample(10, seed=seed)
    assert torch.equal(torch.get_rng_state(), state)
    assert found[0] == found[1] != found[2]


def test_discrete_and_scalar_distributions():
    share = torch.tensor([0.5, 0.3, 0.2])
    mixture = bounds.Model.from_distributions(
        D.Categorical(share), lambda z: D.Normal(6.0 * z.double(), 0.5)
    )
    x, z = mixture.sample(2000, seed=0)
    assert x.shape == z.shape == (2000, 1)
    assert z.dtype == torch.int64
    both = bounds.sandwich(mixture, x, z, n_importance=400, seed=0)
    entropy = float(D.Categorical(share).entropy())
    assert abs(both.midpoint - entropy) < 4 * both.lower.stderr
    scalar = bounds.Model.from_distributions(D.Normal(0.0, 1.0), lambda z: D.Normal(z, 0.5))
    x, z = scalar.sample(2000, seed=0)
    columns, scalars = (
        bounds.sandwich(scalar, x, z, proposal=bounds.Proposal.from_distribution(q), seed=0)
        for q in (lambda x: D.Normal(0.8 * x, 0.3), lambda x: D.Normal(0.8 * x[:, 0], 0.3))
    )
    np.testing.assert_allclose(columns.lower.local, scalars.lower.local, atol=1e-6)
    assert abs(columns.midpoint - SCALAR.mi) < 4 * columns.lower.stderr


def test_bad_tensors_and_distributions(pairs):
    x, z = (block[:20] for block in pairs)
    model = gaussian_model()
    with pytest.raises(TypeError, match="x and z must both be torch tensors or neither"):
        bounds.sandwich(model, x, z.numpy())
    with pytest.raises(TypeError, match="takes tensors; got x as ndarray"):
        bounds.sandwich(model, x.numpy(), z.numpy())
    with pytest.raises(TypeError, match="a proposal made of torch distributions takes tensors"):
        bounds.sandwich(model_of(WIDE), x.numpy(), z.numpy(), proposal=posterior())
    with pytest.raises(TypeError, match="prior must be a torch"):
        bounds.Model.from_distributions(3, lambda z: z)
    with pytest.raises(TypeError, match="likelihood must be a function"):
        bounds.Model.from_distributions(D.Normal(0.0, 1.0), 3)
    with pytest.raises(TypeError, match="conditional must be a function"):
        bounds.Proposal.from_distribution(3)
    other = bounds.Model.from_distributions(D.Normal(0.0, 1.0), lambda z: z)
    with pytest.raises(TypeError, match=r"likelihood\(z\) must be a torch.distributions"):
        other.sample(5)
    with pytest.raises(TypeError, match="log_lik must return an array of the kind it was given"):
        bounds.jeffreys(bounds.Model(log_lik=lambda _, z: z.numpy()[..., 0]), x, z)
    cut = bounds.Model(
        log_lik=lambda x, z: model.log_lik(x, z.detach()),
        log_prior=lambda z: model.log_prior(z.detach()),
        sample_prior=model.sample_prior,
    )
    with pytest.raises(ValueError, match="must be differentiable by autograd"):
        bounds.ais(cut, x, z, n_steps=3)


def sines(n, seed):
    """Pairs with x = sin 2 z_1 + 0.3 z_2^2 + noise, whose posteriors have several modes."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 2))
    return _curve(z) + 0.3 * rng.standard_normal((n, 1)), z


def _curve(z):
    return np.sin(2 * z[..., :1]) + 0.3 * z[..., 1:] ** 2


SINES = bounds.Model(
    log_lik=lambda x, z: (-0.5 * ((x - _curve(z)) / 0.3) ** 2 - 0.5 * math.log(2 * math.pi * 0.09))[
        ..., 0
    ],
    log_prior=lambda z: -0.5 * (z**2).sum(axis=-1) - math.log(2 * math.pi),
    sample_prior=lambda m, rng: rng.standard_normal((m, 2)),
    grad_log_joint=lambda x, z: (
        -z
        + (x - _curve(z)) / 0.09 * np.stack([2 * np.cos(2 * z[..., 0]), 0.6 * z[..., 1]], axis=-1)
    ),
)
SHORT = Training(steps=500, batch_size=128, lr=2e-3, patience=5, seed=0)


@pytest.mark.parametrize("options", [{}, {"n_components": 4}, {"n_couplings": 2}], ids=str)
def test_learned_proposals_tighten_both_sides(options):
    q = bounds.learn_proposal(*sines(3000, 0), training=SHORT, **options)
    x, z = sines(1000, 1)
    learned, prior = (
        bounds.sandwich(SINES, x, z, proposal=proposal, n_importance=16, seed=0)
        for proposal in (q, None)
    )
    assert learned.lower > prior.lower
    assert learned.upper < prior.upper
    assert 0 < learned.gap < 0.8 * prior.gap
    assert len(q.history.steps) > 3
    assert q.history.validation[-1] > q.history.validation[0]
    assert "LearnedProposal(dz=2" in repr(q)
    # Annealing may start at the learned proposal.
    one, five = (
        bounds.ais(SINES, x[:200], z[:200], proposal=q, n_steps=steps, seed=0) for steps in (1, 5)
    )
    assert five.gap < one.gap


@pytest.mark.parametrize("options", [{}, {"n_components": 3}, {"n_couplings": 3}], ids=str)
def test_learned_density_is_that_of_its_samples(options):
    """The density integrates to 1, and the samples have its moments."""
    x, z = sines(500, 0)
    q = bounds.learn_proposal(
        x, z, training=Training(steps=100, batch_size=64, lr=5e-3, seed=1), **options
    )
    at = q.at(x[:3])
    side = np.linspace(-8, 8, 161)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(1, -1, 2)
    density = np.exp(at.logpdf(np.repeat(grid, 3, axis=0))) * (side[1] - side[0]) ** 2
    np.testing.assert_allclose(density.sum(axis=1), 1.0, atol=2e-3)
    drawn = at.sample(40_000, np.random.default_rng(0))
    for power in (1, 2):
        moment = np.einsum("nk,nkd->nd", density, np.repeat(grid, 3, axis=0) ** power)
        error = 5 * (drawn**power).std(axis=1) / 200
        assert (np.abs((drawn**power).mean(axis=1) - moment) < error + 2e-3).all()
    # The gradient agrees with central differences of float32 densities.
    step = 1e-2
    there = drawn[:, :50]
    for d in range(2):
        shift = step * np.eye(2)[d]
        slope = (at.logpdf(there + shift) - at.logpdf(there - shift)) / (2 * step)
        np.testing.assert_allclose(at.grad(there)[..., d], slope, atol=0.05, rtol=0.05)


def test_learned_proposals_take_tensors_and_are_reproducible():
    x, z = sines(600, 0)
    short = Training(steps=50, batch_size=64, seed=4)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one = bounds.learn_proposal(x, z, training=short)
    two = bounds.learn_proposal(torch.tensor(x), torch.tensor(z), training=short)
    assert torch.equal(torch.get_rng_state(), state)
    latents = z[:, None]
    by_array = one.logpdf(latents, x[:, None])
    by_tensor = two.logpdf(torch.tensor(latents), torch.tensor(x[:, None]))
    assert by_array.dtype == np.float64
    assert by_tensor.dtype == torch.float64
    np.testing.assert_array_equal(by_array, by_tensor.numpy())
    drawn = two.at(torch.tensor(x)).sample(3, torch.Generator().manual_seed(0))
    assert drawn.shape == (600, 3, 2)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"n_components": 0}, ValueError, "n_components must be an integer >= 1"),
        ({"n_couplings": -1}, ValueError, "n_couplings must be an integer >= 0"),
        ({"hidden": 64}, TypeError, "hidden must be a sequence"),
        ({"hidden": ()}, ValueError, "hidden must have at least one width"),
        ({"test_size": 1.0}, ValueError, "test_size must be in"),
        ({"training": {"steps": 3}}, TypeError, "training must be a fastmi.nn.Training"),
        ({"training": Training(batch_size=1000)}, ValueError, "batch_size must be at most"),
    ],
)
def test_bad_options_of_learned_proposals(options, error, message):
    with pytest.raises(error, match=message):
        bounds.learn_proposal(*sines(100, 0), **options)


def test_bad_latents_of_learned_proposals():
    x, z = sines(100, 0)
    with pytest.raises(TypeError, match="z must be continuous"):
        bounds.learn_proposal(x, np.ones(100, dtype=np.int64))
    with pytest.raises(ValueError, match="n_couplings needs latents with dz >= 2"):
        bounds.learn_proposal(x, z[:, 0], n_couplings=1)


def test_numpy_users_need_no_torch(tmp_path):
    program = """
import sys
sys.modules["torch"] = None
import numpy as np
from fastmi import bounds
z = np.random.default_rng(0).standard_normal((50, 1))
model = bounds.Model(
    log_lik=lambda x, z: -0.5 * ((x - z) ** 2)[..., 0],
    log_prior=lambda z: -0.5 * (z**2)[..., 0],
    sample_prior=lambda m, rng: rng.standard_normal((m, 1)),
)
bounds.sandwich(model, z, z)
bounds.ais(model, z, z, n_steps=2, kernel=bounds.RandomWalk())
try:
    bounds.learn_proposal(z, z)
except ImportError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,  # the source tree would hide the installed package
    )
    assert "learn_proposal needs torch: pip install 'fastmi[torch]'" in done.stdout


def test_learned_proposals_take_every_kind_of_array():
    x, z = sines(300, 0)
    short = Training(steps=20, batch_size=64, seed=0)
    q = bounds.learn_proposal(x, z, training=short)
    plain = bounds.sandwich(SINES, x, z, proposal=q, n_importance=4, seed=0)
    frozen = x.copy()
    frozen.flags.writeable = False
    for other in (x[::-1][::-1], frozen, x.astype(">f8"), x.astype(np.longdouble)):
        again = bounds.learn_proposal(other, z, training=short)
        for proposal in (q, again):
            found = bounds.sandwich(SINES, other, z, proposal=proposal, n_importance=4, seed=0)
            assert float(found.lower) == pytest.approx(float(plain.lower), abs=1e-6)


def test_data_that_a_learned_proposal_cannot_take():
    x, z = sines(300, 0)
    q = bounds.learn_proposal(x, z, training=Training(steps=5, batch_size=64, seed=0))
    with pytest.raises(ValueError, match=r"x must have 1 numbers per row.*got 2"):
        bounds.sandwich(SINES, np.hstack([x, x]), z, proposal=q)
    for name, data in (("x", (x * 1e300, z)), ("z", (x, z * 1e300))):
        with pytest.raises(ValueError, match=f"{name} must fit float32"):
            bounds.learn_proposal(*data)


def test_few_pairs_make_small_batches():
    q = bounds.learn_proposal(*sines(40, 0))
    assert len(q.history.steps) > 0
    with pytest.raises(ValueError, match="n must leave 2 pairs for training; got n=2"):
        bounds.learn_proposal(*sines(2, 0))


def test_a_proposal_of_wrong_shape_is_named(pairs):
    x, z = pairs
    for shape in ((1,), (1, 2), (len(x), 2, 2)):
        wrong = D.Normal(torch.zeros(shape), 1.0)
        q = bounds.Proposal.from_distribution(lambda _, wrong=wrong: wrong)
        with pytest.raises(ValueError, match=r"conditional\(x\) must have .* with n=4000; got"):
            bounds.sandwich(gaussian_model(), x, z, proposal=q)
