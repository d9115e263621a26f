"""Rotates and scales two blocks so that what they tell about one another decides who is near.

The radius of a nearest-neighbour estimate is that of the widest columns, whether these matter or
not. Information does not change under invertible maps of each block by itself. So each block is
turned towards the directions that matter to the other, and every column gets a scale that grows
with how much it matters.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._pool import heed_stop
from fastmi.estimators.neighbors._directions import (
    cosines,
    directions,
    followed,
    near_axes,
    whiten,
)

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
#: Columns of x and columns of y.
Part: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]

# Orders of the cosines from which dependence of two columns is read, and those for parts.
_ORDERS, _ORDERS_OF_PARTS = 12, 6
# Squared correlations, in units of 1/n, that chance reaches and that do not count; and the least
# relevance in the same unit, so that every map is invertible.
_CHANCE, _LEAST = 4.0, 8.0
# Probability that chance alone joins any two columns into a part.
_FALSE_LINK = 0.01
# Columns of each block whose products of two are looked at for parts.
_PRODUCTS = 32
# Rows for each column that a rotation needs, below which columns stay as they are; and the largest
# number of rows from which it is found.
ROWS_PER_COLUMN, _ROWS = 5, 16_384


class Relevance(NamedTuple):
    """Two blocks as :func:`relevance` rotates and scales them.

    Attributes:
        x: Shape (n, rx), with rx the number of linearly independent columns.
        y: Shape (n, ry).
        scales: What the columns of each have been multiplied by, shapes (rx,) and (ry,).
        parts: Columns of x and of y that depend on one another; between the parts no dependence
            is seen. Columns of one block only are no part.
        alone: Columns of one block that belong to no part, in groups that depend on one another.
    """

    x: Floats
    y: Floats
    scales: tuple[Floats, Floats]
    parts: list[Part]
    alone: list[Part]


def relevance(x: Floats, y: Floats, *, seed: int = 0) -> Relevance:
    """Rotate two blocks towards what matters to the other, and scale the columns by relevance.

    Args:
        x: Normal scores, shape (n, dx).
        y: Normal scores, shape (n, dy), rows paired.
        seed: Seed of the permutation that tells what chance does.
    """
    blocks = [np.asarray(block, dtype=np.float64) for block in (x, y)]
    n = len(x)
    rows = slice(None, None, -(-n // _ROWS))
    turned = n >= ROWS_PER_COLUMN * max(block.shape[1] for block in blocks)
    if turned:
        blocks = [whiten(block) for block in blocks]
        # A block without any column that varies keeps one that does not.
        blocks = [block if block.shape[1] else np.zeros((n, 1)) for block in blocks]
    curves = _curves_of(blocks, rows)
    matters = dependence(*curves)
    if turned and max(block.shape[1] for block in blocks) > 1:
        few = [block[rows] for block in blocks]
        turns = _rotations(few[0], few[1], np.random.default_rng(seed))
        others = [block @ turn for block, turn in zip(blocks, turns, strict=True)]
        curves_of_others = _curves_of(others, rows)
        matters_of_others = dependence(*curves_of_others)
        # Directions that moments find can be worse than the axes, or chance.
        if _paired(matters_of_others) > _paired(matters):
            blocks, curves, matters = others, curves_of_others, matters_of_others
    least = _LEAST / curves[0].shape[2]
    scales = [np.sqrt(np.maximum(matters.max(axis=1 - side), least)) for side in (0, 1)]
    parts, alone, products = _parts(*(of_block[:, :_ORDERS_OF_PARTS] for of_block in curves))
    # Columns that matter together, and not by themselves, count for half of what their part does.
    for part in parts:
        shared = 0.5 * max(float(scale[own].max()) for scale, own in zip(scales, part, strict=True))
        for scale, own, joined in zip(scales, part, products, strict=True):
            scale[own[joined[own]]] = np.maximum(scale[own[joined[own]]], shared)
    scaled = [block * scale for block, scale in zip(blocks, scales, strict=True)]
    return Relevance(scaled[0], scaled[1], (scales[0], scales[1]), parts, alone)


def _curves_of(blocks: list[Floats], rows: slice) -> list[Singles]:
    """Return the cosines of some rows of each block; few rows have few orders."""
    found = []
    for block in blocks:
        some = block[rows]
        found.append(cosines(some, max(1, min(_ORDERS, len(some) // 8))))
    return found


def dependence(x: Singles, y: Singles) -> Floats:
    """Return how much each column of x depends on each of y, of whatever shape.

    With c_ab the correlation of cosines of order a and b of the ranks of two columns, it is the
    chi-squared dependence of these two up to some order without what chance adds::

        T = sum_{a, b} max(c_ab^2 - 4 / n, 0)

    Args:
        x: Cosines, shape (dx, orders, n).
        y: The same of the other block.

    Returns:
        Shape (dx, dy).
    """
    dx, orders, n = x.shape
    heed_stop()
    squares = ((x.reshape(-1, n) @ y.reshape(-1, n).T) / n).astype(np.float64) ** 2
    excess = np.maximum(squares - _CHANCE / n, 0.0)
    found: Floats = excess.reshape(dx, orders, len(y), orders).sum(axis=(1, 3))
    return found


def _rotations(x: Floats, y: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return what to multiply two white blocks by: relevant directions first, shape (d, d).

    Which directions are relevant is one question, and which axes within them another. Of several
    answers to the second, the one whose columns pair up best is taken: the axes of the samples, the
    canonical variates, and the axes of one block with what follows them in the other.
    """
    found = directions(x, y, rng)
    own = [near_axes(each.relevant) for each in found]
    rest = [near_axes(each.others) for each in found]
    a, b = x @ own[0], y @ own[1]
    turns = [np.eye(a.shape[1]), np.eye(b.shape[1])]
    if a.shape[1] and b.shape[1] and a.shape[1] + b.shape[1] > 2:
        curves = [cosines(block, _ORDERS) for block in (a, b)]
        left, _, right = np.linalg.svd(a.T @ b / len(a))
        choices = [(turns[0], turns[1]), (left, right.T)]
        pairs = [
            (curves[0], curves[1]),
            (cosines(a @ left, _ORDERS), cosines(b @ right.T, _ORDERS)),
        ]
        if a.shape[1] > 1:
            turn = followed(a, curves[1])
            choices.append((turn, turns[1]))
            pairs.append((cosines(a @ turn, _ORDERS), curves[1]))
        if b.shape[1] > 1:
            turn = followed(b, curves[0])
            choices.append((turns[0], turn))
            pairs.append((curves[0], cosines(b @ turn, _ORDERS)))
        scores = [_paired(dependence(*pair)) for pair in pairs]
        turns = list(choices[int(np.argmax(scores))])
    turned = [basis @ turn for basis, turn in zip(own, turns, strict=True)]
    return np.hstack([turned[0], rest[0]]), np.hstack([turned[1], rest[1]])


