"""Results of the bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from time import perf_counter
from typing import Any

import numpy as np

from fastmi._cautions import Caution
from fastmi._checks import check_real
from fastmi._estimate import Estimate, number_of
from fastmi.bounds._arrays import Array, device_of, to_numpy

_NO_WEIGHT = (
    "all of their importance weights are zero; take a wider proposal or more importance samples"
)


@dataclass(frozen=True, kw_only=True)
class Sandwich:
    """A lower and an upper bound on the same information, from the same samples.

    Both hold in expectation for every proposal; a better proposal or more importance samples
    narrow the gap.

    Attributes:
        lower: Lower bound in nats; ``lower.local`` are its terms, one per pair.
        upper: Upper bound in nats.
        n_importance: Number of importance samples or annealed chains per pair, K in the formulas.
        n_steps: Number of temperatures after the first, T in the formulas; None without
            annealing.
        zero_weights: Number of importance samples of weight 0.
        acceptance: Share of latents that a move of the Markov chain changed; None if there were
            no moves.
        symbol: "I" if mutual information is bounded, "L" if Lautum information.
    """

    lower: Estimate
    upper: Estimate
    n_importance: int
    n_steps: int | None = None
    zero_weights: int = 0
    acceptance: float | None = None
    symbol: str = "I"

    @property
    def gap(self) -> float:
        """Upper bound minus lower bound in nats; its expectation is never negative."""
        return float(self.upper) - float(self.lower)

    @property
    def gap_stderr(self) -> float:
        """Standard error of the gap, from its term of each pair.

        It is smaller than the standard errors of the two bounds suggest, since their terms
        share samples.
        """
        return _stderr(difference(self.upper.local, self.lower.local))

    @property
    def midpoint(self) -> float:
        """Mean of the two bounds in nats."""
        return 0.5 * (float(self.upper) + float(self.lower))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return an interval that holds the information with the given confidence.

        Each end is a bound, moved outward by its standard error times the normal quantile of
        ``(1 + confidence) / 2``. The confidence is asymptotic in the number of pairs.

        Args:
            confidence: Confidence in (0, 1).

        Raises:
            TypeError: `confidence` is not a number.
            ValueError: `confidence` is out of range.
        """
        level = check_real("confidence", confidence, 0.0, 1.0, ends="()")
        z = NormalDist().inv_cdf(0.5 + 0.5 * level)
        low = float(self.lower) - z * self.lower.stderr
        high = float(self.upper) + z * self.upper.stderr
        return (-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high)

    @property
    def warnings(self) -> tuple[Caution, ...]:
        """Warnings of both bounds, each once."""
        return tuple(dict.fromkeys(self.lower.warnings + self.upper.warnings))

    def to_dict(self) -> dict[str, Any]:
        """Return the bounds, the gap and the counts, without arrays, as JSON-able values."""
        return {
            "lower": self.lower.to_dict(),
            "upper": self.upper.to_dict(),
            "gap": self.gap,
            "gap_stderr": self.gap_stderr,
            "n_importance": self.n_importance,
            "n_steps": self.n_steps,
            "zero_weights": self.zero_weights,
            "acceptance": self.acceptance,
        }

    def __repr__(self) -> str:
        parts = [
            f"{float(self.lower):.4f} ± {self.lower.stderr:.2g} <= {self.symbol} <= "
            f"{float(self.upper):.4f} ± {self.upper.stderr:.2g} nats",
            f"gap={self.gap:.3g}",
            f"n_importance={self.n_importance}",
            *((f"n_steps={self.n_steps}",) if self.n_steps is not None else ()),
            f"n={self.lower.n}",
            *((f"acceptance={self.acceptance:.2f}",) if self.acceptance is not None else ()),
        ]
        parts += number_of(self.warnings)
        return f"Sandwich({', '.join(parts)})"


def make_estimate(
    local: Array,
    x: Array,
    z: Array,
    method: str,
    start: float,
    warnings: tuple[Caution, ...] = (),
) -> Estimate:
    """Return the mean of the terms of a bound as an estimate.

    Args:
        local: Terms in nats, one per pair, shape (n,).
        x: Observations (n, ...).
        z: Latents (n, dz).
        method: Name of the bound.
        start: ``perf_counter()`` at the beginning of the call.
        warnings: Reasons to distrust the estimate.
    """
    values = to_numpy(local)
    with np.errstate(invalid="ignore"):
        mean = float(values.mean())
    return Estimate(
        mean,
        k=None,
        n=len(values),
        dims=(math.prod(x.shape[1:]), z.shape[1]),
        method=method,
        stderr=_stderr(values),
        local=values,
        warnings=warnings,
        algorithm="none",
        seconds=perf_counter() - start,
        device=device_of(x),
    )


def _stderr(local: Any) -> float:
    """Return the standard error of the mean, NaN if a value is not finite."""
    if not np.isfinite(local).all():
        return math.nan
    return float(local.std(ddof=1)) / math.sqrt(len(local))


def zero_weight_warnings(count: int, total: int) -> tuple[Caution, ...]:
    """Return a warning if any of the importance weights are zero."""
    if not count:
        return ()
    text = f"{count} of {total} importance weights are zero (log weight -inf)"
    return (Caution(text, "zero_weights"),)


def infinite_warnings(local: Array, bound: str, why: str = _NO_WEIGHT) -> tuple[Caution, ...]:
    """Return a warning that says why, if some terms of the bound are infinite or NaN."""
    values = to_numpy(local)
    count = int(np.count_nonzero(~np.isfinite(values)))
    if not count:
        return ()
    what = "infinite or undefined" if np.isnan(values).any() else "infinite"
    text = f"{bound} is {what} for {count} of {len(local)} pairs: {why}"
    return (Caution(text, "infinite"),)


def difference(minuend: Array, subtrahend: Array) -> Array:
    """Return the difference of two arrays, NaN without a warning where both are infinite."""
    with np.errstate(invalid="ignore"):
        return minuend - subtrahend
