"""Time series for bench_rejections.py, and the tests that are tried on them.

Each law is a function of a generator, the number of times n and the strength of a dependence, which
is 0 under the null; it gives the two series of the test.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

import fastmi

Samples = tuple[np.ndarray, ...]
Law = Callable[[np.random.Generator, int, float], Samples]

_SPIN_UP = 200
# Lags of the test of many lags.
_LAGS = range(-4, 5)


def _coupled(coefficient: float, back: float = 0.0) -> Law:
    """Two autoregressive series; the strength is that of x on y, `back` that of y on x."""

    def draw(rng: np.random.Generator, n: int, strength: float) -> Samples:
        series = rng.standard_normal((n + _SPIN_UP, 2))
        for t in range(1, len(series)):
            series[t] += coefficient * series[t - 1]
            series[t] += back * series[t - 1, 1], strength * series[t - 1, 0]
        return series[_SPIN_UP:, 0], series[_SPIN_UP:, 1]

    return draw


def _maps(rng: np.random.Generator, n: int, strength: float) -> Samples:
    """Two logistic maps in chaos."""
    x, y = rng.uniform(0.1, 0.9, 2)
    series = np.empty((n + _SPIN_UP, 2))
    for t in range(len(series)):
        mean = strength * x + (1.0 - strength) * y
        x, y = 3.99 * x * (1.0 - x), 3.99 * mean * (1.0 - mean)
        series[t] = x, y
    return series[_SPIN_UP:, 0], series[_SPIN_UP:, 1]


def _counts(rng: np.random.Generator, n: int, strength: float) -> Samples:
    """Small whole numbers, with noise of 1e-10 that breaks their ties."""
    series = np.zeros((n + _SPIN_UP, 2))
    for t in range(1, len(series)):
        x, y = series[t - 1]
        series[t] = rng.poisson(1.0 + 0.5 * x), rng.poisson(1.0 + 0.4 * y + strength * x)
    series += 1e-10 * rng.uniform(size=series.shape)
    return series[_SPIN_UP:, 0], series[_SPIN_UP:, 1]


def _plus(common: Law) -> Law:
    """Rows whose noises are correlated by the strength, on top of unrelated series."""

    def draw(rng: np.random.Generator, n: int, strength: float) -> Samples:
        x, y = common(rng, n, 0.0)
        shared, *own = rng.standard_normal((3, n))
        rest = (1.0 - strength) ** 0.5
        return tuple(
            s + strength**0.5 * shared + rest * e for s, e in zip((x, y), own, strict=True)
        )

    return draw


def _walks(rng: np.random.Generator, n: int, strength: float) -> Samples:
    shared, *own = rng.standard_normal((3, n))
    rest = (1.0 - strength) ** 0.5
    return tuple(np.cumsum(strength**0.5 * shared + rest * step) for step in own)


def _line(slope: float) -> Law:
    return _plus(lambda _, n, __: (slope * np.arange(n) / n,) * 2)


def _waves(rng: np.random.Generator, n: int, _: float) -> Samples:
    phases = 2.0 * np.pi * rng.uniform(size=(2, 1))
    return tuple(2.0 * np.sin(2.0 * np.pi * np.arange(n) / 40.0 + phases))


def _spreads(rng: np.random.Generator, n: int, _: float) -> Samples:
    """Values that are not autocorrelated and whose spread is."""
    x, y = _coupled(0.95)(rng, n, 0.0)
    return tuple(rng.standard_normal(n) * np.exp(s / 3.0) for s in (x, y))


def _lags(x: np.ndarray, y: np.ndarray, **options: Any) -> SimpleNamespace:
    """Test whether any of nine lags is dependent."""
    found = fastmi.lagged_mi(x, y, _LAGS, **options)
    return SimpleNamespace(
        p_value=found.p_corrected.min(), scheme="circular", warnings=found.warnings
    )


_SCHEMES = ("default", "circular", "block")

#: Law, strength of the alternative, schemes, numbers of times, test.
SERIES: dict[str, tuple[Law, float, tuple[str, ...], tuple[int, ...], Callable[..., Any]]] = {
    "AR(.9)": (_coupled(0.9), 0.3, _SCHEMES, (200, 500), fastmi.permutation_test),
    "autocorrelated spreads": (
        _plus(_spreads),
        0.35,
        _SCHEMES,
        (500,),
        fastmi.permutation_test,
    ),
    "trends of 1 sd": (_line(1.0), 0.35, _SCHEMES, (500,), fastmi.permutation_test),
    "trends of 3 sd": (_line(3.0), 0.35, _SCHEMES, (500,), fastmi.permutation_test),
    "waves": (_plus(_waves), 0.35, _SCHEMES, (500,), fastmi.permutation_test),
    "random walks": (_walks, 0.5, _SCHEMES, (500,), fastmi.permutation_test),
    "9 lags, AR(.5)": (_coupled(0.5), 0.3, ("default",), (200, 500), _lags),
    "9 lags, AR(.95)": (_coupled(0.95), 0.3, ("default",), (200, 500), _lags),
    "transfer, AR(.5)": (_coupled(0.5), 0.3, ("circular",), (200, 500), fastmi.transfer_entropy),
    "transfer, AR(.95)": (
        _coupled(0.95),
        0.3,
        ("circular", "local"),
        (200, 500),
        fastmi.transfer_entropy,
    ),
    "transfer, driven source": (
        _coupled(0.6, back=0.4),
        0.2,
        ("circular",),
        (200, 500),
        fastmi.transfer_entropy,
    ),
    "transfer, logistic maps": (_maps, 0.1, ("circular",), (200, 500), fastmi.transfer_entropy),
    "transfer, counts": (_counts, 0.4, ("circular",), (200, 500), fastmi.transfer_entropy),
}
