"""What the estimators that search neighbours and count in margins have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import device_of, host, take_rows
from fastmi._cautions import Caution, announce
from fastmi._checks import (
    Seed,
    as_k,
    check_noise,
    check_search,
    check_seed,
    check_theiler,
    k_list,
)
from fastmi._device import as_device
from fastmi._estimate import Estimate, Local, small_sample_warnings
from fastmi._inputs import as_blocks
from fastmi.estimators._base import Estimator
from fastmi.estimators._methods import name_of
from fastmi.estimators.neighbors._settle import Recall, settle
from fastmi.estimators.neighbors._ties import (
    TIED_SHARE,
    margins_tied_share,
    repeated_share,
    tied_share,
    with_trace,
    within_steps,
)
from fastmi.normalize import RANKS, check_normalize, normalize_blocks
from fastmi.ops.coincidences import nothing_repeats
from fastmi.ops.count import count_within
from fastmi.ops.knn import KthDistances, kneighbors, kth_distance
from fastmi.ops.rectangles import rectangle_radii
from fastmi.ops.rescale import rescaled
from fastmi.ops.space_counts import SpaceCounts, space_counts

Array = NDArray[Any]
# What an estimator works on: m blocks (n, d_b), the numbers of neighbours, and what the user should
# know of the samples. A plain tuple, because a short call feels the making of anything else.
Samples: TypeAlias = tuple[list[Array], tuple[int, ...], tuple[Caution, ...]]

# Share of the largest value that an estimator can return above which the estimate warns that it may
# be a lower bound only.
CEILING_SHARE = 0.9


class Terms(NamedTuple):
    """What an estimator computes for one k.

    Attributes:
        local: Local values, shape (n,), or a function that returns them when first read.
        counts: Neighbours in each margin, shape (m, n), or None.
        warnings: What the user should know, or a function that returns it when first read.
        summed: Mean and standard deviation of `local` where a kernel has computed them already.
        curve: Estimates of a sweep, see :class:`fastmi.Estimate`.
        parts: Further quantities by name, which become the ``terms`` of the estimate.
    """

    local: Local | Callable[[], Local]
    counts: NDArray[np.int64] | None
    warnings: tuple[Caution, ...] | Callable[[], tuple[Caution, ...]]
    summed: tuple[float, float] | None = None
    curve: NDArray[np.float64] | None = None
    parts: dict[str, float] | None = None

    @property
    def value(self) -> float:
        """The estimate in nats, the mean of `local`."""
        if self.summed is not None:
            return self.summed[0]
        return float((self.local() if callable(self.local) else self.local).mean())


@dataclass(frozen=True, kw_only=True)
class NeighborEstimator(Estimator):
    """Options of every neighbour search; a subclass fixes the metric or makes it an option.

    Raises:
        TypeError: An option of the wrong type.
        ValueError: An option out of range, or an unknown name.
    """

    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3
    algorithm: str = "auto"
    n_jobs: int | None = None
    noise: float | None = None
    seed: Seed | None = None
    device: str = "auto"

    _fixed_metric: ClassVar[str] = "chebyshev"
    # What noise=None does about ties, see settle().
    _ties: ClassVar[str] = "trace"

    def __post_init__(self) -> None:
        if type(self.k) is not int or self.k < 1:
            object.__setattr__(self, "k", as_k(self.k))
        check_search(self._metric(), self.algorithm, self.n_jobs)
        check_noise(self.noise)
        check_seed(self.seed)
        if self.device != "auto":
            object.__setattr__(
                self, "device", as_device(self.device, without_gpu=self._host_only())
            )

    def _metric(self) -> str:
        return self._fixed_metric

    def _host_only(self) -> str:
        """Return the name of what has no GPU kernels; "" if every long step has them."""
        return ""

    def _read(self, arrays: Sequence[object], names: Sequence[str]) -> Samples:
        """Return the checked blocks, with noise where ties need it, and the list of k."""
        blocks = as_blocks(arrays, names, "host" if self._host_only() else self.device)
        ks = k_list(self.k, len(blocks[0]), blocks)
        if nothing_repeats(blocks) and not self.noise:
            return blocks, ks, ()
        blocks, cautions = self.settle(blocks, names)
        return blocks, ks, cautions

    def settle(
        self, blocks: list[Array], names: Sequence[str], recall: Recall | None = None
    ) -> tuple[list[Array], tuple[Caution, ...]]:
        """Return the blocks with noise where ties need it, and what the user should know of them.

        A function that estimates many times from the same samples settles them once, and then
        estimates with ``noise=0``.

        Args:
            blocks: Arrays from :func:`fastmi._inputs.as_blocks`.
            names: What to call each in messages.
            recall: Memory of what was found about single blocks, see
                :func:`fastmi.estimators.neighbors._settle.settle`.

        Returns:
            `blocks` itself, or jittered copies, and the cautions about copies and ties.
        """
        return settle(
            blocks,
            noise=self.noise,
            seed=self.seed,
            ties=self._tie_treatment(),
            tied_share=partial(self._tied_share, names),
            recall=recall,
        )

    def _tied_share(
        self, names: Sequence[str], blocks: list[Array], rows: NDArray[np.intp] | None
    ) -> float:
        """Return the share of the samples, or of those in `rows`, whose radius ties touch."""
        del names
        if rows is not None:
            blocks = [take_rows(block, rows) for block in blocks]
        shares = []
        for given in self._radius_spaces(blocks):
            # Shares do not depend on the unit, and the largest one leaves radii their digits.
            space = rescaled(given)[0] if self._metric() == "euclidean" else given
            numbers = [k for k in self._radius_numbers(space) if k < len(space[0])]
            if self._ties == "fill" and numbers:
                shares.append(within_steps(space, self._radii(space, numbers[:1])[0]))
            else:
                zero = self._ties != "atoms"
                shares.append(tied_share(space, numbers, self._radii, zero=zero))
            if self._has_own_radii():
                shares.append(self._margins_tied_share([host(block) for block in space], numbers))
        return max(shares)

    def _margins_tied_share(self, blocks: list[Array], ks: Sequence[int]) -> float:
        if not ks:
            return 0.0
        neighbors = kneighbors(
            blocks, max(ks), metric=self._metric(), algorithm="auto", n_jobs=self.n_jobs
        ).indices
        radii = partial(
            rectangle_radii,
            neighbors=neighbors,
            ks=ks,
            metric=self._metric(),
            n_jobs=self.n_jobs,
        )
        return margins_tied_share(blocks, radii, self._count)

    def _has_own_radii(self) -> bool:
        """Return whether each variable is counted within a radius of its own."""
        return False

    def _tie_treatment(self) -> str:
        return self._ties

    def _radius_spaces(self, blocks: list[Array]) -> list[list[Array]]:
        """Return the blocks of each space whose k-th distances the estimate rests on."""
        return [blocks]

    def _radius_numbers(self, space: list[Array]) -> Sequence[int]:
        """Return the numbers of the neighbours at those distances."""
        del space
        return [self.k] if isinstance(self.k, int) else list(self.k)

    def _radii(self, blocks: list[Array], ks: Sequence[int]) -> Array:
        return kth_distance(
            blocks, ks, metric=self._metric(), algorithm="auto", n_jobs=self.n_jobs
        ).distances

    def _kth_distance(self, blocks: list[Array], ks: Sequence[int]) -> KthDistances:
        return kth_distance(
            blocks, ks, metric=self._metric(), algorithm=self.algorithm, n_jobs=self.n_jobs
        )

    def _space_counts(
        self,
        blocks: list[Array],
        ks: Sequence[int],
        spaces: Sequence[Sequence[int]],
        *,
        strict: bool,
    ) -> SpaceCounts:
        return space_counts(
            blocks,
            ks,
            spaces,
            strict=strict,
            metric=self._metric(),
            algorithm=self.algorithm,
            n_jobs=self.n_jobs,
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
        ).counts

    def _finish(
        self,
        samples: Samples,
        terms: Sequence[Terms],
        *,
        dims: tuple[int, ...],
        algorithm: str,
        start: float,
    ) -> Estimate | list[Estimate]:
        """Return the estimates, which are means of the local values.

        Args:
            samples: The samples that were searched.
            terms: What was computed for each number of neighbours.
            dims: Columns of each argument.
            algorithm: Search of the joint space that ran.
            start: When the call began.
        """
        blocks, ks, notes = samples
        n = len(blocks[0])
        device = device_of(blocks[0])
        method = name_of(self)
        seconds = perf_counter() - start
        estimates = []
        loud = bool(notes)
        for k, (local, counts, warnings, summed, curve, parts) in zip(ks, terms, strict=True):
            if summed is None:
                values = local() if callable(local) else local
                mean, std, n = float(values.mean()), float(values.std()), len(values)
            else:
                mean, std = summed
            estimate = Estimate(
                mean,
                k=k,
                n=n,
                dims=dims,
                method=method,
                stderr=std / n**0.5,
                local=local,
                warnings=partial(_joined, notes, warnings) if notes else warnings,
                algorithm=algorithm,
                counts=counts,
                seconds=seconds,
                device=device,
                curve=curve,
                terms=parts,
            )
            estimates.append(estimate)
            if warnings:
                loud = True
        found = estimates[0] if isinstance(self.k, int) else estimates
        # A short call feels the announcement of nothing.
        return announce(found) if loud else found


@dataclass(frozen=True, kw_only=True)
class InformationEstimator(NeighborEstimator):
    """The options of :class:`NeighborEstimator` and a scale for each variable."""

    normalize: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_normalize(self.normalize)

    def _read(self, arrays: Sequence[object], names: Sequence[str]) -> Samples:
        """Return the checked blocks, with noise where ties need it, scaled if asked."""
        samples = super()._read(arrays, names)
        if self.normalize is None:
            return samples
        blocks, notes = normalize_blocks(samples[0], names, self.normalize)
        return blocks, samples[1], samples[2] + notes

    def _tied_share(
        self, names: Sequence[str], blocks: list[Array], rows: NDArray[np.intp] | None
    ) -> float:
        share = super()._tied_share
        if self.normalize is None:
            return share(names, blocks, rows)
        if self.normalize in RANKS and self._ties == "trace":
            # Ranks lie on a lattice themselves, whose ties hide those of few samples, and an atom
            # of few samples passes for copies.
            return repeated_share(blocks)
        found = share(names, normalize_blocks(blocks, names, self.normalize)[0], rows)
        if self.normalize in RANKS and found > TIED_SHARE:
            # Ranks lie on a lattice themselves; what counts is what the values add to that.
            apart = normalize_blocks(with_trace(blocks, self.seed), names, self.normalize)[0]
            found -= share(names, apart, rows)
        return found


@dataclass(frozen=True, kw_only=True)
class TheilerEstimator(NeighborEstimator):
    """The options of :class:`NeighborEstimator` and a window of time steps to leave out."""

    theiler: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.theiler != 0 or type(self.theiler) is not int:
            check_theiler(self.theiler, self.algorithm)

    def _host_only(self) -> str:
        return "theiler > 0" if self.theiler else ""


@dataclass(frozen=True, kw_only=True)
class MetricNeighborEstimator(InformationEstimator):
    """The options of :class:`InformationEstimator` and a metric inside each variable."""

    metric: str = "chebyshev"

    def _metric(self) -> str:
        return self.metric


def _joined(
    notes: tuple[Caution, ...], warnings: tuple[Caution, ...] | Callable[[], tuple[Caution, ...]]
) -> tuple[Caution, ...]:
    return notes + (warnings() if callable(warnings) else warnings)


def check_variant(variant: object) -> None:
    """Raise ValueError unless `variant` is 1 or 2, the algorithms of Kraskov et al. (2004)."""
    if type(variant) is not int or variant not in (1, 2):
        raise ValueError(f"variant must be 1 or 2; got variant={variant!r}")


def rescale_advice(normalize: str | None) -> str:
    """Return what to do where one scale dominates, with the normalisation that was asked for."""
    if normalize is None:
        return "rescale the columns, for example to unit standard deviation (normalize='local')"
    if normalize in RANKS:
        return (
            f"normalize={normalize!r} has made the scales equal, so that one variable has too many "
            "columns or too few values for this method"
        )
    return (
        f"normalize={normalize!r} does not prevent it, because outliers set the scale: remove "
        "them, or use normalize='copula'"
    )


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
) -> tuple[Caution, ...]:
    """Return the warnings that estimators for continuous variables share.

    Args:
        value: The estimate.
        ceiling: Largest value that the method can return for this n and k without ties.
        n: Number of samples.
        k: Number of neighbours.
        zero_radius: Number of samples whose k-th neighbour is at distance 0.
    """
    found = small_sample_warnings(n, k)
    if value > CEILING_SHARE * ceiling:
        # Only ties lift an estimate above the ceiling.
        advice = (
            "exact copies inflate it, of rows or of one variable in the other"
            if zero_radius > max(1.0, TIED_SHARE * n) or value > ceiling
            else "take it as a lower bound, or use more samples or a smaller k"
        )
        text = (
            f"the estimate is near or above the {ceiling:.3g} nats that n={n}, k={k} can show of "
            f"data without ties: {advice}"
        )
        found.append(Caution(text, "ceiling"))
    return tuple(found)


def zeros(radius: Array) -> int:
    """Return the number of samples whose radius is 0."""
    return int(np.count_nonzero(radius == 0))
