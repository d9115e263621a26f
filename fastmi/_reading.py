"""Reads arrays of any library as blocks, and makes the errors for those that cannot be read."""

from __future__ import annotations

import sys
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for
from fastmi._blocks import DeviceArray
from fastmi._columns import (
    column_dtypes,
    column_labels,
    dtype_of,
    frame_columns,
    is_category,
    typed_numbers,
)
from fastmi._device import copied_to_host, gpu_of, view_of
from fastmi._refusals import NUMERIC_KINDS, advice, bad_shape, copy_hint, refusal

Array: TypeAlias = NDArray[Any]

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
EXACT_INTEGERS = 2**53


def read_array(x: object, name: str) -> Array:
    """Return `x` as an array of whatever dtype, sharing memory where it can.

    Raises:
        TypeError: Not readable as an array.
        ValueError: Masked entries; `x` is in the memory of a GPU.
    """
    index = gpu_of(x)
    if index is not None:
        raise ValueError(
            f"{name} must be in host memory here; got {type(x).__name__} on cuda:{index}: "
            f"copy it first, {copy_hint(x, name)}"
        )
    if isinstance(x, np.ma.MaskedArray):
        if np.ma.is_masked(x):
            raise ValueError(
                f"{name} must not have masked entries; got {x.size - x.count()} of {x.size}"
            )
        return np.asarray(x.data)
    detach = getattr(x, "detach", None)  # a torch tensor that requires gradients
    try:
        array = np.asarray(detach() if callable(detach) else x)
        if array.ndim == 0 and array.dtype.kind == "O" and hasattr(x, "__dlpack__"):
            array = np.from_dlpack(cast(Any, x))
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"{name} must be readable as a NumPy array; got {type(x).__name__}: {error}"
        ) from error
    return array


def read_numbers(x: object, name: str) -> Array:
    """Return `x`, which is no plain NumPy array, as an array of numbers.

    Raises:
        TypeError: Not readable as an array, or not numbers, or classes that are called by numbers.
        ValueError: Masked entries; `x` is in the memory of a GPU; integers beside other numbers
            that float64 cannot tell apart.
    """
    dtypes = set(column_dtypes(x)) if column_labels(x) is not None else set()
    if any(map(is_category, dtypes)):
        return _read_frame(x, name)
    if is_category(dtype_of(x)):
        raise refusal(np.array("", dtype=object), x, name)
    array = read_array(x, name)
    if array.dtype.kind == "O":
        if dtypes:
            return _read_frame(x, name)
        numbers = typed_numbers(x)
        return array if numbers is None else numbers
    if array.dtype.kind == "f" and any(map(_is_wide_integer, dtypes)):
        return _read_frame(x, name)
    return array


def _is_wide_integer(dtype: object) -> bool:
    return str(dtype).lower().startswith(("int64", "uint64"))


def _read_frame(x: Any, name: str) -> Array:
    """Read a data frame whose columns share no NumPy dtype (bool beside float) by column."""
    columns = frame_columns(x)
    if columns is None:
        raise refusal(np.array("", dtype=object), x, name)
    read = []
    for label, column in columns:
        values = read_numbers(column, name) if not is_category(dtype_of(column)) else None
        if values is None or values.dtype.kind not in NUMERIC_KINDS or values.ndim != 1:
            hint = advice(np.asarray(column), column, name)
            raise TypeError(
                f"{name} must be numeric; got column {label!r} with dtype {dtype_of(column)}{hint}"
            )
        if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
            check_exact(values, f"column {label!r} of {name}")
        read.append(values.astype(FLOAT64))
    return np.column_stack(read)


def convert(array: Array, x: object, name: str) -> Array:
    """Return numbers as a C-contiguous array of native float32 or float64."""
    if array.dtype.kind not in NUMERIC_KINDS:
        raise refusal(array, x, name)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        check_exact(array, name)
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    # A long double may overflow here, which the check of the values reports.
    with np.errstate(over="ignore"):
        return np.require(array, FLOAT32 if single else FLOAT64, ["C", "A"])


