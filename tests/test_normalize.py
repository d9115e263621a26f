"""Normalizers against their definitions, their invariances and edge cases, and inside KSG."""

import math
import statistics
import warnings

import numpy as np
import pytest

import fastmi
from fastmi import neighbors, normalize
from reference import normalize as definition
from samples import SAMPLES, draw, draw_scaled
from samples import SCALES as FACTORS

SCALES = ("local", "global_", "global_linf", "global_corrected")
OPTIONS = ("local", "global", "global-linf", "global-corrected", "rank", "copula")


def function(option):
    name = option.replace("-", "_")
    return getattr(normalize, "global_" if name == "global" else name)


@pytest.mark.parametrize("name", [*SCALES, "rank"])
@pytest.mark.parametrize("kind", ["gaussian", "grid", "cauchy", "clusters", "offset"])
@pytest.mark.parametrize("n, d", [(2, 1), (17, 3), (500, 1), (500, 4)])
def test_against_the_definition(name, kind, n, d):
    x = draw(kind, n, d, "float64")
    if name != "rank" and (np.ptp(x, axis=0) == 0).any():
        pytest.skip("a constant column")
    got = getattr(normalize, name)(x)
    assert got.shape == (n, d)
    np.testing.assert_allclose(got, getattr(definition, name)(x), rtol=1e-8)


@pytest.mark.parametrize("name", [*SCALES, "rank", "copula"])
def test_float32_in_float32_out(name):
    x = draw("gaussian", 200, 3, "float32")
    got = getattr(normalize, name)(x)
    assert got.dtype == np.float32
    wide = getattr(normalize, name)(x.astype(np.float64))
    np.testing.assert_allclose(got, wide, rtol=1e-6, atol=1e-7)


def test_one_dimensional_input_is_one_column():
    x = draw("gaussian", 50, 1, "float64")
    np.testing.assert_array_equal(normalize.local(x[:, 0]), normalize.local(x))
    np.testing.assert_array_equal(normalize.local(x[:, 0].tolist()), normalize.local(x))


def test_input_is_left_alone():
    x = draw("gaussian", 50, 2, "float64")
    before = x.copy()
    for option in OPTIONS:
        function(option)(x)
    np.testing.assert_array_equal(x, before)


def test_one_column_equivalences():
    x = draw("gaussian", 300, 1, "float64")
    local = normalize.local(x)
    np.testing.assert_allclose(normalize.global_(x), local, rtol=1e-14)
    np.testing.assert_allclose(normalize.global_corrected(x), local, rtol=1e-14)
    mean_deviation = np.mean(np.abs(x - x.mean()))
    np.testing.assert_allclose(normalize.global_linf(x), x / mean_deviation, rtol=1e-13)


def test_columns_of_unit_variance_after_the_scales():
    x = draw("gaussian", 400, 3, "float64") * [1.0, 50.0, 0.01]
    np.testing.assert_allclose(normalize.local(x).var(axis=0), 1.0, rtol=1e-12)
    assert normalize.global_(x).var(axis=0).sum() == pytest.approx(1.0, rel=1e-12)
    assert normalize.global_corrected(x).var(axis=0).mean() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    "name, factor",
    [("local", 1.0), ("global_", 0.5), ("global_linf", 1.0), ("global_corrected", 1.0)],
)
def test_copies_of_the_columns(name, factor):
    """With four copies maximum-norm distances stay; those of `global_` halve."""
    x = draw("gaussian", 200, 3, "float64")
    scale = getattr(normalize, name)
    once = neighbors.kth_distance(scale(x), 3)
    np.testing.assert_allclose(
        neighbors.kth_distance(scale(np.tile(x, 4)), 3), factor * once, rtol=1e-12
    )


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("power", [-900, -1, 1, 900])
def test_invariant_to_powers_of_two_bit_for_bit(name, power):
    x = draw("gaussian", 200, 3, "float64")
    scale = getattr(normalize, name)
    np.testing.assert_array_equal(scale(np.ldexp(x, power)), scale(x))


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("factor", [1e-300, 3e-7, 0.3, 1e300])
def test_invariant_to_units(name, factor):
    x = draw("gaussian", 200, 3, "float64")
    scale = getattr(normalize, name)
    np.testing.assert_allclose(scale(factor * x), scale(x), rtol=1e-13)


@pytest.mark.parametrize("name", ["rank", "copula"])
def test_ranks_are_invariant_to_increasing_maps(name):
    x = draw("gaussian", 200, 3, "float64")
    method = getattr(normalize, name)
    np.testing.assert_array_equal(method(np.exp(x)), method(x))


def test_ranks_of_ties():
    got = normalize.rank([3.0, 1.0, 3.0, 3.0, -2.0])
    np.testing.assert_array_equal(got[:, 0], np.array([4, 2, 4, 4, 1]) / 6)


