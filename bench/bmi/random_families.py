"""Families of laws with known information, whose parameters are drawn at random.

Truths are closed forms, sums over cells, integrals over a line, or means of the log density ratio
over ``MONTE_CARLO`` samples, whose standard error is below 0.005 nats for what is drawn here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Rng: TypeAlias = np.random.Generator

MONTE_CARLO = 60_000


@dataclass(frozen=True)
class Group:
    """Columns of x and y that depend on one another and on no other column.

    Attributes:
        truth: Their information in nats.
        draw: From n and a generator to blocks of shapes (n, dx) and (n, dy).
    """

    truth: float
    draw: Callable[[int, Rng], tuple[Floats, Floats]]


# Families: each draws the parameters of one group.


def _correlated(rng: Rng) -> tuple[int, int, Floats, float]:
    """Return dims, the cross-correlations of white blocks, and the Gaussian's information."""
    largest = 3 if rng.random() < 0.6 else 12
    dx, dy = (int(d) for d in rng.integers(1, largest + 1, 2))
    rank = int(rng.integers(1, min(dx, dy) + 1))
    rho = rng.beta(1.0, rng.uniform(0.4, 3.0), rank) * 0.97
    left, right = (np.linalg.qr(rng.standard_normal((d, d)))[0] for d in (dx, dy))
    if rng.random() < 0.4:
        left, right = np.eye(dx), np.eye(dy)
    cross = (left[:, :rank] * rho) @ right[:rank]
    return dx, dy, cross, float(-0.5 * np.log1p(-(rho**2)).sum())


def _white(n: int, cross: Floats, rng: Rng) -> tuple[Floats, Floats]:
    dx, dy = cross.shape
    x = rng.standard_normal((n, dx))
    root = np.linalg.cholesky(np.eye(dy) - cross.T @ cross)
    return x, x @ cross + rng.standard_normal((n, dy)) @ root.T


def gauss(rng: Rng) -> Group:
    """Jointly normal columns."""
    _, _, cross, truth = _correlated(rng)
    return Group(truth, lambda n, g: _white(n, cross, g))


def tails(d: int, nu: float) -> float:
    """Return how much the entropy of d variables of a t law exceeds the Gaussian's, in nats."""
    from scipy.special import digamma, gammaln

    joint = 0.5 * (nu + d)
    return float(
        gammaln(0.5 * nu)
        - gammaln(joint)
        + 0.5 * d * math.log(nu / (2.0 * math.e))
        + joint * (digamma(joint) - digamma(0.5 * nu))
    )


def student(rng: Rng) -> Group:
    """Multivariate t."""
    dx, dy, cross, truth = _correlated(rng)
    nu = float(np.exp(rng.uniform(0.0, math.log(20.0))))

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        x, y = _white(n, cross, g)
        scale = np.sqrt(np.maximum(g.chisquare(nu, n) / nu, 1e-12))[:, None]
        return x / scale, y / scale

    return Group(truth + tails(dx, nu) + tails(dy, nu) - tails(dx + dy, nu), draw)


def _seeded(rng: Rng) -> Rng:
    return np.random.default_rng(rng.integers(2**62))


def clayton(rng: Rng) -> Group:
    """Clayton copula of several columns, some of them turned over."""
    dx, dy = (int(d) for d in rng.integers(1, 4, 2))
    theta = float(np.exp(rng.uniform(math.log(0.15), math.log(4.0))))
    signs = rng.choice([-1.0, 1.0], dx + dy)

    def uniforms(n: int, g: Rng) -> Floats:
        frailty = np.maximum(g.gamma(1.0 / theta, 1.0, n), 1e-200)
        raised = np.log1p(g.exponential(size=(n, dx + dy)) / frailty[:, None])
        found: Floats = np.exp(-raised / theta)
        return found

    def density(u: Floats) -> Floats:
        d = u.shape[1]
        logs = np.log(np.maximum(u, 1e-300))
        inner = np.exp(-theta * logs).sum(axis=1) - d + 1.0
        found: Floats = (
            np.log1p(theta * np.arange(d)).sum()
            - (1.0 + theta) * logs.sum(axis=1)
            - (d + 1.0 / theta) * np.log(inner)
        )
        return found

    u = uniforms(MONTE_CARLO, _seeded(rng))
    ratio = density(u) - density(u[:, :dx]) - density(u[:, dx:])

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        turned = signs * uniforms(n, g)
        return turned[:, :dx], turned[:, dx:]

    return Group(float(ratio.mean()), draw)


