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

A column is constant if its standard deviation is at most two epsilons of float64, 4.4e-16, times
its largest magnitude, which rounding reaches, and its values are not all whole numbers, which are
exact. Such a column contributes to no scale, and `local` leaves it as it is.
Columns that are nearly, but not quite, constant are amplified by `local`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._cautions import Caution, say
from fastmi._checks import check_choice
from fastmi._inputs import as_samples
from fastmi._spread import Spread, extent, near_origin, spread

__all__ = ["copula", "global_", "global_corrected", "global_linf", "local", "rank"]

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Notes: TypeAlias = tuple[Caution, ...]
# A function from a block and its name to the new block and what speaks against it.
Method: TypeAlias = Callable[[Array, str], tuple[Array, Notes]]

# Standard deviations that the rounding of quotients may reach before there is a warning.
_LOST = 1e-4


def local(x: object, *, center: bool = False) -> Array:
    """Divide each column by its standard deviation.

    Args:
        x: Samples, shape (n, d) or (n,), n >= 2.
        center: Also subtract the mean of each column.

    Returns:
        Shape (n, d), dtype of the samples.

    Warns:
        RuntimeWarning: Every column is constant; they are left unscaled.
        EstimateWarning: A column varies no more than its rounding, or lies so far from the origin
            that its quotients round.

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
        EstimateWarning: A column varies no more than its rounding, or lies so far from the origin
            that its quotients round.

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
        EstimateWarning: A column varies no more than its rounding, or lies so far from the origin
            that its quotients round.

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
        EstimateWarning: A column varies no more than its rounding, or lies so far from the origin
            that its quotients round.

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

    Columns that vary little beside their distance from the origin are brought near to it, where
    their quotients do not round away what they tell. Only what depends on differences of samples,
    or on their ranks, can be estimated from the result.

    Args:
        blocks: Arrays from :func:`fastmi._inputs.as_blocks`.
        names: What to call them in messages.
        normalize: "local", "global", "global-linf", "global-corrected", "rank" or "copula".

    Returns:
        The new blocks, and warnings of those whose columns are all constant, and of columns
        that are constant up to rounding.

    Raises:
        ValueError: Fewer than two samples; a constant column too large for its block's scale.
    """
    done = []
    found: list[Caution] = []
    for block, name in zip(blocks, names, strict=True):
        scaled, notes = METHODS[normalize](host(block), name)
        done.append(like(block, scaled))
        found += notes
    return done, tuple(found)


def rounding_notes(of: Spread, name: str) -> Notes:
    """Return a caution if columns of a block are constant up to rounding, and not exactly."""
    if not len(of.rounded):
        return ()
    text = (
        f"columns {_listed(of.rounded)} of {name} vary by no more than the rounding of values of "
        "their size, and are taken as constant"
    )
    return (Caution(text, "rounding"),)


def average_ranks(values: Array) -> Floats:
    """Return the ranks 1 to n of `values`, shape (n,); ties share the mean of their ranks."""
    n = len(values)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    ranks = np.empty(n)
    rises = ordered[1:] != ordered[:-1]
    if rises.all():
        ranks[order] = np.arange(1.0, n + 1.0)
        return ranks
    first = np.flatnonzero(np.concatenate(([True], rises)))
    last = np.append(first[1:], n)
    ranks[order] = np.repeat(0.5 * (first + 1 + last), last - first)
    return ranks


# Mantissa and exponent, shape (d,) or (), so that squares and sums neither overflow nor vanish.
_Scale: TypeAlias = tuple[Floats, NDArray[np.int64]]


def _local_scale(of: Spread) -> _Scale:
    return (
        np.where(of.varies, of.sd, 1.0),
        np.where(of.varies, of.exponent, 0),
    )


def _global_scale(of: Spread) -> _Scale:
    exponent = of.exponent[of.varies].max()
    sd = np.ldexp(of.sd[of.varies], of.exponent[of.varies] - exponent)
    return np.sqrt(np.sum(sd**2)), exponent


def _corrected_scale(of: Spread) -> _Scale:
    scale, exponent = _global_scale(of)
    return scale / math.sqrt(len(of.sd)), exponent


def _linf_scale(of: Spread) -> _Scale:
    exponent = of.exponent[of.varies].max()
    deviation = np.ldexp(of.deviation[:, of.varies], of.exponent[of.varies] - exponent)
    return np.abs(deviation).max(axis=1).mean(), exponent


