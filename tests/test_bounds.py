"""Bounds by importance samples, against definitions, closed forms of a Gaussian, golden values."""

import math
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from channels import SCALAR, WIDE, model_of, proposal_of
from fastmi import bounds
from fastmi.bounds._logsumexp import RunningLogMeanExp
from reference import bounds as reference

# Golden values of the scalar model (a = 1, noise 0.25) from 2e5 pairs, as printed: proposal q, K,
# lower and upper bound on I, lower and upper bound on L. None: the bound does not exist.
GOLDEN = [
    ("prior", 0, "0", None, None, "4.00"),
    ("prior", 1, ".329", "4.00", "0.00", "3.67"),
    ("prior", 2, ".463", "2.13", "1.89", "3.55"),
    ("prior", 8, ".674", "1.046", "2.96", "3.33"),
    ("prior", 32, ".762", ".854", "3.15", "3.24"),
    ("wide", 0, ".487", None, None, "3.51"),
    ("wide", 1, ".658", "1.62", "2.38", "3.34"),
    ("wide", 8, ".776", ".841", "3.16", "3.23"),
    ("exact", 1, ".805", ".805", "3.195", "3.195"),
    ("exact", 8, ".805", ".805", "3.195", "3.195"),
]
PROPOSALS = {
    "prior": None,
    "wide": proposal_of(SCALAR, 4.0),
    "exact": proposal_of(SCALAR),
}
N = 50_000


@pytest.fixture(scope="module")
def pairs():
    return SCALAR.pairs(N, 0)


def assert_golden(estimate, printed):
    """Allow 4 standard errors, with those of the golden value, and its rounding in print."""
    digits = len(printed.partition(".")[2])
    rounding = 0.5 * 10.0**-digits if digits else 0.0
    band = 4 * estimate.stderr * math.sqrt(1 + estimate.n / 2e5)
    assert abs(estimate - float(printed)) <= band + rounding + 1e-12


@pytest.mark.parametrize("q, k, lower, upper, lautum_lower, lautum_upper", GOLDEN)
def test_golden_values(pairs, q, k, lower, upper, lautum_lower, lautum_upper):
    model = model_of(SCALAR)
    options = {"proposal": PROPOSALS[q], "n_importance": k, "seed": 1}
    assert_golden(bounds.multisample_lower(model, *pairs, **options), lower)
    assert_golden(bounds.lautum_upper(model, *pairs, **options), lautum_upper)
    if upper is not None:
        assert_golden(bounds.multisample_upper(model, *pairs, **options), upper)
        assert_golden(bounds.lautum_lower(model, *pairs, **options), lautum_lower)


def test_closed_form_of_several_dimensions():
    x, z = WIDE.pairs(20_000, 3)
    model, posterior = model_of(WIDE), proposal_of(WIDE)
    for k in (1, 5):
        both = bounds.sandwich(model, x, z, proposal=posterior, n_importance=k)
        exact = WIDE.log_lik(x, z) - WIDE.log_evidence(x)
        np.testing.assert_allclose(both.lower.local, exact, atol=1e-10)
        np.testing.assert_allclose(both.upper.local, exact, atol=1e-10)
        assert abs(both.lower - WIDE.mi) < 4 * both.lower.stderr
        assert both.warnings == ()
    lautum = bounds.lautum_sandwich(model, x, z, proposal=posterior, n_importance=2)
    assert abs(lautum.lower - WIDE.lautum) < 4 * lautum.lower.stderr
    np.testing.assert_allclose(lautum.lower.local, lautum.upper.local, atol=1e-10)
    assert " <= L <= " in repr(lautum)
    inflated = bounds.barber_agakov(model, x, z, proposal=proposal_of(WIDE, 2.0))
    gap = 0.5 * (math.log(2.0) - 1 + 0.5) * WIDE.dz
    assert abs(inflated - (WIDE.mi - gap)) < 4 * inflated.stderr


