"""MISelector: criteria against their definitions, known laws, and what scikit-learn asks for."""

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastmi
from fastmi import EstimateWarning

pytest.importorskip("sklearn")

from sklearn import datasets
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastmi.estimators.auto.kinds import Kind
from fastmi.selection import MISelector
from fastmi.selection._information import Information
from fastmi.statistics._variables import Variable

CRITERIA = ("mim", "mrmr", "jmi", "cmim")
PIPES = {"capture_output": True, "text": True}


@parametrize_with_checks([MISelector(2, criterion=criterion) for criterion in CRITERIA])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def information(joint, a, b, given=()):
    """Return I(A; B | given) of the frequencies of an array with an axis for each variable."""

    def entropy(kept):
        left_out = tuple(set(range(joint.ndim)) - set(kept))
        p = joint.sum(axis=left_out).ravel() / joint.sum()
        p = p[p > 0]
        return -(p * np.log(p)).sum()

    a, b, given = set(a), set(b), set(given)
    return entropy(a | given) + entropy(b | given) - entropy(a | b | given) - entropy(given)


def published(joint, criterion, count):
    """Return the order and the values of a criterion, by its formula; the target comes last."""
    target = (joint.ndim - 1,)
    features = range(joint.ndim - 1)
    order, values = [], []
    while len(order) < count:
        scores = {}
        for k in set(features) - set(order):
            relevance = information(joint, (k,), target)
            redundancy = [information(joint, (k,), (j,)) for j in order]
            if criterion == "mim" or not order:
                scores[k] = relevance
            elif criterion == "mrmr":
                scores[k] = relevance - np.mean(redundancy)
            elif criterion == "jmi":
                scores[k] = sum(information(joint, (k, j), target) for j in order)
            else:
                scores[k] = min(information(joint, (k,), target, (j,)) for j in order)
        best = max(scores, key=scores.get)
        order.append(best)
        values.append(scores[best])
    return order, values


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("seed", range(4))
def test_criteria_are_those_of_the_papers(criterion, seed):
    rng = np.random.default_rng(seed)
    # Every cell of five features and a target, with a random number of samples.
    number = rng.gamma(0.3, size=(2, 3, 2, 2, 3, 2))
    number = np.rint(60_000 * number / number.sum()).astype(int)
    cells = np.array(list(itertools.product(*map(range, number.shape))))
    rows = np.repeat(cells, number.ravel(), axis=0)
    order, values = published(number, criterion, 4)
    selector = MISelector(4, criterion=criterion, discrete=True).fit(rows[:, :-1], rows[:, -1])
    assert selector.selected_.tolist() == order
    np.testing.assert_allclose(selector.scores_[order], values, atol=2e-3)
    assert selector.ranking_[order].tolist() == [1, 2, 3, 4]


def samples(kind, n, seed):
    rng = np.random.default_rng([n, seed])
    x, y, z = rng.standard_normal((3, n))
    return kind(x + z, rng), kind(y + z, rng), kind(z, rng)


def continuous(values, rng):
    return values


def classes(values, rng):
    return np.digitize(values, (-1, 0, 1))


def mixture(values, rng):
    return np.where(rng.random(len(values)) < 0.4, 0.0, np.exp(values))


KINDS = {continuous: "continuous", classes: "classes", mixture: "mixture"}


def terms(columns, kinds, k=3):
    """Return estimates for columns, the last but one of which is the target."""
    made = [
        Variable(
            place,
            values.astype(np.intp) if kind is classes else values,
            None,
            Kind(KINDS[kind], len(np.unique(values)), False, True, 1),
        )
        for place, (values, kind) in enumerate(zip(columns, kinds, strict=True))
    ]
    *features, target = made
    return Information(features, target, range(len(features)), k=k, n_jobs=1, seed=None)


