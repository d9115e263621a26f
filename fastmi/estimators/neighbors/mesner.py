"""Information of mixed variables by Mesner and Shalizi (2019), plain and conditional."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._estimate import Estimate
from fastmi._inputs import is_empty
from fastmi.estimators.neighbors.base import (
    MetricNeighborEstimator,
    Terms,
    sample_warnings,
    widths,
)
from fastmi.ops.digamma import digamma, psi

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class _InclusiveCounts(MetricNeighborEstimator):
    """What the two estimators share: closed counts within the k-th joint distance.

    Args:
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to each column. It separates equal values,
            for which this estimator is made: leave it at 0.
    """

    def _closed_counts(
        self, blocks: list[Array], radius: Array, spaces: tuple[tuple[int, ...], ...]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the number of others within the radius in the joint space, and in each space."""
        count = partial(self._count, radius=radius, strict=False)
        return count(blocks), np.stack([count([blocks[b] for b in space]) for space in spaces])


@dataclass(frozen=True, kw_only=True)
class Mesner(_InclusiveCounts):
    """I(X; Y) for variables that are continuous, discrete, or a mixture of both.

    With r_i the distance from sample i to its k-th neighbour in the joint space, k_i the number of
    other samples within r_i, and n_x, n_y the numbers of those within r_i in each variable, where
    "within" includes samples at exactly r_i (Mesner and Shalizi 2019,
    https://arxiv.org/abs/1912.03387, algorithm 1 without a condition)::

        I = psi(n) + < psi(k_i) - psi(n_x) - psi(n_y) >

    Where many samples are at distance r_i, as with whole numbers or classes, k_i exceeds k. Give
    classes without order one column for each class (one-hot), so that any two are at distance 1.
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
        start = perf_counter()
        samples = self._read((x, y), ("x", "y"))
        blocks, ks, _ = samples
        n = len(blocks[0])
        radii, algorithm = self._kth_distance(blocks, ks)
        terms = []
        for k, radius in zip(ks, radii, strict=True):
            inside, counts = self._closed_counts(blocks, radius, ((0,), (1,)))
            psi_x, psi_y = digamma(counts)
            local = psi(n) + digamma(inside) - (psi_x + psi_y)
            # Every count is at least k, and ties only raise them.
            ceiling = psi(n) - psi(k)
            found = sample_warnings(float(local.mean()), ceiling, n=n, k=k, zero_radius=0)
            terms.append(Terms(local, counts, found))
        return self._finish(samples, terms, dims=widths(blocks), algorithm=algorithm, start=start)


@dataclass(frozen=True, kw_only=True)
class ConditionalMesner(_InclusiveCounts):
    """I(X; Y | Z) for variables that are continuous, discrete, or a mixture of both.

    It is :class:`fastmi.Mesner` with a condition: n_xz, n_yz and n_z count the samples within r_i
    in (x, z), (y, z) and z, inclusively (Mesner and Shalizi 2019, algorithm 1)::

        I = < psi(k_i) - psi(n_xz) - psi(n_yz) + psi(n_z) >

    It tends to 0 if z has so many columns that few samples are near in z.
    """

    def estimate(self, x: object, y: object, z: object = None) -> Estimate | list[Estimate]:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns give I(X; Y).

        Returns:
            One estimate, or a list of them if `k` is a sequence. The rows of its ``counts``
            are n_xz, n_yz, n_z.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; k >= n.
        """
        if is_empty(z):
            return Mesner(**self.get_params()).estimate(x, y)
        start = perf_counter()
        samples = self._read((x, y, z), ("x", "y", "z"))
        blocks, ks, _ = samples
        n = len(blocks[0])
        radii, algorithm = self._kth_distance(blocks, ks)
        terms = []
        for k, radius in zip(ks, radii, strict=True):
            inside, counts = self._closed_counts(blocks, radius, ((0, 2), (1, 2), (2,)))
            psi_xz, psi_yz, psi_z = digamma(counts)
            local = digamma(inside) - (psi_xz + psi_yz) + psi_z
            ceiling = float(psi_z.mean()) - psi(k)
            found = sample_warnings(float(local.mean()), ceiling, n=n, k=k, zero_radius=0)
            terms.append(Terms(local, counts, found))
        return self._finish(samples, terms, dims=widths(blocks), algorithm=algorithm, start=start)
