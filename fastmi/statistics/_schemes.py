"""Orders of rows in which surrogates of a permutation test have the samples of x."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice, check_integer
from fastmi.ops.knn import kneighbors

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
        smallest = check_integer("min_shift", min_shift, 1)
        possible = n + 1 - 2 * smallest
        if count > possible:
            raise ValueError(
                f"n_permutations must be at most the number of rotations, {max(possible, 0)} with "
                f"n={n}, min_shift={smallest}; got n_permutations={count}"
            )
        shifts = smallest + rng.permutation(possible)[:count]
        return lambda number, _: np.roll(np.arange(n), shifts[number])
    if scheme == "block":
        if block_length is None:
            raise ValueError("block_length must be given for scheme='block'; got None")
        length = check_integer("block_length", block_length, 1)
        if 2 * length > n:
            raise ValueError(f"block_length must be at most n / 2; got {length}, n={n}")
        return lambda _, own: _shuffled_blocks(own, n, length)
    if len(blocks) < 3:
        raise ValueError("scheme='local' must have a z; got z=None")
    near = min(check_integer("n_neighbors", n_neighbors, 2), n) - 1
    _, indices, _ = kneighbors(
        [blocks[2]], near, metric="chebyshev", algorithm="auto", n_jobs=n_jobs
    )
    return partial(_exchanged, np.column_stack([np.arange(n), indices]))


def _shuffled_blocks(rng: np.random.Generator, n: int, length: int) -> Order:
    parts = np.split(np.arange(n), range(length, n, length))
    return np.concatenate([parts[i] for i in rng.permutation(len(parts))])


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
