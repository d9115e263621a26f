"""Whether the order of the rows carries information, as in time series, and how much.

A permutation test takes the rows as exchangeable. Under independence the covariance of f(x) and
g(y) over n rows has ``1 + 2 sum_l rho_f(l) rho_g(l)`` times the variance that it has where the rows
are independent, with the autocorrelations rho at lag l (Bartlett 1935,
https://doi.org/10.2307/2342284). It takes both series to inflate it, so that the functions here
look at products of autocorrelations, of f and g among the rank and the distance of the rank from
its middle. The second sees series whose spread is autocorrelated and whose values are not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host
from fastmi._cautions import Caution
from fastmi.normalize import average_ranks

Array = NDArray[Any]
Floats = NDArray[np.float64]

#: Smallest inflation that is warned of: a nominal level of 5 % is 8 % for a correlation then.
INFLATED = 1.25
# With fewer effective rows rotations and blocks do not hold their level either, since a trend or a
# random walk cannot be told from a slow series; bench/bench_rejections.py measures it.
_LEAST_EFFECTIVE = 25
# Two trends raise the rejection rates of rotations from about this value of n times the product of
# the shares of the variance that they explain.
_TREND_SHARE = 10.0
# Standard errors of a trend that is taken as one.
_TREND_SIZE = 4.0
# Independent rows are taken for a series in at most one of this many calls.
_ONE_IN = 100.0
# Below this number of rows no order can be told from chance.
_LEAST_ROWS = 16
_FEATURES = 2


class Serial(NamedTuple):
    """The order of the rows of one block.

    Attributes:
        features: Rank and distance from the middle rank of each column, less their means and of
            unit length, zero where they are constant, shape (2 d, n).
        correlations: Their autocorrelations at lags 1 to n // 4, shape (2 d, n // 4).
        ordered: Whether these exceed chance, shape (2 d,).
    """

    features: Floats
    correlations: Floats
    ordered: NDArray[np.bool_]


class RowOrder(NamedTuple):
    """What the order of the rows does to a test of two blocks.

    Attributes:
        n: Number of rows.
        inflation: Largest factor by which it raises a variance; 1 where it may be chance.
        trend: Whether both blocks have a trend.
    """

    n: int
    inflation: float
    trend: bool

    @property
    def effective(self) -> int:
        """Number of independent rows that would scatter as much."""
        return max(1, round(self.n / self.inflation))

    @property
    def matters(self) -> bool:
        """Whether a test that takes the rows as exchangeable rejects too often."""
        return self.inflation > INFLATED


def serial(block: Array, condition: Array | None = None) -> Serial:
    """Return the order of the rows of a block, less what is linear in the ranks of a condition."""
    features = _features(host(block))
    if condition is not None:
        given = _features(host(condition)).T
        features = features - (given @ np.linalg.lstsq(given, features.T, rcond=None)[0]).T
    features = _unit(features)
    correlations = autocorrelations(features, features.shape[1] // 4)
    return Serial(features, correlations, _ordered(correlations, features.shape[1]))


def autocorrelations(features: Floats, lags: int) -> Floats:
    """Return the autocorrelations at lags 1 to `lags` of rows of mean 0 and unit length."""
    n = features.shape[1]
    length = 1 << (n + lags).bit_length()
    found = np.empty((len(features), lags))
    for row, feature in enumerate(features):
        spectrum = np.fft.rfft(feature, length)
        found[row] = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, length)[1 : lags + 1]
    return found


def inflations(first: Serial, second: Serial) -> Floats:
    """Return by how much the order of rows raises a variance, for each pair of columns.

    Both must be autocorrelated beyond chance, because a shuffle of independent rows against a
    series is exact. Beyond that, the sum of the products of autocorrelations is compared with its
    mean and deviation where the rows are exchangeable: the autocorrelations of f and g at one lag
    are then close to normal with variance 1 / n and correlation c^2, where c is the correlation of
    f and g in the same row. Sums of their products exceed the limit below with a probability that
    Laurent and Massart (2000, https://doi.org/10.1214/aos/1015957395, lemma 1) bound.

    Returns:
        Shape (dx, dy); 1 where the sum may be chance.
    """
    n, lags = first.features.shape[1], first.correlations.shape[1]
    shape = (len(first.features) // _FEATURES, len(second.features) // _FEATURES)
    same = (first.features @ second.features.T) ** 2
    # The sums of autocorrelations already have the weights 1 - l / n of a finite series.
    weights = 1.0 - np.arange(1, lags + 1) / n
    excess = first.correlations @ second.correlations.T - same * weights.sum() / n
    deviation = np.sqrt((1.0 + same**2) * (weights**2).sum()) / n
    rarity = math.log(_ONE_IN * excess.size)
    beyond = math.sqrt(2.0 * rarity) * deviation + (1.0 + same) * rarity / n
    excess[excess < beyond] = 0.0
    excess *= np.outer(first.ordered, second.ordered)
    by_column = excess.reshape(shape[0], _FEATURES, shape[1], _FEATURES).max(axis=(1, 3))
    found: Floats = 1.0 + 2.0 * by_column
    return found


def row_order(blocks: Sequence[Array]) -> RowOrder:
    """Return what the order of the rows does to a test of x and y, given z if there is one.

    Args:
        blocks: x and y, or x, y and z, from :func:`fastmi._inputs.as_blocks`.
    """
    condition = blocks[2] if len(blocks) > 2 else None
    x, y = (serial(block, condition) for block in blocks[:2])
    n = len(blocks[0])
    inflation = float(inflations(x, y).max())
    trend = inflation > 1.0 and n * _trend(x) * _trend(y) > _TREND_SHARE
    return RowOrder(n, inflation, trend)


def scheme_cautions(scheme: str, blocks: Sequence[Array]) -> tuple[Caution, ...]:
    """Return why the p-value of a permutation test may be too small for the order of its rows."""
    order = row_order(blocks)
    if not order.matters:
        return _slow_condition(blocks) if scheme == "local" else ()
    given = ", beyond what z explains," if len(blocks) > 2 else ""
    like = f"scatter like {order.effective} independent ones of n={order.n}"
    if scheme == "shuffle":
        text = (
            f"rows that follow each other are alike in x and in y{given} as in time series: they "
            f"{like}, and shuffled rows do not, so that the p-value is too small. If the rows are "
            "a time series, use scheme='circular' (or 'block'); if independent rows were sorted "
            "afterwards, the p-value is right"
        )
        return (Caution(text, "autocorrelation"),)
    if scheme not in ("circular", "block"):
        text = (
            f"rows that follow each other are alike in x and in y{given} as in time series: they "
            f"{like}, and exchanged rows do not, so that the p-value is too small. If the rows are "
            "a time series, add the past of x or of y to z, or use scheme='circular' if x does not "
            "depend on z; if independent rows were sorted afterwards, the p-value is right"
        )
        return (Caution(text, "autocorrelation"),)
    if order.effective >= _LEAST_EFFECTIVE and not order.trend:
        return ()
    cause = (
        "x and y both have a trend"
        if order.trend
        else f"x and y change so slowly{given} that the rows {like}, as those of random walks do"
    )
    text = (
        f"{cause}: scheme={scheme!r} takes series as stationary, and the p-value may be too small; "
        "test differences, take the trend out, or use a longer series"
    )
    return (Caution(text, "trend"),)


def _slow_condition(blocks: Sequence[Array]) -> tuple[Caution, ...]:
    """Return why exchanges among rows of similar z reject too often if x and z are slow series."""
    order = row_order([blocks[0], blocks[2]])
    if not order.matters or order.effective >= _LEAST_EFFECTIVE:
        return ()
    text = (
        f"x and z change so slowly that their rows scatter like {order.effective} independent ones "
        f"of n={order.n}: exchanged rows lose what x and z share by chance, and the p-value is too "
        "small; use scheme='circular' if x does not depend on z, or a longer series"
    )
    return (Caution(text, "autocorrelation"),)


def pair_cautions(
    blocks: Sequence[Array], pairs: NDArray[np.int64]
) -> dict[int, tuple[Caution, ...]]:
    """Return why shuffles of a pair of columns give too small a p-value, by number of the pair.

    Args:
        blocks: The columns, in one block for both places or one for each.
        pairs: Columns of each pair, in the first and in the last block, shape (p, 2).
    """
    order = [serial(block) for block in blocks]
    factors = inflations(order[0], order[-1])[pairs[:, 0], pairs[:, 1]]
    n = len(blocks[0])
    return {
        pair: (
            Caution(
                "rows that follow each other are alike in both columns, as in time series: they "
                f"scatter like {n / factors[pair]:.0f} independent ones of n={n}, and shuffled "
                "rows do not, so that the p-value is too small; use permutation_test with "
                "scheme='circular', unless independent rows were sorted afterwards",
                "autocorrelation",
            ),
        )
        for pair in np.flatnonzero(factors > INFLATED).tolist()
    }


def run_inflation(local: Floats, length: int = 1) -> float:
    """Return the variance of the mean of local values over the one that runs of them show.

    Args:
        local: Local values in the order of the samples, shape (n,).
        length: Number of samples in each run, within which the order is seen.

    Returns:
        1 where the autocorrelation of the local values may be chance, or they are infinite.
    """
    if not np.isfinite(local).all():
        return 1.0
    n = len(local)
    lags = math.isqrt(n)
    features = _unit((local - local.mean())[np.newaxis])
    if n < _LEAST_ROWS:
        return 1.0
    correlations = autocorrelations(features, lags)[0]
    if correlations.sum() < 4.0 * math.sqrt(lags / n):
        return 1.0
    seen = np.maximum(1.0 - np.arange(1, lags + 1) / length, 0.0)
    whole = 1.0 + 2.0 * float(correlations.sum())
    return whole / max(1.0 + 2.0 * float(correlations @ seen), 1.0)


def _features(block: Array) -> Floats:
    n, d = block.shape
    found = np.empty((d, _FEATURES, n))
    for column in range(d):
        rank = average_ranks(block[:, column]) - (n + 1) / 2
        found[column] = rank, np.abs(rank)
    found -= found.mean(axis=2, keepdims=True)
    return found.reshape(_FEATURES * d, n)


def _ordered(correlations: Floats, n: int) -> NDArray[np.bool_]:
    """Return which rows of autocorrelations have too large a sum of squares over their first lags.

    Of independent rows, n times the sum over m lags is close to chi-squared with m degrees of
    freedom; the limit is the bound of Laurent and Massart. The numbers m grow fourfold, so that
    few lags that matter are not lost among many.
    """
    features, lags = correlations.shape
    if n < _LEAST_ROWS:
        return np.zeros(features, dtype=bool)
    squares = n * np.cumsum(correlations**2, axis=1)
    numbers = 4 ** np.arange(1 + int(math.log(lags, 4)))
    rarity = math.log(_ONE_IN * features * len(numbers))
    most = numbers + 2.0 * np.sqrt(numbers * rarity) + 2.0 * rarity
    most[0] = 2.0 * rarity  # the tail of a single normal is known
    found: NDArray[np.bool_] = (squares[:, numbers - 1] > most).any(axis=1)
    return found


def _unit(features: Floats) -> Floats:
    """Return rows of unit length; those that are constant up to rounding become zero."""
    n = features.shape[1]
    lengths = np.sqrt((features**2).sum(axis=1, keepdims=True))
    varies = lengths > 1e-9 * n**1.5
    scaled: Floats = np.where(varies, features, 0.0) / np.where(varies, lengths, 1.0)
    return scaled


def _trend(of: Serial) -> float:
    """Return the largest share of a column's variance that a trend explains, 0 if none does.

    The error of a slope takes the autocorrelation of the rest into account, up to the lag where it
    first vanishes.
    """
    ranks = of.features[::_FEATURES]
    n = ranks.shape[1]
    time = np.arange(n) - (n - 1) / 2
    time /= math.sqrt(time @ time)
    slopes = ranks @ time
    rest = ranks - slopes[:, np.newaxis] * time
    correlations = autocorrelations(_unit(rest), n // 4)
    positive = np.logical_and.accumulate(correlations > 0, axis=1)
    spread = (1.0 + 2.0 * (correlations * positive).sum(axis=1)) / n
    shares = slopes**2
    found = shares[shares > _TREND_SIZE**2 * spread]
    return float(found.max(initial=0.0))
