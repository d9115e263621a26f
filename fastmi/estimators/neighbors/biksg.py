"""Mutual information by Gao, Oh and Viswanath (2018): BI-KSG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._estimate import Estimate
from fastmi.estimators.neighbors.base import (
    InformationEstimator,
    Terms,
    sample_warnings,
    widths,
    zeros,
)
from fastmi.estimators.neighbors.entropy import log_unit_ball
from fastmi.ops.digamma import psi

Array = NDArray[Any]

# Eigenvalue of the correlation matrix below which columns are linearly dependent.
_SINGULAR = 1e-10


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

    def _total_correlation(
        self, arrays: tuple[object, ...], names: tuple[str, ...]
    ) -> Estimate | list[Estimate]:
        """Estimate the total correlation of m >= 2 variables, for m = 2 the mutual information."""
        start = perf_counter()
        samples = self._read(arrays, names)
        blocks, ks, _ = samples
        m, n = len(blocks), len(blocks[0])
        dims = widths(blocks)
        volume = 0.0
        joint = blocks
        flat: tuple[str, ...] = ()
        if self.p == 2:
            # The l_2 norm of the joint space is that of the columns side by side.
            joint = [like(blocks[0], np.hstack([host(block) for block in blocks]))]
            volume = sum(log_unit_ball(d, "euclidean") for d in dims)
            volume -= log_unit_ball(sum(dims), "euclidean")
            flat = _flat_warnings(host(joint[0]))
        radii, algorithm = self._kth_distance(joint, ks)
        terms = []
        for k, radius in zip(ks, radii, strict=True):
            counts = self._closed_counts(blocks, radius, k)
            constant = psi(k) + (m - 1) * math.log(n) + volume
            local = constant - np.log(counts).sum(axis=0)
            ceiling = constant - m * math.log(k)
            found = sample_warnings(
                float(local.mean()), ceiling, n=n, k=k, zero_radius=zeros(radius)
            )
            terms.append(Terms(local, counts, found + flat))
        return self._finish(samples, terms, dims=dims, algorithm=algorithm, start=start)

    def _closed_counts(self, blocks: list[Array], radius: Array, k: int) -> NDArray[np.int64]:
        if self.p == 2:
            # Widened, because margin and joint distances round differently and a neighbour at
            # exactly the radius must count as inside.
            radius = radius * radius.dtype.type(1 + 4 * np.finfo(radius.dtype).eps)
        counts = np.stack([self._count([block], radius, strict=False) for block in blocks])
        return np.maximum(counts, k)


@dataclass(frozen=True, kw_only=True)
class BIKSG(BallEstimator):
    """The bias-improved KSG estimator of I(X; Y).

    With r_i the distance from sample i to its k-th neighbour in the joint space, n_x and n_y the
    closed counts of the samples within r_i in each margin, every distance in the same l_p norm,
    and c(d, p) the volume of the unit ball of that norm in d dimensions (Gao, Oh and Viswanath
    2018, https://arxiv.org/abs/1604.03006)::

        I = psi(k) + log n + log[c(dx, p) c(dy, p) / c(dx + dy, p)] - < log n_x + log n_y >

    The volumes cancel for p = inf. For p = 2 they assume that the joint density fills all
    dx + dy dimensions: on data of lower intrinsic dimension (repeated columns, columns that
    are functions of others) p = 2 is off by the missing volume, several nats in high
    dimension, and p = inf is not.

    Args:
        p: Norm of the margins and of the joint space, inf or 2 (the published form).
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for p = inf and one column
            each. The counts are the same, the time differs.
    """

    def estimate(self, x: object, y: object) -> Estimate | list[Estimate]:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; k >= n.
        """
        return self._total_correlation((x, y), ("x", "y"))


def _flat_warnings(joint: Array) -> tuple[str, ...]:
    largest = np.abs(joint).max(axis=0)
    scaled = joint / np.where(largest == 0, 1, largest)
    spread = scaled.std(axis=0, dtype=np.float64)
    constant = spread <= 1e-14
    if not constant.any():
        standard = (scaled - scaled.mean(axis=0, dtype=np.float64)) / spread
        correlation = standard.T @ standard / len(joint)
        if np.linalg.eigvalsh(correlation)[0] > _SINGULAR:
            return ()
    return (
        "columns are constant or linearly dependent: p=2 counts their dimensions in full and is "
        "off by the missing volume; use p=inf",
    )
