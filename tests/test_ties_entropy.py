"""Entropies of rounded readings and whole numbers: the step is found, and noise spans it."""

import math

import numpy as np
import pytest

import fastmi
from fastmi.estimators.neighbors._ties import (
    rounding_step,
)

N = 1000
SEEDS = range(4)
# h of a standard normal.
NORMAL = 0.5 * math.log(2 * math.pi * math.e)


class TestEntropy:
    @pytest.mark.parametrize("step", [0.001, 0.01, 0.1, 0.5])
    @pytest.mark.parametrize("method", ["kl", "wkl"])
    def test_rounded_readings(self, method, step, dtype):
        values = []
        for seed in SEEDS:
            x = np.random.default_rng(seed).standard_normal(N)
            x = (np.round(x / step) * step + 7).astype(dtype)
            got = fastmi.entropy(x, method=method)
            (caution,) = got.warnings
            assert caution.kind == "ties"
            assert f"steps of {step:.3g}" in caution
            values.append(float(got))
        assert np.mean(values) == pytest.approx(NORMAL, abs=0.06)

    def test_whole_numbers(self):
        x = np.random.default_rng(0).integers(0, 10, N)
        assert float(fastmi.entropy(x)) == pytest.approx(math.log(10), abs=0.06)
        assert float(fastmi.entropy(3 * x)) == pytest.approx(math.log(30), abs=0.06)

    def test_a_rounded_column_beside_others(self):
        rng = np.random.default_rng(0)
        x = np.column_stack([rng.standard_normal(N), rng.integers(0, 10, N)])
        with pytest.warns(fastmi.EstimateWarning, match="method='discrete'"):
            got = fastmi.entropy(x)
        assert float(got) == pytest.approx(NORMAL + math.log(10), abs=0.1)
        fine = np.round(rng.standard_normal((N, 2)), 3)
        assert fastmi.entropy(fine).warnings == ()

    @pytest.mark.parametrize("method", ["kl", "wkl"])
    def test_a_trace_of_noise_never_decides_silently(self, method):
        x = np.random.default_rng(0).integers(0, 30, N)
        with pytest.warns(fastmi.EstimateWarning, match=r"noise=1e-10 decides the value"):
            assert fastmi.entropy(x, method=method, noise=1e-10, seed=0) < -10
        wide = fastmi.entropy(x, method=method, noise=1 / x.std(), seed=0)
        assert float(wide) == pytest.approx(math.log(30), abs=0.1)
        assert wide.warnings == ()

    def test_the_raw_definition(self):
        rng = np.random.default_rng(0)
        with pytest.raises(ValueError, match="leave noise at None"):
            fastmi.entropy(rng.integers(0, 30, N), noise=0)
        fine = np.round(rng.standard_normal(200), 2)
        assert [each.kind for each in fastmi.entropy(fine, noise=0, k=8).warnings] == ["ties"]

    def test_values_without_a_step_are_refused(self):
        rng = np.random.default_rng(0)
        inflated = rng.standard_normal(N) * (rng.random(N) < 0.5)
        with pytest.raises(ValueError, match=r"method='discrete'"):
            fastmi.entropy(inflated)
        with pytest.raises(ValueError, match="recorded twice"):
            fastmi.entropy(rng.standard_normal(100).repeat(5))

    @pytest.mark.parametrize(
        "values, step",
        [
            (np.arange(50) * 3.0, 3.0),
            (np.array([0.0, 6.0, 10.0, 25.0]), 1.0),
            (np.arange(400) * 0.1, 0.1),
            (np.float32(20 + np.arange(90) * np.float32(0.05)), 0.05),
            (1e9 + np.arange(70) * 0.25, 0.25),
            (np.arange(90) * 0.1 + 290 - 291.234, 0.1),
            (np.float32(290 + np.arange(50) * 0.1).astype(float), 0.1),
            (np.arange(9) * 1e300, 1e300),
            (np.log1p(np.arange(9.0)), None),
            (np.array([0.0, 1.0]), 1.0),
            (np.sqrt(np.arange(40.0)), None),
            (np.full(30, 4.0), 0.0),
        ],
    )
    def test_rounding_step(self, values, step):
        rng = np.random.default_rng(0)
        found = rounding_step(values[rng.integers(0, len(values), 2000)])
        assert found == (step if step is None else pytest.approx(step, rel=1e-4))

    def test_continuous_values_beside_an_atom_have_no_step(self):
        rng = np.random.default_rng(1000)
        for dtype in (np.float32, np.float64):
            values = np.where(rng.random(N) < 0.5, 0, rng.standard_normal(N)).astype(np.float32)
            assert rounding_step(values.astype(dtype)) is None

    def test_standardised_readings(self):
        readings = np.round(290 + np.random.default_rng(0).standard_normal(5000), 2)
        got = fastmi.entropy((readings - readings.mean()) / readings.std())
        assert got == pytest.approx(NORMAL, abs=0.04)

    def test_values_that_do_not_repeat_have_no_step(self):
        assert rounding_step(np.random.default_rng(0).permutation(500) * 1.0) == 0.0
