"""Jointly Gaussian pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastmi._checks import check_integer, check_real
from fastmi._inputs import as_samples
from fastmi.datasets._base import Distribution, Floats, check_information, draw, in_parts


@dataclass(frozen=True)
class CorrelatedGaussian(Distribution):
    """d independent pairs of standard normal variables, each with correlation rho.

    ``I = -(d/2) log(1 - rho^2)``

    Args:
        rho: Correlation of x_j and y_j, in (-1, 1).
        d: Number of columns of x and of y.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range.
    """

    rho: float
    d: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", check_real("rho", self.rho, -1.0, 1.0, ends="()"))
        object.__setattr__(self, "d", check_integer("d", self.d, 1))

    @classmethod
    def from_mi(cls, mi: float, d: int = 1) -> CorrelatedGaussian:
        """Return the distribution with rho >= 0 whose mutual information is `mi` nats.

        ``rho = sqrt(1 - exp(-2 I / d))`` is rounded to a float. Beyond about 12 nats per column
        `mutual_information`, which is that of the rounded rho, differs visibly from `mi`.

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is negative, or so large that rho rounds to 1.
        """
        d = check_integer("d", d, 1)
        return cls(correlation_of(check_information(mi), d), d)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""
        return self.d, self.d

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return self.d * _pair_information(self.rho)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = draw(n, self.d, rng.standard_normal)
        return x, _correlated_with(x, self.rho, rng)


@dataclass(frozen=True)
class SparseGaussian(Distribution):
    """Standard normal variables, of which only the first two columns of x and y are correlated.

    ``I = -log(1 - rho^2)`` for every d.

    Args:
        rho: Correlation of x_1 with y_1 and of x_2 with y_2, in (-1, 1).
        d: Number of columns of x and of y, at least 2.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range.
    """

    rho: float
    d: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", check_real("rho", self.rho, -1.0, 1.0, ends="()"))
        object.__setattr__(self, "d", check_integer("d", self.d, 2))

    @classmethod
    def from_mi(cls, mi: float, d: int = 2) -> SparseGaussian:
        """Return the distribution with rho >= 0 whose mutual information is `mi` nats.

        For a large `mi` the rounding of rho shows, see :meth:`CorrelatedGaussian.from_mi`.

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is negative, or so large that rho rounds to 1.
        """
        return cls(correlation_of(check_information(mi), 2), d)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""
        return self.d, self.d

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return 2.0 * _pair_information(self.rho)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = draw(n, self.d, rng.standard_normal)
        pairs = _correlated_with(x[:, :2], self.rho, rng)
        return x, np.hstack([pairs, draw(n, self.d - 2, rng.standard_normal)])


@dataclass(frozen=True)
class AdditiveNoise(Distribution):
    """Standard normal X plus independent standard normal noise E: Y = X + sigma E.

    ``I = (d/2) log(1 + 1/sigma^2)``; the signal-to-noise ratio is 1/sigma^2.

    Args:
        sigma: Standard deviation of the noise, positive.
        d: Number of columns of x and of y.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range.
    """

    sigma: float
    d: int = 1

    def __post_init__(self) -> None:
        # Outside this range the square of sigma overflows or underflows.
        object.__setattr__(self, "sigma", check_real("sigma", self.sigma, 1e-150, 1e150))
        object.__setattr__(self, "d", check_integer("d", self.d, 1))

    @classmethod
    def from_mi(cls, mi: float, d: int = 1) -> AdditiveNoise:
        """Return the distribution whose mutual information is `mi` nats.

        ``1/sigma^2 = exp(2 I/d) - 1``

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is not positive, where sigma would be infinite, or above 300 nats per
                column.
        """
        d = check_integer("d", d, 1)
        mi = check_real("mi", mi, 0.0, 300.0 * d, ends="(]")
        return cls(1.0 / math.sqrt(math.expm1(2.0 * mi / d)), d)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""
        return self.d, self.d

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return 0.5 * self.d * math.log1p(self.sigma**-2)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = draw(n, self.d, rng.standard_normal)
        return x, x + self.sigma * draw(n, self.d, rng.standard_normal)


@dataclass(frozen=True, eq=False)
class Gaussian(Distribution):
    """Zero-mean normal variables of any covariance: X is the first `dx` columns, Y the others.

    ``I = (log det S_x + log det S_y - log det S) / 2``

    Args:
        covariance: S, shape (dx + dy, dx + dy), symmetric and positive definite.
        dx: Number of columns of x, in [1, dx + dy - 1].

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: The matrix is not square, symmetric or positive definite; `dx` is out of
            range.
    """

    covariance: Floats
    dx: int = 1

    def __post_init__(self) -> None:
        matrix, dx = checked_dispersion("covariance", self.covariance, self.dx)
        object.__setattr__(self, "covariance", matrix)
        object.__setattr__(self, "dx", dx)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""
        return self.dx, len(self.covariance) - self.dx

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats."""
        return gaussian_information(self.covariance, self.dx)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        return gaussian_pairs(self.covariance, self.dx, n, rng)


