"""Networks of transfer entropy: values and p-values of pairs, what is left out, what is found."""

import json
import pickle
import warnings

import numpy as np
import pytest

import fastmi
from fastmi.statistics.multiple import q_values

FAST = {"method": "gaussian", "n_jobs": 1}


def linked(rng, n, links, m=4, own=0.4):
    """Return series in columns; each link is a source, a target, a lag and a coefficient."""
    series = rng.standard_normal((n + 50, m))
    for t in range(3, n + 50):
        series[t] += own * series[t - 1]
        for source, target, lag, coefficient in links:
            series[t, target] += coefficient * series[t - lag, source]
    return series[50:]


LINKS = [(0, 1, 2, 0.8), (2, 3, 1, 0.8)]


def test_values_are_the_largest_transfer_entropies(rng):
    X = linked(rng, 150, LINKS[:1], m=3)
    one = fastmi.transfer_entropy_network(X, n_permutations=0, k=4)
    for i in range(3):
        for j in range(3):
            if i != j:
                value = fastmi.transfer_entropy(X[:, i], X[:, j], k=4)
                assert one.te[i, j] == pytest.approx(float(value), abs=1e-12)
                assert one.stderr[i, j] == pytest.approx(value.stderr, rel=1e-9)
    assert np.isnan(np.diag(one.te)).all()
    assert (one.n, one.k, one.n_permutations, one.p_value, one.q_value) == (149, 4, 0, None, None)
    # Several lags, from the times that all of them have: 1 to 3, and two values of the source.
    three = fastmi.transfer_entropy_network(
        X, 3, source_history=2, target_history=2, n_permutations=0
    )
    x, y = X[:, 0], X[:, 1]
    own = np.column_stack([y[3:-1], y[2:-2]])
    by_lag = [
        fastmi.cmi(y[4:], np.column_stack([x[4 - lag : 150 - lag], x[3 - lag : 149 - lag]]), own)
        for lag in (1, 2, 3)
    ]
    assert three.te[0, 1] == pytest.approx(float(max(by_lag)), abs=1e-12)
    assert three.lag[0, 1] == 1 + int(np.argmax(by_lag))
    assert three.n == 146


def test_all_others_are_given(rng):
    X = linked(rng, 120, LINKS)
    found = fastmi.transfer_entropy_network(
        X, 1, condition="all", condition_history=2, n_permutations=0
    )
    others = [X[:, 1], X[:, 3]]
    value = fastmi.transfer_entropy(X[:, 2], X[:, 0], condition=others, condition_history=2)
    assert found.te[2, 0] == pytest.approx(float(value), abs=1e-12)
    assert found.condition_history == 2
    by_default = fastmi.transfer_entropy_network(X, 2, condition="all", n_permutations=0, **FAST)
    assert by_default.condition_history == 2


def test_the_p_value_is_that_of_the_largest_over_the_lags(rng):
    """All rotations there are, so that their order does not matter."""
    X = rng.standard_normal((40, 2))
    found = fastmi.transfer_entropy_network(
        X, 2, n_permutations=37, min_shift=1, sequential=False, seed=0, **FAST
    )
    x, y = X.T
    target, own = y[2:], y[1:-1]

    def largest(shift):
        return max(
            float(fastmi.cmi(np.roll(past, shift), target, own, method="gaussian"))
            for past in (x[1:-1], x[:-2])
        )

    observed = largest(0)
    reached = sum(largest(shift) >= observed - 1e-12 for shift in range(1, 38))
    assert found.te[0, 1] == pytest.approx(observed, abs=1e-12)
    assert found.p_value[0, 1] == pytest.approx((1 + reached) / 38)
    np.testing.assert_array_equal(found.q_value, q_values(found.p_value))


def test_tests_that_end_early_have_the_p_value_of_besag_and_clifford():
    """The rotations are those of the full test, and the tenth that reaches the value ends it."""
    X = linked(np.random.default_rng(4), 200, LINKS)
    options = {"n_permutations": 150, "seed": 2, **FAST}
    full = fastmi.transfer_entropy_network(X, 1, sequential=False, **options)
    early = fastmi.transfer_entropy_network(X, 1, **options)
    strong = full.p_value < 10 / 150
    assert strong.sum() >= 2
    np.testing.assert_array_equal(early.p_value[strong], full.p_value[strong])
    weak = ~strong & ~np.isnan(full.p_value)
    made = 10 / early.p_value[weak]
    np.testing.assert_allclose(made, np.round(made), rtol=1e-9)
    first = fastmi.transfer_entropy_network(X, 1, sequential=1, **options)
    assert np.nanmax(first.p_value) == 1.0


