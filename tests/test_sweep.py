"""The scale sweep against its definition, scale by scale."""

import numpy as np
import pytest

import fastmi
import reference
from fastmi import KSGSweep, _cpu
from fastmi.estimators.neighbors.sweep import DEFAULT_SCALES
from fastmi.ops.sweep import sweep_terms
from samples import SAMPLES, draw_blocks
from samples import SCALES as EXTREMES

SCALES = (1.0, 0.1, 7.5, 0.3, 2.0)


@pytest.mark.parametrize("name", ["gaussian", "grid", "duplicates", "cauchy"])
@pytest.mark.parametrize("dims", [(1, 1), (3, 2), (9, 10), (1, 20)])
def test_counts_at_every_scale(name, dims, dtype, metric, simd_level):
    for n in (2, 5, 64, 65, 200):
        x, y = draw_blocks(name, n, dims, dtype)
        ks = sorted({1, min(3, n - 1), n - 1}, reverse=True)
        mean, std, counts, zero, sums, ran = _cpu.ksg_sweep(x, y, list(SCALES), ks, metric, 1)
        assert ran == ("sort" if dims == (1, 1) and max(ks) <= 64 else "brute")
        for q, k in enumerate(ks):
            expected = reference.sweep_counts(x, y, SCALES, k, metric)
            np.testing.assert_array_equal(counts[:, q], expected, err_msg=f"n={n} k={k}")
            np.testing.assert_array_equal(sums[:, q], expected.sum(axis=2))
            terms = reference.digamma(expected + 1).sum(axis=1)
            np.testing.assert_allclose(mean[:, q], terms.mean(axis=1), rtol=0, atol=1e-12)
            np.testing.assert_allclose(std[:, q], terms.std(axis=1), rtol=1e-9, atol=1e-7)
            if k == 1:
                assert (zero[:, q] >= 0).all()


@pytest.mark.parametrize("name", ["gaussian", "grid", "duplicates", "cauchy"])
def test_a_gpu_counts_the_same_at_every_scale(name, dtype, metric, any_gpu):
    for dims in [(1, 1), (3, 2), (9, 10), (1, 20)]:
        for n in (2, 5, 64, 65, 200, 3001) if any_gpu.cuda is None else (5, 65, 130):
            x, y = draw_blocks(name, n, dims, dtype)
            ks = sorted({1, min(3, n - 1), min(n - 1, 130)})
            expected = _cpu.ksg_sweep(x, y, list(SCALES), ks, metric, 1)[:4]
            got = any_gpu.kernels.ksg_sweep(*any_gpu.blocks([x, y]), list(SCALES), ks, metric, 1)
            assert got[-1] == "brute"
            np.testing.assert_array_equal(got[2], expected[2])
            np.testing.assert_array_equal(got[3], expected[3])
            np.testing.assert_allclose(got[0], expected[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("dims", [(1, 1), (7, 8)], ids=["strips", "levels"])
def test_every_kind_of_data(name, dims, dtype, simd_level):
    # n is large enough for several strips and tiles, and exceeds limits of the searches.
    n, scales = 450, (3.0, 1e-4, 0.7, 0.65, 1.0, 50.0)
    x, y = draw_blocks(name, n, dims, dtype)
    ks = [5, 1, 4]
    _, _, counts, zero = _cpu.ksg_sweep(x, y, list(scales), ks, "chebyshev", 2)[:4]
    for q, k in enumerate(ks):
        expected = reference.sweep_counts(x, y, scales, k)
        np.testing.assert_array_equal(counts[:, q], expected, err_msg=f"k={k}")
    if name == "identical":
        assert (zero == n).all()
    if name == "gaussian":
        assert (zero == 0).all()


@pytest.mark.parametrize("size", sorted(EXTREMES["float64"]))
@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (7, 8)])
def test_any_unit(size, dims, dtype):
    factor = np.dtype(dtype).type(EXTREMES[dtype][size])
    x, y = (factor * block for block in draw_blocks("gaussian", 150, dims, dtype))
    counts = _cpu.ksg_sweep(x, y, list(SCALES), [3], "chebyshev", 1)[:4][2][:, 0]
    np.testing.assert_array_equal(counts, reference.sweep_counts(x, y, SCALES, 3))


