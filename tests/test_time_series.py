"""Lagged MI and transfer entropy: the embedding, and values of a Gaussian process."""

import math

import numpy as np
import pytest

import fastmi


def driven(rng, n, delay=1):
    """Return white noise x and the series y_t = x_{t - delay} + e_t / 2 that it drives."""
    x = rng.standard_normal(n + delay)
    y = np.concatenate([np.zeros(delay), x[:-delay]]) + 0.5 * rng.standard_normal(n + delay)
    return x[delay:], y[delay:]


TRUTH = 0.5 * math.log(1 + 1 / 0.25)


def test_lags_pair_the_right_times(rng):
    x, y = rng.standard_normal((2, 100))
    assert fastmi.lagged_mi(x, y, 0) == fastmi.mi(x, y)
    assert fastmi.lagged_mi(x, y, 3) == fastmi.mi(x[:-3], y[3:])
    assert fastmi.lagged_mi(x, y, -3) == fastmi.mi(x[3:], y[:-3])
    assert fastmi.lagged_mi(x, y, 3).n == 97
    assert fastmi.lagged_mi(x, y, [-2, 0, 2]) == [fastmi.lagged_mi(x, y, lag) for lag in (-2, 0, 2)]
    assert len(fastmi.lagged_mi(x, y, np.arange(4), k=5)) == 4


def test_lagged_mi_peaks_at_the_delay(rng):
    x, y = driven(rng, 3000, delay=4)
    lags = range(-6, 7)
    values = fastmi.lagged_mi(x, y, lags)
    assert lags[int(np.argmax(values))] == 4
    assert values[lags.index(4)] == pytest.approx(TRUTH, abs=0.1)
    assert abs(values[lags.index(-4)]) < 0.06


def test_a_lag_may_be_an_array_of_no_dimension(rng):
    x, y = driven(rng, 60)
    assert fastmi.lagged_mi(x, y, np.array(3)) == fastmi.lagged_mi(x, y, 3)


def test_transfer_entropy_is_a_conditional_mi(rng):
    x, y = rng.standard_normal((100, 2)), rng.standard_normal(100)
    assert fastmi.transfer_entropy(x, y) == fastmi.cmi(y[1:], x[:-1], y[:-1])
    own = np.column_stack([y[3:-1], y[2:-2]])
    past = np.hstack([x[1:-3], x[:-4]])
    value = fastmi.transfer_entropy(x, y, lag=3, source_history=2, target_history=2, k=4)
    assert value == fastmi.cmi(y[4:], past, own, k=4)
    assert value.n == 96


def test_transfer_entropy_has_a_direction(rng):
    x, y = driven(rng, 3000)
    assert fastmi.transfer_entropy(x, y) == pytest.approx(TRUTH, abs=0.1)
    assert abs(fastmi.transfer_entropy(y, x)) < 0.06


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: fastmi.lagged_mi(x, x, 19), ValueError, r"lags must be in \[2 - n, n - 2\]"),
        (lambda x: fastmi.lagged_mi(x, x, -19), ValueError, "lags must be an integer >= -18"),
        (lambda x: fastmi.lagged_mi(x, x, 0.5), TypeError, "lags must be an integer"),
        (lambda x: fastmi.lagged_mi(x, x, np.eye(2, dtype=int)), TypeError, "lags must be an int"),
        (lambda x: fastmi.lagged_mi(x, x[:-1], 1), ValueError, "same number of samples"),
        (lambda x: fastmi.transfer_entropy(x, x[:-1]), ValueError, "source and target must"),
        (lambda x: fastmi.transfer_entropy(x, x, lag=0), ValueError, "lag must be an integer >= 1"),
        (lambda x: fastmi.transfer_entropy(x, x, lag=19), ValueError, "longer than the histories"),
        (
            lambda x: fastmi.transfer_entropy(x, x, target_history=0),
            ValueError,
            "target_history must be",
        ),
        (lambda x: fastmi.transfer_entropy(x, x, nope=1), TypeError, "nope"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(np.arange(20.0))
