"""method="auto": its rules, known information, the table's duties, a condition, a flow."""

import math
import pickle

import numpy as np
import pytest

import fastmi
import reference.auto
from fastmi.estimators.auto import results, rules


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


def classes():
    rng = np.random.default_rng(6)
    x = rng.standard_normal((600, 2))
    few = (x[:, 0] > 0.5).astype(int) + (x[:, 0] > -0.5)
    names = np.array(["a", "b", "c"])[few]
    atoms = np.where(rng.random(600) < 0.4, 0.0, x[:, 0])
    return x, few, names, atoms


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
    x, few, names, _ = classes()
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


@pytest.mark.parametrize("seed", [None, 3, [1, 2], np.random.SeedSequence(5)])
def test_every_seed_serves_the_flow(seed, monkeypatch):
    pytest.importorskip("torch")
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
def test_thorough_trains_a_flow():
    pytest.importorskip("torch")
    x, y, truth = pairs(1000, 2, 2, [0.7])
    found = auto(x, y, thorough=True)
    assert float(found) == float(auto(x, y))
    assert float(found.components["ndoe"]) == pytest.approx(truth, abs=0.15)
