"""Tells what kind of values a variable takes, and which estimator is made for such pairs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from numbers import Number
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._columns import dtype_of, frame_columns, is_category, is_missing
from fastmi._spread import extent
from fastmi._symbols import as_codes, numbered
from fastmi.ops.coincidences import nothing_repeats

Array: TypeAlias = NDArray[Any]

CONTINUOUS = "continuous"
CLASSES = "classes"
MIXTURE = "mixture"
CONSTANT = "constant"

# Most values of a column that are taken as classes, each by this many samples on average.
_CLASSES, _SAMPLES_EACH = 20, 5
# Share of the samples at one value of a column with more values, above which it is an atom and not
# the rounding of a continuous variable.
_ATOM = 0.1
# Number of values of a list that are looked at to find out what it holds.
_LOOK = 100
# Types of values with a hash that are no names; tuples and arrays are rows.
_NO_NAMES = (Number, date, time, timedelta, tuple, np.generic)


@dataclass(frozen=True)
class Kind:
    """What kind of values a variable takes.

    Attributes:
        name: "continuous", "classes" (few values in every column), "mixture" (of columns of both
            kinds, or with atoms beside continuous values) or "constant".
        symbols: Number of different rows of "classes".
        labels: Whether the values are names, which have no order.
        repeats: Whether values repeat.
        columns: Number of columns that vary.
    """

    name: str
    symbols: int = 0
    labels: bool = False
    repeats: bool = False
    columns: int = 0


def with_codes(arrays: Sequence[object], names: Sequence[str]) -> tuple[list[object], list[bool]]:
    """Return the arrays with numbers in the place of names, and which of them had names."""
    labels = [holds_names(x) for x in arrays]
    read = [
        as_codes(x, name) if named else x
        for x, name, named in zip(arrays, names, labels, strict=True)
    ]
    return read, labels


def holds_names(x: object) -> bool:
    """Return whether every column holds names: strings, categories, booleans of a data frame."""
    if isinstance(x, list | tuple):
        return _begins_with_name(x)
    frame = frame_columns(x)
    columns: list[object] = [x] if frame is None else [column for _, column in frame]
    return bool(columns) and all(map(_is_named, columns))


def _is_named(column: object) -> bool:
    dtype = dtype_of(column)
    if is_category(dtype) or _is_boolean(column, dtype):
        return True
    if dtype is not None and getattr(dtype, "kind", "-") in "biufc" and str(dtype) != "object":
        return False
    if hasattr(column, "__dlpack__") and not isinstance(column, np.ndarray):
        return False
    try:
        values = np.asarray(column)
    except (TypeError, ValueError):  # what cannot be read is named where samples are read
        return False
    if values.dtype.kind in "US":
        return True
    return values.dtype.kind in "OT" and _begins_with_name(values.reshape(-1)[:_LOOK].tolist())


def _is_boolean(column: object, dtype: object) -> bool:
    """Return whether a column of a data frame's library holds True and False."""
    if isinstance(column, np.ndarray) or hasattr(column, "__cuda_array_interface__"):
        return False
    return str(dtype).lower().removesuffix("[pyarrow]") in ("bool", "boolean")


def _begins_with_name(x: Sequence[Any]) -> bool:
    """Return whether the first value of nested lists that is not missing is a name.

    Names are strings and any other objects with a hash that are neither numbers nor times.
    """
    for value in x[:_LOOK]:
        if isinstance(value, list):
            return _begins_with_name(value)
        if isinstance(value, str | bytes):
            return True
        if not is_missing(value):
            return not isinstance(value, _NO_NAMES) and isinstance(value, Hashable)
    return False


def kinds_of(blocks: Sequence[Array], labels: Sequence[bool]) -> list[Kind]:
    """Return the kind of each block, arrays in host memory."""
    if not any(labels) and nothing_repeats(blocks):
        varying = [int(_varies(block).sum()) for block in blocks]
        return [Kind(CONTINUOUS if d else CONSTANT, columns=d) for d in varying]
    return [_kind_of(block, named) for block, named in zip(blocks, labels, strict=True)]


def _varies(block: Array) -> Array:
    ends = extent(block)
    found: Array = ends.low != ends.high
    return found


