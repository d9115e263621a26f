"""Samples that another thread overwrites during a call: worthless results, but no harm.

Between the check of the samples and a kernel, any value may come to stand in them, NaN too. No
index may follow from that: counts, numbers of samples and accesses stay in range.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastmi import _cpu
from kernel_calls import CALLS, garbage, out_of_range

SCRIPT = Path(__file__).parent / "faults" / "overwritten.py"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CALLS)
def test_results_stay_in_range_whatever_the_values(name, dtype, simd_level):
    """What a kernel gets when all samples were overwritten before it looked."""
    call = CALLS[name]
    blocks = call.blocks(200, dtype)
    for values in zip(*map(garbage, blocks), strict=True):
        for threads in (1, 2):
            try:
                results = call.run(values, threads)
            except ValueError:  # Euclidean distances refuse outliers
                continue
            assert not out_of_range(results, len(values[0]))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", [n for n in CALLS if len(CALLS[n].dims) > 1])
def test_one_block_of_another_call(name, which):
    """Only one block is overwritten, so that the joint search and the margins differ."""
    call = CALLS[name]
    blocks = call.blocks(200)
    for values in garbage(blocks[which]):
        mixed = list(blocks)
        mixed[which] = values
        try:
            results = call.run(mixed, 1)
        except ValueError:
            continue
        assert not out_of_range(results, len(mixed[0]))


def test_neighbours_of_nan_are_samples():
    """The search finds no neighbour that is nearer than infinity."""
    x = np.full((100, 3), np.nan)
    indices = _cpu.kneighbors([x], 4, "chebyshev", "tree", 1)[1]
    assert indices.min() >= 0
    assert indices.max() < 100


def test_counts_of_nan_are_not_negative():
    """A sample that is NaN is not within any radius of itself."""
    x = np.full((100, 3), np.nan)
    counts = _cpu.count_within([x], np.ones(100), True, "chebyshev", "tree", 1)[0]
    np.testing.assert_array_equal(counts, 0)


def test_the_first_unusable_value_is_one_of_the_array():
    values = np.zeros((5000, 1))
    assert _cpu.first_unusable(values) == -1
    values[4999] = np.nan
    assert _cpu.first_unusable(values) == 4999


def test_a_thread_that_overwrites_samples():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--seconds", "0.05"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
