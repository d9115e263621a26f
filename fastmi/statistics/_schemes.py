"""Orders of rows in which surrogates of a permutation test have the samples of x."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice, check_integer
from fastmi.ops.knn import kneighbors
from fastmi.statistics._serial_orders import block_orders, rotations

Array = NDArray[Any]
Order = NDArray[np.intp]

SCHEMES = ("shuffle", "circular", "block", "local")


def make_scheme(
    scheme: str,
    blocks: list[Array],
    rng: np.random.Generator,
    count: int,
    block_length: int | None,
    min_shift: int,
    n_neighbors: int,
    n_jobs: int | None,
) -> Callable[[int, np.random.Generator], Order]:
    """Return the function that gives surrogate `number` its order of rows."""
    check_choice("scheme", scheme, SCHEMES)
    n = len(blocks[0])
    if scheme == "shuffle":
        return lambda _, own: own.permutation(n)
    if scheme == "circular":
        shifts = rotations(rng, n, count, check_integer("min_shift", min_shift, 1))
        return lambda number, _: np.roll(np.arange(n), shifts[number])
    if scheme == "block":
        return block_orders(blocks, rng, count, block_length)
    if len(blocks) < 3:
        raise ValueError("scheme='local' must have a z; got z=None")
    near = min(check_integer("n_neighbors", n_neighbors, 2), n) - 1
    _, indices, _ = kneighbors(
        [blocks[2]], near, metric="chebyshev", algorithm="auto", n_jobs=n_jobs
    )
    return partial(_exchanged, np.column_stack([np.arange(n), indices]))


def _exchanged(neighbors: Order, _: int, rng: np.random.Generator) -> Order:
    """Return one of its neighbours for each row, using each neighbour once where possible."""
    n = len(neighbors)
    candidates = rng.permuted(neighbors, axis=1).tolist()
    order = [0] * n
    used = [False] * n
    for i in rng.permutation(n).tolist():
        for j in candidates[i]:
            if not used[j]:
                break
        # If all candidates are taken, the last one serves twice.
        order[i] = j
        used[j] = True
    return np.array(order, dtype=np.intp)
