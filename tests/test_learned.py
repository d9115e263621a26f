"""The learned combination: its arithmetic, its intervals, and what it does outside of training."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

import fastmi
from fastmi.estimators import _copula, _learned
from fastmi.estimators._learned import Hints, Moments, Said

AGREEING = Said(0.40, 0.01, 0.0, 0.40, 0.0)
HINTS = Hints(
    2000,
    3,
    4,
    0.4,
    0.4,
    0.4,
    math.inf,
    3,
    AGREEING,
    AGREEING,
    Moments(0.9, 0.4),
    Moments(0.9, 0.4),
    0.4,
)
# Neighbours see twice the twin's information, and moments as well.
SEEING = Said(0.80, 0.02, 0.01, 0.74, 0.01)
DEPARTING = HINTS._replace(scores=SEEING, scaled=SEEING, moments=Moments(1.9, 1.1), combined=0.8)


def hints_of(x: np.ndarray, y: np.ndarray, seed: int = 0) -> Hints:
    """Hints of samples, with normal scores in the place of relevant directions."""
    scores = _copula.normal_scores([x, y])
    copula = _copula.fit(scores)
    assert copula is not None
    drawn = copula.draw(len(x), np.random.default_rng(seed))
    twin = _copula.normal_scores(drawn[0])

    def said(blocks):
        return fastmi.mi(*blocks, k=list(_learned.NEIGHBOURS), n_jobs=1)

    own, of_twin = said(scores), said(twin)
    parts = Said(
        float(own[0]),
        own[0].stderr,
        float(of_twin[0]) - copula.reference,
        float(own[1]),
        float(of_twin[1]) - copula.reference,
    )
    return Hints(
        len(x),
        x.shape[1],
        y.shape[1],
        copula.reference,
        copula.information,
        copula.raw,
        copula.tail_index,
        1,
        parts,
        parts,
        _learned.moments(*scores),
        _learned.moments(*twin),
        float(fastmi.mi(x, y, method="auto", n_jobs=1)),
    )


def test_networks_as_sums_over_neurons():
    rng = np.random.default_rng(0)
    sizes, networks = (4, 3, 3, 5), 2
    weights = {"mean": rng.normal(size=4), "scale": rng.uniform(1, 2, 4)}
    for place, (a, b) in enumerate(itertools.pairwise(sizes)):
        weights[f"w{place}"] = rng.normal(size=(networks, a, b))
        weights[f"b{place}"] = rng.normal(size=(networks, 1, b))
    features = rng.normal(size=(6, 4))
    expected = np.zeros((6, 5))
    for row, network in itertools.product(range(6), range(networks)):
        layer = list((features[row] - weights["mean"]) / weights["scale"])
        for place in range(3):
            matrix, offset = weights[f"w{place}"][network], weights[f"b{place}"][network, 0]
            sums = [
                offset[j] + sum(value * matrix[i, j] for i, value in enumerate(layer))
                for j in range(matrix.shape[1])
            ]
            layer = sums if place == 2 else [math.tanh(value) for value in sums]
        expected[row] += np.array(layer) / networks
    np.testing.assert_allclose(_learned.evaluate(weights, features), np.sort(expected), rtol=1e-12)


def test_moments_as_sums_over_columns():
    rng = np.random.default_rng(1)
    n = 400
    x = rng.standard_normal((n, 2))
    y = np.column_stack([x[:, 0] * x[:, 1] + 0.3 * rng.standard_normal(n), rng.standard_normal(n)])
    strength = 0.0
    for i, j, a, b in itertools.product(range(2), range(2), range(1, 13), range(1, 13)):
        curves = []
        for column, order in ((x[:, i], a), (y[:, j], b)):
            place = (np.array([(column < value).sum() for value in column]) + 0.5) / n
            curves.append(math.sqrt(2) * np.cos(math.pi * order * place))
        strength += max(np.mean(curves[0] * curves[1]) ** 2 - 4 / n, 0.0)
    found = _learned.moments(x, y)
    assert found.strength == pytest.approx(strength, rel=1e-9)
    # y[:, 0] is a product of columns plus noise: linear in what `pairs` looks at.
    features = np.column_stack([x, x[:, 0] ** 2, x[:, 0] * x[:, 1], x[:, 1] ** 2])
    rest = (
        y[:, 0]
        - np.column_stack([np.ones(n), features])
        @ np.linalg.lstsq(np.column_stack([np.ones(n), features]), y[:, 0], rcond=None)[0]
    )
    alone = -0.5 * math.log(rest.var() / y[:, 0].var())
    assert found.pairs > alone - 25 / (2 * n)
    assert _learned.moments(x, rng.standard_normal((n, 2))).pairs == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("block", ["constant", "copies", "ties"])
def test_moments_of_degenerate_columns_are_finite(block):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 3))
    y = {
        "constant": np.zeros((300, 2)),
        "copies": np.repeat(x[:, :1], 3, axis=1),
        "ties": np.round(x),
    }[block]
    assert np.isfinite(_learned.moments(x, y)).all()


@pytest.mark.parametrize("hints", [HINTS, DEPARTING])
def test_intervals_hold_the_value_and_each_other(hints):
    said = _learned.learned(hints)
    (low90, high90), (low95, high95) = (said.intervals[level] for level in _learned.LEVELS)
    assert 0.0 <= low95 <= low90 <= said.value <= high90 <= high95 < 10.0
    assert not said.outside
    assert _learned.combine(hints) == said.value
    assert _learned.interval(hints) == said.intervals[0.95]
    assert _learned.interval(hints, 0.90) == said.intervals[0.90]


def test_where_nothing_speaks_against_the_twin_its_information_stands():
    assert _learned.departure(HINTS) == 0.0
    assert _learned.combine(HINTS) == pytest.approx(HINTS.reference, abs=1e-12)
    assert _learned.departure(DEPARTING) > 0.9
    assert _learned.combine(DEPARTING) > 0.7


def test_outside_of_training_intervals_widen():
    few = DEPARTING._replace(n=40)
    said = _learned.learned(few)
    assert said.outside
    # The smallest n of training is clipped to; the interval there is narrower.
    inside = _learned.learned(DEPARTING._replace(n=520))
    assert not inside.outside
    width = [one.intervals[0.95][1] - one.intervals[0.95][0] for one in (said, inside)]
    assert width[0] > 1.3 * width[1]


def test_more_samples_narrow_the_interval():
    widths = []
    for n in (700, 2000, 5000):
        stderr = 0.02 * math.sqrt(2000 / n)
        parts = SEEING._replace(stderr=stderr)
        low, high = _learned.interval(DEPARTING._replace(n=n, scores=parts, scaled=parts))
        widths.append(high - low)
    assert widths[2] < widths[1] < widths[0]


def test_intervals_hold_the_information_of_known_laws():
    n, seeds = 1000, 12
    covered = []
    # A normal signal's absolute value and noise: the twin sees next to nothing. The truth is an
    # integral over a line.
    grid = np.linspace(-2.0, 6.0, 4001)
    points = (np.arange(1500) + 0.5) * 0.004
    density = np.exp(-0.5 * points**2)
    density /= density.sum()
    noise = np.exp(-0.5 * ((grid[:, None] - points) / 0.3) ** 2) / (0.3 * math.sqrt(2 * math.pi))
    p = noise @ density
    entropy = -(p * np.log(p + 1e-300)).sum() * (grid[1] - grid[0])
    folded = entropy - 0.5 * math.log(2 * math.pi * math.e * 0.09)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((n, 2))
        normal = 0.6 * x + 0.8 * rng.standard_normal((n, 2))
        absolute = np.abs(x[:, :1]) + 0.3 * rng.standard_normal((n, 1))
        for a, b, truth in ((x, normal, -math.log(0.64)), (x[:, :1], absolute, folded)):
            said = _learned.learned(hints_of(a, b))
            low, high = said.intervals[0.95]
            covered.append(low <= truth <= high)
            assert said.value == pytest.approx(truth, abs=0.15)
            assert high - low < 1.0
    # 19 of 24 or fewer are six in a thousand where each is held in 95 %.
    assert sum(covered) >= 20


def test_weights_are_small_and_beside_the_module():
    file = Path(_learned.__file__).with_name("learned.npz")
    assert file.stat().st_size < 200_000
    with np.load(file) as stored:
        features = len(_learned.vector(HINTS)[0])
        assert stored["mean"].shape == stored["scale"].shape == (features,)
        assert stored["range"].shape == (2, features)
        assert stored["widths"].shape == (len(_learned.LEVELS), 2)
        assert all(np.isfinite(stored[name]).all() for name in stored.files)
