"""method="auto": its rules, known information, kinds of samples, warnings, the table's duties."""

import importlib.util
import math
import pickle

import numpy as np
import pytest

import fastmi
import reference.auto
from fastmi.estimators.auto import results, rules
from fastmi.estimators.auto.kinds import kinds_of, method_for

TORCH = importlib.util.find_spec("torch") is not None


def auto(*samples, **options):
    return fastmi.mi(*samples, method="auto", **{"n_jobs": 1, **options})


def kinds(estimate):
    return {caution.kind for caution in estimate.warnings}


def loud(estimate):
    """Kinds of what is issued, which notes are not."""
    notes = fastmi._cautions.Note
    return {caution.kind for caution in estimate.warnings if not isinstance(caution, notes)}


def pairs(n, dx, dy, rhos, seed=0):
    """Normal blocks of which the first columns correlate, and their information."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
    for j, rho in enumerate(rhos):
        y[:, j] = rho * x[:, j] + math.sqrt(1 - rho**2) * y[:, j]
    return x, y, -0.5 * sum(math.log1p(-(rho**2)) for rho in rhos)


# Rules


@pytest.mark.parametrize("seed", range(50))
def test_the_parts_are_combined_by_the_rules(seed):
    rng = np.random.default_rng(seed)
    first, second, copula = rng.normal(0.5, 0.1, 3)
    errors = rng.uniform(0.01, 0.2, 2)
    parts = [rules.Part(first, errors[0], 0.0), rules.Part(second, errors[1], 0.0)]
    options = {"reference": copula, "reference_stderr": 0.01, "columns": 5, "n": 5000}
    one = rules.combined(parts[:1], **options)
    assert one.value == pytest.approx(reference.auto.auto(copula, (first, errors[0])), abs=1e-12)
    both = rules.combined(parts, **options)
    expected = reference.auto.auto(copula, (first, errors[0]), (second, errors[1]))
    assert both.value == pytest.approx(expected, abs=1e-12)
    assert sum(both.shares) == pytest.approx(1.0)
    for found in (one, both):
        assert found.interval[0] < found.value < found.interval[1]


def test_noise_decides_nothing():
    """Parts that differ by less than their errors leave the copula as it is."""
    parts = [rules.Part(0.52, 0.02, 0.3), rules.Part(0.49, 0.02, 0.3)]
    found = rules.combined(parts, reference=0.5, reference_stderr=0.01, columns=6, n=5000)
    assert found.value == 0.5
    assert found.stderr == 0.01
    assert found.cautions == ()


def test_the_larger_pipeline_wins_where_they_differ():
    parts = [rules.Part(1.0, 0.01, 0.0), rules.Part(0.1, 0.01, 0.0)]
    for order in (parts, parts[::-1]):
        found = rules.combined(order, reference=0.0, reference_stderr=0.01, columns=6, n=5000)
        assert found.value == pytest.approx(1.0, abs=1e-3)
        assert {caution.kind for caution in found.cautions} == {"disagreement", "twin"}


@pytest.mark.parametrize("away", [-0.06, 0.06])
@pytest.mark.parametrize("columns", [2, 6])
def test_the_interval_reaches_to_what_passes_for_noise(columns, away):
    parts = [rules.Part(0.5 + away, 0.04, 0.0)]
    found = rules.combined(parts, reference=0.5, reference_stderr=0.01, columns=columns, n=5000)
    assert found.value == pytest.approx(0.5, abs=0.01)
    half = 1.96 * 0.04
    assert found.interval[0] <= min(found.value, 0.5 + away) - half + 1e-9
    assert found.interval[1] >= max(found.value, 0.5 + away) + half - 1e-9


def test_the_interval_holds_a_bias_that_was_subtracted_in_vain():
    """It was seen on the copula, from which the samples depart."""
    options = {"reference": 0.2, "reference_stderr": 0.01, "columns": 2, "n": 5000}
    without = rules.combined([rules.Part(0.8, 0.01, 0.0)], **options)
    found = rules.combined([rules.Part(0.8, 0.01, 0.0, excess=0.1)], **options)
    assert found.interval[1] - without.interval[1] == pytest.approx(0.1, rel=0.01)
    assert found.interval[0] == without.interval[0]


@pytest.mark.parametrize("width", [0.1, 0.5, 1.0])
def test_intervals_of_laws_with_edges_hold_their_information(width):
    """y = x + U(0, width) with x from U(0, 1), of which copulas know little."""
    truth = -math.log(width) + 0.5 * width
    held = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x, noise = rng.random((2, 1000))
        low, high = auto(x, x + width * noise).interval
        held += low < truth < high
        assert high - low < 0.3 * truth + 0.2
    assert held >= 10


@pytest.mark.parametrize("missing, warned", [(0.0, False), (0.02, False), (0.1, True)])
def test_a_correction_that_may_be_too_small_is_a_caution(missing, warned):
    parts = [rules.Part(0.8, 0.01, missing)]
    found = rules.combined(parts, reference=0.2, reference_stderr=0.01, columns=6, n=5000)
    assert ("low" in {caution.kind for caution in found.cautions}) == warned
    if warned:
        assert found.interval[1] > 0.8 + 3 * missing


def _three_parts():
    """Blocks of which the relevant directions show too little."""
    return pairs(1000, 8, 8, [0.8, 0.6])[:2]


def _two_parts():
    x, y, _ = pairs(1000, 4, 3, [0.7])
    y[:, 1] += x[:, 1] ** 2
    return x, y


@pytest.mark.parametrize("number, given", [(2, _two_parts()), (3, _three_parts())])
def test_the_value_follows_from_its_components(number, given):
    found = auto(*given)
    parts = found.components
    assert list(parts) == ["copula", "ksg_relevance", "ksg_scores"][:number]
    ksg = [(float(part), part.stderr) for name, part in parts.items() if name != "copula"]
    expected = reference.auto.auto(float(parts["copula"]), *ksg)
    assert float(found) == pytest.approx(expected, abs=1e-12)
    assert found.local.mean() == pytest.approx(found.uncorrected, abs=1e-12)
    assert found.local.shape == (len(given[0]),)
    assert found.twin.reference == pytest.approx(max(float(parts["copula"]), 0.0), abs=1e-9)


# Known information


@pytest.mark.parametrize(
    "dims, rhos",
    [((1, 1), [0.6]), ((3, 2), [0.8, 0.5]), ((8, 8), [0.8, 0.6]), ((25, 25), [0.8, 0.8])],
)
def test_normal_blocks(dims, rhos):
    x, y, truth = pairs(2000, *dims, rhos)
    found = auto(x, y)
    assert float(found) == pytest.approx(truth, abs=0.08 * truth + 0.01)
    assert found.interval[0] < truth < found.interval[1]
    assert not loud(found)


@pytest.mark.parametrize("dims", [(1, 1), (5, 5), (2, 20), (25, 25)])
def test_independent_blocks(dims):
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((3000, d)) for d in dims)
    found = auto(x, y)
    assert abs(found) < 0.03
    assert found.interval[0] < 0.01
    assert not loud(found)


def test_independent_blocks_with_heavy_tails():
    rng = np.random.default_rng(2)
    scales = np.sqrt(rng.chisquare(2, (2, 3000, 1)) / 2)
    x, y = rng.standard_normal((2, 3000, 5)) / scales
    assert abs(auto(x, y)) < 0.05


def test_common_tails_are_dependence():
    """Uncorrelated blocks of a t distribution, nu = 2: log 2 - 1 / 2 by its entropies."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 3000, 2)) / np.sqrt(rng.chisquare(2, (3000, 1)) / 2)
    found = auto(x, y)
    assert float(found) == pytest.approx(math.log(2) - 0.5, abs=0.05)
    assert found.twin.tail_index < 4


