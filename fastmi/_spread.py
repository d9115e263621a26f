"""How far the columns of a sample lie from the origin, and how they vary, at every scale.

Sums of squares of plain values overflow above 1e154, vanish below 1e-154, and lose the digits of a
column that varies little about a large value. Nothing here does: differences to a value of the
column come first, and they are divided by a power of two, which rounds nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: Standard deviation over largest magnitude at which a column is taken for a constant that was
#: computed: two to four steps of float64.
CONSTANT = 2.0 * float(np.finfo(np.float64).eps)
#: Largest magnitude over range from which a column is far from the origin. From 2 on every
#: difference of two of its values is exact (Sterbenz 1974).
_FAR = 16.0
#: Up to here float64 holds every whole number.
_EXACT = 2.0**53


class Extent(NamedTuple):
    """Between which values the columns of a block lie.

    Attributes:
        low: Smallest value of each column, in the dtype of the block, shape (d,).
        high: Largest one.
    """

    low: Array
    high: Array

    @property
    def largest(self) -> Floats:
        """Largest magnitude in each column, shape (d,)."""
        return np.maximum(self.high, -self.low).astype(np.float64)

    @property
    def far(self) -> NDArray[np.bool_]:
        """Which columns vary, but little beside their distance from the origin, shape (d,)."""
        reach = self.high - self.low
        little = reach <= np.maximum(self.high, -self.low) / self.low.dtype.type(_FAR)
        found: NDArray[np.bool_] = little & (reach > 0.0)
        return found


class Spread(NamedTuple):
    """How the columns of a block vary.

    Attributes:
        deviation: Distance from the column's mean in units of 2**exponent, shape (n, d).
        exponent: Binary exponent of the largest distance in each column, shape (d,).
        sd: Standard deviation of `deviation`, shape (d,).
        varies: False for constant columns, shape (d,).
    """

    deviation: Floats
    exponent: NDArray[np.int64]
    sd: Floats
    varies: NDArray[np.bool_]

    @property
    def deviations(self) -> Floats:
        """Standard deviations in the units of the block, shape (d,)."""
        found: Floats = np.ldexp(self.sd, self.exponent)
        return found

    @property
    def rounded(self) -> NDArray[np.intp]:
        """Numbers of the columns that are constant up to rounding, and not exactly."""
        return np.flatnonzero(~self.varies & (self.sd > 0.0))


def spread(block: Array) -> Spread:
    """Return how the columns of a block vary.

    Args:
        block: Shape (n, d), finite, at most half of the largest float in magnitude.
    """
    ends = extent(block)
    wide = block.astype(np.float64)
    # Differences to the first sample, because the mean of columns far from the origin rounds.
    first = wide[0].copy()
    wide -= first
    reach = np.maximum(ends.high - first, first - ends.low)
    exponent = np.frexp(reach)[1].astype(np.int64)
    deviation = np.ldexp(wide, -exponent)
    deviation -= deviation.mean(axis=0)
    sd = np.sqrt(np.mean(deviation**2, axis=0))
    # In units of the largest magnitude, in which neither side overflows or vanishes.
    unit, size = np.frexp(ends.largest)
    return Spread(deviation, exponent, sd, varying(block, np.ldexp(sd, exponent - size), unit))


def varying(block: Array, deviation: Floats, largest: Floats) -> NDArray[np.bool_]:
    """Return which columns vary by more than the rounding of a constant.

    Whole numbers that float64 holds are exact and vary if they differ.

    Args:
        block: Shape (n, d).
        deviation: Standard deviation of each column, shape (d,).
        largest: Largest magnitude in each column, shape (d,), in the units of `deviation`.
    """
    varies: NDArray[np.bool_] = deviation > CONSTANT * largest
    for j in np.flatnonzero(~varies & (deviation > 0.0)):
        column = block[:, j]
        varies[j] = np.abs(column).max() <= _EXACT and (column == np.floor(column)).all()
    return varies


def extent(block: Array) -> Extent:
    """Return between which values the columns of a block lie.

    Args:
        block: Shape (n, d), finite, at most half of the largest float in magnitude.
    """
    # NumPy reduces rows many times as fast as columns.
    rows = np.ascontiguousarray(block.T)
    return Extent(rows.min(axis=1), rows.max(axis=1))


def near_origin(block: Array, of: Extent | None = None) -> Array:
    """Return the block with each column that is far from the origin less its first value.

    These differences are exact. Arithmetic on the columns then rounds in relation to how they
    vary. Other columns keep their bits; without any column that is far, it is `block` itself.

    Args:
        block: Shape (n, d), finite, at most half of the largest float in magnitude.
        of: Its extent, if the caller knows it.
    """
    distant = (of or extent(block)).far
    if not distant.any():
        return block
    moved: Array = block - np.where(distant, block[0], 0)
    return moved
