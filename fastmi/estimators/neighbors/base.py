"""What the estimators that search neighbours and count in margins have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed, as_k, check_noise, check_search, check_seed, k_list
from fastmi._device import as_device
from fastmi._device_array import device_of
from fastmi._estimate import Estimate, small_sample_warnings
from fastmi._inputs import as_blocks, jitter
from fastmi.normalize import check_normalize, normalize_blocks
from fastmi.ops.count import count_within
from fastmi.ops.knn import chosen_algorithm, kth_distance

Array = NDArray[Any]

# Share of the largest value an estimator can return above which the estimate says "at least".
CEILING_SHARE = 0.9
# Share of zero k-th distances above which ties shape the estimate.
TIED_SHARE = 0.01


class Samples(NamedTuple):
    """The samples to work on, m arrays (n, d_b), the numbers of neighbours, and warnings."""

    blocks: list[Array]
    ks: tuple[int, ...]
    notes: tuple[str, ...]


class Terms(NamedTuple):
    """What one k yields.

    Attributes:
        local: Local values, shape (n,).
        counts: Neighbours in each margin, shape (m, n), or None.
        warnings: What the user should know.
        summed: Mean and standard deviation of `local` where a kernel has them already.
    """

    local: NDArray[np.float64]
    counts: NDArray[np.int64] | None
    warnings: tuple[str, ...]
    summed: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class NeighborEstimator:
    """Options of every neighbour search; the metric is fixed by the subclass.

    Args:
        k: Neighbours. A sequence costs one search.
        algorithm: "auto", "tree", "brute" or "sort". Same counts, other time.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>".
    """

    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3
    algorithm: str = "auto"
    n_jobs: int | None = None
    noise: float = 0.0
    seed: Seed | None = None
    device: str = "auto"

    _fixed_metric: ClassVar[str] = "chebyshev"

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", as_k(self.k))
        check_search(self._metric(), self.algorithm, self.n_jobs)
        check_noise(self.noise)
        check_seed(self.seed)
        if self.device != "auto":
            without_gpu = "" if self._has_gpu() else f"{type(self).__name__} with these options"
            object.__setattr__(self, "device", as_device(self.device, without_gpu=without_gpu))

    def _metric(self) -> str:
        return self._fixed_metric

    def _has_gpu(self) -> bool:
        """Return whether every step that takes long can run on a GPU."""
        return True

    def _read(self, arrays: Sequence[object], names: Sequence[str]) -> Samples:
        """Return the checked blocks, jittered if asked, and the numbers of neighbours."""
        blocks = as_blocks(arrays, names, self.device if self._has_gpu() else "host")
        ks = k_list(self.k, len(blocks[0]))
        if self.noise:
            blocks = jitter(blocks, self.noise, self.seed)
        return Samples(blocks, ks, ())

    def _kth_distance(self, blocks: list[Array], ks: Sequence[int]) -> Array:
        return kth_distance(
            blocks, ks, metric=self._metric(), algorithm=self.algorithm, n_jobs=self.n_jobs
        )

    def _count(self, blocks: list[Array], radius: Array, *, strict: bool) -> NDArray[np.int64]:
        # "sort" may serve the joint space and not a margin, or the other way round.
        columns = sum(block.shape[1] for block in blocks)
        fits = self.algorithm != "sort" or columns == 1
        return count_within(
            blocks,
            radius,
            strict=strict,
            metric=self._metric(),
            algorithm=self.algorithm if fits else "auto",
            n_jobs=self.n_jobs,
        )

    def _finish(
        self,
        method: str,
        samples: Samples,
        terms: Sequence[Terms],
        *,
        dims: tuple[int, ...],
        searched: tuple[int, ...],
        start: float,
        algorithm: str | None = None,
    ) -> Estimate | list[Estimate]:
        """Return the estimates: means of the local values.

        Args:
            method: Name of the estimator.
            samples: What was searched.
            terms: From the counts, for each number of neighbours.
            dims: Columns of each argument.
            searched: Columns of each block of the space that was searched.
            start: When the call began.
            algorithm: Search that ran where the option does not tell.
        """
        ks = samples.ks
        n = len(terms[0].local)
        device = device_of(samples.blocks[0])
        chosen = partial(chosen_algorithm, n, searched, max(ks), device=device)
        ran = algorithm or (chosen if self.algorithm == "auto" else self.algorithm)
        seconds = perf_counter() - start
        estimates = []
        for k, (local, counts, warnings, summed) in zip(ks, terms, strict=True):
            mean, std = summed or (float(local.mean()), float(local.std()))
            estimate = Estimate(
                mean,
                k=k,
                n=n,
                dims=dims,
                method=method,
                stderr=std / n**0.5,
                local=local,
                warnings=samples.notes + warnings,
                algorithm=ran,
                counts=counts,
                seconds=seconds,
                device=device,
            )
            estimates.append(estimate)
        return estimates[0] if isinstance(self.k, int) else estimates


@dataclass(frozen=True, kw_only=True)
class InformationEstimator(NeighborEstimator):
    """The options of :class:`NeighborEstimator` and a scale for each variable.

    Args:
        normalize: None, or how to scale each variable, by itself and after the noise: "local",
            "global", "global-linf", "global-corrected", "rank" or "copula", see
            :mod:`fastmi.normalize`.
    """

    normalize: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_normalize(self.normalize)

    def _read(self, arrays: Sequence[object], names: Sequence[str]) -> Samples:
        """Return the checked blocks, jittered and scaled if asked."""
        samples = super()._read(arrays, names)
        if self.normalize is None:
            return samples
        blocks, notes = normalize_blocks(samples.blocks, names, self.normalize)
        return Samples(blocks, samples.ks, notes)


@dataclass(frozen=True, kw_only=True)
class MetricNeighborEstimator(InformationEstimator):
    """The options of :class:`InformationEstimator` and a metric inside each variable.

    Args:
        metric: Distance inside a variable, "chebyshev" or "euclidean".
    """

    metric: str = "chebyshev"

    def _metric(self) -> str:
        return self.metric


def widths(blocks: Sequence[Array]) -> tuple[int, ...]:
    """Return the number of columns of each block."""
    return tuple(block.shape[1] for block in blocks)


def sample_warnings(
    value: float,
    ceiling: float,
    *,
    n: int,
    k: int,
    zero_radius: int,
    tied: str = "the data is discrete or repeated, the method assumes it is continuous "
    "(noise=1e-10 breaks ties)",
) -> tuple[str, ...]:
    """Return the warnings that estimators for continuous variables share.

    Args:
        value: The estimate.
        ceiling: The most that the method can return for this n and k.
        n: Samples.
        k: Neighbours.
        zero_radius: Samples whose k-th neighbour is at distance 0.
        tied: What to say of such samples.
    """
    found = small_sample_warnings(n, k)
    copies = zero_radius > max(1.0, TIED_SHARE * n)
    if value > CEILING_SHARE * ceiling:
        # Without ties nothing exceeds the ceiling: some distances are equal.
        advice = (
            "exact copies inflate it"
            if copies or value > ceiling
            else "take it as a lower bound, or use more samples or a smaller k"
        )
        found.append(
            f"the estimate is at or above the {ceiling:.3g} nats that n={n}, k={k} can show of "
            f"data without ties: {advice}"
        )
    if copies:
        found.append(f"{zero_radius} of {n} samples have k={k} or more exact copies: {tied}")
    return tuple(found)


def zeros(radius: Array) -> int:
    """Return the number of samples whose radius is 0."""
    return int(np.count_nonzero(radius == 0))