def test_what_columns_without_dependence_hide():
    """y_1 = x_1^2 + noise among 8 + 8 columns: 0.803 nats by quadrature."""
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, 3000, 8))
    y[:, 0] = x[:, 0] ** 2 - 1 + 0.5 * y[:, 0]
    found = auto(x, y)
    assert float(found) == pytest.approx(0.803, abs=0.08)
    assert float(fastmi.mi(x, y, n_jobs=1)) < 0.3
    assert "twin" in kinds(found)
    assert not loud(found)


def test_a_bound_is_called_one():
    """Turning by an angle that grows with the radius leaves 1.02 nats that are hard to see."""
    x, y, truth = pairs(2000, 3, 3, [0.8, 0.8], seed=5)
    angle = 0.5 * (x**2).sum(axis=1)
    x[:, 0], x[:, 1] = (
        np.cos(angle) * x[:, 0] - np.sin(angle) * x[:, 1],
        np.sin(angle) * x[:, 0] + np.cos(angle) * x[:, 1],
    )
    with pytest.warns(fastmi.EstimateWarning, match="lower bound"):
        found = auto(x, y)
    assert float(found) < 0.9 * truth
    assert "low" in loud(found)


# Kinds of samples


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


def _classes():
    rng = np.random.default_rng(6)
    x = rng.standard_normal((600, 2))
    few = (x[:, 0] > 0.5).astype(int) + (x[:, 0] > -0.5)
    names = np.array(["a", "b", "c"])[few]
    atoms = np.where(rng.random(600) < 0.4, 0.0, x[:, 0])
    return x, few, names, atoms


