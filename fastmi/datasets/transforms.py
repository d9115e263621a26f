"""Five transformations of one variable that keep its mutual information with any other.

Their tags are those of the experiments on scale invariance (docs/reproductions.md):

==== ======================= ======================================================
rm   :func:`random_mix`      X' = alpha X W, alpha and W uniform, W invertible
dn   :func:`pad_noise`       columns of independent noise appended
cb   :func:`cube`            x^3, elementwise
sg   :func:`logistic`        1 / (1 + exp(-x)), elementwise
ds   :func:`duplicate`       copies of the columns side by side
==== ======================= ======================================================

:func:`transform` composes them, always in the order of this table. The mixing takes the signal
without the noise columns; noise appended after the logistic would be wide beside the signal, which
the logistic squeezes; copies come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed, check_choice, check_integer, check_real, generator
from fastmi._inputs import as_samples

Array: TypeAlias = NDArray[Any]

# Tags in the order of application.
TAGS = ("rm", "dn", "cb", "sg", "ds")
# Above this condition number rounding would lose part of the signal.
_MOST_CONDITION = 1e8


def transform(
    x: object,
    tags: str | Sequence[str],
    *,
    copies: int = 20,
    columns: int = 20,
    sigma: float = 0.2,
    seed: Seed | None = None,
) -> Array:
    """Apply several transformations, in the order rm, dn, cb, sg, ds.

    Args:
        x: Samples, shape (n, d) or (n,).
        tags: Tags joined by "+", for example "rm+sg", or a sequence of tags; "" for none. Their
            order is ignored.
        copies: Number of copies for "ds".
        columns: Number of noise columns for "dn".
        sigma: Standard deviation of the noise for "dn".
        seed: Seed for "rm" and "dn"; any value that :func:`numpy.random.default_rng` accepts.

    Returns:
        The transformed samples, shape (n, d'), in their dtype.

    Raises:
        TypeError: The samples are not real numbers, or an option has the wrong type.
        ValueError: The samples have the wrong shape or are not finite; a tag is unknown or
            repeated; an option is out of range.
    """
    if not isinstance(tags, Sequence):
        raise TypeError(f"tags must be a string or a sequence of them; got {tags!r}")
    listed = tags.split("+") if isinstance(tags, str) and tags else list(tags)
    for tag in listed:
        check_choice("tags", tag, TAGS)
    if len(set(listed)) < len(listed):
        raise ValueError(f"tags must not repeat; got {'+'.join(listed)}")
    rng = generator(seed)
    result: Array = as_samples(x, "x").copy()
    if "rm" in listed:
        result = random_mix(result, seed=rng)
    if "dn" in listed:
        result = pad_noise(result, columns, sigma, seed=rng)
    if "cb" in listed:
        result = cube(result)
    if "sg" in listed:
        result = logistic(result)
    if "ds" in listed:
        result = duplicate(result, copies)
    return result


def random_mix(x: object, *, seed: Seed | None = None) -> Array:
    """Return alpha X W, with alpha and every entry of W (d, d) drawn from U(0, 1).

    W is drawn again as long as its condition number exceeds 1e8.

    Args:
        x: Samples, shape (n, d) or (n,).
        seed: Any value that :func:`numpy.random.default_rng` accepts.

    Returns:
        The mixed samples, shape (n, d), in their dtype.

    Raises:
        TypeError: The samples are not real numbers.
        ValueError: The samples have the wrong shape or are not finite.
    """
    block = as_samples(x, "x")
    rng = generator(seed)
    alpha = 1.0 - rng.random()  # never 0
    while True:
        mix = rng.random((block.shape[1], block.shape[1]))
        if np.linalg.cond(mix) <= _MOST_CONDITION:
            with np.errstate(over="ignore", invalid="ignore"):
                mixed: Array = (block @ (alpha * mix)).astype(block.dtype, copy=False)
            return _finite(mixed, "x must be small enough for its sums to be finite")


def pad_noise(
    x: object, columns: int = 20, sigma: float = 0.2, *, seed: Seed | None = None
) -> Array:
    """Append columns of independent normal noise.

    Args:
        x: Samples, shape (n, d) or (n,).
        columns: Number of columns to append.
        sigma: Standard deviation of the noise.
        seed: Any value that :func:`numpy.random.default_rng` accepts.

    Returns:
        The widened samples, shape (n, d + columns), in their dtype.

    Raises:
        TypeError: The samples are not real numbers, or an option has the wrong type.
        ValueError: The samples have the wrong shape or are not finite; an option is below 0.
    """
    block = as_samples(x, "x")
    columns = check_integer("columns", columns, 0)
    sigma = check_real("sigma", sigma, 0.0)
    with np.errstate(over="ignore"):
        noise = sigma * generator(seed).standard_normal((len(block), columns))
        noise = noise.astype(block.dtype, copy=False)
    return np.hstack([block, _finite(noise, f"sigma must leave {block.dtype} finite")])


def cube(x: object) -> Array:
    """Return x^3 elementwise, shape (n, d).

    Raises:
        TypeError: The samples are not real numbers.
        ValueError: The samples have the wrong shape or are not finite.
    """
    block = as_samples(x, "x")
    with np.errstate(over="ignore"):
        return _finite(block * block * block, "x must be small enough for its cubes to be finite")


def logistic(x: object) -> Array:
    """Return 1 / (1 + exp(-x)) elementwise, shape (n, d).

    Raises:
        TypeError: The samples are not real numbers.
        ValueError: The samples have the wrong shape or are not finite.
    """
    block = as_samples(x, "x")
    # exp(-x) would overflow for very negative x, exp(-|x|) cannot.
    small = np.exp(-np.abs(block))
    result: Array = np.where(block >= 0, 1, small) / (1 + small)
    return result.astype(block.dtype, copy=False)


def duplicate(x: object, copies: int = 20) -> Array:
    """Return `copies` copies of the columns side by side, shape (n, copies * d).

    Raises:
        TypeError: The samples are not real numbers; `copies` is not an integer.
        ValueError: The samples have the wrong shape or are not finite; `copies` is below 1.
    """
    return np.tile(as_samples(x, "x"), (1, check_integer("copies", copies, 1)))


def _finite(result: Array, expected: str) -> Array:
    infinite = np.count_nonzero(~np.isfinite(result))
    if infinite:
        raise ValueError(f"{expected}; got {infinite} values that overflow")
    return result
