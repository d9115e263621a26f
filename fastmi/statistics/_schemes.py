"""Orders of rows in which surrogates of a permutation test have the samples of x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host
from fastmi._checks import check_choice, check_integer
from fastmi.statistics._local import local_exchange

Array = NDArray[Any]
Order = NDArray[np.intp]

SCHEMES = ("shuffle", "circular", "block", "local", "residual")
#: Those that keep the dependence of x on z.
CONDITIONAL = ("local", "residual")


def make_scheme(
    scheme: str,
    blocks: list[Array],
    rng: np.random.Generator,
    count: int,
    block_length: int | None,
    min_shift: int,
    n_neighbors: int,
    n_jobs: int | None,
    *,
    classes: bool = False,
) -> Callable[[int, np.random.Generator], Order]:
    """Return the function that gives surrogate `number` its order of rows.

    With `classes`, values of z are equal or not, and neither near nor far.
    """
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
        raise ValueError(f"scheme={scheme!r} must have a z; got z=None")
    exchange = local_exchange(
        host(blocks[2]),
        check_integer("n_neighbors", n_neighbors, 2),
        classes=classes,
        n_jobs=n_jobs,
    )
    return lambda _, own: exchange.order(own)


def _shuffled_blocks(rng: np.random.Generator, n: int, length: int) -> Order:
    parts = np.split(np.arange(n), range(length, n, length))
    return np.concatenate([parts[i] for i in rng.permutation(len(parts))])
