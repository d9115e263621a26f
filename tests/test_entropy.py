"""Kozachenko-Leonenko entropy against the definition and its exact laws."""

import math

import numpy as np
import pytest

import fastmi
import reference
from samples import draw


@pytest.mark.parametrize("d", [1, 2, 3, 8, 40])
@pytest.mark.parametrize("correction", ["digamma", "log", "log-1"])
def test_against_the_definition(d, correction, dtype, metric, algorithm, simd_level):
    if algorithm == "sort" and d > 1:
        algorithm = "auto"
    x = draw("gaussian", 200, d, dtype)
    got = fastmi.entropy(x, k=4, metric=metric, algorithm=algorithm, correction=correction)
    assert float(got) == pytest.approx(
        reference.kl_entropy(x, 4, metric, correction), abs=1e-12 * max(1, d)
    )


@pytest.mark.parametrize("n", [2, 3, 17, 64, 65, 513])
def test_sizes(n, metric):
    x = draw("lognormal", n, 2, "float64")
    k = min(3, n - 1)
    got = fastmi.entropy(x, k=k, metric=metric)
    assert float(got) == pytest.approx(reference.kl_entropy(x, k, metric), abs=1e-11)


@pytest.mark.parametrize("d", [1, 3])
def test_corrections_differ_by_their_constants(d):
    n = 50
    x = draw("gaussian", n, d, "float64")
    value = {c: float(fastmi.entropy(x, correction=c)) for c in ("digamma", "log", "log-1")}
    psi_n = reference.digamma(np.array([n]))[0]
    assert value["log"] - value["digamma"] == pytest.approx(math.log(n) - psi_n, abs=1e-12)
    assert value["log"] - value["log-1"] == pytest.approx(math.log(n / (n - 1)), abs=1e-12)


@pytest.mark.parametrize("a, b", [(2.0, 0.0), (-0.3, 5.0), (1e6, 1.0), (1e-200, 0.0)])
def test_scaling_law(a, b):
    """H(aX + b) = H(X) + d log|a|."""
    x = draw("gaussian", 500, 3, "float64")
    moved = float(fastmi.entropy(a * x + b))
    assert moved == pytest.approx(float(fastmi.entropy(x)) + 3 * math.log(abs(a)), abs=1e-9)


def test_euclidean_is_invariant_to_rotation():
    x = draw("gaussian", 400, 3, "float64")
    rotation, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    turned = fastmi.entropy(x @ rotation, metric="euclidean")
    assert float(turned) == pytest.approx(float(fastmi.entropy(x, metric="euclidean")), abs=1e-10)


def test_sequence_of_k():
    x = draw("gaussian", 300, 2, "float64")
    for one in fastmi.entropy(x, k=[1, 4, 50]):
        assert float(one) == float(fastmi.entropy(x, k=one.k))


def test_local_values_average_to_the_estimate():
    got = fastmi.entropy(draw("gaussian", 300, 2, "float64"))
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert got.stderr == pytest.approx(got.local.std() / np.sqrt(300), rel=1e-9)


def test_threads_change_nothing(threads):
    x = draw("cauchy", 3000, 3, "float64")
    assert float(fastmi.entropy(x, n_jobs=threads)) == float(fastmi.entropy(x, n_jobs=1))


def test_coincident_points_raise_unless_jittered():
    x = draw("identical", 50, 2, "float64")
    x[:25] = draw("gaussian", 25, 2, "float64")
    with pytest.raises(ValueError, match="method='discrete'"):
        fastmi.entropy(x, k=3)
    with pytest.raises(ValueError, match="leave noise at None"):
        fastmi.entropy(x, k=3, noise=0)
    jittered = fastmi.entropy(x, k=3, noise=1e-10, seed=0)
    assert math.isfinite(float(jittered))
    # Each coincident sample has 24 copies; with k above that no jitter is needed.
    assert math.isfinite(float(fastmi.entropy(x, k=25)))
