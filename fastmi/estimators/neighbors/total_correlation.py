"""Total correlation (multi-information) of several variables by nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from fastmi.estimators.neighbors._twin import TwinCorrected
from fastmi.estimators.neighbors.base import (
    Array,
    MetricNeighborEstimator,
    Terms,
    check_variant,
    sample_warnings,
)
from fastmi.estimators.neighbors.biksg import BallEstimator
from fastmi.estimators.neighbors.forms import OfSeveral
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.ksg import ksg_terms


@dataclass(frozen=True, kw_only=True)
class TotalCorrelation(TwinCorrected, MetricNeighborEstimator, OfSeveral):
    """The KSG estimator of the total correlation, sum_b h(X_b) - h(X_1, ..., X_m).

    These are the two algorithms of Kraskov et al. (2004) for m variables, in the notation of
    :class:`fastmi.KSG`. Variant 1 takes strict counts within one radius::

        C = psi(k) + (m - 1) psi(n) - < sum_b psi(n_b + 1) >

    Variant 2 takes closed counts within a radius for each variable::

        C = psi(k) - (m - 1)/k + (m - 1) psi(n) - < sum_b psi(n_b) >

    For m = 2 they are :class:`fastmi.KSG` to the last bit.

    Args:
        variant: Which of the two algorithms, 1 or 2.
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for two variables of one
            column. The counts are the same, the time differs.
    """

    variant: int = 1

    def __post_init__(self) -> None:
        check_variant(self.variant)
        super().__post_init__()

    def _has_own_radii(self) -> bool:
        return self.variant == 2

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        m, n = len(blocks), len(blocks[0])
        found = ksg_terms(
            blocks,
            ks,
            variant=self.variant,
            metric=self.metric,
            algorithm=self.algorithm,
            n_jobs=self.n_jobs,
        )
        terms = []
        for k, psi_mean, psi_std, counts, zero_radius in zip(ks, *found[:4], strict=True):
            constant = psi(k) + (m - 1) * psi(n)
            if self.variant == 2:
                constant -= (m - 1) / k
            value = constant - float(psi_mean)
            local = constant - digamma(counts + 1 if self.variant == 1 else counts).sum(axis=0)
            # One margin counts at least k - 1 samples, every other one at least k.
            ceiling = (m - 1) * (psi(n) - psi(k + 1))
            warnings = sample_warnings(value, ceiling, n=n, k=k, zero_radius=int(zero_radius))
            terms.append(Terms(local, counts, warnings, (value, float(psi_std))))
        return terms, found.algorithm


@dataclass(frozen=True, kw_only=True)
class BITotalCorrelation(BallEstimator, OfSeveral):
    """The total correlation by closed counts in balls of one l_p norm.

    It is :class:`fastmi.BIKSG` for m variables, and equals that estimator to the last bit for
    m = 2::

        C = psi(k) + (m - 1) log n + sum_b log c(d_b, p) - log c(sum_b d_b, p)
            - < sum_b log n_b >

    Args:
        p: Norm of the margins and of the joint space, inf or 2; see :class:`fastmi.BIKSG`.
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for p = inf and two
            variables of one column. The counts are the same, the time differs.
    """