def test_p_values_hold_their_level():
    """Of 12 pairs of slow series without links, 5 % have p <= 5 %, whatever the lag chosen."""
    p = [
        fastmi.transfer_entropy_network(
            linked(np.random.default_rng([run, 6]), 150, [], own=0.8),
            3,
            n_permutations=39,
            seed=run,
            **FAST,
        ).p_value
        for run in range(12)
    ]
    p = np.array(p)[:, ~np.eye(4, dtype=bool)]
    assert 0.005 < (p <= 0.05).mean() < 0.11
    assert 0.35 < np.mean(p <= 0.5) < 0.65


def test_links_are_found_with_their_lags():
    X = linked(np.random.default_rng(7), 400, LINKS)
    found = fastmi.transfer_entropy_network(X, 3, seed=0, n_jobs=1)
    assert {(each.source, each.target, each.lag) for each in found.links()} == {
        (0, 1, 2),
        (2, 3, 1),
    }
    assert found.links(1.0) == found.top(12)
    assert found.n_permutations >= 239
    text = str(found)
    assert "2 of 12 pairs with q <= 0.05" in text
    assert "0 -> 1, lag 2: " in text


def test_a_chain_has_no_shortcut_given_all():
    chain = [(0, 1, 1, 0.9), (1, 2, 1, 0.9)]
    X = linked(np.random.default_rng(8), 600, chain, m=3)
    plain = fastmi.transfer_entropy_network(X, 2, seed=0, **FAST)
    given = fastmi.transfer_entropy_network(X, 2, condition="all", seed=0, **FAST)
    assert (0, 2) in {(each.source, each.target) for each in plain.links()}
    assert {(each.source, each.target) for each in given.links()} == {(0, 1), (1, 2)}


def test_results_do_not_depend_on_threads_and_labels(threads):
    pandas = pytest.importorskip("pandas")
    X = linked(np.random.default_rng(9), 120, LINKS)
    options = {"seed": 3, "n_permutations": 60}
    one = fastmi.transfer_entropy_network(X, 2, n_jobs=1, **options)
    again = fastmi.transfer_entropy_network(X, 2, n_jobs=threads, **options)
    assert one == again
    frame = pandas.DataFrame(X, columns=list("abcd"))
    named = fastmi.transfer_entropy_network(frame, 2, n_jobs=threads, **options)
    assert named.names == ("a", "b", "c", "d")
    np.testing.assert_array_equal(named.p_value, one.p_value)
    assert pickle.loads(pickle.dumps(named)) == named
    assert named != one
    np.testing.assert_array_equal(
        fastmi.transfer_entropy_network(pandas.DataFrame(X, columns=list("abca")), 1, **options).te,
        fastmi.transfer_entropy_network(X, 1, **options).te,
    )


def test_the_table_is_sorted_by_q_and_then_by_te():
    pytest.importorskip("pandas")
    found = fastmi.transfer_entropy_network(
        linked(np.random.default_rng(1), 150, LINKS), 2, n_permutations=60, seed=0, **FAST
    )
    frame = found.to_frame()
    head = ["source", "target", "lag", "te", "stderr", "p_value", "q_value", "warnings"]
    assert list(frame.columns) == head
    assert len(frame) == 12
    order = list(zip(frame.q_value, -frame.te, strict=True))
    assert order == sorted(order)
    for row in frame.itertuples():
        assert row.te == found.te[row.source, row.target]
        assert row.q_value == found.q_value[row.source, row.target]
    rows = json.loads(json.dumps(found.to_dict(), allow_nan=False))["rows"]
    assert rows[0]["te"] == frame.te[0]


def test_columns_that_cannot_be_used_are_named():
    pandas = pytest.importorskip("pandas")
    X = linked(np.random.default_rng(2), 100, LINKS)
    frame = pandas.DataFrame(X, columns=list("abcd"))
    frame["flat"] = 2.0
    frame["place"] = ["here", "there"] * 50
    frame["year"] = np.arange(1900, 2000)
    frame["day"] = pandas.date_range("2024-01-01", periods=100)
    with pytest.warns(fastmi.EstimateWarning, match="left out of the network: 'flat' .constant.,"):
        found = fastmi.transfer_entropy_network(frame, 1, n_permutations=0, **FAST)
    assert found.names == ("a", "b", "c", "d")
    assert set(found.left_out) == {"flat", "place", "year", "day"}
    assert "as a clock or a row number does" in found.left_out["day"]
    assert "takes numbers" in found.left_out["place"]
    assert "left out: place, holds names" in str(found)
    classes = frame[["place"]].assign(other=np.roll(frame["place"], 1), third=[0, 0, 1, 1] * 25)
    kept = fastmi.transfer_entropy_network(classes, 1, n_permutations=0, method="discrete")
    assert kept.names == ("place", "other", "third")
    frame.loc[3, "b"] = frame.loc[5:9, "c"] = np.nan
    with pytest.raises(ValueError, match=r"values: 'b' \(1, the first in row 3\), 'c' \(5, "):
        fastmi.transfer_entropy_network(frame)
    gap = pandas.DataFrame(X, index=np.delete(np.arange(101), 40))
    with pytest.warns(fastmi.EstimateWarning, match="index of X has unequal steps"):
        found = fastmi.transfer_entropy_network(gap, n_permutations=0)
    assert [caution.kind for caution in found.cautions] == ["unequal_steps"]


