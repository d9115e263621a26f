"""Samples of a small known graph, for tests of the doors."""

import numpy as np


def chain_and_collider(n, seed=0):
    """Return columns a, b, c, d, e of the graph a -> b -> c -> e <- d; d has two values."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((4, n))
    a = noise[0]
    b = np.tanh(2 * a) + 0.5 * noise[1]
    c = b + 0.4 * b**2 + 0.5 * noise[2]
    d = rng.integers(0, 2, n)
    e = c + 1.5 * d + 0.5 * noise[3]
    return a, b, c, d, e


#: Pairs of columns that the graph joins.
EDGES = {frozenset("ab"), frozenset("bc"), frozenset("ce"), frozenset("de")}
#: Directions that the collider at e shows.
INTO = {("c", "e"), ("d", "e")}
