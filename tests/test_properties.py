"""Exact invariances and limits, on data that hypothesis makes up."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastmi
import reference
from fastmi import neighbors
from samples import SAMPLES, draw

METHODS = ("ksg1", "ksg2")

kinds = st.sampled_from(sorted(SAMPLES))
untied = st.sampled_from(["gaussian", "cauchy", "lognormal"])
sizes = st.integers(5, 150)
few_dims = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
methods = st.sampled_from(METHODS)


@st.composite
def pairs(draw_from, names=kinds):
    """Draw x (n, dx), y (n, dy) and a valid k."""
    name, n = draw_from(names), draw_from(sizes)
    seed = draw_from(st.integers(0, 1000))
    x = draw(name, n, draw_from(few_dims), "float64", seed)
    y = draw(draw_from(names), n, draw_from(few_dims), "float64", seed + 1)
    return x, y, draw_from(st.integers(1, min(10, n - 1)))


def same(a, b):
    """Assert that values, counts and local values are equal bit for bit."""
    np.testing.assert_array_equal(a.counts, b.counts)
    np.testing.assert_array_equal(a.local, b.local)
    assert float(a) == float(b)


# hypothesis likes 0, -0, repeats and the ends of a range. The Chebyshev metric takes any float;
# Euclidean squares keep their bits while magnitudes differ by less than 1e150.
anything = st.floats(-1e300, 1e300)
moderate = st.floats(-1e60, 1e60).filter(lambda v: v == 0 or abs(v) > 1e-60)


@given(data=st.data(), n=st.integers(2, 40), d=st.integers(1, 3), k=st.integers(1, 39))
def test_neighbors_of_arbitrary_floats(data, n, d, k, metric, algorithm):
    elements = anything if metric == "chebyshev" else moderate
    shape = (n, 1 if algorithm == "sort" else d)
    x = data.draw(hnp.arrays(np.float64, shape, elements=elements))
    k = min(k, n - 1)
    distance, index = reference.kneighbors([x], k, metric)
    options = {"metric": metric, "algorithm": algorithm}
    np.testing.assert_array_equal(neighbors.kth_distance(x, k, **options), distance[:, -1])
    if algorithm != "sort":
        got = neighbors.kneighbors(x, k, **options)
        np.testing.assert_array_equal(got[0], distance)
        np.testing.assert_array_equal(got[1], index)
    radius = data.draw(st.sampled_from(distance.ravel().tolist()))
    for strict in (True, False):
        np.testing.assert_array_equal(
            neighbors.count_within(x, radius, strict=strict, **options),
            reference.count_within([x], np.full(n, radius), strict, metric),
        )


@given(pair=pairs(), method=methods)
def test_mi_equals_its_definition(pair, method, metric, algorithm):
    x, y, k = pair
    if algorithm == "sort":
        x, y = x[:, :1].copy(), y[:, :1].copy()
    got = fastmi.mi(x, y, k=k, method=method, metric=metric, algorithm=algorithm, noise=0)
    variant = METHODS.index(method) + 1
    np.testing.assert_array_equal(
        got.counts, reference.ksg_terms([x, y], [k], variant, metric)[0].counts
    )
    assert float(got) == pytest.approx(reference.ksg_mi([x, y], k, variant, metric), abs=1e-12)


@given(pair=pairs(), method=methods)
def test_symmetry(pair, method, metric):
    x, y, k = pair
    forward = fastmi.mi(x, y, k=k, method=method, metric=metric, noise=0)
    backward = fastmi.mi(y, x, k=k, method=method, metric=metric, noise=0)
    np.testing.assert_array_equal(forward.counts, backward.counts[::-1])
    assert float(forward) == float(backward)


@given(pair=pairs(), seed=seeds, metric_name=st.sampled_from(["chebyshev", "euclidean"]))
def test_order_of_samples_is_irrelevant(pair, seed, metric_name):
    """Counts move with their samples, even with ties, because KSG-1 depends on distances alone."""
    x, y, k = pair
    order = np.random.default_rng(seed).permutation(len(x))
    plain = fastmi.mi(x, y, k=k, metric=metric_name, noise=0)
    shuffled = fastmi.mi(x[order], y[order], k=k, metric=metric_name, noise=0)
    np.testing.assert_array_equal(shuffled.counts, plain.counts[:, order])
    assert float(shuffled) == pytest.approx(float(plain), abs=1e-12)


@given(pair=pairs(untied), seed=seeds)
def test_order_of_samples_is_irrelevant_to_ksg2_without_ties(pair, seed):
    x, y, k = pair
    order = np.random.default_rng(seed).permutation(len(x))
    plain = fastmi.mi(x, y, k=k, method="ksg2", noise=0)
    shuffled = fastmi.mi(x[order], y[order], k=k, method="ksg2", noise=0)
    np.testing.assert_array_equal(shuffled.counts, plain.counts[:, order])


@given(pair=pairs(), seed=seeds, method=methods)
def test_order_and_copies_of_columns_are_irrelevant_under_chebyshev(pair, seed, method):
    x, y, k = pair
    columns = np.random.default_rng(seed).permutation(x.shape[1] * 3) % x.shape[1]
    same(
        fastmi.mi(x[:, columns], y, k=k, method=method, noise=0),
        fastmi.mi(x, y, k=k, method=method, noise=0),
    )


@given(pair=pairs(), method=methods, value=st.sampled_from([0.0, -1.5, 1e6, 1e300]))
def test_constant_columns_are_irrelevant(pair, method, value, metric):
    x, y, k = pair
    # Euclidean squares are taken on the scale of the largest coordinate, and others can underflow.
    assume(metric == "chebyshev" or value < 1e100)
    wider = np.hstack([x, np.full((len(x), 1), value)])
    same(
        fastmi.mi(wider, y, k=k, method=method, metric=metric, noise=0),
        fastmi.mi(x, y, k=k, method=method, metric=metric, noise=0),
    )


@given(pair=pairs(), power=st.integers(-60, 60), sign=st.sampled_from([1, -1]), method=methods)
def test_scaling_by_a_power_of_two_is_exact(pair, power, sign, method, metric):
    x, y, k = pair
    a = sign * 2.0**power
    same(
        fastmi.mi(a * x, a * y, k=k, method=method, metric=metric, noise=0),
        fastmi.mi(x, y, k=k, method=method, metric=metric, noise=0),
    )


@given(pair=pairs(), shift=st.integers(-1000, 1000), method=methods)
def test_translation_on_a_dyadic_grid_is_exact(pair, shift, method, metric):
    """Samples are multiples of 2^-20 below 2^10, which move by integers without rounding."""
    x, y, k = pair
    x, y = (np.round(np.clip(v, -1000, 1000) * 2**20) / 2**20 for v in (x, y))
    same(
        fastmi.mi(x + shift, y - shift, k=k, method=method, metric=metric, noise=0),
        fastmi.mi(x, y, k=k, method=method, metric=metric, noise=0),
    )


@given(pair=pairs(untied), factor=st.sampled_from([1e-280, 1e-150, 1e250]))
def test_ksg1_vanishes_when_one_side_dominates(pair, factor):
    """I(X; aT) = 0 for a -> 0 or inf, where one margin counts k - 1 and the other n - 1."""
    x, y, k = pair
    x, y = np.arcsinh(x), np.arcsinh(y)
    spread = np.ptp(y, axis=0).max()
    radius = neighbors.kth_distance(x, k).min()
    if factor < 1:
        assume(factor * spread < 0.5 * radius)
    else:
        assume(factor * neighbors.kth_distance(y, k).min() > 2 * np.ptp(x, axis=0).max())
    got = fastmi.mi(x, factor * y, k=k, noise=0)
    n = len(x)
    np.testing.assert_array_equal(np.sort(got.counts, axis=0)[:, 0], sorted([k - 1, n - 1]))
    assert float(got) == pytest.approx(0.0, abs=1e-12)


@given(pair=pairs(untied))
def test_ksg2_limit_when_x_dominates(pair):
    """I2(X; aT) for a -> 0 is psi(n) - 1/k - <psi(n_t)>, because the x margin counts k."""
    x, t, k = pair
    x, t = np.arcsinh(x), np.arcsinh(t) * 2.0**-900
    n = len(x)
    got = fastmi.mi(x, t, k=k, method="ksg2", noise=0)
    np.testing.assert_array_equal(got.counts[0], k)
    psi_n = reference.digamma(np.array([n]))[0]
    limit = psi_n - 1 / k - reference.digamma(got.counts[1]).mean()
    assert float(got) == pytest.approx(limit, abs=1e-12)


@given(pair=pairs(untied), value=st.floats(-1e6, 1e6))
def test_constant_x_shares_no_information(pair, value):
    _, y, k = pair
    got = fastmi.mi(np.full(len(y), value), y, k=k)
    np.testing.assert_array_equal(got.counts[0], len(y) - 1)
    assert float(got) == pytest.approx(0.0, abs=1e-12)


@given(name=kinds, n=sizes, d=few_dims, radii=st.sets(st.floats(0, 1e3), min_size=2, max_size=6))
def test_counts_grow_with_the_radius(name, n, d, radii, metric, algorithm):
    """Strict(r) <= closed(r) <= strict(s) for r < s."""
    x = draw(name, n, 1 if algorithm == "sort" else d, "float64")
    options = {"metric": metric, "algorithm": algorithm}
    previous = np.zeros(n, dtype=np.int64)
    for radius in sorted(radii):
        strict = neighbors.count_within(x, radius, strict=True, **options)
        closed = neighbors.count_within(x, radius, strict=False, **options)
        assert np.all(previous <= strict)
        assert np.all(strict <= closed)
        previous = closed
    assert previous.max() <= n - 1


@given(name=kinds, n=sizes, d=few_dims, k=st.integers(1, 20))
def test_kth_distance_and_counts_are_consistent(name, n, d, k, metric):
    """Fewer than k samples lie below the k-th distance, at least k at or below it."""
    x = draw(name, n, d, "float64")
    k = min(k, n - 1)
    radius = neighbors.kth_distance(x, k, metric=metric)
    assert neighbors.count_within(x, radius, strict=True, metric=metric).max() < k
    assert neighbors.count_within(x, radius, strict=False, metric=metric).min() >= k


@given(name=untied, n=sizes, d=few_dims, power=st.integers(-300, 300))
def test_entropy_scaling_law(name, n, d, power):
    """H(aX) = H(X) + d log a, to the rounding of the logarithms."""
    x = np.arcsinh(draw(name, n, d, "float64"))
    plain = float(fastmi.entropy(x))
    scaled = float(fastmi.entropy(2.0**power * x))
    assert scaled - plain == pytest.approx(d * power * math.log(2.0), rel=1e-12, abs=1e-10)


@given(pair=pairs(untied), method=methods)
def test_estimate_stays_between_its_bounds(pair, method):
    """Without ties every margin counts k - 1 to n - 1 samples strictly, k to n - 1 closed."""
    x, y, k = pair
    n = len(x)
    psi_n, psi_k = reference.digamma(np.array([n, k]))
    correction = 1 / k if method == "ksg2" else 0.0
    got = float(fastmi.mi(x, y, k=k, method=method, noise=0))
    assert psi_k - psi_n - correction - 1e-12 <= got <= psi_n - psi_k - correction + 1e-12