class Recorded:
    """A proposal that records its draws."""

    def __init__(self, inflation):
        sample, self.logpdf, _ = SCALAR.posterior(inflation)
        self.drawn = []

        def keep(x, count, rng):
            self.drawn.append(sample(x, count, rng))
            return self.drawn[-1]

        self.proposal = bounds.Proposal(sample=keep, logpdf=self.logpdf)


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_matches_the_definition(chunk):
    x, z = SCALAR.pairs(50, 4)
    model = model_of(SCALAR)
    recorded = Recorded(2.0)
    both = bounds.sandwich(
        model, x, z, proposal=recorded.proposal, n_importance=7, chunk=chunk, seed=0
    )
    drawn = np.concatenate(recorded.drawn, axis=1)
    assert [part.shape[1] for part in recorded.drawn] == {1: [1] * 7, 3: [3, 3, 1]}.get(chunk, [7])

    def weights(latents):
        wide = x[:, None]
        joint = SCALAR.log_lik(wide, latents) + SCALAR.log_prior(latents)
        return joint - recorded.logpdf(latents, wide)

    own = SCALAR.log_lik(x, z)
    lower, upper = reference.multisample(own, weights(z[:, None])[:, 0], weights(drawn))
    np.testing.assert_allclose(both.lower.local, lower, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(both.upper.local, upper, rtol=1e-12, atol=1e-12)
    assert both.lower.stderr == pytest.approx(lower.std(ddof=1) / math.sqrt(50))
    assert float(both.upper) == pytest.approx(upper.mean())
    assert both.gap_stderr == pytest.approx((upper - lower).std(ddof=1) / math.sqrt(50))


def test_monotone_in_the_number_of_importance_samples():
    """This holds in expectation, hence the 4 standard errors of the paired differences."""
    x, z = SCALAR.pairs(20_000, 5)
    for q in ("prior", "wide"):
        found = [
            bounds.sandwich(model_of(SCALAR), x, z, proposal=PROPOSALS[q], n_importance=k, seed=k)
            for k in (1, 2, 4, 16, 64)
        ]
        for fewer, more in pairwise(found):
            for side, sign in (("lower", 1), ("upper", -1)):
                step = sign * (getattr(more, side).local - getattr(fewer, side).local)
                assert step.mean() > -4 * step.std() / math.sqrt(len(step))
        assert found[-1].gap < 0.06
        for both in found:
            assert both.lower - 4 * both.lower.stderr < SCALAR.mi
            assert both.upper + 4 * both.upper.stderr > SCALAR.mi
            low, high = both.interval(0.9999)
            assert low < SCALAR.mi < high
            if q == "prior":
                assert both.lower.local.max() <= math.log(both.n_importance + 1) + 1e-12


def test_no_samples_is_barber_agakov(pairs):
    model, q = model_of(SCALAR), PROPOSALS["wide"]
    ba = bounds.barber_agakov(model, *pairs, proposal=q)
    none = bounds.multisample_lower(model, *pairs, proposal=q, n_importance=0)
    np.testing.assert_allclose(none.local, ba.local, atol=1e-12)
    entropy = 0.5 * math.log(2 * math.pi * math.e)
    known = bounds.barber_agakov(bounds.Model(), *pairs, proposal=q, entropy_z=entropy)
    assert abs(known - ba) < 4 * ba.stderr
    # Without -log p(z), which varies from pair to pair, the scatter is smaller here.
    assert known.stderr < ba.stderr


def test_unnormalised_models(pairs):
    """A function of x added to log rho changes nothing; rho need not be the model."""
    model = model_of(SCALAR)

    def log_joint(x, z):
        return SCALAR.log_lik(x, z) + SCALAR.log_prior(z)

    def shifted(x, z):
        return log_joint(x, z) + 3.0 + np.sin(5 * x[..., 0])

    def wrong(x, z):
        return -((x - 0.7 * z) ** 2).sum(axis=-1) - 0.5 * (z**2).sum(axis=-1)

    for q in (None, PROPOSALS["wide"]):
        options = {"proposal": q, "n_importance": 4, "seed": 0}
        plain = bounds.multisample_lower(model, *pairs, **options)
        own = bounds.multisample_lower(model, *pairs, log_rho=log_joint, **options)
        moved = bounds.multisample_lower(model, *pairs, log_rho=shifted, **options)
        np.testing.assert_allclose(own.local, plain.local, atol=1e-12)
        np.testing.assert_allclose(moved.local, plain.local, atol=1e-12)
        bad = bounds.multisample_lower(model, *pairs, log_rho=wrong, **options)
        assert bad < plain
        assert bad < SCALAR.mi


def test_a_proposal_that_misses_the_latent_still_bounds_from_above(pairs):
    """A uniform q on [-1, 1] has no density at z_0 outside, so that there is no lower bound."""
    x, z = pairs
    uniform = bounds.Proposal(
        sample=lambda x, k, rng: rng.uniform(-1, 1, size=(len(x), k, 1)),
        logpdf=lambda z, _: np.where(np.abs(z[..., 0]) <= 1, -math.log(2.0), -math.inf),
    )
    options = {"proposal": uniform, "n_importance": 64, "seed": 0}
    with np.errstate(divide="ignore"):
        upper = bounds.multisample_upper(model_of(SCALAR), x, z, **options)
        with pytest.raises(ValueError, match="must have density at latents that generated"):
            bounds.sandwich(model_of(SCALAR), x, z, **options)
    assert upper > SCALAR.mi


def test_contrastive_is_the_multisample_bound_of_the_prior(pairs):
    model = model_of(SCALAR)
    scored = bounds.contrastive(
        *pairs,
        critic=SCALAR.log_lik,
        sample_prior=model.sample_prior,
        n_importance=8,
        seed=2,
    )
    lower = bounds.multisample_lower(model, *pairs, n_importance=8, seed=2)
    np.testing.assert_allclose(scored.local, lower.local, atol=1e-12)
    assert scored.method == "contrastive(8)"


def test_jeffreys_is_the_sum_of_both(pairs):
    model = model_of(SCALAR)
    for prior in (model.sample_prior, None):
        both = bounds.jeffreys(
            bounds.Model(log_lik=SCALAR.log_lik, sample_prior=prior), *pairs, seed=0
        )
        assert abs(both - 4.0) < 4 * both.stderr


def test_lautum_with_a_density_of_x_or_a_wrong_prior(pairs):
    model = model_of(SCALAR)
    exact = bounds.lautum_lower(model, *pairs, log_q=SCALAR.log_evidence, seed=0)
    assert abs(exact - SCALAR.lautum) < 4 * exact.stderr
    # A q(x) with twice the variance lowers the bound by KL(p(x) || q(x)).
    wide = bounds.lautum_lower(
        model, *pairs, log_q=lambda x: reference.gaussian_logpdf(x, 0.0, 2.5), seed=0
    )
    loss = 0.5 * (math.log(2.0) - 0.5)
    assert exact - wide == pytest.approx(loss, abs=4 * 0.5 / math.sqrt(2 * N))
    options = {"proposal": PROPOSALS["exact"], "n_importance": 16, "seed": 0}
    true = bounds.lautum_lower(model, *pairs, **options)
    crude = bounds.lautum_lower(
        model, *pairs, log_r=lambda z: reference.gaussian_logpdf(z, 0.5, 1.0), **options
    )
    assert crude < true


def channel(error):
    """A binary symmetric channel with a fair input and integer latents."""

    def log_lik(x, z):
        return np.log(np.where(x == z, 1 - error, error))[..., 0]

    return bounds.Model(
        log_lik=log_lik,
        log_prior=lambda z: np.full(z.shape[:2], math.log(0.5)),
        sample_prior=lambda m, rng: rng.integers(0, 2, size=m),
    )


def test_discrete_latents():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, size=20_000)
    x = np.where(rng.random(len(z)) < 0.1, 1 - z, z)
    truth = math.log(2) + 0.1 * math.log(0.1) + 0.9 * math.log(0.9)
    both = bounds.sandwich(channel(0.1), x, z, n_importance=200, seed=0)
    assert both.gap < 0.01
    assert both.lower - 4 * both.lower.stderr < truth < both.upper + 4 * both.upper.stderr
    uniform = bounds.Proposal(
        sample=lambda x, k, rng: rng.integers(0, 2, size=(len(x), k, 1)),
        logpdf=lambda z, _: np.full(z.shape[:2], math.log(0.5)),
    )
    other = bounds.sandwich(channel(0.1), x, z, proposal=uniform, n_importance=200, seed=1)
    assert abs(other.midpoint - truth) < 4 * other.upper.stderr


