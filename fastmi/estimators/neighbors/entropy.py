"""Differential entropy by Kozachenko and Leonenko (1987)."""

from __future__ import annotations

import math
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
    check_choice,
    check_noise,
    check_search,
    check_theiler,
    check_window,
    k_list,
)
from fastmi._device import as_device
from fastmi._device_array import device_of
from fastmi._estimate import Estimate, small_sample_warnings
from fastmi._inputs import as_blocks, jitter
from fastmi.ops.digamma import psi
from fastmi.ops.knn import chosen_algorithm, kth_distance
from fastmi.ops.theiler import theiler_counts

CORRECTIONS = ("digamma", "log", "log-1")


@dataclass(frozen=True, kw_only=True)
class KozachenkoLeonenko:
    """The nearest-neighbour estimator of the differential entropy h(X).

    With r_i the distance from sample i to its k-th neighbour and c_d the volume of the unit
    ball of the metric (Kraskov et al. 2004, eq. 20, in radii)::

        h = A_n - psi(k) + log c_d + d < log r_i >

    Args:
        k: Neighbours. A sequence costs one search.
        metric: "chebyshev" or "euclidean".
        algorithm: "auto", "tree", "brute" or "sort" (one column). Same distances, other time.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>".
        correction: A_n: "digamma" psi(n), "log" log(n), "log-1" log(n - 1).
        theiler: Samples with |i - j| <= theiler are left out of the search around sample i: what
            is near in time is near anyway. n stays in the formula, as in JIDT, which adds about
            ``2 theiler / n`` nats. 0: none but i itself. Above 0 in O(n^2) time, with algorithm
            "auto" or "brute".

    Raises:
        TypeError: `k`, `n_jobs`, `noise` or `theiler` is not a number of its kind.
        ValueError: An argument is out of its range, or an unknown name.
    """

    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3
    metric: str = "chebyshev"
    algorithm: str = "auto"
    n_jobs: int | None = None
    noise: float = 0.0
    seed: Seed | None = None
    device: str = "auto"
    correction: str = "digamma"
    theiler: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", as_k(self.k))
        check_search(self.metric, self.algorithm, self.n_jobs)
        check_noise(self.noise)
        if self.device != "auto":
            without_gpu = "theiler > 0" if self.theiler else ""
            object.__setattr__(self, "device", as_device(self.device, without_gpu=without_gpu))
        check_choice("correction", self.correction, CORRECTIONS)
        check_theiler(self.theiler, self.algorithm)

    def estimate(self, x: object) -> Estimate | list[Estimate]:
        """Estimate h(X) in nats.

        Args:
            x: Samples, shape (n, d) or (n,).

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape, not finite; k >= n, or more than the window leaves;
                more than k coincident samples, where the estimate would be minus infinity.
        """
        start = perf_counter()
        blocks = as_blocks((x,), ("x",), "host" if self.theiler else self.device)
        n, d = blocks[0].shape
        ks = k_list(self.k, n)
        check_window(self.theiler, ks, n)
        if self.noise:
            blocks = jitter(blocks, self.noise, self.seed)
        if self.theiler:
            distances, _ = theiler_counts(
                blocks,
                ks,
                window=self.theiler,
                closed=False,
                spaces=(),
                metric=self.metric,
                n_jobs=self.n_jobs,
            )
        else:
            distances = kth_distance(
                blocks, ks, metric=self.metric, algorithm=self.algorithm, n_jobs=self.n_jobs
            )
        constant = self._log_n(n) + log_unit_ball(d, self.metric)
        device = device_of(blocks[0])
        searched = partial(chosen_algorithm, n, (d,), max(ks), device=device)
        by_auto = self.algorithm == "auto"
        ran = "brute" if self.theiler else searched if by_auto else self.algorithm
        estimates = []
        for k, radius in zip(ks, distances, strict=True):
            local = self._local(radius, k, d, constant)
            estimate = Estimate(
                float(local.mean()),
                k=k,
                n=n,
                dims=(d,),
                method="kl",
                stderr=float(local.std()) / n**0.5,
                local=local,
                warnings=partial(_warnings, n, k),
                algorithm=ran,
                seconds=perf_counter() - start,
                device=device,
            )
            estimates.append(estimate)
        return estimates[0] if isinstance(self.k, int) else estimates

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
    radius: NDArray[np.floating[Any]], k: int, noise: float, name: str = "x"
) -> None:
    """Raise ValueError if a k-th neighbour is at distance 0."""
    zeros = np.count_nonzero(radius == 0)
    if zeros:
        hint = ""
        if noise:
            hint = (
                f"; noise={noise!r} is relative to a column's spread: too little for "
                f"{radius.dtype}, or the columns are constant"
            )
        raise ValueError(
            f"{name} must not have k or more copies of a sample, the entropy would be -inf; got "
            f"{zeros} of {len(radius)} samples with k-th neighbour at distance 0, k={k}: use "
            f"noise=1e-10 to break ties, or a larger k{hint}"
        )


def _warnings(n: int, k: int) -> tuple[str, ...]:
    return tuple(small_sample_warnings(n, k))
