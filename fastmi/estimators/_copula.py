"""The Gaussian or t copula that resembles the samples: its information is known, and it is drawn.

Every column is replaced by its normal scores, which keeps the information between the columns.
The correlations of the scores, freed of what chance adds to them, and one index of the tails make
the *twin*: a law whose information has a closed form, of which any number of samples is drawn. What
an estimator says of them, less what is true, is its bias on samples of this size and shape.

The dispersion of a t copula is the correlation matrix; nu is its number of degrees of freedom,
infinity for the Gaussian.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._plug_in import OF_TWO, OF_TWO_GIVEN_THIRD, Signed, lowered, plug_in_bias
from fastmi.estimators._tails import inverse_and_log_det, log_kernel, tail_index, tail_term
from fastmi.normalize import normalize_blocks

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
# Eigenvalue of a correlation matrix, of 1 on average, below which a direction is rounding noise.
_RANK_TOLERANCE = 1e-10
# Largest canonical correlation of a twin: beyond, one block determines a direction of the other.
_DETERMINED = 1.0 - 1e-12


@dataclass(frozen=True)
class Copula:
    """A Gaussian or t copula in coordinates in which each block is white.

    Attributes:
        bases: Of each block a matrix, shape (d_b, rank_b), that turns white coordinates into
            standardised columns.
        joint: Correlation matrix of all white coordinates, block after block.
        information: Information of the Gaussian copula in nats, free of the plug-in bias and at
            least 0.
        raw: The same as it came, with its bias subtracted, which may be below 0.
        error: Standard error of the information, in nats.
        tail_index: nu.
        signed: The information as a signed sum of entropies.
    """

    bases: list[Floats]
    joint: Floats
    information: float
    raw: float
    error: float
    tail_index: float
    signed: Signed

    @cached_property
    def reference(self) -> float:
        """Information of this law in nats."""
        ranks = [base.shape[1] for base in self.bases]
        tails = math.fsum(
            sign * tail_term(self.tail_index, sum(ranks[b] for b in space))
            for space, sign in self.signed
        )
        return self.information + tails

    def draw(self, n: int, rng: np.random.Generator) -> list[Floats]:
        """Return samples of the law, blocks of shapes (n, d_b)."""
        white, edges = self._white(n, rng), self._edges()
        return [
            white[:, start:end] @ base.T
            for base, (start, end) in zip(self.bases, pairwise(edges), strict=True)
        ]

    def draw_pointwise(self, n: int, rng: np.random.Generator) -> Floats:
        """Return the pointwise information of samples of the law, shape (n,), in nats.

        Its mean tends to the reference. The samples are those that :meth:`draw` returns for the
        same state of `rng`.
        """
        white, edges = self._white(n, rng), self._edges()
        pointwise = np.zeros(n)
        for space, sign in self.signed:
            own = _positions(space, edges)
            dispersion = self.joint[np.ix_(own, own)]
            pointwise -= sign * _log_density(white[:, own], dispersion, self.tail_index)
        return pointwise

    def _white(self, n: int, rng: np.random.Generator) -> Floats:
        """Return samples in white coordinates, block after block."""
        nu = self.tail_index
        white: Floats = rng.standard_normal((n, len(self.joint))) @ np.linalg.cholesky(self.joint).T
        if math.isfinite(nu):
            # Below the smallest normal number there is nothing to divide by.
            mixing = np.maximum(rng.chisquare(nu, n) / nu, 1e-300)
            white /= np.sqrt(mixing)[:, None]
        return white

    def _edges(self) -> NDArray[np.int64]:
        """Return where the white coordinates of each block begin, and where the last one ends."""
        return np.cumsum([0, *(base.shape[1] for base in self.bases)])


def fit(scores: Sequence[Array], signed: Signed = OF_TWO) -> Copula | None:
    """Fit the copula to normal scores.

    Args:
        scores: Blocks of normal scores, shapes (n, d_b), of columns that vary.
        signed: The information as a signed sum of entropies.

    Returns:
        None where one block determines a direction of another, so that no information is finite,
        or where there are no more samples than columns.
    """
    n = len(scores[0])
    if n <= 1 + sum(block.shape[1] for block in scores):
        return None
    columns = [_standardised(block) for block in scores]
    bases, white = zip(*map(whiten, columns), strict=True)
    ranks = [block.shape[1] for block in white]
    stacked = np.hstack(white)
    joint = stacked.T @ stacked / n
    edges = np.cumsum([0, *ranks])
    for start, end in pairwise(edges):
        joint[start:end, start:end] = np.eye(end - start)
    plug_in = _gaussian(joint, edges, signed)
    if not math.isfinite(plug_in):
        return None
    excess = _excess(white, signed)
    raw = plug_in - excess * plug_in_bias(n, ranks, signed)
    information = min(max(raw, 0.0), plug_in)
    thresholded = _shrunk(joint, edges, signed, plug_in, information)
    error = math.sqrt(excess * _plug_in_variance(n, thresholded, edges, signed))
    nu = tail_index(scores, joint, bases)
    return Copula(list(bases), thresholded, information, raw, error, nu, signed)


def determines(blocks: Sequence[Array], signed: Signed = OF_TWO) -> bool:
    """Return whether a block determines a direction of another linearly, as a total does.

    Normal scores of such columns need not show it. What counts is that ranks do not add up, as
    ``rank(X) + rank(Y) > rank(X, Y)``.

    Args:
        blocks: Samples, shapes (n, d_b).
        signed: The information as a signed sum of entropies.
    """
    few = max(1, len(blocks[0]) // (4 * sum(block.shape[1] for block in blocks) + 50))
    # What holds in all rows holds in a part of them, and the other way round it is to be seen.
    return all(_excess_rank([block[::step] for block in blocks], signed) > 0 for step in (few, 1))


def _excess_rank(blocks: Sequence[Array], signed: Signed) -> int:
    """Return the signed sum of the ranks of columns, up to constants."""
    columns = np.hstack([np.asarray(block, dtype=np.float64) for block in blocks])
    columns = columns - np.median(columns, axis=0)
    size = np.abs(columns)
    scale = np.median(size, axis=0)
    scale = np.where(scale > 0.0, scale, size.max(axis=0))
    scale = np.maximum(scale, 1e-200 * size.max(axis=0))
    rows = np.hstack([np.ones((len(columns), 1)), columns / np.where(scale > 0.0, scale, 1.0)])
    # Rows of length 1 keep what is exact, and none is so large that others are rounding beside it.
    rows /= np.abs(rows).max(axis=1, keepdims=True)
    tolerance = 64.0 * max(float(np.finfo(block.dtype).eps) for block in blocks)
    edges = np.cumsum([1, *(block.shape[1] for block in blocks)])
    excess = 0
    for space, sign in signed:
        own = np.concatenate([[0], _positions(space, edges)])
        values = np.linalg.svd(rows[:, own], compute_uv=False)
        excess += sign * (int((values > tolerance * values[0]).sum()) - 1)
    return excess


def whiten(columns: Floats) -> tuple[Floats, Floats]:
    """Return what turns white coordinates into centred columns, and the white coordinates.

    Args:
        columns: Shape (n, d), with variance 1 or 0.

    Returns:
        Shapes (d, rank) and (n, rank).
    """
    values, vectors = np.linalg.eigh(columns.T @ columns / len(columns))
    kept = values > _RANK_TOLERANCE * values.max(initial=1.0)
    roots = np.sqrt(values[kept])
    return vectors[:, kept] * roots, columns @ (vectors[:, kept] / roots)


def normal_scores(blocks: Sequence[Array]) -> list[Floats]:
    """Return the normal scores of the columns of each block, float64."""
    names = [""] * len(blocks)
    doubles = [np.asarray(block, dtype=np.float64) for block in blocks]
    return normalize_blocks(doubles, names, "copula")[0]


def ascending(block: Array) -> Array:
    """Return the values of each column in ascending order, a row for each column."""
    # Columns lie together in memory while they are sorted, which is several times as fast.
    return np.sort(np.ascontiguousarray(block.T), axis=1)


def in_order_of(drawn: Array, margins: Array) -> Array:
    """Return samples with the order of one block and given values, column by column.

    Args:
        drawn: Samples of a copula, shape (n, d).
        margins: Ascending values of each column, shape (d, n).
    """
    order = np.argsort(np.ascontiguousarray(drawn.T), axis=1)
    found = np.empty_like(margins)
    np.put_along_axis(found, order, margins, axis=1)
    return np.ascontiguousarray(found.T)


def _log_density(samples: Floats, dispersion: Floats, nu: float) -> Floats:
    inverse, log_det = inverse_and_log_det(dispersion)
    quadratic = ((samples @ inverse) * samples).sum(axis=1)
    found: Floats = log_kernel(quadratic, samples.shape[1], nu) - 0.5 * log_det
    return found


def _standardised(block: Array) -> Floats:
    """Return the columns that vary, with mean 0 and variance 1; the others are 0."""
    centred = np.asarray(block, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    found: Floats = centred / np.where(spread > 0.0, spread, 1.0)
    return found


def _excess(white: Sequence[Floats], signed: Signed) -> float:
    """Return how many times the plug-in bias is as large as that of normal samples.

    It grows with the variance of the correlations that chance makes, ``E[u^2 v^2] / n`` for
    uncorrelated coordinates u and v of two blocks, less what they have in common with a third one
    that is given. Common tails raise it above 1 / n, that of normal coordinates.
    """
    n = len(white[0])
    blocks = list(white)
    if signed == OF_TWO_GIVEN_THIRD:
        x, y, z = white
        blocks = [whiten(block - z @ (z.T @ block / n))[1] for block in (x, y)]
    squares = [(block**2).sum(axis=1) for block in blocks]
    found, number = 0.0, 0
    for a, b in combinations(range(len(blocks)), 2):
        correlated = blocks[a].T @ blocks[b] / n
        found += float(squares[a] @ squares[b]) / n - 2.0 * float((correlated**2).sum())
        number += correlated.size
    # Chance adds 1 / n to the squared correlations.
    return max(found / (number * (1.0 - 2.0 / n)), 0.0) if number else 1.0


def _plug_in_variance(n: int, joint: Floats, edges: NDArray[np.int64], signed: Signed) -> float:
    """Return the variance of the plug-in Gaussian information of n normal samples.

    It is the sum of that of independent blocks, ``-1/4 sum_s sign_s sum_{i=1..d_s}
    psi'((n - i) / 2)``, and of what dependence adds to first order, ``tr((G joint)^2) / (2 n)``
    with ``G = sum_s sign_s joint_s^-1``. For one pair of columns the latter is rho^2 / n.
    """
    independent = 0.0
    weighted = np.zeros_like(joint)
    for space, sign in signed:
        own = _positions(space, edges)
        # psi'(x) = 1 / (x - 1/2) to within 2 % from x = 2 on.
        independent -= 0.25 * sign * math.fsum(2.0 / (n - i - 1) for i in range(1, len(own) + 1))
        weighted[np.ix_(own, own)] += sign * np.linalg.inv(joint[np.ix_(own, own)])
    product = weighted @ joint
    return max(independent, 0.0) + float((product * product.T).sum()) / (2.0 * n)


def _positions(space: Sequence[int], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the positions of the white coordinates of some blocks."""
    return np.concatenate([np.arange(edges[b], edges[b + 1]) for b in space])


