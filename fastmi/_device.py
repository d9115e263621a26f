"""Devices by name, and the two protocols by which arrays in GPU memory describe themselves."""

from __future__ import annotations

import re
import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import cuda_kernels, find_cuda

# Device types of DLPack: CUDA memory and CUDA managed memory.
_DLPACK_CUDA = (2, 13)
# The legacy default stream, in DLPack's and in __cuda_array_interface__'s numbering.
DEFAULT_STREAM = 1
# numpy.dtype.kind by the type code of DLPack, and the sizes in bytes that NumPy has of each kind.
_KINDS = {0: "i", 1: "u", 2: "f", 5: "c", 6: "b"}
_SIZES = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16), "b": (1,)}

_NAME = re.compile(r"cpu|auto|cuda(:(0|[1-9][0-9]{0,3}))?")


class View(NamedTuple):
    """Memory of one array on a GPU.

    Attributes:
        pointer: Address of the first element.
        shape: Elements in each dimension.
        strides: Bytes from one element to the next, or None if C-contiguous.
        dtype: Dtype of the elements; None if NumPy has no such dtype.
        stream: Handle of the stream on which the elements are written.
        owner: The array, which keeps the memory alive.
        capsule: DLPack capsule, which also keeps it alive; None where there is none.
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


def as_device(device: object, *, without_gpu: str = "") -> str:
    """Return the name of a device: "auto", "cpu", "cuda" or "cuda:<index>".

    Args:
        device: Such a name, or a ``torch.device``.
        without_gpu: Name of what the user asked for, if it has no GPU kernels; "" if it has.

    Raises:
        TypeError: Neither a string nor a ``torch.device``.
        ValueError: Another name, or a GPU for what has no GPU kernels.
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
    if without_gpu and device.startswith("cuda"):
        raise ValueError(
            f"device must be 'auto' or 'cpu' for {without_gpu}, which has no GPU kernels; "
            f"got device={device!r}"
        )
    return device


def device_index(device: str) -> int | None:
    """Return the index in "cuda:<index>"; None for the other names."""
    _, _, index = device.partition(":")
    return int(index) if index else None


def check_index(index: int) -> None:
    """Raise ValueError unless there is a GPU with this index."""
    count = cuda_kernels().device_count()
    if index >= count:
        valid = "'cuda:0'" if count == 1 else f"'cuda:0' to 'cuda:{count - 1}'"
        raise ValueError(f"device must be {valid} on this machine; got 'cuda:{index}'")


def gpu_of(x: object) -> int | None:
    """Return the index of the CUDA device that holds `x`; None if it is not on one."""
    # DLPack comes first, because tensors that require gradients refuse __cuda_array_interface__.
    where = getattr(x, "__dlpack_device__", None)
    if callable(where):
        try:
            kind, index = where()
        except (TypeError, ValueError, RuntimeError, BufferError):
            return None  # an array without memory, such as torch's "meta" tensors
        return int(index) if int(kind) in _DLPACK_CUDA else None
    if not hasattr(x, "__cuda_array_interface__"):
        return None
    kernels = find_cuda().kernels
    # The protocol does not say which device; the driver knows whose memory it is.
    if kernels is None:
        return 0
    held = int(kernels.pointer_device(int(x.__cuda_array_interface__["data"][0])))
    return held if held >= 0 else None


def view_of(x: Any) -> View:
    """Return the memory of an array on a GPU.

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
    """Return torch's current stream on the device of `x`; 0 if `x` is not a tensor."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(x, torch.Tensor):
        return 0
    # torch calls the legacy default stream 0.
    return int(torch.cuda.current_stream(x.device).cuda_stream) or DEFAULT_STREAM


def _dlpack_view(x: Any) -> View:
    export = getattr(x, "__dlpack__", None)
    if export is None:
        raise TypeError(f"{type(x).__name__} has no __cuda_array_interface__ and no __dlpack__")
    # The producer makes this stream wait until the elements are written.
    capsule = export(stream=DEFAULT_STREAM)
    pointer, shape, strides, dtype = read_capsule(capsule)
    # The capsule is not consumed, so it releases the memory when it is collected.
    return View(pointer, shape, strides, dtype, DEFAULT_STREAM, x, capsule)


def read_capsule(
    capsule: object,
) -> tuple[int, tuple[int, ...], tuple[int, ...] | None, np.dtype[Any] | None]:
    """Return what a DLPack capsule says about its array, without consuming it.

    Returns:
        Address, shape, strides in bytes (None if C-contiguous) and dtype (None if NumPy has no
        such dtype).

    Raises:
        ValueError: Not a capsule of an array, or consumed already.
    """
    # Most programs do without ctypes, which takes a while to load.
    import ctypes

    class DLTensor(ctypes.Structure):
        """The struct of dlpack.h; a capsule called "dltensor" points to one."""

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

    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype = ctypes.c_void_p
    address.argtypes = (ctypes.py_object, ctypes.c_char_p)
    tensor = DLTensor.from_address(address(capsule, b"dltensor"))
    kind, size = _KINDS.get(tensor.code, ""), tensor.bits // 8
    known = tensor.lanes == 1 and size in _SIZES.get(kind, ())
    strides = None
    if tensor.strides:
        strides = tuple(step * size for step in tensor.strides[: tensor.ndim])
    return (
        int(tensor.data or 0) + int(tensor.byte_offset),
        tuple(tensor.shape[: tensor.ndim]),
        strides,
        np.dtype(f"{kind}{size}") if known else None,
    )


def copied_to_host(owner: Any) -> NDArray[Any] | None:
    """Return a host copy of an array on a GPU, made by its library; None if that offers none."""
    if callable(getattr(owner, "cpu", None)):  # torch
        array: NDArray[Any] = owner.cpu().numpy()
        return array
    for method in ("get", "copy_to_host"):  # CuPy, Numba
        copy = getattr(owner, method, None)
        if callable(copy):
            return np.asarray(copy())
    return None
