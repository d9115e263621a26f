"""Sequential permutation tests: right wherever they stop, however they are computed."""

import numpy as np
import pytest
from scipy import stats

import fastmi
from fastmi.statistics import _named_pairs, _stopping
from fastmi.statistics._sequential import SequentialTests
from fastmi.statistics._stopping import draw_until
from fastmi.statistics.permutation import p_value


def p_until(value, null, h):
    """Return the p-value of a test that stops at its h-th exceedance, and what it has used."""
    tests = SequentialTests(np.array([value]), len(null), h)
    tests.add(null)
    return float(tests.p_values()[0]), int(tests.seen[0])


def test_stops_at_the_surrogate_that_reaches_the_value_for_the_h_th_time():
    null = np.array([0.1, 0.9, 0.2, 0.8, 0.7, 0.9])
    # Surrogates 2, 4 and 5 reach 0.7.
    assert p_until(0.7, null, 1) == (1 / 2, 2)
    assert p_until(0.7, null, 2) == (2 / 4, 4)
    assert p_until(0.7, null, 3) == (3 / 5, 5)
    # Two of six reach 0.85: fewer than three, so that all count, the estimate included.
    assert p_until(0.85, null, 3) == (3 / 7, 6)
    assert p_until(2.0, null, 3) == (1 / 7, 6)
    assert p_until(0.7, null, 0) == (p_value(0.7, null), 6)


def test_ties_count_against_significance():
    null = np.array([0.5, 0.5 - 1e-15, 0.1])
    assert p_until(0.5, null, 2) == (1.0, 2)
    assert p_until(np.inf, np.array([np.inf, 1.0, np.inf]), 2) == (2 / 3, 3)


def exact_distribution(h, most, share):
    """Return the probability that p <= share for a value whose rank among 1 + most is uniform.

    The rank is that of exchangeable values without ties: given a probability u to be reached, which
    is uniform, surrogates reach it independently.
    """
    # P(stop later than l) = mean over u of P(Binomial(l, u) < h) = min(1, h / (l + 1)).
    stops = np.arange(h, most + 1)
    p = h / stops
    later = np.minimum(1.0, h / (stops + 1.0))
    before = np.concatenate(([1.0], later[:-1]))
    total = float((before - later)[p <= share].sum())
    # No stop: b = 0, ..., h - 1, each with probability 1 / (most + 1).
    ends = (1 + np.arange(h)) / (1 + most)
    return total + float((ends <= share).sum()) / (most + 1)


@pytest.mark.parametrize("h, most", [(1, 19), (5, 99), (20, 999)])
def test_level_is_exact_or_below(h, most):
    rng = np.random.default_rng(0)
    p = np.empty(20_000)
    for number in range(len(p)):
        value, *null = rng.standard_normal(1 + most) if most < 200 else _uniforms(rng, most)
        p[number] = p_until(value, np.array(null), h)[0]
    for level in (0.01, 0.05, 0.1, 0.25, 0.5):
        expected = exact_distribution(h, most, level)
        assert expected <= level + 1e-12
        spread = np.sqrt(expected * (1 - expected) / len(p)) if expected else 0.0
        assert abs((p <= level).mean() - expected) <= 4 * spread + 1e-12
    # Where the levels are multiples of 1 / (1 + most) that can be reached, the test is exact.
    assert exact_distribution(h, most, h / (1 + most)) == pytest.approx(h / (1 + most))


def _uniforms(rng, most):
    return rng.random(1 + most)


@pytest.mark.parametrize("h", [1, 3, 20])
@pytest.mark.parametrize("most", [1, 7, 64, 500])
def test_batches_change_nothing(h, most):
    rng = np.random.default_rng(1)
    whole = rng.standard_normal((most, 2))
    asked = []

    def draw(begin, end):
        asked.append((begin, end))
        return whole[begin:end]

    for value in (-3.0, 0.0, 1.0, 2.0, 9.0):
        asked.clear()
        observed = np.array([value, value + 0.3])
        null, found = draw_until(observed, draw, most, h)
        np.testing.assert_array_equal(null, whole[: len(null)])
        assert [begin for begin, _ in asked] == [0, *(end for _, end in asked[:-1])]
        for at in range(2):
            expected = p_until(observed[at], whole[:, at], h)
            assert (found.p_value[at], found.used[at]) == expected


