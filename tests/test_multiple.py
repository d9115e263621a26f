"""P-values corrected for the number of tests."""

import numpy as np
import pytest

import fastmi
from fastmi.statistics.multiple import LargestStatistic


@pytest.mark.parametrize("method", ["bh", "by"])
@pytest.mark.parametrize("m", [1, 2, 7, 300])
def test_as_scipy(method, m):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(m)
    p = rng.random(m) ** 3
    p[: m // 3] = 1.0
    p[m // 3 : m // 2] = p[m // 2]
    expected = stats.false_discovery_control(p, method=method)
    np.testing.assert_allclose(fastmi.q_values(p, method), expected, rtol=1e-12)


def test_by_hand():
    np.testing.assert_allclose(
        fastmi.q_values([0.01, 0.04, 0.03, 0.005]), [0.02, 0.04, 0.04, 0.02], rtol=1e-12
    )


def test_shape_and_missing_tests():
    p = np.array([[np.nan, 0.01], [0.02, np.nan], [0.5, 0.9]])
    q = fastmi.q_values(p)
    assert q.shape == p.shape
    np.testing.assert_array_equal(np.isnan(q), np.isnan(p))
    np.testing.assert_allclose(q[~np.isnan(p)], fastmi.q_values(p[~np.isnan(p)]))
    assert np.isnan(fastmi.q_values([np.nan, np.nan])).all()
    assert fastmi.q_values([]).shape == (0,)


@pytest.mark.parametrize(
    "p, method, error, message",
    [
        ([0.5, 1.1], "bh", ValueError, r"p must be in \[0, 1\] or NaN; got 1.1"),
        ([-0.1], "bh", ValueError, r"got -0.1"),
        (["a"], "bh", TypeError, "p must be numbers"),
        ([0.5], "bonferroni", ValueError, "method must be"),
    ],
)
def test_refused(p, method, error, message):
    with pytest.raises(error, match=message):
        fastmi.q_values(p, method)


def slow_step_down(observed, null):
    """Westfall and Young (1993), algorithm 4.1 with the largest statistic."""
    order = np.argsort(-observed, kind="stable")
    p = np.empty(len(observed))
    above = 0.0
    for place, j in enumerate(order):
        rest = order[place:]
        reached = sum(row[rest].max() >= observed[j] for row in null)
        above = max(above, (1 + reached) / (1 + len(null)))
        p[j] = above
    return p


def test_largest_statistic_is_the_step_down_method():
    rng = np.random.default_rng(1)
    m = 6
    mean, deviation = rng.normal(size=m), rng.uniform(0.5, 2, m)
    scores, null = rng.normal(size=m) + 1, rng.normal(size=(50, m))
    largest = LargestStatistic(mean + deviation * scores, mean, deviation)
    for part in np.array_split(mean + deviation * null, 7):
        largest.add(part)
    np.testing.assert_allclose(largest.p_values(), slow_step_down(scores, null), rtol=1e-12)


def test_a_statistic_that_never_varies_says_nothing():
    largest = LargestStatistic(np.array([0.7, 5.0]), np.array([0.7, 0.0]), np.array([0.0, 1.0]))
    largest.add(np.column_stack([np.full(9, 0.7), np.linspace(-1, 1, 9)]))
    assert largest.p_values().tolist() == [1.0, 0.1]


def test_infinite_statistics():
    largest = LargestStatistic(np.array([np.inf, 0.0]), np.zeros(2), np.ones(2))
    largest.add(np.array([[np.inf, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    assert largest.p_values()[0] == 0.5
