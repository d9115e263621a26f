"""The table of methods: what it says of an estimator is what the estimator does."""

import ast
import importlib.util
import inspect
import re
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

import fastmi
from fastmi.estimators import METHODS, Estimator

TORCH = importlib.util.find_spec("torch") is not None
PACKAGE = Path(fastmi.__file__).parent
HERE = [row for row in METHODS if TORCH or not row.trains]
NAMES = [f"{row.function}-{row.name}" for row in HERE]
# Few updates, so that every network is trained in a moment.
QUICK = {"steps": 4, "batch_size": 32, "seed": 0}

each_method = pytest.mark.parametrize("row", HERE, ids=NAMES)


def samples(row, n=120):
    """Arguments of the row's function: continuous ones, or classes where it wants them."""
    x, y, z = np.random.default_rng(0).normal(size=(3, n))
    if row.takes == "discrete":
        x, y, z = (np.round(column).astype(int) for column in (x, y, z))
    if row.takes == "x continuous, y discrete":
        y = (y > 0).astype(int)
    number = {"mi": 2, "kl_divergence": 2, "entropy": 1}.get(row.function, 3)
    return (x, x + y if row.takes == "continuous" else y, z)[:number]


def options(row):
    return QUICK if row.trains else {}


def test_names_are_unique_in_each_function():
    seen = [(row.function, row.name) for row in METHODS]
    assert len(set(seen)) == len(seen)


@each_method
def test_a_result_carries_the_name_that_was_typed(row):
    function = getattr(fastmi, row.function)
    assert function(*samples(row), method=row.name, **options(row)).method == row.name


@each_method
def test_the_class_gives_the_same_result_and_name(row):
    given = {**row.fixed, **options(row)}
    if "k" in row.options:
        given["k"] = 3
    estimator = getattr(fastmi, row.estimator)(**given)
    assert estimator.method == row.name
    got = estimator.estimate(*samples(row))
    assert got.method == row.name
    expected = getattr(fastmi, row.function)(*samples(row), method=row.name, **options(row))
    assert float(got).hex() == float(expected).hex()


def test_a_subclass_of_a_user_goes_by_its_own_name():
    x, y = np.random.default_rng(0).normal(size=(2, 100))
    for base in (fastmi.KSG, fastmi.Gaussian, fastmi.Binning, fastmi.Mesner):
        own = type("KSG", (base,), {})  # a name that the table knows, for another class
        assert own().estimate(x, y).method == "KSG"
        assert own().estimate(x, y) == base().estimate(x, y)


def test_without_a_condition_the_name_stays():
    x, y = np.random.default_rng(0).normal(size=(2, 100))
    for estimate in fastmi.cmi(x, y, k=[3, 5]):
        assert estimate.method == "fp"


@each_method
def test_what_a_row_says_is_what_the_class_has(row):
    assert row.loaded.__module__ == f"fastmi.estimators.{row.module}"
    assert issubclass(row.loaded, Estimator)
    assert row.fixed.keys() <= {option.name for option in fields(row.loaded)}
    assert row.searches == ({"k", "n_jobs", "noise"} <= set(row.options))
    assert row.trains == ({"steps", "batch_size"} <= set(row.options))


@pytest.mark.parametrize("row", [row for row in HERE if not row.trains], ids=lambda row: row.name)
def test_the_row_knows_about_gpus(row):
    if "device" not in row.options:
        assert not row.gpu
    elif row.gpu:
        row.make(device="cuda:0")
    else:
        with pytest.raises(ValueError, match="has no GPU kernels"):
            row.make(device="cuda:0")


