"""A power of two as the unit of the samples changes no count, up to both ends of the dtype."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi import _cpu, neighbors
from samples import draw_blocks

SPACES = [[0, 1], [1]]


def counts_of(kernels, blocks, metric, algorithm):
    """Counts of every op whose result has no unit, by name; x and y have 2 or 7 columns."""
    n = len(blocks[0])
    some = [3, 1]
    orders = np.stack([np.random.default_rng(s).permutation(n) for s in range(2)])
    found = {
        "ksg1": kernels.ksg(blocks, some, 1, metric, algorithm, 1)[2],
        "ksg2": kernels.ksg(blocks, some, 2, metric, algorithm, 1)[2],
        "space_counts": kernels.space_counts(blocks, some, SPACES, True, metric, algorithm, 1)[1],
        "surrogates": kernels.ksg_surrogates(
            *blocks, some, metric, algorithm, iter([orders, None]).__next__, 1
        )[0],
    }
    if kernels is _cpu:
        for closed in (False, True):
            found[f"theiler {closed}"] = kernels.theiler_counts(
                blocks, [1, 3], 2, closed, SPACES, metric, 1
            )[1]
        found["rectangles"] = kernels.rectangle_counts(
            blocks, [1, 3], SPACES, metric, algorithm, 1
        )[1]
    return found


def units(dtype):
    """Exponents of units in which integers up to 2^11 are subnormal, and near the largest number.

    The smallest unit is the smallest number itself.
    """
    info = np.finfo(dtype)
    return (info.minexp - info.nmant, info.minexp - 8, info.maxexp - 13)


@pytest.mark.parametrize("n, dims", [(130, (2, 1)), (520, (7, 7))])
@pytest.mark.parametrize("algorithm", ["tree", "brute"])
def test_counts(n, dims, algorithm, dtype, metric, simd_level, device):
    if device.name != "cpu":
        if simd_level != "scalar":
            pytest.skip("a GPU has no levels")
        n = 70
    blocks = [np.round(400 * b).clip(-2047, 2047) for b in draw_blocks("cauchy", n, dims, dtype)]
    expected = counts_of(device.kernels, device.blocks(blocks), metric, algorithm)
    for unit in units(dtype):
        moved = device.blocks([np.ldexp(b, unit) for b in blocks])
        for name, counts in counts_of(device.kernels, moved, metric, algorithm).items():
            np.testing.assert_array_equal(counts, expected[name], err_msg=f"{name} 2^{unit}")


@pytest.mark.parametrize(
    "options", [{"normalize": None}, {"normalize": None, "metric": "euclidean"}]
)
@pytest.mark.parametrize("dims", [(1, 1), (2, 1), (7, 7)])
def test_sweeps(dims, options, dtype, simd_level):
    """Products with a scale stay within the range of the dtype too."""
    x, y = (np.round(400 * b).clip(-2047, 2047) for b in draw_blocks("cauchy", 150, dims, dtype))
    for scales in ([1.0, 0.3], [1.0, 2.0**20], [2.0**-20, 1.0]):
        sweep = fastmi.KSGSweep(scales=scales, noise=0, **options)
        expected = sweep.estimate(x, y)
        for unit in units(dtype):
            got = sweep.estimate(np.ldexp(x, unit), np.ldexp(y, unit))
            np.testing.assert_array_equal(got.curve, expected.curve, err_msg=f"2^{unit} {scales}")


METHODS = [
    ("mi", {"method": "ksg1", "metric": "euclidean"}),
    ("mi", {"method": "ksg2", "metric": "euclidean"}),
    ("mi", {"method": "ksg1", "metric": "euclidean", "theiler": 3}),
    ("mi", {"method": "ksg2", "metric": "euclidean", "theiler": 3}),
    ("mi", {"method": "biksg", "p": 2}),
    ("mi", {"method": "mixed", "metric": "euclidean"}),
    ("mi", {"method": "mesner", "metric": "euclidean"}),
    ("mi", {"method": "3h"}),
    ("cmi", {"method": "fp", "metric": "euclidean"}),
    ("cmi", {"method": "ksg2", "metric": "euclidean"}),
    ("cmi", {"method": "ksg2", "metric": "euclidean", "theiler": 3}),
    ("entropy", {"metric": "euclidean"}),
    ("entropy", {"metric": "euclidean", "theiler": 3}),
    ("entropy", {"method": "wkl"}),
]


@pytest.mark.parametrize("quantity, options", METHODS, ids=str)
def test_estimates(quantity, options, dtype):
    """Values of half of the largest number had infinite distances, and mi of -0.71 for 1.59."""
    rng = np.random.default_rng(0)
    x, e, z = rng.standard_normal((3, 400, 2)).clip(-3.9, 3.9).astype(dtype)
    blocks = [x, (0.9 * x + 0.4 * e).clip(-3.9, 3.9).astype(dtype), z]
    blocks = blocks[: {"mi": 2, "cmi": 3, "entropy": 1}[quantity]]
    estimate = getattr(fastmi, quantity)
    info = np.finfo(dtype)
    # The smallest unit keeps all digits of values down to 2^-8.
    fine = [np.round(b * 2.0**14) * 2.0**-14 for b in blocks]
    fine = [b.astype(dtype) for b in fine]
    for unit, given in ((info.maxexp - 3, blocks), (info.minexp - info.nmant + 14, fine)):
        expected = float(estimate(*given, noise=0, **options))
        got = float(estimate(*(np.ldexp(b, unit) for b in given), noise=0, **options))
        if quantity == "entropy":
            got -= 2 * unit * math.log(2.0)
        assert got == pytest.approx(expected, abs=1e-4 if dtype == "float32" else 1e-9), unit


@pytest.mark.parametrize(
    "estimate",
    [
        lambda x, y, **device: fastmi.KSGSweep(metric="euclidean", noise=0, **device).estimate(
            x, y
        ),
        lambda x, y, **device: fastmi.entropy(x + y, metric="euclidean", noise=0, **device),
        lambda x, y, **device: fastmi.mi(x, y, method="biksg", p=2, noise=0, **device),
        lambda x, y, **device: fastmi.mi(x, y, metric="euclidean", **device),
    ],
    ids=["sweep", "entropy", "biksg", "ksg1"],
)
def test_estimates_on_a_gpu(estimate, dtype, any_gpu):
    """What rescales samples on the host does so for samples on a GPU."""
    blocks = [np.round(400 * b) for b in draw_blocks("gaussian", 90, (2, 2), dtype)]
    for unit in units(dtype):
        x, y = (np.ldexp(b, unit) for b in blocks)
        got = float(estimate(x, y, device=any_gpu.name))
        assert got == pytest.approx(float(estimate(x, y)), abs=1e-9)


def test_classes(dtype):
    """Radii of each class come from a search of its own."""
    x = np.round(400 * draw_blocks("gaussian", 300, (2,), dtype)[0])
    classes = (x[:, 0] + np.random.default_rng(0).normal(0, 300, 300) > 0).astype(int)
    estimator = fastmi.Ross(metric="euclidean", noise=0)
    expected = estimator.estimate(x, classes)
    for unit in units(dtype):
        got = estimator.estimate(np.ldexp(x, unit), classes)
        np.testing.assert_array_equal(got.counts, expected.counts)


def test_distances_that_no_number_holds(dtype, metric, device):
    largest = 0.5 * np.finfo(dtype).max
    x = np.array([[-1.0, -1.0], [1.0, 1.0], [0.5, 1.0]], dtype) * largest
    if metric == "chebyshev":
        assert np.isfinite(neighbors.kth_distance(x, 2)).all()
        return
    for call in (neighbors.kth_distance, neighbors.kneighbors):
        np.testing.assert_array_equal(np.isfinite(call(x[1:], 1, metric=metric)[0]), True)
        with pytest.raises(
            ValueError, match=rf"x must have Euclidean distances of at most .*{dtype}"
        ):
            call(x, 2, metric=metric)
    # Counts need no such number.
    assert neighbors.count_within(x, np.inf, metric=metric).tolist() == [2, 2, 2]
    for algorithm in ("tree", "brute"):
        radius = np.full(3, np.finfo(dtype).max, dtype)
        given = (device.blocks([x]), radius, False, metric, algorithm, 1)
        assert device.kernels.count_within(*given)[0].tolist() == [0, 1, 1]
    assert neighbors.count_within(x, largest, metric=metric).tolist() == [0, 1, 1]


@pytest.mark.parametrize("strict", [True, False])
def test_counts_within_radii_that_were_found(strict, dtype, simd_level):
    """A radius that is returned is rounded, and the distances that it is compared with likewise."""
    info = np.finfo(dtype)
    for unit in (info.minexp - info.nmant, info.minexp - 8, info.maxexp - 13, 0):
        for name in ("grid", "cauchy"):
            block = np.ldexp(np.round(draw_blocks(name, 200, (3,), dtype)[0]), unit).clip(
                -info.max / 2, info.max / 2
            )
            for algorithm in ("tree", "brute"):
                radius = _cpu.kth_distance([block], [5], "euclidean", algorithm, 1)[0][0]
                got = _cpu.count_within([block], radius, strict, "euclidean", algorithm, 1)[0]
                expected = reference.count_within([block], radius, strict, "euclidean")
                np.testing.assert_array_equal(got, expected)
                assert (got < 5).all() if strict else (got >= 5).all()


@pytest.mark.parametrize(
    "outlier, kind", [(1e25, "float32"), (1e160, "float64"), (1e200, "float64")]
)
def test_an_outlier_leaves_the_conditional_estimate_as_it_is(outlier, kind, simd_level):
    """A second Euclidean distance in NumPy gave -1.2 for 0.003."""
    blocks = draw_blocks("gaussian", 300, (1, 1, 3), kind)
    plain = float(fastmi.cmi(*blocks, k=4, method="ksg2", metric="euclidean"))
    blocks[2][7, 1] = outlier
    got = fastmi.cmi(*blocks, k=4, method="ksg2", metric="euclidean")
    assert float(got) == pytest.approx(plain, abs=0.02)
    expected = reference.conditional_counts(
        *(b.astype(np.longdouble) for b in blocks), 4, 2, "euclidean"
    )
    np.testing.assert_array_equal(got.counts, expected)


def test_an_outlier_too_far_out_is_the_same_error_everywhere(dtype):
    blocks = draw_blocks("gaussian", 300, (2, 1, 3), dtype)
    blocks[2][7, 1] = 0.4 * np.finfo(dtype).max
    for call in (
        lambda: fastmi.cmi(*blocks, method="ksg2", metric="euclidean"),
        lambda: fastmi.cmi(*blocks, method="fp", metric="euclidean"),
        lambda: fastmi.cmi(*blocks, method="ksg2", metric="euclidean", theiler=2),
        lambda: neighbors.kth_distance(blocks[2], 3, metric="euclidean"),
    ):
        with pytest.raises(ValueError, match="x must not have outliers so far out"):
            call()


@pytest.mark.parametrize("unit", ["smallest", "largest"])
@pytest.mark.parametrize("dims", [(7, 8), (9, 9)])
def test_steps_at_both_ends_of_the_range(unit, dims, dtype, simd_level):
    """Sweeps in many dims compare 15-bit coordinates."""
    info = np.finfo(dtype)
    blocks = draw_blocks("gaussian", 200, dims, dtype)
    if unit == "largest":
        blocks = [(b / np.abs(b).max() * (info.max / 2)).astype(dtype) for b in blocks]
    else:
        blocks = [np.ldexp(np.round(b * 1000), info.minexp - info.nmant) for b in blocks]
    x, y = blocks
    scales = (1.0, 0.5, 0.3)
    counts = _cpu.ksg_sweep(x, y, list(scales), [4, 1], "chebyshev", 1)[2]
    for q, k in enumerate((4, 1)):
        np.testing.assert_array_equal(counts[:, q], reference.sweep_counts(x, y, scales, k))


def test_bytes_at_the_lower_end_of_the_range(dtype, simd_level):
    """The search on 8-bit coordinates has an upper end in `test_knn.py`."""
    info = np.finfo(dtype)
    whole = np.round(1000 * draw_blocks("gaussian", 520, (12,), dtype)[0])
    radius = reference.kth_distance([whole], [60], "chebyshev")
    counts = {s: reference.count_within([whole], radius[0], s, "chebyshev") for s in (True, False)}
    for unit in (info.minexp - info.nmant, info.minexp):
        block, reach = np.ldexp(whole, unit), np.ldexp(radius, unit)
        for algorithm in ("tree", "brute"):
            got = _cpu.kth_distance([block], [60], "chebyshev", algorithm, 1)[0]
            np.testing.assert_array_equal(got, reach)
            for strict, expected in counts.items():
                got = _cpu.count_within([block], reach[0], strict, "chebyshev", algorithm, 1)[0]
                np.testing.assert_array_equal(got, expected)
