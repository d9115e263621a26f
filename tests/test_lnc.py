"""KSG with the correction for local non-uniformity."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi.estimators.neighbors import lnc
from samples import draw, draw_blocks


def noisy_line(n, spread, seed=0):
    """Return x uniform, y = x + U(-1/2, 1/2) spread, I = spread/2 - log(spread) for spread <= 1."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    return x, x + spread * (rng.random(n) - 0.5), spread / 2 - math.log(spread)


@pytest.mark.parametrize("name", ["gaussian", "cauchy", "lognormal"])
@pytest.mark.parametrize("dims", [(1, 1), (2, 1), (2, 3)])
@pytest.mark.parametrize("alpha", [0.3, 0.9])
def test_against_the_definition(name, dims, alpha, dtype):
    x, y = draw_blocks(name, 150, dims, dtype)
    got = fastmi.mi(x, y, k=8, method="lnc", alpha=alpha)
    assert float(got) == pytest.approx(reference.lnc_mi(x, y, 8, alpha), abs=1e-8)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)


@pytest.mark.parametrize("spread", [1e-3, 1e-5])
def test_strong_dependence_beyond_the_ceiling_of_ksg(spread):
    x, y, truth = noisy_line(1000, spread)
    got = float(fastmi.mi(x, y, k=5, method="lnc"))
    assert got == pytest.approx(truth, abs=0.6)
    assert float(fastmi.mi(x, y, k=5)) < truth - 1


def test_hardly_anything_is_added_where_neighbours_are_uniform():
    x, y = np.random.default_rng(0).random((2, 4000))
    plain = float(fastmi.mi(x, y, k=5))
    assert plain <= float(fastmi.mi(x, y, k=5, method="lnc")) < plain + 0.06


@pytest.mark.parametrize("k, d", [(3, 2), (5, 2), (10, 4), (10, 10)])
def test_default_threshold(k, d):
    alpha = lnc._uniform_threshold(k, d)
    assert 0 < alpha <= 1
    ratio = np.exp(lnc._log_box_ratio(np.random.default_rng(1).uniform(-1, 1, (20_000, k, d))))
    assert np.mean(ratio < alpha) == pytest.approx(5e-3, abs=3e-3)


def test_symmetry_scale_and_translation():
    x, y = draw_blocks("gaussian", 300, (1, 2), "float64")
    plain = fastmi.mi(x, y, k=5, method="lnc")
    assert float(fastmi.mi(y, x, k=5, method="lnc")) == pytest.approx(float(plain), abs=1e-10)
    for factor in (-4, 1e-200):
        scaled = fastmi.mi(factor * x, factor * y, k=5, method="lnc")
        assert float(scaled) == pytest.approx(float(plain), abs=1e-10)
    assert float(fastmi.mi(x + 1, y, k=5, method="lnc")) == pytest.approx(float(plain), abs=1e-9)


def test_constant_variable_and_copies_add_nothing():
    x = draw("gaussian", 200, 1, "float64")
    assert float(fastmi.mi(x, np.ones(200), method="lnc")) == pytest.approx(0.0, abs=1e-12)
    assert math.isfinite(fastmi.mi(np.zeros(200), np.zeros(200), method="lnc"))


def test_many_columns_are_warned_of(rng):
    """Independent normals come out near 0 in few columns, and not in many, with a warning."""
    few = fastmi.mi(*rng.standard_normal((2, 1000, 2)), k=6, method="lnc")
    assert abs(float(few)) < 0.15
    assert few.warnings == ()
    many = fastmi.mi(*rng.standard_normal((2, 1000, 8)), k=16, method="lnc")
    assert float(many) > 1.0
    assert "dependence where there is none" in many.warnings[-1]


@pytest.mark.parametrize("k", [4, 5, 10])
def test_columns_of_one_variable_on_a_curve_are_warned_of(k, rng):
    """x lies on a spiral, and the thin boxes are those of x alone: 2 nats for 0.4."""
    turn = rng.random(2000)
    angle = 1.5 * math.pi * (1 + 2 * turn)
    x = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)]) / 20
    y = turn + 0.5 * rng.random(2000)
    truth = float(fastmi.mi(turn, y))
    for got in (
        fastmi.mi(x, y, k=k, method="lnc"),
        fastmi.mi(y, x, k=k, method="lnc"),
    ):
        assert float(got) > truth + 0.4
        (own,) = [caution for caution in got.warnings if caution.kind == "own_columns"]
        assert "lie along a curve or surface" in own
        said = float(own.split("about ")[1].split(" nats")[0])
        assert said > 0.3 * (float(got) - truth)


@pytest.mark.parametrize("rho", [0.0, 0.9, 0.999])
def test_dependence_between_variables_is_not_taken_for_a_curve(rho, rng):
    x, e = rng.standard_normal((2, 1000, 2))
    got = fastmi.mi(x, rho * x + math.sqrt(1 - rho**2) * e, k=6, method="lnc")
    assert "own_columns" not in [caution.kind for caution in got.warnings]


def test_sequence_of_k_and_threads(threads):
    x, y = draw_blocks("gaussian", 200, (1, 1), "float64")
    for one in fastmi.mi(x, y, k=[9, 4], method="lnc", n_jobs=threads):
        alone = fastmi.mi(x, y, k=one.k, method="lnc", n_jobs=1)
        assert float(one) == pytest.approx(float(alone), abs=1e-12)
        np.testing.assert_array_equal(one.counts, alone.counts)


def test_bad_input():
    x = draw("gaussian", 50, 2, "float64")
    with pytest.raises(ValueError, match=r"at least the number of columns .*; got k=3: use k=6"):
        fastmi.mi(x, x, method="lnc")
    for alpha in (0.0, 1.0, -1, math.nan):
        with pytest.raises(ValueError, match=r"alpha must be None or a number in \(0, 1\)"):
            fastmi.LNC(alpha=alpha)
    for alpha in ("0.3", True):
        with pytest.raises(TypeError, match="alpha must be None or a number"):
            fastmi.LNC(alpha=alpha)


def test_ties_are_named_and_an_infinite_estimate_is_quiet(rng):
    x = np.round(3 * rng.standard_normal(200))
    y = np.round(x + rng.standard_normal(200))
    estimate = fastmi.mi(x, y, method="lnc", k=4, noise=0)
    assert float(estimate) == math.inf
    assert math.isnan(estimate.stderr)
    assert any("lie on a plane" in text for text in estimate.warnings)
