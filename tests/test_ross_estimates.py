"""The op of many classes for one column: Ross (2014) to the last count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastmi
import reference
from fastmi import _cpu
from fastmi.ops.ross import ross_estimates

COLUMNS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "scores": lambda rng, n: fastmi.normalize.copula(rng.standard_normal(n))[:, 0],
    "whole numbers": lambda rng, n: rng.integers(0, n // 3 + 1, n).astype(float),
    "one value": lambda _, n: np.ones(n),
    "far": lambda rng, n: 1e15 + rng.integers(0, 50, n),
    "heavy": lambda rng, n: rng.standard_cauchy(n) ** 3,
}


def expected(values, labels, ks):
    x = values.reshape(-1, 1)
    return [[reference.ross_mi(x, row, k, "chebyshev") for row in labels] for k in ks]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("classes", [1, 2, 5, 40])
def test_against_the_definition(column, classes):
    rng = np.random.default_rng(classes)
    values = np.sort(COLUMNS[column](rng, 60))
    labels = rng.integers(0, classes, (3, 60))
    ks = [4, 1, 59]
    found = ross_estimates(values, labels, ks, n_jobs=1)
    assert found.shape == (3, 3)
    np.testing.assert_allclose(found, expected(values, labels, ks), rtol=0, atol=1e-12)


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 3)), min_size=3, max_size=25),
    st.integers(1, 4),
)
def test_equal_values_and_rare_classes(rows, k):
    values, labels = np.array(sorted(rows)).T
    values, labels = values / 3.0, labels[None] % len(labels)
    k = min(k, len(values) - 1)
    found = ross_estimates(values, labels, [k], n_jobs=1)
    if np.bincount(labels[0]).max() < 2:
        assert np.isnan(found).all()
    else:
        np.testing.assert_allclose(found, expected(values, labels, [k]), rtol=0, atol=1e-12)


def test_against_the_estimator():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(3000)
    labels = rng.integers(0, 30, 3000) * (x > 0)
    order = np.argsort(x)
    found = ross_estimates(x[order], labels[order][None], [3, 10], n_jobs=1)[:, 0]
    np.testing.assert_allclose(found, fastmi.mi(x, labels, method="ross", k=[3, 10]), atol=1e-12)


def test_threads_levels_and_names_of_classes_change_no_bit(monkeypatch):
    rng = np.random.default_rng(1)
    values = np.sort(rng.standard_normal(400))
    labels = rng.integers(0, 6, (50, 400))
    first = ross_estimates(values, labels, [2, 7], n_jobs=1)
    np.testing.assert_array_equal(ross_estimates(values, labels, [2, 7], n_jobs=4), first)
    for level in _cpu.simd_levels():
        monkeypatch.setenv("FASTMI_SIMD_LEVEL", level)
        np.testing.assert_array_equal(ross_estimates(values, labels, [2, 7], n_jobs=1), first)
    renamed = rng.permutation(100)[labels]
    np.testing.assert_array_equal(ross_estimates(values, renamed, [2, 7], n_jobs=1), first)
    # The same counts in another order.
    mirrored = ross_estimates(-values[::-1], np.ascontiguousarray(labels[:, ::-1]), [2], n_jobs=1)
    np.testing.assert_array_equal(mirrored, first[:1])


def test_no_class_of_two_samples():
    labels = np.array([np.arange(5), [0, 1, 2, 3, 3]])
    found = ross_estimates(np.arange(5.0), labels, [1], n_jobs=1)
    assert np.isnan(found[0, 0])
    # psi(2) - psi(2) + psi(1) - psi(1): two samples of one class, each the other's neighbour.
    assert found[0, 1] == 0.0


@pytest.mark.parametrize(
    "values, labels, ks, error, text",
    [
        ([0.0, 2.0, 1.0], [[0, 0, 0]], [1], ValueError, "ascending"),
        ([0.0, 1.0, np.nan], [[0, 0, 0]], [1], ValueError, "finite"),
        ([0.0, 1.0, np.inf], [[0, 0, 0]], [1], ValueError, "finite"),
        ([0.0, 1.0, 2.0], [[0, 0, 3]], [1], ValueError, r"labels must be in \[0, n\); got 3"),
        ([0.0, 1.0, 2.0], [[0, -1, 0]], [1], ValueError, r"labels must be in \[0, n\); got -1"),
        ([0.0, 1.0, 2.0], [[0, 0]], [1], ValueError, "shapes"),
        ([0.0, 1.0, 2.0], [0, 0, 0], [1], ValueError, "shapes"),
        ([0.0, 1.0, 2.0], [[0, 0, 0]], [3], ValueError, "k must be in"),
        ([0.0, 1.0, 2.0], [[0, 0, 0]], [], ValueError, "ks must not be empty"),
        ([0.0, 1.0, 2.0], [[0.0, 0.0, 0.0]], [1], TypeError, "incompatible"),
    ],
)
def test_bad_arguments(values, labels, ks, error, text):
    with pytest.raises(error, match=text):
        ross_estimates(np.array(values), np.array(labels), ks, n_jobs=1)
