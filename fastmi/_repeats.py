"""Rows that equal others, and how many equal values chance explains."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Standard errors by which the pairs of equal values in a column must exceed those that a smooth
#: density on a grid makes before they tell repeated records: few pairs are equal by chance.
BEYOND_CHANCE = 3.0


def row_hashes(columns: Iterable[Array]) -> NDArray[np.uint64]:
    """Return a 64-bit number for each row, which equal rows share and others hardly ever do.

    Sorting them orders equal rows together in a fraction of the time that sorting rows takes.

    Args:
        columns: At least one column, each of shape (n,).
    """
    total = np.uint64(0)
    for column in columns:
        bits = (np.ascontiguousarray(column, dtype=np.float64) + 0.0).view(np.uint64)  # no -0.0
        total = total ^ bits
        total ^= total >> np.uint64(32)
        total *= np.uint64(0x9E3779B97F4A7C15)
        total ^= total >> np.uint64(29)
    return np.asarray(total, dtype=np.uint64)


class EqualPairs(NamedTuple):
    """Pairs of samples with the same value in a column.

    Attributes:
        seen: Number of such pairs.
        explained: Number of them that the steps between the values explain. Independent values of
            a smooth density on a grid are one step apart twice as often as they are equal.
    """

    seen: float
    explained: float

    @property
    def noise(self) -> float:
        """Standard error of `seen` less `explained`, if chance makes the pairs."""
        # Pairs one step apart are twice as many: the difference has half the variance of all.
        return math.sqrt(0.5 * self.seen + self.explained)


def equal_pairs(values: Array, number: NDArray[np.intp], step: float) -> EqualPairs:
    """Count the pairs of equal values, and those that are one step apart.

    Args:
        values: Different values of the column, ascending.
        number: How often each occurs.
        step: Distance of neighbouring values on the grid; 0 for no grid.
    """
    seen = float((number * (number - 1.0)).sum()) / 2
    near = np.diff(values.astype(np.float64)) < 1.5 * step
    return EqualPairs(seen, float((number[1:].astype(np.float64) * number[:-1])[near].sum()) / 2)


def pairs_apart(
    values: NDArray[np.float64], number: NDArray[np.intp], distance: float, rounding: float
) -> float:
    """Return half the number of pairs of samples at a distance, beyond those at others near it.

    Independent values of any law that repeats with this period up to a smooth factor, as readings
    do of which many end in the same digit, make at most as many pairs of equal values.

    Args:
        values: Different values of the column, ascending.
        number: How often each occurs.
        distance: The distance, above 0.
        rounding: By how much distances may differ from it.
    """
    below = np.concatenate([[0.0], np.cumsum(number)])

    def within(middle: float) -> float:
        first = np.searchsorted(values, values + (middle - rounding))
        last = np.searchsorted(values, values + (middle + rounding), side="right")
        return float((number * (below[last] - below[first])).sum()) / 2

    with np.errstate(over="ignore"):
        return max(0.0, within(distance) - within(distance + 2.0 * rounding))