def test_too_few_rotations_for_a_single_link_are_warned_of(rng):
    X = rng.standard_normal((60, 5))
    with pytest.warns(fastmi.EstimateWarning, match="takes at least 8 of 20 pairs") as issued:
        found = fastmi.transfer_entropy_network(X, n_permutations=49, seed=0, **FAST)
    assert len(issued) == 1
    assert issued[0].filename == __file__
    assert [caution.kind for caution in found.cautions] == ["resolution"]
    with pytest.warns(fastmi.EstimateWarning, match="no pair can have q"):
        fastmi.transfer_entropy_network(X, n_permutations=9, seed=0, **FAST)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastmi.transfer_entropy_network(
            rng.standard_normal((400, 2)), n_permutations=39, seed=0, **FAST
        )


def test_walks_are_warned_of_by_pair(rng):
    X = rng.standard_normal((300, 3)).cumsum(axis=0)
    X[:, 2] = rng.standard_normal(300)
    found = fastmi.transfer_entropy_network(X, n_permutations=19, seed=0, target_history=1)
    kinds = {pair: [each.kind for each in found.warnings[pair]] for pair in found.warnings}
    assert all(2 not in pair for pair, of in kinds.items() if "trend" in of)


def test_whole_numbers_show_nothing_of_their_ties():
    X = np.random.default_rng(3).poisson(2.0, (300, 3))
    found = fastmi.transfer_entropy_network(X, 2, n_permutations=39, seed=0)
    assert np.nanmax(np.abs(found.te)) < 0.15
    assert found.links() == []
    again = fastmi.transfer_entropy_network(X, 2, n_permutations=39, seed=0, noise=1e-6)
    assert np.nanmax(np.abs(again.te)) < 0.15


def test_progress_counts_pairs(rng):
    calls = []
    fastmi.transfer_entropy_network(
        rng.standard_normal((60, 3)),
        n_permutations=5,
        progress=lambda: calls.append(1),
        **FAST,
    )
    assert len(calls) == 6


@pytest.mark.parametrize(
    "X, options, error, message",
    [
        (np.eye(9), {"max_lag": 0}, ValueError, "max_lag must be an integer >= 1"),
        (np.eye(9), {"max_lag": 8}, ValueError, "more rows than the histories; got n=9, max_lag=8"),
        (np.eye(9), {"condition": "some"}, ValueError, "condition must be one of"),
        (np.eye(9), {"k": [1, 2]}, TypeError, "k must be one integer"),
        (np.eye(9), {"n_permutations": "all"}, ValueError, "an integer or 'auto'"),
        (np.eye(9), {"n_permutations": 9}, ValueError, "number of rotations"),
        (np.eye(9), {"sequential": 0}, ValueError, "sequential must be an integer >= 1"),
        (np.eye(9), {"fdr": "none"}, ValueError, "must be one of"),
        (np.eye(9), {"nope": 1}, TypeError, "nope"),
        (np.eye(9)[:, :1], {}, ValueError, "at least two series; got 1"),
        (np.ones((9, 3)), {}, ValueError, "at least two series; got 0, left out 0: constant"),
        (np.full((9, 2), np.nan), {}, ValueError, "no missing values"),
        (7, {}, (TypeError, ValueError), "X must be"),
    ],
)
def test_wrong_arguments(X, options, error, message):
    with pytest.raises(error, match=message):
        fastmi.transfer_entropy_network(X, **options)


def test_wrong_arguments_of_a_network(rng):
    found = fastmi.transfer_entropy_network(rng.standard_normal((50, 2)), n_permutations=0, **FAST)
    with pytest.raises(ValueError, match="n_permutations='auto'"):
        found.links()
    with pytest.raises(ValueError, match="n must be an integer >= 1"):
        found.top(0)
    assert len(found.top(1)) == 1
    assert "no test" in str(found)
