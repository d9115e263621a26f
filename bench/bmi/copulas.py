"""Archimedean copulas with normal margins: Clayton, Gumbel, Frank."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from law import Block, Law
from scipy import special


class _Copula(NamedTuple):
    """Draws pairs of uniforms, and log c(u, v) given log u, log v, log(1 - u), log(1 - v)."""

    draw: Callable[[int, np.random.Generator], tuple[Block, Block]]
    log_density: Callable[[Block, Block], Block]


def _clayton(theta: float) -> _Copula:
    def draw(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        # Marshall and Olkin (1988): a gamma variable shared by two exponentials.
        shared = rng.gamma(1.0 / theta, size=n)
        e = rng.exponential(size=(2, n))
        return tuple((1.0 + e / shared) ** (-1.0 / theta))

    def log_density(u: Block, v: Block) -> Block:
        log_u, log_v = np.log(u), np.log(v)
        # log(u^-theta + v^-theta - 1) without overflow.
        total = np.logaddexp(-theta * log_u, -theta * log_v)
        total = total + np.log1p(-np.exp(-total))
        return np.log1p(theta) - (1.0 + theta) * (log_u + log_v) - (2.0 + 1.0 / theta) * total

    return _Copula(draw, log_density)


def _gumbel(theta: float) -> _Copula:
    def draw(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        # A positive stable variable of index 1/theta, by Kanter (1975), shared by exponentials.
        a = 1.0 / theta
        angle = rng.uniform(0.0, np.pi, n)
        w = rng.exponential(size=n)
        stable = (
            np.sin(a * angle)
            / np.sin(angle) ** (1.0 / a)
            * (np.sin((1.0 - a) * angle) / w) ** ((1.0 - a) / a)
        )
        e = rng.exponential(size=(2, n))
        return tuple(np.exp(-((e / stable) ** a)))

    def log_density(u: Block, v: Block) -> Block:
        s, t = -np.log(u), -np.log(v)
        log_sum = np.logaddexp(theta * np.log(s), theta * np.log(t))
        total = np.exp(log_sum / theta)
        return (
            -total
            + s
            + t
            + (theta - 1.0) * (np.log(s) + np.log(t))
            + (1.0 / theta - 2.0) * log_sum
            + np.log(total + theta - 1.0)
        )

    return _Copula(draw, log_density)


def _frank(theta: float) -> _Copula:
    def draw(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        u, w = rng.random((2, n))
        # The inverse of the conditional law of v given u.
        v = -np.log1p(w * np.expm1(-theta) / (w + (1.0 - w) * np.exp(-theta * u))) / theta
        return u, v

    def log_density(u: Block, v: Block) -> Block:
        all_ = -np.expm1(-theta)
        below = all_ - np.expm1(-theta * u) * np.expm1(-theta * v)
        return np.log(theta * all_) - theta * (u + v) - 2.0 * np.log(below)

    return _Copula(draw, log_density)


_FAMILIES = {"clayton": _clayton, "gumbel": _gumbel, "frank": _frank}


def copula(name: str, theta: float) -> Law:
    """Return one normal column each, joined by a Clayton, Gumbel or Frank copula."""
    found = _FAMILIES[name](theta)

    def information() -> float:
        z = np.linspace(-8.0, 8.0, 1601)
        weights = np.exp(-0.5 * z**2)
        weights /= weights.sum()
        u = special.ndtr(z)
        log_c = found.log_density(u[:, None], u[None, :])
        joint = np.exp(log_c) * weights[:, None] * weights
        if abs(joint.sum() - 1.0) > 1e-4:
            raise ArithmeticError(f"the copula must integrate to 1; got {joint.sum()}")
        return float((joint * log_c).sum())

    def hidden(n: int, rng: np.random.Generator) -> tuple[Block, Block]:
        u, v = found.draw(n, rng)
        return special.ndtri(u)[:, None], special.ndtri(v)[:, None]

    def log_ratio(x: Block, y: Block) -> Block:
        return found.log_density(special.ndtr(x[:, 0]), special.ndtr(y[:, 0]))

    return Law((1, 1), information, "quadrature", hidden, log_ratio)
