"""Reads arrays of any library as blocks, and makes the errors for those that cannot be read."""

from __future__ import annotations

import sys
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for
from fastmi._blocks import DeviceArray
from fastmi._device import copied_to_host, gpu_of, view_of

Array: TypeAlias = NDArray[Any]

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
# dtype.kind of what is read as numbers: bool, signed, unsigned, floating.
NUMERIC_KINDS = "biuf"
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
    if array.ndim == 2 and array.dtype.kind == "O":
        columns = frame_columns(x)
        if columns is not None:
            return _read_frame(columns, name)
    return array


def frame_columns(x: Any) -> list[tuple[object, Any]] | None:
    """Return the label and the values of each column of a data frame, None for what is none.

    Columns are taken by their position, because names may repeat.
    """
    labels = getattr(x, "columns", None)
    if labels is None:
        return None
    if hasattr(x, "iloc"):  # pandas and what copies it
        return [(label, x.iloc[:, j]) for j, label in enumerate(labels)]
    if hasattr(x, "get_columns"):  # polars
        return [(column.name, column) for column in x.get_columns()]
    if hasattr(x, "column_names"):  # pyarrow
        return list(zip(x.column_names, labels, strict=True))
    return None


def _read_frame(columns: list[tuple[object, Any]], name: str) -> Array:
    """Read a data frame whose columns share no NumPy dtype (bool beside float) by column."""
    read = []
    for label, column in columns:
        values = np.asarray(column)
        if values.dtype.kind not in NUMERIC_KINDS or values.ndim != 1:
            raise TypeError(
                f"{name} must be numeric; got column {label!r} with dtype {column.dtype}"
            )
        read.append(values.astype(FLOAT64))
    return np.column_stack(read)


def bad_shape(shape: tuple[int, ...], name: str) -> ValueError:
    """Return the error for samples that are empty, or neither 1-D nor 2-D."""
    if 1 <= len(shape) <= 2:
        return ValueError(f"{name} must have at least one sample and one column; got shape {shape}")
    what = f"{len(shape)}-D, shape {shape}" if shape else "a scalar"
    return ValueError(f"{name} must be 1-D (one column) or 2-D (samples in rows); got {what}")


def copy_hint(x: object, name: str, device: str = "cpu") -> str:
    """Return how to copy an array from a GPU to `device`."""
    library = type(x).__module__.partition(".")[0]
    if library == "torch":
        return f"for example {name}.to({device!r})"
    if library == "cupy" and device == "cpu":
        return f"for example cupy.asnumpy({name})"
    return "with the library it is from"


def convert(array: Array, x: object, name: str) -> Array:
    if array.dtype.kind not in NUMERIC_KINDS:
        raise not_numeric(array, x, name)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        largest = max(int(array.max()), -int(array.min()))
        if largest > EXACT_INTEGERS:
            raise inexact_integers(largest, name)
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    # A long double may overflow here, which the check of the values reports.
    with np.errstate(over="ignore"):
        return np.require(array, FLOAT32 if single else FLOAT64, ["C", "A"])


def inexact_integers(largest: int, name: str) -> ValueError:
    """Return the error for integers that float64 cannot tell apart."""
    return ValueError(
        f"{name} must hold integers up to 2**53 in magnitude, beyond which float64 merges "
        f"neighbours; got {largest}: subtract an offset first"
    )


def not_numeric(array: Array, x: object, name: str) -> TypeError:
    hint = ": convert it, for example with .astype(float)" if array.dtype.kind == "O" else ""
    return TypeError(
        f"{name} must be real numbers (float, integer or bool); "
        f"got {type(x).__name__} with dtype {array.dtype}{hint}"
    )


def first_unusable(block: Array | DeviceArray) -> int:
    """Return the flat position of the first NaN, infinite or too large value, or -1."""
    return int(kernels_for(block).first_unusable(block))


def raise_unusable(array: Array, position: int, x: object, name: str) -> NoReturn:
    row, column = divmod(position, array.shape[1])
    where = f"row {row}"
    if array.shape[1] > 1:
        labels = getattr(x, "columns", None)
        label = f" ({labels[column]!r})" if labels is not None else ""
        where = f"column {column}{label}, row {row}"
    value = array[row, column]
    if np.isfinite(value):
        raise ValueError(
            f"{name} must be at most {np.finfo(array.dtype).max / 2:.3g} in magnitude, so that "
            f"differences fit {array.dtype}; got {value} in {where}: rescale the columns"
        )
    count = array.size - np.count_nonzero(np.isfinite(array))
    raise ValueError(
        f"{name} must be finite; got {value} in {where} "
        f"({count} such {'value' if count == 1 else 'values'} in all)"
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
