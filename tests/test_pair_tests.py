"""P-values of pairs of columns: shared surrogates, early ends, decisions about all pairs."""

import warnings

import numpy as np
import pytest

import fastmi
from fastmi.statistics import _pair_tests
from fastmi.statistics._pair_tests import Plan


def table(rng, n):
    """Independent columns of many kinds."""
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(
        {
            "normal": rng.normal(size=n),
            "rounded": np.round(rng.normal(size=n), 1),
            "tails": rng.standard_t(1, n),
            "zeros": np.where(rng.random(n) < 0.4, 0.0, rng.exponential(size=n)),
            "flag": rng.random(n) < 0.3,
            "names": np.array(["a", "b", "c", "d"])[rng.integers(0, 4, n)],
            "counts": rng.poisson(2.0, n),
        }
    )


def smallest_of_uniform(p):
    """The largest excess of the share of p-values <= t over t, in deviations."""
    steps = np.linspace(0.01, 0.99, 99)
    share = (np.asarray(p)[:, None] <= steps).mean(axis=0)
    return ((share - steps) / np.sqrt(steps * (1 - steps) / len(p))).max()


@pytest.mark.slow
@pytest.mark.parametrize("sequential", [True, False])
def test_level_of_every_pair(sequential):
    """Under independence no pair of kinds has p <= t more often than t allows."""
    found = {}
    rng = np.random.default_rng(3)
    for seed in range(300):
        result = fastmi.pairwise_mi(
            table(rng, 60), n_permutations=99, sequential=sequential, seed=seed
        )
        rows = result.to_frame()
        for x, y, p in zip(rows["x"], rows["y"], rows["p_value"], strict=True):
            found.setdefault((x, y), []).append(p)
    assert len(found) == 21
    # 21 pairs of 99 steps: 4.2 deviations are exceeded by chance in a few of a thousand runs.
    assert max(map(smallest_of_uniform, found.values())) < 4.2


def test_shared_surrogates_are_those_of_each_pair():
    """A pair in company has the p-value that it has alone: the series depends on the margins."""
    frame = table(np.random.default_rng(0), 80)
    together = fastmi.pairwise_mi(frame, n_permutations=199, seed=1)
    for pair in (["normal", "tails"], ["normal", "flag"], ["flag", "names"], ["zeros", "counts"]):
        alone = fastmi.pairwise_mi(frame[pair], n_permutations=199, seed=1)
        assert alone.p_value.iloc[0, 1] == together.p_value.loc[pair[0], pair[1]]


def test_pairs_without_classes_share_one_series(monkeypatch):
    rng = np.random.default_rng(0)
    drawn = []
    own = _pair_tests._Series.chunk

    def counted(self, number):
        drawn.append(self.pair)
        return own(self, number)

    monkeypatch.setattr(_pair_tests._Series, "chunk", counted)
    frame = table(rng, 50)[["normal", "rounded", "tails", "zeros"]]
    fastmi.pairwise_mi(frame, n_permutations=640, sequential=False, n_jobs=1)
    assert len(drawn) == 10
    assert len(set(drawn)) == 1


def test_threads_and_batches_change_nothing(monkeypatch):
    frame = table(np.random.default_rng(5), 60)
    options = {"n_permutations": 70, "corrected": True, "seed": 2}
    first = fastmi.pairwise_mi(frame, **options, n_jobs=1)
    assert first == fastmi.pairwise_mi(frame, **options, n_jobs=2)
    monkeypatch.setattr(_pair_tests, "_FIRST", 500)
    assert first == fastmi.pairwise_mi(frame, **options)
    monkeypatch.setattr(_pair_tests, "_MOST_ENTRIES", 7 * len(frame))
    assert first == fastmi.pairwise_mi(frame, **options)
    other = fastmi.pairwise_mi(frame, n_permutations=70, seed=3)
    assert not first.p_value.equals(other.p_value)


def test_one_true_pair_among_many():
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(150, 101))
    columns[:, 70] = np.exp(columns[:, 0] + 0.5 * columns[:, 70])
    ranked = fastmi.rank_features(columns[:, 1:], columns[:, 0], n_permutations=4000, seed=0)
    assert ranked.names[0] == 69
    assert ranked.q_value[0] <= 0.05
    assert (ranked.q_value[1:] > 0.05).all()
    largest = fastmi.rank_features(
        columns[:, 1:], columns[:, 0], n_permutations=99, corrected=True, seed=0
    )
    assert largest.p_corrected[0] == 0.01
    assert (largest.p_corrected[1:] > 0.05).all()
    np.testing.assert_array_equal(ranked.q_value, fastmi.q_values(ranked.p_value))
    careful = fastmi.rank_features(columns[:, 1:], columns[:, 0], n_permutations=999, fdr="by")
    np.testing.assert_array_equal(careful.q_value, fastmi.q_values(careful.p_value, "by"))