def frank(rng: Rng) -> Group:
    """Frank copula of two columns."""
    theta = float(np.exp(rng.uniform(math.log(0.5), math.log(25.0))))
    sign = rng.choice([-1.0, 1.0])

    def uniforms(n: int, g: Rng) -> tuple[Floats, Floats]:
        u, w = g.random((2, n))
        v = -np.log1p(w * np.expm1(-theta) / (w + (1.0 - w) * np.exp(-theta * u))) / theta
        return u, v

    u, v = uniforms(MONTE_CARLO, _seeded(rng))
    inner = -np.expm1(-theta) - np.expm1(-theta * u) * np.expm1(-theta * v)
    ratio = np.log(-theta * np.expm1(-theta)) - theta * (u + v) - 2.0 * np.log(inner)

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        u, v = uniforms(n, g)
        return _quantile(u)[:, None], sign * _quantile(v)[:, None]

    return Group(float(ratio.mean()), draw)


def _quantile(u: Floats) -> Floats:
    from scipy.special import ndtri

    found: Floats = ndtri(np.clip(u, 1e-12, 1.0 - 1e-12))
    return found


def _log_sum(logs: Floats) -> Floats:
    """Return the logs of the sums of exponentials of each column."""
    top = logs.max(axis=0)
    found: Floats = top + np.log(np.exp(logs - top).sum(axis=0))
    return found


def _mixture(weights: Floats, means: Floats, covariances: Floats, dx: int, rng: Rng) -> Group:
    """Return the group of a mixture of normal laws, its truth by Monte Carlo."""
    roots = np.linalg.cholesky(covariances)

    def draw(n: int, g: Rng) -> Floats:
        which = g.choice(len(weights), n, p=weights)
        normal = g.standard_normal((n, means.shape[1], 1))
        found: Floats = means[which] + (roots[which] @ normal)[:, :, 0]
        return found

    def density(samples: Floats, own: slice) -> Floats:
        logs = []
        for weight, mean, covariance in zip(weights, means, covariances, strict=True):
            root = np.linalg.cholesky(covariance[own, own])
            white = np.linalg.solve(root, (samples[:, own] - mean[own]).T)
            constant = math.log(weight) - np.log(np.diag(root)).sum()
            logs.append(constant - 0.5 * (white**2).sum(axis=0))
        return _log_sum(np.array(logs))

    samples = draw(MONTE_CARLO // 2, _seeded(rng))
    x, y, both = slice(0, dx), slice(dx, None), slice(None)
    ratio = density(samples, both) - density(samples, x) - density(samples, y)

    def split(n: int, g: Rng) -> tuple[Floats, Floats]:
        both = draw(n, g)
        return both[:, :dx], both[:, dx:]

    return Group(float(ratio.mean()), split)


def clusters(rng: Rng) -> Group:
    """A few normal clusters in several columns."""
    dx, dy = (int(d) for d in rng.integers(1, 5, 2))
    number = int(rng.integers(2, 8))
    d = dx + dy
    means = rng.standard_normal((number, d)) * rng.uniform(0.3, 3.0)
    roots = rng.standard_normal((number, d, d)) * 0.4 / math.sqrt(d)
    covariances = roots @ roots.transpose(0, 2, 1) + rng.uniform(0.1, 0.8) * np.eye(d)
    return _mixture(rng.dirichlet(np.full(number, 3.0)), means, covariances, dx, rng)


def curves(rng: Rng) -> Group:
    """One column each, along a curve with noise: rings, crosses, waves, lattices."""
    t = (np.arange(40) + 0.5) / 40
    kind = rng.integers(5)
    if kind == 0:
        means = np.column_stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)])
    elif kind == 1:
        line = 2 * t - 1
        means = np.column_stack([line, np.where(np.arange(40) % 2, line, -line)])
    elif kind == 2:
        means = np.column_stack([2 * t - 1, np.sin(rng.uniform(3.0, 12.0) * t)])
    elif kind == 3:
        side = np.linspace(-1.0, 1.0, int(rng.integers(2, 5)))
        grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
        means = grid[rng.random(len(grid)) < 0.6] if len(grid) > 4 else grid[[0, 3]]
        means = means if len(means) > 1 else grid
    else:
        phase = 2 * np.pi * t
        a, b = rng.integers(1, 4, 2)
        means = np.column_stack([np.sin(a * phase), np.sin(b * phase + 0.7)])
    noise = float(np.exp(rng.uniform(math.log(0.05), math.log(0.7)))) ** 2
    weights = np.full(len(means), 1.0 / len(means))
    covariances = np.broadcast_to(noise * np.eye(2), (len(means), 2, 2))
    return _mixture(weights, means, covariances, 1, rng)


