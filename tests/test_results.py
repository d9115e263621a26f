"""Results of tests, errors and series as tables: records, frames, HTML, equality, pickles."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

import fastmi
from fastmi._cautions import Caution
from fastmi._estimate import History

X, Y = np.random.default_rng(0).standard_normal((2, 200))
ODD = "<b> & a_$x$"


def _history():
    return History(
        np.array([10, 20]), np.array([0.1, np.nan]), np.array([0.2, 0.3]), 20, "steps", 0.5
    )


def _named_network():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({ODD: X, "other": Y})
    return fastmi.transfer_entropy_network(frame, n_permutations=19, seed=0)


# Name of each kind of result: how to make one, and its columns.
RESULTS = {
    "test": (
        lambda: fastmi.permutation_test(X, Y, n_permutations=19, seed=0),
        ["value", "stderr", "p_value", "null_mean", "null_sd", "surrogates", "scheme", "method"],
    ),
    "constant": (
        lambda: fastmi.permutation_test(np.ones(50), Y[:50], n_permutations=9, seed=0),
        ["value", "stderr", "p_value", "null_mean"],
    ),
    "halves": (
        lambda: fastmi.subsample_error(X, Y, halves=5, seed=0),
        ["value", "stderr", "halves_mean", "halves", "method", "k", "n", "warnings"],
    ),
    "curve": (lambda: fastmi.size_curve(X, Y, cuts=3, seed=0), ["n", "mean", "stderr"]),
    "lags": (lambda: fastmi.lagged_mi(X, Y, [2, -1]), ["mi", "stderr", "n", "warnings"]),
    "tested lags": (
        lambda: fastmi.lagged_mi(X, Y, [2, -1], n_permutations=9, seed=0),
        ["mi", "stderr", "p_value", "p_corrected", "band", "n", "warnings"],
    ),
    "network": (_named_network, ["source", "target", "lag", "te", "stderr", "p_value", "q_value"]),
    "history": (_history, ["step", "train", "validation"]),
}


@pytest.fixture(params=list(RESULTS))
def made(request):
    make, columns = RESULTS[request.param]
    return make, make(), columns


def test_records_are_json(made):
    _, result, _ = made
    record = result.to_dict()
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_frames_have_a_row_each(made):
    pytest.importorskip("pandas")
    _, result, columns = made
    frame = result.to_frame()
    assert list(frame.columns)[: len(columns)] == columns


def test_html_shows_all_and_escapes(made):
    _, result, columns = made
    html = result._repr_html_()
    assert all(f"<th>{column}</th>" in html for column in columns)
    assert "<b>" not in html


def test_equality_and_pickles(made):
    make, result, _ = made
    assert result == make()
    assert pickle.loads(pickle.dumps(result)) == result
    assert result != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(result)


def test_what_differs_is_unequal():
    test = RESULTS["test"][0]()
    assert replace(test, p_value=0.5) != test
    assert replace(test, null=test.null + 1e-9) != test
    lags = RESULTS["tested lags"][0]()
    assert replace(lags, p_corrected=None) != lags
    assert replace(_history(), seconds=9.0) == _history()
    assert replace(_history(), train=np.array([0.1, 0.2])) != _history()
    again = replace(_history(), train=np.array([np.nan, 0.1]))
    assert again != _history()


def test_a_record_of_a_test_holds_its_surrogates():
    test = RESULTS["test"][0]()
    record = test.to_dict()
    assert record["null"] == test.null.tolist()
    assert record["p_value"] == test.p_value
    assert record["estimate"]["value"] == float(test.estimate)
    assert RESULTS["constant"][0]().to_dict()["z_score"] is None


def test_frames_by_lag_and_by_size():
    pytest.importorskip("pandas")
    lags = RESULTS["tested lags"][0]()
    frame = lags.to_frame()
    assert frame.index.name == "lag"
    assert frame.mi[2] == lags[2]
    assert frame.loc[-1, "n"] == 199
    curve = RESULTS["curve"][0]()
    assert curve.to_frame()["n"].tolist() == [200, 100, 50, 25]
    assert curve.to_frame()["mean"][0] == curve.estimate
    warned = replace(RESULTS["test"][0](), warnings=(Caution("one", "a"), Caution("two", "b")))
    assert warned.to_frame().warnings[0] == "one; two"


def test_labels_are_escaped_in_html():
    html = _named_network()._repr_html_()
    assert "&lt;b&gt; &amp; a_$x$" in html


@pytest.mark.parametrize(
    "name, function",
    [("test", "null"), ("tested lags", "lags"), ("lags", "lags"), ("network", "network")],
)
def test_pictures(name, function):
    pytest.importorskip("matplotlib").use("Agg")
    plot = pytest.importorskip("fastmi.plot")
    assert hasattr(plot, function)
    axes = RESULTS[name][0]().plot()
    assert axes.figure is not None
