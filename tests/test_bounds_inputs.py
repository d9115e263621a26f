"""Errors of the bounds for callables and data that they cannot use; their help."""

import inspect
import math
import re

import numpy as np
import pytest

from channels import SCALAR, model_of, proposal_of
from fastmi import bounds

FUNCTIONS = [f for f in vars(bounds).values() if inspect.isfunction(f) and "bounds" in f.__module__]

PAIRS = SCALAR.pairs(30, 0)
WIDER = proposal_of(SCALAR, 2.0)


def changed(**fields):
    """The scalar model with some of its callables replaced."""
    good = model_of(SCALAR)
    names = ("log_lik", "log_prior", "sample_prior", "grad_log_joint", "grad_log_prior")
    return bounds.Model(**{**{name: getattr(good, name) for name in names}, **fields})


def spoiled(value):
    """A log_lik with one value of the second latent replaced."""

    def log_lik(x, z):
        values = SCALAR.log_lik(x, z)
        if values.shape[1] > 1:
            values[3, 1] = value
        return values

    return log_lik


CALLABLES = [
    ("log_lik", lambda _, z: z, r"log_lik must return shape \(30, 1\); got \(30, 1, 1\)"),
    ("log_lik", lambda *_: 0.0, "log_lik must return an array of the kind it was given"),
    ("log_lik", lambda x, z: SCALAR.log_lik(x, z) + 0j, "log_lik must return real numbers"),
    ("log_lik", lambda x, z: SCALAR.log_lik(x, z) - math.inf, "finite at latents that generated"),
    ("log_lik", spoiled(math.nan), "log_lik must be below .inf and not NaN; got NaN at samples"),
    ("log_lik", spoiled(math.inf), r"got \+inf at samples of proposal.sample \(1 such value among"),
    ("log_prior", lambda z: z[:, 0], r"log_prior must return shape \(30, 8\); got \(30, 1\)"),
    ("log_prior", lambda z: SCALAR.log_prior(z) * math.nan, "log_prior .* got NaN"),
]


@pytest.mark.parametrize("name, function, message", CALLABLES)
def test_a_bad_callable_is_named(name, function, message):
    with pytest.raises((TypeError, ValueError), match=message):
        bounds.sandwich(changed(**{name: function}), *PAIRS, proposal=WIDER, n_importance=8)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"sample": lambda x, k, _: np.zeros((len(x), k))}, "got \\(30, 8\\)"),
        ({"sample": lambda *_: [0.0]}, "proposal.sample must give latents of shape"),
        ({"logpdf": lambda z, _: np.zeros(len(z))}, r"proposal.logpdf must return shape \(30, 8\)"),
        ({"logpdf": lambda z, _: np.full(z.shape[:2], math.nan)}, "proposal.logpdf .* got NaN"),
        ({"logpdf": lambda z, _: np.full(z.shape[:2], -math.inf)}, "must have density at samples"),
        ({"logpdf": lambda z, _: np.full(z.shape[:2], math.inf)}, r"proposal.logpdf .* got \+inf"),
    ],
)
def test_a_bad_proposal_is_named(fields, message):
    q = bounds.Proposal(**{"sample": WIDER.sample, "logpdf": WIDER.logpdf, **fields})
    with pytest.raises(ValueError, match=message):
        bounds.sandwich(model_of(SCALAR), *PAIRS, proposal=q, n_importance=8)


def test_a_bad_prior_sampler_is_named():
    for sample in (lambda *_: np.zeros(3), lambda m, _: np.zeros((m, 1, 1))):
        with pytest.raises(ValueError, match=r"sample_prior must return shape \(240, dz\)"):
            bounds.sandwich(changed(sample_prior=sample), *PAIRS, n_importance=8)
    with pytest.raises(ValueError, match=r"sample_prior must give latents of shape \(30, 8, 1\)"):
        bounds.sandwich(changed(sample_prior=lambda m, _: np.zeros((m, 2))), *PAIRS, n_importance=8)


