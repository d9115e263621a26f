"""Information by quadrature for two kinds of laws.

In `regression`, y is a function of x plus noise; in `latent`, x and y are independent given
something that is not seen. Grids are fine enough for errors far below 0.001 nats; `laws.py --check`
compares every value with a Monte Carlo mean of the log density ratio over drawn rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from law import Block, Law
from scipy import special


@dataclass(frozen=True)
class Noise:
    """A law of one column: sampler, log density, entropy in nats, and where it practically ends."""

    draw: Callable[[tuple[int, ...], np.random.Generator], Block]
    log_density: Callable[[Block], Block]
    entropy: float
    reach: float


NORMAL = Noise(
    lambda shape, rng: rng.standard_normal(shape),
    lambda e: -0.5 * e**2 - 0.5 * math.log(2.0 * math.pi),
    0.5 * math.log(2.0 * math.pi * math.e),
    9.0,
)
LAPLACE = Noise(
    lambda shape, rng: rng.laplace(size=shape),
    lambda e: -np.abs(e) - math.log(2.0),
    1.0 + math.log(2.0),
    40.0,
)
CAUCHY = Noise(
    lambda shape, rng: rng.standard_cauchy(shape),
    lambda e: -np.log1p(e**2) - math.log(math.pi),
    math.log(4.0 * math.pi),
    1e7,
)


def log_chi(d: int) -> Noise:
    """Return the law of the logarithm of the length of d normal columns."""
    constant = (1.0 - d / 2.0) * math.log(2.0) - math.lgamma(d / 2.0)
    # E exp(2 m) = d and E m = (psi(d/2) + log 2) / 2.
    mean = 0.5 * (float(special.digamma(d / 2.0)) + math.log(2.0))
    return Noise(
        lambda shape, rng: 0.5 * np.log(rng.chisquare(d, shape)),
        lambda m: constant + d * m - 0.5 * np.exp(2.0 * m),
        0.5 * d - d * mean - constant,
        40.0 / d + 4.0,
    )


def normal_grid(step: float = 0.02) -> tuple[Block, Block]:
    """Return points of a normal column and their probabilities."""
    points = np.arange(-9.0, 9.0 + step / 2, step)
    weights = np.exp(-0.5 * points**2)
    return points, weights / weights.sum()


def _spread_grid(reach: float, width: float, points: int) -> tuple[Block, Block]:
    """Return points that are dense about 0, and the weights of the trapezoidal rule."""
    t_end = math.asinh(reach / width)
    t = np.linspace(-t_end, t_end, points)
    return width * np.sinh(t), width * np.cosh(t) * (t[1] - t[0])


def _log_mixture(
    y: Block, means: Block, scales: Block, weights: Block, log_density: Callable[[Block], Block]
) -> Block:
    """Return the log density of a mixture of shifted and scaled laws at y, shape (m,)."""
    log_weights = np.log(weights) - np.log(scales)
    parts = []
    for some in np.array_split(y, max(1, len(y) * len(means) // 4_000_000)):
        table = log_density((some[:, None] - means) / scales) + log_weights
        parts.append(special.logsumexp(table, axis=1))
    return np.concatenate(parts)


Atoms = tuple[Block, Block, Block]


def regression(
    columns: int,
    draw_x: Callable[[int, np.random.Generator], Block],
    mean: Callable[[Block], Block],
    noise: Noise,
    scale: float,
    marginal: Callable[[], Atoms],
    points: int = 6001,
) -> Law:
    """Return the law of x and y = mean(x) + scale * noise, one column.

    Args:
        columns: Columns of x.
        draw_x: Draws n rows of x.
        mean: Function of x, shape (n,).
        noise: Law of the noise.
        scale: Its scale.
        marginal: Gives means, scales and weights of a mixture that is the law of y.
        points: Points of the grid of y.
    """

    @cache
    def table() -> tuple[Block, Block, Block]:
        means, scales, weights = marginal()
        reach = float(np.max(np.abs(means) + noise.reach * scales))
        y, dy = _spread_grid(reach, float(scales.min()), points)
        return y, dy, _log_mixture(y, means, scales, weights, noise.log_density)

    def information() -> float:
        _, dy, log_p = table()
        p = np.exp(log_p)
        total = float(p @ dy)
        if abs(total - 1.0) > 1e-4:
            raise ArithmeticError(f"the density of y must integrate to 1; got {total}")
        return float(-(p * log_p) @ dy) - noise.entropy - math.log(scale)

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        x = draw_x(n, rng)
        return x, (mean(x) + scale * noise.draw((n,), rng))[:, None]

    def log_ratio(x: Block, y: Block) -> Block:
        grid, _, log_p = table()
        given = noise.log_density((y[:, 0] - mean(x)) / scale) - math.log(scale)
        return given - np.interp(y[:, 0], grid, log_p)

    return Law((columns, 1), information, "quadrature", hidden, log_ratio)


def latent(
    draw: Callable[[int, np.random.Generator], tuple[Block, Block]],
    atoms: Callable[[], tuple[Block, Block, Block]],
    scale: float,
    noises: tuple[Noise, Noise] = (NORMAL, NORMAL),
) -> Law:
    """Return the law of x = a + scale * noise and y = b + scale * noise, where (a, b) is unseen.

    Args:
        draw: Draws n values of a and of b, shape (n,) each.
        atoms: Gives the same law as points a, points b and their weights.
        scale: Scale of both noises.
        noises: Laws of the noise of x and of y.
    """

    def information() -> float:
        a, b, weights = atoms()
        tables, steps = [], []
        for points, noise in zip((a, b), noises, strict=True):
            reach = np.abs(points).max() + scale * noise.reach
            grid = np.linspace(-reach, reach, 1501)
            tables.append(np.exp(noise.log_density((grid[:, None] - points) / scale)) / scale)
            steps.append(grid[1] - grid[0])
        joint = (tables[0] * weights) @ tables[1].T
        product = np.outer(tables[0] @ weights, tables[1] @ weights)
        seen = joint > 1e-290
        return float(np.sum(joint[seen] * np.log(joint[seen] / product[seen]))) * math.prod(steps)

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        a, b = draw(n, rng)
        return tuple(
            (m + scale * noise.draw((n,), rng))[:, None]
            for m, noise in zip((a, b), noises, strict=True)
        )

    def log_ratio(x: Block, y: Block) -> Block:
        a, b, weights = atoms()
        tables = [
            noise.log_density((block - points) / scale)
            for block, points, noise in zip((x, y), (a, b), noises, strict=True)
        ]
        log_weights = np.log(weights)
        return special.logsumexp(tables[0] + tables[1] + log_weights, axis=1) - np.sum(
            [special.logsumexp(each + log_weights, axis=1) for each in tables], axis=0
        )

    return Law((1, 1), information, "quadrature", hidden, log_ratio)
