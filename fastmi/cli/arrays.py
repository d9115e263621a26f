"""Columns of NumPy arrays: NPY and NPZ files."""

import math
import sys
import zipfile
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from fastmi.cli.columns import Column
from fastmi.cli.integers import integer_column
from fastmi.cli.sources import check_inflated, most_bytes
from fastmi.cli.visible import clipped, reason

MAGIC = b"\x93NUMPY"
_KINDS = {"c": "complex numbers", "M": "dates", "m": "durations", "O": "Python objects"}
# numpy.load takes no longer ones either: Python needs long to read a text made to be hard to read.
_LONGEST_HEADER = 10_000
# Bytes of the magic number with the version, and of the length of the header in each version.
_VERSION_END = 8
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}
_SHOWN_CELL = 40
_NO_ARRAY = "no array"


def read_npy(file: BinaryIO, size: int) -> list[Column]:
    """Return the columns of the array in an NPY file of `size` bytes."""
    array = _read_array(file, size)
    if array is None:
        raise ValueError(
            "it holds Python objects, which are not loaded because a file could run any code in "
            "that way; save numbers: numpy.save(file, array.astype(float))"
        )
    return list(_columns_of(array, "{}", "the array"))


def read_npz(file: BinaryIO, size: int) -> tuple[list[Column], dict[str, range]]:
    """Return the columns of all arrays in an NPZ file, and which belong to each 2-D array."""
    columns: list[Column] = []
    groups: dict[str, range] = {}
    with zipfile.ZipFile(file) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        # The sizes are those that the archive states; no member yields more than it states.
        check_inflated(sum(each.file_size for each in members), size)
        for member in members:
            key = member.filename.removesuffix(".npy")
            try:
                array = _read_member(archive, member)
            # zipfile, zlib and NumPy raise errors of all kinds at damaged members.
            except Exception as error:
                raise ValueError(f"array '{key}': {reason(error)}") from error
            if isinstance(array, Column):
                columns.append(array)
                continue
            if array.ndim not in (1, 2) or array.size == 0:
                what = f"an array of shape {array.shape}" if array.size else "an empty array"
                columns.append(Column(key, problem=what))
                continue
            if array.ndim == 1 and array.dtype.names is None:
                columns.append(_column_of(key, array))
                continue
            start = len(columns)
            columns.extend(_columns_of(array, key + "[{}]", f"array '{key}'"))
            groups[key] = range(start, len(columns))
    if all(column.problem == _NO_ARRAY for column in columns):
        raise ValueError("it holds no arrays")
    return columns, groups


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any] | Column:
    """Return an array of an NPZ file, or a column that says why there is none."""
    key = member.filename.removesuffix(".npy")
    if member.flag_bits & 1:
        raise ValueError("it is encrypted")
    with archive.open(member) as file:
        if key == member.filename and file.read(len(MAGIC)) != MAGIC:
            return Column(key, problem=_NO_ARRAY)
        file.seek(0)
        array = _read_array(file, member.file_size)
        if array is None:
            return Column(key, problem="Python objects, which are not loaded from files")
        # The checksum is compared at the end of a member.
        if file.read(1):
            raise ValueError("it is longer than its shape says")
    return array


def _read_array(file: IO[bytes], size: int) -> npt.NDArray[Any] | None:
    """Return the array of an NPY file of `size` bytes, or None if it holds Python objects.

    The header may state any shape. It is held against `size` before memory is taken for it.
    """
    shape, dtype = _read_header(file)
    if dtype.hasobject:
        return None
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"its shape is {shape}")
    count = math.prod(shape)
    if count * dtype.itemsize > size - file.tell():
        raise ValueError(
            f"it is cut off: an array of shape {shape} and type {dtype} has "
            f"{count * dtype.itemsize} bytes; got {size - file.tell()}"
        )
    # Columns become float64 unless they are float32. Items of no size are possible, in any number.
    wide = dtype.kind == "f" and dtype.itemsize >= 4
    if not wide and 8 * count > most_bytes():
        raise ValueError(f"an array of shape {shape} takes more than half of the memory")
    file.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    start = file.read(_VERSION_END)
    if not start.startswith(MAGIC) or len(start) < _VERSION_END:
        raise ValueError("it is no NPY file")
    version = start[len(MAGIC)]
    if version not in _LENGTH_BYTES:
        raise ValueError(f"version {version} of NPY is unknown")
    length = int.from_bytes(file.read(_LENGTH_BYTES[version]), "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header has {length} bytes; at most {_LONGEST_HEADER} are read")
    file.seek(_VERSION_END)
    # Version 3 writes the names of fields in UTF-8. They say nothing of shape and size.
    read = (
        np.lib.format.read_array_header_1_0
        if version == 1
        else (np.lib.format.read_array_header_2_0)
    )
    try:
        shape, _, dtype = read(file)
    # The header is parsed as Python: it can exceed the depth of the parser, for example.
    except Exception as error:
        raise ValueError(f"its header cannot be read ({reason(error)})") from error
    return shape, dtype


def _columns_of(array: npt.NDArray[Any], pattern: str, what: str) -> Iterator[Column]:
    """Yield the columns of an array of shape (n,) or (n, d), or the fields of a structured one."""
    if array.ndim not in (1, 2):
        raise ValueError(f"{what} must have shape (n,) or (n, d); got {array.shape}")
    if array.size == 0:
        raise ValueError(f"{what} is empty: its shape is {array.shape}")
    if array.dtype.names is not None and array.ndim == 1:
        for name in array.dtype.names:
            yield _column_of(pattern.format(name), array[name])
        return
    for j, values in enumerate(array.reshape(len(array), -1).T):
        yield _column_of(pattern.format(j), values)


def _column_of(name: str, values: npt.NDArray[Any]) -> Column:
    kind = values.dtype.kind
    if values.ndim != 1:
        return Column(name, problem=f"an array in every row, of shape {values.shape[1:]}")
    if kind == "f":
        exact = values.dtype in (np.float32, np.float64)
        # Other byte orders and float16 become the float64 of this machine.
        return Column(name, values if exact else values.astype(np.float64))
    if kind == "b":
        return Column(name, values.astype(np.float64))
    if kind in "iu":
        return integer_column(name, values)
    if kind in "US":
        return _column_of_text(name, values)
    hint = f" ({_KINDS[kind]})" if kind in _KINDS else ""
    times = values if kind in "mM" else None
    return Column(name, problem=f"values of type {values.dtype}{hint}", times=times)


def _column_of_text(name: str, values: npt.NDArray[Any]) -> Column:
    if values.dtype.kind == "S":
        labels = np.char.decode(values, "utf-8", "replace")
    else:
        labels = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
        # NumPy takes four bytes a character from the file as they are, and can make a text of them
        # that breaks Python.
        if labels.itemsize and labels.view(np.uint32).max() > sys.maxunicode:
            raise ValueError("it holds text with characters that Unicode does not have")
    texts = labels.astype(object)
    texts[labels == ""] = None
    return Column(name, problem=f"text ('{clipped(str(labels[0]), _SHOWN_CELL)}')", labels=texts)
