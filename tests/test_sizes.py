"""Options that ask for more than any machine has raise, at once, an error that names them."""

import numpy as np
import pytest

import fastmi
from fastmi import bounds, datasets

HUGE = 10**12
CHANNEL = bounds.Model(
    log_lik=lambda x, z: -0.5 * ((x - z) ** 2).sum(-1),
    log_prior=lambda z: -0.5 * (z**2).sum(-1),
    sample_prior=lambda shape, rng: rng.standard_normal((*shape, 1)),
)


@pytest.fixture
def pairs():
    return np.random.default_rng(0).standard_normal((2, 60, 1))


@pytest.mark.parametrize(
    "method, options, named",
    [
        ("mine", {"hidden": (HUGE,)}, r"hidden=\(1000000000000,\)"),
        ("infonce", {"hidden": (40_000, 40_000)}, r"hidden=\(40000, 40000\)"),
        ("doe", {"hidden": (10**30,)}, "hidden="),
        ("ndoe", {"width": HUGE}, "width=1000000000000 per column"),
        ("ndoe", {"width": 20_000, "stacks": 3}, "width=20000 per column"),
        ("ndoe", {"hidden_layers": HUGE}, "hidden_layers must be an integer <= 1000"),
        ("ndoe", {"stacks": HUGE}, "stacks must be an integer <= 1000"),
        ("bnaf", {"width": HUGE}, "width=1000000000000"),
        ("ndoe-realnvp", {"couplings": HUGE}, "couplings must be an integer <= 1000"),
        ("ndoe-realnvp", {"hidden": HUGE}, "hidden=1000000000000"),
        ("mienf", {"width": HUGE}, "width=1000000000000"),
        ("mienf", {"hidden_layers": HUGE}, "hidden_layers must be an integer <= 1000"),
        ("mienf", {"flow": "realnvp", "hidden": HUGE}, "hidden=1000000000000"),
        ("mienf", {"flow": "realnvp", "couplings": HUGE}, "couplings must be an integer <= 1000"),
        ("mine", {"batch_size": HUGE}, "batch_size must be at most"),
    ],
)
def test_networks(method, options, named, pairs):
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match=named):
        fastmi.mi(*pairs, method=method, **{"steps": 1, "batch_size": 8, **options})


def test_a_network_of_the_largest_size_is_let_through():
    from fastmi._checks import check_weights

    check_weights([1, 2**15, 2**15 - 2, 1], "hidden=...")
    with pytest.raises(ValueError, match=r"at most 1.07e\+09 weights; got 1.07e\+09"):
        check_weights([1, 2**15, 2**15, 1], "hidden=...")


@pytest.mark.parametrize(
    "options", [{"hidden": [HUGE]}, {"n_components": HUGE}, {"n_couplings": HUGE}]
)
def test_proposals(options, pairs):
    pytest.importorskip("torch")
    x, z = np.hstack(pairs), np.hstack(pairs)
    with pytest.raises(ValueError, match=next(iter(options))):
        bounds.learn_proposal(x, z, **options)


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda x, y: fastmi.permutation_test(x, y, n_permutations=HUGE), "n_permutations"),
        (lambda x, y: fastmi.pairwise_mi(np.hstack([x, y]), n_permutations=HUGE), "n_permutations"),
        (lambda x, y: fastmi.subsample_error(x, y, halves=HUGE), "halves"),
        (lambda x, y: fastmi.mi(x, y, k=10**30), "k"),
        (lambda x, y: bounds.sandwich(CHANNEL, x, y, n_importance=HUGE), "n_importance"),
        (lambda x, y: bounds.ais(CHANNEL, x, y, n_steps=HUGE), "n_steps"),
        (lambda _x, _y: datasets.CorrelatedGaussian(0.5).sample(10**30), "n"),
        (lambda _x, _y: datasets.CorrelatedGaussian(0.5, 10**30), "d"),
    ],
)
def test_counts(call, named, pairs):
    with pytest.raises(ValueError, match=f"^{named} must be"):
        call(*pairs)


def test_more_samples_than_memory():
    with pytest.raises(MemoryError, match=r"array with shape \(100000000000000000,"):
        datasets.CorrelatedGaussian(0.5).sample(10**17)
