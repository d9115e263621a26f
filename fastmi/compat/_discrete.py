"""Plug-in entropies of discrete samples, as NPEET computes them."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._symbols import Symbols, crossed, numbered
from fastmi.compat._checks import as_rows, log_base


def entropyd(sx: Any, base: float = 2) -> float:
    """Return the entropy of the empirical distribution of the rows of `sx`.

    Args:
        sx: Labels, shape (n,) or (n, d), of any type that NumPy can sort.
        base: Base of the logarithm; 2 for bits, e for nats.

    Raises:
        TypeError: The labels have no type that NumPy can sort, or the base is not a number.
        ValueError: There are no rows, or NaN or masked entries; the base is not positive, or 1.
    """
    return _entropy(_codes(sx, "sx"), base)


def midd(x: Any, y: Any, base: float = 2) -> float:
    """Return the mutual information of discrete `x` and `y`.

    Raises:
        ValueError: The numbers of samples differ.
    """
    a, b = _paired(x=x, y=y)
    return _entropy(a, base) - (_entropy(_joint(a, b), base) - _entropy(b, base))


def cmidd(x: Any, y: Any, z: Any, base: float = 2) -> float:
    """Return the mutual information of discrete `x` and `y` given discrete `z`.

    Raises:
        ValueError: The numbers of samples differ.
    """
    a, b, c = _paired(x=x, y=y, z=z)
    return (
        _entropy(_joint(a, c), base)
        + _entropy(_joint(b, c), base)
        - _entropy(_joint(a, b, c), base)
        - _entropy(c, base)
    )


def centropyd(x: Any, y: Any, base: float = 2) -> float:
    """Return the entropy of discrete `x` given discrete `y`.

    Raises:
        ValueError: The numbers of samples differ.
    """
    a, b = _paired(x=x, y=y)
    return _entropy(_joint(a, b), base) - _entropy(b, base)


def tcd(xs: Any, base: float = 2) -> float:
    """Return the total correlation of the discrete columns of `xs`."""
    return sum(entropyd(column, base) for column in columns(xs)) - entropyd(xs, base)


def ctcd(xs: Any, y: Any, base: float = 2) -> float:
    """Return the total correlation of the discrete columns of `xs` given discrete `y`."""
    return sum(centropyd(column, y, base) for column in columns(xs)) - centropyd(xs, y, base)


def corexd(xs: Any, ys: Any, base: float = 2) -> float:
    """Return the sum over the columns of ``midd(column, ys)``, minus ``midd(xs, ys)``."""
    return sum(midd(column, ys, base) for column in columns(xs)) - midd(xs, ys, base)


def columns(xs: Any) -> list[NDArray[Any]]:
    """Return the columns of `xs`, shape (n, d), each of shape (n, 1).

    Raises:
        ValueError: `xs` is not 2-D.
    """
    try:
        array = np.asarray(xs)
    except ValueError as error:
        raise ValueError(f"xs must be readable as a NumPy array; got {error}") from error
    if array.ndim != 2:
        raise ValueError(f"xs must be 2-D, one variable per column; got shape {array.shape}")
    return [array[:, j : j + 1] for j in range(array.shape[1])]


def _codes(x: Any, name: str) -> Symbols:
    """Return the index of each row of `x` in the sorted list of distinct rows."""
    array = as_rows(x, name)
    if array.ndim == 1:
        return numbered(array)
    return _joint(*map(numbered, array.reshape(len(array), -1).T))


def _joint(*parts: Symbols) -> Symbols:
    """Return an index for each distinct combination of the codes of a row."""
    return reduce(crossed, parts)


def _entropy(codes: Symbols, base: float) -> float:
    share = codes.size / len(codes.of)
    return float(-(share * np.log(share)).sum()) / log_base(base)


def _paired(**arrays: Any) -> list[Symbols]:
    codes = {name: _codes(array, name) for name, array in arrays.items()}
    if len({len(own.of) for own in codes.values()}) > 1:
        listed = ", ".join(f"{name} with n={len(own.of)}" for name, own in codes.items())
        raise ValueError(f"all arguments must have the same number of samples; got {listed}")
    return list(codes.values())
