"""The Kullback-Leibler divergence of one sample from another, by nearest neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce, quiet
from fastmi._checks import k_list
from fastmi._estimate import Estimate, changed, small_sample_warnings
from fastmi._inputs import read_two
from fastmi._spread import near_origin
from fastmi.estimators.neighbors.base import NeighborEstimator, Terms
from fastmi.ops.digamma import psi
from fastmi.ops.knn import kneighbors_among, kth_distance
from fastmi.ops.rescale import rescaled

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

# Share of the samples that lie where the other sample has none, beyond the largest distance between
# its own neighbours, above which the divergence may be infinite.
_OUTSIDE_SHARE = 0.02
# Number of such samples that happen where both distributions are the same.
_OUTSIDE_BY_CHANCE = 5
# Smallest eigenvalue of the correlations of columns that are no linear functions of one another.
_DEPENDENT = 1e-12


@dataclass(frozen=True, kw_only=True)
class KLDivergence(NeighborEstimator):
    """The nearest-neighbour estimator of D(P || Q) from n samples of P and m of Q.

    With rho_i the distance from sample i of P to its k-th neighbour among the others of P, and nu_i
    that to its k-th neighbour in Q (Wang, Kulkarni and Verdu 2009,
    https://doi.org/10.1109/TIT.2009.2016060, equation 14)::

        D = d < log nu_i - log rho_i > + psi(m + 1) - psi(n)

    Where the paper has log m - log(n - 1), the digamma function leaves no bias where both densities
    are constant within the distances. The divergence does not depend on the coordinates, nor does
    the estimate on the origin and the unit of all columns; columns with units of their own should
    be brought to one scale, both samples by the same map, because distances compare them.

    ``local`` has a value for each sample of P, and the standard error that and the scatter of Q: by
    how much the value changes without each sample of Q.

    Args:
        metric: "chebyshev" or "euclidean".
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for one column, which serves
            the search in P. The distances are the same, the time differs.
        noise: None, the default, spreads values of both samples that repeat in steps over the step,
            as :class:`fastmi.KozachenkoLeonenko` does. A number adds ``noise * sd(column) * U(-1/2,
            1/2)`` in any case; 0 adds none.
        device: "auto" or "cpu": the samples are read in host memory.
    """

    metric: str = "chebyshev"

    _ties: ClassVar[str] = "fill"

    def _metric(self) -> str:
        return self.metric

    def _host_only(self) -> str:
        return "KLDivergence"

    def estimate(self, x: object, x_other: object) -> Estimate | list[Estimate]:
        """Estimate D(P || Q) in nats.

        Args:
            x: Samples of P, shape (n, d) or (n,).
            x_other: Samples of Q, shape (m, d) or (m,).

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape, not finite, with different numbers of columns, or
                with columns that are constant or linear functions of others; k >= n or k > m; k or
                more copies of a sample, where the estimate would be infinite.
        """
        start = perf_counter()
        own, other = read_two(x, x_other, ("x", "x_other"))
        n, m = len(own), len(other)
        ks = k_list(self.k, n, [own])
        if max(ks) > m:
            raise ValueError(
                f"k must be at most the number of samples of x_other; got k={max(ks)}, m={m}"
            )
        columns = own.shape[1]
        both, flat = _of_full_dimension(np.concatenate([own, other]), n)
        (stacked,), cautions = self.settle([both], ("x",))
        own, other = np.ascontiguousarray(stacked[:n]), np.ascontiguousarray(stacked[n:])
        terms, errors, algorithm = self._terms_of(own, other, ks)
        with quiet():
            found = self._finish(
                ([own], ks, (*flat, *cautions)),
                terms,
                dims=(columns, columns),
                algorithm=algorithm,
                start=start,
            )
        listed = [
            changed(one, float(one), stderr=math.hypot(one.stderr, error))
            for one, error in zip(
                found if isinstance(found, list) else [found], errors, strict=True
            )
        ]
        return announce(listed[0] if isinstance(self.k, int) else listed)

    def _terms_of(
        self, own: Array, other: Array, ks: Sequence[int]
    ) -> tuple[list[Terms], list[float], str]:
        """Return the terms of each k, what the scatter of Q adds to the error, and the search."""
        (n, d), m = own.shape, len(other)
        # The farthest neighbour in Q beyond the largest k shows what a sample of Q is worth.
        most = min(max(ks) + 1, m)
        (radii, algorithm), (near, which), (apart, _) = self._search(own, other, ks, most)
        terms, errors = [], []
        for k, rho in zip(ks, radii, strict=True):
            nu = near[:, k - 1]
            _refuse_copies(rho, nu, k, self.noise)
            local = d * (np.log(nu, dtype=np.float64) - np.log(rho, dtype=np.float64))
            local += psi(m + 1) - psi(n)
            found = small_sample_warnings(min(n, m), k)
            outside = int(np.count_nonzero(nu > apart[ks.index(k)].max())) if m > k else 0
            if outside > max(_OUTSIDE_BY_CHANCE, _OUTSIDE_SHARE * n):
                found.append(_outside_caution(outside, n))
            terms.append(Terms(local, None, tuple(found)))
            errors.append(_error_of_other(near, which, k, d, m))
        return terms, errors, algorithm

    def _search(
        self, own: Array, other: Array, ks: Sequence[int], most: int
    ) -> tuple[tuple[Array, str], tuple[Array, NDArray[np.int64]], tuple[Array, str]]:
        """Return the distances within P, those to Q with row numbers, and those within Q.

        They are all in one unit, in which they are normal numbers.
        """
        found = self._search_held(own, other, ks, most)
        distances = (found[0][0], found[1][0])
        tiny = np.finfo(own.dtype).tiny
        if all(np.isfinite(each).all() and (each[each > 0] >= tiny).all() for each in distances):
            return found
        (both,), _ = rescaled([np.concatenate([own, other])])
        moved = np.ascontiguousarray(both[: len(own)]), np.ascontiguousarray(both[len(own) :])
        return self._search_held(*moved, ks, most)

    def _search_held(
        self, own: Array, other: Array, ks: Sequence[int], most: int
    ) -> tuple[tuple[Array, str], tuple[Array, NDArray[np.int64]], tuple[Array, str]]:
        n_jobs, metric = self.n_jobs, self.metric
        within = self._kth_distance([own], ks)
        across = "auto" if self.algorithm == "sort" else self.algorithm
        near, which, _ = kneighbors_among(
            [own], [other], most, metric=metric, algorithm=across, n_jobs=n_jobs
        )
        held = [k for k in ks if k < len(other)]
        apart = (
            kth_distance([other], held, metric=metric, algorithm="auto", n_jobs=n_jobs)
            if held
            else (np.empty((0, len(other))), "")
        )
        return (within.distances, within.algorithm), (near, which), (apart[0], apart[1])


def _of_full_dimension(both: Array, n: int) -> tuple[Array, tuple[Caution, ...]]:
    """Return both samples without columns that have one value in both, and a caution about these.

    Distances do not see them, and the number of columns in the formula must not either.

    Args:
        both: The n samples of P above those of Q.
        n: Number of samples of P.

    Raises:
        ValueError: A column is constant in one of the samples, where the divergence is infinite or
            has no value, or a linear function of the others in both.
    """
    flat = [(part == part[0]).all(axis=0) for part in (both[:n], both[n:])]
    same = flat[0] & flat[1] & (both[0] == both[n])
    for constant, name in zip(flat, ("x", "x_other"), strict=True):
        wrong = np.flatnonzero(constant & ~same)
        if len(wrong) or same.all():
            raise ValueError(
                f"{name} must have columns that vary; got one value in column "
                f"{int(wrong[0]) if len(wrong) else 0}: leave it out, or use method='discrete' for "
                "classes and counts"
            )
    cautions: tuple[Caution, ...] = ()
    if same.any():
        listed = ", ".join(map(str, np.flatnonzero(same).tolist()))
        text = f"x and x_other have one and the same value in column {listed}, which was left out"
        cautions = (Caution(text, "constant"),)
        both = np.ascontiguousarray(both[:, ~same])
    d = both.shape[1]
    if d > 1:
        near = near_origin(both).astype(np.float64)
        near = near / np.abs(near).max(axis=0)
        centered = near - near.mean(axis=0)
        centered /= np.sqrt((centered**2).sum(axis=0))
        # Of the products of columns, because their number is small beside that of samples.
        least = float(np.linalg.eigvalsh(centered.T @ centered)[0])
        if least < _DEPENDENT:
            raise ValueError(
                "x and x_other must have columns that are no linear functions of one another, "
                "because samples then lie in fewer dimensions than they have columns; got "
                f"{d} columns of which some are: leave repeated columns out"
            )
    return both, cautions


def _error_of_other(near: Array, which: NDArray[np.int64], k: int, d: int, m: int) -> float:
    """Return the standard error that the scatter of Q adds, by the jackknife over its samples.

    Without one of the k nearest, the k-th distance is that of the next one.

    Args:
        near: Distances to the nearest of Q, shape (n, more than k).
        which: Their row numbers.
        k: Number of neighbours.
        d: Number of columns.
        m: Number of samples of Q.
    """
    n, known = near.shape
    if known <= k:
        return math.nan
    with np.errstate(divide="ignore"):
        steps = np.log(near[:, k], dtype=np.float64) - np.log(near[:, k - 1], dtype=np.float64)
    rows = which[:, :k].reshape(-1)
    changes = np.bincount(rows, weights=np.repeat(d * steps / n, k), minlength=m)
    return float(np.sqrt((m - 1) / m * ((changes - changes.mean()) ** 2).sum()))


def _refuse_copies(rho: Array, nu: Array, k: int, noise: float | None) -> None:
    """Raise ValueError where a k-th distance is 0, and its logarithm infinite."""
    for distances, where in ((rho, "x"), (nu, "x_other")):
        zeros = int(np.count_nonzero(distances == 0))
        if zeros:
            noisy = "noise=1e-6" if noise is None else "a larger noise"
            raise ValueError(
                f"x must not have k or more copies of a sample in {where}, the divergence would be "
                f"infinite; got {zeros} of {len(rho)} samples with k-th neighbour at distance 0, "
                f"k={k}: drop repeated rows, use a larger k or {noisy}, or "
                "method='discrete' for classes and counts"
            )


def _outside_caution(outside: int, n: int) -> Caution:
    return Caution(
        f"{outside} of {n} samples of x lie where x_other has none, farther from them than those "
        "are from one another: the value is too low by an amount that the samples do not tell, and "
        "the divergence may be infinite",
        "support",
    )
