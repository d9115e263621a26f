"""Differential entropy by Kozachenko and Leonenko (1987)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import check_choice, check_window
from fastmi._estimate import small_sample_warnings
from fastmi.estimators.neighbors._ties import TIED_SHARE
from fastmi.estimators.neighbors.base import Array, Terms, TheilerEstimator
from fastmi.estimators.neighbors.forms import OfOne
from fastmi.ops.digamma import psi
from fastmi.ops.knn import KthDistances
from fastmi.ops.rescale import held_radii
from fastmi.ops.theiler import theiler_counts

CORRECTIONS = ("digamma", "log", "log-1")


@dataclass(frozen=True, kw_only=True)
class KozachenkoLeonenko(TheilerEstimator, OfOne):
    """The nearest-neighbour estimator of the differential entropy h(X).

    With r_i the distance from sample i to its k-th neighbour and c_d the volume of the unit
    ball of the metric (Kozachenko and Leonenko 1987; Kraskov et al. 2004,
    https://arxiv.org/abs/cond-mat/0305641, eq. 20, with radii instead of diameters)::

        h = A_n - psi(k) + log c_d + d < log r_i >

    Args:
        metric: "chebyshev" or "euclidean".
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for one column. The
            distances are the same, the time differs.
        noise: None, the default, spreads values that repeat in steps over the step, where distances
            show it: where more than 1 % of the samples have their neighbours within two steps, each
            such column gets noise as wide as its step, and a warning says so. Values that repeat
            without a step are an error. A number adds ``noise * sd(column) * U(-1/2, 1/2)`` in any
            case; 0 adds none.
        correction: The term A_n of the sample size: "digamma" is psi(n), "log" is log(n) and
            "log-1" is log(n - 1).
    """

    metric: str = "chebyshev"
    correction: str = "digamma"

    _ties: ClassVar[str] = "fill"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("correction", self.correction, CORRECTIONS)

    def _metric(self) -> str:
        return self.metric

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        n, d = blocks[0].shape
        if self.theiler:
            check_window(self.theiler, ks, n)
        (distances, algorithm), _, exponent = held_radii(
            lambda held: self._search(held, ks), blocks
        )
        constant = self._log_n(n) + log_unit_ball(d, self.metric) + d * exponent * math.log(2.0)
        terms = [
            Terms(self._local(radius, k, d, constant), None, partial(_warnings, n, k))
            for k, radius in zip(ks, distances, strict=True)
        ]
        return terms, algorithm

    def _search(self, blocks: list[Array], ks: tuple[int, ...]) -> KthDistances:
        if not self.theiler:
            return self._kth_distance(blocks, ks)
        distances, _, algorithm = theiler_counts(
            blocks,
            ks,
            window=self.theiler,
            closed=False,
            spaces=(),
            metric=self.metric,
            n_jobs=self.n_jobs,
        )
        return KthDistances(distances, algorithm)

    def _log_n(self, n: int) -> float:
        if self.correction == "digamma":
            return psi(n)
        return math.log(n if self.correction == "log" else n - 1)

    def _local(
        self, radius: NDArray[np.floating[Any]], k: int, d: int, constant: float
    ) -> NDArray[np.float64]:
        refuse_zero_radius(radius, k, self.noise)
        local: NDArray[np.float64] = (constant - psi(k)) + d * np.log(radius, dtype=np.float64)
        return local


def log_unit_ball(d: int, metric: str) -> float:
    """Return the log volume of the unit ball in d dimensions."""
    if metric == "chebyshev":
        return d * math.log(2.0)
    return 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1.0)


def refuse_zero_radius(
    radius: NDArray[np.floating[Any]], k: int, noise: float | None, name: str = "x"
) -> None:
    """Raise ValueError if a k-th neighbour is at distance 0."""
    zeros = np.count_nonzero(radius == 0)
    if not zeros:
        return
    if noise:
        advice = (
            f"noise={noise!r} is relative to a column's spread: too little for {radius.dtype}, or "
            "the columns are constant"
        )
    elif zeros <= TIED_SHARE * len(radius):
        advice = "use a larger k, or noise=1e-6, which so few samples hardly feel"
    elif noise is None:
        advice = (
            "drop rows that were recorded twice; if a single value has positive probability, the "
            "differential entropy is minus infinity, and fastmi.entropy(x, method='discrete') is "
            "that of classes and counts"
        )
    else:
        advice = (
            "leave noise at None, which spreads whole numbers and rounded readings over their "
            "step, or use fastmi.entropy(x, method='discrete') for classes and counts"
        )
    raise ValueError(
        f"{name} must not have k or more copies of a sample, the entropy would be -inf; got "
        f"{zeros} of {len(radius)} samples with k-th neighbour at distance 0, k={k}: {advice}"
    )


def _warnings(n: int, k: int) -> tuple[Caution, ...]:
    return tuple(small_sample_warnings(n, k))
