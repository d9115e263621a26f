"""kth_distance and kneighbors against the full distance matrix, bit for bit."""

from functools import cache
from itertools import product

import numpy as np
import pytest

import reference
from devices import CPU
from fastmi import _cpu, neighbors
from samples import (
    EDGE_SIZES,
    LAYOUTS,
    SAMPLES,
    SCALES,
    SMALL_SIZES,
    SORT_MAX_K,
    accepts,
    draw,
    draw_blocks,
    draw_scaled,
)


def neighbor_count(n):
    """Return the number of neighbours to test, large only where the definition is fast."""
    return min(100 if n <= 200 else 20, n - 1)


@cache
def expected(name, n, dims, dtype, metric):
    make = draw_scaled if name in SCALES[dtype] else draw_blocks
    return reference.kneighbors(make(name, n, dims, dtype), neighbor_count(n), metric)


def check(name, n, dims, dtype, metric, algorithm, threads=1, device=CPU):
    """Hold kneighbors, and kth_distance for several k, to the definition on one sample."""
    make = draw_scaled if name in SCALES[dtype] else draw_blocks
    blocks = device.blocks(make(name, n, dims, dtype))
    case = f"{name} n={n} dims={dims}"
    distance, index = expected(name, n, dims, dtype, metric)
    k = distance.shape[1]

    if algorithm != "sort":
        got_distance, got_index = device.kernels.kneighbors(blocks, k, metric, algorithm, threads)[
            :2
        ]
        np.testing.assert_array_equal(got_distance, distance, err_msg=case)
        np.testing.assert_array_equal(got_index, index, err_msg=case)
        assert got_distance.dtype == dtype
        assert got_index.dtype == np.int64

    ks = [k for k in sorted({1, min(3, k), min(17, k), k}) if accepts(algorithm, dims, k)]
    got_kth, ran = device.kernels.kth_distance(blocks, ks, metric, algorithm, threads)
    assert ran in {"tree", "brute", "sort"} if algorithm == "auto" else ran == algorithm
    np.testing.assert_array_equal(got_kth, distance.T[[k - 1 for k in ks]], err_msg=case)
    assert got_kth.dtype == dtype


@pytest.mark.parametrize("algorithm", ["brute", "tree"])
def test_a_gpu_finds_the_same(dtype, metric, algorithm, any_gpu):
    for name, dims in any_gpu.some(list(product(SAMPLES, LAYOUTS))):
        check(name, 129, dims, dtype, metric, algorithm, device=any_gpu)
    for n in any_gpu.some(EDGE_SIZES):
        for dims in [(1,), (2,), (1, 1), (9,)]:
            check("grid", n, dims, dtype, metric, algorithm, device=any_gpu)