def _column(n: int, kind: str, g: Rng) -> Floats:
    """Return one column of variance about 1."""
    if kind == "normal":
        return g.standard_normal(n)
    if kind == "uniform":
        return g.uniform(-1.7, 1.7, n)
    if kind == "laplace":
        return g.laplace(0.0, 0.7, n)
    if kind == "bimodal":
        return g.choice([-0.9, 0.9], n) + 0.4 * g.standard_normal(n)
    return g.standard_t(3.0, n) / 1.7


_KINDS = ("normal", "uniform", "laplace", "bimodal", "t3")


def _entropy_gain(signal: Floats, log_noise: Callable[[Floats], Floats], reach: float) -> float:
    """Return h(signal + noise) - h(noise) of one column, from many samples of the signal.

    Args:
        signal: Samples.
        log_noise: Log density of the noise.
        reach: Beyond it the noise has no mass that counts.
    """
    low, high = float(signal.min()), float(signal.max())
    step = min((high - low + 2 * reach) / 16384, reach / 400)
    size = 1 << math.ceil(math.log2((high - low + 2 * reach) / step + 8))
    counts = np.bincount(((signal - low) / step).astype(np.intp), minlength=size).astype(float)
    offsets = step * (np.arange(size) - size // 2)
    kernel = np.exp(np.where(np.abs(offsets) <= reach, log_noise(offsets), -np.inf))
    kernel /= kernel.sum()
    product = np.fft.rfft(counts / len(signal)) * np.fft.rfft(kernel)
    summed = np.maximum(np.fft.irfft(product, size), 0.0)

    def entropy(p: Floats) -> float:
        p = p[p > 1e-15]
        return float(-(p * np.log(p)).sum())

    return entropy(summed) - entropy(kernel)


def _noise(rng: Rng, scale: float) -> tuple[Callable[[int, Rng], Floats], Any, float]:
    """Return a sampler of noise, its log density and its reach."""
    kind = str(rng.choice(["normal", "laplace", "uniform"], p=[0.6, 0.2, 0.2]))
    if kind == "normal":
        return (
            lambda n, g: scale * g.standard_normal(n),
            lambda e: -0.5 * (e / scale) ** 2,
            8.0 * scale,
        )
    if kind == "laplace":
        return lambda n, g: g.laplace(0.0, scale, n), lambda e: -np.abs(e) / scale, 25.0 * scale
    return (
        lambda n, g: g.uniform(-scale, scale, n),
        lambda e: np.where(np.abs(e) <= scale, 0.0, -np.inf),
        1.01 * scale,
    )


def _function(rng: Rng, signal: Callable[[Floats], Floats], d: int) -> Group:
    """Return the group of y = signal(x) + noise."""
    kind = str(rng.choice(_KINDS))
    many = np.column_stack([_column(2 * MONTE_CARLO, kind, _seeded(rng)) for _ in range(d)])
    values = signal(many)
    spread = float(np.subtract(*np.quantile(values, [0.8, 0.2])))
    scale = max(spread, 0.05) * float(np.exp(rng.uniform(math.log(0.07), math.log(1.2))))
    noise, log_noise, reach = _noise(rng, scale)
    # A sample far out would ask for a grid that is too long; there are next to none of them.
    low, high = np.quantile(values, [5e-4, 1.0 - 5e-4])
    truth = _entropy_gain(np.clip(values, low, high), log_noise, reach)

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        x = np.column_stack([_column(n, kind, g) for _ in range(d)])
        return x, (np.clip(signal(x), low, high) + noise(n, g))[:, None]

    return Group(truth, draw)


def additive(rng: Rng) -> Group:
    """A function of one or two columns, plus noise."""
    a = rng.uniform(1.0, 4.0)
    choices: list[tuple[int, Callable[[Floats], Floats]]] = [
        (1, lambda x: np.abs(x[:, 0])),
        (1, lambda x: x[:, 0] ** 2),
        (1, lambda x: np.sin(a * x[:, 0])),
        (1, lambda x: np.tanh(a * x[:, 0])),
        (1, lambda x: x[:, 0] ** 3),
        (2, lambda x: np.maximum(x[:, 0], x[:, 1])),
        (2, lambda x: np.hypot(x[:, 0], x[:, 1])),
        (2, lambda x: x[:, 0] + np.sin(a * x[:, 1])),
        (3, lambda x: x[:, 0] + x[:, 1] - x[:, 2]),
    ]
    d, signal = choices[rng.integers(len(choices))]
    return _function(rng, signal, d)


def products(rng: Rng) -> Group:
    """A product of columns, plus noise."""
    a = rng.uniform(0.0, 1.0)
    choices: list[tuple[int, Callable[[Floats], Floats]]] = [
        (2, lambda x: x[:, 0] * x[:, 1]),
        (3, lambda x: x[:, 0] * x[:, 1] * x[:, 2]),
        (2, lambda x: x[:, 0] * np.abs(x[:, 1])),
        (2, lambda x: x[:, 0] * x[:, 1] + a * x[:, 0]),
        (4, lambda x: x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3]),
        (3, lambda x: np.where(x[:, 2] > 0.0, x[:, 0], x[:, 1])),
    ]
    d, signal = choices[rng.integers(len(choices))]
    return _function(rng, signal, d)


