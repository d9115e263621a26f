"""Lagged MI and transfer entropy: the embedding, and values of a Gaussian process."""

import math
import warnings

import numpy as np
import pytest

import fastmi
from fastmi.statistics.lagged import corrected


def driven(rng, n, delay=1):
    """Return white noise x and the series y_t = x_{t - delay} + e_t / 2 that it drives."""
    x = rng.standard_normal(n + delay)
    y = np.concatenate([np.zeros(delay), x[:-delay]]) + 0.5 * rng.standard_normal(n + delay)
    return x[delay:], y[delay:]


TRUTH = 0.5 * math.log(1 + 1 / 0.25)


def test_lags_pair_the_right_times(rng):
    x, y = rng.standard_normal((2, 100))
    assert fastmi.lagged_mi(x, y, 0) == fastmi.mi(x, y)
    assert fastmi.lagged_mi(x, y, 3) == fastmi.mi(x[:-3], y[3:])
    assert fastmi.lagged_mi(x, y, -3) == fastmi.mi(x[3:], y[:-3])
    assert fastmi.lagged_mi(x, y, 3).n == 97
    several = fastmi.lagged_mi(x, y, [-2, 0, 2])
    assert list(several) == [fastmi.lagged_mi(x, y, lag) for lag in (-2, 0, 2)]
    assert len(fastmi.lagged_mi(x, y, np.arange(4), k=5)) == 4


def test_lagged_mi_peaks_at_the_delay(rng):
    x, y = driven(rng, 3000, delay=4)
    found = fastmi.lagged_mi(x, y, range(-6, 7))
    assert found.best == found.lags[int(np.argmax(found))] == 4
    assert found[4] == pytest.approx(TRUTH, abs=0.1)
    assert abs(found[-4]) < 0.06


def test_a_lag_may_be_an_array_of_no_dimension(rng):
    x, y = driven(rng, 60)
    assert fastmi.lagged_mi(x, y, np.array(3)) == fastmi.lagged_mi(x, y, 3)


def test_transfer_entropy_is_a_conditional_mi(rng):
    x, y = rng.standard_normal((100, 2)), rng.standard_normal(100)
    assert fastmi.transfer_entropy(x, y) == fastmi.cmi(y[1:], x[:-1], y[:-1])
    own = np.column_stack([y[3:-1], y[2:-2]])
    past = np.hstack([x[1:-3], x[:-4]])
    value = fastmi.transfer_entropy(x, y, lag=3, source_history=2, target_history=2, k=4)
    assert value == fastmi.cmi(y[4:], past, own, k=4)
    assert value.n == 96


def test_transfer_entropy_has_a_direction(rng):
    x, y = driven(rng, 3000)
    assert fastmi.transfer_entropy(x, y) == pytest.approx(TRUTH, abs=0.1)
    assert abs(fastmi.transfer_entropy(y, x)) < 0.06


def autoregressive(rng, n, coefficient, shape=()):
    series = rng.standard_normal((n + 100, *shape))
    for t in range(1, len(series)):
        series[t] += coefficient * series[t - 1]
    return series[100:]


def test_the_test_of_transfer_entropy_is_conditional(rng):
    x, y = rng.standard_normal((80, 2)), rng.standard_normal(80)
    own = np.column_stack([y[2:-1], y[1:-2]])
    past = np.hstack([x[1:-2], x[:-3]])
    options = {"n_permutations": 19, "seed": 3, "k": 4, "n_jobs": 1}
    result = fastmi.transfer_entropy(x, y, lag=2, source_history=2, target_history=2, **options)
    expected = fastmi.permutation_test(past, y[3:], own, scheme="circular", **options)
    assert result.scheme == "circular"
    assert result.p_value == expected.p_value
    np.testing.assert_array_equal(result.null, expected.null)
    alone = fastmi.transfer_entropy(x, y, lag=2, source_history=2, target_history=2, k=4)
    assert result.estimate == pytest.approx(float(alone), abs=1e-12)


def test_rotations_of_the_past_keep_its_rows_together(rng):
    """The null is that of np.roll on the embedded past, source values of one time together."""
    x, y = driven(rng, 60)
    result = fastmi.transfer_entropy(x, y, source_history=2, n_permutations=57, seed=0)
    past = np.column_stack([x[1:-1], x[:-2]])
    expected = [fastmi.cmi(np.roll(past, s, axis=0), y[2:], y[1:-1]) for s in range(1, 58)]
    np.testing.assert_allclose(np.sort(result.null), np.sort(expected), atol=1e-12)