def test_long_lists_on_a_gpu(dtype, metric, any_gpu):
    """k is around the list lengths that have kernels of their own, and beyond the longest."""
    n = 700 if any_gpu.cuda is None else 210
    blocks = draw_blocks("grid", n, (2, 1), dtype)
    lists = [1, 4, 5, 8, 9, 16, 17, 32, 33, 64, 65, 127, 128, 129, 200, n - 1]
    there = any_gpu.blocks(blocks)
    expected = _cpu.kth_distance(blocks, lists, metric, "brute", 1)[0]
    for algorithm in ("brute", "tree"):
        got = any_gpu.kernels.kth_distance(there, lists, metric, algorithm, 1)[0]
        np.testing.assert_array_equal(got, expected)
    for k in lists:
        got = any_gpu.kernels.kneighbors(there, k, metric, "auto", 1)[:2]
        for one, other in zip(got, _cpu.kneighbors(blocks, k, metric, "brute", 1)[:2], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_data(name, dtype, metric, algorithm, simd_level):
    for dims in LAYOUTS:
        if accepts(algorithm, dims):
            check(name, 129, dims, dtype, metric, algorithm)


@pytest.mark.parametrize("n", EDGE_SIZES)
def test_sizes_around_tile_edges(n, dtype, metric, algorithm, simd_level):
    for dims in [(1,), (3,), (1, 1), (9,)]:
        if accepts(algorithm, dims):
            check("gaussian", n, dims, dtype, metric, algorithm)
            check("grid", n, dims, dtype, metric, algorithm)


@pytest.mark.parametrize("algorithm", ["auto", "tree", "brute"])
def test_every_number_of_dims(dtype, metric, algorithm, simd_level):
    for d in range(1, 41):
        check("gaussian", 67, (d,), dtype, metric, algorithm)
        check("grid", 67, (d, 41 - d), dtype, metric, algorithm)


@pytest.mark.parametrize("scale", SCALES["float64"])
def test_extreme_scales(scale, dtype, metric, algorithm, simd_level):
    for dims in [(1,), (2,), (1, 1), (7,), (20, 3)]:
        for n in (9, 130):
            if accepts(algorithm, dims):
                check(scale, n, dims, dtype, metric, algorithm)


@pytest.mark.parametrize("algorithm", ["auto", "tree", "brute"])
@pytest.mark.parametrize("dims", [(8,), (4, 4), (24,)])
def test_samples_over_the_whole_range(dims, dtype, algorithm, simd_level):
    """Enough samples for the search on 8-bit coordinates, whose steps must not overflow."""
    rng = np.random.default_rng(0)
    largest = 0.5 * float(np.finfo(dtype).max)
    blocks = [(rng.uniform(-0.7, 0.7, (640, d)) * largest).astype(dtype) for d in dims]
    got = _cpu.kth_distance(blocks, [1, 60], "chebyshev", algorithm, 1)[0]
    np.testing.assert_array_equal(got, reference.kth_distance(blocks, [1, 60], "chebyshev"))


def test_columns_of_very_different_scale(dtype, metric, algorithm, simd_level):
    factor = np.array([1e-30, 1.0, 1e18], dtype=dtype)
    x = np.ascontiguousarray(draw("gaussian", 150, 3, dtype) * factor)
    blocks = [x] if algorithm != "sort" else [np.ascontiguousarray(x[:, [c]]) for c in (0, 2)]
    got = _cpu.kth_distance(blocks, [1, 5], metric, algorithm, 1)[0]
    np.testing.assert_array_equal(got, reference.kth_distance(blocks, [1, 5], metric))


@pytest.mark.parametrize("name", ["clusters", "grid"])
def test_thread_counts(name, threads, dtype, metric, algorithm):
    for dims in [(1,), (2,), (1, 1)]:
        for n in (3, 65, 500):
            if accepts(algorithm, dims):
                check(name, n, dims, dtype, metric, algorithm, threads)


@pytest.mark.parametrize("algorithm", ["auto", "tree", "brute"])
def test_all_other_samples_are_neighbors(dtype, metric, algorithm):
    """k = n - 1: every index once, none of them the sample itself."""
    n = 300
    blocks = draw_blocks("duplicates", n, (1, 1), dtype)
    _, index = _cpu.kneighbors(blocks, n - 1, metric, algorithm, 2)[:2]
    for i in range(n):
        assert sorted(index[i]) == [j for j in range(n) if j != i]


def test_list_of_k_equals_each_k_alone(dtype, metric, algorithm, simd_level):
    for dims in LAYOUTS:
        ks = [5, 1, 100, 3, 3, 12]
        if dims == (1, 1):
            ks[2] = 64
        if not accepts(algorithm, dims, max(ks)):
            continue
        blocks = draw_blocks("lognormal", 200, dims, dtype)
        together = _cpu.kth_distance(blocks, ks, metric, algorithm, 1)[0]
        alone = [_cpu.kth_distance(blocks, [k], metric, algorithm, 1)[0][0] for k in ks]
        np.testing.assert_array_equal(together, np.stack(alone), err_msg=str(dims))


@pytest.mark.parametrize("algorithm", ["auto", "tree", "sort"])
def test_algorithms_agree_on_a_larger_sample(algorithm, dtype, metric):
    """Deep trees and many tiles are held to brute force, because the definition takes too long."""
    for dims in [(1,), (1, 1), (2, 2), (5, 5)]:
        if not accepts(algorithm, dims):
            continue
        blocks = draw_blocks("cauchy", 6000, dims, dtype)
        distance, index = _cpu.kneighbors(blocks, 4, metric, "brute", 1)[:2]
        kth = _cpu.kth_distance(blocks, [1, 4], metric, algorithm, 2)[0]
        np.testing.assert_array_equal(kth, distance.T[[0, 3]], err_msg=str(dims))
        if algorithm != "sort":
            other = _cpu.kneighbors(blocks, 4, metric, algorithm, 2)[:2]
            np.testing.assert_array_equal(other[0], distance, err_msg=str(dims))
            np.testing.assert_array_equal(other[1], index, err_msg=str(dims))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_data_at_every_size(name, dtype, metric, algorithm, simd_level):
    for dims in LAYOUTS:
        for n in EDGE_SIZES:
            if accepts(algorithm, dims):
                check(name, n, dims, dtype, metric, algorithm)


class TestPublicFunctions:
    """The functions of fastmi.neighbors: memory layouts, joint blocks, shapes."""

    @pytest.mark.parametrize("n", SMALL_SIZES)
    def test_one_block(self, n, dtype, metric):
        x = draw("grid", n, 3, dtype)
        k = min(4, n - 1)
        distance, index = reference.kneighbors([x], k, metric)
        got = neighbors.kneighbors(x, k, metric=metric)
        np.testing.assert_array_equal(got[0], distance)
        np.testing.assert_array_equal(got[1], index)
        np.testing.assert_array_equal(
            neighbors.kth_distance(x, k, metric=metric), distance[:, k - 1]
        )

    def test_tuple_means_joint_blocks(self, dtype, metric):
        x, y = draw_blocks("gaussian", 120, (2, 3), dtype)
        got = neighbors.kth_distance((x, y), [2, 5], metric=metric)
        np.testing.assert_array_equal(got, reference.kth_distance([x, y], [2, 5], metric))
        assert got.shape == (2, 120)

    @pytest.mark.parametrize(
        "relayout",
        [
            pytest.param(np.asfortranarray, id="fortran"),
            pytest.param(lambda x: np.repeat(x, 2, axis=0)[::2], id="strided-rows"),
            pytest.param(lambda x: np.repeat(x, 3, axis=1)[:, ::3], id="strided-columns"),
            pytest.param(lambda x: x[::-1].copy()[::-1], id="negative-stride"),
            pytest.param(lambda x: x.astype(x.dtype.newbyteorder()), id="byte-swapped"),
        ],
    )
    def test_layout_does_not_matter(self, relayout, dtype, metric):
        x = draw("gaussian", 130, 4, dtype)
        other = relayout(x)
        np.testing.assert_array_equal(other, x)
        distance, index = neighbors.kneighbors(other, 6, metric=metric)
        expected_distance, expected_index = reference.kneighbors([x], 6, metric)
        np.testing.assert_array_equal(distance, expected_distance)
        np.testing.assert_array_equal(index, expected_index)

    def test_caller_data_is_untouched(self, dtype):
        x = draw("gaussian", 500, 2, dtype)
        before = x.copy()
        x.setflags(write=False)
        neighbors.kneighbors(x, 3)
        np.testing.assert_array_equal(x, before)


class TestContract:
    """Violations that the kernels must refuse themselves."""

    @pytest.mark.parametrize("k", [0, -1, 10, 11])
    def test_k_out_of_range(self, k, algorithm):
        x = draw("gaussian", 10, 1, "float64")
        if algorithm != "sort":
            with pytest.raises(ValueError, match="k"):
                _cpu.kneighbors([x], k, "chebyshev", algorithm, 1)
        with pytest.raises(ValueError, match="k"):
            _cpu.kth_distance([x], [1, k], "chebyshev", algorithm, 1)

    @pytest.mark.parametrize("dims", [(2,), (1, 2), (1, 1, 1)])
    def test_sort_needs_one_or_two_columns(self, dims):
        blocks = draw_blocks("gaussian", 10, dims, "float64")
        with pytest.raises(ValueError, match="sort"):
            _cpu.kth_distance(blocks, [1], "chebyshev", "sort", 1)

    def test_sort_keeps_no_indices_and_few_joint_neighbors(self):
        blocks = draw_blocks("gaussian", 100, (1, 1), "float64")
        with pytest.raises(ValueError, match="sort"):
            _cpu.kneighbors(blocks[:1], 1, "chebyshev", "sort", 1)
        _cpu.kth_distance(blocks, [SORT_MAX_K], "chebyshev", "sort", 1)
        with pytest.raises(ValueError, match="sort"):
            _cpu.kth_distance(blocks, [SORT_MAX_K + 1], "chebyshev", "sort", 1)

    def test_unknown_names(self):
        x = draw("gaussian", 10, 1, "float64")
        with pytest.raises(ValueError, match="manhattan"):
            _cpu.kth_distance([x], [1], "manhattan", "auto", 1)
        with pytest.raises(ValueError, match="magic"):
            _cpu.kth_distance([x], [1], "chebyshev", "magic", 1)

    def test_blocks_of_different_length(self):
        x, y = np.zeros((10, 1)), np.zeros((9, 1))
        with pytest.raises(ValueError, match=r"9|10"):
            _cpu.kth_distance([x, y], [1], "chebyshev", "auto", 1)

    def test_no_blocks(self):
        with pytest.raises((ValueError, TypeError)):
            _cpu.kth_distance([], [1], "chebyshev", "auto", 1)

    def test_unknown_simd_level(self, monkeypatch):
        monkeypatch.setenv("FASTMI_SIMD_LEVEL", "mmx")
        with pytest.raises(ValueError, match="mmx"):
            _cpu.kth_distance([np.zeros((10, 1))], [1], "chebyshev", "brute", 1)


@pytest.mark.parametrize("algorithm", ["auto", "tree", "brute"])
def test_one_far_outlier_takes_nothing_from_euclidean_distances(algorithm, dtype):
    far = {np.float32: 1e25, np.float64: 1e200}[np.dtype(dtype).type]
    x = draw("gaussian", 150, 3, dtype).copy()
    expected = _cpu.kth_distance([x[1:].copy()], [3], "euclidean", algorithm, 1)[0]
    x[0] = far
    got = _cpu.kth_distance([x], [3], "euclidean", algorithm, 1)[0]
    np.testing.assert_array_equal(got[:, 1:], expected)


def test_an_outlier_beyond_squaring_is_refused():
    x = draw("gaussian", 150, 3, np.float32).copy()
    x[0] = 9.96921e36
    with pytest.raises(ValueError, match="outliers so far out"):
        _cpu.kth_distance([x], [3], "euclidean", "auto", 1)
    assert np.isfinite(_cpu.kth_distance([x], [3], "chebyshev", "auto", 1)[0]).all()


@pytest.mark.parametrize("algorithm", ["tree", "brute"])
def test_outliers_meet_no_unused_lanes(algorithm, dtype, simd_level):
    # Coordinates beyond the range of the 8-bit filter look like the unused lanes of the last tile,
    # which hold no sample. Such are those of the cluster around zero, far above all others.
    x = draw("gaussian", 600, 16, dtype) - 100
    x[::120] += 100
    x = np.ascontiguousarray(x, dtype=dtype)
    got = _cpu.kth_distance([x], [1, 3], "chebyshev", algorithm, 1)[0]
    np.testing.assert_array_equal(got, reference.kth_distance([x], [1, 3], "chebyshev"))
    radius = np.full(len(x), 1.5, dtype=dtype)
    counts = _cpu.count_within([x], radius, True, "chebyshev", algorithm, 1)[0]
    np.testing.assert_array_equal(counts, reference.count_within([x], radius, True, "chebyshev"))
