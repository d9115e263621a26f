"""method="auto" on samples as tables bring them: units, classes, copies, series, bad ones."""

import math

import numpy as np
import pytest

import fastmi
from fastmi.estimators.auto.kinds import kinds_of, method_for
from test_auto import auto, classes, kinds, loud, pairs


def test_units_offsets_and_increasing_maps_change_nothing():
    x, y, _ = pairs(500, 3, 2, [0.8])
    expected = auto(x, y)
    for a, b in [
        (1e200 * x, 1e-200 * y),
        (x + 1e6, y - 1e6),
        (np.exp(x), y**3),
        (np.sinh(5 * x), np.arctan(y)),
    ]:
        assert float(auto(a, b)) == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes(dtype):
    x, y, _ = pairs(500, 3, 2, [0.8])
    x, y = x.astype("float32"), y.astype("float32")
    assert float(auto(x.astype(dtype), y.astype(dtype))) == float(auto(x, y))


def test_constant_and_repeated_columns_change_nothing():
    x, y, _ = pairs(800, 2, 2, [0.8])
    expected = float(auto(x, y))
    assert float(auto(np.c_[x, np.ones(800)], y)) == expected
    assert float(auto(np.c_[x, x[:, 0]], y)) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("which", ["x", "y"])
def test_a_constant_variable(which):
    x = np.random.default_rng(0).standard_normal(100)
    given = (np.ones(100), x) if which == "x" else (x, np.full((100, 2), 3.0))
    with pytest.warns(fastmi.EstimateWarning, match=f"{which} is constant"):
        found = auto(*given)
    assert float(found) == 0.0
    assert loud(found) == {"constant"}


def test_one_variable_that_determines_the_other():
    x, _, _ = pairs(400, 3, 3, [])
    with pytest.warns(fastmi.EstimateWarning, match="no bias was corrected"):
        found = auto(x, x[:, 0])
    assert "twin" in loud(found)
    assert found.twin is None
    assert float(found) > 1.0


def test_few_samples():
    x, y, _ = pairs(40, 10, 10, [])
    with pytest.warns(fastmi.EstimateWarning, match="n=40 samples are few for 20 columns"):
        found = auto(x, y)
    assert found.interval[0] < 0.0 < found.interval[1]
    with pytest.warns(fastmi.EstimateWarning, match="too few for 20 columns"):
        found = auto(x[:15], y[:15])
    assert abs(found) < 1.0


def test_rounded_values_are_continuous():
    x, y, truth = pairs(2000, 2, 2, [0.8])
    found = auto(np.round(15 * x), np.round(15 * y))
    assert float(found) == pytest.approx(truth, abs=0.06)
    assert "ties" in kinds(found)


def test_copies_of_rows_are_named():
    x, y, _ = pairs(400, 2, 2, [0.5])
    with pytest.warns(fastmi.EstimateWarning, match="copies"):
        assert "copies" in loud(auto(np.r_[x, x], np.r_[y, y]))


def test_classes_and_mixtures_get_their_estimators():
    x, few, names, atoms = classes()
    scaled = {"normalize": "copula", "n_jobs": 1}
    for given, method, expected in [
        ((x, few), "ross", fastmi.mi(x, few, method="ross", **scaled)),
        ((few, x), "ross", fastmi.mi(x, few, method="ross", **scaled)),
        ((x, names), "ross", fastmi.mi(x, names, method="ross", **scaled)),
        ((names, x), "ross", fastmi.mi(x, names, method="ross", **scaled)),
        ((x, few > 1), "ross", fastmi.mi(x, few > 1, method="ross", **scaled)),
        ((names, few), "discrete", fastmi.mi(names, few, method="discrete")),
        ((few, few % 2), "discrete", fastmi.mi(few, few % 2, method="discrete")),
        ((atoms, x[:, 0]), "mesner", fastmi.mi(atoms, x[:, 0], method="mesner", **scaled)),
    ]:
        found = auto(*given)
        assert list(found.components) == [method]
        assert float(found) == float(expected)
        assert found.method == "auto"
        assert found.dims == tuple(np.asarray(one).reshape(600, -1).shape[1] for one in given)
        assert any(method in note and note.kind == "method" for note in found.warnings)
        if sum(found.dims) == 2 or method == "discrete":
            assert found.interval[0] < float(found) < found.interval[1]
        else:
            assert found.interval is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("d", [2, 5, 10])
