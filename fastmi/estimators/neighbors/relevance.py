"""KSG in directions and scales that show dependence, for blocks of many columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._cautions import Caution, Note, announce, quiet
from fastmi._checks import check_choice, generator
from fastmi._estimate import Estimate, changed
from fastmi._pool import heed_stop
from fastmi.estimators._copula import Copula, fit
from fastmi.estimators.neighbors._relevance import (
    ROWS_PER_COLUMN,
    Floats,
    Relevance,
    relevance,
)
from fastmi.estimators.neighbors._twin import TwinCorrected
from fastmi.estimators.neighbors.base import Array, Samples, Terms, widths
from fastmi.estimators.neighbors.forms import OfTwo
from fastmi.estimators.neighbors.ksg import KSG

# Samples with shuffled parts that are estimated.
_SHUFFLES = 3
# How many times as many neighbours show what a finite distance misses, and the samples for each of
# them without which they are not local.
_FARTHER, _SAMPLES_PER_NEIGHBOR = 4, 25
# Errors of the difference between near and far neighbours that chance explains, and how many times
# as large as the spread of the local values says these errors are.
_ERRORS, _CORRELATED = 2.0, 1.2
# Columns of both up to which all of them are looked at together where the parts may miss something.
_FEW_COLUMNS = 12
# Information between the parts, in nats, as a share of the value and in errors, that is worth a
# caution.
_BETWEEN, _BETWEEN_SHARE, _BETWEEN_ERRORS = 0.05, 0.15, 3.0


@dataclass(frozen=True, kw_only=True)
class RelevanceKSG(TwinCorrected, OfTwo):
    """KSG of the directions of x and y that matter to one another, for many columns.

    The radius of :class:`fastmi.KSG` is set by all columns, also by those that carry nothing. No
    invertible map of x or of y changes I(X; Y), so each block is replaced by its normal scores z,
    turned and scaled before algorithm 1 of Kraskov et al. (2004) counts in the maximum norm:

    1. z is made white. Its directions that matter are the eigenvectors of ``K_x = sum_f (b_f b_f' +
       A_f^2 / 2)`` above what permuted rows show, with ``b_f = cov(z_x, f)``, ``A_f = cov(z_x
       z_x', f)`` and f the columns of z_y and their products, then curves of the directions of y
       found so (as in Li 1991, 1992); and likewise for y. Other directions stay near the axes, and
       so do all of them if the columns of x and y pair up better there.
    2. ``T_ij = sum_{a, b <= 12} max(c_ab^2 - 4 / n, 0)`` is the dependence of columns i and j, c_ab
       the correlation of ``cos(pi a rank(x_i))`` and ``cos(pi b rank(y_j))``.
    3. Column i is multiplied by ``max(max_j T_ij, 8 / n)^(1/2)``, and likewise those of y. Columns
       that matter in products of two get half of the largest scale of their part at least.

    Dependence that shows neither in second moments of x nor in single columns, such as a fast wave
    along an oblique direction, is not found, and other columns that matter only together are scaled
    down. The value is then low.

    Args:
        bias_correction: None; "twin", see :class:`fastmi.KSG`, with twins that are turned and
            scaled anew; or "parts". Columns that depend on one another after the rotation form a
            part. Each part is estimated by itself, in fewer columns, less the bias of its twin and
            less what the difference between k and 4 k neighbours shows of the rest of its bias,
            where that is more than noise. The parts are added, and what depends between them: what
            the Gaussian copula has in no part, and the difference of the estimate of all columns
            and of those with parts shuffled against one another, as far as it exceeds its scatter.
            The `components` are the parts, and `terms` has what is "between" them. Up to twelve
            columns that depend in another way than the copula are also estimated as one part, which
            counts if it shows significantly more.
        normalize: "copula"; other scales of single columns have no effect here.
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" where each variable is one
            column. The counts are the same, the time differs.
    """

    normalize: str | None = "copula"

    _corrections: ClassVar[tuple[str, ...]] = ("twin", "parts")

    def __post_init__(self) -> None:
        check_choice("normalize", self.normalize, ("copula",))
        super().__post_init__()

    def _read(self, arrays: Sequence[object], names: Sequence[str]) -> Samples:
        blocks, ks, notes = super()._read(arrays, names)
        return blocks, ks, (*notes, *_of_few_rows(blocks))

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        found = relevance(*map(host, blocks))
        return self._plain()._terms(_as_blocks(blocks, found.x, found.y), ks)

    def _plain(self, **options: object) -> KSG:
        """Return the estimator of blocks that are scaled already."""
        own: dict[str, Any] = {
            "k": self.k,
            "algorithm": self.algorithm,
            "n_jobs": self.n_jobs,
            "noise": 0.0,
        }
        return KSG(**{**own, **options})

    def _estimate(
        self, arrays: Sequence[object], names: Sequence[str]
    ) -> Estimate | list[Estimate]:
        if self.bias_correction != "parts":
            return super()._estimate(arrays, names)
        start = perf_counter()
        samples = self._read(arrays, names)
        estimates = announce(self._by_parts(samples, fit([host(of) for of in samples[0]]), start))
        return estimates[0] if isinstance(self.k, int) else estimates

    def of_scores(self, scores: list[Array], law: Copula) -> list[Estimate]:
        """Return the estimates by parts from normal scores whose copula is known, one for each k.

        It issues no warnings, and treats no ties.
        """
        ks = (self.k,) if isinstance(self.k, int) else tuple(self.k)
        return self._by_parts((scores, ks, _of_few_rows(scores)), law, perf_counter())

    def _by_parts(self, samples: Samples, law: Copula | None, start: float) -> list[Estimate]:
        blocks, ks, _ = samples
        found = relevance(*map(host, blocks))
        scaled = _as_blocks(blocks, found.x, found.y)
        heed_stop()
        with quiet():
            terms, algorithm = self._plain()._terms(scaled, ks)
            wholes = self._finish(
                samples, terms, dims=widths(blocks), algorithm=algorithm, start=start
            )
            rng = generator(0 if self.seed is None else self.seed)
            shuffled = self._shuffled(blocks, found, ks, rng)
            # Each part has twins of its own, so that what chance does to them adds up to little.
            parts = [
                self._of_part(_as_blocks(blocks, found.x[:, i], found.y[:, j]), ks, rng)
                for i, j in found.parts
            ]
        linear = [_gaussian(found.x[:, i], found.y[:, j]) for i, j in found.parts]
        estimates = [
            _added(whole, shuffled[:, position], [own[position] for own in parts], linear, law)
            for position, whole in enumerate(wholes if isinstance(wholes, list) else [wholes])
        ]
        if law is not None and self._may_miss(estimates, law.reference):
            even = _as_blocks(blocks, found.x / found.scales[0], found.y / found.scales[1])
            with quiet():
                together = self._of_part(even, ks, rng)
            estimates = [_larger(*both) for both in zip(estimates, together, strict=True)]
        seconds = perf_counter() - start
        for estimate in estimates:
            estimate.seconds = seconds
        return estimates

    def _shuffled(
        self,
        blocks: list[Array],
        found: Relevance,
        ks: tuple[int, ...],
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Return estimates of samples whose parts are independent, shape (shuffles, len(ks))."""
        values = []
        for _ in range(_SHUFFLES):
            x, y = np.empty_like(found.x), np.empty_like(found.y)
            for i, j in (*found.parts, *found.alone):
                order = rng.permutation(len(x))
                x[:, i], y[:, j] = found.x[np.ix_(order, i)], found.y[np.ix_(order, j)]
            terms, _ = self._plain()._terms(_as_blocks(blocks, x, y), ks)
            values.append([one.value for one in terms])
        return np.array(values)

    def _may_miss(self, estimates: list[Estimate], reference: float) -> bool:
        """Return whether few columns depend otherwise than the copula, perhaps all together."""
        return 2 < sum(estimates[0].dims) <= _FEW_COLUMNS and any(
            abs(float(one) - reference) > _BETWEEN_ERRORS * one.stderr for one in estimates
        )

    def _of_part(
        self, own: list[Array], ks: tuple[int, ...], rng: np.random.Generator
    ) -> list[Estimate]:
        """Return the estimate of the columns of one part for each number of neighbours."""
        n = len(own[0])
        far = [_FARTHER * k for k in ks if _SAMPLES_PER_NEIGHBOR * _FARTHER * k <= n]
        every = sorted({*ks, *far})
        estimator = self._plain(
            k=every,
            algorithm=self.algorithm if widths(own) == (1, 1) else "auto",
            bias_correction="twin",
            seed=int(rng.integers(0, 2**63)),
        )
        estimates = estimator.estimate(*own)
        by_k = dict(zip(every, cast(list[Estimate], estimates), strict=True))
        return [_extrapolated(by_k[k], by_k.get(_FARTHER * k)) for k in ks]


def _as_blocks(blocks: Sequence[Array], x: Floats, y: Floats) -> list[Array]:
    """Return x and y as blocks like those of the samples: dtype and device."""
    return [
        like(block, np.ascontiguousarray(new, dtype=block.dtype))
        for block, new in zip(blocks, (x, y), strict=True)
    ]


def _extrapolated(near: Estimate, far: Estimate | None) -> Estimate:
    """Return an estimate less the bias that more neighbours show.

    In d dimensions the error of a density that is taken as even within the k-th distance grows with
    the square of this distance, as ``(k / n)^(2 / d)``. What remains of it after the correction is
    the difference to the estimate with more neighbours, extrapolated to k = 0. It counts as far as
    chance does not explain it.
    """
    if far is None or near.k is None or far.k is None:
        return near
    difference = float(near) - float(far)
    error = float(np.std(near.local - far.local)) / near.n**0.5
    error = _CORRELATED * error * (4 / 3) ** 0.5
    if abs(difference) <= _ERRORS * error:
        return near
    power = 2.0 / sum(near.dims)
    # Where it would reach further, in seven columns and more, it is not to be trusted.
    reach = min(near.k**power / (far.k**power - near.k**power), 2.0)
    more = reach * difference * (1.0 - (_ERRORS * error / difference) ** 2)
    value = float(near) + more
    stderr = float(np.hypot(near.stderr, reach * error))
    return changed(near, value, bias=near.bias - more, stderr=stderr)


def _added(
    whole: Estimate,
    shuffled: NDArray[np.float64],
    parts: list[Estimate],
    linear: list[float],
    law: Copula | None,
) -> Estimate:
    """Return the sum of the parts and of what depends between them.

    Args:
        whole: Estimate of all columns.
        shuffled: Those of samples with independent parts.
        parts: Estimate of each part.
        linear: Gaussian information of each part.
        law: Copula of the samples.
    """
    n = whole.n
    apart = whole.local - sum((part.local for part in parts), start=np.zeros(n))
    scatter = float(np.hypot(apart.std() / n**0.5, shuffled.std(ddof=1) / len(shuffled) ** 0.5))
    between = float(whole) - float(shuffled.mean())
    # Chance makes canonical variates look more dependent than they are; the information of the
    # copula is free of that, and has the weak linear dependence that is in no part. It is precise,
    # and neighbours of all columns add to it only what exceeds their scatter.
    rest = law.information - sum(linear) if law is not None and np.isfinite(linear).all() else 0.0
    between = rest + max(between - max(rest, 0.0) - scatter, 0.0)
    value = sum(map(float, parts)) + between
    stderr = float(np.sqrt(sum(part.stderr**2 for part in parts) + scatter**2))
    cautions = list(whole.warnings)
    largest = max(_BETWEEN, _BETWEEN_SHARE * abs(value), _BETWEEN_ERRORS * scatter)
    if parts and between > largest:
        cautions.append(_between_caution(between, len(parts)))
    cautions += _cautions_of_parts(parts, {caution.kind for caution in cautions})
    return changed(
        whole,
        value,
        bias=float(whole) - value,
        stderr=stderr,
        terms={"between": between},
        components={_name(number, part): part for number, part in enumerate(parts, 1)},
        warnings=tuple(cautions),
    )


def _larger(of_parts: Estimate, together: Estimate) -> Estimate:
    """Return what all columns show together where the parts miss of it what chance cannot explain.

    Columns that matter only together with others look as if they did not matter.
    """
    more = float(together) - float(of_parts)
    if more <= _BETWEEN_ERRORS * float(np.hypot(together.stderr, of_parts.stderr)):
        return of_parts
    known = tuple(caution for caution in of_parts.warnings if caution.kind != "between")
    dims = of_parts.dims
    return changed(
        of_parts,
        float(together),
        bias=of_parts.uncorrected - float(together),
        stderr=together.stderr,
        terms={"between": 0.0},
        components={_name(1, together): together},
        warnings=(*known, _together_caution(more, dims)),
    )


def _gaussian(x: Floats, y: Floats) -> float:
    """Return the Gaussian information of two blocks in nats, infinity if it has no bound."""
    total = 0.0
    for block, sign in ((x, 0.5), (y, 0.5), (np.hstack([x, y]), -0.5)):
        columns = (block - block.mean(axis=0)) / np.maximum(block.std(axis=0), 1e-300)
        determined, log_det = np.linalg.slogdet(columns.T @ columns / len(columns))
        if determined <= 0:
            return float("inf")
        total += sign * float(log_det)
    return total


def _name(number: int, part: Estimate) -> str:
    return f"part {number}, {part.dims[0]} + {part.dims[1]} columns"


def _cautions_of_parts(parts: list[Estimate], known: set[str]) -> list[Caution]:
    """Return the first caution of each kind that a part has and the whole has not."""
    found: dict[str, Caution] = {}
    for number, part in enumerate(parts, 1):
        for caution in part.warnings:
            if caution.kind not in known and not isinstance(caution, Note):
                text = f"{_name(number, part)}: {caution}"
                found.setdefault(caution.kind, Caution(text, caution.kind))
    return list(found.values())


def _of_few_rows(blocks: Sequence[Array]) -> tuple[Caution, ...]:
    """Return a caution if the samples are too few to turn the columns."""
    n, columns = len(blocks[0]), max(widths(blocks))
    if columns == 1 or n >= ROWS_PER_COLUMN * columns:
        return ()
    text = (
        f"n={n} samples are too few to find directions among {columns} columns, which takes "
        f"{ceil(ROWS_PER_COLUMN * columns)}: the columns are scaled, and not turned"
    )
    return (Caution(text, "few_rows"),)


def _between_caution(between: float, number: int) -> Caution:
    return Caution(
        f"{between:.2g} nats of dependence are between the {number} parts that were estimated one "
        "by one: they are what neighbours in all columns show, which is often too little",
        "between",
    )


def _together_caution(more: float, dims: tuple[int, ...]) -> Caution:
    return Caution(
        f"all {dims[0]} + {dims[1]} columns together show {more:.2g} nats more than the parts that "
        "depend on one another, and count; of dependence of that kind much may be missed",
        "between",
    )