@pytest.mark.parametrize("k", [1, 4])
def test_terms_of_continuous_columns_are_those_of_ksg(k):
    x, y, z = samples(continuous, 300, 0)
    found = terms((x, z, y), (continuous,) * 3, k)
    expected = [fastmi.mi(a, y, k=k, normalize="copula") for a in (x, z)]
    np.testing.assert_array_equal(found.relevance(), expected)
    expected = fastmi.mi(x, z, k=k, normalize="copula")
    np.testing.assert_array_equal(found.redundancy([0], 1), expected)
    expected = fastmi.cmi(x, y, z, k=k, normalize="copula")
    np.testing.assert_allclose(found.conditional([0], 1), expected, atol=1e-12)


def test_terms_of_classes_are_those_of_ross_and_of_counts():
    x, y, z = samples(classes, 2000, 1)
    real = np.random.default_rng(0).standard_normal(2000) + x
    found = terms((real, x, z, y), (continuous, classes, classes, classes))
    expected = fastmi.mi(real, x, method="ross", normalize="copula")
    np.testing.assert_allclose(found.redundancy([0], 1), expected, atol=1e-12)
    expected = fastmi.mi(x, y, method="discrete", correction="chance")
    np.testing.assert_allclose(found.relevance()[1], expected, atol=1e-12)
    expected = fastmi.cmi(x, y, z, method="discrete")
    np.testing.assert_allclose(found.conditional([1], 2), expected, atol=1e-12)


def test_a_condition_of_classes_is_the_mean_over_the_classes():
    # With classes alone in the condition, distances are compared within each of them.
    x, y, z = samples(continuous, 1000, 4)
    z = classes(z, None)
    found = terms((x, z, y), (continuous, classes, continuous)).conditional([0], 1)
    scores = [fastmi.normalize.copula(column) for column in (x, y)]
    parts = [
        np.mean(z == level) * fastmi.mi(*(column[z == level] for column in scores))
        for level in range(4)
    ]
    np.testing.assert_allclose(found, sum(parts), atol=1e-12)


def test_equal_values_are_told_apart_by_noise_of_their_own():
    # The same noise in two columns would be information.
    rng = np.random.default_rng(0)
    x, z, y = (np.where(rng.random(1000) < 0.7, 0.0, rng.random(1000)) for _ in range(3))
    found = terms((x, z, y), (mixture,) * 3)
    assert abs(found.conditional([0], 1)[0]) < 0.06
    assert abs(found.redundancy([0], 1)[0]) < 0.06
    assert np.abs(found.relevance()).max() < 0.06


@pytest.mark.parametrize("x", KINDS, ids=KINDS.values())
@pytest.mark.parametrize("y", KINDS, ids=KINDS.values())
@pytest.mark.parametrize("z", KINDS, ids=KINDS.values())
def test_what_a_column_knows_already_tells_nothing_more(x, y, z):
    # X and Y depend on each other through Z alone, in every combination of kinds.
    values = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        given = z(rng.standard_normal(300), rng)
        told = 1.5 * (given - given.mean()) / given.std()
        noise = rng.standard_normal((2, 300))
        columns = (x(told + noise[0], rng), given, y(told + noise[1], rng))
        values.append(terms(columns, (x, z, y)).conditional([0], 1)[0])
    # 0.03 nats are left by what distances in z do not resolve.
    assert abs(np.mean(values)) < 0.03 + 3 * np.std(values) / len(values) ** 0.5


@pytest.mark.parametrize("kind", [continuous, classes])
def test_columns_of_many_classes_seem_to_tell_nothing(kind):
    values = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, y = rng.integers(0, (40, 5), (200, 2)).T
        z = kind(rng.standard_normal(200), rng)
        values.append(terms((x, z, y), (classes, kind, classes)).conditional([0], 1)[0])
    error = np.std(values) / len(values) ** 0.5
    # Counts that are not compared with shuffles say 0.2 nats given numbers, and 0.7 given classes.
    assert abs(np.mean(values)) < 0.03 + 3 * error


