"""Columns of a file as a table for the functions of fastmi that choose the estimator by pair."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from fastmi.cli.columns import Column, DataError, Table, listed

Frame = dict[str, npt.NDArray[Any]]

_SHOWN_NAMES = 6


def as_frame(columns: Sequence[Column]) -> tuple[Frame, dict[str, str], list[str]]:
    """Return the columns as arrays by name, those that have no values, and notes.

    Numbers have NaN where a value is missing, texts None, times NaT. Which kind of variable each
    is, and whether it can be used, is left to the functions that take the table.

    Returns:
        The table; the reason why a column is not in it, by its name; notes on how columns were
        taken.
    """
    frame: Frame = {}
    refused: dict[str, str] = {}
    times, texts = [], []
    for column in columns:
        if column.times is not None:
            frame[column.name] = column.times
            times.append(f"'{column.name}'")
        elif holds_words(column):
            assert column.labels is not None
            frame[column.name] = column.labels
            if column.problem.startswith("dates ("):
                texts.append(f"'{column.name}'")
        elif column.problem:
            refused[column.name] = f"it holds {column.problem}"
        else:
            frame[column.name] = column.values
    notes = []
    if times:
        notes.append(f"{listed(times, _SHOWN_NAMES)}: dates were read as points in time")
    if texts:
        notes.append(
            f"{listed(texts, _SHOWN_NAMES)}: dates were taken as classes, because only dates such "
            "as 2026-01-31 have one order"
        )
    return frame, refused, notes


def labels_of(table: Table, frame: Frame, specs: Sequence[str] | None) -> str | bool | list[str]:
    """Return what ``--discrete`` says: "auto", all (True), none (False), or names of columns.

    Raises:
        DataError: One of them is no column of the file, or not among those in use.
    """
    if not specs:
        return "auto"
    names = {column.name for column in table.columns}
    if len(specs) == 1 and specs[0] in {"all", "none"} - names:
        return specs[0] == "all"
    found = [column.name for column in table.select(specs)]
    for name in found:
        if name not in frame:
            raise DataError(f"--discrete names '{name}', which is not among the columns in use")
    return found


def one_column(table: Table, spec: str, flag: str) -> Column:
    """Return the column that an option names.

    Raises:
        DataError: It names none or several.
    """
    found = table.select([spec])
    if len(found) != 1:
        names = listed([column.name for column in found], _SHOWN_NAMES)
        raise DataError(f"{flag} must name one column; got {len(found)}: {names}")
    return found[0]


def holds_words(column: Column) -> bool:
    """Return whether a column holds words, and not numbers among which some cells are words."""
    return column.labels is not None and column.problem.startswith(("text (", "dates ("))
