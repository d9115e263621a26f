"""The fused KSG kernel and the estimators on top of it, against the definition."""

from functools import cache
from itertools import product

import numpy as np
import pytest

import fastmi
import reference
from devices import CPU
from fastmi import _cpu
from samples import EDGE_SIZES, SAMPLES, SCALES, accepts, draw, draw_blocks, draw_scaled

LAYOUTS = ((1, 1), (2, 2), (1, 4), (6, 1), (10, 10), (1, 1, 1), (2, 1, 3))


@pytest.fixture(params=[1, 2], ids=["ksg1", "ksg2"])
def variant(request):
    return request.param


def sample(name, n, dims, dtype):
    make = draw_scaled if name in SCALES[dtype] else draw_blocks
    return make(name, n, dims, dtype)


@cache
def expected(name, n, dims, dtype, metric, variant, ks):
    return reference.ksg_terms(sample(name, n, dims, dtype), ks, variant, metric)


def check(name, n, dims, dtype, metric, variant, algorithm, threads=1, device=CPU):
    """Hold counts to the definition exactly, and digamma sums to rounding."""
    blocks = device.blocks(sample(name, n, dims, dtype))
    ks = tuple(sorted({1, min(3, n - 1), min(20, n - 1)}))
    mean, std, counts, zero, sums, ran = device.kernels.ksg(
        blocks, list(ks), variant, metric, algorithm, threads
    )
    # Variant 2 needs the indices of the neighbours, which the sorted search does not give.
    found = {
        "auto": {"tree", "brute", "sort"},
        "sort": {"sort"} if variant == 1 else {"tree", "brute"},
    }
    assert ran in found.get(algorithm, {algorithm})
    assert counts.dtype == np.int64
    assert counts.shape == (len(ks), len(dims), n)
    for row, terms in enumerate(expected(name, n, dims, dtype, metric, variant, ks)):
        case = f"{name} n={n} dims={dims} k={ks[row]}"
        np.testing.assert_array_equal(counts[row], terms.counts, err_msg=case)
        assert zero[row] == terms.zero_radius, case
        np.testing.assert_array_equal(sums[row], terms.counts[:2].sum(axis=1), err_msg=case)
        # A sum of n terms of a few units loses up to n eps to rounding, about 1e-12.
        np.testing.assert_allclose(mean[row], terms.psi.mean(), rtol=0, atol=1e-12)
        np.testing.assert_allclose(std[row], terms.psi.std(), rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("algorithm", ["brute", "tree"])
def test_a_gpu_estimates_the_same(dtype, metric, variant, algorithm, any_gpu):
    for name, dims in any_gpu.some(list(product(SAMPLES, LAYOUTS))):
        check(name, 129, dims, dtype, metric, variant, algorithm, device=any_gpu)
    for n in any_gpu.some(EDGE_SIZES):
        for dims in [(1, 1), (2, 1), (5, 5)]:
            check("grid", n, dims, dtype, metric, variant, algorithm, device=any_gpu)


@pytest.mark.parametrize("dims", [(1, 1), (3, 2), (20, 20), (100, 28)])
def test_a_gpu_counts_the_same_at_size(dims, dtype, metric, variant, any_gpu):
    # At these sizes a GPU uses its large tiles, and one pass for k <= 2.
    n = (34_211 if sum(dims) <= 40 else 20_011) if any_gpu.cuda is None else 611
    blocks = sample("gaussian", n, dims, dtype)
    there = any_gpu.blocks(blocks)
    for ks in ([3, 10], [2, 1]):
        mean, _, counts, _ = _cpu.ksg(blocks, ks, variant, metric, "auto", 2)[:4]
        for algorithm in ("brute", "tree") if sum(dims) <= 12 else ("brute",):
            got = any_gpu.kernels.ksg(there, ks, variant, metric, algorithm, 1)[:4]
            np.testing.assert_array_equal(got[2], counts)
            np.testing.assert_allclose(got[0], mean, rtol=1e-12)
            again = any_gpu.kernels.ksg(there, ks, variant, metric, algorithm, 1)[:4]
            np.testing.assert_array_equal(got[0], again[0])


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_data(name, dtype, metric, variant, algorithm, simd_level):
    for dims in LAYOUTS:
        if accepts(algorithm, dims):
            check(name, 129, dims, dtype, metric, variant, algorithm)


@pytest.mark.parametrize("n", EDGE_SIZES)
def test_sizes_around_tile_edges(n, dtype, metric, variant, algorithm, simd_level):
    for dims in [(1, 1), (2, 1), (5, 5)]:
        if accepts(algorithm, dims):
            check("gaussian", n, dims, dtype, metric, variant, algorithm)
            check("grid", n, dims, dtype, metric, variant, algorithm)


@pytest.mark.parametrize("algorithm", ["auto", "tree", "brute"])
def test_every_number_of_dims(dtype, metric, variant, algorithm, simd_level):
    for d in range(1, 41):
        check("gaussian", 67, (d, 41 - d), dtype, metric, variant, algorithm)


@pytest.mark.parametrize("scale", SCALES["float64"])
def test_extreme_scales(scale, dtype, metric, variant, algorithm, simd_level):
    if (scale, metric) == ("subnormal", "euclidean"):
        pytest.skip("the reference compares rounded distances; test_unit.py has exact ones")
    for dims in [(1, 1), (2, 2), (20, 3)]:
        if accepts(algorithm, dims):
            check(scale, 130, dims, dtype, metric, variant, algorithm)


@pytest.mark.parametrize("name", ["mixed", "gaussian"])
def test_thread_counts(name, threads, dtype, metric, variant, algorithm):
    for dims in [(1, 1), (2, 2)]:
        for n in (3, 65, 500):
            if accepts(algorithm, dims):
                check(name, n, dims, dtype, metric, variant, algorithm, threads)


def test_discrete_x_with_continuous_y(dtype, metric, variant, algorithm, simd_level):
    """A margin has mass points: many D_x are 0, and none of the joint radii is."""
    x = draw("grid", 300, 1, dtype)
    y = np.ascontiguousarray(draw("gaussian", 300, 1, dtype) + x)
    (terms,) = reference.ksg_terms([x, y], [4], variant, metric)
    _, _, counts, zero = _cpu.ksg([x, y], [4], variant, metric, algorithm, 1)[:4]
    np.testing.assert_array_equal(counts[0], terms.counts)
    assert zero[0] == terms.zero_radius == 0


@pytest.mark.parametrize("dims", [(1, 1), (3, 2), (10, 10)])
def test_every_path_returns_the_same_bits(dims, dtype, metric, variant, simd_levels, monkeypatch):
    """So do means and deviations, whose order of summation is the same on every path."""
    blocks = draw_blocks("lognormal", 700, dims, dtype)
    results = []
    for level in simd_levels:
        monkeypatch.setenv("FASTMI_SIMD_LEVEL", level)
        for algorithm in ("auto", "tree", "brute", "sort"):
            for threads in (1, 3):
                if accepts(algorithm, dims):
                    results.append(
                        _cpu.ksg(blocks, [1, 5], variant, metric, algorithm, threads)[:4]
                    )
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_list_of_k_equals_each_k_alone(dtype, metric, variant, algorithm, simd_level):
    for dims in LAYOUTS:
        ks = [4, 1, 199, 100, 4] if algorithm != "sort" else [4, 1, 64, 33, 4]
        if not accepts(algorithm, dims):
            continue
        blocks = draw_blocks("cauchy", 200, dims, dtype)
        together = _cpu.ksg(blocks, ks, variant, metric, algorithm, 1)[:4]
        for row, k in enumerate(ks):
            alone = _cpu.ksg(blocks, [k], variant, metric, algorithm, 1)[:4]
            for a, b in zip(together, alone, strict=True):
                np.testing.assert_array_equal(a[row], b[0], err_msg=f"dims={dims} k={k}")


@pytest.mark.parametrize("algorithm", ["tree", "sort", "auto"])
def test_algorithms_agree_on_a_larger_sample(algorithm, dtype, metric, variant):
    for dims in [(1, 1), (2, 2), (5, 5)]:
        if accepts(algorithm, dims):
            blocks = draw_blocks("clusters", 3000, dims, dtype)
            plain = _cpu.ksg(blocks, [3, 10], variant, metric, "brute", 1)[:4]
            other = _cpu.ksg(blocks, [3, 10], variant, metric, algorithm, 2)[:4]
            for a, b in zip(plain, other, strict=True):
                np.testing.assert_array_equal(a, b, err_msg=str(dims))


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_data_at_every_size(name, dtype, metric, variant, algorithm, simd_level):
    for dims in LAYOUTS:
        for n in EDGE_SIZES:
            if accepts(algorithm, dims):
                check(name, n, dims, dtype, metric, variant, algorithm)


class TestEstimator:
    """The formula that fastmi.mi adds to the kernel."""

    @pytest.mark.parametrize("name", ["gaussian", "grid", "duplicates", "cauchy", "mixed"])
    def test_value_and_counts(self, name, dtype, metric, variant):
        x, y = draw_blocks(name, 300, (2, 1), dtype)
        got = fastmi.mi(x, y, k=4, method=f"ksg{variant}", metric=metric, noise=0)
        assert float(got) == pytest.approx(reference.ksg_mi([x, y], 4, variant, metric), abs=1e-12)
        np.testing.assert_array_equal(
            got.counts, reference.ksg_terms([x, y], [4], variant, metric)[0].counts
        )

    def test_local_values_average_to_the_estimate(self, variant):
        x, y = draw_blocks("gaussian", 400, (1, 2), "float64")
        got = fastmi.mi(x, y, k=3, method=f"ksg{variant}")
        assert got.local.shape == (400,)
        assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
        assert got.stderr == pytest.approx(got.local.std() / np.sqrt(400), rel=1e-9)

    def test_sequence_of_k(self, variant):
        x, y = draw_blocks("gaussian", 250, (1, 1), "float64")
        method = f"ksg{variant}"
        several = fastmi.mi(x, y, k=[2, 5, 9], method=method)
        assert [e.k for e in several] == [2, 5, 9]
        for one in several:
            alone = fastmi.mi(x, y, k=one.k, method=method)
            assert float(one) == float(alone)
            np.testing.assert_array_equal(one.counts, alone.counts)
            np.testing.assert_array_equal(one.local, alone.local)

    def test_non_contiguous_input(self, dtype):
        x, y = draw_blocks("gaussian", 200, (3, 1), dtype)
        wide = np.asfortranarray(np.hstack([y, x, y]))
        assert float(fastmi.mi(wide[:, 1:4], wide[:, 0])) == float(fastmi.mi(x, y))

    def test_integers_are_computed_in_float64(self):
        x, y = draw_blocks("grid", 200, (1, 2), "float64")
        assert float(fastmi.mi(x.astype(np.int8), y.astype(np.int64))) == float(fastmi.mi(x, y))

    def test_noise_is_seeded(self):
        x, y = draw_blocks("grid", 200, (1, 1), "float64")
        plain = fastmi.mi(x, y, noise=0)
        assert float(plain) == float(fastmi.mi(x, y, noise=0))
        noisy = [float(fastmi.mi(x, y, noise=1e-6, seed=s)) for s in (1, 1, 2)]
        assert noisy[0] == noisy[1]
        assert noisy[0] != float(plain)
        assert noisy[0] != noisy[2]


def test_contract():
    x = draw("gaussian", 10, 1, "float64")
    y = draw("gaussian", 10, 2, "float64")
    with pytest.raises(ValueError, match="variant"):
        _cpu.ksg([x, x], [3], 3, "chebyshev", "auto", 1)
    with pytest.raises(ValueError, match="sort"):
        _cpu.ksg([x, y], [3], 1, "chebyshev", "sort", 1)
    with pytest.raises(ValueError, match="sort"):
        _cpu.ksg([x, x, x], [3], 1, "chebyshev", "sort", 1)
    for k in (0, 10):
        with pytest.raises(ValueError, match="k"):
            _cpu.ksg([x, y], [3, k], 1, "chebyshev", "auto", 1)
