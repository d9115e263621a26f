"""Pairs with a multivariate Student-t distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastmi._checks import check_integer, check_real
from fastmi.datasets._base import Distribution, Floats, draw
from fastmi.datasets._special import digamma
from fastmi.datasets.gaussian import (
    checked_dispersion,
    correlation_of,
    gaussian_information,
    gaussian_pairs,
)

# Degrees of freedom above which a series gives the information in the common chi2.
_ASYMPTOTIC = 40.0


@dataclass(frozen=True, eq=False)
class Student(Distribution):
    """Multivariate Student-t: a Gaussian over sqrt(chi2 / nu), with one chi2 for x and y.

    The information is that of a Gaussian with covariance S plus that in the common chi2::

        F(nu) + F(nu + dx + dy) - F(nu + dx) - F(nu + dy),
        F(t) = lgamma(t/2) - (t/2) psi(t/2)

    It is positive even if S is diagonal, since uncorrelated variables need not be independent.

    Args:
        nu: Degrees of freedom, at least 0.1; 1 gives the Cauchy distribution.
        dispersion: S, shape (dx + dy, dx + dy), symmetric and positive definite.
        dx: Number of columns of x, in [1, dx + dy - 1].

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range; `dispersion` is not square, symmetric or positive
            definite.
    """

    nu: float
    dispersion: Floats
    dx: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "nu", _checked_nu(self.nu))
        matrix, dx = checked_dispersion("dispersion", self.dispersion, self.dx)
        object.__setattr__(self, "dispersion", matrix)
        object.__setattr__(self, "dx", dx)

    @classmethod
    def from_mi(cls, mi: float, nu: float, d: int = 1) -> Student:
        """Return the distribution of d pairs, equally correlated, that share `mi` nats in all.

        The correlation in the dispersion is not negative.

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is below the information in the common chi2, or so large that the
                correlation rounds to 1.
        """
        nu = _checked_nu(nu)
        d = check_integer("d", d, 1)
        least = _tail_information(nu, d, d)
        rho = correlation_of(check_real("mi", mi, least) - least, d)
        one = np.eye(d)
        return cls(nu, np.block([[one, rho * one], [rho * one, one]]), d)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""
        return self.dx, len(self.dispersion) - self.dx

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return gaussian_information(self.dispersion, self.dx) + _tail_information(
            self.nu, *self.dims
        )

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x, y = gaussian_pairs(self.dispersion, self.dx, n, rng)
        chi2 = draw(n, 1, lambda shape: rng.chisquare(self.nu, shape))
        width = np.sqrt(chi2 / self.nu)
        return x / width, y / width


def _checked_nu(nu: object) -> float:
    # For a smaller nu samples leave the range of floats.
    return check_real("nu", nu, 0.1)


def _tail_information(nu: float, dx: int, dy: int) -> float:
    """Return the information in the common chi2, in nats."""
    signs = ((nu, 1.0), (nu + dx + dy, 1.0), (nu + dx, -1.0), (nu + dy, -1.0))
    if nu < _ASYMPTOTIC:
        return math.fsum(sign * _f(0.5 * t) for t, sign in signs)
    # F(2z) = -z - log(z)/2 + const + _rest(z). In the sum the linear terms cancel, but not exactly
    # if they are rounded, and the logarithms combine.
    share = dx * dy / ((nu + dx) * (nu + dy))
    return -0.5 * math.log1p(-share) + math.fsum(sign * _rest(0.5 * t) for t, sign in signs)


def _f(z: float) -> float:
    return math.lgamma(z) - z * digamma(z)


def _rest(z: float) -> float:
    inverse = 1.0 / (z * z)
    return (1 / 6 + inverse * (-1 / 90 + inverse * (1 / 210 - inverse / 210))) / z
