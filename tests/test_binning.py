"""The plug-in estimator on equal-width bins."""

import math
import pickle

import numpy as np
import pytest

import fastmi
import reference
from samples import SAMPLES, draw, draw_blocks


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("bins", [1, 2, 5, 10, 64])
@pytest.mark.parametrize("dims", [(1, 1), (2, 3)])
def test_against_the_definition(name, bins, dims, dtype):
    blocks = draw_blocks(name, 200, dims, dtype)
    got = fastmi.mi(*blocks, method="binning", bins=bins)
    assert float(got) == pytest.approx(reference.binned_total_correlation(blocks, bins), abs=1e-12)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert -1e-12 < float(got) <= math.log(200) + 1e-12


def test_by_hand():
    """Four samples lie in a 2 x 2 table with one empty cell."""
    x, y = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0]
    h_x, h_y = math.log(2), -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    h_xy = -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    got = fastmi.mi(x, y, method="binning", bins=2)
    assert float(got) == pytest.approx(h_x + h_y - h_xy, abs=1e-15)
    np.testing.assert_array_equal(got.counts, [[1, 1, 1, 1], [2, 2, 2, 0]])


def test_truth_of_a_smooth_density():
    rng = np.random.default_rng(0)
    x, e = rng.standard_normal((2, 200_000))
    got = fastmi.mi(x, 0.6 * x + 0.8 * e, method="binning", bins=40)
    assert float(got) == pytest.approx(-0.5 * math.log(1 - 0.36), abs=0.01)


def test_saturates_when_every_sample_has_its_own_cell():
    x, y = draw_blocks("gaussian", 200, (20, 20), "float64")
    got = fastmi.mi(x, y, method="binning")
    assert float(got) == pytest.approx(math.log(200), abs=1e-12)
    (text,) = got.warnings
    assert "200 of 200 samples are alone in their joint cell" in text


def test_invariances():
    x, y = draw_blocks("gaussian", 300, (2, 1), "float64")
    plain = fastmi.mi(x, y, method="binning")
    assert float(fastmi.mi(y, x, method="binning")) == float(plain)
    assert float(fastmi.mi(8 * x, 0.25 * y, method="binning")) == float(plain)
    unlike = x * np.array([4.0, 2.0**-20])
    assert float(fastmi.mi(unlike, y, method="binning")) == float(plain)
    order = np.random.default_rng(0).permutation(300)
    assert float(fastmi.mi(x[order], y[order], method="binning")) == float(plain)
    with_constant = np.column_stack([x, np.ones(300)])
    assert float(fastmi.mi(with_constant, y, method="binning")) == float(plain)
    assert float(fastmi.mi(np.hstack([x, x]), y, method="binning")) == float(plain)


def test_extreme_ranges():
    x, y = draw_blocks("gaussian", 300, (1, 1), "float64")
    plain = float(fastmi.mi(x, y, method="binning"))
    for power in (-1040, 1015):
        assert float(fastmi.mi(np.ldexp(x, power), y, method="binning")) == pytest.approx(plain)


def test_constant_variable_has_no_information():
    y = draw("gaussian", 50, 1, "float64")
    assert float(fastmi.mi(np.ones(50), y, method="binning")) == pytest.approx(0.0, abs=1e-15)
    assert float(fastmi.mi(y, y, method="binning", bins=1)) == 0.0


def test_many_columns_do_not_overflow_the_cell_numbers():
    x = draw("gaussian", 100, 200, "float64")
    assert float(fastmi.mi(x, x, method="binning", bins=1000)) == pytest.approx(math.log(100))


def test_the_result():
    x, y = draw_blocks("gaussian", 300, (1, 1), "float64")
    got = fastmi.mi(x, y, method="binning", bins=4)
    assert got.warnings == ()
    assert (got.k, got.method, got.algorithm) == (None, "binning", "none")
    assert pickle.loads(pickle.dumps(got)).to_dict() == got.to_dict()


@pytest.mark.parametrize(
    "bins, error",
    [(0, ValueError), (-3, ValueError), (2**31, ValueError), (2.0, TypeError), (True, TypeError)],
)
def test_bins_are_checked(bins, error):
    with pytest.raises(error, match=r"bins must be an integer [<>]="):
        fastmi.Binning(bins=bins)


def test_options_of_the_method_are_named():
    x = draw("gaussian", 20, 1, "float64")
    with pytest.raises(TypeError, match=r"method='binning'.*among method, bins; got k"):
        fastmi.mi(x, x, method="binning", k=5)
