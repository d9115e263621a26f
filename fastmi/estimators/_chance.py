"""What chance makes of the discrete information of two variables that are independent."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi.ops.digamma import digamma

Floats: TypeAlias = NDArray[np.float64]

# Expected number of samples of a pair of symbols from which two terms of a series give what the sum
# over all numbers does, to 1e-6 nats in all of the pairs together.
_MANY = 50.0
# Standard deviations, and numbers, that the sum reaches beyond the expected number.
_REACH, _MORE = 9.0, 12.0


# Number of samples of a symbol above which G is taken without its part of alternating sign. In a
# table of two classes by two all four numbers are even or all are odd, and that part moves the
# information by 4/n from one table to the next: half of its scatter for independent variables.
# Its mean over neighbouring numbers is 0, so that only small ones need it against their bias.
_ALTERNATING = 8


def smooth_grassberger(count: NDArray[np.int64]) -> Floats:
    """Return Grassberger's G of each number of samples, without parity where there are many.

    It is G of :class:`fastmi.DiscreteEntropy` up to 8 samples, and psi beyond.
    """
    half = count // 2
    few: Floats = 2.0 * digamma(2 * half + 1) - digamma(half + 1) - math.log(2.0)
    return np.where(count > _ALTERNATING, digamma(count), few)


def _sum(count: NDArray[Any]) -> Floats:
    """Return n_s G(n_s) of each number of samples."""
    found: Floats = count * smooth_grassberger(count.astype(np.int64))
    return found


def chance_information(x: NDArray[np.intp], y: NDArray[np.intp]) -> float:
    """Return the mean over all reorderings of the information by smooth Grassberger entropies.

    The number of samples of each pair of symbols is hypergeometric, as for the adjusted mutual
    information of Vinh, Epps and Bailey (2010, JMLR 11), which takes the uncorrected entropies.

    Args:
        x: Numbers of samples of the symbols of x, each at least 1.
        y: Those of y, with the same sum.
    """
    n = int(x.sum())
    margins = float(_sum(x).sum())
    margins += float(_sum(y).sum())
    rest = n - max(int(x.max()), int(y.max()))
    if min(int(x.min()) * int(y.min()) / n, rest) >= _MANY:
        joint = float(_series(x[:, np.newaxis], y, n)[0].sum())
        return math.log(n) + (joint - margins) / n
    own, own_times = np.unique(x, return_counts=True)
    other, other_times = np.unique(y, return_counts=True)
    a, b = (each.ravel() for each in np.meshgrid(own, other, indexing="ij"))
    times = np.outer(own_times, other_times).ravel().astype(np.float64)
    joint = float(_expected(a.astype(np.int64), b.astype(np.int64), n) @ times)
    return math.log(n) + (joint - margins) / n


def _series(a: NDArray[np.intp], b: NDArray[np.intp], n: int) -> tuple[Floats, Floats, Floats]:
    """Return two terms of the expected m G(m) of :func:`_expected`, and mean and variance of m."""
    mean = a * (b / n)
    variance = mean * ((1.0 - a / n) * (1.0 - b / n) * (n / max(n - 1, 1)))
    # For a Poisson number, whose variance is its mean, it would be mean log(mean).
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = mean * np.log(mean) - 0.5 * (1.0 - variance / mean)
    return found, mean, variance


def _expected(a: NDArray[np.int64], b: NDArray[np.int64], n: int) -> Floats:
    """Return the expected m G(m) of the hypergeometric number m of samples of pairs of symbols.

    Args:
        a: Numbers of samples of the symbol of x.
        b: Those of the symbol of y.
        n: Number of all samples.
    """
    found, mean, variance = _series(a, b, n)
    spread = np.sqrt(np.maximum(variance, 0.0))
    # Where the number hardly varies at all, the series does not hold.
    few = np.flatnonzero((mean < _MANY) | (n - a < _MANY) | (n - b < _MANY))
    if not len(few):
        return found
    reach = _REACH * spread[few] + _MORE
    low = np.maximum(np.maximum(1, a[few] + b[few] - n), np.floor(mean[few] - reach)).astype(int)
    high = np.minimum(np.minimum(a[few], b[few]), np.ceil(mean[few] + reach)).astype(int)
    lengths = np.maximum(high - low + 1, 0)
    ends = np.cumsum(lengths)
    number = np.repeat(np.arange(len(few)), lengths)
    m = np.arange(int(ends[-1])) - np.repeat(ends - lengths, lengths) + np.repeat(low, lengths)
    of_a, of_b = a[few][number], b[few][number]
    log = _log_factorials(n)
    chance = np.exp(
        (log[of_a] + log[n - of_a] - log[n])
        + (log[of_b] + log[n - of_b])
        - (log[m] + log[of_a - m] + log[of_b - m] + log[n - of_a - of_b + m])
    )
    found[few] = np.bincount(number, chance * _sum(m), len(few))
    return found


@lru_cache(maxsize=4)
def _log_factorials(n: int) -> Floats:
    """Return log(m!) of m = 0 to n."""
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1.0, n + 1.0)))))
