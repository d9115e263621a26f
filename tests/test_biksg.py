"""BI-KSG and the printed hybrid of the KSG algorithms: definition, limits, invariances."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi.estimators.neighbors import biksg
from samples import SAMPLES, draw, draw_blocks


@pytest.fixture(params=[2, math.inf], ids=["p2", "pinf"])
def p(request):
    return request.param


def correlated(n, d, rho, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "identical"])
@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (5, 1)])
def test_biksg_against_the_definition(name, dims, p, dtype):
    blocks = draw_blocks(name, 150, dims, dtype)
    got = fastmi.mi(*blocks, k=4, method="biksg", p=p, noise=0)
    assert float(got) == pytest.approx(reference.biksg(blocks, 4, p), abs=1e-11)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert got.counts.min() >= 4


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("dims", [(1, 1), (2, 3)])
def test_hybrid_against_the_definition(name, dims, metric, dtype):
    x, y = draw_blocks(name, 150, dims, dtype)
    got = fastmi.mi(x, y, k=4, method="ksg_eq6", metric=metric, noise=0)
    assert float(got) == pytest.approx(reference.ksg_hybrid(x, y, 4, metric), abs=1e-12)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_hybrid_is_algorithm_1_less_a_stated_term(k):
    """Without ties it is I1 - 1/k + <1/n_b>; margin b does not attain the radius."""
    x, y = draw_blocks("gaussian", 500, (1, 2), "float64")
    hybrid = fastmi.mi(x, y, k=k, method="ksg_eq6")
    plain = fastmi.mi(x, y, k=k)
    attained = hybrid.counts == plain.counts + 1
    assert (attained.sum(axis=0) == 1).all()
    other = plain.counts.sum(axis=0, where=~attained)
    expected = float(plain) - 1 / k + np.mean(1 / other)
    assert float(hybrid) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("d", [1, 2])
def test_correlated_gaussians(d, p):
    x, y = correlated(5000, d, 0.6)
    got = fastmi.mi(x, y, method="biksg", p=p)
    truth = -0.5 * d * math.log(1 - 0.36)
    assert float(got) == pytest.approx(truth, abs=5 * got.stderr)
    assert got.stderr < 0.02


def test_independent_variables():
    x, y = correlated(5000, 1, 0.0)
    got = fastmi.mi(x, y, method="biksg", p=2)
    assert float(got) == pytest.approx(0.0, abs=5 * got.stderr)


@pytest.mark.parametrize("method", ["biksg", "ksg_eq6"])
def test_symmetry_scaling_and_order(method):
    x, y = draw_blocks("gaussian", 300, (2, 1), "float64")
    plain = fastmi.mi(x, y, method=method)
    assert float(fastmi.mi(y, x, method=method)) == float(plain)
    assert float(fastmi.mi(-4 * x, -4 * y, method=method)) == float(plain)
    assert float(fastmi.mi(0.3 * x, 0.3 * y, method=method)) == pytest.approx(float(plain))
    assert float(fastmi.mi(x + 1.5, y - 0.5, method=method)) == pytest.approx(float(plain))
    assert float(fastmi.mi(np.hstack([x, x]), y, method=method)) == float(plain)
    assert float(fastmi.mi(np.column_stack([x, np.ones(300)]), y, method=method)) == float(plain)
    order = np.random.default_rng(0).permutation(300)
    moved = fastmi.mi(x[order], y[order], method=method)
    np.testing.assert_array_equal(moved.counts, plain.counts[:, order])


def test_p2_is_invariant_to_rotation_and_scale():
    x, y = draw_blocks("gaussian", 300, (3, 2), "float64")
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))
    plain = fastmi.mi(x, y, method="biksg", p=2)
    assert float(fastmi.mi(x @ turn, y, method="biksg", p=2)) == pytest.approx(float(plain))
    assert float(fastmi.mi(4 * x, 4 * y, method="biksg", p=2)) == float(plain)


@pytest.mark.parametrize("k", [1, 3])
def test_limit_of_a_vanishing_margin(k):
    """In I(X; aT), a -> 0, the neighbours are those of X alone, and all of T is near."""
    n = 400
    x, t = correlated(n, 1, 0.8)
    tiny = 1e-12 * t
    psi_k = float(reference.digamma(np.array([k]))[0])
    limit = psi_k - math.log(k) + math.log(n / (n - 1))
    assert float(fastmi.mi(x, tiny, k=k, method="biksg")) == pytest.approx(limit, abs=1e-12)
    plane = limit + math.lgamma(2) - 2 * math.lgamma(1.5)
    assert float(fastmi.mi(x, tiny, k=k, method="biksg", p=2)) == pytest.approx(plane, abs=1e-12)
    hybrid = float(fastmi.mi(x, tiny, k=k, method="ksg_eq6"))
    assert hybrid == pytest.approx(-1 / k + 1 / (n - 1), abs=1e-12)


@pytest.mark.parametrize("method", ["biksg", "ksg_eq6"])
def test_sequence_of_k_and_normalize(method):
    x, y = draw_blocks("gaussian", 200, (2, 1), "float64")
    for one in fastmi.mi(x, y, k=[5, 2], method=method):
        assert float(one) == float(fastmi.mi(x, y, k=one.k, method=method))
    scaled = fastmi.mi(x, 1000 * y, method=method, normalize="local")
    by_hand = fastmi.mi(fastmi.normalize.local(x), fastmi.normalize.local(1000 * y), method=method)
    assert float(scaled) == float(by_hand)


def test_algorithms_and_threads_agree(threads):
    x, y = draw_blocks("gaussian", 500, (1, 1), "float64")
    plain = fastmi.mi(x, y, method="biksg", n_jobs=1, algorithm="brute")
    for algorithm in ("auto", "tree", "sort"):
        other = fastmi.mi(x, y, method="biksg", n_jobs=threads, algorithm=algorithm)
        np.testing.assert_array_equal(other.counts, plain.counts)


def test_warnings():
    x, y = correlated(500, 1, 0.5)
    assert fastmi.mi(x, y, method="biksg").warnings == ()
    assert fastmi.mi(x, y, method="biksg", p=2).warnings == ()
    (flat,) = fastmi.mi(np.hstack([x, x]), y, method="biksg", p=2).warnings
    assert "use p=inf" in flat
    (flat,) = fastmi.mi(np.hstack([x, 0 * x]), y, method="biksg", p=2).warnings
    assert "use p=inf" in flat
    (ceiling,) = fastmi.mi(x, x, method="biksg").warnings
    assert "can show" in ceiling
    (same,) = fastmi.mi(np.zeros(500), np.zeros(500), method="biksg").warnings
    assert "all samples are the same" in same


@pytest.mark.parametrize("n", [300, 1000, 5000])
@pytest.mark.parametrize("dims", [(1, 1), (2, 2), (4, 4), (5, 5), (1, 20), (10, 10)])
def test_p2_says_by_how_much_wide_balls_raise_it(n, dims, rng):
    """Too high on independent normals by what the formula says, or up to 1.6 times as much."""
    blocks = [rng.standard_normal((n, d)) for d in dims]
    got = fastmi.mi(*blocks, method="biksg", p=2, n_jobs=1)
    said = biksg.wide_ball_bias(dims, n=n, k=3)
    assert 0.9 * said - 0.08 < float(got) < 1.6 * said + 0.08
    kinds = [caution.kind for caution in got.warnings]
    assert ("many_columns" in kinds) == (said > 0.05)
    if abs(float(got)) > 0.15:
        assert "many_columns" in kinds
    whole = fastmi.total_correlation(*blocks, method="biksg", p=2, n_jobs=1)
    assert "many_columns" in [caution.kind for caution in whole.warnings] or said <= 0.05
    plain = fastmi.mi(*blocks, method="biksg", n_jobs=1)
    assert "many_columns" not in [caution.kind for caution in plain.warnings]


def test_p_inf_loses_dependence_in_many_columns_and_says_so():
    x, y = correlated(1000, 10, 0.7)
    got = fastmi.mi(x, y, method="biksg", n_jobs=1)
    assert float(got) < 0.5 * -5 * math.log(1 - 0.49)
    (low,) = [caution for caution in got.warnings if caution.kind == "low"]
    assert "nats too low" in low
    assert "use method='auto'" in low
    assert "twin" not in low


@pytest.mark.parametrize("value", [1, 3.0, 0, "inf", None, True, math.nan, np.array([2])])
def test_p_is_checked(value):
    with pytest.raises(ValueError, match="p must be 2 or inf; got p="):
        fastmi.BIKSG(p=value)


def test_options_of_the_method_are_named():
    x = draw("gaussian", 20, 1, "float64")
    with pytest.raises(TypeError, match=r"method='biksg'.*among k, method, .*, p; got metric"):
        fastmi.mi(x, x, method="biksg", metric="euclidean")
    with pytest.raises(TypeError, match=r"method='ksg1'.*; got p"):
        fastmi.mi(x, x, p=2)
    # A shared option at its default is not an error.
    assert fastmi.mi(x, x, method="biksg", metric="chebyshev").method == "biksg"
