"""Which samples a neural estimator holds out: copies of rows, series, samples of the user."""

import numpy as np
import pytest

import fastmi

pytest.importorskip("torch")

from fastmi.estimators.neural.parts import copy_groups, divide

pytestmark = pytest.mark.usefixtures("one_torch_thread")

OPTIONS = {"batch_size": 64, "seed": 0}


def parts(blocks, held_out=None, **others):
    n = len(blocks[0])
    chosen = {"given": False, "split": "random", "gap": 0, "selects": True} | OPTIONS | others
    return divide(blocks, round(0.2 * n) if held_out is None else held_out, **chosen)


def check_partition(found, n, left_out=0):
    rows = np.concatenate(found[:3])
    assert len(np.unique(rows)) == len(rows) == n - left_out


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("times", [2, 5])
def test_copies_stay_on_one_side(times, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(300, 2)), rng.normal(size=(300, 1))
    order = rng.permutation(300 * times)
    blocks = [np.repeat(block, times, axis=0)[order] for block in (x, y)]
    found = parts(blocks, seed=seed)
    check_partition(found, 300 * times)
    sides = [set(map(tuple, blocks[0][part])) for part in found[:3]]
    # No row is on two sides: the sides hold each distinct row once.
    assert sum(map(len, sides)) == len(set.union(*sides)) == 300
    assert len(found.train) == pytest.approx(0.8 * 300 * times, abs=times)
    assert [caution.kind for caution in found.warnings] == ["copies"]
    assert f"{300 * (times - 1)} of {300 * times} rows are copies" in found.warnings[0]


def test_independent_rows_five_times_share_no_information():
    """A split by rows lets the network know the held-out ones by heart: 2.6 nats."""
    rng = np.random.default_rng(0)
    x, y = (np.repeat(rng.normal(size=(400, 5)), 5, axis=0) for _ in range(2))
    options = {"steps": 400, "hidden": (64, 64), "lr": 3e-3, "eval_every": 20}
    found = fastmi.mi(x, y, method="mine", **OPTIONS, **options)
    assert abs(found) < 0.15
    assert "copies" in [caution.kind for caution in found.warnings]
    own = fastmi.MINE(**OPTIONS, **options | {"patience": None, "steps": 1000})
    order = rng.permutation(2000)
    x, y = x[order], y[order]
    leaking = own.estimate(x[:1600], y[:1600], test=(x[1600:], y[1600:]))
    assert leaking > 0.3
    assert "held-out rows are copies of training rows" in "".join(leaking.warnings)


def test_without_copies_the_split_is_a_permutation():
    blocks = [np.random.default_rng(0).normal(size=(500, d)) for d in (2, 3)]
    found = parts(blocks)
    order = np.random.default_rng(0).permutation(500)
    assert np.array_equal(np.concatenate(found[:3]), order)
    assert [len(part) for part in found[:3]] == [400, 50, 50]
    assert not found.warnings


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: (rng.integers(0, 4, 1000), rng.integers(0, 4, 1000)),
        lambda rng: (rng.integers(0, 30, 1000), rng.integers(0, 30, 1000)),
        lambda rng: (rng.normal(size=1000), rng.integers(0, 2, 1000)),
        lambda rng: rng.integers(0, 7, 1000) // np.array([[1], [2]]),
        lambda rng: (rng.normal(size=1000).round(1), rng.normal(size=1000).round(1)),
    ],
    ids=["few classes", "many classes", "labels", "function of a class", "rounded"],
)
def test_equal_values_by_chance_are_no_copies(make):
    """Cells of a discrete distribution belong on both sides; what few are told apart is chance."""
    blocks = [block[:, None].astype(float) for block in make(np.random.default_rng(0))]
    groups = copy_groups(blocks)
    assert groups is None or len(groups) - len(np.unique(groups)) <= 10
    assert not parts(blocks).warnings


