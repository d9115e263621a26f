"""Counts within products of balls against their definition."""

from itertools import product

import numpy as np
import pytest

import reference
from fastmi import _cpu
from samples import SAMPLES, draw_blocks

SPACES = [[0, 2], [1, 2], [2]]


def check(blocks, ks, metric, algorithm="auto", threads=1):
    radius, counts, ran = _cpu.rectangle_counts(blocks, ks, SPACES, metric, algorithm, threads)
    assert algorithm in ("auto", ran)
    np.testing.assert_array_equal(radius, _cpu.kth_distance(blocks, ks, metric, algorithm, 1)[0])
    for k, found in zip(ks, counts, strict=True):
        expected = reference.conditional_counts(*blocks, k, 2, metric)
        np.testing.assert_array_equal(found, expected, err_msg=f"k={k} {metric} {algorithm}")


@pytest.mark.parametrize("name", SAMPLES)
def test_counts(name, dtype, metric, simd_level):
    """Windows of the line span several leaves, and samples at their ends several of equal value."""
    for dims in ((2, 1, 3), (1, 3, 1)):
        check(draw_blocks(name, 200, dims, dtype), [1, 5], metric)


@pytest.mark.parametrize("n", [2, 3, 9, 63, 64, 65, 129, 400])
def test_sizes_and_algorithms(n, dtype, metric):
    blocks = draw_blocks("gaussian", n, (2, 1, 2), dtype)
    for algorithm in ("tree", "brute"):
        check(blocks, sorted({1, n - 1}), metric, algorithm)


def test_columns_of_very_different_scale(dtype, metric, simd_level):
    for factors in product([1e-18, 1e15], repeat=3):
        blocks = draw_blocks("gaussian", 130, (2, 1, 2), dtype)
        blocks = [np.asarray(b * f, dtype) for b, f in zip(blocks, factors, strict=True)]
        check(blocks, [3], metric)


def test_threads_change_nothing(metric):
    blocks = draw_blocks("mixed", 700, (1, 2, 1), "float64")
    once, many = (_cpu.rectangle_counts(blocks, [2, 5], SPACES, metric, "auto", t) for t in (1, 4))
    for a, b in zip(once[:2], many[:2], strict=True):
        np.testing.assert_array_equal(a, b)


def test_radii(dtype, metric):
    blocks = draw_blocks("lognormal", 200, (3, 1, 2), dtype)
    neighbors = _cpu.kneighbors(blocks, 6, metric, "auto", 1)[1]
    for block in blocks:
        found = _cpu.rectangle_radii(block, neighbors, [6, 1, 4], metric, 1)
        near = np.take_along_axis(reference.block_distances(block, metric), neighbors, axis=1)
        expected = np.stack([near[:, :k].max(axis=1) for k in (6, 1, 4)])
        np.testing.assert_array_equal(found, expected)


def test_bad_arguments():
    blocks = draw_blocks("gaussian", 20, (1, 2, 1), "float64")
    neighbors = _cpu.kneighbors(blocks, 3, "chebyshev", "auto", 1)[1]
    for spaces, ks, algorithm, message in (
        ([[0], [2]], [3], "auto", "every space must hold the last block"),
        ([[2, 3]], [3], "auto", r"spaces must name blocks in \[0, 3\)"),
        ([[2]], [3, 1], "auto", "ks must be in ascending order"),
        ([[2]], [20], "auto", r"k must be in \[1, n - 1\]"),
        ([[2]], [3], "sort", "kneighbors has no algorithm='sort'"),
    ):
        with pytest.raises(ValueError, match=message):
            _cpu.rectangle_counts(blocks, ks, spaces, "chebyshev", algorithm, 1)
    for given, message in (
        (neighbors[:, :2].copy(), "neighbours must have shape"),
        (neighbors[1:], "neighbours must have shape"),
        (neighbors + 17, r"neighbours must be in \[0, n\)"),
        (neighbors - 20, r"neighbours must be in \[0, n\)"),
    ):
        with pytest.raises(ValueError, match=message):
            _cpu.rectangle_radii(blocks[1], given, [3], "euclidean", 1)
