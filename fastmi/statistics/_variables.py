"""Decides what each column of a table is, which columns are left out, and which rows are kept."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import check_choice
from fastmi._repeats import row_hashes
from fastmi._symbols import numbered
from fastmi._table import TableColumn, read_table
from fastmi.estimators.auto.kinds import CLASSES, CONSTANT, Kind, kind_of_column
from fastmi.estimators.neighbors._copies import count_copies, tells_copies
from fastmi.estimators.neighbors._ties import TIED_SHARE

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]
LeftOut: TypeAlias = dict[Hashable, str]

#: What can be done about missing values.
MISSING = ("raise", "pairwise", "drop")
# Rows for each class, on average, below which names are those of the rows and not of classes: their
# information with any target would be the entropy of the target.
_ROWS_EACH = 2
# Rows from which 0, 1, 2, ... is the number of the row and no quantity.
_COUNTED = 20
# Columns that a message lists.
_LISTED = 5


@dataclass(frozen=True)
class Variable:
    """A column of a table that can be used.

    Attributes:
        label: Its label, or its number in an array.
        values: Shape (n,): float64 or float32 numbers, or codes of classes, intp, where the kind is
            "classes". Entries where `missing` is True mean nothing.
        missing: Shape (n,), None if nothing is missing.
        kind: What kind of values it takes.
    """

    label: Hashable
    values: Array
    missing: Mask | None
    kind: Kind

    def rows(self, kept: Any) -> Variable:
        """Return the variable in some of its rows, none of which is missing."""
        values = self.values[kept]
        if self.kind.name == CLASSES:
            values = numbered(values).of
        return Variable(self.label, values, None, self.kind)


@dataclass(frozen=True)
class Variables:
    """The usable columns of one table, and the others with the reasons.

    Attributes:
        used: The usable ones.
        places: Position of each among the columns of the table.
        labels: The labels of all columns; their numbers where a label repeats.
        left_out: Reasons by label.
    """

    used: list[Variable]
    places: list[int]
    labels: list[Hashable]
    left_out: LeftOut


def read_variables(
    X: object, name: str, *, discrete: Any = "auto", missing: str = "raise"
) -> tuple[list[Variable], LeftOut]:
    """Return the usable columns of a table, and the reasons why others are left out, by label.

    Args:
        X: A table, see :func:`fastmi._table.read_table`.
        name: What to call it in messages.
        discrete: "auto", True or False, or labels, positions or a mask of columns whose numbers are
            classes.
        missing: "raise", "pairwise" or "drop".

    Raises:
        TypeError: `X` is no table; `discrete` of the wrong type.
        ValueError: `X` of the wrong shape; `discrete` names what is no column; missing values with
            ``missing="raise"``; no complete row with "drop".
    """
    (found,), _ = decide([read_table(X, name)], [name], discrete=discrete, missing=missing)
    return found.used, found.left_out


def decide(
    tables: Sequence[Sequence[TableColumn]],
    names: Sequence[str],
    *,
    discrete: Any,
    missing: str,
) -> tuple[list[Variables], list[Caution]]:
    """Return the usable columns of tables whose rows are paired, and cautions about dropped rows.

    Args:
        tables: The columns of each table.
        names: What to call each table in messages.
        discrete: As in :func:`read_variables`; positions and masks are those of the first table.
        missing: As in :func:`read_variables`.

    Raises:
        TypeError: See :func:`read_variables`.
        ValueError: See there.
    """
    check_choice("missing", missing, MISSING)
    labels = [[column.label for column in table] for table in tables]
    classes = discrete_columns(labels, discrete)
    found = [_usable(*each) for each in zip(tables, classes, strict=True)]
    gaps = [
        (name, variable)
        for name, own in zip(names, found, strict=True)
        for variable in own.used
        if variable.missing is not None
    ]
    if not gaps or missing == "pairwise":
        return found, []
    if missing == "raise":
        raise _missing_error(gaps)
    masks = [variable.missing for _, variable in gaps if variable.missing is not None]
    kept: Mask = ~np.logical_or.reduce(masks)
    left = int(kept.sum())
    if left < 2:
        raise ValueError(
            f"missing='drop' must leave rows to use; got {left} of {len(kept)} rows that are "
            f"complete: {_worst(gaps)}; leave those columns out, or use missing='pairwise'"
        )
    shorter = [[_kept(column, kept) for column in table] for table in tables]
    again = [_usable(*each) for each in zip(shorter, classes, strict=True)]
    text = (
        f"missing='drop' leaves {left} of {len(kept)} rows, those that are complete: {_worst(gaps)}"
    )
    results = []
    for own, first in zip(again, found, strict=True):
        reasons = {
            label: first.left_out.get(label, f"in the rows that are complete, {reason}")
            for label, reason in own.left_out.items()
        }
        results.append(Variables(own.used, own.places, own.labels, reasons))
    return results, [Caution(text, "dropped")]


def left_out_caution(found: Sequence[Variables]) -> list[Caution]:
    """Return a caution that names the columns that are left out, [] if there are none."""
    reasons = [f"{label!r} ({reason})" for own in found for label, reason in own.left_out.items()]
    if not reasons:
        return []
    more = f" and {len(reasons) - _LISTED} more" if len(reasons) > _LISTED else ""
    total = sum(len(own.labels) for own in found)
    text = f"{len(reasons)} of {total} columns are left out: {', '.join(reasons[:_LISTED])}{more}"
    return [Caution(text, "left_out")]


def copies_caution(found: Sequence[Variables]) -> list[Caution]:
    """Return a caution if rows of the used columns are copies of one another, else [].

    Records that were repeated pass for close neighbours in every pair.
    """
    variables = [variable for own in found for variable in own.used]
    numbers = [variable.kind.name != CLASSES for variable in variables]
    columns = [filled(variable) for variable in variables]
    n = len(columns[0])
    if not any(numbers) or len(np.unique(row_hashes(columns))) > (1.0 - 0.5 * TIED_SHARE) * n:
        return []
    looked_at = iter(numbers)

    def tells(block: Array) -> list[float]:
        # Values of classes repeat by nature.
        return tells_copies(block) if next(looked_at) else [0.0]

    copied = count_copies([column.reshape(-1, 1) for column in columns], tells).copied
    if copied <= TIED_SHARE * n:
        return []
    text = (
        f"{copied} of {n} rows are exact copies of one another in every column and pass for close "
        "neighbours, which distorts all estimates: drop the repeated rows, or average what was "
        "measured repeatedly (noise does not help)"
    )
    return [Caution(text, "copies")]


def copies_of_target(
    features: Sequence[Variable], target: Variable
) -> dict[int, tuple[Caution, ...]]:
    """Return a caution for each feature, by its place, that is the target or names its classes.

    A frame with the target among its columns is the usual reason.
    """
    found: dict[int, tuple[Caution, ...]] = {}
    for place, feature in enumerate(features):
        classes = [each.kind.name == CLASSES for each in (feature, target)]
        if classes[0] != classes[1]:
            continue
        both = np.ones(len(target.values), dtype=np.bool_)
        for each in (feature, target):
            both &= True if each.missing is None else ~each.missing
        x, y = feature.values[both], target.values[both]
        same = _one_to_one(x, y) if classes[0] else bool((x == y).all())
        if len(x) and same:
            text = (
                f"it is the target {target.label!r} itself, or names the same classes: leave it out"
            )
            found[place] = (Caution(text, "target"),)
    return found


def _one_to_one(x: NDArray[np.intp], y: NDArray[np.intp]) -> bool:
    """Return whether codes of classes tell each other."""
    number = int(x.max()) + 1 if len(x) else 0
    image = np.zeros(number, dtype=np.intp)
    image[x] = y
    # Each class of x has one of y, and no two have the same.
    if not (image[x] == y).all():
        return False
    used = image[np.bincount(x, minlength=number) > 0]
    return len(np.unique(used)) == len(used)


def filled(variable: Variable) -> NDArray[np.float64]:
    """Return the values as float64, with the median in the place of what is missing."""
    values = variable.values.astype(np.float64)
    if variable.missing is not None:
        values[variable.missing] = np.median(values[~variable.missing])
    return values


def told_apart(labels: list[Hashable]) -> list[Hashable]:
    """Return the labels, or the numbers of the columns where a label repeats."""
    return labels if len(set(labels)) == len(labels) else list(range(len(labels)))


def _kept(column: TableColumn, kept: Mask) -> TableColumn:
    missing = None if column.missing is None else column.missing[kept]
    return TableColumn(
        column.label, column.values[kept], missing, column.named, column.problem, column.note
    )


def _usable(columns: Sequence[TableColumn], classes: Sequence[bool | None]) -> Variables:
    labels = told_apart([column.label for column in columns])
    used, places = [], []
    left_out: LeftOut = {}
    for j, (column, discrete) in enumerate(zip(columns, classes, strict=True)):
        variable, reason = _variable(column, labels[j], discrete)
        if variable is None:
            left_out[labels[j]] = reason
        else:
            used.append(variable)
            places.append(j)
    return Variables(used, places, labels, left_out)


def _variable(
    column: TableColumn, label: Hashable, discrete: bool | None
) -> tuple[Variable | None, str]:
    """Return the variable, or None and the reason why there is none."""
    if column.problem:
        return None, column.problem
    missing = column.missing
    if missing is None and not column.named and _counts_rows(column.values):
        return None, f"counts the rows from {column.values[0]:.0f}, and tells their order alone"
    present = column.values if missing is None else column.values[~missing]
    if not len(present):
        return None, "nothing but missing values"
    kind = kind_of_column(np.ascontiguousarray(present), column.named, discrete)
    if kind.name == CONSTANT:
        what = " where it is not missing" if missing is not None else ""
        return None, f"constant{what}"
    if kind.name != CLASSES:
        return Variable(label, column.values, missing, kind), ""
    if len(present) < _ROWS_EACH * kind.symbols:
        note = f"; {column.note}" if column.note else ""
        return None, (
            f"{kind.symbols} different names in {len(present)} rows: nearly every row has its own"
            f"{note}"
        )
    codes = numbered(present).of
    if missing is not None:
        spread = np.zeros(len(column.values), dtype=np.intp)
        spread[~missing] = codes
        codes = spread
    return Variable(label, codes, missing, kind), ""


def _counts_rows(values: Array) -> bool:
    """Return whether values are 0, 1, 2, ... or 1, 2, 3, ..., as the numbers of the rows are.

    Where the rows are sorted by a target they would have all of its information.
    """
    n = len(values)
    if n < _COUNTED or values[0] not in (0.0, 1.0) or values[-1] - values[0] != n - 1:
        return False
    return bool((np.diff(values) == 1.0).all())


def _missing_error(gaps: Sequence[tuple[str, Variable]]) -> ValueError:
    name, worst = max(gaps, key=lambda gap: _count(gap[1]))
    assert worst.missing is not None
    return ValueError(
        f"{name} must not have missing values with missing='raise'; got {_worst(gaps)}, the first "
        f"of {worst.label!r} in row {int(worst.missing.argmax())}: missing='pairwise' uses for "
        "each pair the rows that have both, missing='drop' the rows that have all"
    )


def _worst(gaps: Sequence[tuple[str, Variable]]) -> str:
    ordered = sorted((variable for _, variable in gaps), key=_count, reverse=True)
    listed = [f"{_count(each)} in {each.label!r}" for each in ordered[:_LISTED]]
    more = f" and fewer in {len(ordered) - _LISTED} more columns" if len(ordered) > _LISTED else ""
    return f"missing values: {', '.join(listed)}{more}, of {len(ordered[0].values)} rows"


def _count(variable: Variable) -> int:
    return 0 if variable.missing is None else int(variable.missing.sum())


# Which columns are classes by the word of the user.


def discrete_columns(
    tables: Sequence[Sequence[Hashable]], discrete: Any
) -> list[list[bool | None]]:
    """Return for each column of each table whether its numbers are classes, None for unknown.

    Args:
        tables: The labels of the columns of each table.
        discrete: What the user passed.

    Raises:
        TypeError: Neither "auto", a bool, nor names, positions or a mask.
        ValueError: What is no column, a mask of another length than the first table.
    """
    if isinstance(discrete, str) and discrete == "auto":
        return [[None] * len(table) for table in tables]
    if isinstance(discrete, bool | np.bool_):
        return [[bool(discrete)] * len(table) for table in tables]
    expected = "discrete must be 'auto', True, False, or labels, positions or a mask of columns"
    if isinstance(discrete, str):
        items: list[Any] = [discrete]
    else:
        try:
            items = list(np.asarray(discrete).tolist() if hasattr(discrete, "dtype") else discrete)
        except TypeError:
            raise TypeError(
                f"{expected}; got discrete={discrete!r} ({type(discrete).__name__})"
            ) from None
    first = tables[0]
    if items and all(isinstance(item, bool | np.bool_) for item in items):
        if len(items) != len(first):
            raise ValueError(
                f"discrete must have one entry for each column if it is a mask; got {len(items)} "
                f"entries for {len(first)} columns"
            )
        of_others: list[list[bool | None]] = [[None] * len(table) for table in tables[1:]]
        return [list(map(bool, items)), *of_others]
    marked: list[list[bool | None]] = [[False] * len(table) for table in tables]
    unknown = [item for item in items if not _mark(item, tables, marked)]
    if unknown:
        listed = ", ".join(map(repr, unknown[:_LISTED]))
        labels = ", ".join(map(repr, first[:_LISTED]))
        more = ", ..." if len(first) > _LISTED else ""
        raise ValueError(
            f"{expected}; got {listed}, which is none of the {len(first)} columns ({labels}{more})"
        )
    # Other tables are left to their values unless one of their columns is named.
    return [own if at == 0 or any(own) else [None] * len(own) for at, own in enumerate(marked)]


def _mark(item: Any, tables: Sequence[Sequence[Hashable]], marked: list[list[bool | None]]) -> bool:
    """Mark the columns that `item` names, and return whether there are any."""
    found = False
    for own, table in zip(marked, tables, strict=True):
        for j, label in enumerate(table):
            if type(label) is not bool and label == item:
                own[j] = found = True
    if found or isinstance(item, bool) or not isinstance(item, int | np.integer):
        return found
    length = len(tables[0])
    if -length <= item < length:
        marked[0][int(item)] = True
        return True
    return False
