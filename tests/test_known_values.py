"""Numbers known from theory or print: Gaussians, the NPEET README, uniform entropy.

A k-NN estimate over n samples scatters by about sd(local) / sqrt(n). The tolerances are five times
that, plus an allowance for the bias where theory has one. Seeds are fixed.
"""

import math

import numpy as np
import pytest

import fastmi
import reference


def correlated_pair(n, rho, d=1, seed=0):
    """Return x, y (n, d): d independent pairs of correlation rho, MI = -d/2 log(1 - rho^2)."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


class TestNpeetReadme:
    """The five points of the NPEET README, whose noise (1e-10) changes nothing here."""

    X = ((1.3,), (3.7,), (5.1,), (2.4,), (3.4,))
    Y = ((1.5,), (3.32,), (5.3,), (2.3,), (3.3,))

    @pytest.mark.parametrize("algorithm", ["auto", "tree", "brute", "sort"])
    def test_ksg1_in_bits(self, algorithm):
        got = fastmi.mi(self.X, self.Y, k=3, algorithm=algorithm)
        assert got.bits == pytest.approx(0.168314, abs=5e-7)
        # psi(3) + psi(5) - mean of psi over the hand-counted margins: exactly 7/60 nats.
        assert float(got) == pytest.approx(7 / 60, abs=1e-14)

    def test_reference_agrees(self):
        blocks = [np.array(self.X), np.array(self.Y)]
        assert reference.ksg_mi(blocks, 3, 1, "chebyshev") == pytest.approx(7 / 60, abs=1e-14)


@pytest.mark.parametrize("method", ["ksg1", "ksg2"])
@pytest.mark.parametrize("metric", ["chebyshev", "euclidean"])
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9, -0.9])
def test_bivariate_gaussian(rho, metric, method):
    x, y = correlated_pair(10_000, rho)
    got = fastmi.mi(x, y, k=3, method=method, metric=metric)
    truth = -0.5 * math.log(1 - rho**2)
    assert float(got) == pytest.approx(truth, abs=5 * got.stderr)
    assert got.stderr < 0.02


@pytest.mark.parametrize("d", [2, 3])
def test_several_independent_pairs(d):
    x, y = correlated_pair(10_000, 0.6, d)
    got = fastmi.mi(x, y, k=3)
    truth = -0.5 * d * math.log(1 - 0.6**2)
    # The density varies within neighbourhoods in 2 d dims, a bias of a few percent at this n.
    assert float(got) == pytest.approx(truth, abs=5 * got.stderr + 0.05 * truth)


def test_float32_estimates_the_same_quantity():
    x, y = correlated_pair(5000, 0.6)
    single = fastmi.mi(x.astype(np.float32), y.astype(np.float32))
    assert float(single) == pytest.approx(float(fastmi.mi(x, y)), abs=1e-3)


def test_mi_survives_invertible_maps_of_each_margin():
    """MI is invariant, and the estimate is so within its own scatter."""
    x, y = correlated_pair(10_000, 0.8)
    got = fastmi.mi(np.exp(x), y**3, k=3)
    assert float(got) == pytest.approx(-0.5 * math.log(1 - 0.64), abs=5 * got.stderr + 0.02)


def test_deterministic_relation_reaches_the_ceiling_and_says_so():
    """For y = x every margin counts k - 1, so that the estimate is psi(n) - psi(k)."""
    n, k = 500, 3
    x = np.random.default_rng(0).standard_normal(n)
    got = fastmi.mi(x, x.copy(), k=k)
    psi_n, psi_k = reference.digamma(np.array([n, k]))
    assert float(got) == pytest.approx(psi_n - psi_k, abs=1e-12)
    assert got.warnings


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("metric", ["chebyshev", "euclidean"])
def test_gaussian_entropy(d, metric):
    rng = np.random.default_rng(3)
    n = 5000
    mix = rng.standard_normal((d, d)) + 2 * np.eye(d)
    x = rng.standard_normal((n, d)) @ mix.T
    truth = 0.5 * np.linalg.slogdet(2 * math.pi * math.e * mix @ mix.T)[1]
    got = fastmi.entropy(x, k=4, metric=metric)
    assert float(got) == pytest.approx(truth, abs=4 * math.sqrt((d / 2 + 1) / n))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_uniform_entropy_is_zero(d):
    n = 5000
    x = np.random.default_rng(5).random((n, d))
    got = fastmi.entropy(x, k=4)
    # Neighbourhoods that reach over the faces of the cube add a bias of order (k / n)^(1/d).
    edge_bias = 0.0 if d == 1 else 0.5 * d * (4 / n) ** (1 / d)
    assert float(got) == pytest.approx(0.0, abs=4 * math.sqrt((d / 2 + 1) / n) + edge_bias)


def test_exponential_entropy():
    """Entropy of the exponential law of mean b is 1 + log b."""
    n = 20_000
    x = np.random.default_rng(6).exponential(3.0, n)
    got = fastmi.entropy(x, k=4)
    assert float(got) == pytest.approx(1 + math.log(3.0), abs=5 * got.stderr)
