"""The quick look at samples: it misses nothing that matters, and continuous samples pass."""

import numpy as np
import pytest

import reference
from fastmi import _cpu
from fastmi._blocks import DeviceArray
from fastmi._device import View
from fastmi.ops.coincidences import coincidences

CONTINUOUS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "uniform": lambda rng, n: rng.random(n),
    "lognormal": lambda rng, n: rng.lognormal(0, 5, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
}


def columns(values):
    return [np.asarray(column, dtype=np.float64).reshape(-1, 1) for column in values]


def seen(values):
    return coincidences(columns(values))


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("n", [2, 3, 20, 128, 129, 1000, 5000, 40_000])
def test_continuous_samples_pass(name, n, dtype):
    for seed in range(20 if n <= 1000 else 2):
        rng = np.random.default_rng([seed, n])
        pair = [CONTINUOUS[name](rng, n).astype(dtype).reshape(-1, 1) for _ in range(2)]
        assert coincidences(pair) == (False, False), seed


@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1e30])
def test_the_unit_is_irrelevant(unit, dtype):
    rng = np.random.default_rng(0)
    x, y = np.dtype(dtype).type(unit) * rng.standard_normal((2, 500, 1)).astype(dtype)
    assert coincidences([x, y]) == (False, False)
    assert coincidences([x.repeat(2, axis=0), y.repeat(2, axis=0)]).copies
    assert coincidences([np.round(x / x.dtype.type(unit), 1) * x.dtype.type(unit), y]).ties


@pytest.mark.parametrize("n", [60, 300, 1000, 5000, 30_000])
def test_tied_columns_are_seen_wherever_they_bias(n):
    """Ties in L equally likely values move KSG by about sqrt(n / k) / L nats, here 0.02."""
    levels = max(2, int(50 * np.sqrt(n / 3)))
    missed = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, n])
        missed += not seen([rng.integers(0, levels, n), rng.standard_normal(n)]).ties
    assert missed == 0


@pytest.mark.parametrize("n", [60, 1000, 5000])
@pytest.mark.parametrize("place", [0, 1, 4])
def test_any_column_may_tie(n, place):
    rng = np.random.default_rng(n)
    wide = rng.standard_normal((n, 5))
    y = rng.standard_normal((n, 1))
    wide[:, place] = np.round(wide[:, place], 1)
    assert coincidences([wide, y]) == (False, True)
    assert coincidences([y, wide]) == (False, True)
    assert _cpu.coincidences([wide.astype(np.float32), y.astype(np.float32)]) == (False, True)


def test_kinds_of_columns_that_tie():
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(1000)
    tied = {
        "ranks": rng.permutation(1000),
        "scaled ranks": rng.permutation(1000) / 1001,
        "time": np.arange(1000) + 1.7e9,
        "each value in five adjacent rows": rng.standard_normal(200).repeat(5),
        "five times the same column": np.tile(rng.standard_normal(200), 5),
        "zeros": normal * (rng.random(1000) < 0.7),
        "a coin": rng.integers(0, 2, 1000),
        "whole numbers far away": rng.integers(0, 100, 1000) + 1e12,
        "the second half is rounded": np.append(normal[:500], normal[500:].round(1)),
    }
    for name, column in tied.items():
        assert seen([column, normal]) == (False, True), name
    assert seen([np.full(1000, 3.5), normal]) == (False, False)


@pytest.mark.parametrize("n", [40, 400, 1000, 4096, 4097, 20_000])
@pytest.mark.parametrize("adjacent", [True, False])
def test_copies_of_rows(n, adjacent):
    for seed in range(5):
        rng = np.random.default_rng([seed, n])
        x, y = rng.standard_normal((2, n))
        count = max(2, n // 50)
        at = rng.permutation(n)
        source, target = at[:count], at[count : 2 * count]
        if adjacent:
            source = rng.permutation(n // 2 - 1)[:count] * 2
            target = source + 1
        x[target], y[target] = x[source], y[source]
        assert seen([x, y]).copies
        # The same values in other pairs are no copies of rows.
        other = rng.permutation(y)
        copied = n <= 1000 and reference.copied_rows(columns([x, other])) > 0
        assert seen([x, other]).copies == copied


def test_zeros_of_both_signs_are_equal():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(600)
    signs = np.where(rng.random(600) < 0.5, 0.0, -0.0)
    assert seen([signs, y]) == (False, False)  # it never varies
    assert seen([np.where(y > 0, signs, y), rng.standard_normal(600)]).ties
    zero = np.zeros(600)
    assert seen([signs, np.round(y)]).copies == seen([zero, np.round(y)]).copies is True


def test_the_flag_of_a_column_does_not_depend_on_others():
    rng = np.random.default_rng(0)
    for levels in (3, 500, 2000, 10_000, 10**6):
        column = rng.integers(0, levels, 1000)
        alone = seen([column]).ties
        for other in (rng.standard_normal(1000), np.arange(1000) ** 2 % 997 * np.pi):
            assert seen([column, other]).ties == (alone or seen([other]).ties)


def test_samples_on_a_gpu_are_sampled(host_gpu):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 30_000, 1))
    pairs = [(x, y), (np.round(x, 1), y), (x.repeat(2, axis=0), y.repeat(2, axis=0))]
    for pair in pairs:
        there = [DeviceArray(0, host=each) for each in pair]
        assert coincidences(there) == coincidences(list(pair))
        arrays = [host_gpu.put(each) for each in pair]
        there = [DeviceArray(0, view=_view(each)) for each in arrays]
        assert any(coincidences(there)) == any(coincidences(list(pair)))


def test_samples_that_cannot_be_copied_pass():
    class Foreign:
        shape, dtype = (10, 1), np.dtype(np.float64)

    view = View(8, (10, 1), None, np.dtype(np.float64), 1, Foreign())
    assert coincidences([DeviceArray(0, view=view)]) == (False, False)


def test_contract():
    x = np.zeros((5, 1))
    with pytest.raises(TypeError, match="all of one dtype"):
        _cpu.coincidences([x, x.astype(np.float32)])
    with pytest.raises(ValueError, match="blocks must have the same n"):
        _cpu.coincidences([x, x[:4].copy()])
    with pytest.raises(ValueError, match="blocks must not be empty"):
        _cpu.coincidences([])


def _view(array):
    interface = array.__cuda_array_interface__
    return View(interface["data"][0], interface["shape"], None, np.dtype(np.float64), 1, array)