def test_bad_gradients_are_named():
    with pytest.raises(ValueError, match=r"grad_log_joint must return shape \(30, 8, 1\)"):
        bounds.ais(changed(grad_log_joint=lambda _, z: z[..., 0]), *PAIRS, n_steps=3)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: bounds.sandwich(m, *PAIRS), "sandwich needs a model with log_lik"),
        (lambda m: bounds.ais(m, *PAIRS), "ais needs a model with log_lik"),
        (lambda m: bounds.jeffreys(m, *PAIRS), "jeffreys needs a model with log_lik"),
        (
            lambda m: bounds.barber_agakov(m, *PAIRS, proposal=WIDER),
            "barber_agakov without entropy_z needs a model with log_prior",
        ),
        (lambda m: m.sample(5), "sample needs a model with sample_joint"),
    ],
)
def test_missing_callables_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(bounds.Model(sample_prior=lambda m, rng: rng.standard_normal(m)))


def test_missing_prior_is_named():
    bare = bounds.Model(log_lik=SCALAR.log_lik)
    with pytest.raises(ValueError, match=r"sandwich without a proposal needs .* sample_prior"):
        bounds.sandwich(bare, *PAIRS)
    with pytest.raises(ValueError, match="sandwich with a proposal needs a model with log_prior"):
        bounds.sandwich(bare, *PAIRS, proposal=WIDER)


X, Z = PAIRS


