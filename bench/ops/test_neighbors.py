"""The primitives of `fastmi.neighbors`."""

import numpy as np

import reference
from fastmi import neighbors
from fastmi.ops.coincidences import coincidences
from fastmi.ops.ross import ross_estimates

METRIC = "chebyshev"


def test_kth_distance(benchmark, size, task):
    blocks = task.sample()
    distances = benchmark(neighbors.kth_distance, blocks, task.k, metric=METRIC)
    assert distances.shape == (task.n,)
    if size == "small":
        assert np.array_equal(distances, reference.kth_distance(blocks, [task.k], METRIC)[0])


def test_kneighbors(benchmark, size, task):
    blocks = task.sample()
    distances, indices = benchmark(neighbors.kneighbors, blocks, task.k, metric=METRIC)
    assert distances.shape == indices.shape == (task.n, task.k)
    if size == "small":
        expected = reference.kneighbors(blocks, task.k, METRIC)
        assert np.array_equal(distances, expected[0])
        assert np.array_equal(indices, expected[1])


def test_kneighbors_among(benchmark, size, task):
    x, y = task.sample()
    half = len(x) // 2
    ask, among = (x[:half], y[:half]), (x[half:], y[half:])
    found = benchmark(neighbors.kneighbors, ask, task.k, reference=among, metric=METRIC)
    assert found[0].shape == found[1].shape == (half, task.k)
    if size == "small":
        apart = [np.abs(a[:, None] - b).max(axis=2) for a, b in zip(ask, among, strict=True)]
        nearest = np.sort(np.maximum(*apart), axis=1)[:, : task.k]
        np.testing.assert_allclose(found[0], nearest, rtol=1e-6)


def test_count_within(benchmark, size, task):
    x, y = task.sample()
    # Radii as KSG asks for them: those of the joint space.
    radius = neighbors.kth_distance((x, y), task.k, metric=METRIC)
    counts = benchmark(neighbors.count_within, x, radius, metric=METRIC)
    assert counts.shape == (task.n,)
    assert counts.min() >= 0
    if size == "small":
        assert np.array_equal(counts, reference.count_within([x], radius, True, METRIC))


def test_coincidences(benchmark, size, task):
    blocks = list(task.sample())
    found = benchmark(coincidences, blocks)
    if size == "small":
        assert found.copies == (reference.copied_rows(blocks) > 0)


def test_digamma(benchmark, size, task):
    n = np.random.default_rng(0).integers(1, 1000, task.n)
    psi = benchmark(neighbors.digamma, n)
    assert np.isfinite(psi).all()
    if size == "small":
        np.testing.assert_allclose(psi, reference.digamma(n), rtol=1e-13)


def test_ross_estimates(benchmark, size, task):
    rng = np.random.default_rng(0)
    values = np.sort(rng.standard_normal(task.n))
    labels = rng.integers(0, 3, (10, task.n))
    estimates = benchmark(ross_estimates, values, labels, [task.k], n_jobs=1)
    assert np.abs(estimates).max() < 0.1 + task.n**-0.25
    if size == "small":
        x = values.reshape(-1, 1)
        expected = [reference.ross_mi(x, row, task.k, METRIC) for row in labels]
        np.testing.assert_allclose(estimates[0], expected, rtol=0, atol=1e-12)