def correlation_of(mi: float, d: int) -> float:
    """Return the rho >= 0 with which d pairs share `mi` nats.

    Raises:
        ValueError: rho rounds to 1.
    """
    rho = math.sqrt(-math.expm1(-2.0 * mi / d))
    if rho >= 1.0:
        raise ValueError(
            f"mi must leave a correlation below 1, at most about 18 nats per pair; got mi={mi!r} "
            f"over {d} pair{'s' if d > 1 else ''}"
        )
    return rho


def checked_dispersion(name: str, matrix: object, dx: object) -> tuple[Floats, int]:
    """Return a read-only copy of a covariance-like matrix, and `dx`.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: The matrix is not square, symmetric or positive definite; `dx` is out of
            range.
    """
    given = as_samples(matrix, name).astype(np.float64)
    if given.shape[0] != given.shape[1] or len(given) < 2:
        raise ValueError(f"{name} must be square with at least two rows; got shape {given.shape}")
    if not np.allclose(given, given.T, rtol=1e-12, atol=0.0):
        raise ValueError(f"{name} must be symmetric; got entries that differ from their transpose")
    try:
        np.linalg.cholesky(given)
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(given)[0])
        raise ValueError(
            f"{name} must be positive definite; its least eigenvalue is {least:.3g}"
        ) from None
    columns = check_integer("dx", dx, 1)
    if columns >= len(given):
        raise ValueError(
            f"dx must leave a column for y; got dx={columns}, {name} of shape {given.shape}"
        )
    given.flags.writeable = False
    return given, columns


def gaussian_information(matrix: Floats, dx: int) -> float:
    """Return I(X; Y) in nats of a Gaussian with this covariance."""
    whole, x, y = (
        2.0 * math.fsum(np.log(np.diagonal(np.linalg.cholesky(part))))
        for part in (matrix, matrix[:dx, :dx], matrix[dx:, dx:])
    )
    return 0.5 * (x + y - whole)


def gaussian_pairs(
    matrix: Floats, dx: int, n: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw n samples of a zero-mean Gaussian, split behind column `dx`."""
    d = len(matrix)
    independent = draw(n, d, rng.standard_normal)
    factor = np.linalg.cholesky(matrix).T
    both = in_parts(n, d, lambda part: independent[part] @ factor)
    return np.ascontiguousarray(both[:, :dx]), np.ascontiguousarray(both[:, dx:])


def _pair_information(rho: float) -> float:
    # Near rho = 0 log1p keeps the digits that 1 - rho^2 would lose to rounding. Near 1 the square
    # would lose them, and the factors do not.
    if abs(rho) < 0.5:
        return -0.5 * math.log1p(-rho * rho)
    return -0.5 * math.log((1.0 - rho) * (1.0 + rho))


def _correlated_with(x: Floats, rho: float, rng: np.random.Generator) -> Floats:
    n, d = x.shape
    noise = draw(n, d, rng.standard_normal)
    return rho * x + math.sqrt((1.0 - rho) * (1.0 + rho)) * noise
