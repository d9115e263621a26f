"""fastmi.compat.dowhy in the real DoWhy."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("dowhy")
import networkx as nx
from dowhy.gcm import falsify

import fastmi
from fastmi.compat.dowhy import independence_test
from graphs import chain_and_collider

RIGHT = [("a", "b"), ("b", "c"), ("c", "e"), ("d", "e")]


def frame(n=300):
    return pd.DataFrame(dict(zip("abcde", chain_and_collider(n), strict=True)))


def violations(edges):
    """Return the number of local Markov conditions that the data contradict."""
    found = falsify.validate_lmc(
        nx.DiGraph(edges),
        frame(),
        independence_test=independence_test,
        conditional_independence_test=partial(independence_test, n_permutations=200),
        significance_level=0.02,
    )
    return found[falsify.FalsifyConst.N_VIOLATIONS]


def test_the_right_graph_stands_and_a_wrong_one_falls():
    assert violations(RIGHT) == 0
    assert violations([("b", "a"), ("a", "c"), ("c", "e"), ("d", "e")]) > 0


def test_values_and_shapes(rng):
    z = rng.standard_normal((250, 2))
    x, y = (z.sum(axis=1) + rng.standard_normal(250) for _ in range(2))
    assert independence_test(x, y) < 0.01
    p = independence_test(x, y, z)
    assert p > 0.05
    assert independence_test(x[:, None], y[:, None], z, seed=0) == p
    words = np.array(["low", "high"])[(x > 0).astype(int)]
    assert independence_test(words, y) < 0.01
    mixed = np.column_stack([z[:, :1].astype(object), words[:, None]])
    assert independence_test(x, y, mixed) > 0.0


def test_columns_of_classes_by_the_name_of_the_variable(rng):
    x, y = rng.standard_normal((2, 200))
    z = rng.integers(0, 4, (200, 2))
    named = independence_test(x, y, z, discrete=["Z"])
    assert named == independence_test(x, y, z, discrete=["Z[0]", "Z[1]"])
    assert named != independence_test(x, y, z, discrete=False)


def test_bad_input(rng):
    x = rng.standard_normal((50, 2))
    with pytest.raises(ValueError, match=r"X must have shape \(n,\) or \(n, 1\); got shape"):
        independence_test(x, x[:, 0])
    with pytest.raises(ValueError, match="columns must have the same number of samples"):
        independence_test(x[:, 0], x[:40, 0])
    with pytest.raises(ValueError, match=r"discrete must be .*; got 'W', which is none of the 2"):
        independence_test(x[:, 0], x[:, 1], discrete=["W"])


def test_warnings_are_issued(rng):
    with pytest.warns(fastmi.EstimateWarning, match="'X' is constant"):
        assert independence_test(np.ones(50), rng.standard_normal(50)) == 1.0
