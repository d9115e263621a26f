"""Plug-in entropies of discrete samples, as NPEET computes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def entropyd(sx: Any, base: float = 2) -> float:
    """Return the entropy of the empirical distribution of the rows of `sx`.

    Args:
        sx: Labels, shape (n,) or (n, d), of any type that NumPy can sort.
        base: Of the logarithm; 2 for bits, e for nats.
    """
    _, counts = np.unique(np.asarray(sx), return_counts=True, axis=0)
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum()) / math.log(base)


def midd(x: Any, y: Any, base: float = 2) -> float:
    """Return the mutual information of discrete `x` and `y`.

    Raises:
        ValueError: The numbers of samples differ.
    """
    _check_lengths(x=x, y=y)
    return entropyd(x, base) - centropyd(x, y, base)


def cmidd(x: Any, y: Any, z: Any, base: float = 2) -> float:
    """Return the mutual information of discrete `x` and `y` given discrete `z`.

    Raises:
        ValueError: The numbers of samples differ.
    """
    _check_lengths(x=x, y=y, z=z)
    return (
        entropyd(np.c_[x, z], base)
        + entropyd(np.c_[y, z], base)
        - entropyd(np.c_[x, y, z], base)
        - entropyd(z, base)
    )


def centropyd(x: Any, y: Any, base: float = 2) -> float:
    """Return the entropy of discrete `x` given discrete `y`."""
    return entropyd(np.c_[x, y], base) - entropyd(y, base)


def tcd(xs: Any, base: float = 2) -> float:
    """Return the total correlation of the discrete columns of `xs`."""
    return sum(entropyd(column, base) for column in columns(xs)) - entropyd(xs, base)


def ctcd(xs: Any, y: Any, base: float = 2) -> float:
    """Return the total correlation of the discrete columns of `xs` given discrete `y`."""
    return sum(centropyd(column, y, base) for column in columns(xs)) - centropyd(xs, y, base)


def corexd(xs: Any, ys: Any, base: float = 2) -> float:
    """Return the sum of the discrete columns' mutual information with `ys`, less that of all."""
    return sum(midd(column, ys, base) for column in columns(xs)) - midd(xs, ys, base)


def columns(xs: Any) -> list[NDArray[Any]]:
    """Return the columns of `xs`, shape (n, d), each of shape (n, 1).

    Raises:
        ValueError: `xs` is not 2-D.
    """
    array = np.asarray(xs)
    if array.ndim != 2:
        raise ValueError(f"xs must be 2-D, one variable per column; got shape {array.shape}")
    return [array[:, j : j + 1] for j in range(array.shape[1])]


def _check_lengths(**arrays: Any) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} with n={n}" for name, n in lengths.items())
        raise ValueError(f"samples must be as many in each argument; got {listed}")
