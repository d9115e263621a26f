"""Devices by name, and the two protocols by which arrays in GPU memory describe themselves."""

from __future__ import annotations

import ctypes
import re
import sys
from typing import Any, NamedTuple

import numpy as np

from fastmi._backend import find_cuda

# Device types of DLPack: CUDA memory, and that which CUDA moves by itself.
_DLPACK_CUDA = (2, 13)
# numpy.dtype.kind by type code of DLPack.
_DLPACK_KINDS = {0: "i", 1: "u", 2: "f", 5: "c", 6: "b"}
# The legacy default stream, in DLPack's and in __cuda_array_interface__'s numbering.
DEFAULT_STREAM = 1

_NAME = re.compile(r"cpu|auto|cuda(:(0|[1-9]\d{0,3}))?")


class View(NamedTuple):
    """Memory of one array on a GPU.

    Attributes:
        pointer: Address of the first element.
        shape: Elements in each dimension.
        strides: Bytes from one element to the next, or None if C-contiguous.
        dtype: Of the elements; None if NumPy has none like it.
        stream: Handle of the stream on which the elements are or will be there.
        owner: The array, which keeps the memory alive.
        capsule: What else does.
    """

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    dtype: np.dtype[Any] | None
    stream: int
    owner: object
    capsule: object = None

    @property
    def contiguous(self) -> bool:
        """Whether the elements follow each other in C order."""
        if self.strides is None or self.dtype is None:
            return self.strides is None
        step = self.dtype.itemsize
        for size, stride in zip(self.shape[::-1], self.strides[::-1], strict=True):
            if size != 1 and stride != step:
                return False
            step *= size
        return True


def as_device(device: object) -> str:
    """Return the name of a device: "auto", "cpu", "cuda" or "cuda:<index>".

    Args:
        device: Such a name, or a ``torch.device``.

    Raises:
        TypeError: Neither of them.
        ValueError: Another name.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(device, torch.device):
        device = str(device)
    if not isinstance(device, str):
        raise TypeError(
            "device must be 'auto', 'cpu', 'cuda' or 'cuda:<index>'; "
            f"got device={device!r} ({type(device).__name__})"
        )
    if not _NAME.fullmatch(device):
        raise ValueError(
            f"device must be 'auto', 'cpu', 'cuda' or 'cuda:<index>'; got device={device!r}"
        )
    return device


def device_index(device: str) -> int | None:
    """Return the index in "cuda:<index>"; None for the other names."""
    _, _, index = device.partition(":")
    return int(index) if index else None


def gpu_of(x: object) -> int | None:
    """Return the index of the CUDA device that holds `x`; None if it is not on one."""
    # Asked first: torch refuses __cuda_array_interface__ where gradients are required.
    where = getattr(x, "__dlpack_device__", None)
    if callable(where):
        try:
            kind, index = where()
        except (TypeError, ValueError, RuntimeError, BufferError):
            return None  # of no memory at all, torch's "meta" tensors say
        return int(index) if int(kind) in _DLPACK_CUDA else None
    if not hasattr(x, "__cuda_array_interface__"):
        return None
    kernels = find_cuda().kernels
    # The protocol does not say which device; the driver knows whose memory it is.
    held = 0 if kernels is None else kernels.device_of(int(x.__cuda_array_interface__["data"][0]))
    return held if held >= 0 else None


def view_of(x: Any) -> View:
    """Return where an array on a GPU has its elements.

    Raises:
        TypeError: It has neither ``__cuda_array_interface__`` nor ``__dlpack__``.
        ValueError: It is masked.
    """
    described = getattr(x, "__cuda_array_interface__", None)
    if described is None:
        return _dlpack_view(x)
    if described.get("mask") is not None:
        raise ValueError("a masked array")
    strides = described.get("strides")
    return View(
        pointer=int(described["data"][0]),
        shape=tuple(map(int, described["shape"])),
        strides=None if strides is None else tuple(map(int, strides)),
        dtype=np.dtype(described["typestr"]),
        stream=_current_stream(x) or int(described.get("stream") or DEFAULT_STREAM),
        owner=x,
    )


def _current_stream(x: Any) -> int:
    """Return the stream on which torch runs what is asked of `x`; 0 if torch has no part in it."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(x, torch.Tensor):
        return 0
    # torch has the legacy default stream as 0.
    return int(torch.cuda.current_stream(x.device).cuda_stream) or DEFAULT_STREAM


class _DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


def _dlpack_view(x: Any) -> View:
    export = getattr(x, "__dlpack__", None)
    if export is None:
        raise TypeError(f"{type(x).__name__} has no __cuda_array_interface__ and no __dlpack__")
    # The producer lets this stream wait for the elements.
    capsule = export(stream=DEFAULT_STREAM)
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype = ctypes.c_void_p
    address.argtypes = (ctypes.py_object, ctypes.c_char_p)
    tensor = _DLTensor.from_address(address(capsule, b"dltensor"))
    kind = _DLPACK_KINDS.get(tensor.code)
    size = tensor.bits // 8
    known = kind is not None and tensor.lanes == 1 and (kind, size) in _NUMPY_SIZES
    dtype = np.dtype(f"{kind}{size}") if known else None
    strides = tensor.strides[: tensor.ndim] if tensor.strides and tensor.ndim else None
    return View(
        pointer=int(tensor.data or 0) + int(tensor.byte_offset),
        shape=tuple(tensor.shape[: tensor.ndim]),
        strides=None if strides is None else tuple(step * size for step in strides),
        dtype=dtype,
        stream=DEFAULT_STREAM,
        owner=x,
        # One that nobody consumed gives the memory back when it is collected.
        capsule=capsule,
    )


_NUMPY_SIZES = {
    (kind, size)
    for kind, sizes in {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "b": (1,)}.items()
    for size in sizes
} | {("c", 8), ("c", 16)}
