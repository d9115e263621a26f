"""Mutual information by Kraskov, Stoegbauer and Grassberger (2004), algorithms 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, constant_caution
from fastmi._checks import check_window
from fastmi._estimate import few_samples, small_sample_warnings
from fastmi.estimators.neighbors._low import name_low
from fastmi.estimators.neighbors._ties import mean_equal, never_vary
from fastmi.estimators.neighbors._twin import TwinCorrected
from fastmi.estimators.neighbors.base import (
    CEILING_SHARE,
    Array,
    MetricNeighborEstimator,
    Terms,
    TheilerEstimator,
    check_variant,
    rescale_advice,
    sample_warnings,
    widths,
    zeros,
)
from fastmi.estimators.neighbors.forms import OfTwo
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.ksg import ksg_terms
from fastmi.ops.theiler import theiler_ksg_terms

# Share of all samples that one margin counts on average while the other counts about k.
_DOMINATED_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class KSG(TheilerEstimator, TwinCorrected, MetricNeighborEstimator, OfTwo):
    """The KSG estimator of I(X; Y).

    With r_i the distance from sample i to its k-th neighbour in the joint space (maximum
    over x and y), variant 1 counts the samples strictly inside r_i in each margin
    (Kraskov et al. 2004, https://arxiv.org/abs/cond-mat/0305641, eq. 8)::

        I = psi(k) + psi(n) - < psi(n_x + 1) + psi(n_y + 1) >

    In variant 2 each margin has a radius of its own, the largest distance in that margin among the
    k neighbours, and the samples within it are counted (eq. 9)::

        I = psi(k) - 1/k + psi(n) - < psi(n_x) + psi(n_y) >

    Args:
        variant: 1 or 2. In variant 2 the algorithm "sort" serves the margins only, because the
            joint search needs to know which samples are near.
    """

    variant: int = 1

    def __post_init__(self) -> None:
        check_variant(self.variant)
        super().__post_init__()

    def _has_own_radii(self) -> bool:
        return self.variant == 2

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        n = len(blocks[0])
        if self.theiler:
            check_window(self.theiler, ks, n)
            found = theiler_ksg_terms(
                blocks,
                ks,
                window=self.theiler,
                variant=self.variant,
                metric=self.metric,
                n_jobs=self.n_jobs,
            )
        else:
            found = ksg_terms(
                blocks,
                ks,
                variant=self.variant,
                metric=self.metric,
                algorithm=self.algorithm,
                n_jobs=self.n_jobs,
            )
        terms = []
        psi_n = psi(n)
        # Lists, because single numbers of an array are slow to work with.
        means, stds = found.psi_mean.tolist(), found.psi_std.tolist()
        zeros, sums = found.zero_radius.tolist(), found.count_sum.tolist()
        for k, mean, std, counts, zero, sum_ in zip(
            ks, means, stds, found.counts, zeros, sums, strict=True
        ):
            constant = psi(k) + psi_n
            if self.variant == 2:
                constant -= 1.0 / k
            value = constant - mean
            # Most callers do not read it, and it costs as much as all other Python code.
            local = partial(_local, counts, constant, self.variant)
            warnings: tuple[Caution, ...] = ()
            if (
                zero > 1
                or self.theiler
                or max(sum_) > _DOMINATED_SHARE * n * n
                or value > CEILING_SHARE * (psi_n - psi(k + 1))
                or few_samples(n, k)
            ):
                warnings = count_warnings(
                    value,
                    k,
                    n,
                    sum_,
                    zero,
                    blocks.__getitem__,
                    normalize=self.normalize,
                    theiler=self.theiler,
                )
            terms.append(Terms(local, counts, warnings, (value, std)))
        # A twin shows by itself what is missing; and rows of a series are worth fewer.
        if self.bias_correction is None and not self.theiler and sum(widths(blocks)) > 2:
            terms = name_low(terms, ks, blocks, metric=self.metric)
        return terms, found.algorithm


def _local(counts: NDArray[np.int64], constant: float, variant: int) -> NDArray[np.float64]:
    inside = counts + 1 if variant == 1 else counts
    local: NDArray[np.float64] = constant - digamma(inside).sum(axis=0)
    return local


def count_warnings(
    value: float,
    k: int,
    n: int,
    count_sum: Sequence[int],
    zero_radius: int,
    variable: Callable[[int], Array],
    *,
    normalize: str | None,
    notes: tuple[Caution, ...] = (),
    theiler: int = 0,
) -> tuple[Caution, ...]:
    """Return the reasons to distrust one estimate.

    Args:
        value: The estimate in nats.
        k: Number of neighbours.
        n: Number of samples.
        count_sum: Sums of n_x and of n_y over the samples.
        zero_radius: Number of samples whose k-th joint distance is 0.
        variable: Function that returns the samples of variable 0 or 1, shape (n, d).
        normalize: How the variables were scaled.
        notes: Warnings that are known already; they come first.
        theiler: Window of time steps left out.
    """
    found = [*notes, *sample_warnings(value, _ceiling(k, n), n=n, k=k, zero_radius=zero_radius)]
    # Number of ordered pairs outside the window.
    others = n * (n - 1) - theiler * (2 * n - theiler - 1)
    inside = [which for which in (0, 1) if count_sum[which] == others]
    if inside:
        found += [
            constant_caution("xy"[which])
            if never_vary([variable(which)])
            else _inside_caution(which, normalize)
            for which in inside
        ]
        return tuple(found)
    wide, narrow = (1, 0) if count_sum[0] < count_sum[1] else (0, 1)
    mean = count_sum[wide] / n
    # Small samples have their own warning, and there the two conditions meet by chance.
    dominated = n >= 10 * k and mean > _DOMINATED_SHARE * n and count_sum[narrow] / n < 2 * k + 1
    if dominated:
        # Samples of the same class are near whatever the scale.
        same = mean_equal(variable(wide))
        dominated = mean - same > _DOMINATED_SHARE * (n - same)
    if dominated:
        big, small = "xy"[narrow], "xy"[wide]
        text = (
            f"the scale of {big} dominates the joint distance: {small} barely matters and the "
            f"estimate tends to 0 whatever the dependence; {rescale_advice(normalize)}"
        )
        found.append(Caution(text, "scale"))
    return tuple(found)


def _inside_caution(which: int, normalize: str | None) -> Caution:
    text = (
        f"{'xy'[which]} stays within every k-th distance, and the estimate says nothing about "
        f"dependence: the scale of {'yx'[which]} dominates; {rescale_advice(normalize)}"
    )
    return Caution(text, "scale")


def may_warn(
    values: NDArray[np.float64],
    k: int,
    n: int,
    count_sum: NDArray[np.int64],
    zero_radius: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Return which of p estimates may have warnings; :func:`count_warnings` has none for the rest.

    Args:
        values: The estimates in nats, shape (p,).
        k: Number of neighbours.
        n: Number of samples.
        count_sum: Sums of n_x and of n_y over the samples, shape (2, p).
        zero_radius: Number of samples whose k-th joint distance is 0, shape (p,).
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
class KSGHybrid(MetricNeighborEstimator, OfTwo):
    """KSG with the radius of algorithm 1 and the counts and constant of algorithm 2.

    Both margins have one radius r_i, the k-th joint distance, and closed counts::

        I = psi(k) - 1/k + psi(n) - < psi(n_x) + psi(n_y) >

    Without ties this is algorithm 1 minus ``1/k - < 1/n_b >``, n_b being the strict count of
    the margin that does not attain r_i: close to 1/k too low. Use :class:`fastmi.KSG`; this
    estimator reproduces formulas as some papers print them.
    """

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        n = len(blocks[0])
        radii, all_counts, algorithm = self._space_counts(blocks, ks, ((0,), (1,)), strict=False)
        terms = []
        for k, radius, counts in zip(ks, radii, all_counts, strict=True):
            constant = psi(k) - 1.0 / k + psi(n)
            local = constant - digamma(counts).sum(axis=0)
            ceiling = constant - 2 * psi(k)
            found = sample_warnings(
                float(local.mean()), ceiling, n=n, k=k, zero_radius=zeros(radius)
            )
            terms.append(Terms(local, counts, found))
        return terms, algorithm