def _scaled(
    block: Array,
    name: str,
    scale: Callable[[Spread], _Scale],
    *,
    center: bool = False,
    near: bool = False,
) -> tuple[Array, Notes]:
    """Return the block over its scale, and what speaks against it.

    Args:
        block: Shape (n, d).
        name: What to call it in messages.
        scale: Function that returns what to divide by.
        center: Subtract the mean of each column.
        near: Bring columns far from the origin near to it.
    """
    _check_length(block, name)
    of = spread(block)
    notes = _constant_notes(not of.varies.any(), name) + rounding_notes(of, name)
    if center:
        moved = np.ldexp(of.deviation, of.exponent)
    else:
        moved = (near_origin(block) if near else block).astype(np.float64)
        if not near:
            notes += _far_notes(block, of, name)
    if of.varies.any():
        mantissa, exponent = scale(of)
        # A constant column may overflow, which is refused below.
        with np.errstate(over="ignore"):
            moved = np.ldexp(moved, -exponent) / mantissa
    with np.errstate(over="ignore"):
        result = moved.astype(block.dtype, copy=False)
    if np.abs(result).max() > np.finfo(block.dtype).max / 2:
        raise ValueError(
            f"{name} must not have constant columns that overflow when divided by the spread of "
            f"the others; got magnitude {np.abs(block).max():.3g}: drop or center them"
        )
    return result, notes


def _far_notes(block: Array, of: Spread, name: str) -> Notes:
    """Return a caution if quotients of columns far from the origin lose what their values tell."""
    ends = extent(block)
    rounding = float(np.finfo(block.dtype).eps) * ends.largest
    lost = of.varies & ends.far & (rounding > _LOST * of.deviations)
    if not lost.any():
        return ()
    text = (
        f"columns {_listed(np.flatnonzero(lost))} of {name} lie so far from the origin that their "
        f"quotients round by up to {(rounding / of.deviations)[lost].max():.2g} standard "
        "deviations: center=True rounds less"
    )
    return (Caution(text, "rounding"),)


def _listed(numbers: NDArray[np.intp]) -> str:
    return ", ".join(map(str, numbers))


def _ranks(block: Array, name: str) -> tuple[Array, Notes]:
    _check_length(block, name)
    n = len(block)
    ranks = np.column_stack([average_ranks(column) for column in block.T]) / (n + 1)
    notes = _constant_notes(bool((block == block[0]).all()), name)
    return ranks.astype(block.dtype, copy=False), notes


def _normal_scores(block: Array, name: str) -> tuple[Array, Notes]:
    # In float64, because float32 ranks would lose the tails.
    ranks, notes = _ranks(block.astype(np.float64, copy=False), name)
    # Ranks are halves or whole, and columns share most of them: each is inverted once.
    n = len(block)
    position = np.rint(2 * (n + 1) * ranks).astype(np.intp)
    scores = np.zeros(2 * n + 1)
    scores[2::2] = whole_scores(n)
    halves = np.unique(position[position % 2 == 1])
    scores[halves] = _inverted(0.5 * halves / (n + 1))
    return scores[position].astype(block.dtype, copy=False), notes


# Estimates that are repeated on samples of one size ask for the same scores again and again.
@lru_cache(maxsize=2)
def whole_scores(n: int) -> Floats:
    """Return the normal scores of the ranks 1 to n."""
    return _inverted(np.arange(1, n + 1) / (n + 1))


def _inverted(probabilities: Floats) -> Floats:
    from statistics import NormalDist

    return np.fromiter(map(NormalDist().inv_cdf, probabilities.tolist()), np.float64)


def _by(scale: Callable[[Spread], _Scale]) -> Method:
    return lambda block, name: _scaled(block, name, scale, near=True)


METHODS: dict[str, Method] = {
    "local": _by(_local_scale),
    "global": _by(_global_scale),
    "global-linf": _by(_linf_scale),
    "global-corrected": _by(_corrected_scale),
    "rank": _ranks,
    "copula": _normal_scores,
}


# Those that replace values by something made of their ranks.
RANKS = frozenset({"rank", "copula"})


def _rescale(x: object, scale: Callable[[Spread], _Scale], center: bool) -> Array:
    result, notes = _scaled(as_samples(x, "x"), "x", scale, center=bool(center))
    _warn_of(notes)
    return result


def _replace(x: object, method: Method) -> Array:
    result, notes = method(as_samples(x, "x"), "x")
    _warn_of(notes)
    return result


def _check_length(block: Array, name: str) -> None:
    if len(block) < 2:
        raise ValueError(f"{name} must have at least two samples to normalize; got n=1")


def _constant_notes(constant: bool, name: str) -> Notes:
    if not constant:
        return ()
    text = f"every column of {name} is constant: there is no scale to normalize"
    return (Caution(text, "constant"),)


def _warn_of(notes: Notes) -> None:
    for note in notes:
        if note.kind == "constant":
            warnings.warn(str(note), RuntimeWarning, stacklevel=4)
    say(note for note in notes if note.kind != "constant")
