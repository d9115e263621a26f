"""Transfer entropy given the past of other series: definition, closed forms, and what it is for."""

import math
from itertools import product

import numpy as np
import pytest

import fastmi


def test_it_is_the_information_given_all_pasts(rng):
    x, y, z = rng.standard_normal((3, 80))
    pair = rng.standard_normal((80, 2))
    plain = fastmi.transfer_entropy(x, y, condition=z)
    assert plain == fastmi.cmi(y[1:], x[:-1], np.column_stack([y[:-1], z[:-1]]))
    longer = fastmi.transfer_entropy(
        x, y, lag=2, target_history=2, condition=[z, pair], condition_history=3, k=4
    )
    # Two of the target; three of z; three of each column of the pair.
    own = [y[2:-1], y[1:-2], z[2:-1], z[1:-2], z[:-3]]
    given = np.column_stack([*own, pair[2:-1], pair[1:-2], pair[:-3]])
    assert longer == fastmi.cmi(y[3:], x[1:-2], given, k=4)
    assert longer.n == 77
    several = fastmi.transfer_entropy(x, y, condition=(z, pair))
    assert several == fastmi.transfer_entropy(x, y, condition=np.column_stack([z, pair]))
    assert fastmi.transfer_entropy(x, y, condition=list(z)) == plain
    assert fastmi.transfer_entropy(x, y, condition=[list(row) for row in pair]) == (
        fastmi.transfer_entropy(x, y, condition=pair)
    )
    lists = fastmi.transfer_entropy(x, y, condition=z, k=[2, 3])
    assert [each.k for each in lists] == [2, 3]
    assert lists[1] == plain


# From ConditionalTransferEntropyCalculatorKraskov and ...Gaussian of JIDT 1.6 (its jar as of
# IDTxl 1.6.1), without noise and normalisation, k = 3: target history, source history, lag,
# condition history, value by neighbours, value of the Gaussian formula.
JIDT = [
    (1, 1, 1, 1, -0.003267833944024301, 0.003397843122361305),
    (2, 1, 2, 1, 0.33356380320437284, 0.4542573047077766),
    (1, 2, 2, 2, 0.24472600746735285, 0.4503029984456387),
    (2, 2, 1, 3, 0.08172572669665501, 0.160715375608049),
]


@pytest.mark.parametrize("memory, reach, lag, depth, neighbours, gaussian", JIDT)
def test_values_are_those_of_jidt(memory, reach, lag, depth, neighbours, gaussian):
    rng = np.random.default_rng(1)
    z = rng.standard_normal((400, 2))
    x = np.roll(z[:, 0], 1) + 0.5 * rng.standard_normal(400)
    y = 0.6 * np.roll(x, 2) + 0.5 * np.roll(z[:, 1], 1) + 0.5 * rng.standard_normal(400)
    options = {
        "condition": z,
        "lag": lag,
        "source_history": reach,
        "target_history": memory,
        "condition_history": depth,
    }
    value = fastmi.transfer_entropy(x, y, **options)
    assert float(value) == pytest.approx(neighbours, abs=1e-12)
    linear = fastmi.transfer_entropy(x, y, method="gaussian", **options)
    assert linear.uncorrected == pytest.approx(gaussian, abs=1e-10)


def var(rng, n, weights):
    """Return x_t = weights x_{t-1} + e_t, rows are times."""
    series = rng.standard_normal((n + 100, len(weights)))
    for t in range(1, len(series)):
        series[t] += weights @ series[t - 1]
    return series[100:]


def closed_form(weights, source, target, given):
    """Return half the log ratio of the variances of the target given its past and the others'.

    The covariance of a stationary VAR of order 1 with unit noise solves S = A S A' + 1.
    """
    m = len(weights)
    covariance = np.linalg.solve(
        np.eye(m * m) - np.kron(weights, weights), np.eye(m).ravel()
    ).reshape(m, m)
    ahead = weights[target] @ covariance  # covariance of the target with all pasts

    def left(known):
        inner = covariance[np.ix_(known, known)]
        return covariance[target, target] - ahead[known] @ np.linalg.solve(inner, ahead[known])

    return 0.5 * math.log(left([target, *given]) / left([target, *given, source]))