@pytest.mark.parametrize("scale", [1e308, 1e-320])
def test_scales_whose_products_leave_the_range(scale, simd_level):
    # Many distances then have the same product with the scale.
    x, y = draw_blocks("gaussian", 200, (1, 2), np.float64)
    wide = np.hstack([1000 * y] * 8)
    for fixed in (x, np.zeros_like(x)):
        for swept in (1000 * y, 1000 * y[:, :1].copy(), wide):
            counts = _cpu.ksg_sweep(fixed, swept, [scale], [3], "chebyshev", 1)[:4][2]
            with np.errstate(over="ignore", under="ignore"):
                expected = reference.sweep_counts(fixed, swept, [scale], 3)
            np.testing.assert_array_equal(counts[:, 0], expected)


@pytest.mark.parametrize("dims", [(1, 1), (4, 3), (6, 9)])
def test_threads_change_nothing(dims, dtype):
    x, y = draw_blocks("gaussian", 700, dims, dtype)
    once, many = (_cpu.ksg_sweep(x, y, list(SCALES), [3], "chebyshev", t)[:4] for t in (1, 4))
    for a, b in zip(once, many, strict=True):
        np.testing.assert_array_equal(a, b)


def test_one_scale_of_one_is_ksg(metric):
    x, y = draw_blocks("gaussian", 400, (3, 2), np.float64)
    swept = KSGSweep(normalize=None, scales=[1.0], k=[3, 5], metric=metric).estimate(x, y)
    plain = fastmi.mi(x, y, k=[3, 5], metric=metric)
    for a, b in zip(swept, plain, strict=True):
        assert float(a) == float(b)
        np.testing.assert_array_equal(a.counts, b.counts)
        np.testing.assert_allclose(a.local, b.local, rtol=0, atol=1e-12)


def test_powers_of_two_are_rescaled_data():
    # Only for powers of two c is c |a - b| the same number as |c a - c b|.
    x, y = draw_blocks("gaussian", 300, (2, 2), np.float64)
    scales = (0.25, 0.5, 2.0, 8.0)
    curve = KSGSweep(normalize=None, scales=scales).estimate(x, y).curve
    for scale, value in curve:
        assert value == pytest.approx(float(fastmi.mi(x, scale * y)), abs=1e-13)


def test_the_largest_scale_wins_and_the_curve_holds_all():
    x, y = draw_blocks("gaussian", 500, (2, 3), np.float64)
    estimate = KSGSweep().estimate(x, 100 * y)
    assert estimate.curve.shape == (len(DEFAULT_SCALES), 2)
    np.testing.assert_array_equal(estimate.curve[:, 0], DEFAULT_SCALES)
    assert float(estimate) == estimate.curve[:, 1].max()
    assert float(estimate) == pytest.approx(estimate.local.mean(), abs=1e-12)
    assert float(estimate) >= estimate.curve[DEFAULT_SCALES.index(1.0), 1]


def test_units_do_not_matter():
    x, y = draw_blocks("gaussian", 500, (2, 3), np.float64)
    plain = KSGSweep().estimate(x, y)
    assert float(KSGSweep().estimate(4096 * x, y / 1024)) == float(plain)
    assert float(KSGSweep().estimate(1e3 * x, 1e-5 * y)) == pytest.approx(float(plain), abs=1e-9)


