"""fastmi.compat.pgmpy in the real pgmpy."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

# The package warns of its own future, and of that of its requirements.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("pgmpy")
    from pgmpy.estimators import PC

import fastmi
from fastmi.compat.pgmpy import IndependenceTest
from graphs import EDGES, INTO, chain_and_collider

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def frame(n=300, seed=0):
    data = pd.DataFrame(dict(zip("abcde", chain_and_collider(n, seed), strict=True)))
    return data.assign(d=np.where(data["d"] > 0, "yes", "no"))


def directed(graph):
    """Return the joined pairs and the directed ones."""
    pairs = set(graph.edges())
    return set(map(frozenset, pairs)), {(i, j) for i, j in pairs if (j, i) not in pairs}


@pytest.mark.parametrize("variant", ["orig", "stable"])
def test_pc_finds_the_graph_in_a_mixed_frame(variant):
    data = frame()
    test = IndependenceTest(data, seed=0)
    options = {"variant": variant, "significance_level": 0.05, "show_progress": False}
    graph = PC(data).estimate(ci_test=test, n_jobs=1, **options)
    assert directed(graph) == (EDGES, INTO)
    assert test.cautions() == ()


@pytest.mark.parametrize("rule", [None, "pvalue"])
def test_the_newer_pc_finds_the_graph(rule):
    causal_discovery = pytest.importorskip("pgmpy.causal_discovery")
    data = frame()
    options = {"significance_level": 0.05, "show_progress": False}
    if rule is not None:
        options["orient_rule"] = rule
    found = causal_discovery.PC(ci_test=IndependenceTest(data), n_jobs=1, **options).fit(data)
    assert directed(found.causal_graph_)[0] == EDGES


def test_the_attributes_of_pgmpys_own_tests():
    test = IndependenceTest(frame(), n_permutations=50, discrete=["d"])
    assert test("a", "b", [], significance_level=0.05) is False
    assert test.p_value_ == 1 / 501
    assert test.statistic_ == test.effect_size_ > 0.5
    assert test.is_independent("a", "c", ["b"], significance_level=0.05)
    assert test.run_test("c", "a", ("b",)) == (test.statistic_, test.p_value_)
    copy = pickle.loads(pickle.dumps(test))
    assert copy.run_test("a", "e", ["c"]) == test.run_test("a", "e", ["c"])


def test_bad_input():
    data = frame()
    test = IndependenceTest(data, n_permutations=50)
    with pytest.raises(ValueError, match="variables must be columns of the data; got 'f'"):
        test("a", "f")
    with pytest.raises(ValueError, match="data must be those that the test was made with"):
        test("a", "b", data=data.iloc[:100])
    with pytest.raises(ValueError, match=r"above 1 / \(1 \+ n_permutations\) = 0.0196"):
        test("a", "b", significance_level=0.01)
    data.loc[3, "d"] = None
    with pytest.raises(ValueError, match=r"column 'd'.*missing"):
        IndependenceTest(data)


def test_warnings_are_issued_once_and_counted():
    data = frame().assign(a=1.0)
    test = IndependenceTest(data)
    with pytest.warns(fastmi.EstimateWarning, match="column 'a' is constant"):
        assert test("a", "b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(test("a", other) for other in "cde")
    (caution,) = test.cautions()
    assert caution.startswith("4 of 4 tests, first that of 'a' and 'b'")