def _gaussian(joint: Floats, edges: NDArray[np.int64], signed: Signed) -> float:
    """Return the information of a Gaussian in nats, infinity where a covariance is singular."""
    total = 0.0
    for space, sign in signed:
        own = _positions(space, edges)
        if len(own) == 0:
            continue
        values = np.linalg.eigvalsh(joint[np.ix_(own, own)])
        if values[0] <= 1.0 - _DETERMINED:
            return math.inf
        total += 0.5 * sign * float(np.log(values).sum())
    return total


def _shrunk(
    joint: Floats, edges: NDArray[np.int64], signed: Signed, plug_in: float, information: float
) -> Floats:
    """Return the correlations with so much less dependence that the information is as given."""
    if signed in (OF_TWO, OF_TWO_GIVEN_THIRD):
        return _thresholded(joint, edges, information)
    apart = np.zeros_like(joint)
    for start, end in pairwise(edges):
        apart[start:end, start:end] = joint[start:end, start:end]
    low, high = 0.0, 1.0
    if information >= plug_in:
        return joint
    for _ in range(40):
        middle = 0.5 * (low + high)
        if _gaussian(apart + middle * (joint - apart), edges, signed) < information:
            low = middle
        else:
            high = middle
    shrunk: Floats = apart + low * (joint - apart)
    return shrunk


