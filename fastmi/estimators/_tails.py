"""Student's t: entropies, quantiles, and the tail index of a t copula that fits ranks best.

nu is the number of degrees of freedom, the tail index; infinity stands for the normal law.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._plug_in import digamma_real
from fastmi.normalize import average_ranks

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

# Tail indices that are tried, with the heaviest tails first; the best is refined between its
# neighbours.
_TAIL_INDICES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 30.0, math.inf)
# Values from which the tail index is judged, and the fewest rows of them. It is one number, and
# these fix it well enough.
_TAIL_VALUES, _TAIL_ROWS = 20_000, 2000


def tail_term(nu: float, d: int) -> float:
    """Return what tails add to the entropy of d normal variables of the same dispersion, in nats.

    It is ``h(t_nu) - h(normal)``, 0 for the Gaussian (Kotz and Nadarajah 2004)::

        ln Gamma(nu/2) - ln Gamma((nu + d)/2) + (d/2) ln(nu pi)
            + (nu + d)/2 [psi((nu + d)/2) - psi(nu/2)] - (d/2) ln(2 pi e)
    """
    if math.isinf(nu):
        return 0.0
    half, joint = 0.5 * nu, 0.5 * (nu + d)
    return (
        math.lgamma(half)
        - math.lgamma(joint)
        + 0.5 * d * math.log(nu / (2.0 * math.e))
        + joint * (digamma_real(joint) - digamma_real(half))
    )


def log_kernel(quadratic: Floats, d: int, nu: float) -> Floats:
    """Return log densities of a dispersion of determinant 1 in d dimensions.

    Args:
        quadratic: Quadratic forms of the samples in the inverse of the dispersion.
        d: Number of dimensions.
        nu: Tail index.
    """
    if math.isinf(nu):
        return -0.5 * (quadratic + d * math.log(2.0 * math.pi))
    constant = math.lgamma(0.5 * (nu + d)) - math.lgamma(0.5 * nu)
    constant -= 0.5 * d * math.log(nu * math.pi)
    found: Floats = constant - 0.5 * (nu + d) * np.log1p(quadratic / nu)
    return found


def tail_index(scores: Sequence[Array], joint: Floats, bases: Sequence[Floats]) -> float:
    """Return the tail index of the t copula by its pseudo-likelihood on the ranks.

    It is infinity where tails that all blocks have in common explain less of their dependence than
    correlations do, for tails that each block has by itself are no dependence between them.

    Args:
        scores: Blocks of normal scores, shapes (n, d_b).
        joint: Correlation matrix of the white coordinates of all blocks.
        bases: What turns these into the columns of each block.
    """
    likelihood = _Likelihood(scores, joint, bases)
    last = len(_TAIL_INDICES) - 1

    @lru_cache
    def at(position: int) -> Floats:
        return likelihood(_TAIL_INDICES[position])

    def best(of: int) -> int:
        # A likelihood has one top, which half of the range holds after each step.
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            if at(middle)[of] < at(middle + 1)[of]:
                low = middle + 1
            else:
                high = middle
        return low

    top = best(0)
    alone = sum(float(at(best(block))[block]) for block in range(1, len(at(top))))
    if at(top)[0] - alone <= at(last)[0] - at(last)[1:].sum():
        return math.inf
    if top in (0, last):
        return _TAIL_INDICES[top]
    near = [1.0 / nu for nu in _TAIL_INDICES[top - 1 : top + 2]]
    inverse = _top(near, [float(at(each)[0]) for each in (top - 1, top, top + 1)])
    near = [1.25 * inverse, inverse, 0.8 * inverse]
    return 1.0 / _top(near, [float(likelihood(1.0 / each)[0]) for each in near])


def _top(places: Sequence[float], heights: Sequence[float]) -> float:
    """Return where the parabola through three points has its top, between the outer ones.

    Args:
        places: Descending, and above 0 but for the last.
        heights: What to maximise there.
    """
    square, slope, _ = np.polyfit(
        np.subtract(places, places[1]), np.subtract(heights, heights[1]), 2
    )
    inside = places[1] - 0.5 * slope / square if square < 0.0 else places[int(np.argmax(heights))]
    return float(np.clip(inside, max(places[2], 1e-3), places[0]))


class _Likelihood:
    """The log-likelihoods of the t copulas of all blocks and of each, as functions of nu."""

    def __init__(self, scores: Sequence[Array], joint: Floats, bases: Sequence[Floats]) -> None:
        """Rank the samples once; the arguments are those of :func:`tail_index`."""
        width = sum(block.shape[1] for block in scores)
        step = -(-len(scores[0]) // max(_TAIL_ROWS, _TAIL_VALUES // width))
        self._n = len(scores[0][::step])
        # Of each block the positions of its values among the quantiles, what makes the columns
        # white, and a weight, by which columns that repeat others count once.
        self._blocks: list[tuple[NDArray[np.intp], Floats, float]] = []
        for block, base in zip(scores, bases, strict=True):
            varies = base.any(axis=1)
            if not varies.any():
                continue
            places = [2.0 * average_ranks(column) - 2.0 for column in block[::step, varies].T]
            own = base[varies]
            weight = own.shape[1] / len(own)
            white = np.linalg.pinv(own).T
            self._blocks.append((np.column_stack(places).astype(np.intp), white, weight))
        self._inverse, self._log_det = inverse_and_log_det(joint)

    def __call__(self, nu: float) -> Floats:
        """Return the log-likelihood of all blocks together, then that of each by itself."""
        quantiles = t_quantiles(nu, self._n)
        single = log_kernel(quantiles**2, 1, nu)
        white = [quantiles[places] @ whiten for places, whiten, _ in self._blocks]
        # Log densities of single columns.
        columns = [weight * float(single[places].sum()) for places, _, weight in self._blocks]
        found = [
            float(log_kernel((block**2).sum(axis=1), block.shape[1], nu).sum()) - alone
            for block, alone in zip(white, columns, strict=True)
        ]
        joined = np.hstack(white) if white else np.zeros((self._n, 0))
        quadratic = ((joined @ self._inverse) * joined).sum(axis=1)
        together = float(log_kernel(quadratic, joined.shape[1], nu).sum())
        together -= 0.5 * self._n * self._log_det + math.fsum(columns)
        return np.array([together, *found])


@lru_cache(maxsize=64)
def t_quantiles(nu: float, n: int) -> Floats:
    """Return the quantiles of Student's t for the ranks 1, 3/2, 2, ..., n of n samples.

    Rank r stands for the probability (r - 1/2) / n; the halves are those of ties.
    """
    tails = np.arange(1, n) / (2.0 * n)
    if math.isinf(nu):
        from statistics import NormalDist

        lower = np.fromiter(map(NormalDist().inv_cdf, tails.tolist()), np.float64, n - 1)
        return np.concatenate([lower, [0.0], -lower[::-1]])
    # With x = sqrt(nu) cot(phi) the upper tail beyond x is proportional to the integral of
    # sin^(nu-1) from 0 to phi. In log(phi) it is smooth down to the smallest tails, e^-300 here.
    logs = np.linspace(max(-300.0 / nu, math.log(1e-12)), math.log(math.pi / 2), 8001)
    phi = np.exp(logs)
    integrand = np.sin(phi) ** (nu - 1.0) * phi
    steps = 0.5 * (integrand[1:] + integrand[:-1]) * (logs[1] - logs[0])
    integral = phi[0] ** nu / nu + np.concatenate([[0.0], np.cumsum(steps)])
    log_tail = np.log(0.5 * integral / integral[-1])
    lower = -math.sqrt(nu) / np.tan(np.exp(np.interp(np.log(tails), log_tail, logs)))
    return np.concatenate([lower, [0.0], -lower[::-1]])


def inverse_and_log_det(matrix: Floats) -> tuple[Floats, float]:
    """Return the inverse of a positive definite matrix, and the logarithm of its determinant."""
    factor = np.linalg.cholesky(matrix)
    inverse = np.linalg.solve(factor, np.eye(len(matrix)))
    return inverse.T @ inverse, 2.0 * float(np.log(np.diag(factor)).sum())
