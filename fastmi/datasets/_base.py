"""The base class of distributions with known mutual information, and their product."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed, check_integer, check_real, generator

Floats: TypeAlias = NDArray[np.float64]


# Numbers that are drawn or computed at once, some tens of milliseconds: NumPy sees no interrupt
# within a call.
_AT_ONCE = 1 << 21


class Distribution(ABC):
    """A distribution of (X, Y) with samples and with exactly known mutual information."""

    @property
    @abstractmethod
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""

    @property
    @abstractmethod
    def mutual_information(self) -> float:
        """I(X; Y) in nats for the parameters of this object."""

    @abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw n independent pairs; shapes (n, dx) and (n, dy)."""

    def sample(self, n: int, seed: Seed | None = None) -> tuple[Floats, Floats]:
        """Draw n independent pairs.

        Args:
            n: Number of samples, at least 1.
            seed: Any value that :func:`numpy.random.default_rng` accepts. A Generator continues its
                stream.

        Returns:
            x and y, float64, of shapes (n, dx) and (n, dy); row i of y belongs to row i of x.

        Raises:
            TypeError: `n` is not an integer; `seed` has the wrong type.
            ValueError: `n` is below 1; `seed` is negative.
        """
        return self._draw(check_integer("n", n, 1), generator(seed))


@dataclass(frozen=True)
class Product(Distribution):
    """Independent distributions side by side: columns are joined, mutual information adds up.

    Args:
        parts: The distributions, at least one.

    Raises:
        TypeError: A part is not a distribution.
        ValueError: There are no parts.
    """

    parts: tuple[Distribution, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple | list):
            raise TypeError(
                f"parts must be a tuple of distributions; got {type(self.parts).__name__}"
            )
        object.__setattr__(self, "parts", tuple(self.parts))
        if not self.parts:
            raise ValueError("parts must have at least one distribution; got none")
        for part in self.parts:
            check_distribution("parts", part)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y, summed over the parts."""
        return sum(part.dims[0] for part in self.parts), sum(part.dims[1] for part in self.parts)

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats, summed over the parts."""
        return math.fsum(part.mutual_information for part in self.parts)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        pairs = [part.sample(n, rng) for part in self.parts]
        return np.hstack([x for x, _ in pairs]), np.hstack([y for _, y in pairs])


def in_parts(n: int, columns: int, make: Callable[[slice], Floats]) -> Floats:
    """Return n rows that `make` makes in parts, with chances for an interrupt between them.

    Args:
        n: Number of rows.
        columns: Number of columns.
        make: Function from the rows to make, in ascending order, to an array of shape
            (number of them, columns). What it draws is the same whatever the parts are.
    """
    rows = max(1, _AT_ONCE // max(1, columns))
    if n <= rows:
        return make(slice(0, n))
    made = np.empty((n, columns))
    for begin in range(0, n, rows):
        part = slice(begin, min(n, begin + rows))
        made[part] = make(part)
    return made


def draw(n: int, columns: int, variates: Callable[[tuple[int, int]], Floats]) -> Floats:
    """Return ``variates((n, columns))``, drawn in parts.

    Args:
        n: Number of rows.
        columns: Number of columns.
        variates: Function that draws an array of a shape, such as a generator's
            ``standard_normal``.
    """
    return in_parts(n, columns, lambda part: variates((part.stop - part.start, columns)))


def check_distribution(name: str, value: object) -> None:
    """Raise TypeError unless `value` is a :class:`Distribution`."""
    if not isinstance(value, Distribution):
        raise TypeError(f"{name} must be distributions of fastmi.datasets; got {value!r}")


def check_information(mi: object, most: float = math.inf, *, reached: bool = False) -> float:
    """Return a target mutual information as a float in [0, most), or [0, most] if `reached`.

    Raises:
        TypeError: `mi` is not a real number.
        ValueError: `mi` is outside the range, NaN or infinite.
    """
    return check_real("mi", mi, 0.0, most, ends="[]" if reached else "[)")