def test_classes_and_mixtures_get_their_estimators():
    x, few, names, atoms = _classes()
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
    x, few, names, _ = _classes()
    frame = pandas.DataFrame(x)
    assert float(auto(frame, x[:, 0] + x[:, 1] ** 2)) == float(auto(x, x[:, 0] + x[:, 1] ** 2))
    for column in (pandas.Series(names), pandas.Series(names).astype("category")):
        assert float(auto(frame, column)) == float(auto(x, few))
    assert float(auto(pandas.Series(names).astype("category"), column)) > 1.0


@pytest.mark.skipif(not TORCH, reason="needs torch")
def test_tensors():
    import torch

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


# Duties of a method of the table


def test_several_k_are_as_one_by_one():
    x, y, _ = pairs(400, 2, 2, [0.5])
    y[:, 1] = x[:, 1] ** 2
    several = auto(x, y, k=[3, 5])
    assert [found.k for found in several] == [3, 5]
    for found in several:
        assert float(found) == float(auto(x, y, k=found.k))


def test_threads_and_seeds():
    x, y, _ = pairs(400, 3, 3, [0.5])
    y[:, 1] = x[:, 1] ** 2
    found = auto(x, y)
    for n_jobs in (2, 5):
        assert float(auto(x, y, n_jobs=n_jobs)) == float(found)
    assert float(auto(x, y, seed=0)) == float(auto(x, y, seed=0))
    assert float(auto(x, y, seed=1)) != float(auto(x, y, seed=2))


def test_results_and_estimators_are_pickled_and_cloned():
    x, y, _ = pairs(300, 2, 2, [0.5])
    found = pickle.loads(pickle.dumps(auto(x, y)))
    assert float(found) == float(auto(x, y))
    assert found.components.keys() == auto(x, y).components.keys()
    estimator = fastmi.Auto(k=5, seed=3)
    assert fastmi.Auto(**estimator.get_params()) == estimator
    assert estimator.set_params(k=4).k == 4


def test_quiet_repetitions():
    rng = np.random.default_rng(9)
    x, y = rng.standard_normal((2, 120, 2))
    test = fastmi.permutation_test(x, y, method="auto", n_permutations=19, seed=0, n_jobs=2)
    assert test.p_value > 0.05
    y = y + 2 * x
    test = fastmi.permutation_test(x, y, method="auto", n_permutations=19, seed=0, n_jobs=2)
    assert test.p_value == 0.05
    classes = (x[:, 0] > 0).astype(int)
    test = fastmi.permutation_test(x, classes, method="auto", n_permutations=19, seed=0, n_jobs=1)
    assert float(test.estimate) == float(auto(x, classes))
    assert test.p_value == 0.05


def test_every_pair_of_columns():
    x, _, _ = pairs(300, 3, 1, [])
    x[:, 2] = x[:, 0] + 0.5 * x[:, 2]
    found = fastmi.pairwise_mi(x, method="auto", n_jobs=1)
    assert found.mi[0, 2] == pytest.approx(float(auto(x[:, 0], x[:, 2])), abs=1e-12)


def test_error_bars_of_halves():
    x, y, _ = pairs(200, 2, 2, [0.8])
    y[:, 1] = x[:, 1] ** 2
    found = auto(x, y, error="half")
    assert float(found) == float(auto(x, y))
    assert 0.02 < found.stderr < 0.3
    bars = fastmi.subsample_error(x, y, method="auto", halves=4, seed=0, n_jobs=1)
    assert float(bars.estimate) == float(found)