def test_most_surrogates_that_are_made_are_looked_at():
    rng = np.random.default_rng(2)
    made = looked_at = 0
    for _ in range(300):
        value = np.array([rng.standard_normal()])
        null, found = draw_until(value, lambda b, e: rng.standard_normal((e - b, 1)), 10_000, 20)
        made += len(null)
        looked_at += found.used[0]
    assert looked_at / 300 < 250  # of 10 000
    assert made < 1.6 * looked_at


TESTS = [
    {},
    {"scheme": "circular"},
    {"scheme": "block", "block_length": 5},
    {"method": "mesner"},
    {"method": "gaussian"},
    {"method": "ksg1", "normalize": "copula"},
]


@pytest.mark.parametrize("options", TESTS)
@pytest.mark.parametrize("slope", [0.0, 0.3, 2.0])
def test_sequential_test_looks_at_the_first_surrogates_of_the_whole_one(rng, options, slope):
    x = rng.standard_normal(150)
    y = slope * x + rng.standard_normal(150)
    common = {"n_permutations": 120, "seed": 3, **options}
    whole = fastmi.permutation_test(x, y, **common)
    found = fastmi.permutation_test(x, y, sequential=5, **common)
    assert found.estimate == whole.estimate
    np.testing.assert_array_equal(found.null, whole.null[: len(found.null)])
    p, looked_at = p_until(float(whole.estimate), whole.null, 5)
    assert (found.p_value, len(found.null)) == (p, looked_at)
    if slope == 2.0:
        assert found.p_value == whole.p_value == 1 / 121
        assert len(found.null) == 120
    if slope == 0.0:
        assert len(found.null) < 60


@pytest.mark.parametrize("scheme", ["local", "residual"])
def test_conditional_tests_stop_too(rng, scheme):
    z = rng.standard_normal(200)
    x, y = z + rng.standard_normal((2, 200))
    common = {"n_permutations": 100, "seed": 1, "scheme": scheme}
    whole = fastmi.permutation_test(x, y, z, **common)
    found = fastmi.permutation_test(x, y, z, sequential=3, **common)
    np.testing.assert_array_equal(found.null, whole.null[: len(found.null)])
    assert len(found.null) < 100
    assert found.p_value == 3 / len(found.null)


def test_each_k_stops_by_itself(rng):
    x, y = rng.standard_normal((2, 100))
    y += 0.4 * x
    common = {"n_permutations": 300, "sequential": 4, "seed": 0}
    several = fastmi.permutation_test(x, y, k=[1, 3, 10], **common)
    for test, k in zip(several, (1, 3, 10), strict=True):
        alone = fastmi.permutation_test(x, y, k=k, **common)
        assert (test.p_value, len(test.null)) == (alone.p_value, len(alone.null))
        np.testing.assert_array_equal(test.null, alone.null)
    assert len({len(test.null) for test in several}) > 1


def test_threads_and_batches_change_nothing(rng, monkeypatch):
    x, y = rng.standard_normal((2, 100))
    common = {"n_permutations": 500, "sequential": True, "seed": 5}
    first = fastmi.permutation_test(x, y, n_jobs=1, **common)
    assert first.p_value == 20 / len(first.null)
    for lanes, n_jobs in ((1, 2), (7, 3), (64, 1)):
        monkeypatch.setattr(_stopping, "_LANES", lanes)
        again = fastmi.permutation_test(x, y, n_jobs=n_jobs, **common)
        assert again.p_value == first.p_value
        np.testing.assert_array_equal(again.null, first.null)


def test_progress_counts_what_is_made(rng):
    steps = []
    x, y = rng.standard_normal((2, 100))
    found = fastmi.permutation_test(
        x, y, n_permutations=1000, sequential=5, seed=0, progress=lambda: steps.append(1)
    )
    assert len(found.null) <= len(steps) < 1000