@pytest.mark.parametrize("share", [0.8, 1.0])
def test_columns_of_many_classes_that_tell_something(share):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 40, 400)
    y = np.where(rng.random(400) < share, x // 8, rng.integers(0, 5, 400))
    found = terms((x, rng.standard_normal(400), y), (classes, continuous, classes))
    same, other = share + (1 - share) / 5, (1 - share) / 5
    truth = np.log(5) + same * np.log(same) + (4 * other * np.log(other) if other else 0.0)
    np.testing.assert_allclose(found.conditional([0], 1), truth, atol=0.12)


@pytest.fixture(scope="module")
def signs():
    """Two columns that tell the target together and neither alone, one that tells it, copies."""
    rng = np.random.default_rng(0)
    a, b, c, noise = rng.standard_normal((4, 1000))
    y = (a * b > 0).astype(int)
    c += 1.5 * y
    copies = c + 0.05 * rng.standard_normal((2, 1000))
    return np.column_stack([noise, c, *copies, a, b]), np.where(y, "up", "down")


@pytest.mark.parametrize("partner", ["continuous", "classes"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_column_that_tells_only_beside_another(criterion, partner):
    rng = np.random.default_rng(0)
    a, b, weak = rng.standard_normal((3, 1000))
    y = np.where(rng.random(1000) < 0.6, a * b > 0, a > 0)
    weak += 0.6 * y
    X = np.column_stack([weak, b if partner == "continuous" else b > 0, a])
    selector = MISelector(2, criterion=criterion).fit(X, y)
    assert selector.selected_.tolist() == ([2, 1] if criterion in ("jmi", "cmim") else [2, 0])


@pytest.mark.parametrize("criterion", ["mrmr", "cmim"])
def test_a_copy_comes_after_a_weaker_column(criterion):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 600)
    strong, weak = rng.standard_normal((2, 600)) + np.array([[2.0], [0.7]]) * y
    X = np.column_stack([strong, strong, strong + 0.01 * rng.standard_normal(600), weak])
    selector = MISelector(2, criterion=criterion).fit(X, y)
    assert selector.selected_[1] == 3
    assert MISelector(2, criterion="mim").fit(X, y).selected_[1] != 3


@pytest.mark.parametrize("criterion", CRITERIA)
def test_regression(criterion):
    X, y = datasets.make_friedman1(600, 12, random_state=0)
    selector = MISelector(4, criterion=criterion).fit(X, y)
    assert selector.target_kind_ == "continuous"
    assert {0, 1, 3} < set(selector.selected_)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_threads_seeds_and_the_order_of_columns_change_nothing(signs, criterion):
    X, y = signs
    first = MISelector(3, criterion=criterion, n_jobs=1).fit(X, y)
    for options in ({"n_jobs": 3}, {"random_state": 7}, {"random_state": np.random.RandomState(1)}):
        other = MISelector(3, criterion=criterion, **options).fit(X, y)
        np.testing.assert_array_equal(other.scores_, first.scores_)
    back = MISelector(3, criterion=criterion).fit(X[:, ::-1], y)
    assert (X.shape[1] - 1 - back.selected_).tolist() == first.selected_.tolist()


@pytest.mark.parametrize("criterion", CRITERIA)
def test_increasing_maps_change_nothing(signs, criterion):
    X, y = signs
    first = MISelector(3, criterion=criterion).fit(X, y)
    other = MISelector(3, criterion=criterion).fit(1e6 + np.exp(X / 2), y)
    np.testing.assert_allclose(other.scores_, first.scores_, atol=1e-9)


def test_seeds_separate_equal_values_in_other_ways():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 500))
    X, y = np.column_stack([x, x + y]).round(1), (x + 0.3 * y).round(1)
    scores = [MISelector(2, random_state=seed).fit(X, y).scores_.tolist() for seed in (1, 1, 2)]
    assert scores[0] == scores[1] != scores[2]