def test_mixtures_of_several_columns_keep_their_information(d, dtype):
    """One column of classes among others; estimators for mixtures find less than half at d = 10."""
    rng = np.random.default_rng(d)
    x, y, truth = pairs(1500, d, d, [0.8] * d, seed=d)
    flag = (rng.random(1500) < 0.4).astype(float)
    x = np.c_[x, flag].astype(dtype)
    found = auto(x, y.astype(dtype))
    assert abs(found - truth) < 0.1 * truth
    assert found.interval[0] < truth < found.interval[1]
    assert not loud(found)
    assert any(note.kind == "ties" and "x is a mixture" in note for note in found.warnings)
    nothing = auto(x, rng.permutation(y).astype(dtype))
    assert abs(nothing) < 0.03
    assert nothing.interval[0] < 0.0 < nothing.interval[1]
    untouched = auto(x, y.astype(dtype), noise=0.0)
    assert list(untouched.components) == ["mesner"]
    assert untouched.interval is None


def test_classes_that_matter_among_other_columns():
    """y is shifted by 2 where the flag is set: 0.337 nats, by quadrature."""
    rng = np.random.default_rng(0)
    grid = np.linspace(-8.0, 10.0, 20_001)
    density = sum(np.exp(-0.5 * (grid - mean) ** 2) for mean in (0.0, 2.0)) / math.sqrt(8 * math.pi)
    entropy = -float((density * np.log(density)).sum()) * (grid[1] - grid[0])
    truth = entropy - 0.5 * math.log(2 * math.pi * math.e)
    flag = (rng.random(2000) < 0.5).astype(float)
    x, y = rng.standard_normal((2, 2000, 4))
    y[:, 0] += 2.0 * flag
    found = auto(np.c_[x, flag], y)
    assert found.interval[0] < truth < found.interval[1]
    assert abs(found - truth) < 0.05
    test = fastmi.permutation_test(
        np.c_[x, flag], y, method="auto", n_permutations=19, seed=0, n_jobs=1
    )
    assert test.p_value == 0.05
    assert float(test.estimate) == pytest.approx(float(found), abs=0.05)


def test_classes_and_many_columns_warn():
    """Five classes, each shifted by 3 in a column of its own, among 20: 1.455 nats."""
    rng = np.random.default_rng(0)
    few = rng.integers(0, 5, 500)
    x = rng.standard_normal((500, 20))
    x[np.arange(500), few] += 3.0
    found = auto(x, few)
    assert found < 1.0
    assert found.interval is None
    assert "low" in loud(found)
    assert "low" not in loud(auto(x[:, :5], few))
    assert "low" not in loud(auto(x, rng.permutation(few)))


def test_without_a_twin_there_is_no_interval():
    rng = np.random.default_rng(0)
    x, y, _ = pairs(60, 40, 40, [0.9])
    for given in ((x, y), (x[:, 0], x[:, 0]), (x[:, 0], rng.permutation(60)[:, None] * x[:, :40])):
        found = auto(*given)
        assert "twin" in loud(found) or found.interval is not None
        assert ("twin" in loud(found)) == (found.interval is None)
    assert auto(x, y).interval is None