@pytest.mark.parametrize("scheme", ["circular", "local", "block"])
def test_the_test_of_transfer_entropy_has_a_direction(scheme):
    rng = np.random.default_rng(8)
    x, y = driven(rng, 400)
    options = {"n_permutations": 49, "seed": 0, "scheme": scheme}
    assert fastmi.transfer_entropy(x, y, **options).p_value == 0.02
    assert fastmi.transfer_entropy(y, x, **options).p_value > 0.05


def logistic(rng, n, coupling):
    """Return two chaotic maps, the second driven by the first."""
    x, y = rng.uniform(0.1, 0.9, 2)
    series = np.empty((n + 100, 2))
    for t in range(n + 100):
        mean = coupling * x + (1 - coupling) * y
        x, y = 3.99 * x * (1 - x), 3.99 * mean * (1 - mean)
        series[t] = x, y
    return series[100:].T


def counts(rng, n, coupling):
    """Return two series of small whole numbers, the second driven by the first."""
    series = np.zeros((n + 20, 2))
    for t in range(1, n + 20):
        x, y = series[t - 1]
        series[t] = rng.poisson(1 + 0.5 * x), rng.poisson(1 + 0.4 * y + coupling * x)
    return series[20:].T


def driven_slowly(rng, n, coupling):
    x, y = autoregressive(rng, n, 0.95, (2,)).T.copy()
    for t in range(1, n):
        y[t] = 0.95 * y[t - 1] + coupling * x[t - 1] + rng.standard_normal()
    return x, y


@pytest.mark.parametrize(
    "law, coupling",
    [(logistic, 0.3), (counts, 1.0), (driven_slowly, 0.4)],
    ids=["logistic", "counts", "AR(.95)"],
)
def test_level_and_power_of_the_test_of_transfer_entropy(law, coupling):
    """Backwards is the null, although the series depend; at the level 2 +- 1.4 of 40 reject."""
    found = {"forward": 0, "backward": 0, "independent": 0}
    for run in range(40):
        rng = np.random.default_rng([run, 7])
        options = {"n_permutations": 19, "seed": run, "n_jobs": 1}
        x, y = law(rng, 200, coupling)
        _, other = law(rng, 200, coupling)
        pairs = {"forward": (x, y), "backward": (y, x), "independent": (x, other)}
        for name, pair in pairs.items():
            found[name] += fastmi.transfer_entropy(*pair, **options).p_value <= 0.05
    assert found["forward"] > 25
    assert found["backward"] <= 7
    assert found["independent"] <= 7


def test_lags_share_the_rotations(rng):
    """The definition: the whole of x is rotated, then every lag is estimated."""
    x, y = driven(rng, 50)
    lags = [-1, 0, 3]
    # With every rotation there is, their order does not matter.
    result = fastmi.lagged_mi(x, y, lags, n_permutations=49, min_shift=1, seed=1)
    expected = [list(fastmi.lagged_mi(np.roll(x, s), y, lags)) for s in range(1, 50)]
    order, reverse = np.lexsort(result.null.T), np.lexsort(np.array(expected).T)
    np.testing.assert_array_equal(result.null[order], np.array(expected, dtype=float)[reverse])
    assert list(result.estimates) == list(fastmi.lagged_mi(x, y, lags))
    np.testing.assert_array_equal(result.mi, np.array(result.estimates, dtype=float))
    np.testing.assert_array_equal(result.lags, lags)
    assert len(result) == 3
    for j, estimate in enumerate(result.estimates):
        reached = (result.null[:, j] >= float(estimate)).sum()
        assert result.p_value[j] == (1 + reached) / 50


def test_corrected_p_values_are_those_of_the_largest_lag(rng):
    x, y = driven(rng, 100)
    result = fastmi.lagged_mi(x, y, range(-3, 4), n_permutations=60, seed=2)
    table = np.vstack([result.mi, result.null])
    scaled = (table - table.mean(axis=0)) / table.std(axis=0)
    largest = scaled.max(axis=1)
    expected = [(largest[1:] >= own).sum() + 1 for own in scaled[0]]
    np.testing.assert_allclose(result.p_corrected * 61, expected, rtol=1e-12)
    assert (result.p_corrected >= result.p_value).all()
    assert result.lags[np.argmin(result.p_corrected)] == 1
    alone = fastmi.lagged_mi(x, y, 1, n_permutations=60, seed=2)
    np.testing.assert_array_equal(alone.p_corrected, alone.p_value)