@pytest.mark.parametrize("decimals", [2, 3])
@pytest.mark.parametrize("n", [300, 1000, 5000])
def test_readings_beside_a_class_are_not_warned_of(n, decimals):
    alarms = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 1)).round(decimals)
        for y in (rng.integers(0, 3, (n, 1)) * 1.0, 2 * x, (x > 0) * 1.0):
            alarms += bool(parts([x, y], seed=seed).warnings)
    assert alarms <= 1


def test_copies_beside_a_class():
    """Rows that a continuous variable identifies are copies, though the other repeats anyway."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 1)), rng.integers(0, 2, (200, 1)).astype(float)
    groups = copy_groups([np.tile(x, (3, 1)), np.tile(y, (3, 1))])
    np.testing.assert_array_equal(groups.reshape(3, 200), np.tile(groups[:200], (3, 1)))
    assert len(np.unique(groups)) == 200
    assert copy_groups([x, y]) is None
    (found,) = parts([np.tile(x, (3, 1)), np.tile(y, (3, 1))]).warnings
    assert found.kind == "copies"


def test_two_zeros_are_one_value():
    x = np.arange(200.0)[:, None]
    x[0] = 0.0
    twice = [np.concatenate([x, np.where(x == 0, -0.0, x)])] * 2
    assert len(np.unique(copy_groups(twice))) == 200


def test_blocked_split_takes_the_last_samples():
    blocks = [np.random.default_rng(0).normal(size=(1000, 1)) for _ in range(2)]
    found = parts(blocks, split="blocked", gap=10)
    check_partition(found, 1000, left_out=20)
    assert set(found.train) == set(range(790))
    assert set(found.select) == set(range(800, 900))
    assert set(found.report) == set(range(910, 1000))
    # Product pairs are of neighbours in the order, which must not be neighbours in time.
    for part in found[:3]:
        assert (np.abs(np.diff(part)) == 1).mean() < 0.1
    whole = parts(blocks, split="blocked", gap=10, selects=False)
    assert set(whole.train) == set(range(790))
    assert set(whole.report) == set(range(800, 1000))


def test_a_gap_that_leaves_nothing():
    blocks = [np.random.default_rng(0).normal(size=(300, 1)) for _ in range(2)]
    for gap in (40, 200, 10_000):
        with pytest.raises(ValueError, match=f"batch_size=64, gap={gap}, .* training and 60 held"):
            parts(blocks, split="blocked", gap=gap)


def test_blocked_split_of_independent_series():
    """Samples near in time are alike, so that a random split shows the network its answers."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2000, 2, 3))
    series = noise.copy()
    for t in range(1, len(series)):
        series[t] = 0.98 * series[t - 1] + 0.2 * noise[t]
    x, y = series[:, 0], series[:, 1]
    options = {"steps": 600, "hidden": (64, 64), "lr": 3e-3, "eval_every": 30} | OPTIONS
    leaking = fastmi.mi(x, y, method="mine", **options)
    blocked = fastmi.mi(x, y, method="mine", split="blocked", gap=50, **options)
    assert leaking > 0.5
    assert blocked < 0.15
    assert "autocorrelation" in [caution.kind for caution in leaking.warnings]
    assert "autocorrelation" not in [caution.kind for caution in blocked.warnings]


def test_rows_of_one_series_beside_noise_are_no_reason_to_warn():
    rng = np.random.default_rng(0)
    walk, noise = rng.normal(size=(1000, 1)).cumsum(axis=0), rng.normal(size=(1000, 1))
    assert [c.kind for c in parts([walk, np.exp(walk)]).warnings] == ["autocorrelation"]
    assert not parts([walk, noise]).warnings
    assert not parts([walk, walk], split="blocked").warnings
    assert not parts([walk, walk], given=True).warnings
    assert not parts([walk, np.ones((1000, 1))]).warnings


def test_copies_across_blocks_are_reported():
    rng = np.random.default_rng(0)
    blocks = [np.tile(rng.normal(size=(200, 2)), (2, 1)) for _ in range(2)]
    found = parts(blocks, split="blocked")
    assert "80 of 80 held-out rows are copies of training rows" in found.warnings[0]
