"""Functions that treat NumPy arrays and torch tensors alike."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed, generator
from fastmi._inputs import check_same_length

# A NumPy array or a torch tensor; all arrays of one call are of the same kind.
Array: TypeAlias = Any
# The generator that the user's samplers get: a numpy.random.Generator, or a torch.Generator if
# the data are tensors.
Random: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]


def is_tensor(array: object) -> bool:
    """Return whether `array` is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def library(array: Array) -> Any:
    """Return the module, numpy or torch, whose functions take `array`."""
    return sys.modules["torch"] if is_tensor(array) else np


def device_of(array: Array) -> str:
    """Return the name of the device that holds `array`."""
    return str(array.device) if is_tensor(array) else "cpu"


def as_float64(array: Array) -> Array:
    """Return `array` in double precision: itself, if it has that already."""
    if is_tensor(array):
        return array.double()
    return array.astype(np.float64, copy=False)


def to_numpy(array: Array) -> Floats:
    """Return a float64 NumPy array; tensors are copied to the CPU."""
    if is_tensor(array):
        array = array.detach().cpu().numpy()
    return np.asarray(array, dtype=np.float64)


def as_pairs(x: Array, z: Array) -> tuple[Array, Array]:
    """Return observations and the latents that generated them, one pair per row.

    Tensors stay on their device, everything else becomes a NumPy array. A 1-D array becomes one
    column. Integers remain integers, since a latent may index a category.

    Raises:
        TypeError: The values are not real numbers; or only one of the two is a tensor.
        ValueError: There are fewer than 2 rows, different lengths or devices, NaN or infinite
            values.
    """
    if is_tensor(x) != is_tensor(z):
        raise TypeError(
            f"x and z must both be torch tensors or neither; "
            f"got {type(x).__name__} and {type(z).__name__}"
        )
    read = _tensor if is_tensor(x) else _numpy
    x, z = read(x, "x"), read(z, "z")
    check_same_length(x, z, "x", "z")
    if device_of(x) != device_of(z):
        raise ValueError(f"x and z must be on one device; got {device_of(x)} and {device_of(z)}")
    if z.ndim != 2:
        raise ValueError(f"z must have shape (n,) or (n, dz); got {tuple(z.shape)}")
    return x, z


def _numpy(given: object, name: str) -> Array:
    if np.ma.is_masked(given):
        raise ValueError(f"{name} must not have masked entries; got a masked array")
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} must be readable as an array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must be real numbers; got {type(given).__name__} with dtype {array.dtype}"
        )
    return _rows(array, np.isfinite(array).all(), name)


def _tensor(given: Any, name: str) -> Array:
    if given.is_complex():
        raise TypeError(f"{name} must be real numbers; got a tensor of {given.dtype}")
    given = given.detach()
    return _rows(given, bool(given.isfinite().all()), name)


def _rows(array: Array, finite: object, name: str) -> Array:
    if array.ndim == 0 or len(array) < 2 or 0 in array.shape:
        raise ValueError(
            f"{name} must have at least 2 rows and no empty axis; got shape {tuple(array.shape)}"
        )
    if not finite:
        raise ValueError(f"{name} must be finite; got NaN or infinite values")
    return array.reshape(len(array), 1) if array.ndim == 1 else array


@contextmanager
def randomness(seed: Seed | None, device: str | None, *, purpose: int = 1) -> Iterator[Random]:
    """Yield the generator of one call, and restore torch's global generator at its end.

    The stream is not that of ``default_rng(seed)``, and each purpose has its own. Otherwise, if
    one seed served for the data and for the bound, the latents drawn for the bound would be
    those that generated the data. If the data are tensors, torch's global generator is seeded
    during the call as well, because the ``sample`` of a torch distribution draws from it.

    Args:
        seed: Any value that :func:`numpy.random.default_rng` accepts.
        device: Device of the tensors; None for NumPy arrays.
        purpose: Number that separates the streams of one seed.
    """
    entropy = generator(seed).integers(0, 2**63, size=4).tolist()
    rng = np.random.default_rng([purpose, *entropy])
    if device is None:
        yield rng
        return
    torch = sys.modules["torch"]
    where = torch.device(device)
    own, shared = (int(part) for part in rng.integers(0, 2**63, size=2))
    cuda = [where] if where.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), torch.no_grad():
        torch.default_generator.manual_seed(shared)
        if cuda:
            with torch.cuda.device(where):
                torch.cuda.manual_seed(shared)
        yield torch.Generator(device=where).manual_seed(own)


def generator_device(x: Array) -> str | None:
    """Return the `device` of :func:`randomness` for these data."""
    return device_of(x) if is_tensor(x) else None
