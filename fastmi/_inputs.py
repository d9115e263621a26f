"""Validates and converts the arrays that users pass.

Samples become C-contiguous float32 or float64 arrays of shape (n, d); those that are such arrays
already are not copied. Every message names the argument, what was expected and what came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import DeviceArray, host, like
from fastmi._checks import Seed, generator
from fastmi._columns import check_pairing
from fastmi._device import check_index, device_index, gpu_of
from fastmi._reading import (
    FLOAT32,
    FLOAT64,
    Array,
    convert,
    first_unusable,
    raise_unusable,
    read_array,
    read_device_array,
    read_numbers,
)
from fastmi._refusals import NUMERIC_KINDS, bad_shape, copy_hint, refusal
from fastmi._spread import near_origin

_NUMPY_ALONE = {np.ndarray}


def as_samples(x: object, name: str) -> Array:
    """Return `x` as a usable, C-contiguous array of shape (n, d), float32 or float64.

    float32 and float64 keep their dtype; bool, integers and other floats become float64.

    Args:
        x: 1-D (one column) or 2-D (samples in rows): array, nested sequence, pandas or
            polars column or frame, torch CPU tensor, or anything with ``__array__`` or
            ``__dlpack__``.
        name: What to call it in messages.

    Raises:
        TypeError: Not numeric (object, complex, string, dates), or not readable as an array.
        ValueError: Not 1-D or 2-D, empty, masked entries, values that are NaN, infinite or
            above half of the largest float (the difference of two would overflow).
    """
    array = x if type(x) is np.ndarray else read_numbers(x, name)
    if not 1 <= array.ndim <= 2 or array.size == 0:
        if array.dtype.kind not in NUMERIC_KINDS and array.size:
            raise refusal(array, x, name)
        raise bad_shape(array.shape, name)
    dtype = array.dtype
    flags = array.flags
    if not ((dtype is FLOAT64 or dtype is FLOAT32) and flags.c_contiguous and flags.aligned):
        array = convert(array, x, name)
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    position = first_unusable(array)
    if position >= 0:
        raise_unusable(array, position, x, name)
    return array


def as_blocks(arrays: Sequence[object], names: Sequence[str], device: str = "host") -> list[Array]:
    """Return each array through :func:`as_samples`, of one length and one dtype.

    Blocks of different dtypes all become float64.

    Args:
        arrays: What users pass.
        names: What to call each in messages.
        device: Where to work on them, a name from :func:`fastmi._device.as_device`; "auto" is where
            they are. "host" is like "cpu", but the error for GPU arrays does not mention `device`.

    Returns:
        NumPy arrays, or for a GPU :class:`fastmi._blocks.DeviceArray`, of the same
        ``shape``, ``dtype`` and ``len()``.

    Raises:
        TypeError: See :func:`as_samples`.
        ValueError: See there; or the numbers of samples differ, the arrays are on different
            devices, or on another one than `device`.
        RuntimeError: `device` is a GPU, and there is none to use.
    """
    # Most calls pass NumPy arrays only.
    alone = set(map(type, arrays)) == _NUMPY_ALONE
    if not alone:
        check_pairing(arrays, names)
    if device == "host" or (device == "auto" and alone):
        return _host_blocks(arrays, names)
    index = _common_gpu(arrays, names, device)
    if index is None:
        return _host_blocks(arrays, names)
    check_index(index)
    blocks: list[Any]
    if gpu_of(arrays[0]) is None:
        blocks = [DeviceArray(index, host=block) for block in _host_blocks(arrays, names)]
    else:
        blocks = [read_device_array(x, name) for x, name in zip(arrays, names, strict=True)]
        if _differ(blocks, names):
            blocks = [
                read_device_array(x, name, wide=True) for x, name in zip(arrays, names, strict=True)
            ]
    return blocks


def read_two(x: object, other: object, names: tuple[str, str]) -> tuple[Array, Array]:
    """Return two samples of one variable, of different lengths, with one dtype and as many columns.

    Raises:
        TypeError: See :func:`as_samples`.
        ValueError: See there; or the numbers of columns differ.
    """
    first, second = as_samples(x, names[0]), as_samples(other, names[1])
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of columns; got "
            f"{first.shape[1]} and {second.shape[1]}"
        )
    if first.dtype != second.dtype:
        first, second = (each.astype(FLOAT64, copy=False) for each in (first, second))
    return first, second


def _host_blocks(arrays: Sequence[object], names: Sequence[str]) -> list[Array]:
    blocks = [as_samples(array, name) for array, name in zip(arrays, names, strict=True)]
    if _differ(blocks, names):
        blocks = [block.astype(FLOAT64, copy=False) for block in blocks]
    return blocks


def _differ(blocks: Sequence[Array], names: Sequence[str]) -> bool:
    """Return whether the dtypes differ; the numbers of samples must not."""
    first = blocks[0]
    mixed = False
    for block, name in zip(blocks, names, strict=True):
        mixed = mixed or block.dtype != first.dtype
        check_same_length(first, block, names[0], name)
    return mixed


def _common_gpu(arrays: Sequence[object], names: Sequence[str], device: str) -> int | None:
    """Return the index of the GPU to work on, None for the host."""
    found = [gpu_of(array) for array in arrays]
    wanted = device_index(device)
    for array, name, index in zip(arrays, names, found, strict=True):
        if index != found[0]:
            raise ValueError(
                f"{names[0]} and {name} must be on one device; got {names[0]} on "
                f"{_where(found[0])}, {name} on {_where(index)}"
            )
        if index is not None and (device == "cpu" or (wanted is not None and wanted != index)):
            raise ValueError(
                f"{name} must be on {device} for device={device!r}; got {type(array).__name__} "
                f"on cuda:{index}: copy it first, {copy_hint(array, name, device)}"
            )
    if found[0] is not None:
        return found[0]
    return (wanted or 0) if device.startswith("cuda") else None


def _where(index: int | None) -> str:
    return "the host" if index is None else f"cuda:{index}"


def check_same_length(first: Array, other: Array, first_name: str, name: str) -> None:
    """Raise ValueError unless both have the same number of rows."""
    if len(other) == len(first):
        return
    hint = ""
    if other.shape[1:] == (len(first),) or first.shape[1:] == (len(other),):
        hint = "; samples are rows: is one of them transposed?"
    raise ValueError(
        f"{first_name} and {name} must have the same number of samples; "
        f"got {first_name} with n={len(first)}, {name} with n={len(other)}{hint}"
    )


def is_empty(z: object) -> bool:
    """Return whether there is no condition: None, or an array without columns."""
    return z is None or getattr(z, "shape", (1,))[1:] == (0,)


def variable_names(variables: Sequence[object]) -> tuple[str, ...]:
    """Return what to call each variable in messages.

    Raises:
        ValueError: Fewer than two.
    """
    if len(variables) < 2:
        raise ValueError(f"variables must be two or more; got {len(variables)}")
    return tuple(f"variables[{b}]" for b in range(len(variables)))


def jitter(blocks: list[Array], noise: float, seed: Seed | None) -> list[Array]:
    """Return copies of `blocks` plus ``noise * sd(column) * U(-1/2, 1/2)``.

    The noise is relative to each column's spread, so estimates stay invariant to its unit. It is
    added on the host, so that a seed means the same on every device. Columns far from the origin
    are moved near to it.

    Raises:
        ValueError: The noise overflows the dtype.
    """
    rng = generator(seed)
    noisy = []
    for given in blocks:
        # Far from the origin noise would be rounded away; estimates do not depend on where it is.
        block = near_origin(host(given))
        # Columns are divided by their largest value, so that squares neither overflow nor vanish.
        largest = np.abs(block).max(axis=0).astype(FLOAT64)
        largest[largest == 0.0] = 1.0
        spread = (block / largest).std(axis=0) * largest
        with np.errstate(over="ignore", invalid="ignore"):
            moved = block + noise * spread * (rng.random(block.shape) - 0.5)
            moved = moved.astype(block.dtype, copy=False)
        if first_unusable(moved) >= 0:
            raise ValueError(f"noise must be small beside the data's range; got noise={noise!r}")
        noisy.append(like(given, moved))
    return noisy


def as_radius(radius: object, n: int, dtype: np.dtype[Any], *, strict: bool) -> Array:
    """Return one radius per sample, shape (n,), in the dtype of the samples.

    Distances are compared with the radius as given: where float32 cannot hold it, it moves
    to the neighbouring float32 that leaves every comparison as it was.

    Args:
        radius: One number, or one per sample.
        n: Number of samples.
        dtype: float32 or float64.
        strict: Whether the comparison is ``<`` rather than ``<=``.

    Raises:
        TypeError: Not numeric.
        ValueError: Neither scalar nor of shape (n,); NaN or negative.
    """
    given = read_array(radius, "radius")
    if given.dtype.kind not in NUMERIC_KINDS:
        raise TypeError(f"radius must be real numbers; got dtype {given.dtype}")
    if given.shape not in ((), (n,)):
        raise ValueError(
            f"radius must be a number or have shape (n,); got shape {given.shape}, n={n}"
        )
    if given.dtype != FLOAT32:
        given = given.astype(FLOAT64, copy=False)
    bad = ~(given >= 0)
    if bad.any():
        value = given if given.ndim == 0 else given[bad.argmax()]
        raise ValueError(f"radius must be >= 0 and not NaN; got radius={float(value)!r}")
    with np.errstate(over="ignore", under="ignore"):
        rounded = given.astype(dtype)
        if strict:
            above = np.nextafter(rounded, dtype.type(np.inf))
            rounded = np.where(rounded < given, above, rounded)
        else:
            below = np.nextafter(rounded, dtype.type(0))
            rounded = np.where(rounded > given, below, rounded)
    return np.ascontiguousarray(np.broadcast_to(rounded, (n,)))


def as_integers(n: object) -> NDArray[np.int64]:
    """Return `n` as int64 of the same shape.

    Raises:
        TypeError: Not integers.
        ValueError: Smaller than 1, or too large for int64.
    """
    array = read_array(n, "n")
    if array.dtype.kind not in "iu":
        raise TypeError(f"n must be integers; got dtype {array.dtype}")
    if array.size and (array.min() < 1 or array.max() > np.iinfo(np.int64).max):
        raise ValueError(f"n must be positive integers below 2**63; got n={_first_outside(array)}")
    return array.astype(np.int64, copy=False)


def _first_outside(array: Array) -> int:
    outside = (array < 1) | (array > np.iinfo(np.int64).max)
    return int(array[outside].flat[0])
