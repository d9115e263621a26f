"""Bounds that no correct model can give are refused, with the callable to check."""

import numpy as np
import pytest

from channels import SCALAR, WIDE, model_of, proposal_of
from fastmi import bounds
from reference.bounds import LinearGaussian

N = 2000
UPPER = {
    "sandwich": bounds.sandwich,
    "multisample_upper": bounds.multisample_upper,
    "lautum_sandwich": bounds.lautum_sandwich,
    "ais": lambda *args, **options: bounds.ais(*args, n_steps=4, **options),
}


def model_with(**callables):
    """Return the scalar model with some of its callables replaced."""
    right = model_of(SCALAR)
    given = ("log_lik", "log_prior", "sample_prior", "grad_log_joint", "grad_log_prior")
    return bounds.Model(**{name: getattr(right, name) for name in given} | callables)


@pytest.fixture(scope="module")
def pairs():
    return SCALAR.pairs(N, 0)


@pytest.fixture(params=["sandwich", "multisample_upper", "ais"])
def bound(request):
    return UPPER[request.param]


def test_pairs_out_of_step(bound, pairs):
    x, z = pairs
    with pytest.raises(ValueError, match=r"upper bound is -.*: check log_lik: .* must be pairs"):
        bound(model_of(SCALAR), x, z[::-1].copy(), n_importance=64, seed=0)


def test_likelihood_of_another_model(bound, pairs):
    other = LinearGaussian(-1.0, 0.25)
    with pytest.raises(ValueError, match="check log_lik"):
        bound(model_with(log_lik=other.log_lik), *pairs, n_importance=64, seed=0)


def proposal_off_by(constant):
    """Return a proposal whose log density lacks a constant."""
    right = proposal_of(SCALAR, 2.0)
    return bounds.Proposal(
        sample=right.sample,
        logpdf=lambda x, z: right.logpdf(x, z) + constant,
        grad_logpdf=right.grad_logpdf,
    )


def test_proposal_without_its_constant(bound, pairs):
    proposal = proposal_off_by(-3.0)
    with pytest.raises(ValueError, match=r"check proposal.logpdf or log_prior: .* mean (19|20)"):
        bound(model_of(SCALAR), *pairs, proposal=proposal, n_importance=64, seed=0)


def test_prior_without_its_constant(bound, pairs):
    model = model_with(log_prior=lambda z: SCALAR.log_prior(z) + 2.0)
    with pytest.raises(ValueError, match=r"check proposal.logpdf or log_prior: .* instead of 1"):
        bound(model, *pairs, proposal=proposal_of(SCALAR, 2.0), n_importance=64, seed=0)


@pytest.mark.parametrize("bound", [bounds.lautum_sandwich, bounds.lautum_upper])
def test_negative_lautum_information(bound, pairs):
    options = {"proposal": proposal_off_by(6.0), "n_importance": 64, "seed": 0}
    with pytest.raises(ValueError, match=r"upper bound is -.*: check proposal.logpdf or log_prior"):
        bound(model_of(SCALAR), *pairs, **options)


@pytest.mark.parametrize("name", UPPER)
@pytest.mark.parametrize("noise", [0.25, 1e4], ids=["dependent", "nearly independent"])
@pytest.mark.parametrize("n", [2, 5, 20, 500])
def test_correct_models_are_never_refused(name, noise, n):
    """Where the information is 0, its upper bound is below 0 in every other sample."""
    truth = LinearGaussian(1.0, noise)
    negative = 0
    for seed in range(20):
        x, z = truth.pairs(n, seed)
        found = UPPER[name](model_of(truth), x, z, n_importance=8, seed=seed)
        upper = getattr(found, "upper", found)
        negative += upper < 0
    if noise > 1 and name != "lautum_sandwich":
        assert negative > 0


def test_correct_wide_models_are_never_refused():
    for seed in range(10):
        x, z = WIDE.pairs(300, seed)
        for proposal in (None, proposal_of(WIDE), proposal_of(WIDE, 3.0)):
            found = bounds.sandwich(
                model_of(WIDE), x, z, proposal=proposal, n_importance=16, seed=seed
            )
            assert np.isfinite(float(found.upper))
