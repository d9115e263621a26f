"""Transformations that keep mutual information: their values, and estimates before and after."""

import math

import numpy as np
import pytest

import fastmi
from fastmi import datasets
from fastmi.datasets import transforms
from samples import draw


@pytest.fixture
def x():
    return draw("gaussian", 300, 3, "float64")


class TestEach:
    def test_random_mix_is_linear_and_invertible(self, x):
        got = transforms.random_mix(x, seed=5)
        mix, residual, order, _ = np.linalg.lstsq(x, got, rcond=None)
        assert order == 3
        np.testing.assert_allclose(x @ mix, got, rtol=1e-10)
        assert (mix > 0).all()
        assert (mix < 1).all()
        assert np.linalg.cond(mix) <= 1e8
        assert residual.max() < 1e-20
        np.testing.assert_array_equal(transforms.random_mix(x, seed=5), got)
        assert (transforms.random_mix(x, seed=6) != got).all()

    def test_random_mix_redraws_what_is_singular(self, x, monkeypatch):
        drawn = []
        condition = np.linalg.cond

        def first_is_singular(mix):
            drawn.append(mix)
            return math.inf if len(drawn) == 1 else condition(mix)

        monkeypatch.setattr(np.linalg, "cond", first_is_singular)
        transforms.random_mix(x, seed=5)
        assert len(drawn) == 2

    def test_pad_noise(self, x):
        got = transforms.pad_noise(x, 50, 0.3, seed=1)
        assert got.shape == (300, 53)
        np.testing.assert_array_equal(got[:, :3], x)
        # From 15000 draws the standard deviation is known to about 0.6 %.
        assert got[:, 3:].std() == pytest.approx(0.3, rel=0.03)
        np.testing.assert_array_equal(transforms.pad_noise(x, 50, 0.3, seed=1), got)
        np.testing.assert_array_equal(transforms.pad_noise(x, 0), x)
        assert transforms.pad_noise(x).shape == (300, 23)

    def test_cube(self, x):
        np.testing.assert_allclose(transforms.cube(x), x**3, rtol=1e-15)
        assert (np.sign(transforms.cube(x)) == np.sign(x)).all()

    def test_logistic(self):
        got = transforms.logistic([-1000.0, -40.0, 0.0, 2.0, 1000.0])[:, 0]
        expected = [0.0, 4.248354255291589e-18, 0.5, 0.8807970779778823, 1.0]
        np.testing.assert_allclose(got, expected, rtol=1e-15)

    def test_duplicate(self, x):
        np.testing.assert_array_equal(transforms.duplicate(x, 3), np.hstack([x, x, x]))
        assert transforms.duplicate(x[:, 0]).shape == (300, 20)

    @pytest.mark.parametrize("tag", transforms.TAGS)
    def test_keep_float32_and_the_input(self, tag):
        single = draw("gaussian", 50, 2, "float32")
        before = single.copy()
        got = transforms.transform(single, tag, seed=0)
        assert got.dtype == np.float32
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(single, before)


class TestComposition:
    def test_order_is_fixed(self, x):
        rng = np.random.default_rng(9)
        by_hand = transforms.random_mix(x, seed=rng)
        by_hand = transforms.pad_noise(by_hand, 4, 0.1, seed=rng)
        by_hand = transforms.logistic(transforms.cube(by_hand))
        by_hand = transforms.duplicate(by_hand, 2)
        options = {"copies": 2, "columns": 4, "sigma": 0.1, "seed": 9}
        for tags in ("rm+dn+cb+sg+ds", "ds+sg+cb+dn+rm", ["sg", "rm", "ds", "cb", "dn"]):
            np.testing.assert_array_equal(transforms.transform(x, tags, **options), by_hand)

    def test_none(self, x):
        for tags in ("", [], ()):
            got = transforms.transform(x, tags)
            np.testing.assert_array_equal(got, x)
            assert got is not x

    def test_shapes(self, x):
        assert transforms.transform(x, "ds").shape == (300, 60)
        assert transforms.transform(x, "dn+ds").shape == (300, 460)


class TestInformationIsKept:
    """Transformations keep I(X; Y), which KSG shows within its own error."""

    law = datasets.CorrelatedGaussian.from_mi(0.7)

    @pytest.mark.parametrize("tags", ["cb", "sg", "cb+sg", "rm", "rm+cb+sg+ds"])
    def test_one_column(self, tags):
        x, y = self.law.sample(6000, seed=2)
        got = fastmi.mi(transforms.transform(x, tags, copies=3, seed=0), y, normalize="local")
        assert float(got) == pytest.approx(0.7, abs=5 * got.stderr + 0.03)

    def test_copies_change_no_bit(self):
        x, y = self.law.sample(500, seed=2)
        copied = fastmi.mi(transforms.duplicate(x), y)
        assert float(copied) == float(fastmi.mi(x, y))

    def test_negligible_noise_columns(self):
        x, y = self.law.sample(2000, seed=2)
        padded = fastmi.mi(transforms.pad_noise(x, 5, 1e-4, seed=0), y)
        assert float(padded) == pytest.approx(float(fastmi.mi(x, y)), abs=0.02)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: transforms.transform(x, "rm+xx"), ValueError, "tags must be one of 'rm', 'dn'"),
        (lambda x: transforms.transform(x, "rm,cb"), ValueError, "tags must be one of"),
        (lambda x: transforms.transform(x, "cb+cb"), ValueError, r"must not repeat; got cb\+cb"),
        (lambda x: transforms.transform(x, [1]), ValueError, "tags must be one of"),
        (lambda x: transforms.duplicate(x, 0), ValueError, "copies must be an integer >= 1"),
        (lambda x: transforms.duplicate(x, 1.5), TypeError, "copies must be an integer"),
        (lambda x: transforms.pad_noise(x, -1), ValueError, "columns must be an integer >= 0"),
        (lambda x: transforms.pad_noise(x, 1, -0.1), ValueError, r"sigma must be in \[0, inf\)"),
        (lambda x: transforms.pad_noise(x, 1, "a"), TypeError, "sigma must be a real number"),
        (lambda x: transforms.cube(x * math.nan), ValueError, "x must be finite"),
        (lambda x: transforms.logistic(x.astype(str)), TypeError, "x must be real numbers"),
        (lambda x: transforms.transform(x, 3), TypeError, "tags must be a string or a sequence"),
        (lambda x: transforms.random_mix(x, seed="a"), TypeError, "seed must suit"),
        (lambda x: transforms.cube(x * 1e200), ValueError, "small enough for its cubes"),
        (
            lambda x: transforms.pad_noise(x, 9, 1e308),
            ValueError,
            "sigma must leave float64 finite",
        ),
        (
            lambda x: transforms.random_mix(np.full_like(x, 8e307, shape=(3, 60)), seed=0),
            ValueError,
            "small enough for its sums",
        ),
        (lambda x: transforms.random_mix(x[None]), ValueError, "x must be 1-D"),
    ],
)
def test_bad_input(x, call, error, message):
    with pytest.raises(error, match=message):
        call(x)
