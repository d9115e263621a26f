"""Rows that are copies of one another, told from values that repeat by nature."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host
from fastmi._repeats import BEYOND_CHANCE, EqualPairs, equal_pairs, pairs_apart, row_hashes
from fastmi.estimators.neighbors._ties import commonest_gap, rounding_step

Array = NDArray[Any]

# Largest number of equal rows that are taken for repeated records; more of them are an atom, a
# value that the variable takes with positive probability.
_MOST_COPIES = 20
# Share of the pairs of equal values in a column, beyond those that the steps between its values
# explain, above which the column tells repeated records.
_UNEXPLAINED = 0.2
# Standard errors by which their number must exceed chance where no other column tells of copies:
# records that stand twice do so in all columns, habits of those who read a scale in one.
_ALONE = 4.0
# Share of the values that repeat which do so in one distinct row, above which it does.
_RECORDS = 0.15
# Multiples of the step at which people round readings further, and the largest number of different
# values of which such habits are looked for, because that takes time.
_HABITS = (1, 2, 5, 10, 20, 50, 100)
_MOST_VALUES = 100_000


class Copies(NamedTuple):
    """Rows of which others are exact copies although their values do not repeat by nature.

    Attributes:
        copied: Number of such rows.
        kept: Numbers of the rows that are no copy of an earlier row, ascending, of all rows.
    """

    copied: int
    kept: NDArray[np.intp]


def tells_copies(block: Array) -> list[float]:
    """Return for each column of a block how clearly it tells repeated records.

    These are the standard errors by which the pairs of equal values exceed those that its steps
    explain: 0 where no clear share of them does, infinity where the values have no steps.
    """
    return [_evidence(column) for column in host(block).T]


def count_copies(
    blocks: Sequence[Array], tells: Callable[[Array], list[float]] = tells_copies
) -> Copies:
    """Count the rows that equal another row and are records rather than values that repeat.

    Whole numbers and rounded readings have equal rows by nature. A row is taken for a copy if it
    occurs at most 20 times and has a value that occurs in no other distinct row, in a column with
    many more equal values than its steps explain.

    Args:
        blocks: Arrays of shape (n, d_b); rows are all of them side by side.
        tells: The function :func:`tells_copies`, or one that remembers what it returned.
    """
    clear = [of_column for block in blocks for of_column in tells(block)]
    least = 0.0 if sum(each > 0.0 for each in clear) > 1 else _ALONE
    telling = [each > least for each in clear]
    if not any(telling):
        return Copies(0, np.arange(len(blocks[0])))
    columns = [
        np.ascontiguousarray(column, dtype=np.float64)
        for block in blocks
        for column in host(block).T
    ]
    _, first, size = np.unique(row_hashes(columns), return_index=True, return_counts=True)
    by_row = np.argsort(first, kind="stable")
    kept = first[by_row]
    # For each distinct row, whether it is recognised as a record.
    own = np.zeros(len(first), dtype=np.bool_)
    for column, tell in zip(columns, telling, strict=True):
        if tell:
            _, code, number = np.unique(column[kept], return_inverse=True, return_counts=True)
            code = code.reshape(-1)
            repeats = np.bincount(code, size[by_row]) > 1
            alone = number == 1
            # Values that repeat by nature do so in distinct rows, but for a few by chance.
            if np.count_nonzero(alone & repeats) > _RECORDS * np.count_nonzero(repeats):
                own[by_row] |= alone[code]
    copied = own & (size > 1) & (size <= _MOST_COPIES)
    return Copies(int(size[copied].sum()), kept)


def _evidence(column: Array) -> float:
    """Return how clearly the pairs of equal values of a column tell repeated records.

    The ends of a grid, where values have one neighbour, matter where there are few values.
    """
    n = len(column)
    step = rounding_step(column)
    values, number = np.unique(column, return_counts=True)
    pairs = _explained(column, values, number, step)
    if pairs.seen == 0.0:
        return 0.0
    if not step and column.dtype == np.float32:
        # float32 has about 2^23 values within a standard deviation.
        pairs = EqualPairs(pairs.seen, max(pairs.explained, n * n / 2.0**24))
    if 1.0 - pairs.explained / pairs.seen - 1.0 / len(values) <= _UNEXPLAINED:
        return 0.0
    if not step:
        return math.inf
    clear = (pairs.seen - pairs.explained) / pairs.noise
    return clear if clear >= BEYOND_CHANCE else 0.0


def _explained(
    column: Array, values: Array, number: NDArray[np.intp], step: float | None
) -> EqualPairs:
    """Return the pairs of equal values, and how many of them chance explains.

    Some readings of a column may be rounded to its step and others to a multiple of it. Whatever
    the step, values that many readings share are one such multiple apart from others like them.
    """
    pairs = equal_pairs(values, number, step or 0.0)
    if step == 0.0 or len(values) > _MOST_VALUES:
        return pairs
    values = values.astype(np.float64)
    unit, rounding = (step, 0.25 * step) if step else commonest_gap(column, values)
    if unit == 0.0:
        return pairs
    found = [pairs_apart(values, number, each * unit, rounding) for each in _HABITS]
    return EqualPairs(pairs.seen, max(pairs.explained, *found))
