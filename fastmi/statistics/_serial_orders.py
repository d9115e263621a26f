"""Rotations of a series, and orders of its pieces, which keep its autocorrelation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import row_order
from fastmi._checks import check_integer

Array = NDArray[Any]
Order = NDArray[np.intp]

# Up to this number of pieces their orders are listed, 5040 of them, and drawn without replacement;
# with more, 200 draws hardly repeat one another.
_LISTED = 7
# Rows in a piece by default, in units of the factor by which autocorrelation raises a variance.
# A piece keeps correlations that are shorter than itself, and loses those across its ends;
# bench/bench_rejections.py has its level.
_TIMES = 5
# Smallest rotation by default, in the same unit. After a shorter one x still goes with y to some
# degree, or goes with it better if one follows the other: of AR(.9) series with x driving y by 0.3,
# n = 500, 81 % are found rather than 64 %, and the level is the same.
_SHIFT_TIMES = 2


def rotations(
    blocks: Sequence[Array],
    rng: np.random.Generator,
    count: int,
    min_shift: int | None,
    *,
    beyond: int = 0,
) -> NDArray[np.int64]:
    """Return `count` different numbers of rows to rotate x by, in [min_shift, n - min_shift].

    Args:
        blocks: x and y, and what else there is.
        rng: Generator to draw them from.
        count: How many.
        min_shift: Smallest one. None takes what the autocorrelation of x and y needs, and more than
            `beyond`, as far as this leaves enough of them.
        beyond: Largest distance of rows that the test itself compares.

    Raises:
        TypeError: `min_shift` is not an integer.
        ValueError: There are fewer of them.
    """
    n = len(blocks[0])
    if min_shift is None:
        smallest = _default_shift(blocks, count, beyond)
    else:
        smallest = check_integer("min_shift", min_shift, 1)
    possible = n + 1 - 2 * smallest
    if count > possible:
        raise ValueError(
            f"n_permutations must be at most the number of rotations, {max(possible, 0)} with "
            f"n={n}, min_shift={smallest}; got n_permutations={count}"
        )
    shifts: NDArray[np.int64] = smallest + rng.permutation(possible)[:count]
    return shifts


def most_rotations(blocks: Sequence[Array], *, beyond: int) -> tuple[int, int]:
    """Return the smallest rotation that autocorrelation asks for, and how many rotations it leaves.

    Args:
        blocks: x and y, and what else there is.
        beyond: Largest distance of rows that the test itself compares.
    """
    smallest = _default_shift(blocks, 1, beyond)
    return smallest, max(len(blocks[0]) + 1 - 2 * smallest, 0)


def block_orders(
    blocks: Sequence[Array], rng: np.random.Generator, count: int, block_length: int | None
) -> Callable[[int, np.random.Generator], Order]:
    """Return the function that gives surrogate `number` its order of rows.

    No surrogate has the pieces in their own order, which would count as evidence for nothing.

    Raises:
        TypeError: `block_length` is not an integer.
        ValueError: `block_length` out of range, or fewer orders of the pieces than surrogates.
    """
    n = len(blocks[0])
    if block_length is None:
        length = _default_length(blocks, count)
    else:
        length = check_integer("block_length", block_length, 1)
        if 2 * length > n:
            raise ValueError(f"block_length must be at most n / 2; got {length}, n={n}")
    pieces = -(-n // length)
    if pieces < _pieces_for(count):
        raise ValueError(
            f"n_permutations must be at most the number of other orders of the {pieces} blocks, "
            f"{math.factorial(pieces) - 1} with n={n}, block_length={length}; got "
            f"n_permutations={count}: take shorter blocks, or scheme='circular'"
        )
    parts = np.split(np.arange(n), range(length, n, length))
    if pieces <= _LISTED:
        # The first one listed is the order of the samples themselves.
        others = list(permutations(range(pieces)))[1:]
        drawn = [others[number] for number in rng.permutation(len(others))[:count]]
        return lambda number, _: np.concatenate([parts[i] for i in drawn[number]])
    return lambda _, own: np.concatenate([parts[i] for i in _other_order(own, pieces)])


def _other_order(rng: np.random.Generator, pieces: int) -> Order:
    while True:
        order = rng.permutation(pieces)
        if (order[1:] < order[:-1]).any():
            return order


def _default_shift(blocks: Sequence[Array], count: int, beyond: int) -> int:
    n = len(blocks[0])
    order = row_order(blocks[:2])
    far_enough = math.ceil(_SHIFT_TIMES * order.inflation) if order.matters else 1
    return max(1, min(max(far_enough, beyond + 1), n // 4, (n + 1 - count) // 2))


def _default_length(blocks: Sequence[Array], count: int) -> int:
    n = len(blocks[0])
    long_enough = math.ceil(_TIMES * row_order(blocks[:2]).inflation)
    return max(1, min(long_enough, n // _pieces_for(count)))


def _pieces_for(count: int) -> int:
    """Return the smallest number of pieces that have `count` orders besides their own."""
    pieces = 2
    while math.factorial(pieces) - 1 < count:
        pieces += 1
    return pieces
