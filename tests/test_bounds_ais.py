"""Annealed bounds: a table of a Gaussian, invariance of the kernels, both directions."""

import math

import numpy as np
import pytest

from channels import SCALAR, WIDE, model_of, proposal_of
from fastmi import bounds
from fastmi.bounds.kernels import tuned
from reference import bounds as reference

# T, lower and upper bound of the scalar model (a = 1, noise 0.25), annealed from the prior with
# exact kernels and the linear schedule.
TABLE = [(1, "0", "4.01"), (2, ".22", "2.23"), (5, ".49", "1.29"), (20, ".71", ".909")]
TABLE += [(100, ".784", ".823")]


def exact_kernel(truth):
    """Kernel that draws from p(z) p(x|z)^beta, independently of the current z."""

    def move(z, target, rng):
        sample, _, _ = truth.posterior(beta=target.beta)
        return sample(target.x[:, None], z.shape[1], rng)

    return move


def annealed(n_steps, n=20_000, seed=0, kernel=None, truth=SCALAR, **options):
    return bounds.ais(
        model_of(truth),
        *truth.pairs(n, seed),
        n_steps=n_steps,
        kernel=exact_kernel(truth) if kernel is None else kernel,
        seed=seed,
        **options,
    )


def reverse_alone(both):
    """Terms of the lower bound by the reverse chain alone, from the bounds with 1 + 1 chains."""
    # exp(-lower) = (exp(-reverse) + exp(-upper)) / 2.
    return -np.log(2 * np.exp(-both.lower.local) - np.exp(-both.upper.local))


@pytest.mark.parametrize("n_steps, lower, upper", TABLE)
def test_table(n_steps, lower, upper):
    """The table's lower bound uses the reverse chain alone; ours averages it with a forward one."""
    both = annealed(n_steps)
    band = 4 * both.upper.stderr * math.sqrt(1.1)
    assert abs(both.upper - float(upper)) < band + 0.005
    if n_steps > 1:
        alone = reverse_alone(both)
        band = 4 * alone.std() / math.sqrt(len(alone)) * math.sqrt(1.1)
        assert abs(alone.mean() - float(lower)) < band + 0.005
        assert float(lower) - band - 0.005 < both.lower
        assert both.acceptance == 1.0
    assert both.lower - 4 * both.lower.stderr < SCALAR.mi < both.upper + 4 * both.upper.stderr
    assert both.n_steps == n_steps


def test_one_step_is_the_sandwich():
    x, z = WIDE.pairs(300, 0)
    options = {"proposal": proposal_of(WIDE, 3.0), "n_importance": 5, "seed": 9, "chunk": 2}
    one = bounds.ais(model_of(WIDE), x, z, n_steps=1, **options)
    same = bounds.sandwich(model_of(WIDE), x, z, **options)
    np.testing.assert_allclose(one.lower.local, same.lower.local, atol=1e-12)
    np.testing.assert_allclose(one.upper.local, same.upper.local, atol=1e-12)
    assert one.acceptance is None


def test_matches_the_definition():
    """Compare chain by chain, with a kernel that is not random."""
    x, z = SCALAR.pairs(40, 1)
    wide = x[:, None]
    drawn = []

    def sample(m, rng):
        drawn.append(rng.standard_normal((m, 1)))
        return drawn[-1]

    def shrink(latents, beta):
        return latents * (1 - 0.3 * beta) + 0.01

    model = bounds.Model(log_lik=SCALAR.log_lik, log_prior=SCALAR.log_prior, sample_prior=sample)
    betas = [0.0, 0.1, 0.5, 0.8, 1.0]
    both = bounds.ais(
        model,
        x,
        z,
        n_steps=4,
        n_importance=3,
        schedule=betas,
        kernel=lambda latents, target, _: shrink(latents, target.beta),
    )

    def ratio(latents):
        return SCALAR.log_lik(wide, latents)

    start = np.concatenate([part.reshape(40, -1, 1) for part in drawn], axis=1)
    forward = reference.annealed(ratio, shrink, start, betas)
    reverse = reference.annealed(ratio, shrink, z[:, None], betas[::-1])
    own = SCALAR.log_lik(x, z)
    lower, upper = reference.multisample(own, reverse[:, 0], forward)
    np.testing.assert_allclose(both.lower.local, lower, atol=1e-12)
    np.testing.assert_allclose(both.upper.local, upper, atol=1e-12)