def test_number_of_columns(signs):
    X, y = signs
    assert MISelector(0.5).fit(X, y).get_support().sum() == 3
    assert MISelector(1.0).fit(X, y).get_support().sum() == 6
    assert MISelector(0.01).fit(X, y).get_support().sum() == 1
    with pytest.warns(EstimateWarning, match="asks for 10 columns; 6 can be used"):
        assert MISelector().fit(X, y).get_support().all()


def test_attributes(signs):
    X, y = signs
    selector = MISelector(2, criterion="mrmr").fit(np.column_stack([X, np.ones(len(X))]), y)
    assert selector.kinds_ == ("continuous",) * 6 + ("left out",)
    assert list(selector.left_out_) == [6]
    assert np.isnan(selector.scores_[6])
    assert np.isnan(selector.relevance_[6])
    assert selector.ranking_[6] == 7
    assert sorted(selector.ranking_) == list(range(1, 8))
    assert (selector.ranking_[selector.selected_] == [1, 2]).all()
    ranked = fastmi.rank_features(X, y)
    assert dict(zip(ranked.names, ranked.mi, strict=True)) == dict(
        enumerate(selector.relevance_[:6])
    )
    assert MISelector().fit(X, y).target_kind_ == "classes"


@pytest.mark.parametrize(
    "options, error, text",
    [
        ({"n_features": 0}, ValueError, "n_features"),
        ({"n_features": 1.5}, ValueError, r"n_features must be in \(0, 1\]"),
        ({"n_features": True}, TypeError, "n_features"),
        ({"n_features": "auto"}, TypeError, "n_features"),
        ({"criterion": "mrm"}, ValueError, "did you mean 'mrmr'"),
        ({"target": "class"}, ValueError, "did you mean 'classes'"),
        ({"missing": "skip"}, ValueError, "missing must be one of"),
        ({"k": 0}, ValueError, r"k must be in \[1, n - 1\]"),
        ({"k": 1000}, ValueError, "k=1000, n=1000"),
        ({"k": (3, 5)}, TypeError, "k must be one integer"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"random_state": "a"}, ValueError, "RandomState"),
        ({"discrete": [7]}, ValueError, "discrete must be"),
        ({"discrete": [True]}, ValueError, "discrete must have one entry for each column"),
        ({"target": "continuous"}, ValueError, "y must be numbers with target='continuous'"),
    ],
)
def test_options_that_are_wrong(signs, options, error, text):
    with pytest.raises(error, match=text):
        MISelector(**{"n_features": 2, **options}).fit(*signs)


