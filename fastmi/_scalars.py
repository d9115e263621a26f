"""Checks of the single values that users pass: integers, real numbers, seeds."""

from __future__ import annotations

import math
import operator
from typing import Any, SupportsIndex, cast

import numpy as np

# Of C++ and of NumPy: what exceeds it cannot be a length.
_LARGEST = (1 << 63) - 1


def check_integer(name: str, value: object, least: int, most: int = _LARGEST) -> int:
    """Return `value` as an int.

    Raises:
        TypeError: Not an integer.
        ValueError: Below `least` or above `most`.
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
    if number > most:
        raise ValueError(f"{name} must be an integer <= {most}; got {name}={number}")
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
    try:
        number = float(value)
    except OverflowError:  # an int beyond every float
        number = math.inf if value > 0 else -math.inf
    above = number >= low if ends[0] == "[" else number > low
    below = number <= high if ends[1] == "]" else number < high
    if not (math.isfinite(number) and above and below):
        right = ")" if high == math.inf else ends[1]
        left = "(" if low == -math.inf else ends[0]
        raise ValueError(
            f"{name} must be in {left}{low:.6g}, {high:.6g}{right}; got {name}={number!r}"
        )
    return number


def check_flag(name: str, value: object) -> None:
    """Raise TypeError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise TypeError(
            f"{name} must be True or False; got {name}={value!r} ({type(value).__name__})"
        )


def generator(seed: Any) -> np.random.Generator:
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


def check_seed(seed: Any) -> None:
    """Raise as :func:`generator` does unless `seed` stands for one; None always does."""
    if seed is not None:
        generator(seed)