@pytest.mark.parametrize("n", [300, 1000, 3000])
def test_functions_of_single_columns_are_told(n):
    """Their information is infinite, and no correlation need show it."""
    x, noise = np.random.default_rng(n).standard_normal((2, n))
    for y in (np.sin(3 * x), x**2, np.abs(x) - 0.5 * x):
        for given in ((x, y), (y, x)):
            found = auto(*given)
            assert loud(found) == {"low"}
            assert found.interval[0] < found < found.interval[1] == math.inf
    for y in (0.3 * x + noise, x + 0.2 * noise, x**2 + noise, noise):
        found = auto(x, y)
        assert not loud(found)
        assert math.isfinite(found.interval[1])


def test_copies_do_not_call_an_estimate_too_low():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 500, 3))
    found = auto(np.r_[x, x], np.r_[y, y])
    assert "copies" in loud(found)
    assert "low" not in loud(found)


def test_data_frames_and_categories():
    pandas = pytest.importorskip("pandas")
    x, few, names, _ = classes()
    frame = pandas.DataFrame(x)
    assert float(auto(frame, x[:, 0] + x[:, 1] ** 2)) == float(auto(x, x[:, 0] + x[:, 1] ** 2))
    for column in (pandas.Series(names), pandas.Series(names).astype("category")):
        assert float(auto(frame, column)) == float(auto(x, few))
    assert float(auto(pandas.Series(names).astype("category"), column)) > 1.0


def test_tensors():
    torch = pytest.importorskip("torch")
    x, y, _ = pairs(300, 2, 2, [0.5])
    assert float(auto(torch.from_numpy(x), torch.from_numpy(y))) == float(auto(x, y))


def test_the_method_depends_on_each_variable_by_itself():
    """So that surrogates of a permutation test are estimated as the samples are."""
    rng = np.random.default_rng(7)
    for x, y in [
        (rng.integers(0, 3, 200), rng.integers(0, 4, 200)),
        (rng.integers(0, 12, 200), rng.integers(0, 12, 200)),
        (rng.standard_normal(200), rng.integers(0, 12, 200)),
    ]:
        blocks = [x.reshape(-1, 1).astype(float), y.reshape(-1, 1).astype(float)]
        methods = set()
        for _ in range(5):
            blocks[0] = rng.permutation(blocks[0])
            methods.add(method_for(kinds_of(blocks, [False, False]), 200))
        assert len(methods) == 1


def test_series_are_named():
    rng = np.random.default_rng(8)
    x = np.cumsum(rng.standard_normal((1000, 2)), axis=0)
    y = np.cumsum(rng.standard_normal((1000, 2)), axis=0)
    with pytest.warns(fastmi.EstimateWarning, match="as in time series"):
        assert "autocorrelation" in loud(auto(x, y))
    assert "autocorrelation" not in kinds(auto(x, rng.permutation(y)))


@pytest.mark.parametrize(
    "x, error, words",
    [
        (np.array([0.0, np.nan] * 50), ValueError, "x must be finite"),
        (np.zeros((100, 2, 2)), ValueError, "x must be 1-D"),
        (np.zeros(99), ValueError, "same number of samples"),
        (np.array([{}] * 100), TypeError, "x must be real numbers"),
        (np.zeros(100, dtype=complex), TypeError, "x must be real numbers"),
    ],
)
def test_bad_samples(x, error, words):
    with pytest.raises(error, match=words):
        auto(x, np.arange(100.0) ** 1.5)


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"k": 0}, ValueError, "k must be in"),
        ({"k": 200}, ValueError, "k must be in"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"noise": -1.0}, ValueError, "noise"),
        ({"seed": -1}, ValueError, "seed"),
        ({"device": "cuda"}, ValueError, "Auto, which has no GPU kernels"),
        ({"thorough": 1}, TypeError, "thorough must be True or False"),
        ({"metric": "euclidean"}, TypeError, "metric"),
        ({"theiler": 3}, TypeError, "theiler"),
    ],
)
def test_bad_options(options, error, words):
    x, y, _ = pairs(100, 2, 2, [0.5])
    with pytest.raises(error, match=words):
        auto(x, y, **options)
