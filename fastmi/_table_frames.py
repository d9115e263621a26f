"""Columns of the data frames of pandas, polars and pyarrow."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._columns import dtype_of, is_category
from fastmi._reading import FLOAT32, FLOAT64
from fastmi._table_values import (
    LOOK,
    SECONDS,
    Read,
    Unusable,
    exact,
    joined,
    of_floats,
    of_objects,
    of_plain,
    of_ticks,
    strings_note,
)

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]

# How the units of polars and pyarrow are written.
_UNITS = {"μs": "us", "µs": "us"}


def of_pandas(column: Any) -> Read:
    dtype = dtype_of(column)
    if is_category(dtype):
        codes = np.asarray(getattr(column, "cat", column).codes, dtype=np.intp)
        return Read(np.where(codes < 0, 0, codes), codes < 0, True)
    if hasattr(dtype, "pyarrow_dtype"):
        return of_arrow(column.array.__arrow_array__())
    kind = getattr(dtype, "kind", "O")
    if hasattr(dtype, "subtype") and type(dtype).__name__ == "SparseDtype":
        return of_plain(np.asarray(column))
    if type(dtype).__name__ == "PeriodDtype":
        column, kind = column.dt.start_time if hasattr(column, "dt") else column.start_time, "M"
        dtype = dtype_of(column)
    if isinstance(dtype, np.dtype):
        return of_plain(column.to_numpy())
    if kind == "M":  # with a time zone: the same moments in universal time
        unit = getattr(dtype, "unit", "ns")
        return of_plain(np.asarray(column, dtype=f"datetime64[{unit}]"))
    missing = np.asarray(column.isna(), dtype=np.bool_)
    if kind == "b":
        values = column.to_numpy(dtype=np.bool_, na_value=False)
        return Read(values.astype(np.intp), missing, True)
    if kind in "iu":
        whole = column.to_numpy(dtype=np.dtype(f"{kind}8"), na_value=0)
        return Read(exact(whole, missing, 1.0), missing)
    if kind == "f":
        single = getattr(dtype, "itemsize", 8) == 4
        return of_floats(column.to_numpy(dtype=FLOAT32 if single else FLOAT64, na_value=np.nan))
    if type(dtype).__name__ == "StringDtype":
        return _of_strings(*column.factorize())
    return of_objects(column.tolist())


def _of_strings(codes: Array, names: Any) -> Read:
    """Return a column of strings that pandas has numbered in the order of their first rows."""
    missing = codes < 0
    if missing.all():
        return Read(np.zeros(len(codes)), missing)
    first = codes[~missing][:LOOK].tolist()
    looked = names.take(sorted(set(first))).tolist()
    whole = np.where(missing, 0, codes).astype(np.intp)
    return Read(whole, missing, True, strings_note(looked))


# Columns of polars.


def of_polars(column: Any) -> Read:
    dtype = column.dtype
    name = str(dtype).partition("(")[0]
    missing: Mask | None = None
    if column.null_count():
        missing = np.asarray(column.is_null().to_numpy(), dtype=np.bool_)
    if name == "Null":
        return Read(np.zeros(len(column)), np.ones(len(column), dtype=np.bool_))
    if name in ("List", "Array", "Struct"):
        raise Unusable(f"it holds values of type {name}: make a column of each entry")
    if name in ("Categorical", "Enum"):
        codes = column.to_physical()
        codes = codes if missing is None else codes.fill_null(0)
        return Read(codes.to_numpy().astype(np.intp), missing, True)
    if name == "Boolean":
        values = column if missing is None else column.fill_null(False)
        return Read(values.to_numpy().astype(np.intp), missing, True)
    if name == "Decimal":
        return of_floats(column.cast(float).to_numpy())
    if name.startswith("Float"):
        return of_floats(column.to_numpy())
    if name in ("Date", "Datetime", "Duration", "Time"):
        unit = {"Date": "D", "Time": "ns"}.get(name) or getattr(dtype, "time_unit", None) or "us"
        ticks = column.to_physical()
        ticks = ticks if missing is None else ticks.fill_null(0)
        gone = np.zeros(len(column), dtype=np.bool_) if missing is None else missing
        seconds = SECONDS[_UNITS.get(unit, unit)]
        return of_ticks(ticks.to_numpy(), gone, seconds, dates=name in ("Date", "Datetime"))
    if name.startswith(("Int", "UInt")) and "128" not in name:
        values = column if missing is None else column.fill_null(0)
        return Read(exact(values.to_numpy(), missing, 1.0), missing)
    return of_objects(column.to_list())


# Columns of pyarrow.


def of_arrow(column: Any) -> Read:
    kind = str(column.type)
    missing: Mask | None = None
    if column.null_count:
        missing = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if kind == "null":
        return Read(np.zeros(len(column)), np.ones(len(column), dtype=np.bool_))
    if kind.startswith("dictionary"):
        read = of_objects([None if v is None else str(v) for v in column.to_pylist()])
        return Read(read.values.astype(np.intp), read.missing, True)
    if kind.startswith(("list", "large_list", "fixed_size_list", "struct", "map", "extension")):
        raise Unusable(f"it holds values of type {kind}: make a column of each entry")
    if kind.startswith(("int", "uint")):
        values = column if missing is None else column.fill_null(0)
        return Read(exact(_arrow_numpy(values), missing, 1.0), missing)
    if kind == "bool":
        values = column if missing is None else column.fill_null(False)
        return Read(_arrow_numpy(values).astype(np.intp), missing, True)
    if kind in ("halffloat", "float", "double"):
        return joined(of_floats(_arrow_numpy(column)), missing)
    if kind.startswith("decimal"):
        return joined(of_floats(_arrow_numpy(column.cast("float64"))), missing)
    if kind.startswith(("timestamp", "date", "time", "duration")):
        return _of_arrow_times(column, kind, missing)
    return of_objects(column.to_pylist())


def _of_arrow_times(column: Any, kind: str, missing: Mask | None) -> Read:
    unit = getattr(column.type, "unit", None) or {"date32[day]": "D", "date64[ms]": "ms"}[kind]
    narrow = kind.startswith(("date32", "time32"))
    ticks = column.cast("int32" if narrow else "int64")
    ticks = ticks if missing is None else ticks.fill_null(0)
    gone = np.zeros(len(column), dtype=np.bool_) if missing is None else missing
    dates = kind.startswith(("timestamp", "date"))
    return of_ticks(_arrow_numpy(ticks), gone, SECONDS[unit], dates=dates)


def _arrow_numpy(column: Any) -> Array:
    chunked = hasattr(column, "chunks")
    return np.asarray(column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False))
