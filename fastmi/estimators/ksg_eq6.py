"""The hybrid of the two KSG algorithms that some papers print, for comparison only."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from fastmi.estimators._base import Estimate
from fastmi.estimators._neighbors import (
    MetricNeighborEstimator,
    Terms,
    sample_warnings,
    widths,
    zeros,
)
from fastmi.ops.digamma import digamma, psi


@dataclass(frozen=True, kw_only=True)
class KSGHybrid(MetricNeighborEstimator):
    """KSG with the radius of algorithm 1 and the counts and constant of algorithm 2.

    One radius r_i, the k-th joint distance, for both margins, and closed counts::

        I = psi(k) - 1/k + psi(n) - < psi(n_x) + psi(n_y) >

    Without ties this is algorithm 1 minus ``1/k - < 1/n_b >``, n_b being the strict count of
    the margin that does not attain r_i: close to 1/k too low. Use :class:`fastmi.KSG`; this
    is here to reproduce formulas as printed.

    Args:
        metric: Distance inside x and inside y, "chebyshev" or "euclidean".
        k: Neighbours. A sequence costs one search.
        algorithm: "auto", "tree", "brute" or "sort" (one column each). Same counts, other time.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>".
        normalize: None, or how to scale each variable, see :mod:`fastmi.normalize`.

    Raises:
        TypeError: `k`, `n_jobs` or `noise` is not a number of its kind.
        ValueError: An argument is out of its range, or an unknown name.
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
            counts = np.stack([self._count([block], radius, strict=False) for block in blocks])
            constant = psi(k) - 1.0 / k + psi(n)
            local = constant - digamma(counts).sum(axis=0)
            ceiling = constant - 2 * psi(k)
            found = sample_warnings(
                float(local.mean()), ceiling, n=n, k=k, zero_radius=zeros(radius)
            )
            terms.append(Terms(local, counts, found))
        dims = widths(blocks)
        return self._finish("ksg_eq6", samples, terms, dims=dims, algorithm=algorithm, start=start)
