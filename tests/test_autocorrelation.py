"""What the order of the rows does to tests and error bars, and that it is said."""

import warnings

import numpy as np
import pytest

import fastmi
from fastmi._autocorrelation import (
    inflations,
    row_order,
    run_inflation,
    scheme_cautions,
    serial,
)


def autoregressive(rng, n, coefficient, shape=()):
    series = rng.standard_normal((n + 100, *shape))
    for t in range(1, len(series)):
        series[t] += coefficient * series[t - 1]
    return series[100:]


def pair_of(rng, n, coefficient):
    return autoregressive(rng, n, coefficient, (2,)).T


def column(values):
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)


def kinds(result):
    return [caution.kind for caution in result.warnings]


def test_the_inflation_is_the_sum_of_products_of_autocorrelations(rng):
    """Bartlett's formula from its definition, by loops, less what chance gives."""
    n = 60
    x, y = pair_of(rng, n, 0.9)
    products = []
    for f in (np.asarray, np.abs):
        for g in (np.asarray, np.abs):
            first, second = (
                transform(np.argsort(np.argsort(values)) - (n - 1) / 2)
                for values, transform in ((x, f), (y, g))
            )
            first, second = ((v - v.mean()) / np.linalg.norm(v - v.mean()) for v in (first, second))
            total = 0.0
            for lag in range(1, n // 4 + 1):
                total += (first[lag:] @ first[:-lag]) * (second[lag:] @ second[:-lag])
                total -= (first @ second) ** 2 * (1 - lag / n) / n
            products.append(total)
    found = inflations(serial(column(x)), serial(column(y)))
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(1 + 2 * max(products), rel=1e-12)


@pytest.mark.parametrize("first, second", [(0.5, 0.5), (0.9, 0.7), (0.9, 0.9)])
def test_long_series_have_the_inflation_of_their_law(rng, first, second):
    x, y = autoregressive(rng, 40000, first), autoregressive(rng, 40000, second)
    product = first * second
    # Ranks of a normal series are a little less autocorrelated than its values.
    expected = 1 + 2 * product / (1 - product)
    assert row_order([column(x), column(y)]).inflation == pytest.approx(expected, rel=0.12)


def _equal(rng, n):
    x = rng.standard_normal((n, 1))
    return x, x


INDEPENDENT_ROWS = {
    "independent": lambda rng, n: rng.standard_normal((2, n, 1)),
    "equal": _equal,
    "cauchy": lambda rng, n: rng.standard_cauchy((2, n, 1)),
    "binary": lambda rng, n: rng.integers(0, 2, (2, n, 1)).astype(float),
    "rare": lambda rng, n: (rng.random((2, n, 1)) < 0.03).astype(float),
    "integers": lambda rng, n: rng.integers(0, 5, (2, n, 1)).astype(float),
    "many columns": lambda rng, n: rng.standard_normal((2, n, 8)),
    "constant": lambda rng, n: (np.ones((n, 1)), rng.standard_normal((n, 1))),
}


@pytest.mark.parametrize("n", [20, 60, 250])
@pytest.mark.parametrize("kind", INDEPENDENT_ROWS)
def test_independent_rows_are_rarely_taken_for_a_series(kind, n):
    draw = INDEPENDENT_ROWS[kind]
    rngs = [np.random.default_rng([run, n, 3]) for run in range(300)]
    assert sum(row_order(draw(rng, n)).matters for rng in rngs) <= 3


def _integers(rng, n):
    return np.round(2 * pair_of(rng, n, 0.9))


def _spreads(rng, n):
    """Values without autocorrelation, whose spread has it."""
    return rng.standard_normal((2, n)) * np.exp(pair_of(rng, n, 0.95) / 3)


def _waves(rng, n):
    time = 2 * np.pi * np.arange(n) / 25
    return np.array([np.sin(time + rng.uniform(0, 6)) for _ in "xy"]) + rng.normal(size=(2, n)) / 2


SERIES = {
    "AR(.9)": lambda rng, n: pair_of(rng, n, 0.9),
    "integers": _integers,
    "spreads": _spreads,
    "waves": _waves,
    "walks": lambda rng, n: rng.standard_normal((2, n)).cumsum(axis=1),
    "many columns": lambda rng, n: np.stack(
        [np.column_stack([rng.standard_normal((n, 3)), s]) for s in pair_of(rng, n, 0.9)]
    ),
}


@pytest.mark.parametrize("kind", SERIES)
def test_a_shuffle_of_two_series_names_the_other_schemes(kind):
    for run in range(5):
        x, y = SERIES[kind](np.random.default_rng([run, 1]), 500)
        message = r"scatter like \d+ independent ones of n=500.* scheme='circular' \(or 'block'\)"
        with pytest.warns(fastmi.EstimateWarning, match=message) as issued:
            result = fastmi.permutation_test(x, y, n_permutations=5, seed=0)
        assert kinds(result).count("autocorrelation") == 1
        assert [each.filename for each in issued] == [__file__] * len(issued)


def test_one_series_is_not_enough(rng):
    """A shuffle against independent rows is exact."""
    for run in range(300):
        own = np.random.default_rng([run, 6])
        slow = column(autoregressive(own, 150, 0.95))
        assert not row_order([slow, column(own.standard_normal(150))]).matters
    x = autoregressive(rng, 500, 0.95)
    result = fastmi.permutation_test(x, rng.standard_normal(500), n_permutations=5, seed=0)
    assert kinds(result) == []


def test_sorted_rows_are_told_apart_in_words(rng):
    x = np.sort(rng.standard_normal(300))
    result = fastmi.permutation_test(x, x + rng.standard_normal(300), n_permutations=5, seed=0)
    assert kinds(result) == ["autocorrelation"]
    assert "if independent rows were sorted afterwards, the p-value is right" in result.warnings[0]


@pytest.mark.parametrize("scheme", ["circular", "block"])
def test_stationary_series_suit_rotations_and_blocks(scheme):
    for run in range(5):
        x, y = pair_of(np.random.default_rng([run, 2]), 1000, 0.9)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fastmi.permutation_test(x, y, scheme=scheme, n_permutations=20, seed=0)


def _trends(rng, n, slope):
    return slope * np.arange(n) / n + rng.standard_normal((2, n))


NOT_STATIONARY = {
    "walks": SERIES["walks"],
    "steep trends": lambda rng, n: _trends(rng, n, 3.0),
    "trends": lambda rng, n: _trends(rng, n, 1.7),
    "waves": _waves,
}


@pytest.mark.parametrize("scheme", ["circular", "block"])
@pytest.mark.parametrize("kind", NOT_STATIONARY)
def test_rotations_of_series_that_are_not_stationary_warn(kind, scheme):
    for run in range(5):
        x, y = NOT_STATIONARY[kind](np.random.default_rng([run, 3]), 800)
        result = fastmi.permutation_test(
            x, y, scheme=scheme, block_length=50, n_permutations=5, seed=0
        )
        assert kinds(result) == ["trend"]
        assert "takes series as stationary" in result.warnings[0]


def test_a_condition_on_the_past_takes_the_order_out(rng):
    x, y = pair_of(rng, 600, 0.9)
    past = np.column_stack([x, y])[:-1]
    assert scheme_cautions("local", [column(x[1:]), column(y[1:]), past]) == ()
    other = autoregressive(rng, 600, 0.9)
    (caution,) = scheme_cautions("local", [column(x), column(y), column(other)])
    assert "beyond what z explains" in caution
    assert "add the past of x or of y to z" in caution


def test_exchanges_among_slow_pasts_are_warned_of():
    """They reject in 10 % of such series, see the bench of rejections; rotations in 5 %."""
    warned = {"local": 0, "circular": 0}
    for seed in range(5):
        source, target = pair_of(np.random.default_rng(seed), 200, 0.95)
        for scheme in warned:
            test = fastmi.transfer_entropy(
                source, target, n_permutations=9, scheme=scheme, seed=0, n_jobs=1
            )
            warned[scheme] += any("exchanged rows lose" in text for text in test.warnings)
    assert warned["local"] >= 3
    assert warned["circular"] == 0


def test_exchanges_among_quick_pasts_are_not_warned_of(rng):
    for n in (20, 200):
        source, target = pair_of(rng, n, 0.5)
        blocks = [column(source[:-1]), column(target[1:]), column(target[:-1])]
        assert scheme_cautions("local", blocks) == ()


@pytest.mark.parametrize("n", [2, 3, 15, 16])
def test_few_rows(rng, n):
    line = column(np.arange(n))
    assert row_order([line, line]).effective >= 1
    assert row_order([line, line, line]).inflation == 1.0


def test_scale_and_dtype_do_not_matter(rng):
    x, y = (column(v) for v in pair_of(rng, 300, 0.9))
    expected = row_order([x, y])
    assert row_order([x * 1e300, 2000 + y / 1024]) == expected
    assert row_order([np.exp(x), y]).inflation == pytest.approx(expected.inflation)


def test_pairs_with_p_values_warn_where_both_are_series(rng):
    x, y = pair_of(rng, 400, 0.95)
    table = np.column_stack([x, rng.standard_normal(400), y])
    assert fastmi.pairwise_mi(table).warnings == {}
    result = fastmi.pairwise_mi(table, n_permutations=9, seed=0)
    assert {pair: [c.kind for c in found] for pair, found in result.warnings.items()} == {
        (0, 2): ["autocorrelation"]
    }
    across = fastmi.pairwise_mi(table[:, :2], table[:, 1:], n_permutations=9, seed=0)
    assert [c.kind for c in across.warnings[0, 1]] == ["autocorrelation"]
    assert {c.kind for c in across.warnings.get((0, 0), ())} == set()


def test_runs_see_what_is_shorter_than_they_are(rng):
    whole = [run_inflation(series) for series in autoregressive(rng, 10000, 0.8, (10,)).T]
    assert np.mean(whole) == pytest.approx(1.8 / 0.2, rel=0.2)
    local = autoregressive(rng, 4000, 0.8)
    assert 1.0 < run_inflation(local, 20) < 2.0
    assert run_inflation(local, 200) < 1.25
    assert run_inflation(rng.standard_normal(4000)) == 1.0
    assert run_inflation(np.ones(100)) == 1.0


def test_error_bars_of_series(rng):
    x, e = pair_of(rng, 1000, 0.95)
    result = fastmi.subsample_error(x, x + e, seed=0)
    assert kinds(result) == ["autocorrelation"]
    assert "jackknife_error, n_blocks=20" in result.warnings[0]
    assert str(result).endswith("nats (1 warning)")
    with pytest.warns(fastmi.EstimateWarning, match="runs of 1 samples are too short"):
        fastmi.jackknife_error(result.estimate)
    with pytest.warns(fastmi.EstimateWarning, match="even runs of 50 samples .* a longer series"):
        fastmi.jackknife_error(fastmi.mi(*rng.normal(size=(2, 1000)).cumsum(axis=1)), n_blocks=20)


def test_error_bars_of_independent_rows():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for run in range(40):
            rng = np.random.default_rng([run, 4])
            x, y = rng.standard_normal((2, 300))
            result = fastmi.subsample_error(x, x + y, seed=0, halves=3)
            fastmi.jackknife_error(result.estimate)


def test_the_factor_of_an_error_bar_is_about_right():
    """Estimates of dependent AR(.9) series scatter as the error bar times the factor says."""
    estimates, bars, corrected = [], [], []
    for run in range(60):
        x, e = pair_of(np.random.default_rng([run, 5]), 800, 0.9)
        estimate = fastmi.mi(x, x + e)
        estimates.append(float(estimate))
        bars.append(estimate.stderr)
        corrected.append(estimate.stderr * run_inflation(estimate.local) ** 0.5)
    scatter = np.std(estimates)
    assert scatter > 1.8 * np.mean(bars)
    assert np.mean(corrected) == pytest.approx(scatter, rel=0.3)