def test_type_checkers_see_every_estimator():
    tree = ast.parse((PACKAGE / "estimators" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        (node.module, alias.name, alias.asname) for node in block.body for alias in node.names
    }
    assert imported == {
        (f"fastmi.estimators.{row.module}", row.estimator, row.estimator) for row in METHODS
    }


def described(text):
    """Names that the Args section of a docstring describes."""
    text = inspect.cleandoc(text)
    section = re.search(r"^Args:\n(.*?)(?=^(Returns|Raises|Warns):|\Z)", text, re.M | re.S)
    return set(re.findall(r"^ {4}\*{0,2}(\w+): ", section[1], re.M)) if section else set()


@each_method
def test_help_describes_every_option_once(row):
    text = row.loaded.__doc__
    assert {option.name for option in fields(row.loaded)} <= described(text)
    entries = re.findall(r"^ {4}(\w+): ", inspect.cleandoc(text), re.M)
    options_named = [name for name in entries if name in described(text)]
    assert len(options_named) == len(set(options_named))


@pytest.mark.parametrize(
    "function",
    [
        fastmi.mi,
        fastmi.cmi,
        fastmi.total_correlation,
        fastmi.dual_total_correlation,
        fastmi.o_information,
        fastmi.s_information,
        fastmi.kl_divergence,
        fastmi.entropy,
        fastmi.permutation_test,
        fastmi.pairwise_mi,
        fastmi.subsample_error,
        fastmi.jackknife_error,
        fastmi.size_curve,
        fastmi.lagged_mi,
        fastmi.transfer_entropy,
        fastmi.neighbors.kth_distance,
        fastmi.neighbors.kneighbors,
        fastmi.neighbors.count_within,
        fastmi.neighbors.digamma,
    ],
    ids=lambda function: function.__name__,
)
def test_help_of_functions_describes_every_parameter(function):
    assert set(inspect.signature(function).parameters) <= described(function.__doc__)


@pytest.mark.parametrize("function", sorted({row.function for row in METHODS}))
def test_help_lists_the_methods(function):
    text = getattr(fastmi, function).__doc__
    for row in METHODS:
        if row.function == function:
            assert f'- "{row.name}" :class:`fastmi.{row.estimator}`' in text


# Parameters


@each_method
def test_estimators_pass_sklearn_clone(row):
    base = pytest.importorskip("sklearn.base")
    varied = {"k": [3, 5], "seed": 7, "hidden": [16, 16], "scales": [0.5, 1], "bins": 4}
    defaults = row.make().get_params()
    if isinstance(defaults.get("hidden"), int):  # one width for both layers
        varied["hidden"] = 16
    given = {name: value for name, value in varied.items() if name in row.options}
    estimator = row.make(**given)
    copy = base.clone(estimator)
    assert copy is not estimator
    assert copy == estimator
    assert copy.get_params() == estimator.get_params()


def test_set_params_replaces_options_and_checks_them():
    estimator = fastmi.KSG()
    assert estimator.set_params(k=[4, 6], metric="euclidean") is estimator
    assert estimator.get_params()["k"] == (4, 6)
    assert estimator.metric == "euclidean"
    with pytest.raises(ValueError, match="k must be in"):
        estimator.set_params(metric="chebyshev", k=0)
    assert estimator.metric == "euclidean"  # nothing was replaced
    with pytest.raises(ValueError, match=r"no option 'n_neighbors'.*did you mean 'k'\?$"):
        estimator.set_params(n_neighbors=4)
    assert estimator.set_params() is estimator


@pytest.mark.parametrize("parent", [fastmi.ConditionalKSG, fastmi.ConditionalMesner])
def test_a_subclass_with_an_option_of_its_own_needs_no_condition(parent):
    @dataclass(frozen=True, kw_only=True)
    class Own(parent):
        """A user's estimator."""

        gamma: float = 1.0

    x, y = np.random.default_rng(0).normal(size=(2, 60))
    got = Own(k=4, gamma=2.0).estimate(x, y)
    assert got == parent(k=4).estimate(x, y)
    assert got.method == "Own"


# Misspelt names

XYZ = np.random.default_rng(0).normal(size=(3, 60))


@pytest.mark.parametrize(
    "function, wrong, meant",
    [
        ("mi", {"method": "ksg"}, "ksg1"),
        ("mi", {"method": "KSG"}, "ksg1"),
        ("mi", {"method": "knn"}, "ksg1"),
        ("mi", {"method": "gausian"}, "gaussian"),  # codespell:ignore gausian
        ("cmi", {"method": "ksg"}, "fp"),
        ("cmi", {"method": "ksg1"}, "fp"),
        ("entropy", {"method": "knn"}, "kl"),
        ("mi", {"n_neighbors": 4}, "k"),
        ("mi", {"random_state": 0}, "seed"),
        ("mi", {"metrics": "euclidean"}, "metric"),
        ("mi", {"metric": "euclidian"}, "euclidean"),  # codespell:ignore euclidian
        ("mi", {"normalize": "globl"}, "global"),
        ("permutation_test", {"n_permutation": 9}, "n_permutations"),
        ("permutation_test", {"scheme": "shufle"}, "shuffle"),  # codespell:ignore shufle
        ("pairwise_mi", {"random_state": 9}, "seed"),
        ("subsample_error", {"halve": 2}, "halves"),
        ("transfer_entropy", {"k_history": 2}, "target_history"),
        ("lagged_mi", {"n_neighbors": 2}, "k"),
    ],
    ids=str,
)
def test_a_misspelt_name_gets_a_suggestion(function, wrong, meant):
    x, y, z = XYZ
    arguments = {
        "cmi": (x, y, z),
        "entropy": (x,),
        "pairwise_mi": (XYZ.T,),
        "lagged_mi": (x, y, 1),
    }
    with pytest.raises((TypeError, ValueError), match=f": did you mean '{meant}'\\?$") as caught:
        getattr(fastmi, function)(*arguments.get(function, (x, y)), **wrong)
    name = next(iter(wrong))
    if isinstance(caught.value, TypeError):
        # The list is that of the function that was called.
        assert str(caught.value).startswith(f"{function}() with method=")
        own = getattr(fastmi, function).__kwdefaults__
        assert set(own) <= set(re.split(r"[ ,;]+", str(caught.value)))
        assert f"got {name}" in str(caught.value)


@pytest.mark.skipif(not TORCH, reason="trains networks")
@pytest.mark.parametrize("wrong, meant", [("epochs", "steps"), ("learning_rate", "lr")])
def test_options_of_trainings_get_a_suggestion(wrong, meant):
    with pytest.raises(TypeError, match=f"got {wrong}: did you mean '{meant}'"):
        fastmi.mi(XYZ[0], XYZ[1], method="mine", **{wrong: 1})


def test_a_name_like_no_other_gets_none():
    with pytest.raises(ValueError, match=r"got method='zzz' \(str\)$"):
        fastmi.mi(XYZ[0], XYZ[1], method="zzz")
    with pytest.raises(ValueError, match=r"got method='mi' \(str\)$"):
        fastmi.mi(XYZ[0], XYZ[1], method="mi")
    with pytest.raises(TypeError, match=r"got scheme$"):
        fastmi.mi(XYZ[0], XYZ[1], scheme="circular")
    with pytest.raises(TypeError, match=r"got zzzzz$"):
        fastmi.mi(XYZ[0], XYZ[1], zzzzz=1)


@pytest.mark.parametrize("function", ["permutation_test", "pairwise_mi"])
@pytest.mark.parametrize("wrong", [{"k": 5}, {"k": [3]}, {"device": "cpu"}, {"zzzzz": 1}], ids=str)
def test_an_option_that_is_only_passed_on_is_listed_where_the_method_has_it(function, wrong):
    name = next(iter(wrong))
    samples = (XYZ.T,) if function == "pairwise_mi" else XYZ[:2]
    with pytest.raises(TypeError, match=rf"^{function}\(\) .*; got {name}$") as caught:
        getattr(fastmi, function)(*samples, method="gaussian", **wrong)
    listed = set(re.split(r"[ ,;]+", str(caught.value).partition("; got")[0]))
    assert {"n_permutations", "noise", "normalize"} <= listed
    assert not {"k", "device"} & listed


def test_entropy_checks_its_seed():
    with pytest.raises(TypeError, match="seed must suit"):
        fastmi.entropy(XYZ[0], seed="bad")


def test_gaussian_copula():
    x, y, _ = XYZ
    plain = fastmi.mi(x, y, method="gaussian", normalize="copula")
    assert fastmi.mi(np.exp(x), y**3, method="gaussian", normalize="copula") == plain
    scores = fastmi.normalize.copula(x), fastmi.normalize.copula(y)
    assert plain == fastmi.mi(*scores, method="gaussian")
    with pytest.raises(ValueError, match="normalize must be one of"):
        fastmi.mi(x, y, method="gaussian", normalize="nope")