def test_p_values_of_independent_samples_are_uniform_where_they_can_be(rng):
    p = np.array(
        [
            fastmi.permutation_test(
                *rng.standard_normal((2, 40)), n_permutations=99, sequential=10, seed=seed
            ).p_value
            for seed in range(400)
        ]
    )
    for level in (0.05, 0.1, 0.5):
        hits = int((p <= level).sum())
        expected = exact_distribution(10, 99, level)
        assert stats.binomtest(hits, len(p), expected).pvalue > 1e-3


@pytest.mark.parametrize(
    "value, error, message",
    [
        (0, ValueError, "sequential must be an integer >= 1; got sequential=0"),
        (-3, ValueError, "sequential"),
        (2.0, TypeError, "sequential must be an integer"),
        ("h", TypeError, "sequential"),
        (None, TypeError, "sequential"),
    ],
)
def test_numbers_of_exceedances_are_checked(rng, value, error, message):
    with pytest.raises(error, match=message):
        fastmi.permutation_test(*rng.standard_normal((2, 50)), sequential=value)


def test_false_is_the_test_of_all_surrogates(rng):
    x, y = rng.standard_normal((2, 100))
    whole = fastmi.permutation_test(x, y, n_permutations=50, seed=0)
    for sequential in (False, np.False_):
        found = fastmi.permutation_test(x, y, n_permutations=50, seed=0, sequential=sequential)
        assert found.p_value == whole.p_value
        np.testing.assert_array_equal(found.null, whole.null)
    # An h that is never reached makes all surrogates, too.
    found = fastmi.permutation_test(x, y, n_permutations=50, seed=0, sequential=51)
    assert found.p_value == whole.p_value


@pytest.mark.parametrize("method", ["ksg1", "gaussian"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_pairs_of_a_named_method_stop_too(rng, method, n_jobs):
    X = rng.standard_normal((80, 5))
    X[:, 1] += 2.0 * X[:, 0]
    made = []
    null_values = _named_pairs.null_values

    def counted(ksg, blocks, order, count, **options):
        made.append(count)
        return null_values(ksg, blocks, order, count, **options)

    common = {"method": method, "n_permutations": 400, "seed": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_named_pairs, "null_values", counted)
        found = fastmi.pairwise_mi(X, n_jobs=n_jobs, **common)
        stopped = sum(made)
        made.clear()
        whole = fastmi.pairwise_mi(X, n_jobs=n_jobs, sequential=False, **common)
        total = sum(made)
    if method == "ksg1":
        assert total == 4000
        assert stopped < 2000
    assert found.p_value[0, 1] == whole.p_value[0, 1] == 1 / 401
    upper = np.triu_indices(5, 1)
    p, all_p = found.p_value[upper], whole.p_value[upper]
    # Both estimate one number: h / l scatters by some 1 / sqrt(20) of itself.
    assert (np.abs(np.log(p / all_p)) < 1.0).all()
    assert (p != all_p).sum() > 5
    np.testing.assert_array_equal(
        p, fastmi.pairwise_mi(X, n_jobs=3 - n_jobs, **common).p_value[upper]
    )


@pytest.mark.parametrize("target", ["numbers", "classes"])
def test_a_table_of_noise_has_a_discovery_in_at_most_one_of_twenty(target):
    discoveries = found = 0
    for table in range(60):
        rng = np.random.default_rng([table, 5])
        X = np.column_stack([rng.standard_normal((60, 10)), rng.poisson(9.0, (60, 10))])
        y = rng.standard_normal(60)
        if target == "classes":
            y = np.digitize(y, (-0.4, 0.4)).astype(str)
        ranked = fastmi.rank_features(X, y, discrete=False, n_permutations="auto", seed=table)
        discoveries += bool((ranked.q_value <= 0.05).any())
        if table < 5:
            shift = y if target == "numbers" else y.astype(float)
            X[:, 3] += 6.0 * shift
            ranked = fastmi.rank_features(X, y, discrete=False, n_permutations="auto", seed=table)
            found += ranked.names[0] == 3 and ranked.q_value[0] <= 0.05
    assert stats.binomtest(discoveries, 60, 0.05, alternative="greater").pvalue > 0.005
    assert found == 5
