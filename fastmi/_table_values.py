"""Values of the columns of tables: arrays of NumPy, and objects whose values decide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._columns import is_missing
from fastmi._reading import EXACT_INTEGERS, FLOAT32, FLOAT64
from fastmi._symbols import numbered

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]

# Seconds in one step of the units of times.
SECONDS: Mapping[str, float] = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "D": 86400.0,
    "W": 604800.0,
}
# Strings that are looked at to find out whether they read as numbers.
LOOK = 100


class Unusable(Exception):
    """The reason why a column cannot be used."""


@dataclass(frozen=True)
class Read:
    """What a column holds, whatever it is called."""

    values: Array
    missing: Mask | None
    named: bool = False
    note: str = ""


def of_numpy(array: Array) -> Read:
    masked: Mask | None = None
    if isinstance(array, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(array)
        # What lies under a mask may be anything.
        array = array.filled(0) if array.dtype.kind in "biuf" else np.asarray(array.data)
    return of_plain(array) if masked is None else _of_masked(array, masked)


def _of_masked(array: Array, masked: Mask) -> Read:
    if array.dtype.kind in "biuf":
        return joined(of_plain(array), masked)
    listed = array.astype(object)
    listed[masked] = None
    return of_objects(listed.tolist())


def joined(read: Read, missing: Mask | None) -> Read:
    if missing is None:
        return read
    both = missing if read.missing is None else read.missing | missing
    return Read(read.values, both, read.named, read.note)


def of_plain(array: Array) -> Read:
    kind = array.dtype.kind
    if kind == "f":
        return of_floats(array)
    if kind == "b":
        return Read(array.astype(np.intp), None, True)
    if kind in "iu":
        return Read(exact(array, None, 1.0), None)
    if kind in "mM":
        return _of_times(array)
    if kind in "US":
        return Read(numbered(array).of, None, True, strings_note(array[:LOOK].tolist()))
    if kind in "OT":
        return of_objects(array.tolist())
    if kind == "c":
        raise Unusable("it holds complex numbers: pass real and imaginary parts as columns")
    raise Unusable(f"it has dtype {array.dtype}, which is neither numbers nor names")


def of_floats(array: Array) -> Read:
    single = array.dtype.itemsize == 4
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, dtype=FLOAT32 if single else FLOAT64)
    missing = np.isnan(values)
    count = int(missing.sum())
    largest = float(np.finfo(np.float32 if single else np.float64).max) / 2
    with np.errstate(invalid="ignore"):
        huge = np.abs(values) > largest
    if huge.any():
        infinite = int(np.isinf(values).sum())
        if infinite:
            what = "values" if infinite > 1 else "value"
            raise Unusable(
                f"it has {infinite} infinite {what}, the first in row {int(huge.argmax())}: mark "
                "them as missing (NaN), or map the column to finite values"
            )
        raise Unusable(f"it has values above {largest:.3g} in magnitude: rescale it")
    if not count:
        return Read(values, None)
    return Read(np.where(missing, values.dtype.type(0), values), missing)


def exact(array: Array, missing: Mask | None, unit: float) -> NDArray[np.float64]:
    """Return integers as float64 times `unit`, less the smallest where float64 could merge some.

    The smallest is subtracted in integers: nanoseconds since 1970 do not fit float64.
    """
    present = array if missing is None else array[~missing]
    numbers: NDArray[np.float64]
    values = np.zeros(len(array))
    if not len(present):
        return values
    low, high = int(present.min()), int(present.max())
    offset = 0
    if max(high, -low) > EXACT_INTEGERS:
        if high - low > EXACT_INTEGERS:
            raise Unusable(
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
    if unit != 1.0:
        numbers = numbers * unit
    if missing is None:
        return numbers
    values[~missing] = numbers
    return values


def _of_times(array: Array) -> Read:
    """Return dates and durations as seconds, dates from the first of them."""
    unit, step = np.datetime_data(array.dtype)
    if unit in ("Y", "M"):
        array, unit, step = array.astype("datetime64[D]"), "D", 1
    missing = np.isnat(array)
    if unit not in SECONDS and not missing.all():
        raise Unusable(f"it has times in units of {unit!r}: convert them to nanoseconds")
    return of_ticks(
        array.view(np.int64), missing, step * SECONDS.get(unit, 1.0), dates=array.dtype.kind == "M"
    )


def of_ticks(ticks: Array, missing: Mask, unit: float, *, dates: bool) -> Read:
    if missing.all():
        return Read(np.zeros(len(ticks)), missing)
    ticks = ticks.astype(np.int64, copy=False)
    if dates:
        first = int(ticks[~missing].min())
        span = int(ticks[~missing].max()) - first
        if span > EXACT_INTEGERS:
            # Over 104 days nanoseconds are beyond float64, and seconds keep 1e-9 of the span.
            whole = (ticks.astype(np.uint64) - np.uint64(first % 2**64)).astype(FLOAT64)
            return Read(np.where(missing, 0.0, whole * unit), missing)
        ticks = np.where(missing, 0, ticks - first)
    elif (np.abs(np.where(missing, 0, ticks).astype(FLOAT64)) > EXACT_INTEGERS).any():
        return Read(np.where(missing, 0.0, ticks.astype(FLOAT64) * unit), missing)
    return Read(exact(ticks, missing, unit), missing)


# Columns of objects: their values decide.

# Types of which no value stands for a missing one.
_NEVER_MISSING = {str, bytes, bool, int}


def of_objects(values: list[Any]) -> Read:
    # Most columns hold strings alone, and each question takes longer than all else.
    if set(map(type, values)) <= _NEVER_MISSING:
        missing = np.zeros(len(values), dtype=np.bool_)
        present = values
    else:
        missing = np.fromiter(
            (type(value) not in _NEVER_MISSING and is_missing(value) for value in values),
            np.bool_,
            len(values),
        )
        present = [value for value, gone in zip(values, missing.tolist(), strict=True) if not gone]
    if not present:
        return Read(np.zeros(len(values)), missing)
    types = set(map(type, present))
    if all(issubclass(each, str | bytes | bool | np.bool_) for each in types):
        return _named(values, missing, strings_note(present[:LOOK]))
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
    if any(_is_number(each) or issubclass(each, complex | np.complexfloating) for each in types):
        listed = ", ".join(sorted(each.__name__ for each in types))
        if any(issubclass(each, complex | np.complexfloating) for each in types):
            raise Unusable("it holds complex numbers: pass real and imaginary parts as columns")
        raise Unusable(
            f"it mixes numbers with other values (types {listed}): convert it to numbers, with "
            "what is none as missing, or to strings if all are names"
        )
    return _named(values, missing, "")


def _is_number(kind: type) -> bool:
    if issubclass(kind, bool | np.bool_):
        return False
    return issubclass(kind, Real | Decimal | Fraction | np.floating | np.integer)


def _numbers(present: list[Any], missing: Mask) -> Read:
    if all(isinstance(value, Integral) for value in present):
        whole = [int(value) for value in present]
        low, high = min(whole), max(whole)
        if max(high, -low) > EXACT_INTEGERS:
            if high - low > EXACT_INTEGERS:
                raise Unusable(
                    "its integers span more than 2**53, beyond which float64 merges neighbours: "
                    "pass them as strings if they are names"
                )
            whole = [value - low for value in whole]
        return _placed(whole, missing)
    try:
        numbers = np.array([float(value) for value in present])
    except OverflowError:
        raise Unusable("it holds numbers beyond float64: rescale it") from None
    return _joined_floats(numbers, missing)


def _joined_floats(numbers: Array, missing: Mask) -> Read:
    read = of_floats(numbers)
    values = np.zeros(len(missing))
    values[~missing] = read.values
    gone = missing.copy()
    if read.missing is not None:
        gone[~missing] = read.missing
    return Read(values, gone)


def _placed(numbers: Iterable[float], missing: Mask) -> Read:
    values = np.zeros(len(missing))
    values[~missing] = np.array(list(numbers), dtype=FLOAT64)
    return Read(values, missing)


def _moments(present: list[Any], missing: Mask) -> Read:
    try:
        first = min(present)
        return _placed([_seconds(value - first) for value in present], missing)
    except TypeError as error:
        raise Unusable(
            f"it mixes times that cannot be compared ({error}): give all of them a time zone, or "
            "none"
        ) from None


def _durations(present: list[Any], missing: Mask) -> Read:
    return _placed([_seconds(value) for value in present], missing)


def _seconds(duration: Any) -> float:
    if isinstance(duration, np.timedelta64):
        return float(duration / np.timedelta64(1, "s"))
    nanoseconds = getattr(duration, "nanoseconds", 0)  # what pandas keeps beyond microseconds
    return (
        float(duration / timedelta(seconds=1))
        if not nanoseconds
        else float(duration.total_seconds() + 1e-9 * nanoseconds)
    )


def _named(values: list[Any], missing: Mask, note: str) -> Read:
    """Return codes of the values, which are one class where they compare equal."""
    codes: dict[Any, int] = {}
    try:
        if not missing.any():
            of = [codes.setdefault(value, len(codes)) for value in values]
        else:
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
        raise Unusable(
            f"it holds values of type {kind}, which are neither numbers nor names: make a column "
            "of each entry"
        ) from None
    return Read(np.array(of, dtype=np.intp), missing, True, note)


def _has_hash(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def strings_note(values: Sequence[Any]) -> str:
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