def test_zero_weights_are_counted():
    """As x = z exactly, half of the weights are zero, and all K of an x with probability 2^-K."""
    z = np.tile([0, 1], 500)
    with np.errstate(divide="ignore"):
        both = bounds.sandwich(channel(0.0), z, z, n_importance=3, seed=0)
    lost = np.isinf(both.upper.local).sum()
    assert 0 < lost < 250
    assert both.upper == math.inf
    assert math.isnan(both.upper.stderr)
    assert both.interval()[1] == math.inf
    assert math.isfinite(both.lower)
    assert both.lower <= math.log(2) + 4 * both.lower.stderr
    assert abs(both.zero_weights - 1500) < 4 * math.sqrt(3000) / 2
    assert f"{both.zero_weights} of 3000 importance weights are zero" in both.warnings[0]
    assert f"infinite for {lost} of 1000 pairs" in both.warnings[1]
    with np.errstate(divide="ignore"):
        cross = bounds.jeffreys(channel(0.0), z, z, seed=0)
    assert cross == math.inf
    assert "no likelihood under an independent latent" in cross.warnings[0]


def test_running_mean_of_extreme_weights(rng):
    weights = rng.normal(scale=400.0, size=(40, 30))
    weights[0] = -math.inf
    weights[1, :29] = -math.inf
    weights[2, :10] = -math.inf
    mean = RunningLogMeanExp(weights)
    for part in np.split(weights, [1, 2, 9, 20], axis=1):
        mean.add(part)
    np.testing.assert_allclose(mean.value(), reference.log_mean_exp(weights), rtol=1e-13)
    own = np.full(40, -1000.0)
    own[3] = 2000.0
    together = reference.log_mean_exp(np.column_stack([weights, own]))
    np.testing.assert_allclose(mean.value(own), together, rtol=1e-13)
    assert mean.zeros == 30 + 29 + 10
    assert mean.count == 30