def test_sides_are_reciprocal():
    x, y = draw_blocks("gaussian", 300, (2, 3), np.float64)
    scales = (0.25, 0.5, 1.0, 2.0)
    on_y = KSGSweep(scales=scales).estimate(x, y)
    on_x = KSGSweep(scales=[1 / c for c in scales], sweep_side="x").estimate(x, y)
    np.testing.assert_allclose(on_x.curve[:, 1], on_y.curve[:, 1], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(on_x.counts, on_y.counts)


def test_finds_dependence_that_scale_hides(rng):
    x = rng.normal(size=(1000, 2))
    y = 1e-4 * (x + 0.5 * rng.normal(size=(1000, 2)))
    truth = np.log1p(1 / 0.25)
    assert abs(KSGSweep().estimate(x, y) - truth) < 0.15
    assert fastmi.mi(x, y) < 0.1


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"scales": []}, ValueError, "scales"),
        ({"scales": [1.0, 0.0]}, ValueError, "scales must be positive"),
        ({"scales": [1.0, np.nan]}, ValueError, "scales must be positive"),
        ({"scales": "wide"}, TypeError, "scales must be positive numbers"),
        ({"scales": ["1", "2"]}, TypeError, "scales must be positive numbers"),
        ({"scales": [True]}, TypeError, "scales must be positive numbers"),
        ({"scales": [10**400]}, TypeError, "scales must be positive numbers"),
        ({"scales": [[1.0], [2.0, 3.0]]}, ValueError, "scales must be a sequence"),
        ({"scales": np.ma.array([1, 2], mask=[0, 1])}, ValueError, "scales must not have masked"),
        ({"sweep_side": "t"}, ValueError, "sweep_side must be one of"),
        ({"algorithm": "tree"}, ValueError, "algorithm must be one of"),
        ({"metric": "cosine"}, ValueError, "metric must be one of"),
        ({"normalize": "unit"}, ValueError, "normalize must be one of"),
        ({"k": 0}, ValueError, "k must be in"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        KSGSweep(**options)


def test_by_name():
    x, y = draw_blocks("gaussian", 300, (2, 3), np.float64)
    assert float(fastmi.mi(x, y, method="ksg_global")) == float(KSGSweep().estimate(x, y))
    linf = fastmi.mi(x, y, method="ksg_global_linf", scales=[0.5, 1.0], sweep_side="x")
    assert linf.curve.shape == (2, 2)
    with pytest.raises(TypeError, match="scales, sweep_side"):
        fastmi.mi(x, y, method="ksg_global", normalize="local")


def test_bad_samples():
    x = np.arange(6.0)
    with pytest.raises(ValueError, match="k must be in"):
        KSGSweep(k=6).estimate(x, x)
    with pytest.raises(ValueError, match="same number of samples"):
        KSGSweep().estimate(x, x[:-1])
    with pytest.raises(ValueError, match="finite"):
        KSGSweep().estimate(x, np.where(x == 2, np.nan, x))


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_scales_must_fit_the_samples(rng, scale):
    x = rng.standard_normal((30, 1))
    assert KSGSweep(scales=[1.0, scale]).estimate(x, x).curve.shape == (2, 2)
    single = x.astype(np.float32)
    with pytest.raises(ValueError, match="scales must fit the samples' float32; got 1e"):
        KSGSweep(scales=[1.0, scale]).estimate(single, single)


@pytest.mark.parametrize(
    "x, y, scale, k, metric, sample, expected",
    [
        # c D_y exceeds the largest number, and so does the radius.
        ([-85, -154, -67], [1.26e36, -7.13e27, -1.7e38], 4.7, 2, "chebyshev", 2, [2, 1]),
        # D_y does, and c D_y does not.
        (
            [[1.7e38], [-4e36]],
            [[-7.7e37, -1.7e38], [1.6e38, 1.7e38]],
            0.09,
            1,
            "euclidean",
            0,
            [0, 1],
        ),
    ],
    ids=["product", "distance"],
)
def test_distances_beyond_the_largest_number(x, y, scale, k, metric, sample, expected):
    x, y = (np.array(block, np.float32).reshape(len(x), -1) for block in (x, y))
    terms = sweep_terms(x, y, [scale], [k], metric=metric, n_jobs=1)
    np.testing.assert_array_equal(terms.counts[0, 0, :, sample], expected)
