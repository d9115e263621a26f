"""What a user should know of the columns of a file before the estimates."""

import re
from collections.abc import Mapping, Sequence

from fastmi._cautions import Caution
from fastmi.cli.columns import Column, Table, listed
from fastmi.estimators.neighbors.base import rescale_advice

_MOST_SINGLY = 4
_SHOWN_NAMES = 6
# What to do where one scale dominates although the columns were scaled.
_SCALED_ADVICE = (
    "unit deviation does not prevent it, because outliers, or numbers that stand for missing "
    "values, set the scale: remove them, or use -o normalize=copula"
)
# Keywords of functions and the options of the command that stand for them.
_SPELLINGS = (
    (r"\bnormalize='(\w+)'", r"-o normalize=\1"),
    (r"\bmethod=(?:'|\")(\w+)(?:'|\")", r"--method \1"),
    (r"\bnoise=(\d)", r"--noise \1"),
    (r"\bpermutation_test with\b", "fastmi test with"),
    (r"\bleave noise at None", "leave out --noise"),
    (r"\bn_permutations=(?:'|\")?(\w+)(?:'|\")?", r"--permutations \1"),
    (r"\bn_permutations\b", "--permutations"),
    (r"\bmissing=(?:'|\")(\w+)(?:'|\")", r"--missing \1"),
    (r"\bcorrected=True\b", "--corrected"),
    (r"\bscheme=(?:'|\")(\w+)(?:'|\")", r"--scheme \1"),
    (r"\btheiler=(\w+)", r"-o theiler=\1"),
)


def usable_columns(table: Table, *, classes: bool) -> list[Column]:
    """Return the columns of numbers that vary, and those of text if they can be classes."""
    return [
        column
        for column in table.columns
        if (classes and _are_classes(column))
        or not (column.problem or column.is_empty or column.is_constant)
    ]


def left_out(table: Table, *, classes: bool) -> list[str]:
    """Say which columns :func:`usable_columns` leaves out, and why."""
    reasons: dict[str, list[tuple[str, str]]] = {}
    texts = []
    for column in table.columns:
        if classes and _are_classes(column):
            continue
        if _are_classes(column):
            texts.append(column.name)
        if column.problem:
            kind, reason = column.problem.partition(" (")[0], f"it holds {column.problem}"
        elif column.is_empty:
            kind = reason = "all its values are missing"
        elif column.is_constant:
            kind = reason = "it is constant"
        else:
            continue
        reasons.setdefault(kind, []).append((column.name, reason))
    notes = _grouped(reasons)
    if texts:
        notes.append("text is used as classes where no --method is named, or by --method discrete")
    return notes


def left_out_notes(reasons: Mapping[str, str]) -> list[str]:
    """Say which columns are not used and why, from the reason of each."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, reason in reasons.items():
        # Reasons of one kind differ in their numbers and examples.
        kind = re.sub(r"'[^']*'|\(.*\)|\d+", "", reason)
        groups.setdefault(kind, []).append((name, reason))
    return _grouped(groups)


def _grouped(reasons: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """Return a note for each column, or one for all that share a kind of reason."""
    notes = []
    for columns in reasons.values():
        if len(columns) <= _MOST_SINGLY:
            notes += [f"'{name}' left out: {reason}" for name, reason in columns]
            continue
        names = listed([f"'{name}'" for name, _ in columns], _SHOWN_NAMES)
        notes.append(f"{len(columns)} columns left out: {names}; of the first, {columns[0][1]}")
    return notes


def notes_on(columns: Sequence[Column], *, constants: bool = True) -> list[str]:
    """Say what was done to the entries of chosen columns, and which of them are constant."""
    names: dict[str, list[str]] = {}
    for column in columns:
        if column.note:
            names.setdefault(column.note, []).append(f"'{column.name}'")
    notes = [f"{listed(group, _SHOWN_NAMES)}: {note}" for note, group in names.items()]
    if not constants:
        return notes
    return notes + [
        f"'{column.name}' is constant: it carries no information"
        for column in columns
        if not column.problem and column.is_constant
    ]


def shape_notes(table: Table) -> list[str]:
    """Say that samples are rows, for an array without names that has more columns than rows."""
    first = table.columns[0]
    rows = len(first.missing)
    if first.name != "0" or rows >= len(table.columns):
        return []
    return [
        f"there are {rows} rows and {len(table.columns)} columns, and samples are rows: transpose "
        "the array if they lie in columns"
    ]


def shared_notes(x: Sequence[Column], y: Sequence[Column]) -> list[str]:
    """Say which columns are in both blocks."""
    names = [column.name for column in y]
    shared = [f"'{column.name}'" for column in x if column.name in names]
    if not shared:
        return []
    return [
        f"in both --x and --y: {listed(shared, _SHOWN_NAMES)}; what a continuous column tells "
        "about itself is infinite"
    ]


def in_options(cautions: Sequence[Caution], *, scaled: bool) -> tuple[Caution, ...]:
    """Return cautions that name options of the command, for columns that were scaled or not."""
    found = []
    for caution in cautions:
        text = str(caution)
        if scaled:
            text = text.replace(rescale_advice(None), _SCALED_ADVICE)
        found.append(type(caution)(as_options(text), caution.kind))
    return tuple(found)


def as_options(text: str) -> str:
    """Return a text with options of the command in the place of keywords of functions."""
    for keyword, option in _SPELLINGS:
        text = re.sub(keyword, option, text)
    return text


def _are_classes(column: Column) -> bool:
    """Return whether a column is text that repeats, as names of persons do not."""
    labels = column.labels
    if labels is None or not column.problem.startswith("text ("):
        return False
    return 1 < len(set(labels)) <= len(labels) / 2