def _thresholded(joint: Floats, edges: NDArray[np.int64], information: float) -> Floats:
    """Return the correlations with the canonical pairs of x and y lowered by one threshold.

    The pairs are those given z where there is a third block. Each loses the same information, and
    none keeps less than 0, so that directions that only chance has paired become independent.
    """
    x, y, z = (slice(edges[b], edges[b + 1]) for b in (0, 1, min(2, len(edges) - 2)))
    given = np.zeros_like(joint[x, y])
    roots = [np.eye(edges[b + 1] - edges[b]) for b in (0, 1)]
    if len(edges) > 3:
        given = joint[x, z] @ joint[z, y]
        roots = [_root(np.eye(len(joint[s, s])) - joint[s, z] @ joint[z, s]) for s in (x, y)]
    inverses = [np.linalg.pinv(root) for root in roots]
    left, rho, right = np.linalg.svd(
        inverses[0] @ (joint[x, y] - given) @ inverses[1].T, full_matrices=False
    )
    each = -0.5 * np.log1p(-(np.minimum(rho, _DETERMINED) ** 2))
    kept = -np.expm1(-2.0 * lowered(each, information))
    cross = roots[0] @ (left * np.sqrt(kept)) @ right @ roots[1].T + given
    found: Floats = joint.copy()
    found[x, y] = cross
    found[y, x] = cross.T
    return found


def _root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
