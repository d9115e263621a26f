"""Pairs with uniform margins or uniform noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastmi._checks import check_integer, check_real
from fastmi.datasets._base import Distribution, Floats, draw
from fastmi.datasets._special import normal_cdf
from fastmi.datasets.gaussian import CorrelatedGaussian


@dataclass(frozen=True)
class CorrelatedUniform(Distribution):
    """Uniform margins on (0, 1) with a Gaussian copula: Phi of a correlated Gaussian.

    ``I = -(d/2) log(1 - rho^2)``

    Args:
        rho: Correlation of the underlying Gaussian variables, in (-1, 1).
        d: Number of columns of x and of y.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range.
    """

    rho: float
    d: int = 1

    def __post_init__(self) -> None:
        latent = CorrelatedGaussian(self.rho, self.d)
        object.__setattr__(self, "rho", latent.rho)
        object.__setattr__(self, "d", latent.d)

    @classmethod
    def from_mi(cls, mi: float, d: int = 1) -> CorrelatedUniform:
        """Return the distribution with rho >= 0 whose mutual information is `mi` nats.

        For a large `mi` the rounding of rho shows, see :meth:`CorrelatedGaussian.from_mi`.

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is negative, or so large that rho rounds to 1.
        """
        latent = CorrelatedGaussian.from_mi(mi, d)
        return cls(latent.rho, latent.d)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""
        return self.d, self.d

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return CorrelatedGaussian(self.rho, self.d).mutual_information

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x, y = CorrelatedGaussian(self.rho, self.d).sample(n, rng)
        return normal_cdf(x), normal_cdf(y)


@dataclass(frozen=True)
class SmoothedUniform(Distribution):
    """X uniform on (0, 1), and Y = X + U(-epsilon, epsilon).

    ``I = d (epsilon - log(2 epsilon))`` for epsilon <= 1/2, otherwise ``d / (4 epsilon)``.

    Args:
        epsilon: Half of the width of the noise, positive.
        d: Number of columns of x and of y; the d pairs of columns are independent.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range.
    """

    epsilon: float
    d: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", check_real("epsilon", self.epsilon, 0.0, ends="(]"))
        object.__setattr__(self, "d", check_integer("d", self.d, 1))

    @classmethod
    def from_mi(cls, mi: float, d: int = 1) -> SmoothedUniform:
        """Return the distribution whose mutual information is `mi` nats.

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is not positive, where epsilon would be infinite, or above 30 nats per
                column.
        """
        d = check_integer("d", d, 1)
        share = check_real("mi", mi, 0.0, 30.0 * d, ends="(]") / d
        if share <= 0.5:
            return cls(0.25 / share, d)
        # Newton's method in log(epsilon) starts at the left of the root. It never overshoots, since
        # the function is convex and decreasing.
        log_epsilon = -share - math.log(2.0)
        for _ in range(50):
            epsilon = math.exp(log_epsilon)
            step = (epsilon - math.log(2.0) - log_epsilon - share) / (1.0 - epsilon)
            log_epsilon += step
            if abs(step) < 1e-16 * abs(log_epsilon):
                break
        return cls(math.exp(log_epsilon), d)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""
        return self.d, self.d

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        epsilon = self.epsilon
        share = epsilon - math.log(2.0 * epsilon) if epsilon <= 0.5 else 0.25 / epsilon
        return self.d * share

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = draw(n, self.d, rng.random)
        return x, x + self.epsilon * (2.0 * draw(n, self.d, rng.random) - 1.0)


@dataclass(frozen=True)
class DiscretePlusUniform(Distribution):
    """Discrete X, uniform on 0, ..., m - 1, and continuous Y = X + U(0, 2).

    ``I = log m - (m - 1) log(2) / m``

    Args:
        m: Number of values of x.

    Raises:
        TypeError: `m` is not an integer.
        ValueError: `m` is below 1.
    """

    m: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "m", check_integer("m", self.m, 1))

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y: one each."""
        return 1, 1

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return math.log(self.m) - (self.m - 1) * math.log(2.0) / self.m

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = draw(n, 1, lambda shape: rng.integers(0, self.m, shape).astype(np.float64))
        return x, x + 2.0 * draw(n, 1, rng.random)
