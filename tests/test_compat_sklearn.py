"""fastmi.compat.sklearn returns the values of scikit-learn for the same random_state."""

import inspect
from functools import partial

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn import datasets, feature_selection
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmi.compat import sklearn as compat

SCORES = ("mutual_info_regression", "mutual_info_classif")


def check(name, X, y, **options):
    """Compare the values to 1e-9 and the ranking, and ask for unchanged input."""
    before = X.copy()
    theirs = getattr(feature_selection, name)(X, y, random_state=0, **options)
    ours = getattr(compat, name)(X, y, random_state=0, **options)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
    assert ours.dtype == np.float64
    distinct = np.diff(np.sort(theirs)) > 1e-9
    if distinct.all():
        np.testing.assert_array_equal(np.argsort(ours), np.argsort(theirs))
    assert (abs(before - X) > 0).sum() == 0


@pytest.mark.parametrize("name", SCORES)
def test_signature(name):
    theirs = inspect.signature(getattr(feature_selection, name)).parameters.values()
    ours = inspect.signature(getattr(compat, name)).parameters.values()
    named = {(p.name, p.default, p.kind) for p in theirs}
    # scikit-learn before 1.5 has no n_jobs.
    assert named <= {(p.name, p.default, p.kind) for p in ours}
    assert len(named) >= len(ours) - 1


@pytest.mark.parametrize("k", [1, 3, 10])
def test_regression_on_real_data(k):
    check("mutual_info_regression", *datasets.load_diabetes(return_X_y=True), n_neighbors=k)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("name", ["wine", "iris", "breast_cancer"])
def test_classification_on_real_data(name, k):
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    check("mutual_info_classif", X, y, n_neighbors=k)


@pytest.mark.parametrize(
    "discrete", [True, False, "auto", [1, 3], np.array([True, False, False, True, False])]
)
@pytest.mark.parametrize("name", SCORES)
def test_discrete_features(name, discrete, rng):
    X = rng.integers(0, 4, (200, 5))
    y = X[:, 0] + rng.integers(0, 2, 200)
    check(name, X, y, discrete_features=discrete)


@pytest.mark.parametrize("name", SCORES)
def test_sparse(name, rng):
    sparse = pytest.importorskip("scipy.sparse")
    X = sparse.csr_matrix(rng.integers(0, 3, (150, 6)) * rng.integers(0, 2, (150, 6)))
    y = rng.integers(0, 4, 150)
    check(name, X, y)
    with pytest.raises(ValueError, match="continuous features"):
        getattr(compat, name)(X, y, discrete_features=False)


@pytest.mark.parametrize("name", SCORES)
def test_kinds_of_input(name, rng):
    X = rng.standard_normal((120, 4))
    y = rng.integers(0, 3, 120)
    X[:, 0] = 1.0
    X[:, 1] += y
    check(name, X, y)
    check(name, X.astype(np.float32), y)
    check(name, 1e9 * X + 1e12, y)
    check(name, np.asfortranarray(X), y)
    for n_jobs in (1, 2, -1):
        check(name, X, y, n_jobs=n_jobs)


def test_float32_target(rng):
    X = rng.standard_normal((120, 3))
    check("mutual_info_regression", X, X[:, 0].astype(np.float32))


def test_classes_of_few_samples(rng):
    # scikit-learn rounds distances in such classes, see _class_radius. Some have one sample only.
    y = rng.integers(0, 40, 150)
    check("mutual_info_classif", rng.standard_normal((150, 2)), y)
    check("mutual_info_classif", rng.integers(0, 3, (150, 1)), y)


def test_labels_of_text(rng):
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 100)]
    check("mutual_info_classif", rng.standard_normal((100, 2)), y)


def test_ties_that_survive_the_noise():
    # The radius is 0, and scikit-learn counts the exact copies.
    x = np.repeat([0.0, 1.0, 2.0], 20).reshape(-1, 1)
    value = compat._ksg(x, x, 3)
    n, k = 60, 3
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n))])
    assert value == pytest.approx(harmonic[n - 1] + harmonic[k - 1] - 2 * harmonic[19], abs=1e-12)


def test_copy_false_scales_in_place(rng):
    X = rng.standard_normal((100, 2)) * 7
    inside = X.copy()
    value = compat.mutual_info_regression(inside, X[:, 0], copy=False, random_state=0)
    np.testing.assert_allclose(inside.std(axis=0), 1.0, rtol=1e-6)
    expected = compat.mutual_info_regression(X, X[:, 0], random_state=0)
    np.testing.assert_array_equal(value, expected)


def test_serves_pipelines():
    X, y = datasets.load_wine(return_X_y=True)
    # Wine has tied values, so that without a seed the noise decides which column is the fifth.
    ours, theirs = (
        feature_selection.SelectKBest(partial(module.mutual_info_classif, random_state=0), k=5)
        for module in (compat, feature_selection)
    )
    ours.fit(X, y)
    theirs.fit(X, y)
    np.testing.assert_array_equal(ours.get_support(), theirs.get_support())
    model = make_pipeline(
        StandardScaler(),
        feature_selection.SelectKBest(compat.mutual_info_classif, k=5),
        LogisticRegression(),
    )
    assert cross_val_score(model, X, y, cv=3).mean() > 0.9


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"n_neighbors": 0}, ValueError, "n_neighbors must be"),
        ({"n_neighbors": 100}, ValueError, "n_neighbors must be in"),
        ({"n_neighbors": [3]}, TypeError, "n_neighbors must be"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"discrete_features": [99]}, ValueError, "indices of the"),
        ({"n_jobs": "2"}, TypeError, "n_jobs must be"),
        ({"discrete_features": 1}, ValueError, "discrete_features must be"),
        ({"random_state": -1}, ValueError, "random_state must suit"),
        ({"discrete_features": "all"}, ValueError, "discrete_features must be"),
        ({"discrete_features": np.array([True])}, ValueError, "one entry per column"),
    ],
)
def test_wrong_options(options, error, message, rng):
    with pytest.raises(error, match=message):
        compat.mutual_info_regression(rng.standard_normal((50, 2)), np.arange(50.0), **options)


def test_masked_entries_are_refused(rng):
    X = np.ma.masked_greater(rng.standard_normal((50, 2)), 1.0)
    with pytest.raises(ValueError, match="masked entries"):
        compat.mutual_info_regression(X, np.arange(50.0))


def test_a_continuous_target_is_no_class(rng):
    with pytest.raises(ValueError, match="continuous"):
        compat.mutual_info_classif(rng.standard_normal((50, 2)), rng.standard_normal(50))
