"""Samples for a GPU: what estimators and ops hold in place of a NumPy array."""

from __future__ import annotations

import sys
from threading import Lock
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fastmi._arrays import (
    EXACT_INTEGERS,
    FLOAT32,
    FLOAT64,
    NUMERIC_KINDS,
    bad_shape,
    inexact_integers,
    raise_unusable,
)
from fastmi._backend import cuda_kernels
from fastmi._device import DEFAULT_STREAM, View, gpu_of, view_of

Array: TypeAlias = NDArray[Any]

# Threads share columns. A second copy would free the first while kernels read it.
_UPLOAD = Lock()


class DeviceArray:
    """Samples of shape (n, d), C-contiguous, in GPU memory, or copied there when first used.

    Attributes:
        shape: (n, d).
        dtype: float32 or float64.
        device: Index of the GPU.
        stream: Handle of the stream to work on.
    """

    __slots__ = ("_host", "_memory", "device", "dtype", "shape", "stream")

    def __init__(self, device: int, *, host: Array | None = None, view: View | None = None) -> None:
        """Wrap an array in host memory, or one on the GPU; never both."""
        known: Any = host if view is None else view
        shape = known.shape
        self.shape: tuple[int, int] = (shape[0], shape[1] if len(shape) == 2 else 1)
        self.dtype: np.dtype[Any] = known.dtype
        self.device = device
        self.stream = DEFAULT_STREAM if view is None else view.stream
        self._host = host
        # A view or a buffer of _cuda: what has a pointer and keeps the memory.
        self._memory: Any = view

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def pointer(self) -> int:
        """Address on the GPU.

        Raises:
            MemoryError: The samples do not fit there.
        """
        with _UPLOAD:
            if self._memory is None:
                array = cast(Array, self._host)
                self._memory = cuda_kernels().upload(array, self.device, self.stream)
        return int(self._memory.pointer)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The samples for other libraries, and for fastmi itself where it reads what users pass."""
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.pointer, True),
            "strides": None,
            "version": 3,
            "stream": self.stream,
        }

    def copy_to_host(self) -> Array:
        """Return the samples in host memory, as they were given or copied from the GPU.

        Raises:
            ValueError: They are of a library whose arrays offer no such copy.
        """
        if self._host is None:
            copy = _copied(self._memory.owner)
            if copy is None:
                raise ValueError(
                    "noise and normalize must have samples that can be copied to the host; got "
                    f"{type(self._memory.owner).__name__}: copy it with the library it is from"
                )
            self._host = copy.reshape(self.shape)
        return self._host

    def replaced(self, host: Array) -> DeviceArray:
        """Return other samples for the same GPU and stream."""
        other = DeviceArray(self.device, host=host)
        other.stream = self.stream
        return other


# To estimators and ops a block is an array with a length, a shape and a dtype, wherever it is;
# the next four know of both kinds.


def host(block: Array | DeviceArray) -> Array:
    """Return a block as a NumPy array: itself, or the copy of what lies on a GPU."""
    return block.copy_to_host() if isinstance(block, DeviceArray) else block


def like(block: Array | DeviceArray, array: Array) -> Array:
    """Return `array` as a block for the device of `block`."""
    if isinstance(block, DeviceArray):
        return cast(Array, block.replaced(array))
    return array


def take_rows(block: Array | DeviceArray, rows: NDArray[np.integer[Any]]) -> Array:
    """Return the samples of those numbers, on the device of `block`."""
    return like(block, host(block)[rows])


def device_of(block: Array | DeviceArray) -> str:
    """Return the name of the device on which a block is worked on: "cpu" or "cuda:<index>"."""
    return f"cuda:{block.device}" if isinstance(block, DeviceArray) else "cpu"


def read_device_array(x: Any, name: str, *, wide: bool = False) -> DeviceArray:
    """Return an array on a GPU as samples, in place if it is C-contiguous float32 or float64.

    Other layouts and numbers are converted on the GPU if they are of torch or CuPy.

    Args:
        x: For which :func:`fastmi._device.gpu_of` has an index.
        name: What to call it in messages.
        wide: Whether float32 is to become float64 too.

    Raises:
        TypeError: Not numeric.
        MemoryError: No room on the GPU for the converted copy.
        ValueError: Not 1-D or 2-D, empty, of another layout or dtype and neither of torch nor
            of CuPy; not aligned; values that are NaN, infinite or above half of the largest float.
    """
    kernels = cuda_kernels()
    try:
        plain = _converted(x, name, wide)
    except Exception as error:
        # By name: torch's is a RuntimeError, CuPy's a MemoryError, and neither may be imported.
        if type(error).__name__ != "OutOfMemoryError":
            raise
        raise MemoryError(
            f"{name} must fit the GPU a second time, as C-contiguous floats; got "
            f"{type(x).__name__} of shape {tuple(x.shape)}: {error}"
        ) from error
    try:
        view = view_of(plain)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise type(error)(
            f"{name} must be readable where it lies on the GPU; got {type(x).__name__}: {error}"
        ) from error
    shape = view.shape
    if view.dtype is None or view.dtype.kind not in NUMERIC_KINDS:
        raise TypeError(
            f"{name} must be real numbers (float, integer or bool); "
            f"got {type(x).__name__} with dtype {view.dtype or 'unknown to NumPy'}"
        )
    if not 1 <= len(shape) <= 2 or 0 in shape:
        raise bad_shape(shape, name)
    dtypes = (FLOAT64,) if wide else (FLOAT32, FLOAT64)
    if view.dtype not in dtypes or not view.contiguous:
        layout = "" if view.contiguous else ", not contiguous"
        raise ValueError(
            f"{name} must be C-contiguous {' or '.join(map(str, dtypes))} on the GPU; got "
            f"{type(x).__name__} with dtype {view.dtype}{layout}: convert it there first"
        )
    # A load across words ends the whole process's context.
    if view.pointer % view.dtype.itemsize:
        raise ValueError(
            f"{name} must be aligned to its {view.dtype} numbers on the GPU; got "
            f"{type(x).__name__} at {view.pointer:#x}: copy it there first"
        )
    samples = DeviceArray(gpu_of(x) or 0, view=view)
    position = kernels.first_unusable(samples)
    if position >= 0:
        copy = _copied(plain)
        if copy is None:
            row, column = divmod(position, samples.shape[1])
            raise ValueError(
                f"{name} must be finite and at most {np.finfo(view.dtype).max / 2:.3g} in "
                f"magnitude; got a value that is not in column {column}, row {row}"
            )
        raise_unusable(copy.reshape(samples.shape), position, x, name)
    return samples


def _copied(owner: Any) -> Array | None:
    """Return a host copy of an array on a GPU by the method its library has for that, or None."""
    if callable(getattr(owner, "cpu", None)):  # torch
        array: Array = owner.cpu().numpy()
        return array
    for method in ("get", "copy_to_host"):  # CuPy, Numba
        copy = getattr(owner, method, None)
        if callable(copy):
            return np.asarray(copy())
    return None


def _converted(x: Any, name: str, wide: bool) -> Any:
    """Return an array of torch or CuPy as C-contiguous floats; any other as it is."""
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and isinstance(x, torch.Tensor):
        x = x.detach()
        if x.dtype == torch.int64:
            _check_exact(x, name)
        elif x.dtype == getattr(torch, "uint64", None):  # which torch cannot compare on a GPU
            _check_exact(x.cpu().numpy(), name)
        if (wide or x.dtype != torch.float32) and not x.is_complex():
            x = x.to(torch.float64)
        return x.contiguous()
    if cupy is not None and isinstance(x, cupy.ndarray):
        if x.dtype.kind not in NUMERIC_KINDS:
            return x
        single = x.dtype == FLOAT32 and not wide
        with x.device:  # CuPy works on the current device, wherever the array is
            if x.dtype.kind in "iu" and x.dtype.itemsize == 8:
                _check_exact(x, name)
            return cupy.ascontiguousarray(x, dtype=FLOAT32 if single else FLOAT64)
    return x


def _check_exact(x: Any, name: str) -> None:
    if 0 in x.shape:
        return
    largest = max(int(x.max()), -int(x.min()))
    if largest > EXACT_INTEGERS:
        raise inexact_integers(largest, name)