def multiplicative(rng: Rng) -> Group:
    """y = s(x) e with noise e of either sign, or above 0."""
    a, c = rng.uniform(0.3, 2.0), rng.uniform(0.05, 1.0)
    choices: list[Callable[[Floats], Floats]] = [
        lambda x: np.exp(a * x),
        lambda x: np.abs(x) + c,
        lambda x: c + x**2,
        lambda x: np.where(x > 0.3, 1.0 + 3.0 * a, c),
        lambda x: np.maximum(np.abs(x), 1e-4),
    ]
    scale = choices[rng.integers(len(choices))]
    kind = str(rng.choice(["normal", "laplace", "uniform"]))
    # The scale may depend on x alone or on the sum of a few columns.
    d = int(rng.choice([1, 1, 2, 3]))
    signed = rng.random() < 0.7
    column = str(rng.choice(_KINDS))

    def argument(n: int, g: Rng) -> tuple[Floats, Floats]:
        x = np.column_stack([_column(n, column, g) for _ in range(d)])
        return x, np.clip(x.sum(axis=1) / math.sqrt(d), -6.0, 6.0)

    values = np.log(scale(argument(2 * MONTE_CARLO, _seeded(rng))[1]))

    def log_noise(logs: Floats) -> Floats:
        size = np.exp(np.minimum(logs, 5.0))
        if kind == "normal":
            return logs - 0.5 * size**2
        if kind == "laplace":
            return logs - size
        return np.where(logs <= 0.0, logs, -np.inf)

    truth = _entropy_gain(values, log_noise, 14.0)

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        x, inner = argument(n, g)
        if kind == "normal":
            noise = np.abs(g.standard_normal(n))
        elif kind == "laplace":
            noise = g.exponential(size=n)
        else:
            noise = g.random(n)
        if signed:
            noise *= g.choice([-1.0, 1.0], n)
        return x, (scale(inner) * noise)[:, None]

    return Group(truth, draw)