def test_too_few_surrogates_to_decide_are_said():
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(200, 60))
    columns[:, 1] += 3 * columns[:, 0]
    with pytest.warns(fastmi.EstimateWarning, match="n_permutations='auto'"):
        fastmi.rank_features(columns[:, 1:], columns[:, 0], n_permutations=99)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastmi.rank_features(columns[:, 1:], columns[:, 0], n_permutations="auto")


def test_auto_grows_with_the_number_of_pairs():
    auto = Plan(-1, True, False, "bh")
    assert [auto.of(pairs) for pairs in (1, 100, 1000, 10**6)] == [999, 2499, 24_999, 10_000_000]


def test_gaps():
    rng = np.random.default_rng(4)
    frame = table(rng, 120)
    frame.loc[rng.random(120) < 0.2, "tails"] = np.nan
    result = fastmi.pairwise_mi(frame, missing="pairwise", n_permutations=99, seed=0)
    p = result.to_frame()["p_value"]
    assert p.between(0.01, 1).all()
    with pytest.raises(ValueError, match="missing='drop' gives all pairs the same rows"):
        fastmi.pairwise_mi(frame, missing="pairwise", n_permutations=9, corrected=True)
    dropped = fastmi.pairwise_mi(frame, missing="drop", n_permutations=9, corrected=True)
    assert dropped.to_frame()["p_corrected"].between(0.1, 1).all()


def test_two_tables():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(100, 3))
    y = np.column_stack([rng.normal(size=100), x[:, 1] + 0.2 * rng.normal(size=100)])
    result = fastmi.pairwise_mi(x, y, n_permutations=199, corrected=True, seed=0)
    found = np.argwhere(result.p_corrected <= 0.05)
    assert found.tolist() == [[1, 1]]
    assert np.argwhere(result.q_value <= 0.05).tolist() == [[1, 1]]


def test_named_methods_have_q_values():
    rng = np.random.default_rng(4)
    result = fastmi.pairwise_mi(rng.normal(size=(50, 4)), method="gaussian", n_permutations=19)
    rows = np.triu_indices(4, 1)
    np.testing.assert_array_equal(result.q_value[rows], fastmi.q_values(result.p_value[rows]))
    np.testing.assert_array_equal(result.q_value, result.q_value.T)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"n_permutations": "many"}, ValueError, "n_permutations must be"),
        ({"n_permutations": -1}, ValueError, "n_permutations must be an integer >= 0"),
        ({"n_permutations": 9.5}, TypeError, "n_permutations must be an integer"),
        ({"n_permutations": 9, "fdr": "fdr"}, ValueError, "fdr must be"),
        ({"n_permutations": 9, "sequential": 1}, TypeError, "sequential must be"),
        ({"corrected": True}, ValueError, "corrected must be False without permutations"),
        (
            {"n_permutations": 9, "corrected": True, "method": "ksg1"},
            ValueError,
            "leave method at None",
        ),
    ],
)
def test_refused(options, error, message):
    with pytest.raises(error, match=message):
        fastmi.pairwise_mi(np.random.default_rng(0).normal(size=(20, 3)), **options)


def test_series_are_warned_of():
    series = np.cumsum(np.random.default_rng(0).normal(size=(300, 3)), axis=0)
    with pytest.warns(fastmi.EstimateWarning, match="rows"):
        ranked = fastmi.rank_features(series[:, 1:], series[:, 0], n_permutations=99)
    assert any(
        caution.kind == "autocorrelation" for own in ranked.warnings.values() for caution in own
    )


def test_tables_sorted_by_their_classes_are_no_series():
    rng = np.random.default_rng(0)
    classes = np.repeat(["a", "b", "c"], 100)
    columns = rng.normal(size=(300, 2)) + np.repeat([0, 1, 3], 100)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fastmi.rank_features(columns, classes, n_permutations=99)
    series = columns + np.cumsum(rng.normal(size=(300, 2)), axis=0)
    with pytest.warns(fastmi.EstimateWarning, match="as in time series"):
        fastmi.pairwise_mi(series, n_permutations=99)
