"""The fused searches and counts behind the estimators: `fastmi.ops` on NumPy arrays."""

import numpy as np
import pytest

import reference
from fastmi.ops.exchanged import exchange, exchanged_counts
from fastmi.ops.knn import kneighbors
from fastmi.ops.ksg import ksg_terms
from fastmi.ops.pairwise import pair_terms
from fastmi.ops.rectangles import rectangle_counts, rectangle_radii
from fastmi.ops.space_counts import space_counts
from fastmi.ops.surrogates import surrogate_means
from fastmi.ops.sweep import sweep_terms
from fastmi.ops.theiler import theiler_counts, theiler_ksg_terms

METRIC = "chebyshev"
SEARCH = {"metric": METRIC, "algorithm": "auto", "n_jobs": None}
SCALES = tuple(i / 10 for i in range(1, 21))
WINDOW = 10


@pytest.mark.parametrize("variant", [1, 2], ids="variant{}".format)
def test_ksg_terms(benchmark, size, task, variant):
    blocks = list(task.sample())
    terms = benchmark(ksg_terms, blocks, [task.k], variant=variant, **SEARCH)
    benchmark.extra_info["algorithm"] = terms.algorithm
    assert terms.counts.shape == (1, 2, task.n)
    assert np.isfinite(terms.psi_mean).all()
    if size == "small":
        (expected,) = reference.ksg_terms(blocks, [task.k], variant, METRIC)
        assert np.array_equal(terms.counts[0], expected.counts)
        np.testing.assert_allclose(terms.psi_mean, expected.psi.mean(), rtol=1e-12)


def test_pair_terms(benchmark, size):
    columns, n, k = {"small": (10, 500, 3), "large": (100, 2000, 3)}[size]
    benchmark.extra_info["case"] = f"{columns} columns, n = {n}"
    block = np.random.default_rng(0).standard_normal((n, columns))
    pairs = np.column_stack(np.triu_indices(columns, 1)).astype(np.int64)
    terms = benchmark(pair_terms, [block], pairs, [k], n_jobs=None)
    assert terms.psi_mean.shape == (1, len(pairs))
    # The last pair, bit for bit as if it were alone.
    alone = ksg_terms([block[:, [j]].copy() for j in pairs[-1]], [k], variant=1, **SEARCH)
    assert terms.psi_mean[0, -1] == alone.psi_mean[0]


def test_surrogate_means(benchmark, size):
    n, count, k = {"small": (500, 5, 3), "large": (10_000, 20, 3)}[size]
    benchmark.extra_info["case"] = f"{count} orders, n = {n}"
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, n, 2))
    orders = np.stack([rng.permutation(n) for _ in range(count)])

    def means():
        given = iter([orders, None])
        return surrogate_means(x, y, [k], lambda: next(given), **SEARCH)

    found = benchmark(means).psi_mean
    assert found.shape == (count, 1)
    alone = ksg_terms([x[orders[-1]], y], [k], variant=1, **SEARCH)
    assert found[-1, 0] == alone.psi_mean[0]


@pytest.mark.parametrize("several", [False, True], ids=["one-k", "three-k"])
def test_space_counts(benchmark, size, task, several):
    blocks = list(task.sample())
    ks = [task.k, task.k + 2, task.k + 7] if several else [task.k]
    spaces = [[0, 1], [0], [1]]
    found = benchmark(space_counts, blocks, ks, spaces, strict=False, **SEARCH)
    benchmark.extra_info["algorithm"] = found.algorithm
    assert found.counts.shape == (len(ks), 3, task.n)
    if size == "small":
        radius, counts = reference.space_counts(blocks, ks, spaces, False, METRIC)
        assert np.array_equal(found.radius, radius)
        assert np.array_equal(found.counts, counts)


def test_sweep_terms(benchmark, size, all_pairs_task):
    x, y = all_pairs_task.sample()
    k = all_pairs_task.k
    terms = benchmark(sweep_terms, x, y, SCALES, [k], metric=METRIC, n_jobs=None)
    assert terms.counts.shape == (len(SCALES), 1, 2, len(x))
    if size == "small":
        assert np.array_equal(terms.counts[:, 0], reference.sweep_counts(x, y, SCALES, k, METRIC))


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_theiler_counts(benchmark, size, all_pairs_task, closed):
    blocks, k = list(all_pairs_task.sample()), all_pairs_task.k
    options = {"window": WINDOW, "closed": closed, "spaces": [[0], [1]], "metric": METRIC}
    found = benchmark(theiler_counts, blocks, [k], n_jobs=None, **options)
    assert found.counts.shape == (1, 2, all_pairs_task.n)
    if size == "small":
        expected = reference.theiler_counts(blocks, k, **options)
        assert np.array_equal(found.radius[0], expected[0])
        assert np.array_equal(found.counts[0], expected[1])


def test_exchanged_counts(benchmark, size):
    rng = np.random.default_rng(0)
    n, number = {"small": (300, 20), "large": (2000, 200)}[size]
    benchmark.extra_info["case"] = f"{number} orders, n = {n}"
    blocks = list(rng.standard_normal((3, n, 1)))
    orders = np.stack([rng.permutation(n) for _ in range(number)])
    counts = benchmark(exchanged_counts, blocks, [3], orders, n_jobs=None)
    if size == "small":
        for order, found in zip(orders, counts, strict=True):
            reordered = [blocks[0][order], *blocks[1:]]
            expected = reference.conditional_counts(*reordered, 3, 1, METRIC)
            assert np.array_equal(found[0], expected)


def test_exchange(benchmark):
    rng = np.random.default_rng(0)
    n, number = 2000, 5
    candidates = rng.integers(0, n, (n, number))
    taken = np.zeros(n, dtype=bool)
    chosen = benchmark(exchange, candidates, rng.permutation(n), taken)
    assert (candidates == chosen[:, None]).any(axis=1).all()


def test_rectangle_counts(benchmark, size, task):
    blocks, spaces = list(task.sample()), [[0, 1], [1]]
    found = benchmark(rectangle_counts, blocks, [task.k], spaces, **SEARCH)
    assert found.counts.shape == (1, 2, task.n)
    if size == "small":
        _, counts = reference.theiler_counts(blocks, task.k, 0, True, spaces, METRIC)
        assert np.array_equal(found.counts[0], counts)


def test_rectangle_radii(benchmark, task):
    blocks, k = list(task.sample()), task.k
    neighbours = kneighbors(blocks, k, **SEARCH).indices
    radii = benchmark(rectangle_radii, blocks[0], neighbours, [k], metric=METRIC, n_jobs=None)
    expected = np.abs(blocks[0][neighbours] - blocks[0][:, None]).max(axis=(1, 2))
    assert np.array_equal(radii[0], expected)


@pytest.mark.parametrize("variant", [1, 2], ids="variant{}".format)
def test_theiler_ksg_terms(benchmark, size, all_pairs_task, variant):
    blocks, k = list(all_pairs_task.sample()), all_pairs_task.k
    options = {"window": WINDOW, "variant": variant, "metric": METRIC, "n_jobs": None}
    terms = benchmark(theiler_ksg_terms, blocks, [k], **options)
    assert np.isfinite(terms.psi_mean).all()
    if size == "small":
        _, counts = reference.theiler_counts(blocks, k, WINDOW, variant == 2, [[0], [1]], METRIC)
        assert np.array_equal(terms.counts[0], counts)