def test_samples_that_are_wrong(signs):
    X, y = signs
    selector = MISelector(2)
    with pytest.raises(ValueError, match="requires y"):
        selector.fit(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        selector.fit(X, y[1:])
    with pytest.raises(ValueError, match="y must be a target that varies"):
        selector.fit(X, np.ones(len(X)))
    with pytest.raises(ValueError, match="X must have a column that can be used"):
        selector.fit(np.ones((len(X), 2)), y)
    sparse = pytest.importorskip("scipy.sparse").csr_matrix(X)
    with pytest.raises(TypeError, match=r"[sS]parse"):
        selector.fit(sparse, y)


def test_pipelines_searches_clones_and_pickles():
    X, y = datasets.load_wine(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(
        ColumnTransformer([("all", StandardScaler(), list(X.columns))]),
        MISelector(),
        LogisticRegression(),
    )
    grid = {"miselector__n_features": [2, 6], "miselector__criterion": ["mim", "jmi"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.95
    assert search.best_params_["miselector__n_features"] == 6
    selector = MISelector(3, criterion="cmim", discrete=False).fit(X, y)
    copy = clone(selector)
    assert copy.get_params() == selector.get_params()
    assert not hasattr(copy, "selected_")
    other = pickle.loads(pickle.dumps(selector))
    assert other.get_feature_names_out().tolist() == selector.get_feature_names_out().tolist()
    np.testing.assert_array_equal(other.transform(X), X.to_numpy()[:, selector.get_support()])
    back = selector.inverse_transform(selector.transform(X))
    assert back.shape == X.shape
    assert (back[:, ~selector.get_support()] == 0).all()


@pytest.fixture(scope="module")
def passengers():
    """A table of passengers with names, classes, counts, atoms and gaps, and who survived."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(5)
    n = 600
    sex = rng.choice(["female", "male"], n, p=[0.4, 0.6])
    grade = rng.choice([1, 2, 3], n, p=[0.25, 0.25, 0.5])
    age = np.where(rng.random(n) < 0.2, np.nan, rng.gamma(6.0, 5.0, n).round(1))
    fare = np.where(rng.random(n) < 0.1, 0.0, rng.lognormal(4.5 - grade, 0.5)).round(2)
    logit = 2.5 * (sex == "female") - 1.0 * (grade - 2) - 1.0
    frame = pd.DataFrame(
        {
            "Name": [f"passenger {number}" for number in range(n)],
            "Sex": pd.Categorical(sex),
            "Pclass": grade,
            "Age": age,
            "Fare": fare,
            "Port": rng.choice(["C", "Q", "S", None], n, p=[0.2, 0.1, 0.69, 0.01]),
            "Ship": "Titanic",
            "Noise": rng.standard_normal(n),
        }
    )
    survived = rng.random(n) < 1 / (1 + np.exp(-logit))
    return frame, pd.Series(np.where(survived, "yes", "no"), name="Survived")


@pytest.mark.parametrize("missing", ["pairwise", "drop"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_tables_with_names_and_gaps(passengers, criterion, missing):
    X, y = passengers
    with pytest.raises(ValueError, match=r"X must not have missing values.*'Age'"):
        MISelector(2).fit(X, y)
    with pytest.warns(EstimateWarning, match=r"2 of 8 columns are left out.*'Ship'"):
        selector = MISelector(2, criterion=criterion, missing=missing).fit(X, y)
    assert set(selector.left_out_) == {"Name", "Ship"}
    assert selector.get_feature_names_out().tolist()[0] == "Sex"
    assert selector.relevance_[1] > 0.1
    assert selector.kinds_[1:6] == ("classes", "classes", "continuous", "mixture", "classes")
    assert selector.feature_names_in_.tolist() == list(X.columns)
    ranked = fastmi.rank_features(X, y, missing=missing)
    mine = dict(zip(X.columns, selector.relevance_, strict=True))
    assert {name: mine[name] for name in ranked.names} == dict(
        zip(ranked.names, ranked.mi, strict=True)
    )
    # What transform returns keeps its gaps and names.
    found = selector.transform(X)
    assert type(found) is np.ndarray
    assert found[:, 0].tolist() == X["Sex"].tolist()


def test_gaps_are_left_out_term_by_term():
    rng = np.random.default_rng(0)
    x, z, y = rng.standard_normal((3, 800))
    x, y = x + z, y + z + x
    gap = rng.random((2, 800)) < 0.2
    X = np.column_stack([np.where(gap[0], np.nan, z), np.where(gap[1], np.nan, x)])
    selector = MISelector(2, criterion="jmi", missing="pairwise").fit(X, y)
    both = ~gap.any(axis=0)
    expected = fastmi.cmi(z[both], y[both], x[both], normalize="copula")
    expected += fastmi.mi(x[~gap[1]], y[~gap[1]], normalize="copula")
    assert selector.selected_.tolist() == [1, 0]
    np.testing.assert_allclose(selector.scores_[0], expected, atol=1e-12)


def test_terms_with_too_few_rows_are_none():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    X[5:, 0] = np.nan
    with pytest.warns(EstimateWarning, match="3 estimates had fewer than 8 rows"):
        selector = MISelector(3, criterion="jmi", missing="pairwise").fit(X, X[:, 1] + X[:, 2])
    assert selector.relevance_[0] == 0.0
    assert set(selector.selected_[:2]) == {1, 2}


def test_gaps_in_arrays_and_targets():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((100, 3)), rng.standard_normal(100)
    X[0, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        MISelector(1).fit(X, y)
    selector = MISelector(1, missing="pairwise").fit(X, y)
    assert selector.transform(X).shape == (100, 1)
    with pytest.raises(ValueError, match="infinity"):
        MISelector(1, missing="pairwise").fit(np.where(X > 2, np.inf, X), y)
    y[3] = np.nan
    with pytest.raises(ValueError, match=r"y must not have missing values.*row 3"):
        MISelector(1, missing="drop").fit(X, y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("given", ["pandas", "polars"])
def test_output_is_a_frame_of_the_library_that_is_asked_for(passengers, library, given):
    pytest.importorskip("polars")
    X, y = passengers
    X = X.drop(columns=["Name", "Ship"])
    if given == "polars":
        X = pytest.importorskip("polars").from_pandas(X.astype({"Sex": str}))
    selector = MISelector(3, criterion="mrmr", missing="pairwise").set_output(transform=library)
    found = selector.fit_transform(X, y)
    assert type(found).__module__.partition(".")[0] == library
    assert list(found.columns) == selector.get_feature_names_out().tolist()
    if library == given:
        assert list(found.dtypes) == [X[name].dtype for name in found.columns]


def test_columns_in_another_order_are_refused(passengers):
    X, y = passengers
    selector = MISelector(2, missing="drop").fit(X[["Sex", "Fare", "Noise"]], y)
    with pytest.raises(ValueError, match="feature names"):
        selector.transform(X[["Fare", "Sex", "Noise"]])


def test_what_holds_classes_is_what_the_user_says(passengers):
    X, y = passengers
    numbers = X[["Pclass", "Noise"]]
    kinds = {
        "auto": ("classes", "continuous"),
        False: ("continuous", "continuous"),
        True: ("classes",),
        ("Pclass",): ("classes", "continuous"),
    }
    for discrete, expected in kinds.items():
        used = numbers if len(expected) == 2 else numbers[["Pclass"]]
        given = list(discrete) if isinstance(discrete, tuple) else discrete
        assert MISelector(1, discrete=given).fit(used, y).kinds_ == expected
    # The target is not meant, not even where it has the name of a column or a position.
    target = X["Fare"].rename("Pclass")
    assert MISelector(1, discrete=["Pclass"]).fit(numbers, target).target_kind_ == "mixture"
    assert MISelector(1, discrete=[0]).fit(numbers, target.to_numpy()).target_kind_ == "mixture"
    grade = X["Pclass"]
    assert MISelector(1).fit(X[["Fare"]], grade).target_kind_ == "classes"
    assert MISelector(1, target="classes").fit(X[["Fare"]], grade).target_kind_ == "classes"
    selector = MISelector(1, target="continuous").fit(X[["Fare"]], grade)
    assert selector.target_kind_ == "continuous"
    assert selector.relevance_[0] > 0.3


def test_import_needs_scikit_learn_only_here():
    # Neither do completion and `from fastmi import *`; the attribute is there all the same.
    code = (
        "import sys, fastmi; dir(fastmi); exec('from fastmi import *'); "
        "print('sklearn' in sys.modules); fastmi.selection.MISelector"
    )
    # None in the place of a module makes its import fail.
    blocked = f"import sys; sys.modules['sklearn'] = None; {code}"
    run = subprocess.run([sys.executable, "-P", "-c", blocked], check=False, **PIPES)
    assert run.returncode == 1
    assert "fastmi.selection needs sklearn: pip install 'fastmi[sklearn]'" in run.stderr
    run = subprocess.run([sys.executable, "-P", "-c", code], check=False, **PIPES)
    assert (run.returncode, run.stdout) == (0, "False\n")
