"""Blocks: the samples of one variable, in host or GPU memory, as estimators and ops hold them.

In host memory a block is a NumPy array, on a GPU it is a :class:`DeviceArray`.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import cuda_kernels
from fastmi._device import DEFAULT_STREAM, View, copied_to_host

Array: TypeAlias = NDArray[Any]

# Threads share columns; a second upload would free the first copy while kernels read it.
_UPLOAD = Lock()


class DeviceArray:
    """Samples of shape (n, d), C-contiguous, in GPU memory, or copied there on first use.

    The kernels of ``fastmi._cuda`` read these attributes and `pointer`.

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
        # A View, or a Buffer of _cuda; each has a pointer and keeps the memory alive.
        self._memory: Any = view

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def pointer(self) -> int:
        """Address on the GPU.

        Raises:
            MemoryError: The samples do not fit in the memory of the GPU.
        """
        with _UPLOAD:
            if self._memory is None:
                array = cast(Array, self._host)
                self._memory = cuda_kernels().Buffer(array, self.device, self.stream)
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
            ValueError: They belong to a library whose arrays offer no copy to the host.
        """
        if self._host is None:
            copy = copied_to_host(self._memory.owner)
            if copy is None:
                raise ValueError(
                    "noise, normalize and bias_correction must have samples that can be copied to "
                    f"the host; got {type(self._memory.owner).__name__}: copy it with the library "
                    "it is from"
                )
            self._host = copy.reshape(self.shape)
        return self._host

    def has_host(self) -> bool:
        """Return whether the samples are in host memory already."""
        return self._host is not None

    def pairs(self, step: int) -> Array | None:
        """Return every `step`-th sample and the one after it, in host memory.

        It is None for samples of a library whose arrays offer no copy to the host.
        """
        starts = (0, 1) if step > 1 else (0,)
        source: Any = self._memory.owner if self._host is None else self._host
        parts: list[Any] = [source]
        # They are taken where they lie, so that few are copied.
        if hasattr(type(source), "__getitem__"):
            parts = [source[start::step] for start in starts]
        if self._host is None:
            parts = [copied_to_host(part) for part in parts]
        if any(part is None for part in parts):
            return None
        if len(parts) < len(starts):
            parts = [parts[0][start::step] for start in starts]
        shape = (-1, self.shape[1])
        return np.ascontiguousarray(np.concatenate([part.reshape(shape) for part in parts]))

    def replaced(self, host: Array) -> DeviceArray:
        """Return a block of the samples in `host`, for the same GPU and stream."""
        other = DeviceArray(self.device, host=host)
        other.stream = self.stream
        return other


# Estimators and ops use the length, the shape and the dtype of a block, wherever it is. Only these
# five functions tell the two kinds apart.


def host(block: Array | DeviceArray) -> Array:
    """Return a block as a NumPy array: itself, or the copy of what lies on a GPU."""
    return block.copy_to_host() if isinstance(block, DeviceArray) else block


def glance(blocks: Sequence[Array | DeviceArray], most: int) -> list[Array]:
    """Return rows of the blocks in host memory: all of them if they are there, else about `most`.

    The list is empty for samples on a GPU that cannot be copied.
    """
    step = max(1, 2 * len(blocks[0]) // most)
    rows: list[Array] = []
    on_host = all(not isinstance(block, DeviceArray) or block.has_host() for block in blocks)
    for block in blocks:
        found = host(block) if on_host else cast(DeviceArray, block).pairs(step)
        if found is None:
            return []
        rows.append(found)
    return rows


def like(block: Array | DeviceArray, array: Array) -> Array:
    """Return `array` as a block for the device of `block`."""
    if isinstance(block, DeviceArray):
        return cast(Array, block.replaced(array))
    return array


def take_rows(block: Array | DeviceArray, rows: NDArray[np.integer[Any]]) -> Array:
    """Return the samples with the numbers `rows`, on the device of `block`."""
    return like(block, host(block)[rows])


def device_of(block: Array | DeviceArray) -> str:
    """Return the name of the device on which a block is worked on: "cpu" or "cuda:<index>"."""
    return f"cuda:{block.device}" if isinstance(block, DeviceArray) else "cpu"
