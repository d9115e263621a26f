"""Counts of many surrogates of a conditional test against their definition, and the exchange."""

import numpy as np
import pytest

import fastmi
import reference
from fastmi import _cpu
from fastmi.ops.exchanged import MOST_NEIGHBORS, exchange, exchanged_counts
from fastmi.statistics import permutation
from fastmi.statistics._exchanged import as_exchanged
from samples import SAMPLES, draw_blocks

METRIC = "chebyshev"


def check(blocks, ks, orders, threads=1):
    found = exchanged_counts(blocks, ks, orders, n_jobs=threads)
    assert found.shape == (len(orders), len(ks), 3, len(blocks[0]))
    for order, of_order in zip(orders, found, strict=True):
        reordered = [np.ascontiguousarray(blocks[0][order]), *blocks[1:]]
        for k, counts in zip(ks, of_order, strict=True):
            expected = reference.conditional_counts(*reordered, k, 1, METRIC)
            np.testing.assert_array_equal(counts, expected, err_msg=f"k={k}")


@pytest.mark.parametrize("name", SAMPLES)
def test_counts(name, dtype, simd_level, rng):
    """Rows that serve twice are as good as permutations, and orders fill vectors in part."""
    for dims, number in (((2, 1, 3), 1), ((1, 3, 1), 9), ((1, 1, 1), 33)):
        blocks = draw_blocks(name, 150, dims, dtype)
        check(blocks, [1, 3, 20], rng.integers(0, 150, (number, 150)))


@pytest.mark.parametrize("n", [2, 3, 9, 65, 66, 129, 400])
def test_sizes(n, dtype, rng):
    """Up to and beyond the samples that are tried first, with as many neighbours as there are."""
    ks = sorted({1, min(n - 1, 5), min(n - 1, MOST_NEIGHBORS)})
    blocks = draw_blocks("gaussian", n, (1, 2, 1), dtype)
    check(blocks, ks, np.stack([rng.permutation(n) for _ in range(5)]))


def test_a_condition_that_says_nothing(dtype, rng):
    """All samples are candidates."""
    x, y = draw_blocks("gaussian", 200, (1, 1), dtype)
    check([x, y, np.zeros_like(x)], [4], np.stack([rng.permutation(200) for _ in range(20)]))


def test_the_ends_of_the_range(dtype, rng):
    """Differences overflow to infinity, as those of the other searches do."""
    largest = np.finfo(dtype).max
    blocks = [b.astype(dtype) for b in rng.choice([-largest, 0, 1, largest], (3, 60, 1))]
    with np.errstate(over="ignore"):
        check(blocks, [2], np.stack([rng.permutation(60) for _ in range(4)]))


def test_threads_change_nothing(rng):
    blocks = draw_blocks("mixed", 700, (1, 2, 1), "float64")
    orders = np.stack([rng.permutation(700) for _ in range(12)])
    once, many = (exchanged_counts(blocks, [2, 5], orders, n_jobs=t) for t in (1, 4))
    np.testing.assert_array_equal(once, many)


def test_bad_arguments():
    blocks = draw_blocks("gaussian", 20, (1, 1, 1), "float64")
    orders = np.arange(20, dtype=np.int64)[np.newaxis]
    for given, ks, drawn, message in (
        (blocks[:2], [3], orders, "blocks must be x, y and z"),
        (blocks, [20], orders, r"k must be in \[1, n - 1\]"),
        (blocks, [3, 2], orders, "ks must be in ascending order"),
        (blocks, [3], orders[:, 1:].copy(), "orders must have shape"),
        (blocks, [3], orders + 1, r"orders must be in \[0, 20\); got 20"),
        (blocks, [3], orders - 1, r"orders must be in \[0, 20\); got -1"),
    ):
        with pytest.raises(ValueError, match=message):
            _cpu.exchanged_counts(given, ks, drawn, 1)
    more = draw_blocks("gaussian", 100, (1, 1, 1), "float64")
    with pytest.raises(ValueError, match="ks must be at most 64"):
        _cpu.exchanged_counts(more, [65], np.arange(100)[np.newaxis], 1)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_exchange(size, rng):
    n, rows = 60, 50
    candidates = rng.integers(0, n, (rows, size))
    taken = rng.random(n) < 0.3
    before = taken.copy()
    sequence = rng.permutation(rows)
    used, expected = set(np.flatnonzero(taken)), np.empty(rows, dtype=np.int64)
    for i in sequence:
        free = [j for j in candidates[i] if j not in used]
        expected[i] = free[0] if free else candidates[i][-1]
        used.add(expected[i])
    np.testing.assert_array_equal(exchange(candidates, sequence, taken), expected)
    np.testing.assert_array_equal(taken, before)


def test_exchange_refuses_rows_that_are_not_there():
    candidates, taken = np.array([[0, 1], [1, 2]]), np.zeros(3, dtype=bool)
    for own, sequence, message in (
        (candidates + 1, [0, 1], r"candidates must be in \[0, 3\); got 3"),
        (candidates, [0, 2], r"sequence must be in \[0, 2\); got 2"),
        (candidates[:1], [0, 1], "candidates must have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            exchange(own, np.array(sequence), taken)


@pytest.mark.parametrize("dz", [1, 3])
@pytest.mark.parametrize("k", [3, (7, 2, 7)], ids=["one k", "several"])
@pytest.mark.parametrize("scheme", ["local", "residual"])
def test_the_null_is_that_of_one_estimate_after_the_other(scheme, k, dz, dtype, rng, monkeypatch):
    """Bit for bit: the kernel only shares work."""
    z = rng.standard_normal((180, dz)).astype(dtype)
    x, y = (z[:, 0] + rng.standard_normal(180) for _ in range(2))
    options = {"scheme": scheme, "k": k, "n_permutations": 30, "seed": 3}
    batched = fastmi.permutation_test(x, y, z, **options)
    monkeypatch.setattr(permutation, "as_exchanged", lambda *_: None)
    single = fastmi.permutation_test(x, y, z, **options)
    pairs = [(batched, single)] if k == 3 else zip(batched, single, strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one.null, other.null)
        assert (one.p_value, one.estimate) == (other.p_value, other.estimate)


def test_what_the_kernel_serves(rng):
    row = fastmi.estimators.CMI_METHODS["fp"]
    narrow, wide = ([rng.standard_normal((200, d))] * 3 for d in (1, 2))
    assert as_exchanged(row, 3, {}, wide, 200) == (3,)
    assert as_exchanged(row, (5, 2), {"algorithm": "tree"}, wide, 200) == (5, 2)
    assert as_exchanged(row, 3, {"metric": "euclidean"}, narrow, 200) == (3,)
    for method, k, options in (
        ("fp", 3, {"metric": "euclidean"}),
        ("fp", 3, {"normalize": "copula"}),
        ("fp", 3, {"theiler": 2}),
        ("fp", 3, {"bias_correction": "twin"}),
        ("fp", 65, {}),
        ("mesner", 3, {}),
    ):
        assert as_exchanged(fastmi.estimators.CMI_METHODS[method], k, options, wide, 200) is None
    long = [np.zeros((5000, 1))] * 3
    assert as_exchanged(row, 3, {}, long, 10) == (3,)
    assert as_exchanged(row, 3, {}, long, 9) is None


def test_progress_counts_surrogates(rng):
    steps = []
    x, y, z = rng.standard_normal((3, 100))
    fastmi.permutation_test(x, y, z, n_permutations=37, progress=lambda: steps.append(1))
    assert len(steps) == 37
