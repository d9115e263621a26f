"""What `rank` and `matrix` share: tables for the library, its errors and notes, what is written."""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

import fastmi
from fastmi._cautions import Caution, by_kind
from fastmi.cli import render
from fastmi.cli.columns import Column, DataError, Table
from fastmi.cli.frames import Frame, as_frame
from fastmi.cli.notes import as_options, in_options, left_out_notes, notes_on, shape_notes
from fastmi.cli.options import Fdr, parse_permutations
from fastmi.cli.pairs import check_writable
from fastmi.cli.session import check_picture, show_notes
from fastmi.cli.visible import reason

# Cautions of the library that the command has notes of its own for.
_SAID = {"left_out"}
_ROW = re.compile(r"\bin row (\d+)")
# How errors begin, which name the argument of a function and what it had to be.
_GAPS = re.compile(r"^X must not have missing values with missing='raise'; got ")
_TABLE = re.compile(r"^X must ")


def framed(
    messages: Console, table: Table, chosen: list[Column]
) -> tuple[Frame, dict[str, str], list[str]]:
    """Return the columns as a table for the library, those that cannot be read, and notes."""
    frame, refused, taken = as_frame(chosen)
    used = [column for column in chosen if column.name in frame]
    said = [*table.notes, *shape_notes(table), *notes_on(used, constants=False), *taken]
    show_notes(messages, said)
    return frame, refused, said


def called(messages: Console, table: Table, function: Any, *args: Any, **options: Any) -> Any:
    """Call the library; an error names a row as a reader of the file would look for it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **options)
        except ValueError as error:
            text = _TABLE.sub("the table must ", _GAPS.sub("", _placed(str(error), table)))
            raise DataError(as_options(" ".join(text.split()))) from error
    # Cautions stand in the result as well.
    others = [each for each in caught if not issubclass(each.category, fastmi.EstimateWarning)]
    for text in dict.fromkeys(str(each.message) for each in others):
        render.warn(messages, text)
    return result


def note_result(
    messages: Console, table: Table, result: Any, refused: Mapping[str, str]
) -> list[str]:
    """Print what holds for the whole result, and return the notes on what was left out."""
    left = {**refused, **texts(result.left_out)}
    left = {name: _placed(why, table) for name, why in left.items()}
    notes = left_out_notes(left)
    show_notes(messages, notes)
    for caution in in_options(_notes_of(result), scaled=False):
        if caution.kind not in _SAID:
            render.remark(messages, caution, str(caution))
            notes.append(str(caution))
    return notes


def _notes_of(result: Any) -> Sequence[Caution]:
    """Return the cautions of a result as a whole."""
    own: Sequence[Caution] = getattr(result, "cautions", ())
    notes: Sequence[Caution] = getattr(result, "_notes", ())
    return [*own, *notes]


def summarise(messages: Console, cautions: Mapping[str, Sequence[Caution]]) -> None:
    """Show each kind of caution by an example, and how many columns have it."""
    found = by_kind(cautions)
    for example, names in found:
        share = f"{len(names)} of {len(cautions)} columns"
        text = f"{share}, for example {render.short_name(names[0])}: {example}"
        render.remark(messages, example, text)
    if found:
        render.note(messages, "--json lists the warnings of every column")


def test_options(permutations: str | None, fdr: Fdr, *, corrected: bool) -> dict[str, Any]:
    """Return the options of the tests; without permutations there are none."""
    count = parse_permutations(permutations, auto=True)
    if not count:
        if corrected:
            raise DataError("--corrected needs --permutations, for example --permutations auto")
        return {}
    return {"n_permutations": count, "fdr": fdr.value, "corrected": corrected}


def steps_of(what: str, count: int, options: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return what a bar counts, and how many there are; surrogates count as well."""
    if options.get("n_permutations"):
        return f"{what} and surrogates", None
    return what, count


def check_outputs(out: Path | None, plot: Path | None) -> None:
    """Raise `DataError` if the result could not be written, before any work is done."""
    if out is not None:
        check_writable(out)
    check_picture(plot)


def written(out: Path | None, write: Callable[[Path], None]) -> str:
    """Write a result and return what went wrong: what took hours is to be printed even so."""
    if out is None:
        return ""
    try:
        write(out)
    except (OSError, ValueError, MemoryError) as error:
        return f"cannot write {out}: {reason(error)}"
    return ""


def say_written(messages: Console, what: str, out: Path | None, plot: Path | None) -> None:
    """Say where the result is."""
    if out is not None:
        render.note(messages, f"{what} written to {out}")
    if plot is not None:
        render.note(messages, f"picture written to {plot}")


def rows_used(counts: Any) -> str:
    """Return how many rows the estimates are from."""
    low, high = int(min(counts)), int(max(counts))
    return f"n = {low}" if low == high else f"n = {low} to {high}"


def _placed(text: str, table: Table) -> str:
    """Return a text of the library with rows named as a reader of the file would look for them."""
    return _ROW.sub(lambda at: f"in {table.place(int(at[1]))}", text)


def reasons(refused: Mapping[str, str]) -> list[str]:
    """Return a line for each kind of reason why columns are not used."""
    return left_out_notes(refused)


def shown(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options for a document, without those that say nothing."""
    return {name: value for name, value in options.items() if value not in ("auto", False)}


def texts(named: Mapping[Any, Any]) -> dict[str, str]:
    """Return a dictionary with texts for labels and for what they have."""
    return {str(label): str(value) for label, value in named.items()}
