"""Finds the directions of each of two blocks that carry what they tell about one another.

A direction of x matters if moments of x along it change with y. With x white and f a feature of y,
of variance 1::

    K_x = sum_f (b_f b_f' + A_f^2 / 2),    b_f = cov(x, f),  A_f = cov(x x', f)

is 0 along directions that do not matter to these moments (Li 1991, sliced inverse regression; Li
1992, principal Hessian directions). Chance adds to it; how much, a permutation of the rows of y
tells.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._pool import heed_stop
from fastmi.normalize import average_ranks

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]

# Eigenvalue of a correlation matrix, of 1 on average, below which a direction is rounding noise.
_RANK_TOLERANCE = 1e-10
# How far above the largest eigenvalue of permuted rows one has to be to be no chance. Independent
# normal blocks of 2, 3, 5 and 10 columns have one in .17, .07, .07 and 0 of 30 runs, n = 2000.
_EDGE = 1.3
# Share of the excess of K that columns must hold for the others to be left out of the directions.
_HELD = 0.95
# Columns of both blocks from which products of two columns of y are too many to be features, and
# columns of a block up to which features of two columns are used in the second pass.
_WIDE, _FEW = 60, 10
# Orders of the cosines of ranks that serve as features.
_ORDERS = 6
# Samples whose products are worked on at once.
_CHUNK = 2048
# Variance of a feature below which it does not vary; those that do have about 1.
_LEAST_VARIANCE = 1e-6


class Directions(NamedTuple):
    """Two orthonormal bases of a white block.

    Attributes:
        relevant: Directions that matter to the other block, shape (d, r).
        others: The rest, shape (d, d - r).
    """

    relevant: Floats
    others: Floats


def whiten(block: Floats) -> Floats:
    """Return a block with uncorrelated columns of variance 1, as near to its own as can be.

    Args:
        block: Shape (n, d).

    Returns:
        Shape (n, r) with r the number of linearly independent columns.
    """
    centred = block - block.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(block))
    kept = values > _RANK_TOLERANCE * max(1.0, values[-1])
    basis = vectors[:, kept]
    white: Floats = centred @ ((basis / np.sqrt(values[kept])) @ basis.T @ near_axes(basis))
    return white


def near_axes(basis: Floats) -> Floats:
    """Return another orthonormal basis of the same space, near to axes.

    As many axes are chosen as there are directions, each time the one that the space holds most of.

    Args:
        basis: Orthonormal columns, shape (d, r).
    """
    number = basis.shape[1]
    if number == 0:
        return basis
    rest = basis.copy()
    chosen: list[int] = []
    for _ in range(number):
        lengths = (rest**2).sum(axis=1)
        lengths[chosen] = -1.0
        chosen.append(int(lengths.argmax()))
        direction = rest[chosen[-1]] / np.linalg.norm(rest[chosen[-1]])
        rest -= np.outer(rest @ direction, direction)
    left, _, right = np.linalg.svd(basis[sorted(chosen)].T)
    found: Floats = basis @ (left @ right)
    return found


def cosines(columns: Array, orders: int) -> Singles:
    """Return ``sqrt(2) cos(pi a u)`` of the ranks u in (0, 1) of columns, a = 1..orders.

    They have mean 0, and without ties they are uncorrelated with variance 1, whatever the margins.

    Args:
        columns: Shape (n, d).
        orders: Number of them.

    Returns:
        Shape (d, orders, n).
    """
    n, d = columns.shape
    found = np.empty((d, orders, n), dtype=np.float32)
    for j in range(d):
        first = np.cos((average_ranks(columns[:, j]) - 0.5) * (np.pi / n)).astype(np.float32)
        found[j, 0] = first
        twice = first + first
        for a in range(1, orders):
            np.multiply(twice, found[j, a - 1], out=found[j, a])
            found[j, a] -= found[j, a - 2] if a > 1 else np.float32(1.0)
    # Those of ties have another mean.
    found -= found.mean(axis=2, keepdims=True)
    found *= np.float32(np.sqrt(2.0))
    return found


def directions(x: Floats, y: Floats, rng: np.random.Generator) -> tuple[Directions, Directions]:
    """Return the directions of two white blocks that matter to one another.

    A second pass looks from the directions that the first has found: their features are fewer, so
    that chance adds less, and they are richer.

    Args:
        x: Shape (n, dx).
        y: Shape (n, dy), rows paired.
        rng: Draws the permutation.
    """
    white = [np.ascontiguousarray(block.T, dtype=np.float32) for block in (x, y)]
    order = rng.permutation(len(x))
    if x.shape[1] + y.shape[1] > _WIDE:
        seen = [
            _seen_from(white[side], _curves(other, 2), order) for side, other in ((0, y), (1, x))
        ]
    else:
        moments = _correlations(white[0], white[1], order, quadratic=True)
        seen = [
            _split(*(_kernel(one, x.shape[1]) for one in moments)),
            _split(*(_kernel(one.T, y.shape[1]) for one in moments)),
        ]
    relevant = [block @ found.relevant for block, found in zip((x, y), seen, strict=True)]
    for side in (0, 1):
        other = relevant[1 - side]
        if 0 < other.shape[1] <= _FEW:
            seen[side] = _seen_from(white[side], _curves(other, _ORDERS), order)
    return seen[0], seen[1]


def followed(block: Floats, other: Singles) -> Floats:
    """Return a rotation of a white block whose columns pair with those of another, one by one.

    Args:
        block: Shape (n, d).
        other: Cosines of the columns of the other, shape (e, orders, n).

    Returns:
        An orthogonal matrix, shape (d, d): what to multiply the block by.
    """
    white = np.ascontiguousarray(block.T, dtype=np.float32)
    d, n = white.shape
    moments, _ = _correlations(white, other.reshape(-1, n), None)
    tops = [
        np.linalg.eigh(_kernel(of_column, d))[1][:, -1]
        for of_column in np.split(moments, len(other), axis=1)[:d]
    ]
    left, _, right = np.linalg.svd(np.column_stack(tops), full_matrices=False)
    first: Floats = left @ right
    return np.hstack([first, near_axes(_complement(first))])


def _seen_from(white: Singles, features: Singles, order: NDArray[np.intp]) -> Directions:
    """Return the directions of a white block that matter to features of the other."""
    moments = _correlations(white, features, order)
    return _split(*(_kernel(one, len(white)) for one in moments))


def _curves(columns: Array, orders: int) -> Singles:
    """Return cosines of the ranks of single columns, and products of those of two, (f, n)."""
    single = cosines(columns, orders)
    d, _, n = single.shape
    found = [single.reshape(-1, n)]
    if 1 < d <= _FEW:
        found += [
            single[i, a] * single[i + 1 :, b] for i in range(d - 1) for a in (0, 1) for b in (0, 1)
        ]
    return np.concatenate(found)


def _quadratic(rows: Singles) -> Singles:
    """Return variables, shape (d, n), and after them the products of two, i <= j."""
    d, n = rows.shape
    found = np.empty((d + d * (d + 1) // 2, n), dtype=np.float32)
    found[:d] = rows
    start = d
    for i in range(d):
        np.multiply(rows[i], rows[i:], out=found[start : start + d - i])
        start += d - i
    return found


def _correlations(
    x: Singles, y: Singles, order: NDArray[np.intp] | None, *, quadratic: bool = False
) -> tuple[Floats, Floats]:
    """Return the correlations of columns of x and their products with features of y.

    Args:
        x: Shape (d, n).
        y: Features, shape (f, n).
        order: Samples of y to pair those of x with for the second result.
        quadratic: Whether the products of `y` are features, too.

    Returns:
        Shape (d + d (d + 1) / 2, number of features), and the same for permuted samples. What does
        not vary is not correlated.
    """
    n = x.shape[1]
    joints: Any = 0.0
    sums: list[Any] = [0.0] * 4
    for start in range(0, n, _CHUNK):
        heed_stop()
        a = _quadratic(x[:, start : start + _CHUNK])
        pairs = [y[:, start : start + _CHUNK]]
        if order is not None:
            pairs.append(y[:, order[start : start + _CHUNK]])
        if quadratic:
            pairs = [_quadratic(part) for part in pairs]
        joints = joints + np.stack([a @ b.T for b in pairs]).astype(np.float64)
        for position, part in enumerate((a, pairs[0])):
            sums[2 * position] = sums[2 * position] + part.sum(axis=1, dtype=np.float64)
            squares = np.einsum("fi,fi->f", part, part)
            sums[2 * position + 1] = sums[2 * position + 1] + squares
    mean_a, square_a, mean_b, square_b = (one / n for one in sums)
    scales = []
    for variance in (square_a - mean_a**2, square_b - mean_b**2):
        varies = variance > _LEAST_VARIANCE
        scales.append(np.where(varies, 1.0 / np.sqrt(np.where(varies, variance, 1.0)), 0.0))
    found = (joints / n - np.outer(mean_a, mean_b)) * np.outer(*scales)
    return found[0], found[-1]


def _kernel(correlations: Floats, d: int) -> Floats:
    """Return K from the correlations of columns and their products with features, shape (d, d)."""
    linear, products = correlations[:d], correlations[d:]
    i, j = np.triu_indices(d)
    # A square has twice the variance of the product of two columns.
    products = products * np.where(i == j, np.sqrt(2.0), 1.0)[:, None]
    hessians = np.empty((d, d, products.shape[1]))
    hessians[i, j] = products
    hessians[j, i] = products
    flat = hessians.reshape(d, -1)
    found: Floats = linear @ linear.T + 0.5 * flat @ flat.T
    return found


def _split(kernel: Floats, chance: Floats) -> Directions:
    """Return the directions whose eigenvalue no chance explains, and the others.

    Where a few columns hold all of it, the directions lie in these: fewer loadings to get wrong.
    """
    edge = _EDGE * float(np.linalg.eigvalsh(chance)[-1])
    values, vectors = np.linalg.eigh(kernel)
    above = values > edge
    number = int(above.sum())
    columns = np.diag(kernel) > _EDGE * np.diag(chance).max()
    if number and columns.any() and not columns.all():
        own_values, own_vectors = np.linalg.eigh(np.where(np.outer(columns, columns), kernel, 0.0))
        own = own_values > edge
        noise = np.trace(chance) / len(chance)
        held = float((own_values[own] - noise).sum())
        if own.sum() >= number and held > _HELD * float((values[above] - noise).sum()):
            first = own_vectors[:, own]
            return Directions(first, _complement(first))
    return Directions(vectors[:, above], vectors[:, ~above])


def _complement(basis: Floats) -> Floats:
    """Return an orthonormal basis of what is orthogonal to orthonormal columns."""
    left: Floats = np.linalg.svd(basis, full_matrices=True)[0]
    return left[:, basis.shape[1] :]
