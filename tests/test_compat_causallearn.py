"""fastmi.compat.causallearn in the real causal-learn."""

import pickle
import warnings

import numpy as np
import pytest

# The package warns of the future of its requirements.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("causallearn")
    from causallearn.search.ConstraintBased.FCI import fci
    from causallearn.search.ConstraintBased.PC import pc
    from causallearn.utils.cit import CIT, CIT_Base

import fastmi
from fastmi.compat import causallearn as compat
from graphs import EDGES, INTO, chain_and_collider

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def data(n=300, seed=0):
    return np.column_stack(chain_and_collider(n, seed)).astype(float)


def edges(matrix):
    """Return the joined pairs, and the directed ones, of causal-learn's matrix of end points."""
    pairs = [(i, j) for i in range(5) for j in range(5) if matrix[i, j] and i != j]
    joined = {frozenset("abcde"[i] + "abcde"[j]) for i, j in pairs}
    directed = {
        ("abcde"[i], "abcde"[j]) for i, j in pairs if (matrix[i, j], matrix[j, i]) == (-1, 1)
    }
    return joined, directed


def test_pc_finds_the_graph():
    graph = pc(data(), 0.05, indep_test="fastmi", show_progress=False, seed=0)
    assert isinstance(graph.test, compat.FastMI)
    assert edges(graph.G.graph) == (EDGES, INTO)


def test_fci_finds_the_skeleton():
    graph, _ = fci(data(), "fastmi", 0.05, verbose=False, show_progress=False, seed=0)
    assert edges(graph.graph)[0] == EDGES


def test_options_reach_the_test():
    test = CIT(data(), "fastmi", k=7, n_permutations=50, n_neighbors=8, discrete=[3], seed=4)
    assert isinstance(test, CIT_Base)
    assert test.tests.k == 7
    assert [column.symbols for column in test.tests.columns] == [0, 0, 0, 2, 0]
    assert test(0, 1, []) == 1 / 501
    assert test(0, 2, [1]) > 0.05
    with pytest.raises(TypeError, match="neighbors"):
        CIT(data(), "fastmi", neighbors=3)
    with pytest.raises(ValueError, match="n_permutations must be an integer >= 1"):
        CIT(data(), "fastmi", n_permutations=0)


def test_values_are_those_of_any_order_and_are_kept(monkeypatch):
    first, second = (CIT(data(), "fastmi", n_permutations=40) for _ in range(2))
    asked = [(0, 1, ()), (2, 0, (1, 3)), (3, 4, (2,)), (0, 2, (3, 1))]
    expected = [first(*query) for query in asked]
    assert [second(*query) for query in asked[::-1]][::-1] == expected
    assert expected[1] == expected[3]
    monkeypatch.setattr(first.tests, "test", None)
    assert [first(np.int64(y), x, list(z)) for x, y, z in asked] == expected
    # Pairs of numbers share a null, and no test stays without a p-value.
    assert all(0.0 < p <= 1.0 for p in expected)


def test_the_file_of_p_values_is_that_of_the_options(tmp_path):
    path = str(tmp_path / "kept" / "p.json")
    test = CIT(data(), "fastmi", cache_path=path, n_permutations=30)
    p = test(0, 1, (2,))
    test.SAVE_CACHE_CYCLE_SECONDS = -1
    test(0, 1, (2,))
    again = CIT(data(), "fastmi", cache_path=path, n_permutations=30)
    assert again.pvalue_cache["0;1|2"] == p


def test_warnings_are_issued_once_and_counted():
    samples = data()
    samples[:, 1] = samples[:, 4] = 2.0
    with pytest.warns(fastmi.EstimateWarning, match="column 1 is constant") as seen:
        graph = pc(samples, 0.05, indep_test="fastmi", show_progress=False)
    assert len([w for w in seen if issubclass(w.category, fastmi.EstimateWarning)]) == 1
    (caution,) = compat.cautions(graph)
    assert caution.startswith("7 of 10 tests, first that of 0 and 1: column 1 is constant")
    assert compat.cautions(graph.test) == (caution,)
    with pytest.raises(TypeError, match="graph must come from pc"):
        compat.cautions(pc(data(), 0.05, show_progress=False))


def test_no_warning_where_there_is_no_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error", fastmi.EstimateWarning)
        graph = pc(data(), 0.05, indep_test="fastmi", show_progress=False)
    assert compat.cautions(graph) == ()


def test_missing_values_are_refused():
    samples = data()
    samples[7, 2] = np.nan
    with pytest.raises(ValueError, match="column 2 must be finite; got nan in row 7"):
        pc(samples, 0.05, indep_test="fastmi", show_progress=False)


def test_another_name_and_pickles():
    compat.register("knn")
    test = CIT(data(), "knn", n_permutations=30)
    p = test(0, 2, (1,))
    assert pickle.loads(pickle.dumps(test))(0, 2, (1,)) == p
