"""P-values of many tests, corrected for their number."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice
from fastmi._reading import read_array

Floats: TypeAlias = NDArray[np.float64]

#: Names of the corrections of :func:`q_values`.
FDR = ("bh", "by")

# A number of nats that stands for infinity, and whose square is finite.
_HUGE = 1e100
# A deviation below this, in nats, is rounding.
_LEVEL = 1e-12
# Values closer than this, in deviations, differ only by the order of summation.
_ROUNDING = 1e-9


def q_values(p: object, method: str = "bh") -> Floats:
    """Return the q-values of many p-values: the smallest false discovery rate that admits each.

    To call all tests with q <= 0.05 dependent makes, on average, at most 5 % false calls. "bh"
    holds that for independent tests, and for such that depend positively (Benjamini and Hochberg
    1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x); "by" for tests that depend in any
    way, at a price of the factor 1 + 1/2 + ... + 1/m (Benjamini and Yekutieli 2001,
    https://doi.org/10.1214/aos/1013699998).

    Args:
        p: P-values, of any shape; NaN stands for no test. Every entry counts as one, so of a
            symmetric matrix take one triangle.
        method: "bh" or "by".

    Returns:
        Array of the same shape; NaN where `p` is.

    Raises:
        TypeError: `p` is not numeric, or `method` no string.
        ValueError: A p-value outside of [0, 1]; unknown `method`.
    """
    check_choice("method", method, FDR)
    given = read_array(p, "p")
    if given.dtype.kind not in "biuf":
        raise TypeError(f"p must be numbers; got dtype {given.dtype}")
    values = given.astype(np.float64)
    tested = ~np.isnan(values)
    outside = tested & ~((values >= 0.0) & (values <= 1.0))
    if outside.any():
        raise ValueError(f"p must be in [0, 1] or NaN; got {values[outside][0]}")
    own = values[tested]
    m = len(own)
    order = np.argsort(own, kind="stable")
    factor = float((1.0 / np.arange(1, m + 1)).sum()) if method == "by" else 1.0
    raised = factor * own[order] * m / np.arange(1, m + 1)
    # A larger p-value never has a smaller q-value.
    lowest = np.minimum.accumulate(raised[::-1])[::-1]
    corrected = np.empty(m)
    corrected[order] = np.minimum(lowest, 1.0)
    q = np.full(values.shape, np.nan)
    q[tested] = corrected
    return q


class LargestStatistic:
    """Counts how often the largest of many statistics of a surrogate reaches each observed one.

    The p-values are those of the step-down method of Westfall and Young (1993): each statistic is
    compared with the largest of those that are not above it, so that the probability of any false
    call is at most the level, whatever the tests have to do with one another.

    Statistics are taken in deviations of their own null distribution, because they scatter
    differently.

    Args:
        observed: The statistics, shape (m,).
        mean: Mean of each under the null hypothesis, shape (m,).
        deviation: Its standard deviation, shape (m,).
    """

    def __init__(self, observed: Floats, mean: Floats, deviation: Floats) -> None:
        self._mean = mean
        self._deviation = deviation
        scaled = self._scaled(observed)
        self._falling = np.argsort(-scaled, kind="stable")
        self._observed = scaled[self._falling]
        self._reached = np.zeros(len(observed), dtype=np.int64)
        self._count = 0

    def add(self, surrogates: Floats) -> None:
        """Count the statistics of surrogates, shape (s, m)."""
        scaled = self._scaled(surrogates)[:, self._falling]
        largest = np.maximum.accumulate(scaled[:, ::-1], axis=1)[:, ::-1]
        slack = _ROUNDING * np.maximum(1.0, np.abs(self._observed))
        self._reached += (largest >= self._observed - slack).sum(axis=0)
        self._count += len(surrogates)

    def p_values(self) -> Floats:
        """Return the corrected p-values, shape (m,)."""
        raw = (1.0 + self._reached) / (1.0 + self._count)
        p = np.empty(len(raw))
        p[self._falling] = np.maximum.accumulate(raw)
        return p

    def _scaled(self, values: Floats) -> Floats:
        # Infinite values are the limit of large ones, beside which the others are equal.
        bounded = np.clip(values, -_HUGE, _HUGE)
        differ = self._deviation > _LEVEL
        found: Floats = np.where(differ, bounded - self._mean, 0.0) / np.where(
            differ, self._deviation, 1.0
        )
        return found
