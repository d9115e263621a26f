"""What a DLPack capsule says of its array, without consuming it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

# numpy.dtype.kind by type code, and the sizes that NumPy has of each.
_KINDS = {0: "i", 1: "u", 2: "f", 5: "c", 6: "b"}
_SIZES = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16), "b": (1,)}


class _DLTensor(ctypes.Structure):
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


def read_capsule(
    capsule: object,
) -> tuple[int, tuple[int, ...], tuple[int, ...] | None, np.dtype[Any] | None]:
    """Return address, shape, strides in bytes (None: C-contiguous) and dtype (None: not NumPy's).

    Raises:
        ValueError: Not a capsule of an array, or consumed already.
    """
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype = ctypes.c_void_p
    address.argtypes = (ctypes.py_object, ctypes.c_char_p)
    tensor = _DLTensor.from_address(address(capsule, b"dltensor"))
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