def _kind_of(block: Array, named: bool) -> Kind:
    n = len(block)
    kept = block[:, _varies(block)]
    if kept.shape[1] == 0:
        return Kind(CONSTANT, 1, named, True)
    columns = [np.unique(column, return_counts=True)[1] for column in kept.T]
    repeats = any(len(sizes) < n for sizes in columns)
    few = [named or len(sizes) <= min(_CLASSES, n // _SAMPLES_EACH) for sizes in columns]
    if all(few):
        # Sorting rows takes many times as long as sorting numbers.
        symbols = len(columns[0]) if len(columns) == 1 else len(np.unique(kept, axis=0))
        if named or symbols * _SAMPLES_EACH <= n:
            return Kind(CLASSES, symbols, named, True, len(columns))
    atoms = [sizes.max() > max(2.0, _ATOM * n) for sizes in columns]
    name = MIXTURE if any(few) or any(atoms) else CONTINUOUS
    return Kind(name, 0, named, repeats, len(columns))


def method_for(kinds: Sequence[Kind], n: int, *, separate: bool = True) -> str | None:
    """Return the method that is made for variables of these kinds.

    It depends on each variable by itself, so that no reordering of the rows of one changes it.

    Mixtures of more than two columns are taken as continuous once noise has separated their equal
    values. That keeps the information, since the noise is independent of all else and the values
    can be told from what results; and then what many columns cost is corrected, which no method
    for mixtures does.

    Args:
        kinds: Those of x and y, or of x, y and z.
        n: Number of samples.
        separate: Whether equal values may be separated.

    Returns:
        "discrete", "ross" or "mesner"; None for continuous variables, for mixtures that are taken
        as such, or where one is constant.
    """
    mixed = None if separate and _are_many(kinds) else "mesner"
    names = [kind.name for kind in kinds]
    if CONSTANT in names[:2] or all(name in (CONTINUOUS, CONSTANT) for name in names):
        return None
    classes = [kind for kind in kinds if kind.name == CLASSES]
    if len(classes) == sum(name != CONSTANT for name in names):
        named = any(kind.labels for kind in kinds)
        cells = int(np.prod([float(kind.symbols) for kind in classes]))
        return "discrete" if named or cells * _SAMPLES_EACH <= n else mixed
    if len(kinds) == 2 and classes and (CONTINUOUS in names or any(k.labels for k in kinds)):
        return "ross"
    return mixed


def method_of_columns(x: Kind, y: Kind) -> str:
    """Return the method for two single columns of a table, whose values are all on one scale.

    These three have no bias to speak of where the columns are independent, whatever their kinds,
    and so rank columns of different kinds side by side; "mesner" is off by up to eight standard
    deviations on counts and classes (bench/bench_kinds.py). Mixtures are taken as continuous once
    the order of equal values is drawn at random, which keeps the information.

    Returns:
        "discrete" for two columns of classes, "ross" where one has classes, else "ksg1".
    """
    number = [x.name, y.name].count(CLASSES)
    return ("ksg1", "ross", "discrete")[number]


def kind_of_column(values: Array, named: bool, discrete: bool | None = None) -> Kind:
    """Return the kind of one column.

    Args:
        values: Shape (n,): numbers, or the codes of names.
        named: Whether they are codes of names.
        discrete: Whether numbers are classes; None leaves it to their values.
    """
    block = values.reshape(-1, 1)
    if named or discrete:
        symbols = len(numbered(values).size)
        name = CLASSES if symbols > 1 else CONSTANT
        return Kind(name, symbols, True, symbols < len(values), int(symbols > 1))
    kind = kinds_of([block], [False])[0]
    if discrete is None or kind.name == CONSTANT:
        return kind
    return Kind(CONTINUOUS, 0, False, kind.repeats, 1)


def _are_many(kinds: Sequence[Kind]) -> bool:
    """Return whether x and y have more than two columns in all, and there is no z."""
    return len(kinds) == 2 and sum(kind.columns for kind in kinds) > 2


def mixed_of(kinds: Sequence[Kind]) -> bool:
    """Return whether a variable has classes or atoms, so that ranks do not tell its rows apart."""
    return any(kind.name in (CLASSES, MIXTURE) for kind in kinds)


def continuous_of(kinds: Sequence[Kind]) -> int:
    """Return which of x and y the method "ross" takes as its continuous variable, 0 or 1."""
    return int(kinds[0].name == CLASSES and not (kinds[1].labels and not kinds[0].labels))


def described(names: Sequence[str], kinds: Sequence[Kind]) -> list[str]:
    """Return what each variable is, in a few words."""
    return [f"{name} is {_in_words(kind)}" for name, kind in zip(names, kinds, strict=True)]


def _in_words(kind: Kind) -> str:
    if kind.name == CLASSES:
        return f"{kind.symbols} classes"
    return "a mixture of values that repeat and others" if kind.name == MIXTURE else kind.name
