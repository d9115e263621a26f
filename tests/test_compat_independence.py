"""Tests of independence for graphs: level, power, kinds of columns, and what the user sees."""

import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import fastmi
from fastmi.compat._graph_columns import read_columns
from fastmi.compat._hosts import Host
from fastmi.compat._independence import IndependenceTests
from fastmi.statistics.permutation import p_value

N = 200


def graph_of(*columns, **options):
    return IndependenceTests(np.column_stack(columns), **options)


def numbers(rng, n=N):
    z, a, b = rng.standard_normal((3, n))
    return z + a, z + b, z


def rates(draw, given, number, **options):
    """Return the share of p-values of at most 5 %, and of at most 50 %."""
    p = [
        graph_of(*draw(np.random.default_rng([seed, 5])), seed=seed, n_permutations=99, **options)
        .test(0, 1, given)
        .p_value
        for seed in range(number)
    ]
    return np.mean(np.array(p) <= 0.05), np.mean(np.array(p) <= 0.5)


def classes(rng, n=N):
    z = rng.integers(0, 3, n)
    return (z + rng.integers(0, 2, n)) % 3, (z + rng.integers(0, 2, n)) % 4, z


def mixed(rng, n=N):
    x, y, z = numbers(rng, n)
    return (x > 0).astype(float), y, z


def given_classes(rng, n=N):
    z = rng.integers(0, 4, n)
    return z + rng.standard_normal(n), z + rng.standard_normal(n), z


def tails_and_ties(rng, n=N):
    """Half of x is one value, y has the tails of a Cauchy law, z is rounded."""
    x, y, z = numbers(rng, n)
    return np.maximum(x, 0.0), np.tan(np.clip(y, -1.5, 1.5)) ** 3, np.round(2 * z) / 2


@pytest.mark.parametrize("draw", [numbers, classes, mixed, given_classes, tails_and_ties])
def test_level_given_a_common_cause(draw):
    """Of 120 tests at 5 %, more than 13 (11 %) reject in one of 300 cases if the level is right."""
    few, half = rates(draw, (2,), 120)
    assert few <= 0.11
    assert half <= 0.65


@pytest.mark.parametrize("draw", [numbers, classes, mixed])
def test_level_without_a_condition(draw):
    def shuffled(rng):
        x, y, z = draw(rng)
        return rng.permutation(x), y, z

    few, half = rates(shuffled, (), 150)
    assert few <= 0.11
    assert 0.33 <= half <= 0.67


@pytest.mark.parametrize("draw", [numbers, classes, mixed, given_classes])
def test_power_without_the_condition(draw):
    """The common cause makes x and y dependent."""
    few, _ = rates(draw, (), 20)
    assert few >= 0.8


@pytest.mark.parametrize(
    "effect", [lambda x: 0.8 * x, lambda x: x**2, np.abs], ids=["linear", "square", "abs"]
)
def test_power_given_a_common_cause(effect):
    def draw(rng):
        x, y, z = numbers(rng)
        return x, y + effect(x), z

    assert rates(draw, (2,), 20)[0] >= 0.8


def test_p_values_depend_on_nothing_but_the_variables(rng):
    """Neither on the tests before, nor on the order of x, y and z, nor on threads."""
    data = np.column_stack([*numbers(rng), *numbers(rng), rng.integers(0, 3, N)])
    asked = [(0, 1, (2,)), (0, 1, (2, 5)), (3, 6, (0,)), (1, 4, ()), (0, 6, ()), (3, 4, (5, 6))]
    forward = IndependenceTests(data, seed=1)
    backward = IndependenceTests(data, seed=1, n_jobs=1)
    ahead = {key: forward.test(*key) for key in asked}
    behind = {(x, y, z): backward.test(y, x, z[::-1]) for x, y, z in reversed(asked)}
    assert ahead == behind
    other = IndependenceTests(data, seed=2)
    assert any(other.test(*key).p_value != ahead[key].p_value for key in asked)


def test_the_sequential_p_value():
    """It is h / m where the h-th surrogate that reaches the estimate was the m-th drawn."""
    tests = graph_of(*numbers(np.random.default_rng(0)), n_permutations=100)
    null = np.random.default_rng(1).standard_normal(100)
    drawn = []

    def values(begin, end):
        drawn.append(end)
        return null[begin:end]

    found = tests._decide(0.0, values)
    assert found.surrogates == np.flatnonzero(np.cumsum(null >= 0.0) == 10)[0] + 1
    assert found.p_value == 10 / found.surrogates
    assert found.stopped
    assert drawn[-1] < 100
    high = float(np.sort(null)[-4])
    found = tests._decide(high, values)
    assert found.p_value == p_value(high, null) == 5 / 101
    assert (found.surrogates, found.stopped) == (100, False)


def test_the_sequential_p_value_is_valid():
    """P(p <= a) <= a for a value that is one of the exchangeable 1 + n."""
    tests = graph_of(*numbers(np.random.default_rng(0)), n_permutations=40)
    rng = np.random.default_rng(2)
    p = []
    for _ in range(4000):
        null = rng.standard_normal(40)
        p.append(tests._decide(rng.standard_normal(), lambda a, b, null=null: null[a:b]).p_value)
    for level in (0.03, 0.05, 0.1, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) <= level + 3 * np.sqrt(level / 4000)


