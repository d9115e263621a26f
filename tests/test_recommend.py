"""fastmi.recommend: the method it names runs, and its reasons are those of the samples."""

import math

import numpy as np
import pytest

import fastmi


def blocks(n, d, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, n, d))
    y[:, 0] = 0.8 * x[:, 0] + 0.6 * y[:, 0]
    return x, y


def series(n, seed=0):
    rng = np.random.default_rng(seed)
    found = rng.standard_normal((n, 2))
    for i in range(1, n):
        found[i] += 0.95 * found[i - 1]
    return found[:, 0], found[:, 1]


def _cases():
    rng = np.random.default_rng(1)
    x, y = blocks(600, 4)
    few = (x[:, 0] > 0).astype(int)
    atoms = np.where(rng.random(600) < 0.4, 0.0, x[:, 0])
    return {
        "many columns": ((x, y), "auto", "a Gaussian copula that resembles them"),
        "single columns": ((x[:, 0], y[:, 0]), "ksg1", "2 columns"),
        "rounded": ((np.round(9 * x), np.round(9 * y)), "auto", "trace of noise"),
        "y of classes": ((x, few), "ross", "y is 2 classes"),
        "x of classes": ((few, x), "auto", "x is 2 classes"),
        "names": ((np.where(few, "a", "b"), few), "discrete", "x is 2 classes"),
        "mixture": ((atoms, y[:, 0]), "mesner", "x is a mixture"),
        "mixture of columns": ((np.c_[atoms, x], y), "auto", "x is a mixture"),
        "constant": ((np.ones(600), y), "ksg1", "x is constant"),
        "one column": ((x, x[:, 0]), "ksg1", "columns that vary"),
        "given z": ((x[:, 0], y[:, 0], x[:, 1]), "auto", "3 columns"),
        "classes given z": ((few, few, few), "discrete", "z is 2 classes"),
    }


@pytest.mark.parametrize("name", _cases())
@pytest.mark.filterwarnings("ignore::fastmi.EstimateWarning")
def test_the_method_it_names(name):
    given, method, words = _cases()[name]
    found = fastmi.recommend(*given)
    assert found.method == method
    assert any(words in reason for reason in found.reasons)
    assert found.n == 600
    function = fastmi.mi if len(given) == 2 else fastmi.cmi
    estimate = function(*given, method=found.method, **found.options)
    assert math.isfinite(estimate)
    assert found.dims == estimate.dims
    assert str(found).startswith(f"fastmi.{function.__name__}(x, y")
    assert all(reason in str(found) for reason in (*found.reasons, *found.distrust))


def test_the_bias_of_ksg_is_predicted():
    """In 12 + 12 columns KSG finds less than half of what is there."""
    x, y = blocks(2000, 12)
    found = fastmi.recommend(x, y)
    truth = -0.5 * math.log1p(-0.64)
    assert found.reference == pytest.approx(truth, abs=0.05)
    assert found.predicted_bias == pytest.approx(float(fastmi.mi(x, y)) - truth, abs=0.06)
    assert math.isinf(found.tail_index)
    assert found.seconds > 0.0
    assert not found.distrust


def test_common_tails():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 2000, 2)) / np.sqrt(rng.chisquare(2, (2000, 1)) / 2)
    found = fastmi.recommend(x, y)
    assert found.tail_index < 4
    assert "t copula" in str(found)


def test_series_get_a_window():
    found = fastmi.recommend(*series(2000))
    assert found.method == "ksg1"
    assert 5 <= found.options["theiler"] <= 60
    assert "theiler=" in str(found)
    assert any("independent" in each for each in found.distrust)
    fastmi.mi(*series(2000), method=found.method, **found.options)


def test_what_to_distrust():
    x, y = blocks(60, 10)
    assert any("few for 20 columns" in each for each in fastmi.recommend(x, y).distrust)
    assert any("fewer columns" in each for each in fastmi.recommend(x[:15], y[:15]).distrust)
    assert any("infinite" in each for each in fastmi.recommend(x, x).distrust)
    twice = fastmi.recommend(np.r_[x, x], np.r_[y, y])
    assert any("120 of 120 rows are exact copies" in each for each in twice.distrust)
    strong = fastmi.recommend(x[:, 0], x[:, 0] + 1e-3 * y[:, 1])
    assert any("close to the most" in each for each in strong.distrust)


def test_large_samples_are_looked_at_in_part():
    x, y = blocks(60_000, 2)
    assert fastmi.recommend(x, y).n == 60_000


@pytest.mark.parametrize(
    "x, error, words",
    [
        (np.array([np.nan] * 50), ValueError, "x must be finite"),
        (np.zeros(49), ValueError, "same number of samples"),
        (np.zeros(50, dtype=complex), TypeError, "x must be real numbers"),
    ],
)
def test_bad_samples(x, error, words):
    with pytest.raises(error, match=words):
        fastmi.recommend(x, np.arange(50.0) ** 1.5)


def test_rows_that_are_sorted_and_random_walks_are_told():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(4), 100)
    x, y = rng.standard_normal((2, 400, 3)) + 2.0 * group[:, None]
    found = fastmi.recommend(x, y)
    assert any("only sorted" in each for each in found.distrust)
    walks = rng.standard_normal((2, 2000)).cumsum(axis=1)
    walked = fastmi.recommend(*walks)
    assert any("random walks" in each for each in walked.distrust)