@pytest.mark.parametrize("count", [18, 19, 30, 99])
@pytest.mark.parametrize("method", ["ksg1", "gaussian", "binning"])
def test_a_lag_is_above_the_band_exactly_if_it_is_significant(count, method):
    above = 0
    for run, coupling in enumerate([0.0, 0.3, 0.6, 5.0]):
        x, noise = np.random.default_rng([run, 4]).standard_normal((2, 130))
        y = coupling * np.roll(x, 2) + noise
        result = fastmi.lagged_mi(
            x, y, range(-2, 5), n_permutations=count, method=method, seed=run, n_jobs=1
        )
        for alpha in (0.01, 0.05, 0.1, 0.5):
            band = result.band_at(alpha)
            np.testing.assert_array_equal(result.mi > band, result.p_corrected <= alpha + 1e-12)
        np.testing.assert_array_equal(result.band, result.band_at(0.05))
        above += (result.mi > result.band).sum()
        assert np.isinf(result.band).all() == (count < 19)
    assert (above > 0) == (count >= 19)


def test_the_band_of_a_lag_is_the_value_that_would_just_be_significant():
    """A value on either side of the band at one lag, the others as they are, is tested anew."""
    rng = np.random.default_rng(3)
    x, y = driven(rng, 150, delay=2)
    result = fastmi.lagged_mi(x, y, range(-2, 5), n_permutations=59, seed=1)
    assert result.best == 2
    for lag, level in enumerate(result.band):
        for step, significant in ((1e-7, True), (-1e-7, False)):
            values = result.mi.copy()
            values[lag] = level + step
            assert (corrected(values, result.null)[lag] <= 0.05) == significant
    # The peak does not raise the band at its own lag.
    assert result.band[4] == pytest.approx(np.median(result.band), rel=0.4)


def test_estimates_are_found_by_their_lag(rng):
    x, y = driven(rng, 80)
    for options in ({}, {"n_permutations": 20, "seed": 0}):
        result = fastmi.lagged_mi(x, y, [3, -1, 1], **options)
        assert result[-1] == result.at(-1) == fastmi.lagged_mi(x, y, -1)
        assert result[np.int64(3)] is result.estimates[0]
        assert list(result) == [result[3], result[-1], result[1]]
        np.testing.assert_array_equal(np.asarray(result), result.mi)
        assert -1 in result
        assert 0 not in result
        assert result.best == 1
    # The last lag is not the lag -1.
    with pytest.raises(KeyError, match="lag must be one of"):
        fastmi.lagged_mi(x, y, [0, 1, 2])[-1]


def test_lags_without_a_test_have_no_band(rng):
    x, y = driven(rng, 80)
    one, two = fastmi.lagged_mi(x, y, [0, 1], k=[2, 4])
    assert (one[1].k, two[1].k) == (2, 4)
    assert one.p_value is one.p_corrected is one.null is one.band is None
    assert str(one).splitlines()[0].split() == ["lag", "nats", "stderr"]


def test_level_of_many_lags():
    """Of nine lags of slow series, some lag rejects in 5 % of the runs if corrected."""
    alone = corrected = 0
    for run in range(40):
        x, y = autoregressive(np.random.default_rng([run, 9]), 200, 0.9, (2,)).T
        result = fastmi.lagged_mi(x, y, range(-4, 5), n_permutations=19, seed=run, n_jobs=1)
        alone += result.p_value.min() <= 0.05
        corrected += result.p_corrected.min() <= 0.05
    assert corrected <= 7
    assert alone > corrected


def test_a_table_of_lags_is_printed(rng):
    x, y = driven(rng, 60)
    result = fastmi.lagged_mi(x, y, [0, 1], n_permutations=20, seed=0)
    lines = str(result).splitlines()
    assert lines[0].split() == ["lag", "nats", "stderr", "p", "p", "corrected"]
    assert lines[2].split()[0] == "1"
    assert float(lines[2].split()[1]) == pytest.approx(result.mi[1], rel=1e-3)
    assert float(lines[2].split()[3]) == pytest.approx(result.p_value[1], rel=1e-2)
    assert lines[3] == "20 rotations"


