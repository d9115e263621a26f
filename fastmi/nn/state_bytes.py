"""Nested plain values and tensors as bytes, and back.

Checkpoints are written in this form and not as pickles, because reading it runs no code and
allocates no more than the bytes that are there, whatever they say. The form is the length of a
JSON text, the text, and the memory of the tensors in the order in which the text names them. In
the text a number, string, truth value or None stands for itself, everything else is a list that
begins with its kind.
"""

from __future__ import annotations

import json
import math
import struct
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["from_bytes", "to_buffers"]

_LENGTH = struct.Struct("<Q")
_MOST_DIMS = 64
_SCALARS = (str, int, float, bool, type(None))
_SEQUENCES: dict[str, Any] = {kind.__name__: kind for kind in (list, tuple, set)}
_MAPPINGS: dict[str, Any] = {kind.__name__: kind for kind in (dict, OrderedDict, Counter)}
_DTYPES = {
    str(dtype): dtype
    for dtype in (
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.bool,
    )
}


def to_buffers(value: object) -> list[Any]:
    """Return buffers whose bytes, one after the other, stand for `value`.

    Those of tensors in host memory are their own memory and not copies.

    Args:
        value: Numbers, strings, truth values, None and dense tensors, in dicts, lists, tuples and
            sets.

    Raises:
        TypeError: Something else is in it; the message says what and where.
    """
    tensors: list[Tensor] = []
    try:
        text = json.dumps(_plain(value, tensors, "")).encode()
    except RecursionError:
        raise TypeError("something that is nested too deeply") from None
    return [_LENGTH.pack(len(text)), text, *map(_memory, tensors)]


def from_bytes(data: bytes, device: torch.device) -> Any:
    """Return the value that :func:`to_buffers` made `data` of.

    Args:
        data: The bytes.
        device: Where the tensors go that were not in host memory.

    Raises:
        ValueError: Not such bytes.
    """
    if len(data) < _LENGTH.size:
        raise ValueError("it has no length of its text")
    (length,) = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    if end > len(data):
        raise ValueError("its text is cut off")
    try:
        plain = json.loads(data[_LENGTH.size : end])
        reader = _Reader(memoryview(data)[end:], device)
        value = reader.value(plain)
    except RecursionError:
        raise ValueError("its text is nested too deeply") from None
    if len(reader.rest):
        raise ValueError("bytes are left over")
    return value


def _plain(value: object, tensors: list[Tensor], where: str) -> Any:
    """Return `value` for the JSON text; append its tensors to `tensors`."""
    if isinstance(value, Tensor):
        if value.layout is not torch.strided or str(value.dtype) not in _DTYPES:
            raise TypeError(f"a tensor of {value.dtype} and {value.layout}{where}")
        tensors.append(value.detach())
        return ["tensor", str(value.dtype), list(value.shape), value.device.type != "cpu"]
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, dict):
        kind = type(value).__name__ if type(value) in _MAPPINGS.values() else "dict"
        for key in value:
            if not isinstance(key, _SCALARS):
                raise TypeError(f"a key that is a {type(key).__name__}{where}")
        return [kind, *([key, _plain(one, tensors, f" in {key!r}")] for key, one in value.items())]
    for kind, sequence in _SEQUENCES.items():
        if isinstance(value, sequence):
            elements: Any = value
            return [kind, *(_plain(one, tensors, where) for one in elements)]
    raise TypeError(f"a {type(value).__name__}{where}")


def _memory(tensor: Tensor) -> Any:
    flat = tensor.resolve_conj().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy() if len(flat) else b""


class _Reader:
    """Makes values of the parsed text and the memory behind it."""

    def __init__(self, memory: memoryview, device: torch.device) -> None:
        self.rest = memory
        self.device = device

    def value(self, plain: object) -> Any:
        if isinstance(plain, _SCALARS):
            return plain
        if not isinstance(plain, list) or not plain or not isinstance(plain[0], str):
            raise ValueError("its text has a value of no known kind")
        kind, *parts = plain
        if kind == "tensor":
            return self._tensor(parts)
        if kind in _SEQUENCES:
            elements = [self.value(part) for part in parts]
            if kind == "set" and not all(isinstance(one, _SCALARS) for one in elements):
                raise _wrong("set")
            return _SEQUENCES[kind](elements)
        if kind not in _MAPPINGS:
            raise _wrong("value")
        for part in parts:
            if not isinstance(part, list) or len(part) != 2 or not isinstance(part[0], _SCALARS):
                raise _wrong("mapping")
        pairs = {key: self.value(one) for key, one in parts}
        return pairs if kind == "dict" else _MAPPINGS[kind](pairs)

    def _tensor(self, parts: list[Any]) -> Tensor:
        kinds = [type(part) for part in parts]
        if kinds != [str, list, bool] or parts[0] not in _DTYPES or len(parts[1]) > _MOST_DIMS:
            raise _wrong("tensor")
        dtype, shape, elsewhere = _DTYPES[parts[0]], parts[1], parts[2]
        if not all(type(length) is int and length >= 0 for length in shape):
            raise _wrong("tensor")
        # torch computes strides with lengths of 0 taken as 1, which must not overflow either.
        if math.prod(max(length, 1) for length in shape) >= 1 << 59:
            raise _wrong("tensor")
        size = math.prod(shape) * dtype.itemsize
        if size > len(self.rest):
            raise ValueError("the memory of its tensors is cut off")
        tensor = torch.empty(shape, dtype=dtype)
        if size:
            flat = tensor.view(-1).view(torch.uint8).numpy()
            flat[:] = np.frombuffer(self.rest[:size], np.uint8)
        self.rest = self.rest[size:]
        return tensor.to(self.device) if elsewhere else tensor


def _wrong(what: str) -> ValueError:
    return ValueError(f"its text has a {what} of a wrong form")
