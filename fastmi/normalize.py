"""Puts the columns of a sample on a common scale, for estimates that measure distances.

Each function takes samples of shape (n, d) or (n,) and returns a new array of shape (n, d) in
their dtype. Statistics are those of the sample (divisor n), taken in float64. The first four keep
the origin unless `center` asks to subtract the mean: nearest-neighbour estimates do not depend on
the origin, networks do.

=================== =====================================================================
`local`             every column by its own standard deviation
`global_`           all columns by the root of the summed variances
`global_linf`       all columns by the mean of the largest deviation in a row
`global_corrected`  `global_` times sqrt(d): the columns have variance 1 on average
`rank`              every column by its ranks, evenly in (0, 1)
`copula`            every column by its ranks, as a standard normal
=================== =====================================================================

The first four are invariant to x -> a x, a > 0, bit for bit if a is a power of two. With one
column `local`, `global_` and `global_corrected` agree. Copies of all the columns leave the
maximum-norm distances of all but `global_` as they were; those of `global_` shrink by the root
of the number of copies. The last two are invariant to every increasing map of a column.

A column is constant if its standard deviation is at most 1e-14 of its largest magnitude.
Such a column contributes to no scale, and `local` leaves it as it is. Columns that are nearly, but
not quite, constant are amplified by `local`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._cautions import Caution
from fastmi._checks import check_choice
from fastmi._inputs import as_samples

__all__ = ["copula", "global_", "global_corrected", "global_linf", "local", "rank"]

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

#: Standard deviation over largest magnitude at which a column is rounding noise.
CONSTANT = 1e-14


def local(x: object, *, center: bool = False) -> Array:
    """Divide each column by its standard deviation.

    Args:
        x: Samples, shape (n, d) or (n,), n >= 2.
        center: Also subtract the mean of each column.

    Returns:
        Shape (n, d), dtype of the samples.

    Warns:
        RuntimeWarning: Every column is constant; they are left unscaled.

    Raises:
        TypeError: Samples that are not real numbers.
        ValueError: Samples of wrong shape, not finite, or fewer than two.
    """
    return _rescale(x, _local_scale, center)


def global_(x: object, *, center: bool = False) -> Array:
    """Divide by the root mean square Euclidean distance from the mean, sqrt(sum_j var_j).

    Args:
        x: Samples, shape (n, d) or (n,), n >= 2.
        center: Also subtract the mean of each column.

    Returns:
        Shape (n, d), dtype of the samples.

    Warns:
        RuntimeWarning: Every column is constant; they are left unscaled.

    Raises:
        TypeError: Samples that are not real numbers.
        ValueError: Samples of wrong shape, not finite, or fewer than two; a constant column
            too large to be divided by the spread of the others.
    """
    return _rescale(x, _global_scale, center)


def global_linf(x: object, *, center: bool = False) -> Array:
    """Divide by the mean over samples of the maximum-norm distance from the mean.

    For one column this distance is the mean absolute deviation.

    Args:
        x: Samples, shape (n, d) or (n,), n >= 2.
        center: Also subtract the mean of each column.

    Returns:
        Shape (n, d), dtype of the samples.

    Warns:
        RuntimeWarning: Every column is constant; they are left unscaled.

    Raises:
        TypeError: Samples that are not real numbers.
        ValueError: Samples of wrong shape, not finite, or fewer than two; a constant column
            too large to be divided by the spread of the others.
    """
    return _rescale(x, _linf_scale, center)


def global_corrected(x: object, *, center: bool = False) -> Array:
    """Divide by the root of the mean variance of the columns: sqrt(d) times `global_`.

    Args:
        x: Samples, shape (n, d) or (n,), n >= 2.
        center: Also subtract the mean of each column.

    Returns:
        Shape (n, d), dtype of the samples.

    Warns:
        RuntimeWarning: Every column is constant; they are left unscaled.

    Raises:
        TypeError: Samples that are not real numbers.
        ValueError: Samples of wrong shape, not finite, or fewer than two; a constant column
            too large to be divided by the spread of the others.
    """
    return _rescale(x, _corrected_scale, center)


def rank(x: object) -> Array:
    """Replace each value by its rank in the column over n + 1; ties share their mean rank.

    Ranks are equally spaced, so that distances between them tie; KSG then comes out a few
    hundredths of a nat higher than without ties. Values of :func:`copula` are not equally spaced.

    Args:
        x: Samples, shape (n, d) or (n,), n >= 2.

    Returns:
        Shape (n, d), in (0, 1), dtype of the samples.

    Warns:
        RuntimeWarning: Every column is constant.

    Raises:
        TypeError: Samples that are not real numbers.
        ValueError: Samples of wrong shape, not finite, or fewer than two.
    """
    return _replace(x, _ranks)


def copula(x: object) -> Array:
    """Replace each value by its normal score, Phi^-1(rank / (n + 1)); ties share their rank.

    The margins become standard normal whatever they were; the copula, and so the mutual
    information between single columns, is kept.

    Args:
        x: Samples, shape (n, d) or (n,), n >= 2.

    Returns:
        Shape (n, d), dtype of the samples.

    Warns:
        RuntimeWarning: Every column is constant.

    Raises:
        TypeError: Samples that are not real numbers.
        ValueError: Samples of wrong shape, not finite, or fewer than two.
    """
    return _replace(x, _normal_scores)


def check_normalize(normalize: object) -> None:
    """Raise ValueError unless `normalize` is None or the name of a map, see `normalize_blocks`."""
    if normalize is not None:
        check_choice("normalize", normalize, METHODS)


def normalize_blocks(
    blocks: Sequence[Array], names: Sequence[str], normalize: str
) -> tuple[list[Array], tuple[Caution, ...]]:
    """Normalise each block by itself, on the host, so that every device gets the same bits.

    Args:
        blocks: Arrays from :func:`fastmi._inputs.as_blocks`.
        names: What to call them in messages.
        normalize: "local", "global", "global-linf", "global-corrected", "rank" or "copula".

    Returns:
        The new blocks, and one warning for each block whose columns are all constant.

    Raises:
        ValueError: Fewer than two samples; a constant column too large for its block's scale.
    """
    done = []
    found = []
    for block, name in zip(blocks, names, strict=True):
        scaled, constant = METHODS[normalize](host(block), name)
        done.append(like(block, scaled))
        if constant:
            found.append(Caution(_constant_text(name), "constant"))
    return done, tuple(found)


def average_ranks(values: Array) -> Floats:
    """Return the ranks 1 to n of `values`, shape (n,); ties share the mean of their ranks."""
    n = len(values)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    last = np.append(first[1:], n)
    ranks = np.empty(n)
    ranks[order] = np.repeat(0.5 * (first + 1 + last), last - first)
    return ranks


class _Spread(NamedTuple):
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


# Mantissa and exponent, shape (d,) or (), so that squares and sums neither overflow nor vanish.
_Scale: TypeAlias = tuple[Floats, NDArray[np.int64]]


def _spread(block: Array) -> _Spread:
    wide = block.astype(np.float64)
    largest = np.abs(wide).max(axis=0)
    # Differences to the first sample, because the mean of columns far from the origin rounds.
    wide -= wide[0].copy()
    exponent = np.frexp(np.abs(wide).max(axis=0))[1].astype(np.int64)
    deviation = np.ldexp(wide, -exponent)
    deviation -= deviation.mean(axis=0)
    sd = np.sqrt(np.mean(deviation**2, axis=0))
    varies = np.ldexp(sd, exponent) > CONSTANT * largest
    return _Spread(deviation, exponent, sd, varies)


def _local_scale(spread: _Spread) -> _Scale:
    return (
        np.where(spread.varies, spread.sd, 1.0),
        np.where(spread.varies, spread.exponent, 0),
    )


def _global_scale(spread: _Spread) -> _Scale:
    exponent = spread.exponent[spread.varies].max()
    sd = np.ldexp(spread.sd, spread.exponent - exponent)[spread.varies]
    return np.sqrt(np.sum(sd**2)), exponent


def _corrected_scale(spread: _Spread) -> _Scale:
    scale, exponent = _global_scale(spread)
    return scale / math.sqrt(len(spread.sd)), exponent


def _linf_scale(spread: _Spread) -> _Scale:
    exponent = spread.exponent[spread.varies].max()
    deviation = np.ldexp(spread.deviation, spread.exponent - exponent)[:, spread.varies]
    return np.abs(deviation).max(axis=1).mean(), exponent


def _scaled(
    block: Array, name: str, scale: Callable[[_Spread], _Scale], center: bool = False
) -> tuple[Array, bool]:
    """Return the block over its scale, and whether every column is constant."""
    _check_length(block, name)
    spread = _spread(block)
    constant = not spread.varies.any()
    moved = block.astype(np.float64)
    if center:
        moved = np.ldexp(spread.deviation, spread.exponent)
    if not constant:
        mantissa, exponent = scale(spread)
        with np.errstate(over="ignore"):
            moved = np.ldexp(moved, -exponent) / mantissa
    with np.errstate(over="ignore"):
        result = moved.astype(block.dtype, copy=False)
    if np.abs(result).max() > np.finfo(block.dtype).max / 2:
        raise ValueError(
            f"{name} must not have constant columns that overflow when divided by the spread of "
            f"the others; got magnitude {np.abs(block).max():.3g}: drop or center them"
        )
    return result, constant


def _ranks(block: Array, name: str) -> tuple[Array, bool]:
    _check_length(block, name)
    n = len(block)
    ranks = np.column_stack([average_ranks(column) for column in block.T]) / (n + 1)
    constant = bool((block == block[0]).all())
    return ranks.astype(block.dtype, copy=False), constant


def _normal_scores(block: Array, name: str) -> tuple[Array, bool]:
    from statistics import NormalDist

    # In float64, because float32 ranks would lose the tails.
    ranks, constant = _ranks(block.astype(np.float64, copy=False), name)
    # Columns share most of their ranks, so that each distinct one is inverted once.
    values, position = np.unique(ranks, return_inverse=True)
    inverse = NormalDist().inv_cdf
    scores = np.fromiter(map(inverse, values.tolist()), np.float64, len(values))
    return scores[position].reshape(ranks.shape).astype(block.dtype, copy=False), constant


def _by(scale: Callable[[_Spread], _Scale]) -> Callable[[Array, str], tuple[Array, bool]]:
    return lambda block, name: _scaled(block, name, scale)


METHODS: dict[str, Callable[[Array, str], tuple[Array, bool]]] = {
    "local": _by(_local_scale),
    "global": _by(_global_scale),
    "global-linf": _by(_linf_scale),
    "global-corrected": _by(_corrected_scale),
    "rank": _ranks,
    "copula": _normal_scores,
}


# Those that replace values by something made of their ranks.
RANKS = frozenset({"rank", "copula"})


def _rescale(x: object, scale: Callable[[_Spread], _Scale], center: bool) -> Array:
    result, constant = _scaled(as_samples(x, "x"), "x", scale, bool(center))
    _warn_if(constant)
    return result


def _replace(x: object, method: Callable[[Array, str], tuple[Array, bool]]) -> Array:
    result, constant = method(as_samples(x, "x"), "x")
    _warn_if(constant)
    return result


def _check_length(block: Array, name: str) -> None:
    if len(block) < 2:
        raise ValueError(f"{name} must have at least two samples to normalize; got n=1")


def _constant_text(name: str) -> str:
    return f"every column of {name} is constant: there is no scale to normalize"


def _warn_if(constant: bool) -> None:
    if constant:
        warnings.warn(_constant_text("x"), RuntimeWarning, stacklevel=4)