# Given a third variable


def test_conditional_of_normal_blocks():
    """x and y depend on z, and beside it on one another by a correlation of 0.6."""
    rng = np.random.default_rng(10)
    x, y, _ = pairs(3000, 3, 3, [0.6], seed=10)
    z = rng.standard_normal((3000, 2))
    x[:, :2] += z
    y[:, :2] += z
    found = fastmi.cmi(x, y, z, method="auto", n_jobs=1)
    assert float(found) == pytest.approx(-0.5 * math.log1p(-0.36), abs=0.04)
    assert list(found.components) == ["copula", "ksg_scores"]
    assert found.interval[0] < -0.5 * math.log1p(-0.36) < found.interval[1]


def test_conditional_of_classes_and_without_a_condition():
    x, few, names, _ = _classes()
    three = fastmi.cmi(few, few % 2, names, method="auto")
    assert list(three.components) == ["discrete"]
    assert float(three) == float(fastmi.cmi(few, few % 2, names, method="discrete"))
    mixed = fastmi.cmi(x[:, 0], x[:, 1] + x[:, 0], few, method="auto", n_jobs=1)
    assert list(mixed.components) == ["mesner"]
    a, b, _ = pairs(300, 2, 2, [0.5])
    for none in (None, np.empty((300, 0))):
        plain = fastmi.cmi(a, b, none, method="auto", n_jobs=1)
        assert float(plain) == float(auto(a, b))
        assert plain.method == "auto"
    with pytest.warns(fastmi.EstimateWarning, match="z is constant"):
        constant = fastmi.cmi(a, b, np.ones(300), method="auto", n_jobs=1)
    assert float(constant) == float(auto(a, b))


# A flow on request


def test_thorough_names_what_is_missing(monkeypatch):
    import builtins

    real = builtins.__import__

    def without_torch(name, *rest, **options):
        if name.partition(".")[0] == "torch":
            raise ImportError("no torch here")
        return real(name, *rest, **options)

    import sys

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_torch)
    monkeypatch.setitem(sys.modules, "torch", None)
    x, y, _ = pairs(100, 2, 2, [0.5])
    with pytest.raises(ImportError, match=r"thorough=True needs torch: pip install 'fastmi\[torch"):
        auto(x, y, thorough=True)


def _flow(value, stderr=0.01):
    return fastmi.Estimate(
        value, k=None, n=400, dims=(2, 2), method="ndoe", stderr=stderr, local=np.full(400, value)
    )


def test_a_flow_that_says_more_widens_the_interval():
    x, y, _ = pairs(400, 2, 2, [0.5])
    found = auto(x, y)
    value = float(found)
    more = results.examined(found, _flow(value + 0.5))
    assert float(more) == value
    assert loud(more) == {"disagreement"}
    assert more.interval[1] > value + 0.5
    assert more.interval[0] == found.interval[0]
    assert list(more.components)[-1] == "ndoe"
    for other in (value + 0.01, value - 0.5):
        same = results.examined(found, _flow(other))
        assert not loud(same)
        assert same.interval == found.interval
    assert "disagreement" in kinds(same)


@pytest.mark.skipif(not TORCH, reason="needs torch")
@pytest.mark.parametrize("seed", [None, 3, [1, 2], np.random.SeedSequence(5)])
def test_every_seed_serves_the_flow(seed, monkeypatch):
    seeds = []

    class Flow:
        def __init__(self, seed):
            seeds.append(fastmi.NDoE(seed=seed).seed)

        def estimate(self, *_):
            return _flow(0.1)

    monkeypatch.setattr(fastmi.estimators._methods.Method, "make", lambda _, seed: Flow(seed))
    x, y, _ = pairs(400, 2, 2, [0.5])
    for _ in range(2):
        assert "ndoe" in auto(x, y, thorough=True, seed=seed).components
    assert len(set(seeds)) == 1


@pytest.mark.slow
@pytest.mark.skipif(not TORCH, reason="needs torch")
def test_thorough_trains_a_flow():
    x, y, truth = pairs(1000, 2, 2, [0.7])
    found = auto(x, y, thorough=True)
    assert float(found) == float(auto(x, y))
    assert float(found.components["ndoe"]) == pytest.approx(truth, abs=0.15)
