"""Conditional mutual information I(X; Y | Z) by nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_theiler, check_window
from fastmi._estimate import Estimate
from fastmi._inputs import is_empty
from fastmi.estimators.neighbors._subspaces import count_in_subspaces
from fastmi.estimators.neighbors.base import (
    TIED_SHARE,
    MetricNeighborEstimator,
    Terms,
    sample_warnings,
    widths,
    zeros,
)
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.knn import kneighbors
from fastmi.ops.theiler import theiler_counts

Array = NDArray[Any]

# Of the blocks x, y, z: the subspaces of n_xz, n_yz, n_z.
_SPACES = ((0, 2), (1, 2), (2,))


@dataclass(frozen=True, kw_only=True)
class ConditionalKSG(MetricNeighborEstimator):
    """The KSG estimators of I(X; Y | Z).

    With r_i the distance from sample i to its k-th neighbour in the joint space (maximum over
    x, y and z), variant 1 counts the samples strictly inside r_i in (x, z), (y, z) and z
    (Frenzel and Pompe 2007)::

        I = psi(k) - < psi(n_xz + 1) + psi(n_yz + 1) - psi(n_z + 1) >

    Variant 2 takes in each variable the largest distance among the k neighbours as its own
    radius and counts the samples within the product of these balls (the conditional form of
    Kraskov et al. 2004, eq. 9; Wibral, Vicente and Lizier 2014)::

        I = psi(k) - 2/k + < psi(n_z) - psi(n_xz) + 1/n_xz - psi(n_yz) + 1/n_yz >

    Without z they are :class:`fastmi.KSG` of the same variant. Variant 1 searches trees;
    variant 2 counts in O(n^2) time, less where the first column of z separates the samples.

    Args:
        variant: 1 or 2.
        metric: Distance inside x, y and z, "chebyshev" or "euclidean".
        k: Neighbours. Small k: little bias, much scatter. A sequence costs one search.
        algorithm: "auto", "tree" or "brute". Same counts, other time.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>".
        normalize: None, or how to scale each variable, see :mod:`fastmi.normalize`.
        theiler: Samples with |i - j| <= theiler are left out of the search and of the counts of
            sample i: what is near in time is near anyway. Without z see :class:`fastmi.KSG` for
            the nats that it adds. 0: none but i itself. Above 0
            in O(n^2) time, with algorithm "auto" or "brute".

    Raises:
        TypeError: `k`, `n_jobs`, `noise` or `theiler` is not a number of its kind.
        ValueError: An argument is out of its range, or an unknown name.
    """

    variant: int = 1
    theiler: int = 0

    def __post_init__(self) -> None:
        if type(self.variant) is not int or self.variant not in (1, 2):
            raise ValueError(f"variant must be 1 or 2; got variant={self.variant!r}")
        super().__post_init__()
        check_theiler(self.theiler, self.algorithm)

    def estimate(self, x: object, y: object, z: object = None) -> Estimate | list[Estimate]:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns: I(X; Y).

        Returns:
            One estimate, or a list of them if `k` is a sequence. The rows of its ``counts``
            are n_xz, n_yz, n_z.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; k >= n, or more than the
                window leaves.
        """
        if is_empty(z):
            return self._unconditional(x, y)
        start = perf_counter()
        samples = self._read((x, y, z), ("x", "y", "z"))
        blocks, ks, _ = samples
        check_window(self.theiler, ks, len(blocks[0]))
        terms = self._variant_1(blocks, ks) if self.variant == 1 else self._variant_2(blocks, ks)
        dims = widths(blocks)
        method = "fp" if self.variant == 1 else "ksg2"
        return self._finish(
            method,
            samples,
            terms,
            dims=dims,
            searched=dims,
            start=start,
            algorithm="brute" if self.theiler else None,
        )

    def _has_gpu(self) -> bool:
        return self.variant == 1 and not self.theiler

    def _unconditional(self, x: object, y: object) -> Estimate | list[Estimate]:
        return KSG(
            k=self.k,
            variant=self.variant,
            metric=self.metric,
            algorithm=self.algorithm,
            n_jobs=self.n_jobs,
            noise=self.noise,
            seed=self.seed,
            device=self.device,
            normalize=self.normalize,
            theiler=self.theiler,
        ).estimate(x, y)

    def _variant_1(self, blocks: list[Array], ks: Sequence[int]) -> list[Terms]:
        if self.theiler:
            radii, all_counts = self._theiler_counts(blocks, ks)
        else:
            radii = self._kth_distance(blocks, ks)
            spaces = [[blocks[b] for b in space] for space in _SPACES]
            all_counts = np.stack(
                [[self._count(space, radius, strict=True) for space in spaces] for radius in radii]
            )
        terms = []
        for k, radius, counts in zip(ks, radii, all_counts, strict=True):
            psi_xz, psi_yz, psi_z = digamma(counts + 1)
            local = psi(k) - (psi_xz + psi_yz - psi_z)
            terms.append(Terms(local, counts, _warnings(local, psi_z, counts, k, zeros(radius))))
        return terms

    def _variant_2(self, blocks: list[Array], ks: Sequence[int]) -> list[Terms]:
        if self.theiler:
            radii, all_counts = self._theiler_counts(blocks, ks)
        else:
            distances, neighbors = kneighbors(
                blocks,
                max(ks),
                metric=self.metric,
                algorithm=self.algorithm,
                n_jobs=self.n_jobs,
            )
            radii = distances[:, [k - 1 for k in ks]].T
            all_counts = np.stack(count_in_subspaces(blocks, neighbors, ks, self.metric))
        terms = []
        for k, radius, counts in zip(ks, radii, all_counts, strict=True):
            psi_xz, psi_yz, psi_z = digamma(counts)
            inverse = 1.0 / counts[0] + 1.0 / counts[1]
            local = psi(k) - 2.0 / k + psi_z - (psi_xz + psi_yz) + inverse
            terms.append(Terms(local, counts, _warnings(local, psi_z, counts, k, zeros(radius))))
        return terms

    def _theiler_counts(
        self, blocks: list[Array], ks: Sequence[int]
    ) -> tuple[Array, NDArray[np.int64]]:
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
) -> tuple[str, ...]:
    n = len(local)
    ceiling = float(psi_z.mean()) - psi(k + 1)
    # With so few samples around z_i nothing can show, and the ceiling is next to 0; where the
    # counts are small because of copies, those are what the user should hear of.
    alone = counts[2].mean() < 2 * k + 1 and zero_radius <= TIED_SHARE * n
    value = float(local.mean())
    found = sample_warnings(value, np.inf if alone else ceiling, n=n, k=k, zero_radius=zero_radius)
    if not alone:
        return found
    return (
        *found,
        f"z alone decides who is near: {counts[2].mean():.3g} samples on average lie as close in "
        f"z as the k={k} joint neighbours, and the estimate tends to 0 whatever the dependence; "
        "use more samples, fewer columns of z, or a smaller scale of z",
    )