def test_normal_scores():
    """Quantiles are known, scores are symmetric, and all columns have the same set of scores."""
    assert normalize.copula([5.0, 7.0, 6.0])[:, 0] == pytest.approx(
        [-0.6744897501960817, 0.6744897501960817, 0.0], abs=1e-15
    )
    got = normalize.copula(draw("cauchy", 999, 2, "float64"))
    expected = [statistics.NormalDist().inv_cdf(j / 1000) for j in range(1, 1000)]
    for column in got.T:
        np.testing.assert_array_equal(np.sort(column), expected)
    np.testing.assert_allclose(np.sort(got[:, 0]), -np.sort(-got[:, 0])[::-1], rtol=0)


@pytest.mark.parametrize("name", SCALES)
def test_center_subtracts_the_mean(name):
    x = draw("gaussian", 100, 2, "float64") + np.array([5.0, -1e6])
    scale = getattr(normalize, name)
    centered = scale(x, center=True)
    np.testing.assert_allclose(centered.mean(axis=0), 0.0, atol=1e-12)
    plain = scale(x)
    np.testing.assert_allclose(centered, plain - plain.mean(axis=0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("offset", [1e9, 1e12, -1e15])
def test_center_is_exact_far_from_the_origin(name, offset):
    scale = getattr(normalize, name)
    x = draw("gaussian", 100, 2, "float64") + offset
    plain = scale(x - offset, center=True)
    np.testing.assert_allclose(scale(x, center=True), plain, rtol=1e-13, atol=1e-13)


def test_quotients_that_round_have_a_warning(dtype):
    x = draw("gaussian", 100, 2, dtype)
    x[:, 1] += 10.0 / np.finfo(dtype).eps / 1e4
    with pytest.warns(fastmi.EstimateWarning, match=r"columns 1 of x lie so far .* center=True"):
        normalize.local(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        normalize.local(x, center=True)
        normalize.rank(x)
        assert fastmi.mi(x, x[:, 0], normalize="local").warnings == ()


@pytest.mark.filterwarnings("ignore:every column:RuntimeWarning")
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("n", [2, 3, 65])
def test_any_sample_stays_usable(option, kind, n, dtype):
    for d in (1, 3):
        x = draw(kind, n, d, dtype)
        got = function(option)(x)
        assert got.shape == x.shape
        assert got.dtype == x.dtype
        assert got.flags.c_contiguous
        assert np.isfinite(got).all()


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("scale", ["subnormal", "tiny", "small", "huge"])
def test_extreme_units(option, scale, dtype):
    """Results are as at ordinary units; subnormal numbers have fewer digits."""
    assert scale in FACTORS[dtype]
    (x,) = draw_scaled(scale, 50, (3,), dtype)
    limit = float(np.finfo(dtype).max) / 2
    x = np.clip(x, -limit, limit)
    ordinary = x.astype(np.longdouble) / np.abs(x).max().astype(np.longdouble)
    expected = function(option)(ordinary.astype(np.float64))
    rtol = 1e-5 if dtype == "float32" or scale == "subnormal" else 1e-12
    np.testing.assert_allclose(function(option)(x), expected, rtol=rtol, atol=rtol)


class TestConstantColumns:
    @pytest.mark.parametrize("value", [0.0, 0.1, -7e5])
    def test_one_of_several(self, value):
        """It stays as it is under `local`, and does not contribute to the other scales."""
        x = draw("gaussian", 100, 3, "float64")
        with_it = np.column_stack([x, np.full(100, value)])
        np.testing.assert_array_equal(normalize.local(with_it)[:, :3], normalize.local(x))
        np.testing.assert_array_equal(normalize.local(with_it)[:, 3], value)
        for name in ("global_", "global_linf"):
            scale = getattr(normalize, name)
            np.testing.assert_array_equal(scale(with_it)[:, :3], scale(x))

    def test_rounding_noise_is_constant(self):
        x = draw("gaussian", 100, 2, "float64")
        x[:, 1] = 1e3 * (1 + 2e-16 * np.arange(100).clip(0, 3))
        np.testing.assert_array_equal(normalize.local(x)[:, 1], x[:, 1])

    def test_rounding_noise_has_a_warning(self):
        x = draw("gaussian", 100, 2, "float64")
        x[:, 1] = 1e16 + 2 * (np.arange(100) % 2)
        with pytest.warns(fastmi.EstimateWarning, match="columns 1 of x vary by no more than the"):
            np.testing.assert_array_equal(normalize.local(x)[:, 1], x[:, 1])
        got = fastmi.mi(x, x[:, 0], normalize="local")
        assert "rounding" in [caution.kind for caution in got.warnings]

    def test_whole_numbers_that_float64_holds_are_no_rounding(self):
        x = 2.0**53 - 3 + np.arange(100.0) % 4
        assert normalize.local(x, center=True).std() == pytest.approx(1.0)

    def test_nearly_constant_is_amplified(self):
        x = draw("gaussian", 100, 2, "float64")
        x[:, 1] = 1.0 + 1e-9 * x[:, 1]
        # The column lies 1e9 deviations from zero, where the result rounds.
        assert normalize.local(x)[:, 1].std() == pytest.approx(1.0, rel=1e-7)

    @pytest.mark.parametrize("name", SCALES)
    def test_all_warn_and_stay(self, name):
        x = np.tile([1.5, -3.0], (20, 1))
        with pytest.warns(RuntimeWarning, match="every column of x is constant") as caught:
            np.testing.assert_array_equal(getattr(normalize, name)(x), x)
        assert caught[0].filename == __file__

    @pytest.mark.parametrize("name, value", [("rank", 0.5), ("copula", 0.0)])
    def test_ranks_warn(self, name, value):
        with pytest.warns(RuntimeWarning, match="constant"):
            np.testing.assert_array_equal(getattr(normalize, name)(np.full(9, 3.0)), value)

    def test_too_large_for_the_scale_of_the_others(self):
        x = np.column_stack([np.full(9, 1e200), 1e-200 * np.arange(9)])
        with pytest.raises(ValueError, match="overflow"):
            normalize.global_(x)
        assert np.isfinite(normalize.global_(x, center=True)).all()


@pytest.mark.parametrize("option", OPTIONS)
class TestBadInput:
    def test_one_sample(self, option):
        with pytest.raises(ValueError, match="x must have at least two samples"):
            function(option)([[1.0, 2.0]])

    def test_not_finite(self, option):
        with pytest.raises(ValueError, match="x must be finite"):
            function(option)([1.0, math.nan])

    def test_not_numbers(self, option):
        with pytest.raises(TypeError, match="x must be real numbers"):
            function(option)(["a", "b"])


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((400, 2))
    return x, x + rng.standard_normal((400, 2)) * [1.0, 3.0]


class TestInsideKSG:
    @pytest.mark.parametrize("option", OPTIONS)
    @pytest.mark.parametrize("method", ["ksg1", "ksg2"])
    def test_is_the_function_applied_first(self, pair, option, method):
        x, y = pair
        got = fastmi.mi(x, y, method=method, normalize=option, noise=0)
        by_hand = fastmi.mi(function(option)(x), function(option)(y), method=method, noise=0)
        np.testing.assert_array_equal(got.counts, by_hand.counts)
        assert float(got) == float(by_hand)
        assert float(fastmi.KSG(variant=int(method[-1]), normalize=option).estimate(x, y)) == got

    def test_none_is_plain(self, pair):
        assert float(fastmi.mi(*pair, normalize=None)) == float(fastmi.mi(*pair))

    @pytest.mark.parametrize("option", OPTIONS)
    def test_frees_of_units(self, pair, option):
        x, y = pair
        plain = fastmi.mi(x, y, normalize=option)
        np.testing.assert_array_equal(
            fastmi.mi(2.0**-30 * x, 2.0**20 * y, normalize=option).counts, plain.counts
        )
        assert float(fastmi.mi(1e-5 * x, 1e5 * y, normalize=option)) == pytest.approx(
            float(plain), abs=1e-12
        )

    def test_several_k_and_noise(self, pair):
        x, y = pair
        several = fastmi.mi(x, y, k=[2, 5], normalize="local", noise=1e-6, seed=1)
        one = fastmi.mi(x, y, k=5, normalize="local", noise=1e-6, seed=1)
        assert [e.k for e in several] == [2, 5]
        assert float(several[1]) == float(one)

    def test_noise_breaks_ties_before_ranks(self):
        x = np.repeat([0.0, 1.0], 50)
        noisy = fastmi.mi(x, x, normalize="rank", noise=1e-6, seed=1)
        assert len(np.unique(noisy.counts)) > 1

    def test_cures_a_dominating_scale(self, pair):
        x, y = pair
        warnings = {warning.kind: warning for warning in fastmi.mi(x, 1e6 * y).warnings}
        assert "normalize='local'" in warnings["scale"]
        assert fastmi.mi(x, 1e6 * y, normalize="local").warnings == ()

    @pytest.mark.parametrize("option", OPTIONS)
    def test_constant_argument_gives_zero_and_a_warning(self, pair, option):
        got = fastmi.mi(np.full(400, 2.5), pair[1][:, 0], normalize=option)
        # Ranks are equally spaced, so that their distances tie and strict counts come out low.
        assert float(got) == pytest.approx(0.0, abs=0.05 if option == "rank" else 1e-12)
        assert got.warnings[0].startswith("every column of x is constant")

    @pytest.mark.parametrize("bad", ["Local", "global_", "std", 1, True])
    def test_unknown_names(self, pair, bad):
        with pytest.raises(ValueError, match="normalize must be one of 'local', 'global'"):
            fastmi.mi(*pair, normalize=bad)

    def test_one_sample_is_caught_first(self):
        with pytest.raises(ValueError, match="k must be in"):
            fastmi.mi([1.0], [1.0], normalize="local")
