"""What a distribution of known mutual information is, and how to combine several."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fastmi._inputs import Seed

Floats: TypeAlias = NDArray[np.float64]


class Distribution(ABC):
    """A law of (X, Y) that can be sampled and whose mutual information is known exactly."""

    @property
    @abstractmethod
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y."""

    @property
    @abstractmethod
    def mutual_information(self) -> float:
        """I(X; Y) in nats, of these very parameters."""

    @abstractmethod
    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw n independent pairs; shapes (n, dx) and (n, dy)."""

    def sample(self, n: int, seed: Seed | None = None) -> tuple[Floats, Floats]:
        """Draw n independent pairs.

        Args:
            n: Number of samples, at least 1.
            seed: Anything :func:`numpy.random.default_rng` takes; a Generator goes on from
                where it is.

        Returns:
            x and y, float64, shapes (n, dx) and (n, dy), row i of one paired with row i of
            the other.

        Raises:
            TypeError: `n` is not an integer; a seed of the wrong type.
            ValueError: `n` is below 1; a negative seed.
        """
        return self._draw(check_integer("n", n, 1), generator(seed))


@dataclass(frozen=True)
class Product(Distribution):
    """Independent distributions side by side: columns are joined, amounts of information add.

    Args:
        parts: The distributions, at least one.

    Raises:
        TypeError: A part is not a distribution.
        ValueError: No parts.
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
        """Sum over the parts."""
        return math.fsum(part.mutual_information for part in self.parts)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        pairs = [part.sample(n, rng) for part in self.parts]
        return np.hstack([x for x, _ in pairs]), np.hstack([y for _, y in pairs])


def generator(seed: Seed | None) -> np.random.Generator:
    """Return the generator that `seed` stands for.

    Raises:
        TypeError: Of no type that seeds one.
        ValueError: Negative.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"seed must suit numpy.random.default_rng; got {seed!r}: {error}"
        ) from None


def check_distribution(name: str, value: object) -> None:
    """Raise TypeError unless `value` is a :class:`Distribution`."""
    if not isinstance(value, Distribution):
        raise TypeError(f"{name} must be distributions of fastmi.datasets; got {value!r}")


def check_integer(name: str, value: object, least: int) -> int:
    """Return `value` as an int.

    Raises:
        TypeError: Not an integer.
        ValueError: Below `least`.
    """
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(cast(SupportsIndex, value))
    except TypeError:
        raise TypeError(
            f"{name} must be an integer >= {least}; got {name}={value!r} ({type(value).__name__})"
        ) from None
    if number < least:
        raise ValueError(f"{name} must be an integer >= {least}; got {name}={number}")
    return number


def check_real(
    name: str,
    value: object,
    low: float,
    high: float = math.inf,
    *,
    ends: str = "[]",
) -> float:
    """Return `value` as a float.

    Args:
        name: What to call it in messages.
        value: To be checked.
        low: Lower end of the range.
        high: Upper end; infinity itself is never accepted.
        ends: Which ends belong to the range, in the notation of intervals: "[]", "(]"...

    Raises:
        TypeError: Not a real number.
        ValueError: Outside the range, NaN or infinite.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.floating | np.integer
    ):
        raise TypeError(
            f"{name} must be a real number; got {name}={value!r} ({type(value).__name__})"
        )
    number = float(value)
    above = number >= low if ends[0] == "[" else number > low
    below = number <= high if ends[1] == "]" else number < high
    if not (math.isfinite(number) and above and below):
        right = ")" if high == math.inf else ends[1]
        left = "(" if low == -math.inf else ends[0]
        raise ValueError(
            f"{name} must be in {left}{low:.6g}, {high:.6g}{right}; got {name}={number!r}"
        )
    return number


def check_information(mi: object, most: float = math.inf, *, reached: bool = False) -> float:
    """Return a target mutual information as a float, in [0, most), or up to it if `reached`.

    Raises:
        TypeError: Not a real number.
        ValueError: Outside the range, NaN or infinite.
    """
    return check_real("mi", mi, 0.0, most, ends="[]" if reached else "[)")
