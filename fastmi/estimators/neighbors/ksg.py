"""Mutual information by Kraskov, Stoegbauer and Grassberger (2004), algorithms 1 and 2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import (
    Seed,
    as_k,
    check_noise,
    check_search,
    check_seed,
    check_theiler,
    check_window,
    k_list,
)
from fastmi._device import as_device
from fastmi._device_array import device_of
from fastmi._estimate import Estimate, small_sample_warnings
from fastmi._inputs import as_blocks, jitter
from fastmi.estimators.neighbors.base import (
    CEILING_SHARE,
    MetricNeighborEstimator,
    Terms,
    sample_warnings,
    widths,
    zeros,
)
from fastmi.normalize import check_normalize, normalize_blocks
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.knn import chosen_algorithm
from fastmi.ops.ksg import ksg_terms
from fastmi.ops.theiler import theiler_ksg_terms

# Share of all samples that one margin counts on average while the other counts about k.
_DOMINATED_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class KSG:
    """The KSG estimator of I(X; Y).

    With r_i the distance from sample i to its k-th neighbour in the joint space (maximum
    over x and y), variant 1 counts the samples strictly inside r_i in each margin
    (Kraskov et al. 2004, eq. 8)::

        I = psi(k) + psi(n) - < psi(n_x + 1) + psi(n_y + 1) >

    Variant 2 takes in each margin the largest distance among the k neighbours as its own
    radius and counts the samples within it (eq. 9)::

        I = psi(k) - 1/k + psi(n) - < psi(n_x) + psi(n_y) >

    Args:
        k: Neighbours. Small k: little bias, much scatter. A sequence costs one search.
        variant: 1 or 2.
        metric: Distance inside x and inside y, "chebyshev" or "euclidean".
        algorithm: "auto", "tree", "brute" or "sort" (one column each). Same counts, other time.
            In variant 2 "sort" serves the margins only; the joint search needs indices.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>".
        normalize: None, or how to scale x and y, each by itself and after the noise: "local",
            "global", "global-linf", "global-corrected", "rank" or "copula", see
            :mod:`fastmi.normalize`.
        theiler: Samples with |i - j| <= theiler are left out of the search and of the counts of
            sample i: what is near in time is near anyway. n stays in the formula, as in JIDT,
            which adds about ``2 theiler / n`` nats. 0: none but i itself. Above 0
            in O(n^2) time, with algorithm "auto" or "brute".

    Raises:
        TypeError: `k`, `n_jobs`, `noise` or `theiler` is not a number of its kind.
        ValueError: An argument is out of its range, or an unknown name.
    """

    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3
    variant: int = 1
    metric: str = "chebyshev"
    algorithm: str = "auto"
    n_jobs: int | None = None
    noise: float = 0.0
    seed: Seed | None = None
    device: str = "auto"
    normalize: str | None = None
    theiler: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", as_k(self.k))
        if type(self.variant) is not int or self.variant not in (1, 2):
            raise ValueError(f"variant must be 1 or 2; got variant={self.variant!r}")
        check_search(self.metric, self.algorithm, self.n_jobs)
        check_noise(self.noise)
        check_seed(self.seed)
        if self.device != "auto":
            without_gpu = "theiler > 0" if self.theiler else ""
            object.__setattr__(self, "device", as_device(self.device, without_gpu=without_gpu))
        check_normalize(self.normalize)
        check_theiler(self.theiler, self.algorithm)

    def estimate(self, x: object, y: object) -> Estimate | list[Estimate]:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; k >= n, or more than the
                window leaves.
        """
        start = perf_counter()
        blocks = as_blocks((x, y), ("x", "y"), "host" if self.theiler else self.device)
        n = len(blocks[0])
        ks = k_list(self.k, n)
        check_window(self.theiler, ks, n)
        if self.noise:
            blocks = jitter(blocks, self.noise, self.seed)
        notes: tuple[str, ...] = ()
        if self.normalize is not None:
            blocks, notes = normalize_blocks(blocks, ("x", "y"), self.normalize)
        if self.theiler:
            terms = theiler_ksg_terms(
                blocks,
                ks,
                window=self.theiler,
                variant=self.variant,
                metric=self.metric,
                n_jobs=self.n_jobs,
            )
        else:
            terms = ksg_terms(
                blocks,
                ks,
                variant=self.variant,
                metric=self.metric,
                algorithm=self.algorithm,
                n_jobs=self.n_jobs,
            )
        dims = (blocks[0].shape[1], blocks[1].shape[1])
        device = device_of(blocks[0])
        searched = partial(chosen_algorithm, n, dims, max(ks), self.variant == 2, device)
        by_auto = self.algorithm == "auto" or (self.algorithm == "sort" and self.variant == 2)
        ran = "brute" if self.theiler else searched if by_auto else self.algorithm
        seconds = perf_counter() - start
        estimates = []
        for k, psi_mean, psi_std, counts, zero_radius in zip(ks, *terms, strict=True):
            constant = psi(k) + psi(n)
            if self.variant == 2:
                constant -= 1.0 / k
            value = constant - float(psi_mean)
            estimate = Estimate(
                value,
                k=k,
                n=n,
                dims=dims,
                method=f"ksg{self.variant}",
                stderr=float(psi_std) / n**0.5,
                local=partial(_local, counts, constant, self.variant),
                warnings=partial(
                    _warnings, value, k, counts, int(zero_radius), notes, self.theiler
                ),
                algorithm=ran,
                counts=counts,
                seconds=seconds,
                device=device,
            )
            estimates.append(estimate)
        return estimates[0] if isinstance(self.k, int) else estimates