KERNELS = [
    bounds.HMC(),
    bounds.HMC(n_leapfrog=1, step_size=0.4),
    bounds.RandomWalk(),
    bounds.RandomWalk(step_size=0.5, n_moves=2),
]


class Tempered:
    """The target at one temperature of WIDE, in closed form."""

    def __init__(self, x, beta):
        self.x, self.step, self.beta = x, 1, beta
        _, self._logpdf, self._grad = WIDE.posterior(beta=beta)

    def log_density(self, z):
        return self._logpdf(z, self.x[:, None])

    def value_and_grad(self, z):
        return self.log_density(z), self._grad(z, self.x[:, None])


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_kernels_leave_their_target_invariant(kernel):
    """Mean and covariance are kept from an exact start, and reached from a wrong one."""
    chains = 40_000
    x = WIDE.pairs(2, 0)[0][:1]
    target = Tempered(x, 0.6)
    sample, _, _ = WIDE.posterior(beta=0.6)
    rng = np.random.default_rng(0)
    z = sample(x[:, None], chains, rng)
    if kernel.step_size is None:
        kernel = tuned(kernel, z[:, :500], [target], rng)
    exact = z[0]
    wrong = rng.normal(2.0, 0.1, size=z.shape)
    for _ in range(4):
        z = kernel(z, target, rng)
    for _ in range(60):
        wrong = kernel(wrong[:, :4000], target, rng)
    truth = np.cov(exact.T)
    for found in (z[0], wrong[0]):
        se = 4 * math.sqrt(1 / len(found) + 1 / chains)
        assert np.abs(found.mean(axis=0) - exact.mean(axis=0)).max() < se * math.sqrt(truth.max())
        assert np.abs(np.cov(found.T) - truth).max() < 1.5 * se * truth.max()
    assert not np.array_equal(z[0], exact)


def test_kernels_are_reversible():
    """Detailed balance makes E f(z) g(z') symmetric in f and g, for z from the target."""
    x = WIDE.pairs(2, 0)[0][:1]
    target = Tempered(x, 0.6)
    rng = np.random.default_rng(1)
    z = WIDE.posterior(beta=0.6)[0](x[:, None], 100_000, rng)
    for kernel in (bounds.HMC(step_size=0.7), bounds.RandomWalk(step_size=0.6)):
        moved = kernel(z, target, rng)
        skew = z[0, :, 0] * moved[0, :, 1] ** 2 - moved[0, :, 0] * z[0, :, 1] ** 2
        assert abs(skew.mean()) < 4 * skew.std() / math.sqrt(len(skew))


@pytest.mark.parametrize("kernel", [bounds.HMC(), bounds.RandomWalk()], ids=str)
@pytest.mark.parametrize("inflation", [None, 3.0])
def test_kernels_tighten_the_bounds(kernel, inflation):
    x, z = WIDE.pairs(1000, 2)
    q = None if inflation is None else proposal_of(WIDE, inflation)
    rough, fine = (
        bounds.ais(model_of(WIDE), x, z, proposal=q, n_steps=t, kernel=kernel, seed=0)
        for t in (1, 30)
    )
    assert fine.gap < 0.4 * rough.gap
    assert 0.4 < fine.acceptance < 1.0
    for both in (rough, fine):
        assert both.lower - 4 * both.lower.stderr < WIDE.mi < both.upper + 4 * both.upper.stderr


def test_more_chains_tighten_the_bounds():
    one, many = (annealed(5, n=4000, n_importance=k) for k in (1, 16))
    assert many.lower > one.lower
    assert many.upper < one.upper
    assert many.gap > 0


def test_schedules():
    linear = annealed(10, n=4000)
    given = annealed(10, n=4000, schedule=np.linspace(0, 1, 11))
    np.testing.assert_allclose(given.upper.local, linear.upper.local, atol=1e-9)
    square = annealed(10, n=4000, schedule="quadratic")
    given = annealed(10, n=4000, schedule=np.linspace(0, 1, 11) ** 2)
    np.testing.assert_allclose(given.upper.local, square.upper.local, atol=1e-9)
    sigmoid = annealed(10, n=4000, schedule="sigmoid")
    assert sigmoid.gap != linear.gap
    for both in (square, sigmoid):
        assert both.gap < linear.gap
        assert both.lower < SCALAR.mi + 4 * both.lower.stderr


