"""The estimator of Mesner and Shalizi: definition, known values on mixtures, ties, GPU."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi import datasets
from samples import SAMPLES, draw_blocks


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("dims", [(1, 1), (2, 3)])
@pytest.mark.parametrize("name", SAMPLES)
def test_against_the_definition(name, dims, k, metric, dtype):
    x, y = draw_blocks(name, 90, dims, dtype)
    got = fastmi.mi(x, y, k=k, method="mesner", metric=metric)
    assert float(got) == pytest.approx(reference.mesner_mi(x, y, k, metric), abs=1e-12)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert got.counts.shape == (2, 90)


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 3)])
@pytest.mark.parametrize("name", SAMPLES)
def test_conditional_against_the_definition(name, dims, k, metric, dtype):
    x, y, z = draw_blocks(name, 90, dims, dtype)
    got = fastmi.cmi(x, y, z, k=k, method="mesner", metric=metric)
    assert float(got) == pytest.approx(reference.mesner_cmi(x, y, z, k, metric), abs=1e-12)
    assert got.counts.shape == (3, 90)
    assert got.method == "mesner"


def test_without_a_condition_it_is_the_plain_form():
    x, y = np.random.default_rng(0).integers(0, 5, size=(2, 200))
    plain = fastmi.mi(x, y, method="mesner")
    for none in (None, np.empty((200, 0))):
        assert fastmi.cmi(x, y, none, method="mesner") == plain


# Known values


def test_a_mixture():
    """x one of 5 integers, y = x + U(0, 2)."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, 4000)
    got = fastmi.mi(x, x + rng.uniform(0, 2, 4000), method="mesner", k=5)
    assert float(got) == pytest.approx(math.log(5) - 4 * math.log(2) / 5, abs=0.03)


def test_continuous_variables():
    task = datasets.CorrelatedGaussian(0.8)
    x, y = task.sample(4000, seed=0)
    got = fastmi.mi(x, y, method="mesner", k=5)
    assert float(got) == pytest.approx(task.mutual_information, abs=0.05)


@pytest.mark.parametrize("levels", [2, 5, 10, 50, 100])
def test_independent_whole_numbers(levels):
    """KSG, whose counts are strict, is off by up to 9 nats there, where levels are few."""
    x, y = np.random.default_rng(levels).integers(0, levels, size=(2, 1000))
    assert abs(fastmi.mi(x, y, method="mesner")) < 0.12
    assert abs(fastmi.mi(x, y, method="mesner", k=10)) < 0.08


def test_rounded_readings():
    x, y = np.round(15 * np.random.default_rng(0).normal(size=(2, 1000)))
    assert abs(fastmi.mi(x, y, method="mesner")) < 0.12
    assert fastmi.mi(x, y, method="ksg1", noise=0) > 0.8


def test_a_discrete_variable_knows_its_entropy():
    x = np.repeat(np.arange(4), 250)
    got = fastmi.mi(x, x, method="mesner")
    assert float(got) == pytest.approx(math.log(4), abs=0.01)
    labels = np.eye(4)[np.random.default_rng(0).permutation(4)[x]]  # one-hot: no order
    assert fastmi.mi(labels, labels, method="mesner") == got


def test_a_condition_explains_the_dependence():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, 2000)
    x, y = z + rng.integers(0, 2, size=(2, 2000))
    assert fastmi.mi(x, y, method="mesner") > 0.15
    assert abs(fastmi.cmi(x, y, z, method="mesner")) < 0.02


def test_many_classes_as_the_condition_are_set_apart():
    """As the docstring advises; counted as names they have no bias at all."""
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        z = rng.integers(0, 40, 200)
        center = rng.permutation(40)
        x, y = rng.normal(size=(2, 200)) + np.array([[1], [-1]]) * center[z]
        hot = np.eye(40)[z]
        apart = hot * 2 * max(np.ptp(x), np.ptp(y))
        found.append(
            [
                float(fastmi.cmi(x, y, hot, method="mesner")),
                float(fastmi.cmi(x, y, apart, method="mesner")),
                float(fastmi.cmi(x, y, z.astype(str))),
            ]
        )
    hot, apart, names = np.mean(found, axis=0)
    assert hot > 1.0
    assert abs(apart) < 0.15
    assert abs(names) < 0.03


# Warnings, options, devices


def test_a_constant_is_worth_nothing():
    """psi(n) stands against psi(n - 1), which is what the definition gives."""
    y = np.random.default_rng(0).normal(size=100)
    got = fastmi.mi(np.zeros(100), y, method="mesner")
    assert float(got) == pytest.approx(1 / 99, abs=1e-12)


def test_an_exact_relation_is_a_lower_bound():
    x = np.random.default_rng(0).normal(size=1000)
    assert "lower bound" in " ".join(fastmi.mi(x, x, method="mesner").warnings)
    assert "lower bound" in " ".join(fastmi.cmi(x, x, np.ones(1000), method="mesner").warnings)


def test_several_k_cost_one_search_and_agree_with_single_ones():
    x, y, z = np.random.default_rng(0).integers(0, 9, size=(3, 300))
    for estimate in fastmi.mi(x, y, k=[2, 5], method="mesner"):
        assert estimate == fastmi.mi(x, y, k=estimate.k, method="mesner")
    for estimate in fastmi.cmi(x, y, z, k=[2, 5], method="mesner"):
        assert estimate == fastmi.cmi(x, y, z, k=estimate.k, method="mesner")


@pytest.mark.parametrize("algorithm", ["tree", "brute", "sort"])
def test_every_search_gives_the_same(algorithm):
    x, y = np.random.default_rng(0).normal(size=(2, 800)).round(1)
    expected = fastmi.mi(x, y, method="mesner")
    assert fastmi.mi(x, y, method="mesner", algorithm=algorithm) == expected


def test_bad_input():
    x = np.arange(9.0)
    with pytest.raises(ValueError, match=r"k must be in \[1, n - 1\]; got k=9, n=9"):
        fastmi.mi(x, x, k=9, method="mesner")
    with pytest.raises(ValueError, match="z must be finite"):
        fastmi.cmi(x, x, np.full(9, np.nan), method="mesner")
    with pytest.raises(TypeError, match="y must be real numbers"):
        fastmi.mi(x, list("abcdefghi"), method="mesner")
