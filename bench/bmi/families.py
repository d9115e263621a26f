"""Families of laws of two blocks; each function returns a :class:`law.Law`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from law import Block, Law
from quadrature import (
    CAUCHY,
    LAPLACE,
    NORMAL,
    Noise,
    latent,
    log_chi,
    normal_grid,
    regression,
)
from scipy import special


def independent(dx: int, dy: int, kind: str = "normal", nu: float = 3.0) -> Law:
    """Return independent blocks; "t" has one mixing variable within each block."""

    def block(n: int, d: int, rng: np.random.Generator) -> Block:
        if kind == "normal":
            return rng.standard_normal((n, d))
        if kind == "uniform":
            return rng.random((n, d))
        if kind == "laplace":
            return rng.laplace(size=(n, d))
        if kind == "t":
            return rng.standard_normal((n, d)) / np.sqrt(rng.chisquare(nu, (n, 1)) / nu)
        raise ValueError(f"kind must be normal, uniform, laplace or t; got {kind!r}")

    return Law(
        (dx, dy),
        lambda: 0.0,
        "independent",
        lambda n, rng: (block(n, dx, rng), block(n, dy, rng)),
        lambda x, _: np.zeros(len(x)),
    )


def elliptical(correlations: tuple[float, ...], nu: float = math.inf) -> Law:
    """Return normal or t-distributed blocks whose matching columns correlate."""
    d = len(correlations)
    rho = np.array(correlations)

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        x, e = rng.standard_normal((2, n, d))
        y = rho * x + np.sqrt(1.0 - rho**2) * e
        if math.isfinite(nu):
            mixing = np.sqrt(rng.chisquare(nu, (n, 1)) / nu)
            return x / mixing, y / mixing
        return x, y

    def entropy(columns: int) -> float:
        """That of a t-distributed block with the identity as its dispersion."""
        half, all_ = nu / 2.0, (nu + columns) / 2.0
        return float(
            special.gammaln(half)
            + columns / 2.0 * math.log(nu * math.pi)
            - special.gammaln(all_)
            + all_ * (special.digamma(all_) - special.digamma(half))
        )

    def information() -> float:
        normal = -0.5 * float(np.log1p(-(rho**2)).sum())
        return normal + (2.0 * entropy(d) - entropy(2 * d) if math.isfinite(nu) else 0.0)

    def log_density(square: Block, columns: int) -> Block:
        """Up to the determinant of the dispersion."""
        if not math.isfinite(nu):
            return -0.5 * square - 0.5 * columns * math.log(2.0 * math.pi)
        constant = (
            special.gammaln((nu + columns) / 2.0)
            - special.gammaln(nu / 2.0)
            - columns / 2.0 * math.log(nu * math.pi)
        )
        return constant - (nu + columns) / 2.0 * np.log1p(square / nu)

    def log_ratio(x: Block, y: Block) -> Block:
        squares = (x**2).sum(axis=1), (y**2).sum(axis=1)
        joint = squares[0] + ((y - rho * x) ** 2 / (1.0 - rho**2)).sum(axis=1)
        determinant = 0.5 * float(np.log1p(-(rho**2)).sum())
        return log_density(joint, 2 * d) - determinant - sum(log_density(s, d) for s in squares)

    return Law((d, d), information, "closed form", hidden, log_ratio)


def factors(dx: int, dy: int, strengths: tuple[float, ...], seed: int) -> Law:
    """Return normal blocks that share a few unseen factors, with dense loadings and unit noise."""
    rng = np.random.default_rng(seed)
    r = len(strengths)
    loading_x, loading_y = (
        np.linalg.qr(rng.standard_normal((d, r)))[0] * np.sqrt(strengths) for d in (dx, dy)
    )
    # The loadings are orthogonal: each factor is seen through one direction of either block.
    correlations = tuple(s / (1.0 + s) for s in strengths)
    own = elliptical(correlations)
    frames = [each / np.linalg.norm(each, axis=0) for each in (loading_x, loading_y)]

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        z = rng.standard_normal((n, r))
        x = z @ loading_x.T + rng.standard_normal((n, dx))
        return x, z @ loading_y.T + rng.standard_normal((n, dy))

    def log_ratio(x: Block, y: Block) -> Block:
        spread = np.sqrt(1.0 + np.array(strengths))
        return own.log_ratio(x @ frames[0] / spread, y @ frames[1] / spread)

    return Law((dx, dy), own.information, "closed form", hidden, log_ratio)


def _normal_column(n: int, rng: np.random.Generator) -> Block:
    return rng.standard_normal((n, 1))


def function_of_one(f: Callable[[Block], Block], scale: float, noise: Noise = NORMAL) -> Law:
    """Return the law of a normal x and y = f(x) + scale * noise."""

    def marginal() -> tuple[Block, Block, Block]:
        points, weights = normal_grid(0.01)
        return f(points), np.full(points.shape, scale), weights

    return regression(1, _normal_column, lambda x: f(x[:, 0]), noise, scale, marginal)


def laplace_pair(scale: float) -> Law:
    """Return the law of a Laplace x and y = x + scale * Laplace noise."""

    def marginal() -> tuple[Block, Block, Block]:
        points = np.arange(-36.0, 36.0, 0.01)
        weights = np.exp(-np.abs(points))
        return points, np.full(points.shape, scale), weights / weights.sum()

    return regression(
        1,
        lambda n, rng: rng.laplace(size=(n, 1)),
        lambda x: x[:, 0],
        LAPLACE,
        scale,
        marginal,
    )


def cauchy_pair(scale: float) -> Law:
    """Return the law of a Cauchy x and y = x + scale * Cauchy noise: log((1 + scale) / scale)."""
    law = regression(
        1,
        lambda n, rng: rng.standard_cauchy((n, 1)),
        lambda x: x[:, 0],
        CAUCHY,
        scale,
        lambda: (np.zeros(1), np.array([1.0 + scale]), np.ones(1)),
    )
    return replace(law, information=lambda: math.log1p(1.0 / scale), how="closed form")


def product(factors: int, scale: float) -> Law:
    """Return the law of two or three normal columns and y = their product + scale * noise.

    Given all columns but one, y is normal about 0, and its variance depends on their product.
    """

    def marginal() -> tuple[Block, Block, Block]:
        step = 0.02 if factors == 2 else 0.04
        points = np.arange(step / 2, 9.0, step)  # the other half is the same
        weights = np.exp(-0.5 * points**2)
        weights = weights / weights.sum()
        if factors == 3:
            points = np.outer(points, points).ravel()
            weights = np.outer(weights, weights).ravel()
            points, weights = points[weights > 1e-15], weights[weights > 1e-15]
        return np.zeros(points.shape), np.hypot(points, scale), weights

    return regression(
        factors,
        lambda n, rng: rng.standard_normal((n, factors)),
        lambda x: x.prod(axis=1),
        NORMAL,
        scale,
        marginal,
        points=1501,
    )


def spread(growth: float, columns: int) -> Law:
    """Return the law of a normal x and y = exp(growth * x) * e, for e of several normal columns.

    The logarithm of the length of y is growth * x plus noise, and its direction says nothing.
    """

    def marginal() -> tuple[Block, Block, Block]:
        points, weights = normal_grid()
        return growth * points, np.ones(points.shape), weights

    length = regression(
        1, _normal_column, lambda x: growth * x[:, 0], log_chi(columns), 1.0, marginal
    )

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        x = _normal_column(n, rng)
        return x, np.exp(growth * x) * rng.standard_normal((n, columns))

    def log_ratio(x: Block, y: Block) -> Block:
        return length.log_ratio(x, np.log(np.linalg.norm(y, axis=1, keepdims=True)))

    return replace(length, dims=(1, columns), hidden=hidden, log_ratio=log_ratio)


def multiplied(noise: str, spread_of_log: float = 1.0) -> Law:
    """Return the law of a normal x and y = x * e for e normal or lognormal.

    log|y| = log|x| + log|e|. A lognormal e keeps the sign of x, which is log 2 more.
    """
    keeps_sign = noise == "lognormal"
    other = NORMAL if keeps_sign else log_chi(1)
    of_x = log_chi(1)

    def marginal() -> tuple[Block, Block, Block]:
        points = np.arange(-30.0, 3.0, 0.005)
        weights = np.exp(of_x.log_density(points))
        return points, np.full(points.shape, spread_of_log), weights / weights.sum()

    logs = regression(
        1,
        lambda n, rng: of_x.draw((n, 1), rng),
        lambda x: x[:, 0],
        other,
        spread_of_log,
        marginal,
    )
    sign = math.log(2.0) if keeps_sign else 0.0

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        x, e = rng.standard_normal((2, n, 1))
        return x, x * (np.exp(spread_of_log * e) if keeps_sign else e)

    return replace(
        logs,
        information=lambda: logs.truth + sign,
        hidden=hidden,
        log_ratio=lambda x, y: logs.log_ratio(np.log(np.abs(x)), np.log(np.abs(y))) + sign,
    )


def uniform_noise(width: float, columns: int) -> Law:
    """Return the law of x uniform in the unit cube and y = x + noise uniform in [0, width]^d."""
    w = width

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        x, e = rng.random((2, n, columns))
        return x, x + w * e

    def log_ratio(_: Block, y: Block) -> Block:
        # p(y) is a trapezium with a top of 1 / max(1, w) and slopes as wide as min(1, w).
        edge = np.minimum(np.minimum(y, 1.0 + w - y) / min(1.0, w), 1.0)
        return (-math.log(w) - np.log(edge / max(1.0, w))).sum(axis=1)

    each = 0.5 * w - math.log(w) if w <= 1.0 else 0.5 / w
    return Law((columns, columns), lambda: columns * each, "closed form", hidden, log_ratio)


def clusters(means: tuple[tuple[float, float], ...], scale: float) -> Law:
    """Return a mixture of equally frequent round clusters in the plane of x and y."""
    a, b = np.array(means).T

    def draw(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        i = rng.integers(0, len(a), n)
        return a[i], b[i]

    return latent(draw, lambda: (a, b, np.full(len(a), 1.0 / len(a))), scale)


def cross(scale: float) -> Law:
    """Return two crossing lines: y is x or -x, but for noise."""

    def draw(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        t = rng.standard_normal(n)
        return t, t * rng.choice([-1.0, 1.0], n)

    def atoms() -> tuple[Block, Block, Block]:
        points, weights = normal_grid(0.04)
        return np.tile(points, 2), np.r_[points, -points], np.tile(weights, 2) / 2.0

    return latent(draw, atoms, scale)


def ring(scale: float, turns: int = 1) -> Law:
    """Return x = cos(angle) and y = sin(turns * angle), each plus noise."""

    def curve(angle: Block) -> tuple[Block, Block]:
        return np.cos(angle), np.sin(turns * angle)

    def atoms() -> tuple[Block, Block, Block]:
        angle = 2.0 * np.pi * (np.arange(400) + 0.5) / 400
        return *curve(angle), np.full(400, 1.0 / 400)

    return latent(lambda n, rng: curve(rng.uniform(0.0, 2.0 * np.pi, n)), atoms, scale)


def common_factor(scale: float, kind: str) -> Law:
    """Return x = z + noise and y = z + noise with a Laplace or two-valued z of variance 1."""
    if kind == "binary":
        return clusters(((-1.0, -1.0), (1.0, 1.0)), scale)
    unit = math.sqrt(0.5)

    def draw(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        z = unit * rng.laplace(size=n)
        return z, z

    def atoms() -> tuple[Block, Block, Block]:
        points = np.arange(-30.0, 30.0, 0.04)
        weights = np.exp(-np.abs(points))
        return unit * points, unit * points, weights / weights.sum()

    return latent(draw, atoms, scale)


def common_scale(scales: tuple[float, ...], dx: int, dy: int) -> Law:
    """Return independent normal blocks times one scale, which takes a few values.

    Only the lengths of the two blocks depend on each other, through the scale.
    """
    logs = np.log(scales)

    def draw(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        s = rng.choice(logs, n)
        return s, s

    weights = np.full(len(scales), 1.0 / len(scales))
    lengths = latent(draw, lambda: (logs, logs, weights), 1.0, (log_chi(dx), log_chi(dy)))

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        s = rng.choice(scales, (n, 1))
        return s * rng.standard_normal((n, dx)), s * rng.standard_normal((n, dy))

    def log_ratio(x: Block, y: Block) -> Block:
        return lengths.log_ratio(
            *(np.log(np.linalg.norm(block, axis=1, keepdims=True)) for block in (x, y))
        )

    return replace(lengths, dims=(dx, dy), hidden=hidden, log_ratio=log_ratio)
