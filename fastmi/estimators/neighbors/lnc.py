"""KSG with the correction for local non-uniformity of Gao, Ver Steeg and Galstyan (2015)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host
from fastmi._cautions import Caution
from fastmi.estimators.neighbors.base import (
    InformationEstimator,
    Terms,
    widths,
    zeros,
)
from fastmi.estimators.neighbors.forms import OfTwo
from fastmi.estimators.neighbors.ksg import count_warnings
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.knn import kneighbors

Array = NDArray[Any]

# Share of uniform neighbourhoods that the default threshold corrects, and the number of simulated
# neighbourhoods that it is computed from.
_FALSE_ALARMS = 5e-3
_DRAWS = 20_000
# Number of coordinates of neighbours held at once.
_CHUNK = 2**20
# Columns up to which independent variables (normal, uniform, lognormal, t of 2 degrees of freedom)
# stay within 0.1 nats of 0, at n = 1000 and k up to four times as many.
_FEW_COLUMNS = 4
# Nats that the correction finds among the columns of one variable, from which it says so.
_OWN = 0.1


@dataclass(frozen=True, kw_only=True)
class LNC(InformationEstimator, OfTwo):
    """KSG algorithm 1, corrected where the neighbours do not fill their box.

    The k neighbours of sample i span a box of volume V_i along the axes, and one of volume
    V'_i along their principal axes. Under strong dependence the latter is far smaller, and the
    density in the box is not uniform as KSG assumes. With c_i the logarithm of V_i / V'_i where
    ``V'_i < alpha V_i``, and 0 elsewhere (Gao, Ver Steeg and Galstyan 2015,
    https://arxiv.org/abs/1411.2003)::

        I = I_KSG1 + < c_i >

    Use it for few columns. With five or more of x and y together neighbours are so far away that
    the density varies between them, which makes their box look thin and passes for dependence.
    Independent normals at n = 1000 come out at about 0.1 nats in 6 columns, 0.3 in 8 and 3 in 16,
    variables with heavy tails higher. The same happens where the columns of one variable depend on
    each other so strongly that its samples lie near a curve or surface.

    Args:
        alpha: Threshold in (0, 1). None stands for the 0.5 % quantile of V'/V for k neighbours
            uniform in a cube, from a fixed simulation.
        noise: None, the default, separates equal values where more than 1 % of the samples have
            neighbours at the same distance as the k-th, and a warning says so: by noise as wide as
            the rounding step where there is one, because thin boxes pass for dependence, else of
            1e-10 of each column's spread. A number adds ``noise * sd(column) * U(-1/2, 1/2)`` in
            any case; 0 adds none.
        k: Number of neighbours, at least the columns of x and y together. A sequence gives a list
            of estimates from one search.
        algorithm: Neighbour search: "auto", "tree" or "brute". The neighbours are the same, the
            time differs.
    """

    alpha: float | None = None

    # A trace of noise would leave thin boxes along the axes, which pass for dependence.
    _ties: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha is None:
            return
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, int | float | np.floating):
            raise TypeError(f"alpha must be None or a number in (0, 1); got alpha={self.alpha!r}")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must be None or a number in (0, 1); got alpha={self.alpha!r}")

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        n = len(blocks[0])
        dims = widths(blocks)
        if min(ks) < sum(dims):
            raise ValueError(
                f"k must be at least the number of columns of x and y, {sum(dims)}: fewer "
                f"neighbours span no box; got k={min(ks)}: use k={sum(dims) + 2} or more"
            )
        distances, neighbors, algorithm = kneighbors(
            blocks, max(ks), metric="chebyshev", algorithm=self.algorithm, n_jobs=self.n_jobs
        )
        points = np.hstack([host(block) for block in blocks]).astype(np.float64, copy=False)
        terms = []
        for k in ks:
            radius = np.ascontiguousarray(distances[:, k - 1])
            counts = np.stack([self._count([block], radius, strict=True) for block in blocks])
            added = self._added(points, neighbors[:, :k])
            local = (psi(k) + psi(n)) - digamma(counts + 1).sum(axis=0) + added
            # The correction is unbounded, so that there is no ceiling.
            found = (
                *count_warnings(
                    -math.inf,
                    k,
                    n,
                    counts.sum(axis=1).tolist(),
                    zeros(radius),
                    blocks.__getitem__,
                    normalize=self.normalize,
                ),
                *(_width_warnings(sum(dims)) or self._own_warnings(blocks, neighbors[:, :k])),
            )
            flat = int(np.isinf(added).sum())
            if flat:
                found = (*found, _flat_warning(flat, n, k))
            terms.append(Terms(local, counts, found, (math.inf, math.nan) if flat else None))
        return terms, algorithm

    def _added(self, points: NDArray[np.float64], neighbors: NDArray[np.int64]) -> Array:
        """Return what the correction adds to each local value, shape (n,), in nats."""
        shrunk = _log_shrinkage(points, neighbors)
        shape = neighbors.shape[1], points.shape[1]
        alpha = _uniform_threshold(*shape) if self.alpha is None else self.alpha
        return np.where(shrunk < math.log(alpha), -shrunk, 0.0)

    def _own_warnings(self, blocks: list[Array], neighbors: NDArray[np.int64]) -> list[Caution]:
        """Return cautions about variables in whose own columns the neighbours are on a surface."""
        found = []
        for name, block in zip("xy", blocks, strict=True):
            if block.shape[1] < 2:
                continue
            own = self._added(host(block).astype(np.float64, copy=False), neighbors)
            nats = float(own.mean())
            if nats > _OWN:
                text = (
                    f"the columns of {name} depend on each other, so that neighbours lie along a "
                    f"curve or surface; about {nats:.2g} nats of the estimate are that, and say "
                    f"nothing about {'yx'['xy'.index(name)]}: use method='ksg1' or 'auto'"
                )
                found.append(Caution(text, "own_columns"))
        return found


def _width_warnings(columns: int) -> list[Caution]:
    if columns <= _FEW_COLUMNS:
        return []
    return [
        Caution(
            f"method='lnc' finds dependence where there is none in many columns, tenths of a nat "
            f"in 6 and several nats in 20; got {columns} of x and y together: use method='auto'",
            "many_columns",
        )
    ]


def _flat_warning(flat: int, n: int, k: int) -> Caution:
    return Caution(
        f"the k={k} neighbours of {flat} of {n} samples lie on a plane, and the estimate is "
        "infinite: the data is discrete (noise=1e-10 breaks ties) or its dependence exact",
        "flat",
    )


def _log_shrinkage(points: NDArray[np.float64], neighbors: NDArray[np.int64]) -> Array:
    """Return log(V' / V) of each sample's neighbours, 0 where V is 0: shape (n,)."""
    n, k = neighbors.shape
    step = max(1, _CHUNK // (k * points.shape[1]))
    parts = []
    for start in range(0, n, step):
        rows = slice(start, start + step)
        parts.append(_log_box_ratio(points[neighbors[rows]] - points[rows, None, :]))
    return np.concatenate(parts)


def _log_box_ratio(offsets: NDArray[np.float64]) -> Array:
    """Return log(V' / V) for offsets (n, k, d) from their centres."""
    widest = np.abs(offsets).max(axis=(1, 2), keepdims=True)
    scaled = offsets / np.where(widest == 0.0, 1.0, widest)
    # Principal axes of the second moments about the sample itself, rather than about the mean.
    _, axes = np.linalg.eigh(scaled.transpose(0, 2, 1) @ scaled)
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.log(np.abs(scaled).max(axis=1)).sum(axis=1)
        principal = np.log(np.abs(scaled @ axes).max(axis=1)).sum(axis=1)
        return np.where(np.isfinite(along), principal - along, 0.0)


@lru_cache(maxsize=64)
def _uniform_threshold(k: int, d: int) -> float:
    """Return the V' / V below which 0.5 % of the neighbourhoods of uniform samples lie."""
    rng = np.random.default_rng([k, d])
    step = max(1, _CHUNK // (k * d))
    ratios = [
        _log_box_ratio(rng.uniform(-1, 1, (min(step, _DRAWS - start), k, d)))
        for start in range(0, _DRAWS, step)
    ]
    # A threshold of 1 or more would correct rectangles that are no thinner than the box.
    return min(math.exp(float(np.quantile(np.concatenate(ratios), _FALSE_ALARMS))), 1.0)