def _paired(matters: Floats) -> float:
    """Return how much columns tell about their best partners in the other block, in about nats.

    Args:
        matters: Dependence of the columns of x and of y, shape (dx, dy).
    """
    return 0.5 * float(sum(np.log1p(matters.max(axis=axis)).sum() for axis in (0, 1)))


def _parts(
    x: Singles, y: Singles
) -> tuple[list[Part], list[Part], tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Return the groups of columns that depend on one another: of both blocks, and of one.

    The third result says which columns of each block matter in products of two.

    Args:
        x: Cosines, shape (dx, orders, n).
        y: The same of the other block.
    """
    dx, orders, n = x.shape
    curves = np.concatenate([x, y]).reshape(-1, n)
    d = dx + len(y)
    heed_stop()
    squares = n * (curves @ curves.T / n).astype(np.float64) ** 2
    linked = squares.reshape(d, orders, d, orders).max(axis=(1, 3)) > _link((orders * d) ** 2 // 2)
    products = np.zeros(d, dtype=np.bool_)
    for first, block, other, others in ((0, x, y, slice(dx, d)), (dx, y, x, slice(0, dx))):
        i, j = np.triu_indices(min(len(block), _PRODUCTS), 1)
        if not len(i):
            continue
        heed_stop()
        together = (block[i, 0] * block[j, 0]) @ other.reshape(-1, n).T / n
        largest = n * (together.astype(np.float64) ** 2).reshape(-1, len(other), orders).max(axis=2)
        # Two columns whose product depends on one of the other block belong together with it. Where
        # one of the two depends on it alone, the mean square of the three is 3/2 at most, not 1.
        joined = largest > 1.5 * _link(together.size)
        for pair, partner in zip(*np.nonzero(joined), strict=True):
            three = [first + i[pair], first + j[pair], others.start + partner]
            linked[np.ix_(three, three)] = True
            products[three] = True
    parts: list[Part] = []
    alone: list[Part] = []
    left = np.ones(d, dtype=np.bool_)
    for start in range(d):
        if not left[start]:
            continue
        members = np.zeros(d, dtype=np.bool_)
        members[start] = True
        while (grown := members | linked[members].any(axis=0)).sum() > members.sum():
            members = grown
        left &= ~members
        part = np.flatnonzero(members[:dx]), np.flatnonzero(members[dx:])
        (parts if len(part[0]) and len(part[1]) else alone).append(part)
    return parts, alone, (products[:dx], products[dx:])


def _link(tests: int) -> float:
    """Return the squared correlation, in units of 1/n, that chance reaches in none of many tests.

    The tail of chi-squared with one degree of freedom is below ``exp(-t / 2)``.
    """
    return 2.0 * math.log(max(tests, 1) / _FALSE_LINK)
