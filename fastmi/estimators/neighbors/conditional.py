"""Conditional mutual information I(X; Y | Z) by nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host
from fastmi._cautions import Caution
from fastmi._checks import check_window
from fastmi.estimators.neighbors._ties import TIED_SHARE, mean_equal
from fastmi.estimators.neighbors._twin import TwinCorrected
from fastmi.estimators.neighbors.base import (
    MetricNeighborEstimator,
    Terms,
    TheilerEstimator,
    check_variant,
    rescale_advice,
    sample_warnings,
    zeros,
)
from fastmi.estimators.neighbors.forms import OfTwo, OfTwoGivenThird
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.rectangles import rectangle_counts
from fastmi.ops.space_counts import SpaceCounts
from fastmi.ops.theiler import TheilerCounts, theiler_counts

Array = NDArray[Any]

# Positions among the blocks x, y, z that make the subspaces of n_xz, n_yz and n_z.
_SPACES = ((0, 2), (1, 2), (2,))

# Share of the samples near in z that are near in y as well, on average, while about k are near in
# x, above which x alone decides; and share of all samples that are near in z, above which z decides
# nothing. Values that repeat are near whatever the scale.
_DOMINATED_SHARE = 0.9
_IGNORED_SHARE = 0.9
_REPEATED_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class ConditionalKSG(TheilerEstimator, TwinCorrected, MetricNeighborEstimator, OfTwoGivenThird):
    """The KSG estimators of I(X; Y | Z).

    With r_i the distance from sample i to its k-th neighbour in the joint space (maximum over
    x, y and z), variant 1 counts the samples strictly inside r_i in (x, z), (y, z) and z
    (Frenzel and Pompe 2007, https://doi.org/10.1103/PhysRevLett.99.204101)::

        I = psi(k) - < psi(n_xz + 1) + psi(n_yz + 1) - psi(n_z + 1) >

    In variant 2 each variable has a radius of its own, the largest distance in that variable among
    the k neighbours, and the samples within the product of these balls are counted (the
    conditional form of Kraskov et al. 2004, eq. 9; Wibral, Vicente and Lizier 2014)::

        I = psi(k) - 2/k + < psi(n_z) - psi(n_xz) + 1/n_xz - psi(n_yz) + 1/n_yz >

    Without z they are :class:`fastmi.KSG` of the same variant. Variant 1 counts by the neighbour
    search that `algorithm` names; variant 2 counts in O(n^2) time at worst, and in less where the
    first column of z separates the samples.

    Args:
        variant: 1 or 2.
        algorithm: Neighbour search: "auto", "tree" or "brute". The counts are the same, the time
            differs.
        theiler: Samples with ``|i - j| <= theiler`` are left out of the neighbours and counts of
            sample i, because what is near in time is near anyway. Above 0 the time is O(n^2), and
            the algorithm must be "auto" or "brute". For the case without z see
            :class:`fastmi.KSG`.
    """

    variant: int = 1

    _plain: ClassVar[type[OfTwo]] = KSG

    def __post_init__(self) -> None:
        check_variant(self.variant)
        super().__post_init__()

    def _has_own_radii(self) -> bool:
        return self.variant == 2

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        variant = self._variant_1 if self.variant == 1 else self._variant_2
        return variant(blocks, ks)

    def _host_only(self) -> str:
        return "ConditionalKSG with variant=2" if self.variant == 2 else super()._host_only()

    def _variant_1(self, blocks: list[Array], ks: Sequence[int]) -> tuple[list[Terms], str]:
        """Return the terms of each k, and the search of the joint space that ran."""
        found: TheilerCounts | SpaceCounts
        if self.theiler:
            found = self._theiler_counts(blocks, ks)
        else:
            found = self._space_counts(blocks, ks, _SPACES, strict=True)
        terms = []
        for k, radius, counts in zip(ks, found.radius, found.counts, strict=True):
            psi_xz, psi_yz, psi_z = digamma(counts + 1)
            local = psi(k) - (psi_xz + psi_yz - psi_z)
            warnings = _warnings(local, psi_z, counts, k, zeros(radius))
            warnings = warnings or _scale_cautions(blocks, counts, k, self.normalize)
            terms.append(Terms(local, counts, warnings))
        return terms, found.algorithm

    def _variant_2(self, blocks: list[Array], ks: Sequence[int]) -> tuple[list[Terms], str]:
        """Return the terms of each k, and the search of the joint space that ran."""
        found: TheilerCounts | SpaceCounts
        if self.theiler:
            found = self._theiler_counts(blocks, ks)
        else:
            found = rectangle_counts(
                blocks,
                ks,
                _SPACES,
                metric=self.metric,
                algorithm=self.algorithm,
                n_jobs=self.n_jobs,
            )
        terms = []
        for k, radius, counts in zip(ks, found.radius, found.counts, strict=True):
            psi_xz, psi_yz, psi_z = digamma(counts)
            inverse = 1.0 / counts[0] + 1.0 / counts[1]
            local = psi(k) - 2.0 / k + psi_z - (psi_xz + psi_yz) + inverse
            warnings = _warnings(local, psi_z, counts, k, zeros(radius))
            warnings = warnings or _scale_cautions(blocks, counts, k, self.normalize)
            terms.append(Terms(local, counts, warnings))
        return terms, found.algorithm

    def _theiler_counts(self, blocks: list[Array], ks: Sequence[int]) -> TheilerCounts:
        check_window(self.theiler, ks, len(blocks[0]))
        return theiler_counts(
            blocks,
            ks,
            window=self.theiler,
            closed=self.variant == 2,
            spaces=_SPACES,
            metric=self.metric,
            n_jobs=self.n_jobs,
        )


def _warnings(
    local: NDArray[np.float64],
    psi_z: NDArray[np.float64],
    counts: NDArray[np.int64],
    k: int,
    zero_radius: int,
) -> tuple[Caution, ...]:
    n = len(local)
    ceiling = float(psi_z.mean()) - psi(k + 1)
    # With so few samples around z_i the estimate and its ceiling are both near 0, and a warning
    # about the ceiling would mislead. If copies make the counts small, their warning comes first.
    alone = counts[2].mean() < 2 * k + 1 and zero_radius <= TIED_SHARE * n
    value = float(local.mean())
    found = sample_warnings(value, np.inf if alone else ceiling, n=n, k=k, zero_radius=zero_radius)
    if not alone:
        return found
    text = (
        f"z alone decides who is near: {counts[2].mean():.3g} samples on average lie as close in "
        f"z as the k={k} joint neighbours, and the estimate tends to 0 whatever the dependence; "
        "use more samples, fewer columns of z, or a smaller scale of z"
    )
    return (*found, Caution(text, "condition"))


def _scale_cautions(
    blocks: list[Array], counts: NDArray[np.int64], k: int, normalize: str | None
) -> tuple[Caution, ...]:
    """Return a caution if the scales of x, y and z leave one of them without a say."""
    n = counts.shape[1]
    of_x, of_y, of_z = counts.mean(axis=1)
    if n < 10 * k:
        return ()
    big, small, wide = ("x", "y", of_y) if of_x < of_y else ("y", "x", of_x)
    if (
        min(of_x, of_y) < 2 * k + 1
        and wide > _DOMINATED_SHARE * of_z
        and of_z >= 2 * (2 * k + 1)
        and _is_continuous(blocks["xy".index(small)])
    ):
        text = (
            f"the scale of {big} dominates the joint distance: {small} barely matters and the "
            f"estimate tends to 0 whatever the dependence; {rescale_advice(normalize)}"
        )
        return (Caution(text, "scale"),)
    if of_z > _IGNORED_SHARE * n and _is_continuous(blocks[2]):
        text = (
            "the scales of x and y dominate the joint distance: z barely matters and the estimate "
            f"tends to I(x; y) without z; {rescale_advice(normalize)}"
        )
        return (Caution(text, "scale"),)
    return ()


def _is_continuous(block: Array) -> bool:
    """Return whether a column's values hardly repeat, but for noise that separates equal ones."""
    samples = host(block)
    most = _REPEATED_SHARE * len(samples)
    return any(mean_equal(samples[:, [j]]) < most for j in range(samples.shape[1]))