def test_points_without_density_are_rejected():
    """With a prior on the half line, moves across zero are rejected, where the density is NaN."""

    def log_prior(z):
        with np.errstate(invalid="ignore"):
            return (np.log(z) - z - np.log(z)).sum(axis=-1)  # NaN for z < 0

    model = bounds.Model(
        log_lik=SCALAR.log_lik,
        log_prior=log_prior,
        sample_prior=lambda m, rng: rng.standard_exponential((m, 1)),
        grad_log_joint=lambda x, z: -1.0 + (x - z) / 0.25,
        grad_log_prior=lambda z: -np.ones_like(z),
    )
    rng = np.random.default_rng(0)
    z = rng.standard_exponential((2000, 1))
    x = z + 0.5 * rng.standard_normal(z.shape)
    truth = bounds.sandwich(model, x, z, n_importance=2000, seed=0)
    rough = bounds.sandwich(model, x, z, n_importance=1, seed=0)
    for kernel in (bounds.HMC(), bounds.RandomWalk()):
        both = bounds.ais(model, x, z, n_steps=30, kernel=kernel, seed=0)
        assert both.gap < 0.5 * rough.gap
        assert both.lower - 4 * both.lower.stderr < truth.midpoint
        assert both.upper + 4 * both.upper.stderr > truth.midpoint


def test_kernels_that_hardly_move_are_noticed():
    both = annealed(5, n=200, kernel=bounds.RandomWalk(step_size=1e6, n_moves=1))
    assert "of the moves changed a latent" in both.warnings[0]
    assert both.lower - 4 * both.lower.stderr < SCALAR.mi < both.upper + 4 * both.upper.stderr


BAD = [
    (TypeError, "kernel must be callable", {"kernel": "hmc"}),
    (ValueError, "n_steps must be an integer >= 1; got n_steps=0", {"n_steps": 0}),
    (ValueError, "schedule must be 'linear', 'quadratic', 'sigmoid'", {"schedule": "cubic"}),
    (TypeError, "schedule must be a name or numbers", {"schedule": object()}),
    (ValueError, "must rise strictly from 0 to 1", {"schedule": [0.0, 0.6, 0.5, 1.0]}),
    (ValueError, "must rise strictly from 0 to 1", {"schedule": [0.0, 0.5, 1.0]}),
    (
        ValueError,
        "step_size must be one number or n_steps - 1",
        {"kernel": bounds.HMC(step_size=(0.1, 0.2, 0.3))},
    ),
    (ValueError, "kernel must return latents of shape", {"kernel": lambda z, *_: z[:1]}),
]


@pytest.mark.parametrize("error, message, options", BAD)
def test_bad_options(error, message, options):
    with pytest.raises(error, match=message):
        bounds.ais(model_of(SCALAR), *SCALAR.pairs(20, 0), **{"n_steps": 3, **options})


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: bounds.HMC(n_leapfrog=0), ValueError),
        (lambda: bounds.HMC(step_size=-1.0), ValueError),
        (lambda: bounds.HMC(step_size="a"), TypeError),
        (lambda: bounds.HMC(target_acceptance=1.0), ValueError),
        (lambda: bounds.RandomWalk(n_moves=1.5), TypeError),
        (lambda: bounds.RandomWalk(step_size=[0.1, 0.0]), ValueError),
    ],
)
def test_bad_kernels(make, error):
    with pytest.raises(error, match="must be"):
        make()


def test_missing_gradients_are_named():
    x, z = SCALAR.pairs(20, 0)
    bare = bounds.Model(
        log_lik=SCALAR.log_lik,
        log_prior=SCALAR.log_prior,
        sample_prior=lambda m, rng: rng.standard_normal((m, 1)),
    )
    with pytest.raises(ValueError, match=r"HMC with NumPy data needs grad_log_joint.*RandomWalk"):
        bounds.ais(bare, x, z, n_steps=3)
    sample, logpdf, _ = SCALAR.posterior()
    blind = bounds.Proposal(sample=sample, logpdf=logpdf)
    with pytest.raises(ValueError, match=r"needs proposal.grad_logpdf"):
        bounds.ais(model_of(SCALAR), x, z, proposal=blind, n_steps=3)
    with pytest.raises(TypeError, match="HMC moves continuous latents; got z with dtype int64"):
        bounds.ais(bare, x, np.ones(20, dtype=np.int64), n_steps=3)