def _local(counts: NDArray[np.int64], constant: float, variant: int) -> NDArray[np.float64]:
    inside = counts + 1 if variant == 1 else counts
    local: NDArray[np.float64] = constant - digamma(inside).sum(axis=0)
    return local


def _warnings(
    value: float,
    k: int,
    counts: NDArray[np.int64],
    zero_radius: int,
    notes: tuple[str, ...],
    theiler: int,
) -> tuple[str, ...]:
    sums = (int(counts[0].sum()), int(counts[1].sum()))
    return count_warnings(value, k, counts.shape[1], sums, zero_radius, notes, theiler)


def count_warnings(
    value: float,
    k: int,
    n: int,
    count_sum: tuple[int, int],
    zero_radius: int,
    notes: tuple[str, ...] = (),
    theiler: int = 0,
) -> tuple[str, ...]:
    """Return the reasons to distrust one estimate.

    Args:
        value: The estimate in nats.
        k: Number of neighbours.
        n: Number of samples.
        count_sum: Sums of n_x and of n_y over the samples.
        zero_radius: Samples whose k-th joint distance is 0.
        notes: What is known before, to stand first.
        theiler: Window of time steps left out.
    """
    found = [*notes, *sample_warnings(value, _ceiling(k, n), n=n, k=k, zero_radius=zero_radius)]
    # Every pair but those inside the window.
    others = n * (n - 1) - theiler * (2 * n - theiler - 1)
    constant = [name for name, sum_ in zip("xy", count_sum, strict=True) if sum_ == others]
    if constant:
        found.append(
            f"{' and '.join(constant)} stays within every k-th distance, and the estimate says "
            "nothing about dependence: it is constant, or the other's scale dominates; if so, "
            "rescale the columns, for example to unit standard deviation (normalize='local')"
        )
        return tuple(found)
    wide, narrow = (1, 0) if count_sum[0] < count_sum[1] else (0, 1)
    # Small samples have their own warning, and there the two conditions meet by chance.
    dominated = (
        n >= 10 * k
        and count_sum[wide] / n > _DOMINATED_SHARE * n
        and count_sum[narrow] / n < 2 * k + 1
    )
    if dominated:
        big, small = "xy"[narrow], "xy"[wide]
        found.append(
            f"the scale of {big} dominates the joint distance: {small} barely matters and the "
            "estimate tends to 0 whatever the dependence; rescale the columns, for example to "
            "unit standard deviation (normalize='local')"
        )
    return tuple(found)


def may_warn(
    values: NDArray[np.float64],
    k: int,
    n: int,
    count_sum: NDArray[np.int64],
    zero_radius: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return False for those of p estimates of which :func:`count_warnings` says nothing.

    Args:
        values: Nats, shape (p,).
        k: Number of neighbours.
        n: Number of samples.
        count_sum: Shape (2, p).
        zero_radius: Shape (p,).
    """
    if small_sample_warnings(n, k):
        return np.ones(len(values), dtype=np.bool_)
    loud: NDArray[np.bool_] = (
        (values > CEILING_SHARE * _ceiling(k, n))
        | (zero_radius > 1)
        | (count_sum.max(axis=0) / n > _DOMINATED_SHARE * n)
    )
    return loud


def _ceiling(k: int, n: int) -> float:
    return psi(n) - psi(k + 1)


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
        terms = []
        for k, radius in zip(ks, self._kth_distance(blocks, ks), strict=True):
            counts = np.stack([self._count([block], radius, strict=False) for block in blocks])
            constant = psi(k) - 1.0 / k + psi(n)
            local = constant - digamma(counts).sum(axis=0)
            ceiling = constant - 2 * psi(k)
            found = sample_warnings(
                float(local.mean()), ceiling, n=n, k=k, zero_radius=zeros(radius)
            )
            terms.append(Terms(local, counts, found))
        dims = widths(blocks)
        return self._finish("ksg_eq6", samples, terms, dims=dims, searched=dims, start=start)
