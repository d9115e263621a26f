"""Mutual information by Gao, Oh and Viswanath (2018): BI-KSG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._cautions import Caution
from fastmi._spread import spread
from fastmi.estimators.neighbors._low import name_low
from fastmi.estimators.neighbors.base import (
    InformationEstimator,
    Terms,
    sample_warnings,
    widths,
    zeros,
)
from fastmi.estimators.neighbors.entropy import log_unit_ball
from fastmi.estimators.neighbors.forms import OfTwo
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.rescale import held_radii, shifted
from fastmi.ops.space_counts import SpaceCounts

Array = NDArray[Any]

# Eigenvalue of the correlation matrix below which columns are linearly dependent.
_SINGULAR = 1e-10
# Nats that volumes are off by for independent normals, from which the estimate says so.
_OFF = 0.05
# Nats that are missing where one margin counts few samples, from which the estimate says so.
_MISSING = 0.08


@dataclass(frozen=True, kw_only=True)
class BallEstimator(InformationEstimator):
    """BI-KSG for any number of variables.

    Args:
        p: Norm of the margins and of the joint space, inf or 2.
    """

    p: float = math.inf

    def __post_init__(self) -> None:
        p: object = self.p
        number = isinstance(p, int | float | np.number) and not isinstance(p, bool)
        if not number or p not in (2, math.inf):
            raise ValueError(f"p must be 2 or inf; got p={self.p!r}")
        super().__post_init__()

    def _metric(self) -> str:
        return "euclidean" if self.p == 2 else "chebyshev"

    def _tie_treatment(self) -> str:
        # Balls of p = 2 assume that values fill every dimension, down to their distances.
        return "step" if self.p == 2 else "trace"

    def _radius_spaces(self, blocks: list[Array]) -> list[list[Array]]:
        return [[_side_by_side(blocks)] if self.p == 2 else blocks]

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        """Return the terms for m >= 2 variables, and the search of the joint space that ran."""
        m, n = len(blocks), len(blocks[0])
        dims = widths(blocks)
        volume = 0.0
        flat: tuple[Caution, ...] = ()
        if self.p == 2:
            joint = _side_by_side(blocks)
            volume = sum(log_unit_ball(d, "euclidean") for d in dims)
            volume -= log_unit_ball(sum(dims), "euclidean")
            flat = _flat_warnings(host(joint))
            radii, all_counts, algorithm = self._ball_counts(joint, blocks, ks)
        else:
            margins = [[b] for b in range(m)]
            radii, all_counts, algorithm = self._space_counts(blocks, ks, margins, strict=False)
        terms = []
        for k, radius, counts in zip(ks, radii, all_counts, strict=True):
            constant = psi(k) + (m - 1) * math.log(n) + volume
            local = constant - np.log(counts).sum(axis=0)
            ceiling = constant - m * math.log(k)
            found = sample_warnings(
                float(local.mean()), ceiling, n=n, k=k, zero_radius=zeros(radius)
            )
            wide = _wide_warnings(dims, n=n, k=k) if self.p == 2 else ()
            found = found + _narrow_warnings(counts, k) + wide + flat
            terms.append(Terms(local, counts, found))
        if m == 2 and sum(dims) > 2:
            terms = name_low(terms, ks, blocks, metric=self._metric(), twin=False)
        return terms, algorithm

    def _ball_counts(self, joint: Array, blocks: list[Array], ks: Sequence[int]) -> SpaceCounts:
        """Return the k-th distances of the joint block, and the closed counts in the others."""
        (radii, algorithm), _, exponent = held_radii(
            lambda held: self._kth_distance(held, ks), [joint]
        )
        margins = shifted(blocks, exponent)
        # Widened, because margin and joint distances round differently and a neighbour at exactly
        # the radius must count as inside.
        wider = radii * radii.dtype.type(1 + 4 * np.finfo(radii.dtype).eps)
        counts = np.stack(
            [[self._count([block], radius, strict=False) for block in margins] for radius in wider]
        )
        return SpaceCounts(radii, np.maximum(counts, np.reshape(ks, (-1, 1, 1))), algorithm)


@dataclass(frozen=True, kw_only=True)
class BIKSG(BallEstimator, OfTwo):
    """The bias-improved KSG estimator of I(X; Y).

    With r_i the distance from sample i to its k-th neighbour in the joint space, n_x and n_y the
    closed counts of the samples within r_i in each margin, every distance in the same l_p norm,
    and c(d, p) the volume of the unit ball of that norm in d dimensions (Gao, Oh and Viswanath
    2018, https://arxiv.org/abs/1604.03006)::

        I = psi(k) + log n + log[c(dx, p) c(dy, p) / c(dx + dy, p)] - < log n_x + log n_y >

    The volumes cancel for p = inf. For p = 2 they assume that the joint density fills all
    dx + dy dimensions: on data of lower intrinsic dimension (repeated columns, columns that
    are functions of others) p = 2 is off by the missing volume, several nats in high
    dimension, and p = inf is not. They also assume balls so small that the density is constant in
    them. In eight columns or more balls are as wide as the distribution, and on independent normals
    p = 2 is too high, by 0.3 nats in 5 + 5 columns and 10 in 25 + 25 at n = 1000. A warning says
    so.

    Args:
        p: Norm of the margins and of the joint space, inf or 2 (the published form).
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for p = inf and one column
            each. The counts are the same, the time differs.
    """


def _side_by_side(blocks: list[Array]) -> Array:
    """Return the columns of all blocks as one, whose l_2 norm is that of the joint space."""
    return like(blocks[0], np.hstack([host(block) for block in blocks]))


def _narrow_warnings(counts: NDArray[np.int64], k: int) -> tuple[Caution, ...]:
    """Return a caution if one margin counts little more than k samples while another has many.

    There the logarithm of the former is off, which has the mean of psi(n_b).

    Args:
        counts: Other samples within the radius in each margin, shape (m, n).
        k: Number of neighbours.
    """
    narrow = counts.min(axis=0)
    one_sided = (narrow < 3 * k) & (counts.max(axis=0) > 10 * k)
    few = narrow[one_sided]
    missing = float((np.log(few) - digamma(few)).sum()) / len(narrow)
    if missing <= _MISSING:
        return ()
    return (
        Caution(
            f"for {len(few) / len(narrow):.0%} of the samples one variable does not vary among the "
            f"neighbours, because it has few values or a small scale: up to {missing:.2g} nats are "
            "missing; use method='ksg1', and 'ross' or 'mesner' for classes",
            "few_values",
        ),
    )


def _wide_warnings(dims: Sequence[int], *, n: int, k: int) -> tuple[Caution, ...]:
    off = wide_ball_bias(dims, n=n, k=k)
    if off <= _OFF:
        return ()
    text = (
        f"the balls that hold k={k} of n={n} samples in {sum(dims)} columns are as wide as the "
        "distribution, and volumes say little of probabilities: p=2 is about "
        f"{off:.2g} nats or more too high for independent columns; use p=inf, and method='auto' "
        "where it is too low"
    )
    return (Caution(text, "many_columns"),)


def wide_ball_bias(dims: Sequence[int], *, n: int, k: int) -> float:
    """Return about the bias in nats of p = 2 on independent standard normal columns.

    A Gaussian kernel of the same variance stands for a ball of radius r, r^2 / (d + 2) in each of d
    columns. The log probability of a ball around a sample is then on average its log volume, less
    ``d/2 log(2 pi)`` and ``d/2 [log(1 + s^2) + 1/(1 + s^2)]``, and the constant d-terms cancel in
    the estimate.

    Args:
        dims: Columns of each variable.
        n: Number of samples.
        k: Number of neighbours.
    """
    d = sum(dims)
    target = psi(k) - psi(n) - log_unit_ball(d, "euclidean") + 0.5 * d * math.log(2.0 * math.pi)

    def widened(columns: int, log_radius: float) -> float:
        s2 = math.exp(2.0 * log_radius) / (columns + 2)
        return -0.5 * columns * (math.log1p(s2) + 1.0 / (1.0 + s2))

    # The logarithm of the radius, in standard deviations, by bisection.
    low, high = -100.0, 20.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if d * middle + widened(d, middle) < target:
            low = middle
        else:
            high = middle
    return widened(d, low) - sum(widened(columns, low) for columns in dims)


def _flat_warnings(joint: Array) -> tuple[Caution, ...]:
    of = spread(joint)
    if of.varies.all():
        standard = of.deviation / of.sd
        correlation = standard.T @ standard / len(joint)
        if np.linalg.eigvalsh(correlation)[0] > _SINGULAR:
            return ()
    return (
        Caution(
            "columns are constant or linearly dependent: p=2 counts their dimensions in full and "
            "is off by the missing volume; use p=inf",
            "linear_dependence",
        ),
    )