def test_conditions_that_shuffles_lose_use_residuals():
    """A fifth of the standard deviation of x is left by z; the local scheme rejects wrongly."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((4, 300))
    x, y = (z.sum(axis=0) + 0.5 * rng.standard_normal(300) for _ in range(2))
    result = graph_of(x, y, *z).test(0, 1, (2, 3, 4, 5))
    assert result.scheme == "residual"
    assert result.p_value > 0.05
    assert "scheme" in {caution.kind for caution in result.warnings}
    forced = graph_of(x, y, *z, scheme="local").test(0, 1, (2, 3, 4, 5))
    assert forced.scheme == "local"
    assert forced.p_value < 0.05
    assert "lost_dependence" in {caution.kind for caution in forced.warnings}
    named = graph_of(x, y, *z, scheme="residual").test(0, 1, (2, 3, 4, 5))
    assert (named.scheme, named.p_value) == (result.scheme, result.p_value)


def test_constants_depend_on_nothing_and_are_no_conditions(rng):
    x, y, z = numbers(rng)
    tests = graph_of(x, y, z, np.full(N, 3.0))
    result = tests.test(0, 3, (1,))
    assert result.p_value == 1.0
    assert "column 3 is constant" in result.warnings[0]
    same, without = tests.test(0, 1, (2, 3)), tests.test(0, 1, (2,))
    assert (same.p_value, same.value) == (without.p_value, without.value)


def test_copies_are_dependent_whatever_their_kind(rng):
    x, y, _ = numbers(rng)
    code = rng.integers(0, 3, N)
    tests = graph_of(x, x, code, code, y)
    for pair, given in (((0, 1), ()), ((0, 1), (4,)), ((2, 3), ()), ((2, 3), (4,))):
        assert tests.test(*pair, given).p_value < 0.01
    assert tests.test(0, 1, ()).value > 1.5
    assert 0.8 < tests.test(2, 3, ()).value <= np.log(3) + 1e-12


def test_a_condition_of_single_rows_is_named(rng):
    x, y, _ = numbers(rng)
    frame = pd.DataFrame({"x": x, "y": y + x, "id": [f"row {i}" for i in range(N)]})
    tests = IndependenceTests(frame)
    result = tests.test(0, 1, (2,))
    assert result.p_value == 1.0
    assert "100% of the rows share their condition with no other row" in str(result.warnings)


def test_series_are_warned_of():
    rng = np.random.default_rng(5)
    walks = np.cumsum(rng.standard_normal((2, 300)), axis=1)
    found = [graph_of(*walks).test(0, 1)]
    assert found[0].p_value <= 0.1
    assert [caution.kind for caution in found[0].warnings] == ["autocorrelation"]


def test_the_report_counts_tests(rng):
    x, y, z = numbers(rng)
    tests = graph_of(x, y, z, np.zeros(N))
    for j in range(3):
        tests.test(j, 3)
    tests.test(0, 2)
    (caution,) = tests.report()
    assert caution.kind == "constant"
    assert caution.startswith("3 of 4 tests, first that of 0 and 3: column 3 is constant")
    with pytest.warns(fastmi.EstimateWarning, match="3 of 4 tests"):
        tests.announce()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        graph_of(x, y, z).announce()


def test_kinds_of_columns():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": rng.standard_normal(60),
            "few": rng.integers(0, 3, 60),
            "text": rng.choice(["a", "b"], 60),
            "category": pd.Categorical(rng.choice([10, 20, 30], 60)),
            "flag": rng.random(60) < 0.5,
            "constant": np.ones(60),
        }
    )

    def symbols(discrete):
        return [column.symbols for column in read_columns(frame, discrete, 0)]

    assert symbols("auto") == [0, 3, 2, 3, 2, 1]
    assert symbols(False) == [0, 0, 2, 3, 2, 1]
    assert symbols(["few"]) == [0, 3, 2, 3, 2, 1]
    mask = [False, True, False, False, False, False]
    assert symbols(mask) == symbols(np.array(mask)) == [0, 3, 2, 3, 2, 1]
    assert symbols([0]) == [60, 0, 2, 3, 2, 1]
    assert symbols(True)[:2] == [60, 3]


def test_classes_of_few_samples_are_warned_of(rng):
    """Neighbours of other classes are as near whatever x is, so that p-values are 1."""
    x, z = rng.standard_normal((2, N))
    rare, common = rng.integers(0, 40, N), rng.integers(0, 3, N)
    tests = graph_of(x, z, rare, common, discrete=[2, 3])
    for asked in ((0, 2, ()), (0, 1, (2,)), (0, 2, (1,))):
        assert "small_class" in {each.kind for each in tests.test(*asked).warnings}
    for asked in ((0, 3, ()), (0, 1, (3,)), (0, 3, (1,)), (0, 1, ())):
        assert "small_class" not in {each.kind for each in tests.test(*asked).warnings}


def test_threads_share_tests(rng):
    """pgmpy tests pairs in threads, and copies of the test in processes."""
    data = rng.standard_normal((N, 6))
    asked = [(x, y, (5,)) for x in range(5) for y in range(x)]
    alone = [IndependenceTests(data, discrete=False).test(*each).p_value for each in asked]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(4):
            shared = IndependenceTests(data, discrete=False, n_jobs=1)
            with ThreadPoolExecutor(8) as pool:
                found = list(pool.map(lambda each, of=shared: of.test(*each).p_value, asked))
            assert found == alone
    finally:
        sys.setswitchinterval(interval)
    copy = pickle.loads(pickle.dumps(shared))
    assert [copy.test(*each).p_value for each in asked] == alone


def test_equal_numbers_are_ranked_at_random_and_apart():
    (column,) = read_columns(np.repeat(np.arange(50.0), 4)[:, None], False, 7)
    assert len(np.unique(column.scores)) == 200
    assert len(np.unique(column.values)) == 50
    order = np.argsort(column.scores, kind="stable")
    assert (np.diff(column.values[order]) >= 0).all()
    assert (order != np.arange(200)).any()


@pytest.mark.parametrize("unit, origin", [(1e-300, 0.0), (1e300, 0.0), (1.0, 1e12)])
def test_units_do_not_matter(unit, origin, rng):
    x, y, z = (np.round(each * 1024) / 1024 for each in numbers(rng))
    plain, moved = graph_of(x, y, z), graph_of(x * unit + origin, y, z * unit + origin)
    assert plain.test(0, 1, (2,)).p_value == moved.test(0, 1, (2,)).p_value
    assert plain.test(0, 1).value == moved.test(0, 1).value


@pytest.mark.parametrize(
    "data, options, error, message",
    [
        (np.zeros(5), {}, ValueError, r"data must have shape \(n, d\)"),
        (
            np.array([[1.0, np.nan], [2.0, 3.0]]),
            {},
            ValueError,
            "column 1 must be finite; got nan in row 0",
        ),
        (np.array([[1.0, np.inf], [2.0, 3.0]]), {}, ValueError, "column 1 must be finite; got inf"),
        (np.ones((1, 2)), {}, ValueError, "2"),
        (np.eye(3), {"k": 3}, ValueError, "k must be an integer <= 2"),
        (np.eye(3), {"k": 0}, ValueError, "k must be an integer >= 1"),
        (np.eye(3), {"k": 1.5}, TypeError, "k must be an integer"),
        (np.eye(3), {"n_permutations": 0}, ValueError, "n_permutations must be an integer >= 1"),
        (np.eye(3), {"n_neighbors": 1}, ValueError, "n_neighbors must be an integer >= 2"),
        (np.eye(3), {"scheme": "shuffle"}, ValueError, "scheme must be"),
        (np.eye(3), {"seed": -1}, ValueError, "seed must be an integer >= 0"),
        (np.eye(3), {"discrete": "yes"}, ValueError, "discrete must be 'auto'.*; got 'yes'"),
        (np.eye(3), {"discrete": 1.5}, TypeError, "discrete must be 'auto'.*; got discrete=1.5"),
        (np.eye(3), {"discrete": [3]}, ValueError, "got 3, which is none of the 3 columns"),
        (np.eye(3), {"discrete": [True]}, ValueError, "got 1 entries for 3 columns"),
        (np.eye(3), {"n_jobs": 0}, ValueError, "n_jobs"),
        (pd.DataFrame({"a": ["x", None], "b": [1, 2]}), {}, ValueError, r"column 'a'.*missing"),
    ],
)
def test_bad_input(data, options, error, message):
    with pytest.raises(error, match=message):
        IndependenceTests(data, **options)


def test_bad_variables(rng):
    tests = graph_of(*numbers(rng))
    for x, y, z in ((0, 0, ()), (0, 1, (0,)), (0, 1, (1, 2))):
        with pytest.raises(ValueError, match="x, y and z must be different columns"):
            tests.test(x, y, z)
    with pytest.raises(ValueError, match="variables must be columns of the data; got 'a'"):
        tests.position("a")


def test_few_rows_give_p_values(rng):
    """With two rows nothing can be significant."""
    for n in (2, 3, 6):
        columns = rng.standard_normal((3, n))
        tests = graph_of(*columns, n_permutations=50)
        for given in ((), (2,)):
            assert 1 / 51 <= tests.test(0, 1, given).p_value <= 1.0


def test_hosts_of_other_versions_are_refused():
    with pytest.raises(ImportError, match=r"needs nowhere: pip install 'fastmi\[here\]'"):
        Host("nowhere", "here", (1,), (2,)).check()
    with pytest.raises(ImportError, match=r"needs numpy in version 0.1 or newer, below 0.2; got n"):
        Host("numpy", "here", (0, 1), (0, 2)).check()
    Host("numpy", "here", (1,), (9,)).check()
