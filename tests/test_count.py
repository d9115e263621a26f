"""count_within against the full distance matrix: strict and closed, on and off the edge."""

from functools import cache
from itertools import product

import numpy as np
import pytest

import reference
from devices import CPU
from fastmi import _cpu, neighbors
from samples import EDGE_SIZES, LAYOUTS, SAMPLES, SCALES, accepts, draw, draw_blocks, draw_scaled


def edge_radii(blocks, metric):
    """Return radii (7, n) that tell < from <=: distances, the floats next to them, 0 and inf."""
    distances = reference.joint_distances(blocks, metric)
    n = len(distances)
    pick = np.random.default_rng(n).integers(0, n, (3, n))
    exact = distances[np.arange(n), pick]
    zero, inf = np.zeros_like(exact[0]), np.full_like(exact[0], np.inf)
    with np.errstate(under="ignore"):
        above, below = np.nextafter(exact[0], inf), np.nextafter(exact[1], zero)
    # The float next to 0 is the smallest positive number, which has a test of its own.
    above[exact[0] == 0] = np.finfo(distances.dtype).tiny
    return np.stack([*exact, above, below, zero, inf])


@cache
def expected(name, n, dims, dtype, metric):
    make = draw_scaled if name in SCALES[dtype] else draw_blocks
    blocks = make(name, n, dims, dtype)
    radii = edge_radii(blocks, metric)
    return [
        (radii, strict, reference.count_within(blocks, radii, strict, metric))
        for strict in (True, False)
    ]


def check(name, n, dims, dtype, metric, algorithm, threads=1, device=CPU):
    make = draw_scaled if name in SCALES[dtype] else draw_blocks
    blocks = device.blocks(make(name, n, dims, dtype))
    for radii, strict, counts in expected(name, n, dims, dtype, metric):
        for row, radius in enumerate(radii):
            got, ran = device.kernels.count_within(
                blocks, radius, strict, metric, algorithm, threads
            )
            assert ran in {"tree", "brute", "sort"} if algorithm == "auto" else ran == algorithm
            case = f"{name} n={n} dims={dims} radius {row} strict={strict}"
            np.testing.assert_array_equal(got, counts[row], err_msg=case)
            assert got.dtype == np.int64


@pytest.mark.parametrize("algorithm", ["brute", "tree"])
def test_a_gpu_counts_the_same(dtype, metric, algorithm, any_gpu):
    for name, dims in any_gpu.some(list(product(SAMPLES, LAYOUTS))):
        check(name, 129, dims, dtype, metric, algorithm, device=any_gpu)
    for n in any_gpu.some(EDGE_SIZES):
        for dims in [(1,), (2,), (1, 1), (9,)]:
            check("grid", n, dims, dtype, metric, algorithm, device=any_gpu)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_data(name, dtype, metric, algorithm, simd_level):
    for dims in LAYOUTS:
        if accepts(algorithm, dims, 0):
            check(name, 129, dims, dtype, metric, algorithm)


@pytest.mark.parametrize("n", EDGE_SIZES)
def test_sizes_around_tile_edges(n, dtype, metric, algorithm, simd_level):
    for dims in [(1,), (2,), (1, 1), (9,)]:
        if accepts(algorithm, dims, 0):
            check("grid", n, dims, dtype, metric, algorithm)


@pytest.mark.parametrize("algorithm", ["auto", "tree", "brute"])
def test_every_number_of_dims(dtype, metric, algorithm, simd_level):
    for d in range(1, 41):
        check("gaussian", 67, (d,), dtype, metric, algorithm)


@pytest.mark.parametrize("scale", SCALES["float64"])
def test_extreme_scales(scale, dtype, metric, algorithm, simd_level):
    for dims in [(1,), (2,), (1, 1), (20, 3)]:
        if accepts(algorithm, dims, 0):
            check(scale, 130, dims, dtype, metric, algorithm)


@pytest.mark.parametrize("name", ["lognormal", "grid"])
def test_thread_counts(name, threads, dtype, metric, algorithm):
    for dims in [(1,), (2,), (1, 1)]:
        for n in (3, 65, 500):
            if accepts(algorithm, dims, 0):
                check(name, n, dims, dtype, metric, algorithm, threads)


