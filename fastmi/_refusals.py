"""Errors for what cannot be read as samples, each with advice on what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias

from numpy.typing import NDArray

from fastmi._columns import dtype_of, is_category, is_missing

Array: TypeAlias = NDArray[Any]

# dtype.kind of what is read as numbers: bool, signed, unsigned, floating.
NUMERIC_KINDS = "biuf"

# Number of values that are looked at to find out what a column holds.
_LOOK = 100

_CLASSES = (
    'method="discrete" is for classes, and method="ross" of fastmi.mi for a continuous x and '
    "classes y"
)


def refusal(array: Array, x: object, name: str) -> TypeError:
    """Return the error for samples that are not numbers.

    Args:
        array: What NumPy made of `x`.
        x: What the user passed.
        name: What to call it.
    """
    dtype = dtype_of(x) if is_category(dtype_of(x)) else array.dtype
    return TypeError(
        f"{name} must be real numbers (float, integer or bool); "
        f"got {type(x).__name__} with dtype {dtype}{advice(array, x, name)}"
    )


def advice(array: Array, x: object, name: str) -> str:
    """Return ": what to do" about samples that are not numbers, "" where nothing is known."""
    text = (_of_container(x, name) if array.ndim == 0 else "") or _of_values(array, x, name)
    return f": {text}" if text else ""


def _of_container(x: Any, name: str) -> str:
    """Return the advice for an object that NumPy does not take for an array."""
    if is_category(dtype_of(x)):
        return ""
    if hasattr(x, "toarray"):
        return f"a sparse matrix is made dense with {name}.toarray()"
    if hasattr(x, "collect"):
        return f"a lazy frame is computed with {name}.collect()"
    if isinstance(x, Mapping):
        return f"columns by name make a data frame, or numpy.column_stack(list({name}.values()))"
    if isinstance(x, set | frozenset):
        return "a set has no order of rows: pass a list"
    if isinstance(x, str | bytes):
        return "pass the values, not their name"
    if hasattr(x, "__iter__"):
        return f"an array is made with list({name})"
    return ""


def _of_values(array: Array, x: Any, name: str) -> str:
    """Return the advice for values of a type that is not a number."""
    kind = array.dtype.kind
    if is_category(dtype_of(x)):
        return f"{_CLASSES}; categories that are quantities are to be converted to floats"
    if kind == "c":
        return f"pass numpy.column_stack([{name}.real, {name}.imag])"
    if kind == "V":
        return "pass the fields as columns, numpy.lib.recfunctions.structured_to_unstructured"
    if kind in "Mm":
        return _times(name, durations=kind == "m")
    values = [value for value in array.reshape(-1)[:_LOOK].tolist() if not is_missing(value)]
    if not values:
        return "" if array.ndim else "a variable is missing"
    first = values[0]
    if isinstance(first, str | bytes):
        if all(map(_reads_as_number, values)):
            return "the strings look like numbers: convert them, for example with .astype(float)"
        return _CLASSES
    if isinstance(first, datetime | date | time | timedelta):
        return _times(name, durations=isinstance(first, timedelta))
    if type(first).__name__ in ("Period", "Interval"):
        return _CLASSES
    try:
        [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        return f"it holds values of type {type(first).__name__}"
    missing = sum(map(is_missing, array.reshape(-1).tolist()))
    rows = f", and leave out rows with missing values ({missing} found)" if missing else ""
    return f"convert it, for example with .astype(float){rows}"


def _times(name: str, *, durations: bool) -> str:
    if durations:
        return f"make numbers of durations, {name} / numpy.timedelta64(1, 's') in NumPy and pandas"
    return (
        f"make numbers of times, for example the seconds from the first, ({name} - {name}.min()) / "
        "numpy.timedelta64(1, 's') in NumPy and pandas"
    )


def _reads_as_number(value: str | bytes) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


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
