"""Checks of arguments that NPEET does not check, or checks with assertions."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_integer
from fastmi._columns import is_missing


def log_base(base: Any) -> float:
    """Return the natural logarithm of `base`.

    Raises:
        TypeError: `base` is not a real number.
        ValueError: `base` is not positive and finite, or is 1.
    """
    number = _real("base", base)
    if not (0.0 < number < math.inf) or number == 1.0:
        raise ValueError(f"base must be positive, finite and not 1; got base={base!r}")
    return math.log(number)


def threshold(alpha: Any) -> float:
    """Return `alpha` as a float.

    Raises:
        TypeError: `alpha` is not a real number.
        ValueError: `alpha` is NaN or infinite.
    """
    number = _real("alpha", alpha)
    if not math.isfinite(number):
        raise ValueError(f"alpha must be finite; got alpha={alpha!r}")
    return number


def interval(ns: Any, ci: Any) -> tuple[int, int, int]:
    """Return the number of shuffles and the ranks of the two ends of an interval.

    Raises:
        TypeError: `ns` is not an integer, or `ci` is not a real number.
        ValueError: `ns` is below 1, or `ci` is outside [0, 1).
    """
    number = check_integer("ns", ns, 1)
    share = _real("ci", ci)
    if not 0.0 <= share < 1.0:
        raise ValueError(f"ci must be in [0, 1); got ci={ci!r}")
    return number, int((1.0 - share) / 2 * number), int((1.0 + share) / 2 * number)


def as_rows(x: Any, name: str) -> NDArray[Any]:
    """Return discrete samples, one per row, as an array.

    Raises:
        TypeError: The samples have no type that NumPy can sort.
        ValueError: The samples cannot be read as an array, are a scalar or empty, or have NaN or
            masked entries.
    """
    if np.ma.is_masked(x):
        raise ValueError(f"{name} must not have masked entries; got some")
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} must be readable as a NumPy array; got {error}") from error
    if array.dtype.kind == "O":
        raise TypeError(
            f"{name} must be labels of one type that NumPy can sort; got {type(x).__name__} with "
            "dtype object"
        )
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have at least one row; got shape {array.shape}")
    missing = np.zeros(1, dtype=bool)
    if array.dtype.kind in "fc":
        missing = np.isnan(array)
    elif array.dtype.kind in "US" and isinstance(x, list | tuple):
        # NumPy makes strings of the NaN and None beside a string.
        missing = np.array([is_missing(value) for value in np.array(x, dtype=object).flat])
    if missing.any():
        raise ValueError(f"{name} must not have NaN; got {missing.sum()} of them")
    return array


def _real(name: str, value: Any) -> float:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number; got {name}={value!r}")
    return float(value)
