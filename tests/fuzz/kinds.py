"""Kinds of data, and twists that make them extreme.

A kind is a function (rng, n, d, ...) -> (n, d) of float64, a twist a function (x, rng, ...) -> x.
Each uses NumPy alone, so that its source can stand in a test that needs nothing of this folder.
"""

import numpy as np


def normal(rng, n, d):
    return rng.standard_normal((n, d)) + 0.5 * rng.standard_normal((n, 1))


def uniform(rng, n, d):
    return rng.uniform(-1, 1, (n, d))


def cauchy(rng, n, d):
    return rng.standard_cauchy((n, d))


def lognormal(rng, n, d, sigma):
    return rng.lognormal(0.0, sigma, (n, d))


def clusters(rng, n, d, ratio):
    label = rng.integers(0, 3, n)
    width = np.array([ratio, np.sqrt(ratio), 1.0])[label]
    return 100.0 * label[:, None] + width[:, None] * rng.standard_normal((n, d))


def whole(rng, n, d, most):
    return rng.integers(-most, most + 1, (n, d)).astype(float)


def rounded(rng, n, d, digits):
    return np.round(rng.standard_normal((n, d)), digits)


def coin(rng, n, d):
    x = rng.standard_normal((n, d))
    x[:, 0] = rng.integers(0, 2, n)
    return x


def identical(rng, n, d):
    return np.repeat(rng.standard_normal((1, d)), n, axis=0)


def ladder(rng, n, d):
    return np.repeat(np.arange(n, dtype=float)[:, None], d, axis=1)


def exponents(rng, n, d, decades):
    return rng.choice([-1.0, 1.0], (n, d)) * 10.0 ** (rng.uniform(-decades, decades, (n, d)))


def edges(rng, n, d, steps, wobble):
    """Values on the edges of a quantiser with so many steps, or a few units beside them."""
    x = rng.integers(0, steps + 1, (n, d)) * (1.0 / steps)
    return x * (1 + wobble * rng.integers(-2, 3, (n, d)))


def at_radius(rng, n, d, radius, share):
    """Points around centres at exactly the radius, in a share of the dims."""
    centre = rng.integers(-3, 4, (n, 1)) * 1.0
    away = rng.choice([-radius, 0.0, radius], (n, d)) * (rng.random((n, d)) < share)
    return centre + away


def manifold(rng, n, d):
    """A curved surface of two dims, as a tree prunes best."""
    u = rng.uniform(-1, 1, (n, 2))
    return np.sin(u @ rng.standard_normal((2, d))) + 1e-3 * rng.standard_normal((n, d))


def scaled(x, rng, factor):
    return x * factor


def filled(x, rng, largest):
    """The largest value is this one."""
    return x / max(np.abs(x).max(), 1e-300) * largest


def scaled_by_column(x, rng, exponent):
    return x * 10.0 ** rng.uniform(-exponent, exponent, x.shape[1])


def offset(x, rng, by):
    return x + by


def outlier(x, rng, factor, rows):
    x = x.copy()
    x[rng.integers(0, len(x), rows)] *= factor
    return x


def copied_rows(x, rng, share):
    chosen = np.flatnonzero(rng.random(len(x)) < share)
    x = x.copy()
    x[chosen] = x[rng.integers(0, len(x), len(chosen))]
    return x


def constant_column(x, rng):
    x = x.copy()
    x[:, rng.integers(0, x.shape[1])] = x[0, 0]
    return x


def sorted_rows(x, rng, down):
    order = np.argsort(x[:, 0], kind="stable")
    return x[order[::-1] if down else order]


