"""Differential entropy by weighted nearest-neighbour distances, for 4 to about 10 columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._cautions import Caution
from fastmi._estimate import small_sample_warnings
from fastmi.estimators.neighbors.base import (
    Array,
    InformationEstimator,
    Terms,
    rescale_advice,
)
from fastmi.estimators.neighbors.entropy import log_unit_ball, refuse_zero_radius
from fastmi.estimators.neighbors.forms import OfOne, OfTwo
from fastmi.ops.digamma import psi
from fastmi.ops.knn import kth_distance
from fastmi.ops.rescale import held_radii

# Norm of the weights above which an estimate carries a warning. The smallest norm over all k is 8.4
# at 8 columns, 11 at 10 and 59 at 12.
_LARGEST_NORM = 50.0

# Below this ratio of scales the samples, rather than their units, decide the error.
_UNEQUAL = 10.0
# Share of the ratio at which a joint ball spans the narrower variable; beyond that ratio the
# estimate falls by its logarithm.
_SPANNED = 0.3


@dataclass(frozen=True, kw_only=True)
class WeightedKozachenkoLeonenko(OfOne):
    """The weighted Kozachenko-Leonenko estimator of the differential entropy h(X).

    With r_j(i) the Euclidean distance from sample i to its j-th neighbour and c_d the volume of
    the unit ball (Berrett, Samworth and Yuan 2019, https://arxiv.org/abs/1606.00304)::

        h = sum_j w_j [log(n - 1) - psi(j) + log c_d + d < log r_j >],  sum_j w_j = 1

    The weights, of smallest norm and nonzero only for j in {floor(k/d), floor(2k/d), ..., k},
    cancel the leading terms of the bias, ``sum_j w_j Gamma(j + 2l/d) / Gamma(j) = 0`` for
    l = 1..floor(d/4). For d < 4 only the nearest neighbour is used, w_1 = 1. The norm of the
    weights, in proportion to which scatter grows, is 2 at d = 4, 11 to 17 at d = 10 and 10^4 to
    10^5 at d = 20: estimates in 12 or more columns carry a warning.

    Args:
        k: Number of the farthest neighbour used. A sequence gives a list of estimates from one
            search.
        noise: None, the default, spreads values that repeat in steps over the step, where distances
            show it: where more than 1 % of the samples have their neighbours within two steps, each
            such column gets noise as wide as its step, and a warning says so. Values that repeat
            without a step are an error. A number adds ``noise * sd(column) * U(-1/2, 1/2)`` in any
            case; 0 adds none.
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for one column. The
            distances are the same, the time differs.
    """

    _fixed_metric: ClassVar[str] = "euclidean"
    _ties: ClassVar[str] = "fill"

    def _radius_numbers(self, space: list[Array]) -> Sequence[int]:
        return _used(super()._radius_numbers(space), space[0].shape[1])

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        locals_, ran = weighted_locals(
            blocks[0], ks, "x", algorithm=self.algorithm, n_jobs=self.n_jobs, noise=self.noise
        )
        n = len(blocks[0])
        terms = [
            Terms(local, None, weighted_warnings(n, k, blocks[0].shape[1]))
            for k, local in zip(ks, locals_, strict=True)
        ]
        return terms, ran


def weighted_locals(
    block: NDArray[Any],
    ks: Sequence[int],
    name: str,
    *,
    algorithm: str,
    n_jobs: int | None,
    noise: float | None,
) -> tuple[list[NDArray[np.float64]], str]:
    """Return the local entropies in nats, shape (n,) for each k, from one search.

    The second value is the name of the search that ran.

    Args:
        block: The samples, shape (n, d).
        ks: Numbers of the farthest neighbours used.
        name: What errors call the samples.
        algorithm: Name of the search, or "auto".
        n_jobs: Number of threads.
        noise: Level of the noise that was added against ties, for the error.

    Raises:
        ValueError: Coincident samples, or too few neighbours for the weights.
    """
    n, d = block.shape
    weights = [entropy_weights(k, d, name) for k in ks]
    used = sorted({j for one in weights for j in one})
    search = partial(kth_distance, ks=used, metric="euclidean", algorithm=algorithm, n_jobs=n_jobs)
    (distances, ran), _, exponent = held_radii(search, [block])
    refuse_zero_radius(distances[0], used[0], noise, name)
    logs = dict(zip(used, np.log(distances, dtype=np.float64), strict=True))
    constant = math.log(n - 1) + log_unit_ball(d, "euclidean") + d * exponent * math.log(2.0)
    found = []
    for one in weights:
        local = np.zeros(n)
        for j, weight in one.items():
            local += weight * (constant - psi(j) + d * logs[j])
        found.append(local)
    return found, ran


def weighted_warnings(n: int, k: int, d: int) -> tuple[Caution, ...]:
    """Return the warnings for n samples, k neighbours and d columns."""
    found = small_sample_warnings(n, k)
    norm = math.hypot(*entropy_weights(k, d).values())
    if norm > _LARGEST_NORM:
        found.append(
            Caution(
                f"the weights of k={k} neighbours in {d} columns have norm {norm:.3g} and multiply "
                "scatter by as much: the estimate may be far off; weighted entropies serve up to "
                "about 10 columns",
                "many_columns",
            )
        )
    return tuple(found)


def entropy_weights(k: int, d: int, name: str = "x") -> dict[int, float]:
    """Return the nonzero weights by neighbour number.

    Raises:
        ValueError: Fewer neighbours than conditions.
    """
    support = _support(k, d)
    if d < 4:
        return {1: 1.0}
    conditions = d // 4 + 1
    if len(support) < conditions:
        raise ValueError(
            f"k must be at least {conditions} for {name} with {d} columns (the weights meet "
            f"floor(d/4) + 1 conditions); got k={k}"
        )
    rows: list[NDArray[np.float64]] = [np.ones(len(support))]
    for order in range(1, conditions):
        power = 2.0 * order / d
        moment = np.array([math.lgamma(j + power) - math.lgamma(j) for j in support])
        # Rows on one scale keep the least-squares problem well conditioned.
        rows.append(np.exp(moment - moment.max()))
    target = np.zeros(conditions)
    target[0] = 1.0
    # lstsq returns the solution of smallest norm.
    solution = np.linalg.lstsq(np.stack(rows), target, rcond=None)[0]
    return {j: float(w) for j, w in zip(support, solution, strict=True)}


def _support(k: int, d: int) -> list[int]:
    """Return the numbers of the neighbours that may have weights."""
    return [1] if d < 4 else sorted({i * k // d for i in range(1, d + 1)} - {0})


def _used(ks: Sequence[int], d: int) -> list[int]:
    return sorted({j for k in ks for j in _support(k, d)})


@dataclass(frozen=True, kw_only=True)
class EntropySum(InformationEstimator, OfTwo):
    """I(X; Y) = h(X) + h(Y) - h(X, Y), with weighted Kozachenko-Leonenko entropies.

    Comparisons with neural estimators use it as a baseline called "3H". The biases of the three
    entropies do not cancel as they do in :class:`fastmi.KSG`, and only entropies of 4 or more
    columns use more than the nearest neighbour. The joint distance is Euclidean: variables of very
    unequal scales give a warning; use `normalize` for them.

    Args:
        k: Number of the farthest neighbour used, at least floor((dx + dy) / 4) + 1. Publications
            that state it use 5, the default here; the default of :func:`fastmi.mi` is 3. A sequence
            costs one search for each entropy.
        noise: None, the default, spreads values that repeat in steps over the step, where distances
            show it: where more than 1 % of the samples have their neighbours within two steps, each
            such column gets noise as wide as its step, and a warning says so. Values that repeat
            without a step are an error. A number adds ``noise * sd(column) * U(-1/2, 1/2)`` in any
            case; 0 adds none.
        algorithm: Neighbour search: "auto", "tree" or "brute". The distances are the same, the time
            differs.
    """

    k: int | Sequence[int] | NDArray[np.integer[Any]] = 5

    _fixed_metric: ClassVar[str] = "euclidean"
    _ties: ClassVar[str] = "fill"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.algorithm == "sort":
            raise ValueError(
                "algorithm must be 'auto', 'tree' or 'brute' for the joint space of x and y; got "
                "algorithm='sort'"
            )

    def _radius_spaces(self, blocks: list[Array]) -> list[list[Array]]:
        return [[space] for space in _with_joint(blocks)]

    def _radius_numbers(self, space: list[Array]) -> Sequence[int]:
        return _used(super()._radius_numbers(space), space[0].shape[1])

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        spaces = _with_joint(blocks)
        per_space = [
            weighted_locals(
                block,
                ks,
                name,
                algorithm=self.algorithm,
                n_jobs=self.n_jobs,
                noise=self.noise,
            )
            for block, name in zip(spaces, ("x", "y", "(x, y)"), strict=True)
        ]
        locals_ = [of_space for of_space, _ in per_space]
        n, d = spaces[2].shape
        unequal = _scale_warnings(host(blocks[0]), host(blocks[1]), self.normalize)
        terms = [
            Terms(of_x + of_y - of_both, None, (*unequal, *weighted_warnings(n, k, d)))
            for k, of_x, of_y, of_both in zip(ks, *locals_, strict=True)
        ]
        return terms, per_space[2][1]


def _with_joint(blocks: list[Array]) -> list[Array]:
    """Return x, y and the columns of both side by side."""
    return [*blocks, like(blocks[0], np.hstack([host(block) for block in blocks]))]


def _scale_warnings(x: NDArray[Any], y: NDArray[Any], normalize: str | None) -> list[Caution]:
    """Return a warning if one variable is so wide that joint distances ignore the other.

    If y is the wide one, a joint ball that holds one sample is as wide as x where
    ``(width of y / width of x)^dy = n``.
    """
    widths = [_middle_half(block) for block in (x, y)]
    wide, narrow = (0, 1) if widths[0] > widths[1] else (1, 0)
    n, d = (x, y)[wide].shape
    limit = max(_UNEQUAL, _SPANNED * n ** (1 / d))
    # Divided in logarithms: the ratio itself can overflow.
    if not widths[narrow] > 0.0 or math.log(widths[wide]) - math.log(widths[narrow]) < math.log(
        limit
    ):
        return []
    big, small = "xy"[wide], "xy"[narrow]
    return [
        Caution(
            f"the scale of {big} dominates the joint distance (middle half {widths[wide]:.3g} "
            f"wide, that of {small} {widths[narrow]:.3g}), and the estimate tends to minus "
            f"infinity; {rescale_advice(normalize)}",
            "scale",
        )
    ]


def _middle_half(block: NDArray[Any]) -> float:
    """Return the width of the middle half of the samples in the widest column."""
    low, high = np.percentile(block, [25, 75], axis=0)
    return float((high - low).max())
