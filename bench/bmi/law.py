"""A law of two blocks of columns with known information, and how larger laws are put together.

A law draws hidden blocks, whose density is known, and shows them through maps that can be inverted
within each block. Such maps leave mutual information as it is, so that rotations, spirals and odd
margins cost no new truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float64]
Map = Callable[[Block], Block]


def _as_it_is(block: Block) -> Block:
    return block


@dataclass(frozen=True)
class Law:
    """A law of x, shape (n, dx), and y, shape (n, dy).

    Attributes:
        dims: (dx, dy).
        information: Gives the true value in nats, by closed form or by quadrature.
        how: How that value is known.
        hidden: Draws n rows of both hidden blocks.
        log_ratio: log p(x, y) / (p(x) p(y)) of hidden rows, shape (n,); its mean over drawn rows
            is the information once more, by another way.
        show_x: Map from the hidden x to the one that is shown.
        show_y: The same for y.
    """

    dims: tuple[int, int]
    information: Callable[[], float]
    how: str
    hidden: Callable[[int, np.random.Generator], tuple[Block, Block]]
    log_ratio: Callable[[Block, Block], Block]
    show_x: Map = _as_it_is
    show_y: Map = _as_it_is

    @cached_property
    def truth(self) -> float:
        """The mutual information in nats."""
        return float(self.information())

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        """Return n rows of x and of y."""
        x, y = self.hidden(n, rng)
        return self.show_x(x), self.show_y(y)

    def monte_carlo(self, n: int, rng: np.random.Generator) -> tuple[float, float]:
        """Return the mean of the log ratio over n drawn rows, and its standard error."""
        parts = []
        for start in range(0, n, 20_000):  # tables of latent laws are rows times atoms
            parts.append(self.log_ratio(*self.hidden(min(20_000, n - start), rng)))
        ratios = np.concatenate(parts)
        return float(ratios.mean()), float(ratios.std() / np.sqrt(n))


def beside(*laws: Law) -> Law:
    """Return the law of independent pairs of blocks that stand beside each other."""
    x_ends = np.cumsum([law.dims[0] for law in laws])
    y_ends = np.cumsum([law.dims[1] for law in laws])

    def split(x: Block, y: Block) -> list[tuple[Block, Block]]:
        return list(
            zip(np.split(x, x_ends[:-1], axis=1), np.split(y, y_ends[:-1], axis=1), strict=True)
        )

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        blocks = [law.hidden(n, rng) for law in laws]
        return np.hstack([x for x, _ in blocks]), np.hstack([y for _, y in blocks])

    def log_ratio(x: Block, y: Block) -> Block:
        return np.sum(
            [law.log_ratio(*part) for law, part in zip(laws, split(x, y), strict=True)], axis=0
        )

    def show(ends: Block, maps: list[Map]) -> Map:
        return lambda block: np.hstack(
            [
                each(part)
                for each, part in zip(maps, np.split(block, ends[:-1], axis=1), strict=True)
            ]
        )

    return Law(
        (int(x_ends[-1]), int(y_ends[-1])),
        lambda: sum(law.truth for law in laws),
        " and ".join(dict.fromkeys(law.how for law in laws if law.how != "independent"))
        or "independent",
        hidden,
        log_ratio,
        show(x_ends, [law.show_x for law in laws]),
        show(y_ends, [law.show_y for law in laws]),
    )


def mapped(law: Law, map_x: Map | None = None, map_y: Map | None = None) -> Law:
    """Return the law seen through one more map of each block, which must be one to one."""
    first_x, first_y = law.show_x, law.show_y
    if map_x is not None:
        law = replace(law, show_x=lambda x: map_x(first_x(x)))
    if map_y is not None:
        law = replace(law, show_y=lambda y: map_y(first_y(y)))
    return law


def orthogonal(d: int, rng: np.random.Generator) -> Block:
    """Return a random rotation or reflection, shape (d, d), uniform over all."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def rotated(law: Law, seed: int) -> Law:
    """Return the law with each block rotated at random."""
    rng = np.random.default_rng(seed)
    q_x, q_y = (orthogonal(d, rng) for d in law.dims)
    return mapped(law, lambda x: x @ q_x, lambda y: y @ q_y)


def spiral(speed: float) -> Map:
    """Return the map that turns each pair of columns by an angle that grows with its radius."""

    def turn(block: Block) -> Block:
        turned = block.copy()
        for i in range(0, block.shape[1] - 1, 2):
            a, b = block[:, i], block[:, i + 1]
            angle = speed * np.hypot(a, b)
            turned[:, i] = np.cos(angle) * a - np.sin(angle) * b
            turned[:, i + 1] = np.sin(angle) * a + np.cos(angle) * b
        return turned

    return turn