def test_tests_of_several_k_of_columns_and_threads(rng, threads):
    x, y = rng.standard_normal((70, 2)), rng.standard_normal((70, 3))
    options = {"n_permutations": 30, "seed": 4}
    one, five = fastmi.lagged_mi(x, y, [0, 2], k=[1, 5], n_jobs=threads, **options)
    again = fastmi.lagged_mi(x, y, [0, 2], k=5, n_jobs=1, **options)
    np.testing.assert_array_equal(five.null, again.null)
    assert one.estimates[0].k == 1
    (single,) = fastmi.lagged_mi(x, y, 0, k=[5], **options)
    assert single.estimates == again.estimates[:1]
    first, _ = fastmi.transfer_entropy(x, y, k=[2, 3], **options)
    assert first.p_value == fastmi.transfer_entropy(x, y, k=2, **options).p_value
    gaussian = fastmi.lagged_mi(x[:, 0], x[:, 1], [0, 1], method="gaussian", **options)
    assert gaussian.null.shape == (30, 2)


def test_noise_is_added_once(rng):
    x, y = rng.integers(0, 4, (2, 80)).astype(float)
    options = {"n_permutations": 10, "seed": 5, "noise": 1e-6}
    one, two = (fastmi.lagged_mi(x, y, [0, 1], **options) for _ in "ab")
    np.testing.assert_array_equal(one.null, two.null)
    assert np.abs(one.mi).max() < 0.4


def test_whole_numbers_are_right_by_default(rng):
    """Ties get noise by themselves, in the test as in the estimate alone."""
    x, y = rng.poisson(3.0, (2, 400)).astype(float)
    result = fastmi.lagged_mi(x, y, [0, 1], n_permutations=30, seed=0)
    assert np.abs(result.mi).max() < 0.15
    assert result.p_value.min() > 0.05
    assert result.mi[0] == float(fastmi.lagged_mi(x, y, 0, seed=0))
    found = fastmi.transfer_entropy(x, y, n_permutations=30, seed=0)
    assert abs(float(found.estimate)) < 0.15
    assert found.p_value > 0.05
    assert abs(float(fastmi.transfer_entropy(x, y, seed=0))) < 0.15


def test_constant_series_show_nothing(rng):
    y = rng.standard_normal(60)
    result = fastmi.lagged_mi(np.ones(60), y, [0, 1], n_permutations=9)
    np.testing.assert_array_equal(result.p_value, [1.0, 1.0])
    np.testing.assert_array_equal(result.p_corrected, [1.0, 1.0])
    assert "constant" in [caution.kind for caution in result.warnings]
    assert fastmi.transfer_entropy(np.ones(60), y, n_permutations=9).p_value == 1.0


def test_progress_of_rotations(rng):
    calls = []
    x, y = rng.standard_normal((2, 50))
    fastmi.lagged_mi(x, y, [0, 1], n_permutations=6, progress=lambda: calls.append(1))
    fastmi.transfer_entropy(x, y, n_permutations=5, progress=lambda: calls.append(1))
    assert len(calls) == 11


