"""Total correlation of m variables: definition, closed forms, m = 2."""

import math

import numpy as np
import pytest

import fastmi
import reference
from samples import SAMPLES, draw, draw_blocks

KNN = ("ksg1", "ksg2", "biksg")


def equicorrelated(n, m, rho, seed=0):
    """Return n samples of m Gaussians, all correlated by rho, and their total correlation."""
    covariance = np.full((m, m), rho) + (1 - rho) * np.eye(m)
    x = np.random.default_rng(seed).multivariate_normal(np.zeros(m), covariance, n)
    return list(x.T), -0.5 * np.linalg.slogdet(covariance)[1]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 3), (1, 1, 1, 2)])
@pytest.mark.parametrize("variant", [1, 2])
def test_against_the_definition(name, dims, variant, metric, dtype):
    blocks = draw_blocks(name, 130, dims, dtype)
    got = fastmi.total_correlation(*blocks, k=4, method=f"ksg{variant}", metric=metric, noise=0)
    assert float(got) == pytest.approx(reference.ksg_mi(blocks, 4, variant, metric), abs=1e-12)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert got.counts.shape == (len(dims), 130)
    assert got.dims == dims


@pytest.mark.parametrize("p", [2, math.inf])
@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 3)])
def test_balls_against_the_definition(dims, p, dtype):
    blocks = draw_blocks("cauchy", 130, dims, dtype)
    got = fastmi.total_correlation(*blocks, k=4, method="biksg", p=p, noise=0)
    assert float(got) == pytest.approx(reference.biksg(blocks, 4, p), abs=1e-11)


@pytest.mark.parametrize("method", [*KNN, "gaussian", "binning"])
@pytest.mark.parametrize("name", ["gaussian", "grid", "lognormal"])
def test_two_variables_are_mutual_information_to_the_last_bit(method, name):
    x, y = draw_blocks(name, 300, (2, 1), "float64")
    pair = fastmi.mi(x, y, method=method)
    got = fastmi.total_correlation(x, y, method=method)
    assert float(got) == float(pair)
    assert got.stderr == pair.stderr
    np.testing.assert_array_equal(got.local, pair.local)
    np.testing.assert_array_equal(got.counts, pair.counts)


@pytest.mark.parametrize("method", KNN)
@pytest.mark.parametrize("m, rho", [(3, 0.6), (3, 0.0), (4, 0.3)])
def test_equicorrelated_gaussians(method, m, rho):
    variables, truth = equicorrelated(5000, m, rho)
    got = fastmi.total_correlation(*variables, k=4, method=method)
    assert float(got) == pytest.approx(truth, abs=5 * got.stderr + 0.02)
    assert got.warnings == ()


def test_gaussian_form():
    variables, truth = equicorrelated(5000, 3, 0.6)
    got = fastmi.total_correlation(variables, method="gaussian")
    columns = [v[:, None] for v in variables]
    assert got.uncorrected == pytest.approx(
        reference.gaussian_total_correlation(*columns), abs=1e-12
    )
    assert float(got) == pytest.approx(truth, abs=0.05)


@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 1)])
def test_binned_form(dims):
    blocks = draw_blocks("gaussian", 400, dims, "float64")
    got = fastmi.total_correlation(*blocks, method="binning", bins=4)
    assert float(got) == pytest.approx(reference.binned_total_correlation(blocks, 4), abs=1e-12)


@pytest.mark.parametrize("method", KNN)
def test_order_of_variables_and_scale_are_irrelevant(method):
    blocks = draw_blocks("gaussian", 300, (1, 2, 1), "float64")
    plain = fastmi.total_correlation(*blocks, method=method)
    turned = fastmi.total_correlation(*blocks[::-1], method=method)
    assert float(turned) == pytest.approx(float(plain), abs=1e-12)
    np.testing.assert_array_equal(turned.counts, plain.counts[::-1])
    scaled = fastmi.total_correlation(*(8 * b for b in blocks), method=method)
    assert float(scaled) == float(plain)


def test_arguments_may_be_one_list():
    blocks = draw_blocks("gaussian", 100, (1, 1, 1), "float64")
    plain = float(fastmi.total_correlation(*blocks))
    assert float(fastmi.total_correlation(blocks)) == plain
    assert float(fastmi.total_correlation(tuple(blocks))) == plain


def test_sequence_of_k_and_normalize():
    blocks = draw_blocks("gaussian", 200, (1, 2, 1), "float64")
    for one in fastmi.total_correlation(*blocks, k=[5, 2]):
        assert float(one) == float(fastmi.total_correlation(*blocks, k=one.k))
    blocks[1] = blocks[1] * 1000
    scaled = [fastmi.normalize.local(b) for b in blocks]
    assert float(fastmi.total_correlation(*blocks, normalize="local")) == float(
        fastmi.total_correlation(*scaled)
    )


def test_warnings():
    x = draw("gaussian", 300, 1, "float64")
    (ceiling,) = fastmi.total_correlation(x, x, x).warnings
    assert "can show" in ceiling
    flat = np.zeros(300)
    (same,) = fastmi.total_correlation(flat, flat, flat).warnings
    assert "all samples are the same" in same
    assert "few" in fastmi.total_correlation(x[:20], x[:20] ** 2, x[20:40]).warnings[0]


def test_bad_input():
    x = draw("gaussian", 50, 1, "float64")
    for given in ((), (x,), ([x],)):
        with pytest.raises(ValueError, match="variables must be two or more; got"):
            fastmi.total_correlation(*given)
    with pytest.raises(ValueError, match=r"variables\[0\] and variables\[2\] must have the same"):
        fastmi.total_correlation(x, x, x[:49])
    with pytest.raises(ValueError, match=r"k must be in \[1, n - 1\]; got k=50, n=50"):
        fastmi.total_correlation(x, x, x, k=50)
    with pytest.raises(ValueError, match="method must be one of 'ksg1', 'ksg2', 'biksg'"):
        fastmi.total_correlation(x, x, method="mixed")
    with pytest.raises(ValueError, match="variant must be 1 or 2; got variant=3"):
        fastmi.TotalCorrelation(variant=3)
    with pytest.raises(TypeError, match=r"options must be among .*; got bins"):
        fastmi.total_correlation(x, x, bins=3)
