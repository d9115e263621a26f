"""Reads a table of any library column by column: values, what is missing, and what is unusable.

It decides nothing about methods. Numbers stay numbers of float32 or float64, names become codes of
classes, times become seconds. What cannot be used is kept with the reason, so that a caller can name
it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._columns import dtype_of, frame_columns, is_category, is_missing
from fastmi._reading import EXACT_INTEGERS, FLOAT32, FLOAT64, read_array
from fastmi._refusals import advice
from fastmi._symbols import numbered

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]

# Seconds in one step of the units of times.
_SECONDS: Mapping[str, float] = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "D": 86400.0,
    "W": 604800.0,
}
# How the units of polars and pyarrow are written.
_UNITS = {"μs": "us", "µs": "us"}
# Strings that are looked at to find out whether they read as numbers.
_LOOK = 100


@dataclass(frozen=True)
class TableColumn:
    """A column of a table.

    Attributes:
        label: Its label, or its number in an array.
        values: Shape (n,): float64 or float32 numbers, or codes of classes, intp from 0, where
            `named`. Entries where `missing` is True mean nothing.
        missing: Shape (n,), None if nothing is missing.
        named: Whether the values are names (strings, categories, booleans, objects), which are
            never magnitudes.
        problem: Why the column cannot be used, "" for a usable one.
        note: What is odd about a usable column, "" for nothing.
    """

    label: Hashable
    values: Array
    missing: Mask | None
    named: bool
    problem: str = ""
    note: str = ""


class _Unusable(Exception):
    """The reason why a column cannot be used."""


@dataclass(frozen=True)
class _Read:
    """What a column holds, whatever it is called."""

    values: Array
    missing: Mask | None
    named: bool = False
    note: str = ""


def read_table(X: Any, name: str) -> list[TableColumn]:
    """Return the columns of a table.

    Args:
        X: A data frame or a column of pandas, polars or pyarrow, a dictionary of columns, an array
            of shape (n,) or (n, d) or with fields, or nested lists of rows.
        name: What to call it in messages.

    Raises:
        TypeError: What is no table.
        ValueError: Neither 1-D nor 2-D, no rows or no columns, columns of different lengths.
    """
    given = _columns_of(X, name)
    if not given:
        raise ValueError(f"{name} must have at least one column; got {type(X).__name__} with none")
    columns = [_column(label, values, name) for label, values in given]
    first = columns[0]
    for column in columns:
        if len(column.values) != len(first.values):
            raise ValueError(
                f"{name} must have columns of one length; got {len(first.values)} values in "
                f"{first.label!r} and {len(column.values)} in {column.label!r}"
            )
    if len(first.values) == 0:
        raise ValueError(f"{name} must have at least one row; got {type(X).__name__} without any")
    return columns


def _columns_of(X: Any, name: str) -> list[tuple[Hashable, Any]]:
    """Return the label and what holds the values of each column."""
    if hasattr(X, "collect"):
        raise TypeError(
            f"{name} must be a table in memory; got {type(X).__name__}: compute it with "
            f"{name}.collect()"
        )
    if isinstance(X, Mapping):
        return list(X.items())
    frame = frame_columns(X)
    if frame is not None:
        return frame
    if _is_column(X):
        label = getattr(X, "name", None)
        return [(0 if label is None or callable(label) or label == "" else label, X)]
    array = _as_array(X, name)
    if array.dtype.names:
        if array.ndim != 1:
            raise ValueError(f"{name} must be 1-D if it has fields; got shape {array.shape}")
        return [(field, array[field]) for field in array.dtype.names]
    if array.ndim == 1:
        return [(0, array)]
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be 1-D (one column) or 2-D (samples in rows); got {array.ndim}-D, shape "
            f"{array.shape}"
        )
    return [(j, array[:, j]) for j in range(array.shape[1])]


def _is_column(X: Any) -> bool:
    """Return whether `X` is one column of pandas, polars or pyarrow."""
    library = type(X).__module__.partition(".")[0]
    return library in ("pandas", "polars", "pyarrow") and hasattr(X, "__len__")


def _as_array(X: Any, name: str) -> Array:
    """Return an array of any library, or nested lists, as an array; masked ones stay masked."""
    if isinstance(X, np.ndarray):
        return X
    if isinstance(X, list | tuple):
        array = _of_lists(X)
    else:
        array = read_array(X, name)
    if array.ndim == 0:
        raise TypeError(
            f"{name} must be a table: a data frame, an array, or a dictionary or a list of "
            f"columns; got {type(X).__name__}{advice(array, X, name)}"
        )
    return array


def _of_lists(X: Sequence[Any]) -> Array:
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths
        array = np.empty(len(X), dtype=object)
        array[:] = list(X)
        return array
    if array.dtype.kind in "US":
        # NumPy turns the numbers, NaN and None beside a string into strings.
        return np.array(X, dtype=object)
    return array


def _column(label: Hashable, values: Any, name: str) -> TableColumn:
    try:
        read = _read(values, f"column {label!r} of {name}")
    except _Unusable as reason:
        length = len(values) if hasattr(values, "__len__") else 0
        return TableColumn(label, np.zeros(length, dtype=FLOAT64), None, False, str(reason))
    missing = read.missing
    if missing is not None and not missing.any():
        missing = None
    return TableColumn(label, read.values, missing, read.named, note=read.note)


def _read(values: Any, name: str) -> _Read:
    library = type(values).__module__.partition(".")[0]
    if library == "pandas":
        return _of_pandas(values, name)
    if library == "polars":
        return _of_polars(values)
    if library == "pyarrow":
        return _of_arrow(values)
    array = values if isinstance(values, np.ndarray) else _as_array(values, name)
    if array.ndim != 1:
        raise _Unusable(f"its values have shape {array.shape[1:]} each: make a column of each")
    return _of_numpy(array)


# What NumPy holds.


def _of_numpy(array: Array) -> _Read:
    masked: Mask | None = None
    if isinstance(array, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(array)
        # What lies under a mask may be anything.
        array = array.filled(0) if array.dtype.kind in "biuf" else np.asarray(array.data)
    read = _of_plain(array) if masked is None else _of_masked(array, masked)
    return read


def _of_masked(array: Array, masked: Mask) -> _Read:
    if array.dtype.kind in "biuf":
        return _joined(_of_plain(array), masked)
    listed = array.astype(object)
    listed[masked] = None
    return _of_objects(listed.tolist())


def _joined(read: _Read, missing: Mask | None) -> _Read:
    if missing is None:
        return read
    both = missing if read.missing is None else read.missing | missing
    return _Read(read.values, both, read.named, read.note)


def _of_plain(array: Array) -> _Read:
    kind = array.dtype.kind
    if kind == "f":
        return _of_floats(array)
    if kind == "b":
        return _Read(array.astype(np.intp), None, True)
    if kind in "iu":
        return _Read(_exact(array, None, 1.0), None)
    if kind in "mM":
        return _of_times(array)
    if kind in "US":
        return _Read(numbered(array).of, None, True, _strings_note(array[:_LOOK].tolist()))
    if kind in "OT":
        return _of_objects(array.tolist())
    if kind == "c":
        raise _Unusable("it holds complex numbers: pass real and imaginary parts as columns")
    raise _Unusable(f"it has dtype {array.dtype}, which is neither numbers nor names")


def _of_floats(array: Array) -> _Read:
    single = array.dtype.itemsize == 4
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, dtype=FLOAT32 if single else FLOAT64)
    missing = np.isnan(values)
    count = int(missing.sum())
    largest = np.finfo(values.dtype).max / 2
    with np.errstate(invalid="ignore"):
        huge = np.abs(values) > largest
    if huge.any():
        infinite = int(np.isinf(values).sum())
        if infinite:
            what = "values" if infinite > 1 else "value"
            raise _Unusable(
                f"it has {infinite} infinite {what}, the first in row {int(huge.argmax())}: mark "
                "them as missing (NaN), or map the column to finite values"
            )
        raise _Unusable(f"it has values above {largest:.3g} in magnitude: rescale it")
    if not count:
        return _Read(values, None)
    return _Read(np.where(missing, values.dtype.type(0), values), missing)


def _exact(array: Array, missing: Mask | None, unit: float) -> NDArray[np.float64]:
    """Return integers as float64 times `unit`, less the smallest where float64 could merge some.

    The smallest is subtracted in integers: nanoseconds since 1970 do not fit float64.
    """
    present = array if missing is None else array[~missing]
    values = np.zeros(len(array))
    if not len(present):
        return values
    low, high = int(present.min()), int(present.max())
    offset = 0
    if max(high, -low) > EXACT_INTEGERS:
        if high - low > EXACT_INTEGERS:
            raise _Unusable(
                "its integers span more than 2**53, beyond which float64 merges neighbours: pass "
                "them as strings if they are names"
            )
        offset = low
    if offset:
        # As unsigned numbers, because differences of signed ones may overflow.
        shifted = present.astype(np.uint64, copy=False) - np.uint64(offset % 2**64)
        numbers = shifted.astype(FLOAT64)
    else:
        numbers = present.astype(FLOAT64)
    numbers = numbers if unit == 1.0 else numbers * unit
    if missing is None:
        return numbers
    values[~missing] = numbers
    return values


def _of_times(array: Array) -> _Read:
    """Return dates and durations as seconds, dates from the first of them."""
    unit, step = np.datetime_data(array.dtype)
    if unit in ("Y", "M"):
        array, unit, step = array.astype("datetime64[D]"), "D", 1
    missing = np.isnat(array)
    if unit not in _SECONDS and not missing.all():
        raise _Unusable(f"it has times in units of {unit!r}: convert them to nanoseconds")
    return _of_ticks(
        array.view(np.int64), missing, step * _SECONDS.get(unit, 1.0), dates=array.dtype.kind == "M"
    )


def _of_ticks(ticks: Array, missing: Mask, unit: float, *, dates: bool) -> _Read:
    if missing.all():
        return _Read(np.zeros(len(ticks)), missing)
    ticks = ticks.astype(np.int64, copy=False)
    if dates:
        first = int(ticks[~missing].min())
        span = int(ticks[~missing].max()) - first
        if span > EXACT_INTEGERS:
            # Over 104 days nanoseconds are beyond float64, and seconds keep 1e-9 of the span.
            whole = (ticks.astype(np.uint64) - np.uint64(first % 2**64)).astype(FLOAT64)
            return _Read(np.where(missing, 0.0, whole * unit), missing)
        ticks = np.where(missing, 0, ticks - first)
    elif (np.abs(np.where(missing, 0, ticks).astype(FLOAT64)) > EXACT_INTEGERS).any():
        return _Read(np.where(missing, 0.0, ticks.astype(FLOAT64) * unit), missing)
    return _Read(_exact(ticks, missing, unit), missing)


# Columns of objects: their values decide.


def _of_objects(values: list[Any]) -> _Read:
    missing = np.fromiter(map(is_missing, values), np.bool_, len(values))
    present = [value for value, gone in zip(values, missing.tolist(), strict=True) if not gone]
    if not present:
        return _Read(np.zeros(len(values)), missing)
    types = set(map(type, present))
    if all(issubclass(each, str | bytes | bool | np.bool_) for each in types):
        return _named(values, missing, _strings_note(present[:_LOOK]))
    if all(_is_number(each) for each in types):
        return _numbers(present, missing)
    if all(issubclass(each, datetime | np.datetime64) or each is date for each in types):
        return _moments(present, missing)
    if all(issubclass(each, timedelta | np.timedelta64) for each in types):
        return _durations(present, missing)
    if all(issubclass(each, time) for each in types):
        seconds = [
            ((each.hour * 60 + each.minute) * 60 + each.second) + 1e-6 * each.microsecond
            for each in present
        ]
        return _placed(seconds, missing)
    if any(_is_number(each) or issubclass(each, complex) for each in types):
        listed = ", ".join(sorted(each.__name__ for each in types))
        if all(issubclass(each, complex | int | float | np.number) for each in types):
            raise _Unusable("it holds complex numbers: pass real and imaginary parts as columns")
        raise _Unusable(
            f"it mixes numbers with other values (types {listed}): convert it to numbers, with what "
            "is none as missing, or to strings if all are names"
        )
    return _named(values, missing, "")


def _is_number(kind: type) -> bool:
    if issubclass(kind, bool | np.bool_):
        return False
    return issubclass(kind, Real | Decimal | Fraction | np.floating | np.integer)


def _numbers(present: list[Any], missing: Mask) -> _Read:
    if all(isinstance(value, Integral) for value in present):
        whole = [int(value) for value in present]
        low, high = min(whole), max(whole)
        if max(high, -low) > EXACT_INTEGERS:
            if high - low > EXACT_INTEGERS:
                raise _Unusable(
                    "its integers span more than 2**53, beyond which float64 merges neighbours: "
                    "pass them as strings if they are names"
                )
            whole = [value - low for value in whole]
        return _placed(whole, missing)
    try:
        numbers = np.array([float(value) for value in present])
    except OverflowError:
        raise _Unusable("it holds numbers beyond float64: rescale it") from None
    return _joined_floats(numbers, missing)


def _joined_floats(numbers: Array, missing: Mask) -> _Read:
    read = _of_floats(numbers)
    values = np.zeros(len(missing))
    values[~missing] = read.values
    gone = missing.copy()
    if read.missing is not None:
        gone[~missing] = read.missing
    return _Read(values, gone)


def _placed(numbers: Iterable[float], missing: Mask) -> _Read:
    values = np.zeros(len(missing))
    values[~missing] = np.array(list(numbers), dtype=FLOAT64)
    return _Read(values, missing)


def _moments(present: list[Any], missing: Mask) -> _Read:
    try:
        first = min(present)
        return _placed([_seconds(value - first) for value in present], missing)
    except TypeError as error:
        raise _Unusable(
            f"it mixes times that cannot be compared ({error}): give all of them a time zone, or "
            "none"
        ) from None


def _durations(present: list[Any], missing: Mask) -> _Read:
    return _placed([_seconds(value) for value in present], missing)


def _seconds(duration: Any) -> float:
    if isinstance(duration, np.timedelta64):
        return float(duration / np.timedelta64(1, "s"))
    nanoseconds = getattr(duration, "nanoseconds", 0)  # what pandas keeps beyond microseconds
    return float(duration / timedelta(seconds=1)) if not nanoseconds else float(
        duration.total_seconds() + 1e-9 * nanoseconds
    )


def _named(values: list[Any], missing: Mask, note: str) -> _Read:
    """Return codes of the values, which are one class where they compare equal."""
    codes: dict[Any, int] = {}
    try:
        of = [
            0 if gone else codes.setdefault(value, len(codes))
            for value, gone in zip(values, missing.tolist(), strict=True)
        ]
    except TypeError:
        kind = next(
            type(value).__name__
            for value, gone in zip(values, missing.tolist(), strict=True)
            if not gone and not _has_hash(value)
        )
        raise _Unusable(
            f"it holds values of type {kind}, which are neither numbers nor names: make a column "
            "of each entry"
        ) from None
    return _Read(np.array(of, dtype=np.intp), missing, True, note)


def _has_hash(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _strings_note(values: Sequence[Any]) -> str:
    """Return a note if strings look like numbers, as those of a file that was not parsed do."""
    strings = [value for value in values if isinstance(value, str | bytes)]
    if len(strings) < len(values) or not strings or not all(map(_reads_as_number, strings)):
        return ""
    return "its strings look like numbers: convert them, for example with .astype(float)"


def _reads_as_number(value: str | bytes) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


# Columns of pandas.


def _of_pandas(column: Any, name: str) -> _Read:
    dtype = dtype_of(column)
    if is_category(dtype):
        codes = np.asarray(getattr(column, "cat", column).codes, dtype=np.intp)
        return _Read(np.where(codes < 0, 0, codes), codes < 0, True)
    if hasattr(dtype, "pyarrow_dtype"):
        return _of_arrow(column.array.__arrow_array__())
    kind = getattr(dtype, "kind", "O")
    if hasattr(dtype, "subtype") and type(dtype).__name__ == "SparseDtype":
        return _of_plain(np.asarray(column))
    if type(dtype).__name__ == "PeriodDtype":
        column, kind = column.dt.start_time if hasattr(column, "dt") else column.start_time, "M"
        dtype = dtype_of(column)
    if isinstance(dtype, np.dtype):
        return _of_plain(column.to_numpy())
    if kind == "M":  # with a time zone: the same moments in universal time
        unit = getattr(dtype, "unit", "ns")
        return _of_plain(np.asarray(column, dtype=f"datetime64[{unit}]"))
    missing = np.asarray(column.isna(), dtype=np.bool_)
    if kind == "b":
        values = column.to_numpy(dtype=np.bool_, na_value=False)
        return _Read(values.astype(np.intp), missing, True)
    if kind in "iu":
        whole = column.to_numpy(dtype=np.dtype(f"{kind}8"), na_value=0)
        return _Read(_exact(whole, missing, 1.0), missing)
    if kind == "f":
        single = getattr(dtype, "itemsize", 8) == 4
        return _of_floats(column.to_numpy(dtype=FLOAT32 if single else FLOAT64, na_value=np.nan))
    del name
    return _of_objects(column.tolist())


# Columns of polars.


def _of_polars(column: Any) -> _Read:
    dtype = column.dtype
    name = str(dtype).partition("(")[0]
    missing: Mask | None = None
    if column.null_count():
        missing = np.asarray(column.is_null().to_numpy(), dtype=np.bool_)
    if name == "Null":
        return _Read(np.zeros(len(column)), np.ones(len(column), dtype=np.bool_))
    if name in ("List", "Array", "Struct"):
        raise _Unusable(f"it holds values of type {name}: make a column of each entry")
    if name in ("Categorical", "Enum"):
        codes = column.to_physical()
        codes = codes if missing is None else codes.fill_null(0)
        return _Read(codes.to_numpy().astype(np.intp), missing, True)
    if name == "Boolean":
        values = column if missing is None else column.fill_null(False)
        return _Read(values.to_numpy().astype(np.intp), missing, True)
    if name == "Decimal":
        return _of_floats(column.cast(float).to_numpy())
    if name.startswith("Float"):
        return _of_floats(column.to_numpy())
    if name in ("Date", "Datetime", "Duration", "Time"):
        unit = {"Date": "D", "Time": "ns"}.get(name) or getattr(dtype, "time_unit", None) or "us"
        ticks = column.to_physical()
        ticks = ticks if missing is None else ticks.fill_null(0)
        gone = np.zeros(len(column), dtype=np.bool_) if missing is None else missing
        seconds = _SECONDS[_UNITS.get(unit, unit)]
        return _of_ticks(ticks.to_numpy(), gone, seconds, dates=name in ("Date", "Datetime"))
    if name.startswith(("Int", "UInt")) and "128" not in name:
        values = column if missing is None else column.fill_null(0)
        return _Read(_exact(values.to_numpy(), missing, 1.0), missing)
    return _of_objects(column.to_list())


# Columns of pyarrow.


def _of_arrow(column: Any) -> _Read:
    kind = str(column.type)
    missing: Mask | None = None
    if column.null_count:
        missing = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if kind == "null":
        return _Read(np.zeros(len(column)), np.ones(len(column), dtype=np.bool_))
    if kind.startswith("dictionary"):
        read = _of_objects([None if v is None else str(v) for v in column.to_pylist()])
        return _Read(read.values.astype(np.intp), read.missing, True)
    if kind.startswith(("list", "large_list", "fixed_size_list", "struct", "map", "extension")):
        raise _Unusable(f"it holds values of type {kind}: make a column of each entry")
    if kind.startswith(("int", "uint")):
        values = column if missing is None else column.fill_null(0)
        return _Read(_exact(_arrow_numpy(values), missing, 1.0), missing)
    if kind == "bool":
        values = column if missing is None else column.fill_null(False)
        return _Read(_arrow_numpy(values).astype(np.intp), missing, True)
    if kind in ("halffloat", "float", "double"):
        return _joined(_of_floats(_arrow_numpy(column)), missing)
    if kind.startswith("decimal"):
        return _joined(_of_floats(_arrow_numpy(column.cast("float64"))), missing)
    if kind.startswith(("timestamp", "date", "time", "duration")):
        return _of_arrow_times(column, kind, missing)
    return _of_objects(column.to_pylist())


def _of_arrow_times(column: Any, kind: str, missing: Mask | None) -> _Read:
    unit = getattr(column.type, "unit", None) or {"date32[day]": "D", "date64[ms]": "ms"}[kind]
    narrow = kind.startswith(("date32", "time32"))
    ticks = column.cast("int32" if narrow else "int64")
    ticks = ticks if missing is None else ticks.fill_null(0)
    gone = np.zeros(len(column), dtype=np.bool_) if missing is None else missing
    dates = kind.startswith(("timestamp", "date"))
    return _of_ticks(_arrow_numpy(ticks), gone, _SECONDS[unit], dates=dates)


def _arrow_numpy(column: Any) -> Array:
    chunked = hasattr(column, "chunks")
    return np.asarray(column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False))


_Reader: TypeAlias = Callable[[Any], _Read]