def check_exact(array: Any, name: str) -> None:
    """Raise ValueError for integers, of any library, that float64 cannot tell apart."""
    if 0 in array.shape:
        return
    largest = max(int(array.max()), -int(array.min()))
    if largest > EXACT_INTEGERS:
        raise ValueError(
            f"{name} must hold integers up to 2**53 in magnitude, beyond which float64 merges "
            f"neighbours; got {largest}: subtract an offset first"
        )


def first_unusable(block: Array | DeviceArray) -> int:
    """Return the flat position of the first NaN, infinite or too large value, or -1."""
    return int(kernels_for(block).first_unusable(block))


def raise_unusable(array: Array, position: int, x: object, name: str) -> NoReturn:
    row, column = divmod(position, array.shape[1])
    where = f"row {row}"
    if array.shape[1] > 1:
        labels = column_labels(x)
        label = f" ({labels[column]!r})" if labels is not None else ""
        where = f"column {column}{label}, row {row}"
    value = array[row, column]
    if np.isfinite(value):
        raise ValueError(
            f"{name} must be at most {np.finfo(array.dtype).max / 2:.3g} in magnitude, so that "
            f"differences fit {array.dtype}; got {value} in {where}: rescale the columns"
        )
    count = array.size - np.count_nonzero(np.isfinite(array))
    hint = ": leave those rows out of every variable" if np.isnan(value) else ""
    raise ValueError(
        f"{name} must be finite; got {value} in {where} "
        f"({count} such {'value' if count == 1 else 'values'} in all){hint}"
    )


def read_device_array(x: Any, name: str, *, wide: bool = False) -> DeviceArray:
    """Return an array on a GPU as samples, in place if it is C-contiguous float32 or float64.

    Other layouts and numbers are converted on the GPU if they are of torch or CuPy.

    Args:
        x: An array for which :func:`fastmi._device.gpu_of` returns an index.
        name: What to call it in messages.
        wide: Whether float32 is to become float64 too.

    Raises:
        TypeError: Not numeric.
        MemoryError: No room on the GPU for the converted copy.
        ValueError: Not 1-D or 2-D, or empty; not aligned; another layout or dtype in an array of a
            library other than torch and CuPy; values that are NaN, infinite or above half of the
            largest float.
    """
    try:
        plain = _converted(x, name, wide)
    except Exception as error:
        # Known by its name, because neither torch nor CuPy may be imported here; torch's is a
        # RuntimeError, CuPy's a MemoryError.
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
    # A misaligned load would end the CUDA context of the whole process.
    if view.pointer % view.dtype.itemsize:
        raise ValueError(
            f"{name} must be aligned to its {view.dtype} numbers on the GPU; got "
            f"{type(x).__name__} at {view.pointer:#x}: copy it there first"
        )
    samples = DeviceArray(gpu_of(x) or 0, view=view)
    position = first_unusable(samples)
    if position >= 0:
        copy = copied_to_host(plain)
        if copy is None:
            row, column = divmod(position, samples.shape[1])
            raise ValueError(
                f"{name} must be finite and at most {np.finfo(view.dtype).max / 2:.3g} in "
                f"magnitude; got a value that is not in column {column}, row {row}"
            )
        raise_unusable(copy.reshape(samples.shape), position, x, name)
    return samples


def _converted(x: Any, name: str, wide: bool) -> Any:
    """Return an array of torch or CuPy as C-contiguous floats; any other as it is."""
    torch, cupy = sys.modules.get("torch"), sys.modules.get("cupy")
    if torch is not None and isinstance(x, torch.Tensor):
        x = x.detach()
        if x.dtype == torch.int64:
            check_exact(x, name)
        elif x.dtype == getattr(torch, "uint64", None):  # which torch cannot compare on a GPU
            check_exact(x.cpu().numpy(), name)
        if (wide or x.dtype != torch.float32) and not x.is_complex():
            x = x.to(torch.float64)
        return x.contiguous()
    if cupy is not None and isinstance(x, cupy.ndarray):
        if x.dtype.kind not in NUMERIC_KINDS:
            return x
        single = x.dtype == FLOAT32 and not wide
        with x.device:  # CuPy works on the current device, wherever the array is
            if x.dtype.kind in "iu" and x.dtype.itemsize == 8:
                check_exact(x, name)
            return cupy.ascontiguousarray(x, dtype=FLOAT32 if single else FLOAT64)
    return x
