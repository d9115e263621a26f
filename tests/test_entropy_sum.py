"""MI as the sum of three weighted entropies."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi import EntropySum
from fastmi.estimators.neighbors.weighted_entropy import entropy_weights
from samples import draw_blocks


@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (4, 5)])
def test_against_the_definition(dims, dtype):
    x, y = draw_blocks("gaussian", 200, dims, dtype)
    estimates = EntropySum(k=[5, 9]).estimate(x, y)
    for k, estimate in zip((5, 9), estimates, strict=True):
        of_x, of_y, of_both = (
            reference.weighted_entropy(block, entropy_weights(k, block.shape[1]))
            for block in (x, y, np.hstack([x, y]))
        )
        assert float(estimate) == pytest.approx(of_x + of_y - of_both, abs=1e-9)
        assert estimate.local.mean() == pytest.approx(float(estimate), abs=1e-12)
        assert estimate.stderr == pytest.approx(estimate.local.std() / 200**0.5)
        assert estimate.k == k
        assert estimate.counts is None


def test_default_and_name():
    x, y = draw_blocks("gaussian", 200, (2, 2), np.float64)
    assert EntropySum().k == 5
    assert fastmi.mi(x, y, method="3h", k=5) == EntropySum().estimate(x, y)
    swapped = fastmi.mi(y, x, method="3h", k=5)
    assert float(swapped) == pytest.approx(float(EntropySum().estimate(x, y)), abs=1e-12)


@pytest.mark.parametrize("d", [1, 3])
def test_gaussian(d):
    rho = 0.8
    truth = -0.5 * d * math.log(1 - rho**2)
    values = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((3000, d))
        y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((3000, d))
        values.append(float(EntropySum().estimate(x, y)))
    assert np.mean(values) == pytest.approx(truth, abs=0.12)


def test_units_do_not_matter_in_one_column_each():
    # Euclidean balls depend on the ratio of the units, but not on a factor common to both columns.
    x, y = draw_blocks("gaussian", 200, (1, 1), np.float64)
    plain = EntropySum().estimate(x, y)
    assert float(EntropySum().estimate(8 * x, 8 * y)) == pytest.approx(float(plain), abs=1e-10)
    scaled = EntropySum(normalize="local").estimate(8 * x, y / 1000)
    unscaled = EntropySum(normalize="local").estimate(x, y)
    assert float(scaled) == pytest.approx(float(unscaled), abs=1e-9)


@pytest.mark.parametrize("scale", [1e3, 1e200, 1e-200, 1e-300])
def test_units_far_apart_are_warned_of(scale):
    x, y = draw_blocks("gaussian", 200, (1, 1), np.float64)
    estimate = EntropySum().estimate(x, y * scale)
    big, small = "yx" if scale > 1 else "xy"
    assert len(estimate.warnings) == 1
    assert f"the scale of {big} dominates" in estimate.warnings[0]
    assert f"that of {small} " in estimate.warnings[0]
    assert estimate < EntropySum().estimate(x, y) - 0.5
    rescaled = EntropySum(normalize="local").estimate(x, y * scale)
    assert not rescaled.warnings
    assert float(rescaled) == pytest.approx(
        float(EntropySum(normalize="local").estimate(x, y)), abs=1e-9
    )


@pytest.mark.parametrize("dims, scale", [((1, 1), 50), ((3, 3), 5), ((1, 5), 8), ((5, 1), 0.2)])
def test_units_that_do_no_harm_are_not_warned_of(dims, scale):
    x, y = draw_blocks("gaussian", 1000, dims, np.float64)
    estimate = EntropySum(k=6).estimate(x, y * scale)
    assert not any("dominates" in warning for warning in estimate.warnings)


def test_copies_are_refused_by_name():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(100)
    label = rng.integers(0, 2, 100).astype(float)
    with pytest.raises(ValueError, match="y must not have k or more copies"):
        fastmi.mi(x, label, method="3h", k=5, noise=0)
    with pytest.raises(ValueError, match="x must not have k or more copies"):
        fastmi.mi(label, x, method="3h", k=5, noise=0)
    assert np.isfinite(fastmi.mi(x, label, method="3h", k=5, noise=1e-6, seed=0))


def test_bad_input():
    x, y = draw_blocks("gaussian", 50, (6, 6), np.float64)
    with pytest.raises(ValueError, match=r"k must be at least 4 for \(x, y\) with 12 columns"):
        EntropySum(k=3).estimate(x, y)
    with pytest.raises(ValueError, match="k must be in"):
        EntropySum(k=50).estimate(x, y)
    with pytest.raises(ValueError, match="algorithm must be 'auto', 'tree' or 'brute'"):
        EntropySum(algorithm="sort")
    with pytest.raises(TypeError, match=r"options must be among .* got metric"):
        fastmi.mi(x, y, method="3h", metric="euclidean")
    with pytest.raises(ValueError, match="same number of samples"):
        EntropySum().estimate(x, y[:-1])
