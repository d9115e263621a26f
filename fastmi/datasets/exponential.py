"""Pairs in which one variable is exponential, or is so given the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastmi._checks import check_real
from fastmi.datasets._base import Distribution, Floats, check_information, draw, in_parts
from fastmi.datasets._special import digamma_excess

_EULER_GAMMA = 0.57721566490153286061
# I(X; Poisson(X)) for X exponential of mean 1: 2 log 2 - gamma - sum_k 2^-k log k.
_POISSON = 2.0 * math.log(2.0) - math.fsum(
    [_EULER_GAMMA, *(math.log(j) * 0.5**j for j in range(2, 80))]
)
# Contribution of the outcome 0 to _POISSON.
_POISSON_ZERO = 0.5 * math.log(2.0) - 0.25


@dataclass(frozen=True)
class ZeroInflatedPoisson(Distribution):
    """X exponential of mean 1; Y = 0 with probability p, else Poisson of mean X.

    With q = 1 - p and ``I_0 = 2 log 2 - gamma - sum_k 2^-k log k``, the information at p = 0::

        I = q (I_0 - (log 2)/2 + 1/4)
            + (p^2 - 1 - 2 p^2 log p) / (4 q) - ((1 + p)/2) log((1 + p)/2)

    Gao et al. (2017, experiment III), https://arxiv.org/abs/1709.06212, print q I_0, which is
    :attr:`informed_mutual_information`. Since y does not tell an inflated zero from a Poisson
    zero, I(X; Y) is less for 0 < p < 1.

    Args:
        p: Probability of an inflated zero, in [0, 1].

    Raises:
        TypeError: `p` is not a number.
        ValueError: `p` is out of range.
    """

    p: float = 0.15

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", check_real("p", self.p, 0.0, 1.0))

    @classmethod
    def from_mi(cls, mi: float) -> ZeroInflatedPoisson:
        """Return the distribution whose mutual information is `mi` nats.

        Raises:
            TypeError: `mi` is not a number.
            ValueError: `mi` is negative, or above the value at p = 0, about 0.3012.
        """
        mi = check_information(mi, _POISSON, reached=True)
        low, high = 0.0, 1.0
        # The information decreases with p.
        while low < (middle := 0.5 * (low + high)) < high:
            if _inflated(middle) > mi:
                low = middle
            else:
                high = middle
        return cls(low if mi == _POISSON else high)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y: one each."""
        return 1, 1

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return _inflated(self.p)

    @property
    def informed_mutual_information(self) -> float:
        """I(X; Y, B) in nats, where B tells whether y is an inflated zero: ``(1 - p) I_0``."""
        return (1.0 - self.p) * _POISSON

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = draw(n, 1, lambda shape: rng.exponential(1.0, shape))
        y = in_parts(n, 1, lambda part: rng.poisson(x[part]).astype(np.float64))
        y[draw(n, 1, rng.random) < self.p] = 0.0
        return x, y


@dataclass(frozen=True)
class GammaExponential(Distribution):
    """X gamma distributed with shape theta; Y given X exponential with rate X.

    ``I = psi(theta) + 1/theta - log(theta)``. For small theta both variables run over many
    decades, and an estimator that measures distances needs their logarithms (:class:`Mapped` with
    "log").

    Args:
        theta: Shape of the gamma distribution, at least 0.05.

    Raises:
        TypeError: `theta` is not a number.
        ValueError: `theta` is out of range.
    """

    theta: float

    def __post_init__(self) -> None:
        # For a smaller theta samples of x underflow to 0.
        object.__setattr__(self, "theta", check_real("theta", self.theta, 0.05))

    @classmethod
    def from_mi(cls, mi: float) -> GammaExponential:
        """Return the distribution whose mutual information is `mi` nats.

        Raises:
            TypeError: `mi` is not a number.
            ValueError: `mi` is not positive, or above the value at theta = 0.05, about 2.5.
        """
        mi = check_real("mi", mi, 0.0, digamma_excess(0.05), ends="(]")
        # For every theta, exp(-I - gamma) < theta < 1/(2 I).
        low, high = math.exp(-mi - _EULER_GAMMA), 0.5 / mi
        while low < (middle := math.sqrt(low) * math.sqrt(high)) < high:
            if digamma_excess(middle) > mi:
                low = middle
            else:
                high = middle
        return cls(max(high, 0.05))

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y: one each."""
        return 1, 1

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return digamma_excess(self.theta)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = draw(n, 1, lambda shape: rng.gamma(self.theta, 1.0, shape))
        return x, draw(n, 1, lambda shape: rng.exponential(1.0, shape)) / x


def _inflated(p: float) -> float:
    """Return I(X; Y) of :class:`ZeroInflatedPoisson`."""
    q = 1.0 - p
    if p == 0.0:
        return _POISSON
    if q < 0.1:
        return _inflated_tail(q)
    zero = (p * p - 1.0 - 2.0 * p * p * math.log(p)) / (4.0 * q)
    half = 0.5 * (1.0 + p)
    return q * (_POISSON - _POISSON_ZERO) + zero - half * math.log(half)


def _inflated_tail(q: float) -> float:
    """Return :func:`_inflated` near p = 1, where its terms cancel, by a series in q."""
    # With w = 1 - q + q u, u uniform on (0, 1), the outcome 0 gives E[w log w] - E[w] log E[w].
    # Both follow from (1 - s) log(1 - s) = -s + sum_j s^j / (j (j - 1)), s = q (1 - u).
    gap = math.fsum(q**j * (1.0 / (j + 1) - 0.5**j) / (j * (j - 1)) for j in range(2, 18))
    return q * (_POISSON - _POISSON_ZERO) + gap
