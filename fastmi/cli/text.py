"""Delimited text through the CSV reader of pyarrow, with numbers in several notations."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from types import ModuleType
from typing import Any

import numpy as np

from fastmi.cli.arrow import as_column, column_of_strings, require_pyarrow
from fastmi.cli.columns import Column, DataError, Table
from fastmi.cli.layout import Layout, Row, find_layout
from fastmi.cli.numerals import COMMON, Notation, Reading, read_strings
from fastmi.cli.visible import clipped

_SHOWN_CELL = 40
# float64 holds every whole number up to 2**53, which has 16 digits.
_MANY_DIGITS = r"^\s*[+-]?\d{16,}(?:\.0*)?\s*$"


def read_text(source: str, raw: bytes, delimiter: str, header: bool | None) -> Table:
    """Read delimited text.

    Args:
        source: Name of the file, for messages.
        raw: What the file holds.
        delimiter: The delimiter if the name of the file says so, else "".
        header: Whether the first row holds names; None to decide by what it holds.

    Raises:
        DataError: The file is empty, no text, or its rows differ in length.
    """
    arrow = require_pyarrow()
    layout = find_layout(source, raw, delimiter, header)
    _check_quotes(source, layout)
    lines = _Lines(layout)

    def place(row: int) -> str:
        return f" in line {lines(row)}"

    notes = list(layout.notes)
    notation = Notation(".")
    table = _parse(arrow, source, layout, notation)
    readings = _read_strings(arrow, table, notation)
    if any(reading.form == "other" for reading in readings.values()):
        other = _parse(arrow, source, layout, notation.other)
        others = _read_strings(arrow, other, notation.other)
        if _agree(readings, others, layout.delimiter):
            table, readings, notation = other, others, notation.other
            notes.append("commas were read as decimal marks")
    groups = (
        notation.decimal == ","
        or any(map(arrow.types.is_floating, table.schema.types))
        or any(reading.form == "grouped" for reading in readings.values())
    )
    columns = []
    for j, name in enumerate(layout.names):
        if (reading := readings.get(j)) is None:
            column = as_column(arrow, name, table.column(j), place=place)
        else:
            if reading.form == "either" and groups:
                reading = Reading("grouped", reading.percent, reading.cells)
            column = column_of_strings(arrow, name, reading, notation, place)
        columns.append(column)
    typed = [j for j in range(len(columns)) if j not in readings]
    for j, example in _rounded(arrow, layout, columns, typed).items():
        problem = (
            f"whole numbers such as {example} beside fractions or beyond 64 bits, which float64 "
            "rounds"
        )
        columns[j] = Column(columns[j].name, problem=problem)
    if layout.unnamed_first and _numbers_rows(columns[0]):
        columns[0] = Column(columns[0].name, problem="the numbers of the rows (it has no name)")
    return Table(source, tuple(columns), line_of=lines, notes=tuple(notes))


@dataclass
class _Lines:
    """The line that each row starts on; the file is read again only as far as needed."""

    layout: Layout
    _starts: list[int] = field(default_factory=list)
    _rows: Iterator[Row] | None = None

    def __call__(self, row: int) -> int:
        if self._rows is None:
            self._rows = self.layout.rows()
        while len(self._starts) <= row:
            self._starts.append(next(self._rows).line)
        return self._starts[row]


def _parse(arrow: ModuleType, source: str, layout: Layout, notation: Notation) -> Any:
    """Return the cells as an arrow table with the types that pyarrow infers, names left out."""
    try:
        return _read_csv(arrow, layout, decimal_point=notation.decimal)
    except arrow.ArrowInvalid as error:
        for row in layout.rows():
            if len(row.cells) != len(layout.names):
                raise DataError(
                    f"line {row.line} of {source} has {len(row.cells)} fields; expected "
                    f"{len(layout.names)}, as in line {layout.width_line}"
                ) from error
        raise DataError(f"cannot read {source}: {error}") from error


def _read_csv(arrow: ModuleType, layout: Layout, **conversion: Any) -> Any:
    formats = arrow.csv
    size = len(layout.data) - layout.start
    return formats.read_csv(
        arrow.BufferReader(memoryview(layout.data)[layout.start :]),
        # One block for the whole file, because a row must not be longer than a block. Threads
        # would help long files little, and wide ones take twice the time with them.
        formats.ReadOptions(
            column_names=[f"{j}" for j in range(len(layout.names))],
            block_size=min(size + 1, 2**31 - 1),
            use_threads=False,
        ),
        formats.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
        formats.ConvertOptions(
            null_values=list(COMMON),
            strings_can_be_null=True,
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            **conversion,
        ),
    )


def _read_strings(arrow: ModuleType, table: Any, notation: Notation) -> dict[int, Reading]:
    """Return what the columns hold that pyarrow left as strings, by their positions."""
    return {
        j: read_strings(arrow, table.column(j).combine_chunks(), notation)
        for j, kind in enumerate(table.schema.types)
        if arrow.types.is_string(kind)
    }


def _agree(points: dict[int, Reading], commas: dict[int, Reading], delimiter: str) -> bool:
    """Return whether commas can mark decimals in the whole file.

    They cannot if a column has numbers with a point, which decimal commas make text of. Groups of
    thousands are no such numbers, unless commas stand between the cells.
    """
    groups = {"number"} if delimiter == "," else {"number", "grouped", "either"}
    return all(
        reading.form in groups
        for j, reading in commas.items()
        if j not in points or points[j].form == "number"
    )


def _rounded(
    arrow: ModuleType, layout: Layout, columns: list[Column], among: list[int]
) -> dict[int, str]:
    """Return an example from each column whose whole numbers were rounded to float64."""
    large = [
        j for j in among if not columns[j].problem and (np.abs(columns[j].values) > 2**53).any()
    ]
    if not large:
        return {}
    names = [f"{j}" for j in large]
    types = dict.fromkeys(names, arrow.string())
    # Once for all of them: the whole file is read again.
    table = _read_csv(arrow, layout, include_columns=names, column_types=types)
    examples = {}
    for j, cells in zip(large, table.columns, strict=True):
        many = cells.filter(arrow.compute.match_substring_regex(cells, _MANY_DIGITS)).to_pylist()
        if example := next(filter(_is_rounded, many), None):
            examples[j] = clipped(example.strip(), _SHOWN_CELL)
    return examples


def _is_rounded(cell: str) -> bool:
    """Return whether float64 does not hold a whole number; what is infinite is no such number."""
    value = float(cell)
    # Python takes no integers of several thousand digits, which zeros in front can make of any.
    digits = cell.partition(".")[0].strip().lstrip("+-0") or "0"
    return math.isfinite(value) and int(digits) != abs(int(value))


def _numbers_rows(column: Column) -> bool:
    """Return whether a column counts the rows, from 0 or from 1."""
    values = column.values
    return (
        not column.problem
        and values[0] in {0, 1}
        and np.array_equal(values, values[0] + np.arange(len(values)))
    )


def _check_quotes(source: str, layout: Layout) -> None:
    """Raise DataError if a quote is open at the end, because it swallows the rest of the file."""
    if layout.data.count(b'"') % 2 == 0:
        return
    begin = 1
    reader = csv.reader(StringIO(layout.data.decode()), delimiter=layout.delimiter, strict=True)
    try:
        for _ in reader:
            begin = reader.line_num + 1
    except csv.Error as error:
        # Other errors are matters of taste, which pyarrow decides.
        if "end of data" in str(error):
            raise DataError(
                f'a quote (") that opens in line {begin} of {source} is not closed'
            ) from error
