"""Discrete and mixed variables: definition, closed forms, classes, atoms."""

import math

import numpy as np
import pytest

import fastmi
import reference
from samples import SAMPLES, draw, draw_blocks

pytestmark = pytest.mark.filterwarnings("error", "ignore::fastmi.EstimateWarning")


def two_bumps(n, seed=0, gap=3.0):
    """c a fair coin, x = gap c + noise, and I(X; C) by quadrature."""
    rng = np.random.default_rng(seed)
    c = rng.integers(0, 2, n)
    x = gap * c + rng.standard_normal(n)
    grid = np.linspace(-12, 12 + gap, 200_001)
    near, far = (np.exp(-0.5 * (grid - m) ** 2) / math.sqrt(2 * math.pi) for m in (0.0, gap))
    mix = 0.5 * (near + far)
    h = -np.sum(mix * np.log(np.maximum(mix, 1e-300))) * (grid[1] - grid[0])
    return x, c, h - 0.5 * math.log(2 * math.pi * math.e)


def discrete_and_uniform(n, m=5, seed=0):
    """x one of m integers, y = x + U(0, 2): I = log m - (m - 1) log 2 / m."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, m, n)
    return x, x + rng.uniform(0, 2, n), math.log(m) - (m - 1) * math.log(2) / m


def zero_inflated_poisson(n, p=0.15, seed=0):
    """x exponential, y 0 with probability p, else Poisson of rate x."""
    rng = np.random.default_rng(seed)
    x = rng.exponential(1, n)
    y = np.where(rng.random(n) < p, 0, rng.poisson(x))
    series = sum(math.log(j) * 2.0**-j for j in range(1, 200))
    return x, y, (1 - p) * (2 * math.log(2) - np.euler_gamma - series)


class TestRoss:
    @pytest.mark.parametrize("name", SAMPLES)
    @pytest.mark.parametrize("d", [1, 3])
    def test_against_the_definition(self, name, d, metric, dtype):
        x = draw(name, 120, d, dtype)
        # Class sizes are 1 to about 60, so that some classes are smaller than k.
        classes = np.minimum(np.random.default_rng(0).geometric(0.5, 120), 9)
        got = fastmi.mi(x, classes, k=4, method="ross", metric=metric, noise=0)
        assert float(got) == pytest.approx(reference.ross_mi(x, classes, 4, metric), abs=1e-12)
        assert got.local.mean() == pytest.approx(float(got), abs=1e-12)

    @pytest.mark.parametrize("gap", [0.0, 1.0, 3.0])
    def test_two_bumps(self, gap):
        x, c, truth = two_bumps(4000, gap=gap)
        got = fastmi.mi(x, c, method="ross")
        assert float(got) == pytest.approx(truth, abs=5 * got.stderr + 0.005)
        assert got.stderr < 0.02
        assert got.warnings == ()

    def test_discrete_and_uniform(self):
        x, y, truth = discrete_and_uniform(4000)
        got = fastmi.mi(y, x, k=4, method="ross")
        assert float(got) == pytest.approx(truth, abs=5 * got.stderr)

    def test_agrees_with_scikit_learn(self):
        selection = pytest.importorskip("sklearn.feature_selection._mutual_info")
        x, c, _ = two_bumps(300)
        theirs = selection._compute_mi_cd(x, c, 3)
        assert max(0.0, float(fastmi.mi(x, c, method="ross"))) == pytest.approx(theirs, abs=1e-12)

    def test_names_of_classes_are_irrelevant(self):
        x, c, _ = two_bumps(300)
        plain = float(fastmi.mi(x, c, method="ross"))
        names = np.array(["no", "yes"])[c]
        pairs = np.column_stack([c, np.where(c == 1, 7, -1)])
        for classes in (names, names.tolist(), names.astype(object), c == 1, 1.5 * c, pairs):
            assert float(fastmi.mi(x, classes, method="ross")) == plain
        pd = pytest.importorskip("pandas")
        assert float(fastmi.mi(x, pd.Series(names, dtype="category"), method="ross")) == plain

    def test_scale_and_order_are_irrelevant(self):
        x, c, _ = two_bumps(300)
        plain = fastmi.mi(x, c, method="ross")
        assert float(fastmi.mi(-8 * x, c, method="ross")) == float(plain)
        order = np.random.default_rng(0).permutation(300)
        moved = fastmi.mi(x[order], c[order], method="ross")
        np.testing.assert_array_equal(moved.local, plain.local[order])

    def test_sequence_of_k_threads_and_algorithms(self, threads, algorithm):
        x, c, _ = two_bumps(300)
        for one in fastmi.mi(x, c, k=[5, 2], method="ross", n_jobs=threads, algorithm=algorithm):
            assert float(one) == float(fastmi.mi(x, c, k=one.k, method="ross", n_jobs=1))

    def test_lonely_samples_are_dropped_with_a_warning(self):
        x, c, _ = two_bumps(300)
        lone = np.append(c, [5, 6])
        got = fastmi.mi(np.append(x, [0.0, 1.0]), lone, method="ross")
        assert float(got) == float(fastmi.mi(x, c, method="ross"))
        assert got.n == len(got.local) == 300
        assert got.warnings == ("2 samples are alone in their class of y and were dropped",)

    def test_small_classes_and_atoms_are_named(self):
        x, c, _ = two_bumps(300)
        c[:4] = 3
        (text,) = fastmi.mi(x, c, k=4, method="ross").warnings
        assert "4 of 300 samples are in classes of y with k=4 or fewer samples" in text
        raw = fastmi.mi(np.round(x), c >= 1, method="ross", noise=0).warnings
        assert 'method="mixed"' in raw[-1]

    def test_bad_input(self):
        x, c, _ = two_bumps(30)
        with pytest.raises(ValueError, match=r"y must be discrete: .*got 30 samples with as many"):
            fastmi.mi(x, x, method="ross")
        with pytest.raises(ValueError, match="x and y must have the same number of samples"):
            fastmi.mi(x, c[:29], method="ross")
        with pytest.raises(ValueError, match="y must not have NaN; got 1 of them"):
            fastmi.mi(x, np.where(np.arange(30) == 2, np.nan, c), method="ross")
        with pytest.raises(TypeError, match="y must be classes: numbers, booleans or strings"):
            fastmi.mi(x, np.array([{}] * 30), method="ross")
        with pytest.raises(ValueError, match="y must be 1-D or 2-D"):
            fastmi.mi(x, np.zeros((30, 1, 1)), method="ross")
        with pytest.raises(TypeError, match="x must be real numbers"):
            fastmi.mi(np.array(["a"] * 30), c, method="ross")


class TestMixed:
    @pytest.mark.parametrize("name", SAMPLES)
    @pytest.mark.parametrize("dims", [(1, 1), (2, 1)])
    def test_against_the_definition(self, name, dims, metric, dtype):
        x, y = draw_blocks(name, 120, dims, dtype)
        got = fastmi.mi(x, y, k=4, method="mixed", metric=metric)
        assert float(got) == pytest.approx(reference.mixed_mi(x, y, 4, metric), abs=1e-12)
        assert got.local.mean() == pytest.approx(float(got), abs=1e-12)

    @pytest.mark.parametrize("make", [two_bumps, discrete_and_uniform, zero_inflated_poisson])
    def test_known_values(self, make):
        x, y, truth = make(4000)
        got = fastmi.mi(x, y, k=4, method="mixed")
        assert float(got) == pytest.approx(truth, abs=5 * got.stderr + 0.01)
        assert got.stderr < 0.03
        assert got.warnings == ()

    def test_discrete_pair(self):
        """Return the plug-in entropy of a table, up to terms of psi(n) - log n."""
        rng = np.random.default_rng(0)
        x = rng.integers(0, 3, 4000)
        y = np.where(rng.random(4000) < 0.5, x, rng.integers(0, 3, 4000))
        got = fastmi.mi(x, y, method="mixed")
        expected = reference.binned_total_correlation([x[:, None], y[:, None]], 3)
        assert float(got) == pytest.approx(expected, abs=2e-3)

    def test_continuous_pair_is_algorithm_1_with_log_n(self):
        x, y = draw_blocks("gaussian", 300, (2, 1), "float64")
        plain = fastmi.mi(x, y)
        got = fastmi.mi(x, y, method="mixed")
        np.testing.assert_array_equal(got.counts, plain.counts)
        psi_n = reference.digamma(np.array([300]))[0]
        assert got - plain == pytest.approx(math.log(300) - psi_n, abs=1e-12)

    def test_symmetry_scale_and_order(self):
        x, y, _ = discrete_and_uniform(300)
        plain = fastmi.mi(x, y, method="mixed")
        assert float(fastmi.mi(y, x, method="mixed")) == float(plain)
        assert float(fastmi.mi(-4 * x, -4 * y, method="mixed")) == float(plain)
        order = np.random.default_rng(0).permutation(300)
        moved = fastmi.mi(x[order], y[order], method="mixed")
        np.testing.assert_array_equal(moved.local, plain.local[order])

    def test_sequence_of_k_and_threads(self, threads):
        x, y, _ = zero_inflated_poisson(300)
        for one in fastmi.mi(x, y, k=[5, 2], method="mixed", n_jobs=threads):
            assert float(one) == float(fastmi.mi(x, y, k=one.k, method="mixed", n_jobs=1))

    def test_bad_input(self):
        x, y, _ = two_bumps(30)
        with pytest.raises(ValueError, match="same number of samples"):
            fastmi.mi(x, y[:29], method="mixed")
        with pytest.raises(TypeError, match="y must be real numbers"):
            fastmi.mi(x, np.array(["a"] * 30), method="mixed")
        with pytest.raises(ValueError, match=r"k must be in \[1, n - 1\]"):
            fastmi.MixedKSG(k=0)
