"""P-values of permutation tests that stop as soon as they know enough."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

#: Surrogates at or above the estimate after which a sequential test stops. Its p-value, h / l, then
#: has a relative error of one in sqrt(h), and a pair with p = 0.5 takes about 2 h surrogates.
STOP_AT = 20

#: Values closer than this, relative to their size, differ only by the order of summation.
ROUNDING = 1e-12


class SequentialTests:
    """Tests that share one series of surrogates, each with a rule of its own to stop.

    A test stops at the surrogate l at which the h-th surrogate is at or above its estimate; its
    p-value is h / l. A test that has seen all N surrogates has (1 + b) / (1 + N), b of them at or
    above the estimate. Both are valid p-values: the probability of p <= a under the null
    hypothesis is at most a (Besag and Clifford 1991, https://doi.org/10.1093/biomet/78.2.301).

    When a test stops depends on its own estimate and on the surrogates in their order, and not on
    the other tests or on how many surrogates are drawn at once.

    Args:
        observed: The estimates, shape (m,); NaN for no test.
        most: N, the largest number of surrogates.
        stop_at: h, or 0 to see all surrogates.
    """

    def __init__(self, observed: Floats, most: int, stop_at: int) -> None:
        finite = np.isfinite(observed)
        slack = np.where(finite, ROUNDING * np.maximum(1.0, np.abs(observed)), 0.0)
        with np.errstate(invalid="ignore"):
            self._least = np.where(finite, observed - slack, observed)
        self._most = most
        self._stop_at = stop_at
        self._reached = np.zeros(len(observed), dtype=np.int64)
        self._seen = np.zeros(len(observed), dtype=np.int64)
        self._p = np.full(len(observed), np.nan)
        self._active = np.flatnonzero(~np.isnan(observed))
        self._drawn = 0

    @property
    def done(self) -> bool:
        """Whether no test needs another surrogate."""
        return len(self._active) == 0 or self._drawn >= self._most

    @property
    def seen(self) -> NDArray[np.int64]:
        """Number of surrogates that each test has used, shape (m,)."""
        return self._seen

    @property
    def reached(self) -> NDArray[np.int64]:
        """Number of surrogates used that were at or above each estimate, shape (m,)."""
        return self._reached

    def add(self, surrogates: Floats) -> None:
        """Take the next surrogates, shape (s,)."""
        surrogates = surrogates[: self._most - self._drawn]
        active = self._active
        if not len(active) or not len(surrogates):
            return
        counts = np.cumsum(surrogates[None, :] >= self._least[active, None], axis=1)
        total = counts[:, -1]
        before = self._reached[active]
        stops = (
            before + total >= self._stop_at if self._stop_at else np.zeros(len(active), dtype=bool)
        )
        if stops.any():
            needed = self._stop_at - before[stops]
            place = (counts[stops] < needed[:, None]).sum(axis=1)
            ended = active[stops]
            self._seen[ended] = self._drawn + place + 1
            self._p[ended] = self._stop_at / self._seen[ended]
            self._reached[ended] = self._stop_at
        left = active[~stops]
        self._reached[left] += total[~stops]
        self._seen[left] += len(surrogates)
        self._drawn += len(surrogates)
        self._active = left

    def p_values(self) -> Floats:
        """Return the p-values, shape (m,), NaN where there was no test."""
        found: Floats = self._p.copy()
        left = self._active
        found[left] = (1.0 + self._reached[left]) / (1.0 + self._seen[left])
        return found