def test_slow_series_warn_of_error_bars_and_of_neighbours_in_time(rng):
    x, y = autoregressive(rng, 500, 0.95, (2,)).T
    with pytest.warns(fastmi.EstimateWarning, match="x and y change slowly: n=500 rows") as issued:
        estimates = fastmi.lagged_mi(x, y, [0, 1])
    assert len(issued) == 1
    assert issued[0].filename == __file__
    for estimate in estimates:
        assert [caution.kind for caution in estimate.warnings] == ["autocorrelation"]
        assert "theiler=w" in estimate.warnings[0]
    windowed = fastmi.lagged_mi(x, y, 1, theiler=10)
    assert "theiler" not in windowed.warnings[0]
    gaussian = fastmi.lagged_mi(x, y, 1, method="gaussian")
    assert "theiler" not in gaussian.warnings[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastmi.lagged_mi(x, rng.standard_normal(500), 1)
        fastmi.lagged_mi(*autoregressive(rng, 500, 0.5, (2,)).T, 1)
        fastmi.transfer_entropy(x, y)
        fastmi.transfer_entropy(x, y, n_permutations=5)


@pytest.mark.parametrize(
    "change",
    [
        np.exp,
        np.round,
        lambda s: s > 1.5,
        lambda s: np.column_stack([np.sin(9 * s), s]),
        np.float32,
    ],
    ids=["tails", "integers", "rare", "columns", "float32"],
)
def test_slow_series_of_every_kind_warn(change):
    for run in range(5):
        x, y = autoregressive(np.random.default_rng([run, 11]), 1000, 0.97, (2,)).T
        estimate = fastmi.lagged_mi(change(x), change(y), 2, noise=1e-10)
        assert "autocorrelation" in [caution.kind for caution in estimate.warnings]


def test_neighbours_in_time_raise_the_value_of_independent_slow_series():
    """What the warning says: .08 nats at AR(.95) and n = 1000, and less with a window."""
    series = [
        autoregressive(np.random.default_rng([run, 3]), 1000, 0.95, (2,)).T for run in range(20)
    ]
    near = np.mean([float(fastmi.lagged_mi(x, y, 0)) for x, y in series])
    apart = np.mean([float(fastmi.lagged_mi(x, y, 0, theiler=5)) for x, y in series])
    assert near > 0.05
    assert abs(apart - 2 * 5 / 1000) < 0.03


def test_walks_are_warned_of(rng):
    x, y = rng.standard_normal((2, 400)).cumsum(axis=1)
    result = fastmi.lagged_mi(x, y, [0, 1], n_permutations=9)
    assert [caution.kind for caution in result.warnings] == ["trend"]


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: fastmi.lagged_mi(x, x, 19), ValueError, r"lags must be in \[2 - n, n - 2\]"),
        (lambda x: fastmi.lagged_mi(x, x, -19), ValueError, "lags must be an integer >= -18"),
        (lambda x: fastmi.lagged_mi(x, x, 0.5), TypeError, "lags must be an integer"),
        (lambda x: fastmi.lagged_mi(x, x, np.eye(2, dtype=int)), TypeError, "lags must be an int"),
        (lambda x: fastmi.lagged_mi(x, x[:-1], 1), ValueError, "same number of samples"),
        (lambda x: fastmi.transfer_entropy(x, x[:-1]), ValueError, "source and target must"),
        (lambda x: fastmi.transfer_entropy(x, x, lag=0), ValueError, "lag must be an integer >= 1"),
        (lambda x: fastmi.transfer_entropy(x, x, lag=19), ValueError, "longer than the histories"),
        (
            lambda x: fastmi.transfer_entropy(x, x, target_history=0),
            ValueError,
            "target_history must be",
        ),
        (lambda x: fastmi.transfer_entropy(x, x, nope=1), TypeError, "nope"),
        (lambda x: fastmi.lagged_mi(x, x, [0, 17]), ValueError, r"more than k times; got 17, n=20"),
        (lambda x: fastmi.lagged_mi(x, x, -15, k=[2, 5]), ValueError, "got -15, n=20, k=5"),
        (lambda x: fastmi.lagged_mi(x, x, 1, nope=1, n_permutations=5), TypeError, "nope"),
        (lambda x: fastmi.lagged_mi(x, x, 1, n_permutations=-1), ValueError, "n_permutations must"),
        (lambda x: fastmi.lagged_mi(x, x, 1, n_permutations=20), ValueError, "rotations, 19 with"),
        (
            lambda x: fastmi.lagged_mi(x, x, 1, n_permutations=5, min_shift=9),
            ValueError,
            "rotations, 3 with n=20, min_shift=9",
        ),
        (lambda x: fastmi.lagged_mi(x, x, [], n_permutations=5), ValueError, "at least one lag"),
        (lambda x: fastmi.lagged_mi(x, x, []), ValueError, "at least one lag; got none"),
        (lambda x: fastmi.lagged_mi(x, x, [1, 2, 1]), ValueError, "got 1 twice"),
        (lambda x: fastmi.lagged_mi(x, x, [1, 2])[3], KeyError, "asked for, 1, 2; got 3"),
        (lambda x: fastmi.lagged_mi(x, x, [1, 2])[0.5], TypeError, "lag must be an integer"),
        (lambda x: fastmi.lagged_mi(x, x, [1]).band_at(), ValueError, "n_permutations=200"),
        (
            lambda x: fastmi.lagged_mi(x, x, [1], n_permutations=5).band_at(1.0),
            ValueError,
            r"alpha must be in \(0, 1\)",
        ),
        (
            lambda x: fastmi.transfer_entropy(x, x, condition=x[:-1]),
            ValueError,
            "source and condition must have the same number",
        ),
        (
            lambda x: fastmi.transfer_entropy(x, x, condition=[x, np.where(x < 9, x, np.nan)]),
            ValueError,
            r"condition\[1\] must be finite",
        ),
        (
            lambda x: fastmi.transfer_entropy(x, x, condition=x, condition_history=0),
            ValueError,
            "condition_history must be an integer >= 1",
        ),
        (
            lambda x: fastmi.transfer_entropy(x, x, condition=x, condition_history=19),
            ValueError,
            "longer than the histories; got n=20.*condition_history=19",
        ),
        (lambda x: fastmi.lagged_mi(x, np.where(x < 9, x, np.nan), 1), ValueError, "y must be fin"),
        (
            lambda x: fastmi.transfer_entropy(x, x, n_permutations=19),
            ValueError,
            "rotations, 18 with n=19",
        ),
        (
            lambda x: fastmi.transfer_entropy(
                x, x, n_permutations=9, scheme="block", block_length=9
            ),
            ValueError,
            "other orders of the 3 blocks, 5",
        ),
        (
            lambda x: fastmi.transfer_entropy(x, x, n_permutations=9, scheme="nope"),
            ValueError,
            "scheme must be one of",
        ),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(np.arange(20.0))


