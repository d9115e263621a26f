"""Networks inside tests, error bars and matrices: one seed fixes everything, and each its own."""

import numpy as np
import pytest

import fastmi

pytest.importorskip("torch")

QUICK = {"method": "mine", "hidden": (4,), "steps": 3, "batch_size": 8, "negatives": "shuffle"}


pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture
def seeds(monkeypatch):
    """Seeds of the trainings, in order."""
    seen = []
    made = fastmi.MINE.__post_init__

    def spy(self):
        seen.append(self.seed)
        made(self)

    monkeypatch.setattr(fastmi.MINE, "__post_init__", spy)
    return seen


def permutation(x, y, **others):
    test = fastmi.permutation_test(x, y, n_permutations=6, **others)
    return [float(test.estimate), *test.null]


def subsampling(x, y, **others):
    found = fastmi.subsample_error(x, y, halves=5, **others)
    return [float(found.estimate), *found.halves]


def matrix(x, y, **others):
    found = fastmi.pairwise_mi(np.column_stack([x, y, x + y]), **others)
    return np.asarray(found)[np.triu_indices(3, 1)]


def matrix_with_tests(x, y, **others):
    found = fastmi.pairwise_mi(np.column_stack([x, y]), n_permutations=3, **others)
    return [found.mi[0, 1], found.p_value[0, 1]]


@pytest.mark.parametrize(
    "statistic, trainings",
    [(permutation, 7), (subsampling, 6), (matrix, 3), (matrix_with_tests, 4)],
)
def test_one_seed_fixes_all_and_no_two_trainings_share_one(statistic, trainings, seeds, rng):
    x, y = rng.standard_normal((2, 90))
    first = statistic(x, y, seed=3, n_jobs=4, **QUICK)
    assert len(set(seeds)) == len(seeds) == trainings
    np.testing.assert_array_equal(statistic(x, y, seed=3, n_jobs=1, **QUICK), first)
    assert seeds[:trainings] == seeds[trainings:]
    other = statistic(x, y, seed=4, **QUICK)
    assert not set(seeds[:trainings]) & set(seeds[2 * trainings :])
    assert not np.array_equal(other, first)