def coarse(x, rng, bits):
    """Few bits of mantissa, so that differences tie."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 2.0**bits) / 2.0**bits, exponent)


def signed_zeros(x, rng, share):
    x = np.where(rng.random(x.shape) < share, 0.0, x)
    return np.where(x == 0, np.copysign(x, rng.choice([-1.0, 1.0], x.shape)), x)


def follows(x, rng, first, noise):
    """A noisy function of the block before all others."""
    return first[:, np.arange(x.shape[1]) % first.shape[1]] + noise * x


# Name: function and, for a dtype, how its arguments are drawn.
KINDS = {
    "normal": (normal, lambda rng, dtype: ()),
    "uniform": (uniform, lambda rng, dtype: ()),
    "cauchy": (cauchy, lambda rng, dtype: ()),
    "lognormal": (lognormal, lambda rng, dtype: (float(rng.choice([1.0, 5.0, 15.0])),)),
    "clusters": (clusters, lambda rng, dtype: (float(rng.choice([1e-2, 1e-6, 1e-12])),)),
    "whole": (whole, lambda rng, dtype: (int(rng.choice([1, 3, 20, 255, 4095, 2**20])),)),
    "rounded": (rounded, lambda rng, dtype: (int(rng.integers(0, 4)),)),
    "coin": (coin, lambda rng, dtype: ()),
    "identical": (identical, lambda rng, dtype: ()),
    "ladder": (ladder, lambda rng, dtype: ()),
    "exponents": (exponents, lambda rng, dtype: (float(rng.choice([1, 5, 15])),)),
    "edges": (
        edges,
        lambda rng, dtype: (
            int(rng.choice([15, 127, 128, 254, 255, 256, 32700, 32767])),
            float(rng.choice([0.0, np.finfo(dtype).eps])),
        ),
    ),
    "at_radius": (
        at_radius,
        lambda rng, dtype: (float(rng.choice([0.1, 0.25, 1 / 3])), float(rng.choice([0.1, 1.0]))),
    ),
    "manifold": (manifold, lambda rng, dtype: ()),
}


def _huge(rng, dtype):
    """Factors whose squares overflow, up to where differences nearly do."""
    top = np.log10(float(np.finfo(dtype).max))
    return (float(10.0 ** rng.uniform(0.45 * top, top - 0.2)),)


def _tiny(rng, dtype):
    """Factors whose squares vanish, down to where values are subnormal."""
    bottom = np.log10(float(np.finfo(dtype).tiny))
    return (float(10.0 ** rng.uniform(1.12 * bottom, 0.45 * bottom)),)


def _brim(rng, dtype):
    """Samples that fill the accepted range, or hardly leave the subnormal numbers."""
    limits = np.finfo(dtype)
    if rng.random() < 0.7:
        return (float(limits.max) * float(rng.choice([0.5, 0.49, rng.uniform(0.05, 0.5)])),)
    return (float(limits.smallest_subnormal) * float(2.0 ** rng.uniform(1, limits.nmant + 12)),)


def _by(rng, dtype):
    digits = np.finfo(dtype).precision
    return (float(rng.choice([-1, 1]) * 10.0 ** rng.integers(1, digits + 1)),)


TWISTS = {
    "huge": (scaled, _huge),
    "tiny": (scaled, _tiny),
    "brim": (filled, _brim),
    "by_column": (
        scaled_by_column,
        lambda rng, dtype: (
            float(rng.choice([3, 12]) if dtype == "float32" else rng.choice([3, 12, 100])),
        ),
    ),
    "offset": (offset, _by),
    "outlier": (
        outlier,
        lambda rng, dtype: (
            float(10.0 ** rng.uniform(2, 28 if dtype == "float32" else 220)),
            int(rng.integers(1, 4)),
        ),
    ),
    "copies": (copied_rows, lambda rng, dtype: (float(rng.choice([0.02, 0.3, 0.95])),)),
    "constant": (constant_column, lambda rng, dtype: ()),
    "sorted": (sorted_rows, lambda rng, dtype: (bool(rng.integers(0, 2)),)),
    "coarse": (coarse, lambda rng, dtype: (int(rng.integers(1, 8)),)),
    "zeros": (signed_zeros, lambda rng, dtype: (float(rng.choice([0.05, 0.5])),)),
    "follows": (follows, lambda rng, dtype: (float(rng.choice([0.0, 1e-6, 0.1, 1.0])),)),
}