# Node 0 drives 1 and 1 drives 2; 0 drives 3 and 4 as well.
CHAIN = np.array([[0.5, 0, 0], [0.8, 0.3, 0], [0, 0.8, 0.3]])
FORK = np.array([[0.8, 0, 0], [0.8, 0.2, 0], [0.8, 0, 0.2]])


@pytest.mark.parametrize("method, tolerance", [("gaussian", 0.015), ("fp", 0.06)])
def test_closed_forms_of_linear_processes(method, tolerance):
    series = var(np.random.default_rng(5), 6000, CHAIN).T
    for source, target, between in ((0, 1, 2), (1, 2, 0), (0, 2, 1), (2, 0, 1)):
        for given in ([], [between]):
            truth = closed_form(CHAIN, source, target, given)
            value = fastmi.transfer_entropy(
                series[source],
                series[target],
                condition=[series[i] for i in given] or None,
                method=method,
            )
            assert float(value) == pytest.approx(truth, abs=tolerance)
    assert closed_form(CHAIN, 0, 2, []) > 0.03
    assert closed_form(CHAIN, 0, 2, [1]) == pytest.approx(0.0, abs=1e-12)


def test_enumeration_of_a_discrete_process():
    """The exclusive or of two fair coins: neither tells anything alone, each all given the other.

    Enumerated: given the coin z of the time before, the target is x or its complement, and ln 2.
    """
    law = [(x, z, x ^ z) for x, z in product((0, 1), repeat=2)]
    assert len({(z, y) for _, z, y in law}) == 4  # y is independent of z, and of x alike
    x, z = np.random.default_rng(2).integers(0, 2, (2, 4000))
    y = np.concatenate([[0], x[:-1] ^ z[:-1]])
    alone = fastmi.transfer_entropy(x, y, method="discrete")
    given = fastmi.transfer_entropy(x, y, condition=z, method="discrete")
    assert abs(float(alone)) < 0.005
    assert float(given) == pytest.approx(math.log(2), abs=0.005)
    names = np.array(["heads", "tails"])[z]
    assert fastmi.transfer_entropy(x, y, condition=names, method="discrete") == given
    two = fastmi.transfer_entropy(x, y, condition=[names, np.zeros(4000)], method="discrete")
    assert float(two) == pytest.approx(float(given), abs=1e-6)


@pytest.mark.parametrize("weights, source, target, known", [(CHAIN, 0, 2, 1), (FORK, 1, 2, 0)])
def test_plain_transfer_entropy_is_fooled_and_the_conditional_is_not(
    weights, source, target, known
):
    """A chain, and a driver that two series share."""
    found = []
    for run in range(20):
        series = var(np.random.default_rng([run, 8]), 400, weights).T
        options = {"n_permutations": 19, "seed": run, "method": "gaussian", "n_jobs": 1}
        pair = series[source], series[target]
        found.append(
            [
                fastmi.transfer_entropy(*pair, **options).p_value <= 0.05,
                fastmi.transfer_entropy(*pair, condition=series[known], **options).p_value <= 0.05,
            ]
        )
    plain, conditional = np.sum(found, axis=0)
    assert plain >= 18
    assert conditional <= 4


def test_the_test_reorders_the_source_alone(rng):
    x, y, z = rng.standard_normal((3, 60))
    result = fastmi.transfer_entropy(x, y, condition=z, n_permutations=57, seed=0, min_shift=1)
    given = np.column_stack([y[:-1], z[:-1]])
    assert result.scheme == "circular"
    expected = [fastmi.cmi(np.roll(x[:-1], s), y[1:], given) for s in range(1, 59)]
    assert np.isin(np.round(result.null, 12), np.round(expected, 12)).all()
    assert len(np.unique(np.round(result.null, 12))) > 50