@pytest.mark.parametrize(
    "x, z, error, message",
    [
        (X[:-1], Z, ValueError, "x and z must have the same number of samples"),
        (X[:1], Z[:1], ValueError, "x must have at least 2 rows"),
        (X, np.full_like(Z, math.nan), ValueError, "z must be finite"),
        (np.where(X > 1, math.inf, X), Z, ValueError, "x must be finite"),
        (X, Z[:, :, None], ValueError, r"z must have shape \(n,\) or \(n, dz\)"),
        (X, Z[:, :0], ValueError, "z must have at least 2 rows and no empty axis"),
        (X, 1.0, ValueError, "z must have at least 2 rows"),
        (X.astype(str), Z, TypeError, "x must be real numbers"),
        (X + 0j, Z, TypeError, "x must be real numbers"),
        (np.ma.masked_greater(X, 1.0), Z, ValueError, "x must not have masked entries"),
        (X, [[1.0], [2.0, 3.0]], ValueError, "z must be readable as an array"),
    ],
)
def test_bad_pairs(x, z, error, message):
    with pytest.raises(error, match=message):
        bounds.sandwich(model_of(SCALAR), x, z)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"n_importance": 0}, ValueError, "n_importance must be an integer >= 1"),
        ({"n_importance": 2.0}, TypeError, "n_importance must be an integer"),
        ({"chunk": 0}, ValueError, "chunk must be an integer >= 1"),
        ({"seed": -1}, ValueError, "non-negative"),
        ({"progress": 1}, TypeError, "progress must be"),
        ({"proposal": WIDER.sample}, TypeError, "proposal must be a fastmi.bounds.Proposal"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        bounds.sandwich(model_of(SCALAR), *PAIRS, **options)


def test_other_bad_arguments():
    model = model_of(SCALAR)
    with pytest.raises(TypeError, match=r"model must be a fastmi.bounds.Model; got function"):
        bounds.sandwich(SCALAR.log_lik.__func__, *PAIRS)
    with pytest.raises(TypeError, match=r"proposal must be a fastmi.bounds.Proposal"):
        bounds.barber_agakov(model, *PAIRS, proposal=None)
    with pytest.raises(TypeError, match="log_lik must be callable"):
        bounds.Model(log_lik=3)
    with pytest.raises(TypeError, match="logpdf must be callable"):
        bounds.Proposal(sample=WIDER.sample, logpdf=3)
    with pytest.raises(ValueError, match="entropy_z must come with log_rho"):
        bounds.multisample_lower(model, *PAIRS, entropy_z=1.0)
    with pytest.raises(ValueError, match="entropy_z must be in"):
        bounds.barber_agakov(model, *PAIRS, proposal=WIDER, entropy_z=math.nan)
    with pytest.raises(ValueError, match="log_q must come without"):
        bounds.lautum_lower(model, *PAIRS, log_q=SCALAR.log_evidence, proposal=WIDER)
    with pytest.raises(ValueError, match=r"log_q must return shape \(30,\)"):
        bounds.lautum_lower(model, *PAIRS, log_q=lambda x: x)
    with pytest.raises(ValueError, match="sample_joint must return 5 rows; got 4"):
        bounds.Model(sample_joint=lambda *_: (np.ones(4), np.ones(4))).sample(5)
    with pytest.raises(ValueError, match="n must be an integer >= 2"):
        model.sample(1)


def test_samples_of_the_model_are_seeded():
    model = bounds.Model(sample_joint=lambda n, rng: rng.standard_normal((2, n)))
    x, z = model.sample(10, seed=0)
    assert x.shape == z.shape == (10, 1)
    again, _ = model.sample(10, seed=0)
    np.testing.assert_array_equal(x, again)
    assert not np.array_equal(x[:, 0], np.random.default_rng(0).standard_normal((2, 10))[0])


@pytest.mark.parametrize("seed", [-1, "a", 1.5])
def test_a_bad_seed_is_named(seed):
    with pytest.raises((TypeError, ValueError), match="seed must suit numpy"):
        bounds.sandwich(model_of(SCALAR), *PAIRS, seed=seed)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_sampler_of_nan_is_blamed_itself(value):
    def spoil(drawn):
        drawn[3] = value
        return drawn

    def prior(m, rng):
        return spoil(rng.standard_normal((m, 1)))

    def sample(_x, count, rng):
        return spoil(rng.standard_normal((30, count, 1)))

    for bound in (bounds.sandwich, bounds.ais, bounds.lautum_sandwich):
        with pytest.raises(ValueError, match=r"^sample_prior must give finite latents"):
            bound(changed(sample_prior=prior), *PAIRS)
    proposal = bounds.Proposal(sample=sample, logpdf=lambda _x, z: -0.5 * (z**2).sum(-1))
    with pytest.raises(ValueError, match=r"^proposal\.sample must give finite latents"):
        bounds.sandwich(model_of(SCALAR), *PAIRS, proposal=proposal)


@pytest.mark.parametrize("name", ["critic", "sample_prior"])
def test_contrastive_names_what_is_not_callable(name):
    good = {"critic": SCALAR.log_lik, "sample_prior": model_of(SCALAR).sample_prior}
    with pytest.raises(TypeError, match=f"{name} must be callable; got None"):
        bounds.contrastive(*PAIRS, **good | {name: None})


def test_undefined_terms_are_counted_without_a_warning_of_numpy():
    """Where evidence and cross term are both -inf, their difference is NaN."""
    band = bounds.Model(
        log_lik=lambda x, z: np.where(abs(x - z) < 0.3, -math.log(0.6), -math.inf).sum(axis=-1),
        sample_prior=lambda m, rng: rng.standard_normal((m, 1)),
    )
    rng = np.random.default_rng(0)
    z = rng.standard_normal(50)
    x = z + rng.uniform(-0.3, 0.3, 50)
    both = bounds.lautum_sandwich(band, x, z, n_importance=1, seed=0)
    lower = bounds.lautum_lower(band, x, z, n_importance=1, seed=0)
    undefined = np.count_nonzero(~np.isfinite(both.lower.local))
    assert np.isnan(both.lower.local).any()
    assert math.isnan(both.gap_stderr)
    for found in (both.warnings, lower.warnings):
        assert any(f"infinite or undefined for {undefined} of 50 pairs" in text for text in found)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_help_describes_every_parameter(function):
    described = re.findall(r"^ *\*{0,2}(\w+): ", function.__doc__, re.MULTILINE)
    assert set(inspect.signature(function).parameters) <= set(described)
