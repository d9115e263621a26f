"""Metrics over trials, compared with values by hand and with their definitions as loops."""

import math

import numpy as np
import pytest

from fastmi.datasets import metrics


@pytest.fixture
def trials():
    rng = np.random.default_rng(8)
    truth = rng.gamma(2.0, 0.5, 40)
    return truth + 0.2 * rng.standard_normal(40) - 0.1, truth


def test_by_hand():
    estimates, truths = [1.0, 2.0, 4.0], [1.0, 3.0, 2.0]
    assert metrics.bias(estimates, truths) == pytest.approx(1 / 3)
    assert metrics.rmse(estimates, truths) == pytest.approx(math.sqrt(5 / 3))
    # Of the ordered pairs of truths four differ by 1, two by 2, and three are a truth with itself.
    assert metrics.truth_spread(truths) == pytest.approx(math.sqrt(12 / 9))
    assert metrics.rmse_norm(estimates, truths) == pytest.approx(math.sqrt(5 / 4))
    assert metrics.spearman(estimates, truths) == pytest.approx(0.5)


def test_spread_counts_all_pairs(trials):
    truth = trials[1]
    squares = [(a - b) ** 2 for a in truth for b in truth]
    assert metrics.truth_spread(truth) == pytest.approx(math.sqrt(np.mean(squares)), rel=1e-13)


def test_the_mean_truth_scores_root_half(trials):
    truth = trials[1]
    constant = np.full(len(truth), truth.mean())
    assert metrics.rmse_norm(constant, truth) == pytest.approx(math.sqrt(0.5), rel=1e-13)


def test_constant_estimator_with_bias(trials):
    """For a constant estimate, rmse_norm^2 = (bias / truth_spread)^2 + 1/2."""
    truth = trials[1]
    constant = np.full(len(truth), truth.mean() - 0.4)
    expected = math.sqrt((0.4 / metrics.truth_spread(truth)) ** 2 + 0.5)
    assert metrics.rmse_norm(constant, truth) == pytest.approx(expected, rel=1e-13)
    assert metrics.bias(constant, truth) == pytest.approx(-0.4, rel=1e-12)


def test_perfect_estimates(trials):
    assert metrics.score(trials[1], trials[1]) == (0.0, 0.0, 0.0, pytest.approx(1.0), 40)


def test_score_holds_all(trials):
    assert metrics.score(*trials)._asdict() == {
        "bias": metrics.bias(*trials),
        "rmse": metrics.rmse(*trials),
        "rmse_norm": metrics.rmse_norm(*trials),
        "spearman": metrics.spearman(*trials),
        "trials": 40,
    }


def test_spearman_sees_order_alone(trials):
    estimate, truth = trials
    plain = metrics.spearman(estimate, truth)
    assert metrics.spearman(np.exp(estimate), truth**3) == plain
    assert metrics.spearman(-estimate, truth) == pytest.approx(-plain)
    assert metrics.spearman(truth, truth**3) == pytest.approx(1.0, abs=1e-15)


def test_spearman_against_scipy(trials):
    stats = pytest.importorskip("scipy.stats")
    estimate, truth = (np.round(v, 1) for v in trials)
    assert len(np.unique(truth)) < len(truth)
    expected = stats.spearmanr(estimate, truth).statistic
    assert metrics.spearman(estimate, truth) == pytest.approx(expected, abs=1e-14)


def test_undefined_is_nan():
    same = [0.1] * 7
    assert math.isnan(metrics.rmse_norm([1.0] * 7, same))
    assert math.isnan(metrics.spearman(range(7), same))
    assert math.isnan(metrics.spearman(same, range(7)))
    assert metrics.truth_spread(same) == 0.0
    assert metrics.bias([1.0] * 7, same) == pytest.approx(0.9)


def test_takes_estimates():
    import fastmi

    values = [fastmi.mi(range(9), range(9), k=k) for k in (1, 2)]
    assert metrics.bias(values, values) == 0.0


@pytest.mark.parametrize("name", ["bias", "rmse", "rmse_norm", "spearman", "score"])
@pytest.mark.parametrize(
    "estimates, truths, error, message",
    [
        ([1.0, 2.0], [1.0], ValueError, "same number of samples"),
        ([math.nan, 1.0], [1.0, 2.0], ValueError, "estimates must be finite"),
        ([1.0, 2.0], [1.0, math.inf], ValueError, "truths must be finite"),
        ([], [], ValueError, "at least one"),
        (["a"], ["b"], TypeError, "estimates must be real numbers"),
        ([[1.0, 2.0]], [[1.0, 2.0]], ValueError, r"must have shape \(trials,\)"),
    ],
)
def test_bad_input(name, estimates, truths, error, message):
    with pytest.raises(error, match=message):
        getattr(metrics, name)(estimates, truths)