def scales(rng: Rng) -> Group:
    """Normal columns times one scale that all of them share."""
    dx, dy, cross, _ = _correlated(rng)
    if rng.random() < 0.5:
        cross = 0.0 * cross
    if rng.random() < 0.4:
        nodes = np.exp(np.array([0.0, rng.uniform(0.5, 3.0)]))
        p = rng.uniform(0.1, 0.9)
        weights = np.array([p, 1.0 - p])
    else:
        nodes = np.exp(rng.uniform(0.3, 1.3) * np.linspace(-3.0, 3.0, 61))
        weights = np.exp(-0.5 * np.linspace(-3.0, 3.0, 61) ** 2)
        weights /= weights.sum()
    joint = np.block([[np.eye(dx), cross], [cross.T, np.eye(dy)]])
    inverse = np.linalg.inv(joint)
    log_det = float(np.linalg.slogdet(joint)[1])

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        scale = g.choice(nodes, n, p=weights)[:, None]
        x, y = _white(n, cross, g)
        return scale * x, scale * y

    def density(squares: Floats, d: int) -> Floats:
        logs = (np.log(weights) - d * np.log(nodes))[:, None] - squares / (2.0 * nodes**2)[:, None]
        return _log_sum(logs)

    x, y = draw(MONTE_CARLO // 2, _seeded(rng))
    both = np.hstack([x, y])
    ratio = density(((both @ inverse) * both).sum(axis=1), dx + dy) - 0.5 * log_det
    ratio -= density((x**2).sum(axis=1), dx) + density((y**2).sum(axis=1), dy)
    return Group(float(ratio.mean()), draw)


def boards(rng: Rng) -> Group:
    """A copula that is constant on the cells of a chess board."""
    m = int(rng.integers(2, 7))
    cells = rng.gamma(rng.uniform(0.1, 1.5), 1.0, (m, m)) + 1e-6
    for _ in range(2000):
        cells /= m * cells.sum(axis=1, keepdims=True)
        cells /= m * cells.sum(axis=0, keepdims=True)
    cells /= cells.sum()
    sums = cells.sum(axis=1, keepdims=True) * cells.sum(axis=0, keepdims=True)
    truth = float((cells * np.log(cells / sums)).sum())

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        which = g.choice(m * m, n, p=cells.ravel())
        u = (which // m + g.random(n)) / m
        v = (which % m + g.random(n)) / m
        return u[:, None], v[:, None]

    return Group(truth, draw)


def rotated(rng: Rng) -> Group:
    """Two columns of a normal copula with other margins; the blocks are rotated afterwards."""
    rho = float(rng.beta(1.0, 0.8)) * 0.97
    margins = [_margin(rng) for _ in range(2)]

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        x, y = _white(n, np.array([[rho]]), g)
        return margins[0](x), margins[1](y)

    return Group(-0.5 * math.log1p(-(rho**2)), draw)


def _margin(rng: Rng) -> Callable[[Floats], Floats]:
    from scipy.special import ndtr

    a = rng.uniform(0.5, 1.2)
    choices: list[Callable[[Floats], Floats]] = [
        lambda z: np.sinh(a * z),
        lambda z: np.exp(a * z),
        ndtr,
        lambda z: np.tanh(3.0 * a * z) + 0.2 * z,
        lambda z: np.sign(z) * np.abs(z) ** (0.5 * a),
        lambda z: z,
    ]
    return choices[rng.integers(len(choices))]


def bent(rng: Rng) -> Group:
    """Normal or t columns; the blocks are swirled and bent afterwards."""
    return student(rng) if rng.random() < 0.25 else gauss(rng)


def uniform(rng: Rng) -> Group:
    """y = x + uniform noise in one to five columns."""
    d = int(rng.integers(1, 6))
    kind = str(rng.choice(_KINDS[:3]))
    width = float(np.exp(rng.uniform(math.log(0.4), math.log(4.0))))
    low, high = -8.0, 8.0
    values = np.clip(_column(2 * MONTE_CARLO, kind, _seeded(rng)), low, high)
    one = _entropy_gain(
        values, lambda e: np.where(np.abs(e) <= width, 0.0, -np.inf), 1.0001 * width
    )

    def draw(n: int, g: Rng) -> tuple[Floats, Floats]:
        x = np.column_stack([np.clip(_column(n, kind, g), low, high) for _ in range(d)])
        return x, x + g.uniform(-width, width, (n, d))

    return Group(d * one, draw)


FAMILIES: dict[str, Callable[[Rng], Group]] = {
    "gauss": gauss,
    "student": student,
    "clayton": clayton,
    "frank": frank,
    "clusters": clusters,
    "curves": curves,
    "additive": additive,
    "products": products,
    "multiplicative": multiplicative,
    "scales": scales,
    "boards": boards,
    "rotated": rotated,
    "bent": bent,
    "uniform": uniform,
}