def indexed(values, index):
    pandas = pytest.importorskip("pandas")
    return pandas.Series(values, index=index)


def test_gaps_in_the_index_are_warned_of(rng):
    pandas = pytest.importorskip("pandas")
    days = pandas.date_range("2024-01-30", periods=60).delete([7, 8, 30])
    x, y = (indexed(values, days) for values in rng.standard_normal((2, 57)))
    calls = [
        lambda: fastmi.lagged_mi(x, y, 1),
        lambda: fastmi.lagged_mi(x, y, [0, 1]),
        lambda: fastmi.lagged_mi(x, y, [0, 1], n_permutations=5),
        lambda: fastmi.transfer_entropy(x, y),
        lambda: fastmi.transfer_entropy(x, y, n_permutations=5),
    ]
    for call in calls:
        with pytest.warns(fastmi.EstimateWarning, match="2 of 56 differ .*2024-02-05") as issued:
            result = call()
        assert issued[0].filename == __file__
        assert "unequal_steps" in [caution.kind for caution in result.warnings]
    counted = x.reset_index(drop=True).drop([4, 5])
    with pytest.warns(fastmi.EstimateWarning, match="index of source has unequal steps"):
        fastmi.transfer_entropy(counted, counted.shift(1, fill_value=0.0))
    with pytest.warns(fastmi.EstimateWarning, match=r"index of condition\[1\] has unequal steps"):
        fastmi.transfer_entropy(x.array, y.array, condition=[x.array, x])


@pytest.mark.parametrize(
    "index",
    [
        lambda pandas: pandas.date_range("2024-01-01", periods=60, freq="MS"),
        lambda pandas: pandas.DatetimeIndex(
            pandas.date_range("2024-01-01", periods=60, freq="B").to_numpy()
        ),
        lambda pandas: pandas.period_range("2001", periods=60, freq="Q"),
        lambda pandas: pandas.date_range("2024-03-01", periods=60, tz="Europe/Berlin"),
        lambda pandas: pandas.timedelta_range(0, periods=60, freq="s"),
        lambda pandas: pandas.RangeIndex(5, 5 + 60 * 7, 7),
        lambda pandas: pandas.Index([f"row {i}" for i in range(60)]),
        lambda pandas: pandas.Index([7] * 60).astype("float64") * 0.1,
        lambda pandas: pandas.MultiIndex.from_product([["a"], range(60)]),
    ],
    ids=["months", "business days", "quarters", "summer time", "seconds", "7", "names", "x", "two"],
)
def test_equal_steps_of_a_calendar_are_no_gaps(rng, index):
    labels = index(pytest.importorskip("pandas"))
    x, y = (indexed(values, labels) for values in rng.standard_normal((2, 60)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastmi.lagged_mi(x, y, [0, 1])


def test_times_that_go_backwards_are_refused(rng):
    pandas = pytest.importorskip("pandas")
    values = rng.standard_normal(60)
    days = pandas.date_range("2024-01-01", periods=60)
    twice = days.append(days)[:60][np.r_[:30, 29:59]]
    for index in (days[::-1], days[rng.permutation(60)], twice):
        x = indexed(values, index)
        with pytest.raises(ValueError, match="x must have rows in the order of time"):
            fastmi.lagged_mi(x, x, 1)
    with pytest.raises(ValueError, match="y must be finite"):
        fastmi.lagged_mi(values, indexed(np.where(values > 2, values, np.nan), days), [0, 1])
