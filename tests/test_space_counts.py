"""space_counts against its definition: joint k-th distances, and counts within them by space."""

from functools import cache
from itertools import product

import numpy as np
import pytest

import reference
from devices import CPU
from fastmi import _cpu
from fastmi.ops.space_counts import space_counts
from samples import EDGE_SIZES, SAMPLES, SCALES, accepts, draw_blocks, draw_scaled

# Blocks in all, and spaces of them: those of the conditional estimators, of one block, all blocks,
# blocks out of order, and a block named twice.
CASES = (
    ((1,), ((0,), (0, 0))),
    ((1, 1), ((0,), (1,), (0, 1), (1, 0))),
    ((1, 1, 1), ((0, 2), (1, 2), (2,), (0, 1, 2))),
    ((3, 1, 2), ((0, 2), (1, 2), (2,), (2, 1, 0), (1, 1))),
    ((6,), ((0,),)),
    ((10, 9), ((0,), (1,), (0, 1))),
)


@cache
def drawn(name, n, dims, dtype):
    make = draw_scaled if name in SCALES[dtype] else draw_blocks
    return make(name, n, dims, dtype)


@cache
def expected(name, n, dims, dtype, ks, spaces, strict, metric):
    return reference.space_counts(drawn(name, n, dims, dtype), ks, spaces, strict, metric)


def check(name, n, dims, spaces, dtype, metric, algorithm, threads=1, device=CPU, ks=None):
    # Neither sorted nor distinct; few of them where "sort" knows no more.
    ks = ks or (min(4, n - 1), 1, min(9, n - 1), 1)
    blocks = device.blocks(drawn(name, n, dims, dtype))
    for strict in (True, False):
        radius, counts, ran = device.kernels.space_counts(
            blocks, list(ks), [list(space) for space in spaces], strict, metric, algorithm, threads
        )
        assert ran in {"tree", "brute", "sort"} if algorithm == "auto" else ran == algorithm
        case = f"{name} n={n} dims={dims} strict={strict}"
        right = expected(name, n, dims, dtype, ks, spaces, strict, metric)
        np.testing.assert_array_equal(radius, right[0], err_msg=case)
        np.testing.assert_array_equal(counts, right[1], err_msg=case)
        assert radius.dtype == dtype
        assert counts.dtype == np.int64


def served(algorithm):
    return [case for case in CASES if accepts(algorithm, case[0])]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_data(name, dtype, metric, algorithm, simd_level):
    for dims, spaces in served(algorithm):
        check(name, 129, dims, spaces, dtype, metric, algorithm)


@pytest.mark.parametrize("n", EDGE_SIZES)
def test_sizes_around_tile_edges(n, dtype, metric, algorithm, simd_level):
    for dims, spaces in served(algorithm)[:4]:
        check("grid", n, dims, spaces, dtype, metric, algorithm)


@pytest.mark.parametrize("algorithm", ["brute", "tree"])
def test_a_gpu_counts_the_same(dtype, metric, algorithm, any_gpu):
    for name, (dims, spaces) in any_gpu.some(list(product(SAMPLES, CASES))):
        check(name, 129, dims, spaces, dtype, metric, algorithm, device=any_gpu)
    for n in any_gpu.some(EDGE_SIZES):
        for dims, spaces in CASES[:4]:
            check("grid", n, dims, spaces, dtype, metric, algorithm, device=any_gpu)


@pytest.mark.parametrize("scale", SCALES["float64"])
def test_extreme_scales(scale, dtype, metric, algorithm):
    if (scale, metric) == ("subnormal", "euclidean"):
        pytest.skip("a Euclidean distance in the subnormal range is rounded twice")
    for dims, spaces in served(algorithm):
        check(scale, 130, dims, spaces, dtype, metric, algorithm)


@pytest.mark.parametrize("name", ["lognormal", "grid"])
def test_thread_counts(name, threads, dtype, metric, algorithm):
    for dims, spaces in served(algorithm)[:3]:
        for n in (3, 500):
            check(name, n, dims, spaces, dtype, metric, algorithm, threads)


