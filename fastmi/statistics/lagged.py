"""The result of :func:`fastmi.lagged_mi`: estimates by lag, their test, and its band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import check_integer, check_real
from fastmi._estimate import Estimate, number_of
from fastmi._results import Table
from fastmi.statistics.permutation import p_value

Floats = NDArray[np.float64]

# A number of nats that stands for infinity, and whose square is finite.
_HUGE = 1e100
# Deviations of surrogates that are rounding.
_NOTHING = 1e-12
_ALPHA = 0.05
# Lags of a table that a message lists in full.
_LISTED = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class LaggedMI(Table):
    """Mutual information at several lags, and a permutation test of each and of all together.

    ``result[lag]`` is the estimate of a lag, by the lag and not by its position; a lag that was not
    asked for is a KeyError. Iteration gives the estimates in the order in which the lags were asked
    for, ``len`` is their number, ``numpy.asarray(result)`` their values, ``lag in result`` whether
    a lag is there, and ``print`` shows a table with a line for each lag.

    Attributes:
        lags: The lags, shape (m,).
        estimates: Estimate of each lag, m of them.
        p_value: P-value of each lag alone, shape (m,); None without a test.
        p_corrected: P-value of each lag among all of them, shape (m,): a dependence at any lag is
            found at the level 5 % where the smallest is at most .05. It compares with the largest
            value that a surrogate has at any lag, each lag in deviations of its own surrogates
            (Westfall and Young 1993, the step of the largest statistic). None without a test.
        null: Values of the surrogates in nats, shape (n_permutations, m); None without a test.
        warnings: Reasons to distrust the result, each one sentence.
    """

    lags: NDArray[np.int64]
    estimates: tuple[Estimate, ...] = field(repr=False)
    p_value: Floats | None = None
    p_corrected: Floats | None = None
    null: Floats | None = field(default=None, repr=False)
    warnings: tuple[Caution, ...] = field(default=(), repr=False)

    @property
    def mi(self) -> Floats:
        """The estimates in nats, shape (m,)."""
        return np.array(self.estimates, dtype=np.float64)

    @property
    def stderr(self) -> Floats:
        """Standard errors of the estimates in nats, shape (m,)."""
        return np.array([each.stderr for each in self.estimates], dtype=np.float64)

    @property
    def band(self) -> Floats | None:
        """Level in nats above which a lag is significant at 5 % among all lags, see `band_at`."""
        return None if self.null is None else self.band_at()

    @property
    def best(self) -> int:
        """Lag that stands out most: that of the largest value in deviations of its surrogates.

        It has the smallest `p_corrected`. Without a test it is the lag of the largest value.
        """
        if self.null is None:
            return int(self.lags[int(np.argmax(self.mi))])
        return int(self.lags[int(np.argmax(scaled(self.mi, self.null)[0]))])

    def band_at(self, alpha: float = _ALPHA) -> Floats:
        """Return the level in nats above which a lag is significant among all lags, shape (m,).

        A lag lies above its level exactly if its `p_corrected` is at most `alpha`. The level of a
        lag is the value that would just have been significant there, the other lags being as they
        are; it is infinite where there are too few surrogates for any value to be, which are less
        than ``1 / alpha - 1``.

        Args:
            alpha: Level of the test of all lags, in (0, 1).

        Raises:
            TypeError: `alpha` is not a number.
            ValueError: `alpha` out of range, or the result has no test.
        """
        level = check_real("alpha", alpha, 0.0, 1.0, ends="()")
        if self.null is None or self.p_corrected is None:
            raise ValueError(
                "band_at() needs the surrogates of a test; got a result without one: call "
                "lagged_mi with n_permutations=200"
            )
        return band(self.mi, self.null, self.p_corrected, level)

    def at(self, lag: int) -> Estimate:
        """Return the estimate of a lag; ``result[lag]`` is the same.

        Raises:
            TypeError: `lag` is not an integer.
            KeyError: The lag was not asked for.
        """
        shift = check_integer("lag", lag, -(2**62))
        found = np.flatnonzero(self.lags == shift)
        if not found.size:
            asked = ", ".join(map(str, self.lags[:_LISTED])) + ", ..." * (len(self) > _LISTED)
            raise KeyError(f"lag must be one of the lags that were asked for, {asked}; got {shift}")
        return self.estimates[int(found[0])]

    def __getitem__(self, lag: int) -> Estimate:
        return self.at(lag)

    def __contains__(self, lag: object) -> bool:
        return bool((self.lags == lag).any())

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.lags)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return `mi`; NumPy calls this."""
        return self.mi.astype(np.float64 if dtype is None else dtype)

    def to_frame(self) -> Any:
        """Return a data frame of pandas with a row for each lag, indexed by lag.

        Raises:
            ImportError: pandas is not installed.
        """
        return super().to_frame().set_index("lag")

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the values over the lags, with the band of the test, by :func:`fastmi.plot.lags`.

        Args:
            ax: matplotlib Axes to draw into; None for a new figure.
            **options: Options of :func:`fastmi.plot.lags`.

        Returns:
            The Axes.

        Raises:
            ImportError: matplotlib is not installed.
        """
        # Imported here, because most programs draw nothing.
        return import_module("fastmi.plot").lags(self, ax=ax, **options)

    def _rows(self) -> dict[str, Sequence[Any]]:
        tests = {"p_value": self.p_value, "p_corrected": self.p_corrected, "band": self.band}
        return {
            "lag": self.lags.tolist(),
            "mi": self.mi.tolist(),
            "stderr": self.stderr.tolist(),
            **{name: each.tolist() for name, each in tests.items() if each is not None},
            "n": [each.n for each in self.estimates],
            "warnings": ["; ".join(each.warnings) for each in self.estimates],
        }

    def _about(self) -> dict[str, Any]:
        first = self.estimates[0]
        rotations = {} if self.null is None else {"n_permutations": len(self.null)}
        return {
            "method": first.method,
            "k": first.k,
            **rotations,
            "best": self.best,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        head = f"{'lag':>6} {'nats':>10} {'stderr':>8}"
        rows = [
            f"{lag:6d} {float(estimate):10.4g} {estimate.stderr:8.2g}"
            for lag, estimate in zip(self.lags, self.estimates, strict=True)
        ]
        about = number_of(self.warnings)
        if self.null is not None and self.p_value is not None and self.p_corrected is not None:
            head += f" {'p':>8} {'p corrected':>11}"
            tests = zip(rows, self.p_value, self.p_corrected, strict=True)
            rows = [f"{row} {p:8.3g} {corrected:11.3g}" for row, p, corrected in tests]
            about = [f"{len(self.null)} rotations", *about]
        return "\n".join([head, *rows, *([", ".join(about)] if about else [])])


def scaled(observed: Floats, null: Floats) -> Floats:
    """Return values and surrogates, shape (1 + n_permutations, m), in deviations of each column.

    Each lag is brought to mean 0 and deviation 1 over the surrogates and the samples together,
    because long lags have fewer times and scatter more; the samples then take no part that a
    surrogate does not.
    """
    # Infinite values are the limit of large ones, beside which the others are equal.
    table = np.clip(np.vstack([observed, null]), -_HUGE, _HUGE)
    deviations = table.std(axis=0)
    differ = deviations > _NOTHING
    found: Floats = np.where(differ, table - table.mean(axis=0), 0.0)
    found /= np.where(differ, deviations, 1.0)
    return found


def corrected(observed: Floats, null: Floats) -> Floats:
    """Return the p-value of each lag against the largest of all lags, shape (m,)."""
    table = scaled(observed, null)
    largest = table[1:].max(axis=1)
    return np.array([p_value(float(value), largest) for value in table[0]])


def band(observed: Floats, null: Floats, p_corrected: Floats, alpha: float) -> Floats:
    """Return the value of each lag above which its p-value is at most `alpha`, shape (m,).

    A value of d deviations of its N surrogates has t = d sqrt(N / (N + 1 + d^2)) deviations of
    all N + 1 together. A surrogate reaches it if it is as large at this lag, or has t deviations at
    another one, which is d = t sqrt((N + 1) / (N - t^2)). The level is the largest d that too many
    surrogates reach.
    """
    count, m = null.shape
    # So many surrogates may reach a value that is significant.
    allowed = int(np.floor(alpha * (count + 1) + _NOTHING)) - 1
    if allowed < 0:
        return np.full(m, np.inf)
    clipped = np.clip(null, -_HUGE, _HUGE)
    means, deviations = clipped.mean(axis=0), clipped.std(axis=0)
    differ = deviations > _NOTHING
    own = np.where(differ, clipped - means, 0.0) / np.where(differ, deviations, 1.0)
    table = scaled(observed, null)[1:]
    levels = np.empty(m)
    for lag in range(m):
        others = np.delete(table, lag, axis=1).max(axis=1, initial=-np.inf)
        room = count - np.minimum(others, np.sqrt(count)) ** 2
        with np.errstate(divide="ignore"):
            from_others = np.where(
                np.isneginf(others),
                -np.inf,
                others * np.sqrt((count + 1) / np.where(np.isneginf(others), 1.0, room)),
            )
        reached = np.sort(np.maximum(own[:, lag], from_others))[::-1]
        # Fewer surrogates than `allowed` cannot be, because alpha is less than 1.
        levels[lag] = means[lag] + deviations[lag] * reached[allowed]
    # Sums in another order differ by rounding, and values may lie on the level.
    below = np.nextafter(observed, -np.inf)
    significant = p_corrected <= alpha + _NOTHING
    levels = np.where(significant & ~(observed > levels), below, levels)
    return np.where(~significant & (observed > levels), observed, levels)
