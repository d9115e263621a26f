"""Error bars against the scatter of independent samples, and against their definitions."""

import math

import numpy as np
import pytest

import fastmi

RHO = 0.6


def gaussian(rng, n):
    x = rng.standard_normal(n)
    return x, RHO * x + math.sqrt(1 - RHO**2) * rng.standard_normal(n)


def test_subsampling_matches_the_scatter():
    rng = np.random.default_rng(3)
    values, errors = [], []
    for _ in range(150):
        result = fastmi.subsample_error(*gaussian(rng, 400), seed=rng, n_jobs=1)
        values.append(float(result.estimate))
        errors.append(result.stderr)
    scatter = np.std(values)
    # The scatter itself is known to 1 / sqrt(300) = 6 %, and pooled variances to 10 %.
    assert math.sqrt(np.mean(np.square(errors))) == pytest.approx(scatter, rel=0.2)
    within = np.abs(np.array(values) - np.mean(values)) < 2 * np.array(errors)
    assert within.mean() > 0.87


def test_subsampling_is_the_weighted_variance(rng):
    result = fastmi.subsample_error(*gaussian(rng, 300), parts=[2, 5, 9], seed=0)
    np.testing.assert_array_equal(result.parts, [2, 5, 9])
    weights = result.parts - 1
    variance = (result.deviations**2 / result.parts * weights).sum() / weights.sum()
    assert result.stderr == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert result.estimate == fastmi.mi(*gaussian(np.random.default_rng(20040623), 300))
    assert result.means.shape == (3,)


def test_subsampling_draws_without_replacement(rng):
    """Copies of a sample would be at distance 0 and raise the estimates of the parts."""
    x, y = rng.standard_normal((2, 1000))
    result = fastmi.subsample_error(x, y, repeats=3, seed=0)
    assert np.abs(result.means).max() < 0.05


def test_subsampling_repeats_and_threads(rng, threads):
    x, y = gaussian(rng, 200)
    options = {"seed": 2, "repeats": 2, "k": 2}
    one = fastmi.subsample_error(x, y, n_jobs=1, **options)
    many = fastmi.subsample_error(x, y, n_jobs=threads, **options)
    assert one.stderr == many.stderr
    np.testing.assert_array_equal(one.means, many.means)


def test_subsampling_a_conditional_form(rng):
    z = rng.standard_normal(300)
    x, y = (z + rng.standard_normal(300) for _ in range(2))
    result = fastmi.subsample_error(x, y, z, seed=0)
    assert result.estimate == fastmi.cmi(x, y, z)
    assert 0 < result.stderr < 0.2


def test_default_parts_follow_the_sample_size(rng):
    assert list(fastmi.subsample_error(*gaussian(rng, 90), seed=0).parts) == [2, 3]
    assert list(fastmi.subsample_error(*gaussian(rng, 900), seed=0).parts) == list(range(2, 11))


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"k": 3}, ValueError, "n must be at least 20 k"),
        ({"k": [3, 4]}, TypeError, "k must be one integer"),
        ({"parts": [1]}, ValueError, "parts must be an integer >= 2"),
        ({"parts": 3}, TypeError, "parts must be a sequence of integers"),
        ({"parts": []}, ValueError, "parts must leave more than k"),
        ({"parts": [[2], [3, 4]]}, TypeError, "parts must be an integer"),
        ({"parts": np.array(2)}, TypeError, "parts must be a sequence"),
        ({"seed": -1}, ValueError, "seed must suit"),
        ({"repeats": np.array([1, 2])}, TypeError, "repeats must be an integer"),
        ({"parts": [20]}, ValueError, "parts must leave more than k"),
        ({"repeats": 0}, ValueError, "repeats must be an integer >= 1"),
    ],
)
def test_wrong_options_of_subsampling(options, error, message):
    with pytest.raises(error, match=message):
        fastmi.subsample_error(np.arange(50.0), np.arange(50.0), **options)


def test_jackknife_of_single_samples(rng):
    estimate = fastmi.mi(*gaussian(rng, 500))
    expected = estimate.local.std(ddof=1) / math.sqrt(500)
    assert fastmi.jackknife_error(estimate) == pytest.approx(expected, rel=1e-9)


def test_jackknife_is_leaving_blocks_out(rng):
    estimate = fastmi.mi(*gaussian(rng, 103))
    edges = [0, 25, 51, 77, 103]
    means = np.array([np.delete(estimate.local, range(*edges[b : b + 2])).mean() for b in range(4)])
    expected = math.sqrt(3 / 4 * ((means - means.mean()) ** 2).sum())
    assert fastmi.jackknife_error(estimate, n_blocks=4) == pytest.approx(expected, rel=1e-9)


def test_long_blocks_see_autocorrelation(rng):
    slow = np.repeat(rng.standard_normal((40, 2)), 25, axis=0)
    x, y = (slow + 0.3 * rng.standard_normal((1000, 2))).T
    estimate = fastmi.mi(x, y)
    assert fastmi.jackknife_error(estimate, n_blocks=20) > 1.5 * fastmi.jackknife_error(estimate)


def test_wrong_options_of_the_jackknife(rng):
    estimate = fastmi.mi(*gaussian(rng, 60))
    with pytest.raises(TypeError, match="local values; got float"):
        fastmi.jackknife_error(0.5)
    with pytest.raises(ValueError, match="n_blocks must be an integer >= 2"):
        fastmi.jackknife_error(estimate, n_blocks=1)
    with pytest.raises(ValueError, match=r"n_blocks must be in \[2, n\]"):
        fastmi.jackknife_error(estimate, n_blocks=61)
