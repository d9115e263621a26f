"""P-values of columns whose values are mostly equal: their order is drawn for each column."""

import numpy as np
import pytest
from scipy import stats

import fastmi
from fastmi.statistics._scores import scores_of


def mostly_zeros(seed, n, columns, zeros):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, columns)) < zeros, 0.0, rng.lognormal(size=(n, columns)))


@pytest.mark.parametrize("n, zeros", [(60, 0.9), (150, 0.8), (500, 0.9)])
def test_pairs_do_not_share_one_luck(n, zeros):
    # With one order for the zeros of all columns, a fifth to two fifths of them had p <= .05.
    pairs = np.triu_indices(16, 1)
    p = np.concatenate(
        [
            fastmi.pairwise_mi(
                mostly_zeros([n, table], n, 16, zeros),
                discrete=False,
                n_permutations=499,
                sequential=False,
                seed=table,
            ).p_value[pairs]
            for table in range(4)
        ]
    )
    # Pairs that share a column are not quite independent: the bounds are wide.
    assert 0.02 < (p <= 0.05).mean() < 0.09
    assert stats.kstest(p, "uniform").statistic < 0.09


def test_features_do_not_share_one_luck():
    rejected = []
    for table in range(6):
        X = mostly_zeros(table, 80, 40, 0.9)
        y = np.random.default_rng([1, table]).standard_normal(80)
        p = fastmi.rank_features(X, y, discrete=False, n_permutations=499).p_value
        rejected.append((p <= 0.05).mean())
    # A common order of the zeros makes all features of a table low or high together.
    assert max(rejected) < 0.25
    assert 0.01 < np.mean(rejected) < 0.1


def test_a_pair_has_the_same_value_in_any_company():
    X = mostly_zeros(0, 100, 5, 0.7)
    whole = fastmi.pairwise_mi(X, discrete=False)
    for i, j in ((0, 1), (1, 4), (2, 3)):
        alone = fastmi.pairwise_mi(X[:, [i, j]], discrete=False)
        assert alone.mi[0, 1] == whole.mi[i, j]


def test_orders_of_equal_values_differ_by_column_and_seed():
    values = np.zeros(200)
    values[:20] = np.arange(20)
    first, tied = scores_of(values, None, 0)
    assert tied
    np.testing.assert_array_equal(first, scores_of(values, None, 0)[0])
    moved = np.concatenate([values[:19], [0.0], values[20:]])  # one value is another
    for other, seed, block in ((moved, None, 0), (values, None, 1), (values, 3, 0)):
        scores, _ = scores_of(other, seed, block)
        np.testing.assert_array_equal(np.sort(scores), np.sort(first))
        # The order of values that differ is theirs; that of the zeros is drawn.
        assert (np.diff(scores[1:19]) > 0).all()
        assert abs(np.corrcoef(scores[20:], first[20:])[0, 1]) < 0.3
