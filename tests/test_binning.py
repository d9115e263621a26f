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


#: Columns whose values lie on or beside edges of their bins, by what they are.
ON_EDGES = {
    "whole numbers": lambda rng: rng.integers(0, rng.integers(2, 40), 60).astype(float),
    "tenths": lambda rng: rng.integers(-20, 30, 60) / 10,
    "far": lambda rng: rng.integers(0, 30, 60) + 2.0**50,
    "subnormal": lambda rng: rng.integers(0, 40, 60) * 5e-324,
    "huge": lambda rng: rng.integers(-20, 21, 60) / 20 * 8.9e307,
    "beside an edge": lambda rng: np.append(rng.integers(0, 3, 60) * 1e-300, [-1.0, 1.0]),
    "float32": lambda rng: np.round(rng.normal(size=60), 2).astype(np.float32),
}


@pytest.mark.parametrize("kind", ON_EDGES)
def test_values_on_edges_are_in_the_bin_of_exact_fractions(kind):
    rng = np.random.default_rng(7)
    for bins in (2, 3, 7, 10, 22, 29, 49, 100, 2**31 - 1):
        for _ in range(6):
            x = ON_EDGES[kind](rng)
            y = rng.permutation(x)
            got = fastmi.mi(x, y, method="binning", bins=bins)
            blocks = [x[:, np.newaxis], y[:, np.newaxis]]
            expected = reference.binned_total_correlation(blocks, bins)
            assert float(got) == pytest.approx(expected, abs=1e-13)


def test_each_of_as_many_values_as_bins_has_its_own():
    """A rounded quotient puts 22 of 22 steps into 21 bins."""
    x = np.tile(np.arange(23.0), 20)
    got = fastmi.mi(x, x, method="binning", bins=22)
    assert float(got) == pytest.approx(
        21 / 23 * math.log(23) + 2 / 23 * math.log(23 / 2), abs=1e-13
    )


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
    with pytest.raises(TypeError, match=r"method='binning'.*among method, error, bins; got k"):
        fastmi.mi(x, x, method="binning", k=5)


def kinds(estimate):
    return [caution.kind for caution in estimate.warnings]


def test_merged_classes_are_warned_of(rng):
    codes = rng.integers(0, 25, 1000)
    other = rng.normal(size=1000)
    with pytest.warns(fastmi.EstimateWarning, match="x has 25 different values, which bins=10 put"):
        got = fastmi.mi(codes, other, method="binning")
    assert kinds(got) == ["few_bins"]
    assert 'method="discrete"' in got.warnings[0]
    assert kinds(fastmi.mi(codes, other, method="binning", bins=25)) == []
    assert kinds(fastmi.mi(codes % 10, other, method="binning")) == []
    # As many bins as classes, which lie too close for them.
    uneven = np.array([0, 1, 100])[codes % 3]
    assert kinds(fastmi.mi(uneven, other, method="binning", bins=3)) == ["few_bins"]
    assert kinds(fastmi.mi(other, codes / 8, method="binning")) == ["few_bins"]
    two = fastmi.mi(np.column_stack([other, codes]), other, method="binning")
    assert "column 1 of x has 25 different values" in two.warnings[0]
    with_z = fastmi.cmi(other > 0, other, codes, method="binning", bins=5)
    assert "z has 25 different values" in with_z.warnings[0]
    three = fastmi.total_correlation(other > 0, codes, codes, method="binning", bins=5)
    assert kinds(three) == ["few_bins", "few_bins"]


def test_what_the_merging_of_classes_costs(rng):
    """24 classes in a random order carry y; bins of two or three classes lose most of it."""
    y = rng.integers(0, 2, 4000)
    codes = np.argsort(rng.permutation(24))[rng.integers(0, 12, 4000) + 12 * y]
    assert float(fastmi.mi(codes, y, method="discrete")) == pytest.approx(math.log(2), abs=0.01)
    binned = fastmi.mi(codes, y, method="binning")
    assert float(binned) < 0.6 * math.log(2)
    assert kinds(binned) == ["few_bins"]


@pytest.mark.parametrize(
    "column",
    [
        lambda rng: rng.normal(size=1000),
        lambda rng: rng.integers(0, 2, 1000),
        lambda rng: rng.integers(0, 10_000, 1000),
        lambda rng: rng.normal(size=1000).round(2),
        lambda rng: rng.exponential(size=1000),
        lambda rng: (rng.random(1000) < 0.02).astype(float),
        lambda rng: np.where(rng.random(1000) < 0.95, 0.0, rng.exponential(size=1000)),
    ],
    ids=["normal", "binary", "many whole", "rounded", "exponential", "rare", "mostly zero"],
)
def test_columns_that_bins_suit_are_not_warned_of(column, rng):
    got = fastmi.mi(column(rng), rng.normal(size=1000), method="binning")
    assert kinds(got) == []


def test_outliers_that_fix_the_bins_are_warned_of(rng):
    x = rng.normal(size=1000)
    y = x + rng.normal(size=1000)
    spoiled = x.copy()
    spoiled[0] = 1e4
    with pytest.warns(
        fastmi.EstimateWarning, match="999 of 1000 values of x are in one of bins=10"
    ):
        got = fastmi.mi(spoiled, y, method="binning")
    assert kinds(got) == ["outliers"]
    assert float(got) < 0.02
    assert kinds(fastmi.mi(y, rng.standard_cauchy(1000), method="binning")) == ["outliers"]
    ranks = fastmi.mi(fastmi.normalize.rank(spoiled), y, method="binning")
    assert ranks.warnings == ()
    assert float(ranks) > 0.25