def test_memory_does_not_grow_with_importance_samples():
    x, z = SCALAR.pairs(64, 0)
    model = model_of(SCALAR)
    peaks = []
    for k in (2_000, 200_000):
        tracemalloc.start()
        bounds.sandwich(model, x, z, n_importance=k, seed=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


def test_seed_chunk_and_input_are_respected(pairs):
    x, z = (block[:200] for block in pairs)
    before = x.copy(), z.copy()
    model = model_of(SCALAR)
    one = bounds.sandwich(model, x, z, seed=5)
    two = bounds.sandwich(model, x, z, seed=5)
    np.testing.assert_array_equal(one.upper.local, two.upper.local)
    assert bounds.sandwich(model, x, z, seed=6).upper != one.upper
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(z, before[1])
    # Lists, 1-D arrays, float32 and strides hold the same numbers.
    same = bounds.sandwich(model, x[:, 0].tolist(), np.repeat(z, 2, axis=0)[::2], seed=5)
    np.testing.assert_array_equal(same.lower.local, one.lower.local)
    single = bounds.sandwich(model, x.astype(np.float32), z.astype(np.float32), seed=5)
    assert float(single.upper) == pytest.approx(float(one.upper), rel=1e-5)


def test_a_seed_shared_with_the_data_is_harmless():
    """Otherwise the latents drawn with the seed of the data would be those that generated it."""
    z = np.random.default_rng(0).standard_normal((20_000, 1))
    x = z + 0.5 * np.random.default_rng(1).standard_normal(z.shape)
    both = bounds.jeffreys(model_of(SCALAR), x, z, seed=0)
    assert abs(both - 4.0) < 4 * both.stderr


def test_result_reads_well(pairs):
    x, z = (block[:500] for block in pairs)
    calls = []
    both = bounds.sandwich(
        model_of(SCALAR),
        x,
        z,
        n_importance=16,
        chunk=4,
        seed=0,
        progress=lambda: calls.append(1),
    )
    assert len(calls) == 4
    assert repr(both).startswith("Sandwich(0.")
    assert "<= I <=" in repr(both)
    assert "n_importance=16, n=500" in repr(both)
    assert both.lower.method == "multisample_lower(16)"
    assert both.lower.dims == (1, 1)
    assert both.gap == both.upper - both.lower
    assert both.midpoint == pytest.approx((both.lower + both.upper) / 2)
    assert both.to_dict()["upper"]["value"] == float(both.upper)
    with pytest.raises(ValueError, match="confidence must be in"):
        both.interval(1.0)


def test_tune_says_why_it_stopped():
    x, z = SCALAR.pairs(2000, 0)
    model = model_of(SCALAR)
    done = bounds.tune(model, x, z, tolerance=0.1, first=4, seed=0)
    assert done.stopped == "tolerance"
    assert done.sandwich.gap <= 0.1 < done.history[-2].gap + done.history[-2].gap_stderr
    assert [s.n_importance for s in done.history] == [4, 16, 64]
    few = bounds.tune(model, x, z, tolerance=1e-6, first=4, limit=10, factor=2, seed=0)
    assert few.stopped == "limit"
    assert [s.n_importance for s in few.history] == [4, 8, 10]
    brief = bounds.tune(model, x, z, tolerance=1e-9, seconds=1e-9, seed=0)
    assert brief.stopped == "seconds"
    assert len(brief.history) == 1
    annealed = bounds.tune(
        model, x[:200], z[:200], method="ais", tolerance=0.3, first=4, seed=0, n_importance=2
    )
    assert annealed.stopped == "tolerance"
    assert annealed.sandwich.n_steps > 4
    assert "stopped='tolerance'" in repr(annealed)
    with pytest.raises(TypeError, match="n_importance is what tune"):
        bounds.tune(model, x, z, n_importance=3)
    with pytest.raises(ValueError, match="method must be one of 'sandwich', 'ais'"):
        bounds.tune(model, x, z, method="lautum")


def test_feasible_limit_is_offered_here():
    """The limit is log(2 k n^2) with delta = 1.01 / k = 0.025."""
    assert bounds.feasible_limit(1000) == pytest.approx(math.log(2 * 41 * 1000**2), abs=0.03)
