"""Ties among samples: how many there are, and noise that separates tied values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import reduce
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._checks import Seed, generator
from fastmi._spread import extent, near_origin
from fastmi._symbols import crossed, numbered

Array = NDArray[Any]
Floats = NDArray[np.float64]

# Share of samples whose radius ties touch, or that are copies, above which the result says so.
TIED_SHARE = 0.01

# Noise over the standard deviation of a column, as other libraries add it.
TRACE = 1e-10

# Distances tie if they differ by no more than this many units in the last place of the values:
# 0.3 - 0.2 and 0.2 - 0.1 differ by one of 0.2.
_ROUNDING = 4.0
# Relative rounding of readings in float64 that were shifted from as far as a thousand times their
# size, as columns that are standardised are.
_SHIFTED_ROUNDING = 2.0**-42

# Largest magnitude of which differences fit float64.
_MOST = float(np.finfo(np.float64).max) / 2


def tied_share(
    blocks: Sequence[Array],
    ks: Sequence[int],
    kth_distances: Callable[[list[Array], Sequence[int]], Array],
    *,
    zero: bool = True,
) -> float:
    """Return the share of samples whose k-th neighbour is not alone at its distance.

    A sample counts if its distance to the (k - 1)-th or to the (k + 1)-th neighbour is the same up
    to rounding, or if the k-th is at distance 0; the share is the largest over the k.

    Args:
        blocks: Arrays of shape (n, d_b).
        ks: Numbers of neighbours below n; without any the share is 0.
        kth_distances: Function that returns the distances to the neighbours of these numbers, shape
            (len(numbers), n).
        zero: Whether samples whose k-th neighbour is at distance 0 count.
    """
    n = len(blocks[0])
    if not ks:
        return 0.0
    numbers = sorted({j for k in ks for j in (k - 1, k, k + 1) if 1 <= j < n})
    found = dict(zip(numbers, kth_distances(list(blocks), numbers), strict=True))
    largest = np.max([np.abs(host(block)).max(axis=1) for block in blocks], axis=0)
    # Values that were centred are rounded as others of their column are, but not as outliers are.
    rounded = np.maximum(largest, np.median(largest))
    shares = []
    for k in ks:
        radius = found[k]
        # Each by a power of two, because their sum could overflow.
        unit = _ROUNDING * np.finfo(radius.dtype).eps
        near = unit * rounded + unit * radius
        tied = radius - found[k - 1] <= near if k > 1 else radius <= near
        if k + 1 in found:
            tied |= found[k + 1] - radius <= near
        if not zero:
            tied &= radius > near
        shares.append(float(np.count_nonzero(tied)) / n)
    return max(shares)


def repeated_share(blocks: Sequence[Array]) -> float:
    """Return the largest share of the samples that share their value of a column with others."""
    shares = [0.0]
    for column in (column for block in blocks for column in host(block).T):
        number = np.unique(column, return_counts=True)[1]
        # A column that never varies has nothing to separate.
        if len(number) > 1:
            shares.append(float(number[number > 1].sum()) / len(column))
    return max(shares)


def margins_tied_share(
    blocks: Sequence[Array],
    radii: Callable[[Array], Array],
    count: Callable[..., NDArray[np.int64]],
) -> float:
    """Return the share of samples whose radius in a variable is shared by samples of that variable.

    The radius is the largest distance in the variable among the k joint neighbours. Another
    variable may decide which these are, so that no joint distance ties while all of these are 0.
    The share is the largest over variables and k.

    Args:
        blocks: Arrays of shape (n, d_b) in host memory.
        radii: Function of a block that returns its radii for each k, shape (len(ks), n).
        count: Function of blocks, radii and `strict` that counts within the radii.
    """
    shares = []
    for block in blocks:
        for radius in radii(block):
            closed, open_ = (count([block], radius, strict=strict) for strict in (False, True))
            shares.append(float(np.count_nonzero(closed - open_ > 1)) / len(block))
    return max(shares)


def within_steps(blocks: Sequence[Array], radius: Array) -> float:
    """Return the share of samples whose radius does not exceed the steps of a rounded column.

    It is at most two steps of a column that repeats values, or 0. There the distances show the
    steps, and a column may look constant, as if the density had a dimension less.

    Args:
        blocks: Arrays of shape (n, d_b).
        radius: Distance of each sample to its k-th neighbour, shape (n,).
    """
    reach = 0.0
    for column in (column for block in blocks for column in host(block).T):
        values, number = np.unique(column, return_counts=True)
        if len(values) > 1 and number[number > 1].sum() > TIED_SHARE * len(column):
            reach = max(reach, 2 * float(np.median(np.diff(values))))
    # In float64, because twice a step may exceed float32.
    return float(np.count_nonzero(radius <= np.float64(reach))) / len(radius)


def streams(seed: Seed | None) -> Callable[[int, int, Array], np.random.Generator]:
    """Return a function from a column and its place to a generator for its noise.

    The arguments are the number of its block, its number there, and the rank of each value among
    the different ones, integers of shape (n,). The noise is the same whatever the other variables
    are and whatever the unit of the column. It is another one for other columns, although without a
    seed it is the same in each call: were it the same for all, then two columns that are mostly
    zero would always meet the same two orders of their zeros, and all such pairs of a table would
    have the same luck.
    """
    root = [0]
    if seed is not None:
        # A copy, so that a generator is left as it was for whatever else the caller draws from it.
        root = deepcopy(generator(seed)).integers(0, 2**63, size=2).tolist()

    def of_column(block: int, column: int, ranks: Array) -> np.random.Generator:
        key = crc32(np.ascontiguousarray(ranks, dtype=np.uint32).tobytes())
        return np.random.default_rng([*root, block, column, key])

    return of_column


def traced(block: Array, place: int, seed: Seed | None) -> Array:
    """Return a block in float64 with noise that separates equal values and changes no others.

    float32 could not hold the noise. Each column is moved by one of its values, because far from
    the origin float64 could not either.

    Args:
        block: Array of shape (n, d).
        place: Its number among the blocks.
        seed: Seed of the noise.
    """
    return _with_noise(block, place, seed, _trace)


def with_trace(blocks: Sequence[Array], seed: Seed | None) -> list[Array]:
    """Return the blocks as :func:`traced` does each."""
    return [traced(block, b, seed) for b, block in enumerate(blocks)]


def never_vary(blocks: Sequence[Array]) -> bool:
    """Return whether all samples are the same."""
    return all(bool((host(block) == host(block)[0]).all()) for block in blocks)


def mean_equal(block: Array) -> float:
    """Return the mean number of other samples with the same value, up to the noise of `traced`."""
    codes = []
    for column in near_origin(host(block)).astype(np.float64).T:
        order = np.argsort(column)
        largest = float(np.abs(column).max()) or 1.0  # squares neither overflow nor vanish
        ascending = column[order] / largest
        width = TRACE * float(ascending.std())
        gaps = np.append(0.0, np.diff(ascending))
        apart = np.append(True, gaps[1:] > width)
        starts = np.flatnonzero(apart)
        alike, group = ascending[starts], np.cumsum(apart) - 1
        reach = np.append(ascending[starts[1:] - 1], ascending[-1]) - alike
        # Beside a huge outlier, values that differ lie close together: they fill more than the
        # noise that separates equal values, or next to nothing of it.
        noise = _trace(alike[group] - np.median(alike[group]))
        differ = (reach > width) | (reach < 0.01 * noise)
        code = np.empty(len(column), dtype=np.intp)
        code[order] = np.cumsum(apart | (differ[group] & (gaps > 0)))
        codes.append(numbered(code))
    size = reduce(crossed, codes).size
    return float((size * (size - 1.0)).sum()) / len(block)


def with_unit_noise(blocks: Sequence[Array], seed: Seed | None) -> list[Array]:
    """Return independent noise of width 1 in the place of samples that never vary."""
    return [_with_noise(block, b, seed, lambda _: 1.0) for b, block in enumerate(blocks)]


def with_steps_filled(
    blocks: Sequence[Array], steps: Sequence[Sequence[float | None]], seed: Seed | None
) -> list[Array]:
    """Return the blocks in float64, each value spread evenly over the step around it.

    Args:
        blocks: Arrays of shape (n, d_b).
        steps: Step of each column of each block, none of them None.
        seed: Seed of the noise.
    """
    of_column = iter([step or 0.0 for of_block in steps for step in of_block])
    return [
        _with_noise(block, b, seed, lambda _: next(of_column)) for b, block in enumerate(blocks)
    ]


def _with_noise(
    given: Array, place: int, seed: Seed | None, width: Callable[[Floats], float]
) -> Array:
    """Return a block less the median of each column, or the middle of a huge one, plus noise.

    Args:
        given: Array of shape (n, d).
        place: Its number among the blocks.
        seed: Seed of the noise.
        width: Function from a column whose median is 0 to the width of its noise; it is called in
            the order of the columns.

    Raises:
        ValueError: No room for the noise below half of the largest float.
    """
    of_column = streams(seed)
    block = host(given).astype(np.float64)
    for j in range(block.shape[1]):
        column = np.ascontiguousarray(block[:, j])
        rng = of_column(place, j, numbered(column).of)
        column -= np.partition(column, len(column) // 2)[len(column) // 2]
        low, high = column.min(), column.max()
        if max(-low, high) > _MOST:  # the middle of the range is nearer to both ends
            column -= 0.5 * low + 0.5 * high
        moved = column + width(column) * (rng.random(len(column)) - 0.5)
        if np.abs(moved).max() > _MOST:
            raise ValueError(
                f"samples with equal values must leave room for noise below {_MOST:.3g}; got a "
                f"column that spans {high - low:.3g}: rescale the columns, or give noise=0"
            )
        block[:, j] = moved
    return like(given, block)


def _trace(column: Floats) -> float:
    """Return the width of the noise for a column whose median is 0."""
    gaps = np.diff(np.sort(column))
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return 0.0
    largest = float(np.abs(column).max())
    spread = float((column / largest).std()) * largest
    # A few huge values must not lift the noise to the distance between the others, and it must
    # exceed the rounding of typical values.
    typical = float(np.median(np.abs(column)))
    return min(TRACE * spread, max(float(gaps.min()) * 2.0**-10, typical * 2.0**-40))


def rounding_step(column: Array) -> float | None:
    """Return the step that separates the values of a column; 0.0 if hardly any value repeats.

    None is for values that repeat but are no multiples of one step, up to rounding.
    """
    given = np.asarray(column, dtype=np.float64)
    values, number = np.unique(given, return_counts=True)
    n = len(given)
    if number[number > 1].sum() <= TIED_SHARE * n:
        return 0.0
    steps = (_common_step(values, n, rounding) for rounding in _roundings(column, values))
    found = next((step for step in steps if step is not None), None)
    if not found and extent(column[:, np.newaxis]).far[0]:
        # Where an offset rounds them, values are on the grid of floats, and differences are exact.
        found = _common_step(values, n, 0.0)
    return found


def commonest_gap(column: Array, values: Floats) -> tuple[float, float]:
    """Return the commonest distance of neighbouring values, and by how much rounding changes it.

    That is the step of readings of which some have more digits than others. The distance is 0 where
    there is none beyond the rounding.

    Args:
        column: Samples, shape (n,).
        values: The different ones, ascending.
    """
    rounding = _roundings(column, values)[0]
    gaps = np.sort(np.diff(values))
    gaps = gaps[gaps > 2 * rounding]
    if not len(gaps):
        return 0.0, rounding
    alike = np.searchsorted(gaps, gaps + 2 * rounding, side="right") - np.arange(len(gaps))
    first = int(alike.argmax())
    return float(np.median(gaps[first : first + alike[first]])), rounding


def _roundings(column: Array, values: Floats) -> list[float]:
    """Return by how much differences of two values may be rounded, the largest first."""
    epsilons = [float(np.finfo(column.dtype).eps)]
    if column.dtype == np.float64:
        # Readings that were shifted, or were float32 before, are multiples of a step less exactly.
        # The coarser rounding comes first, because a finer one takes float32 for the grid.
        with np.errstate(over="ignore"):
            single = column.astype(np.float32)
        epsilons.insert(0, _SHIFTED_ROUNDING)
        if (column == single).all():
            epsilons.insert(0, float(np.finfo(np.float32).eps))
    largest = float(np.abs(values).max())
    return [eps * largest * 2 * _ROUNDING for eps in epsilons]


def _common_step(values: Floats, n: int, rounding: float) -> float | None:
    """Return the step that values are multiples of, up to rounding; 0.0 for a single value.

    Args:
        values: Different values, ascending.
        n: Number of samples.
        rounding: Largest rounding of a difference of two values.
    """
    gaps = np.diff(values)
    gaps = np.unique(gaps[gaps > rounding])
    if not len(gaps):
        return 0.0
    # Values on a finer grid would not repeat.
    low, high = np.percentile(values, [25, 75])
    finest = max(float(high - low) / (n / TIED_SHARE), 4 * rounding)
    step = float(gaps[0])
    # Euclid's algorithm on all gaps at once.
    while step > finest:
        multiple = np.rint(gaps / step)
        allowed = rounding * (1.0 + multiple)
        rest = np.abs(gaps - multiple * step)
        rest = rest[rest > allowed]
        if not len(rest):
            # Gaps of very many steps are multiples of any step, up to rounding.
            told = np.count_nonzero(allowed < 0.25 * step)
            return _refined(step, values) if 2 * told > len(gaps) else None
        step = float(rest.min())
    return None


def _refined(step: float, values: Floats) -> float:
    """Return a step with the relative error of the whole range of its multiples."""
    # Each distance tells the number of steps in one that is a few times as long.
    places = np.unique(np.geomspace(1, len(values) - 1, 60).astype(np.int64))
    for at in places.tolist():
        reach = float(values[at] - values[0])
        step = reach / max(1.0, float(np.rint(reach / step)))
    return step