def test_one_large_sample_by_rank(dtype, metric, algorithm):
    """Equally spaced values have counts in closed form for every n."""
    n, r = 20_001, 250
    x = np.random.default_rng(0).permutation(n).astype(dtype)[:, None]
    radius = np.full(n, r, dtype=dtype)
    rank = x[:, 0].astype(np.int64)
    for strict in (True, False):
        reach = r - 1 if strict else r
        counts = np.minimum(rank, reach) + np.minimum(n - 1 - rank, reach)
        got = _cpu.count_within([x], radius, strict, metric, algorithm, 2)[0]
        np.testing.assert_array_equal(got, counts)


def test_strict_count_at_the_kth_distance_is_below_k(dtype, metric, algorithm, simd_level):
    k = 7
    blocks = draw_blocks("offset", 400, (1,) if algorithm == "sort" else (1, 1), dtype)
    radius = _cpu.kth_distance(blocks, [k], metric, algorithm, 1)[0][0]
    assert _cpu.count_within(blocks, radius, True, metric, algorithm, 1)[0].max() < k
    assert _cpu.count_within(blocks, radius, False, metric, algorithm, 1)[0].min() >= k


def test_smallest_positive_radius(dtype, metric, algorithm):
    """The ball holds the copies of a sample and nothing else."""
    for dims in [(1,), (3,), (2, 1)]:
        if accepts(algorithm, dims, 0):
            blocks = draw_blocks("duplicates", 100, dims, dtype)
            least = np.full(100, np.nextafter(np.zeros(1, dtype), np.ones(1, dtype)))
            zero = np.zeros(100, dtype)
            strict = _cpu.count_within(blocks, least, True, metric, algorithm, 1)[0]
            closed = _cpu.count_within(blocks, zero, False, metric, algorithm, 1)[0]
            np.testing.assert_array_equal(strict, closed, err_msg=str(dims))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_data_at_every_size(name, dtype, metric, algorithm, simd_level):
    for dims in LAYOUTS:
        for n in EDGE_SIZES:
            if accepts(algorithm, dims, 0):
                check(name, n, dims, dtype, metric, algorithm)


class TestPublicFunction:
    def test_scalar_radius_and_vector_radius(self, dtype, metric):
        x = draw("grid", 200, 2, dtype)
        radius = np.full(200, 2.0, dtype=dtype)
        for strict in (True, False):
            counts = reference.count_within([x], radius, strict, metric)
            for given in (2.0, 2, radius):
                got = neighbors.count_within(x, given, strict=strict, metric=metric)
                np.testing.assert_array_equal(got, counts)

    def test_strict_is_the_default(self):
        x = np.arange(5.0)
        np.testing.assert_array_equal(neighbors.count_within(x, 1.0), [0, 0, 0, 0, 0])

    def test_joint_blocks(self, dtype, metric):
        x, y = draw_blocks("grid", 150, (1, 3), dtype)
        radius = np.full(150, 3.0, dtype=dtype)
        got = neighbors.count_within((x, y), radius, strict=False, metric=metric)
        np.testing.assert_array_equal(got, reference.count_within([x, y], radius, False, metric))

    def test_zero_and_infinite_radius(self, dtype, metric):
        x = draw("duplicates", 200, 2, dtype)
        copies = [(x == row).all(axis=1).sum() - 1 for row in x]
        np.testing.assert_array_equal(neighbors.count_within(x, 0.0, metric=metric), 0)
        np.testing.assert_array_equal(
            neighbors.count_within(x, 0.0, strict=False, metric=metric), copies
        )
        np.testing.assert_array_equal(neighbors.count_within(x, np.inf, metric=metric), 199)

    @pytest.mark.parametrize("radius", [-1.0, np.nan, [1.0, 2.0]])
    def test_bad_radius(self, radius):
        with pytest.raises(ValueError, match="radius"):
            neighbors.count_within(np.arange(5.0), radius)