@pytest.mark.parametrize("ks", [(1,), (3, 5, 10), (599, 1, 64)])
def test_many_samples_and_neighbours(ks, dtype, metric, device):
    """Enough samples for a tree and for the filter by bytes; every list of k by itself."""
    for dims, spaces in CASES[2:]:
        check("gaussian", 600, dims, spaces, dtype, metric, "auto", device=device, ks=ks)


@pytest.mark.parametrize("strict", [True, False])
def test_is_the_search_and_the_counts_one_by_one(strict, dtype, metric, device):
    blocks = device.blocks(draw_blocks("mixed", 200, (1, 2, 1), dtype))
    spaces = [[0, 2], [1], [0, 1, 2]]
    kernels = device.kernels
    radius, counts, ran = kernels.space_counts(blocks, [5, 2], spaces, strict, metric, "auto", 1)
    distances, joint_ran = kernels.kth_distance(blocks, [5, 2], metric, "auto", 1)
    np.testing.assert_array_equal(radius, distances)
    assert ran == joint_ran
    for q, s in product(range(2), range(3)):
        space = [blocks[b] for b in spaces[s]]
        one = kernels.count_within(space, radius[q], strict, metric, "auto", 1)[0]
        np.testing.assert_array_equal(counts[q, s], one)


def test_no_spaces(metric, device):
    arrays = draw_blocks("gaussian", 50, (1, 2), "float64")
    radius, counts, _ = device.kernels.space_counts(
        device.blocks(arrays), [2, 1], [], True, metric, "auto", 1
    )
    np.testing.assert_array_equal(radius, reference.kth_distance(arrays, [2, 1], metric))
    assert counts.shape == (2, 0, 50)


def test_sort_counts_in_one_column_and_leaves_the_rest_to_auto(metric):
    x, y = draw_blocks("gaussian", 300, (1, 1), "float64")
    found = space_counts(
        [x, y],
        (3, 7),
        ((0,), (0, 1)),
        strict=False,
        metric=metric,
        algorithm="sort",
        n_jobs=1,
    )
    assert found.algorithm == "sort"
    radius, counts = reference.space_counts([x, y], (3, 7), ((0,), (0, 1)), False, metric)
    np.testing.assert_array_equal(found.radius, radius)
    np.testing.assert_array_equal(found.counts, counts)
    with pytest.raises(ValueError, match="needs one column"):
        _cpu.space_counts([x, y, x], [3], [[0]], True, metric, "sort", 1)


def test_bad_arguments(device):
    x, y = device.blocks(draw_blocks("gaussian", 20, (1, 2), "float64"))
    good = {
        "blocks": [x, y],
        "ks": [1],
        "spaces": [[0]],
        "strict": True,
        "metric": "chebyshev",
        "algorithm": "auto",
        "threads": 1,
    }
    for bad, message in (
        ({"ks": []}, "ks must not be empty"),
        ({"ks": [2, 20]}, r"k must be in \[1, n - 1\]; got k=20, n=20"),
        ({"spaces": [[0], [2]]}, r"spaces must name blocks in \[0, 2\); got 2"),
        ({"spaces": [[-1]]}, r"spaces must name blocks in \[0, 2\); got -1"),
        ({"spaces": [[0], []]}, "spaces must not have an empty one"),
        ({"blocks": []}, "blocks must not be empty"),
        ({"metric": "manhattan"}, "metric must be"),
        ({"algorithm": "ball"}, "algorithm must be"),
    ):
        with pytest.raises(ValueError, match=message):
            device.kernels.space_counts(*(good | bad).values())
    mixed = device.blocks(draw_blocks("gaussian", 20, (1,), "float32"))
    with pytest.raises(TypeError, match="all of one dtype"):
        device.kernels.space_counts(*(good | {"blocks": [x, *mixed]}).values())


def test_the_kth_neighbour_at_a_subnormal_distance_is_not_within_it(simd_level):
    # The distance rounds up to the radius that is returned, and is less before it does.
    x = np.array([[0.0, 3.1765056e-316], [9.5295168e-316, -3.1765056e-316]])
    counts = _cpu.space_counts([x], [1], [[0]], True, "euclidean", "auto", 1)[1]
    assert (counts == 0).all()
