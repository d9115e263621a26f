"""The weighted Kozachenko-Leonenko entropy: weights, definition, Gaussians."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi.estimators.neighbors.weighted_entropy import entropy_weights
from samples import draw


@pytest.mark.parametrize("d, k", [(4, 8), (5, 20), (8, 10), (8, 40), (12, 60), (16, 80)])
def test_weights_meet_their_conditions(d, k):
    weights = entropy_weights(k, d)
    assert set(weights) <= {i * k // d for i in range(1, d + 1)}
    assert sum(weights.values()) == pytest.approx(1.0, abs=1e-10)
    for order in range(1, d // 4 + 1):
        moments = {j: math.exp(math.lgamma(j + 2 * order / d) - math.lgamma(j)) for j in weights}
        total = sum(weights[j] * moments[j] for j in weights)
        assert total == pytest.approx(0.0, abs=1e-8 * max(moments.values()))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_few_columns_take_the_nearest_neighbour(d):
    assert entropy_weights(5, d) == {1: 1.0}
    x = draw("gaussian", 200, d, "float64")
    nearest = fastmi.entropy(x, k=1, metric="euclidean", correction="log-1")
    weighted = fastmi.entropy(x, k=5, method="wkl")
    assert float(weighted) == pytest.approx(float(nearest), abs=1e-12)


@pytest.mark.parametrize("d, k", [(2, 5), (4, 12), (8, 30)])
def test_against_the_definition(d, k, dtype):
    x = draw("gaussian", 200, d, dtype)
    got = fastmi.entropy(x, k=k, method="wkl")
    expected = reference.weighted_entropy(x, entropy_weights(k, d))
    assert float(got) == pytest.approx(expected, abs=1e-10)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)


@pytest.mark.parametrize("d, k", [(1, 5), (4, 20), (8, 40)])
def test_gaussian(d, k):
    """Return the mean estimate of five runs of 2000 samples."""
    truth = 0.5 * d * math.log(2 * math.pi * math.e)
    runs = []
    for seed in range(5):
        x = np.random.default_rng(seed).standard_normal((2000, d))
        runs.append(float(fastmi.entropy(x, k=k, method="wkl")))
    spread = math.sqrt((d / 2 + 1) / (5 * 2000))
    assert np.mean(runs) == pytest.approx(truth, abs=4 * spread + 0.01 * d)


def test_scaling_law_and_rotation():
    x = draw("gaussian", 300, 4, "float64")
    plain = float(fastmi.entropy(x, k=12, method="wkl"))
    moved = float(fastmi.entropy(3.0 * x + 1, k=12, method="wkl"))
    assert moved == pytest.approx(plain + 4 * math.log(3), abs=1e-9)
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))
    assert float(fastmi.entropy(x @ turn, k=12, method="wkl")) == pytest.approx(plain, abs=1e-9)


def test_sequence_of_k():
    x = draw("gaussian", 200, 4, "float64")
    for one in fastmi.entropy(x, k=[12, 20], method="wkl"):
        assert float(one) == pytest.approx(float(fastmi.entropy(x, k=one.k, method="wkl")))
        assert one.method == "wkl"


def test_bad_input():
    x = draw("gaussian", 50, 16, "float64")
    with pytest.raises(ValueError, match=r"k must be at least 5 for x with 16 columns.*; got k=4"):
        fastmi.entropy(x, k=4, method="wkl")
    with pytest.raises(ValueError, match="x must not have k or more copies"):
        fastmi.entropy(draw("identical", 50, 2, "float64"), method="wkl")
    with pytest.raises(TypeError, match=r"method='wkl': options must be among .*; got metric"):
        fastmi.entropy(x, method="wkl", metric="euclidean")


@pytest.mark.parametrize("d, warned", [(3, False), (10, False), (12, True), (20, True)])
def test_weights_that_multiply_scatter_are_warned_of(rng, d, warned):
    x = rng.standard_normal((500, d))
    found = [
        fastmi.entropy(x, method="wkl", k=20),
        fastmi.mi(x[:, :1], x[:, 1:], method="3h", k=20),
    ]
    for estimate in found:
        assert any("multiply scatter" in text for text in estimate.warnings) == warned
