"""How a text file is laid out: encoding, comments, delimiter, names of the columns."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from fastmi.cli.columns import DataError
from fastmi.cli.numerals import MISSING
from fastmi.cli.sources import most_bytes

_DELIMITERS = "\t;|,"
_LINES_FOR_DELIMITER = 5
_LINES_FOR_HEADER = 20
# A million columns of text take pyarrow two minutes, and so much memory each.
_MOST_COLUMNS = 1_000_000
_BYTES_PER_COLUMN = 8000
# A mark such as #N/A at the start of a line is a cell.
_MARKS = "|".join(re.escape(mark[1:]) for mark in MISSING if mark.startswith("#"))
_COMMENT = re.compile(rf"^[ \t]*#(?!(?:{_MARKS})(?:[\t;|,\" ]|$)).*$".encode(), re.I | re.M)
_NUMBER = re.compile(
    r"\s*(?:[+-]?(?:\d+(?:[.,]\d*)*|[.,]\d+)(?:e[+-]?\d+)?\s*%?|[+-]?(?:inf|infinity|nan))\s*",
    re.I,
)
_COMMA_NUMBER = re.compile(r"[+-]?\d+(?:,\d+)?")
_YEARS = range(1800, 2101)


@dataclass(frozen=True)
class Row:
    """A row of a text file that is not blank.

    Attributes:
        line: Number of the line that it starts on, from 1.
        stop: Position of the byte after it.
        cells: Its cells.
    """

    line: int
    stop: int
    cells: list[str]


@dataclass(frozen=True)
class Layout:
    """What must be known of a text file before its cells can be read.

    Attributes:
        data: The whole file in UTF-8; lines end with line feeds, and comments are blank lines.
        delimiter: One character.
        names: Name of every column.
        start: Position of the first byte of data.
        line: Number of the line with that byte, from 1.
        width_line: Number of the line that says how many columns there are.
        unnamed_first: Whether the file gives no name for the first column and names for others.
        notes: What a user may want to know, because it could be read in another way.
    """

    data: bytes
    delimiter: str
    names: list[str]
    start: int
    line: int
    width_line: int
    unnamed_first: bool
    notes: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Yield the rows of data."""
        return _rows(self.data, self.delimiter, self.start, self.line)


def find_layout(source: str, raw: bytes, delimiter: str, header: bool | None) -> Layout:
    """Find the layout of a file.

    Args:
        source: Name of the file, for messages.
        raw: What it holds.
        delimiter: The delimiter if the name of the file says so, else "".
        header: Whether the first row holds names; None to decide by what it holds.

    Raises:
        DataError: The file is empty or no text.
    """
    data, notes = _as_utf8(source, raw)
    # The limit holds for every reader of the process, those of shorter texts too.
    csv.field_size_limit(max(len(data), csv.field_size_limit()))
    if match := re.match(rb"sep=(.)\n", data):
        # A first line that spreadsheets write for each other.
        delimiter, data = match[1].decode(), b"\n" + data[match.end() :]
        if delimiter == '"':
            raise DataError(f'{source} begins with sep=", and a quote cannot be the delimiter')
    data, comment = _without_comments(data, notes)
    _check_width(source, data)
    delimiter = delimiter or _guess_delimiter(data)
    if delimiter == " ":
        data = b"\n".join(_single_spaces(line) for line in data.split(b"\n"))
    elif re.search(re.escape(delimiter).encode() + b' +"', data):
        # A quote opens a cell only where the cell starts.
        data = re.sub(re.escape(delimiter).encode() + b' +"', delimiter.encode() + b'"', data)
    head = list(islice(_rows(data, delimiter), _LINES_FOR_HEADER))
    if not head:
        raise DataError(f"{source} is empty")
    width_line = head[0].line
    names = [cell.strip() for cell in next(csv.reader([comment], delimiter=delimiter), [])]
    if delimiter == " ":
        names = comment.split()
    if header is None and _names_rows(names, head):
        notes.append(f"the comment line '# {' '.join(names)}' was read as column names")
        start, line = 0, 1
    else:
        if header is None:
            header, remark = _is_header(head)
            notes += [remark] if remark else []
        names = [cell.strip() for cell in head[0].cells] if header else []
        start = head[0].stop if header else 0
        line = 1 + data.count(b"\n", 0, start)
        head = head[1:] if header else head
    if header and not head:
        raise DataError(f"{source} has column names and no rows")
    width = len(head[0].cells)
    if names and len(names) == width - 1:
        names = _completed(names, [row.cells for row in head], notes)
    unnamed_first = bool(names) and names[0] in {"", "Unnamed: 0"} and any(names[1:])
    names = [name or f"unnamed_{j}" for j, name in enumerate(names)] or [
        f"{j}" for j in range(width)
    ]
    return Layout(data, delimiter, names, start, line, width_line, unnamed_first, tuple(notes))


def _rows(data: bytes, delimiter: str, start: int = 0, line: int = 1) -> Iterator[Row]:
    stop = start

    def lines() -> Iterator[str]:
        nonlocal stop
        while stop < len(data):
            begin, stop = stop, data.find(b"\n", stop) + 1 or len(data)
            yield data[begin:stop].decode()

    reader = csv.reader(lines(), delimiter=delimiter, strict=False)
    before = 0
    for cells in reader:
        if cells:
            yield Row(line + before, stop, cells)
        before = reader.line_num


def _as_utf8(source: str, raw: bytes) -> tuple[bytes, list[str]]:
    notes = []
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        data = raw.decode(encoding).encode()
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise DataError(f"{source} starts as UTF-16 and is broken: {error}") from error
        try:
            data = raw.decode("cp1252").encode()
        except UnicodeDecodeError:
            raise DataError(
                f"{source} is no text in UTF-8, UTF-16 or Windows-1252: {error}"
            ) from error
        notes.append("the text is not UTF-8; it was read as Windows-1252 (Latin-1)")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if (at := data.find(b"\0")) >= 0:
        line = 1 + data.count(b"\n", 0, at)
        raise DataError(
            f"line {line} of {source} holds a NUL byte: the file is damaged, or no text"
        )
    return data, notes


def _without_comments(data: bytes, notes: list[str]) -> tuple[bytes, str]:
    """Return the data with blank lines for comments, and the last comment before the first row."""
    comments = list(_COMMENT.finditer(data)) if b"#" in data else []
    bare = _COMMENT.sub(b"", data) if comments else data
    if comments and b"\n" not in bare.strip():
        # One line would be left, the names: these are cells such as #ff0000.
        bare, comments = data, []
    name, stop = "", 0
    for comment in comments:
        if data[stop : comment.start()].strip():
            break
        stop = comment.end()
        name = comment[0].decode().strip().removeprefix("#").strip()
    if comments:
        lines = (
            "one line that starts" if len(comments) == 1 else f"{len(comments)} lines that start"
        )
        notes.append(f"{lines} with # left out as comments")
    return re.sub(rb"(?m)^ +$", b"", bare), name


def _check_width(source: str, data: bytes) -> None:
    """Raise DataError if one of the first lines has too many cells to take them apart."""
    most = min(_MOST_COLUMNS, most_bytes() // _BYTES_PER_COLUMN)
    for line in islice(_lines(data), _LINES_FOR_HEADER):
        cells = max(line.count(delimiter.encode()) for delimiter in _DELIMITERS)
        words = islice(re.finditer(rb"\S+", line), most, None)
        if cells >= most or next(words, None) is not None:
            raise DataError(
                f"a line of {source} has more than {most:,} cells; .npy and .parquet files may "
                "have as many"
            )


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines behind those that are empty; the rest of a long file is not copied."""
    empty = re.match(rb"\n+", data)
    begin = empty.end() if empty else 0
    while begin <= len(data):
        stop = data.find(b"\n", begin)
        stop = len(data) if stop < 0 else stop
        yield data[begin:stop]
        begin = stop + 1


def _guess_delimiter(data: bytes) -> str:
    """Return the delimiter that cuts the first lines into equally many cells, more than one."""
    lines = [*islice(_lines(data), 4 * _LINES_FOR_DELIMITER)]
    head = b"\n".join(lines)
    spaced = [line.decode().split() for line in lines if line.strip()][:_LINES_FOR_DELIMITER]
    aligned = _is_table(spaced)
    for delimiter in _DELIMITERS:
        rows = [row.cells for row in islice(_rows(head, delimiter), _LINES_FOR_DELIMITER)]
        if delimiter == "," and aligned and all(map(_COMMA_NUMBER.fullmatch, spaced[-1])):
            return " "  # 1,5 2,5: a comma marks decimals
        if _is_table(rows):
            return delimiter
    first = head.partition(b"\n")[0].decode()
    best = max(_DELIMITERS, key=first.count)
    if first.count(best):
        return best
    return " " if len(first.split()) > 1 else ","


def _is_table(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether rows have one width above 1; the first, a header, may lack one cell."""
    widths = {len(row) for row in rows[1:]} or {len(row) for row in rows}
    return len(widths) == 1 and min(widths) > 1 and 0 <= min(widths) - len(rows[0]) <= 1


def _single_spaces(line: bytes) -> bytes:
    if b'"' not in line:
        return b" ".join(line.split())
    return re.sub(rb'("[^"]*")|[ \t]+', lambda match: match[1] or b" ", line.strip())


def _names_rows(names: list[str], head: list[Row]) -> bool:
    """Return whether the words of a comment can be the names of the columns below it."""
    first = head[0].cells
    return (
        len(names) == len(first)
        and len(set(names)) == len(names)
        and not any(map(_NUMBER.fullmatch, names))
        and any(map(_NUMBER.fullmatch, first))
    )


def _is_header(head: list[Row]) -> tuple[bool, str]:
    """Return whether the first row holds names, and a remark if that is not obvious."""
    first = [cell.strip() for cell in head[0].cells]
    numbers = [bool(_NUMBER.fullmatch(cell)) for cell in first]
    missing = [
        not number and cell.lower() in MISSING for number, cell in zip(numbers, first, strict=True)
    ]
    if not any(numbers):
        return not all(missing), ""
    below = [row.cells for row in head[1:]]
    shown = ", ".join(first[:4]) + (", ..." if len(first) > 4 else "")
    as_names = f"the first line ({shown}) was read as column names; --no-header reads it as data"
    as_data = f"the first line ({shown}) was read as data; --header reads it as column names"
    index = first[0] in {"", "Unnamed: 0"} and len(first) > 1
    rest = first[1:] if index else first
    if all(numbers) or (index and all(numbers[1:])):
        found = (
            (index and _count([cells[0] for cells in below]))
            or _are_numbered(rest, below)
            or _are_years(rest, [cells[index:] for cells in below])
            or _stand_above_words(rest, [cells[index:] for cells in below])
        )
        return found, as_names if found else ""
    words = [not number and not lacks for number, lacks in zip(numbers, missing, strict=True)]
    if not any(words):
        return False, ""
    # Words above numbers are names; so are years beside words.
    named = any(
        word and below and all(_NUMBER.fullmatch(cells[j]) for cells in below if j < len(cells))
        for j, word in enumerate(words)
    )
    run = [cell for cell, number in zip(first, numbers, strict=True) if number]
    if _are_years(run, []) or (len(run) > 2 and _step(run) is not None):
        return True, ""
    if named:
        return True, as_names if len(run) > sum(words) else ""
    return False, as_data


def _completed(names: list[str], rows: list[list[str]], notes: list[str]) -> list[str]:
    """Return names for one column more, if it is clear which column has none."""
    if all(row[-1] == "" for row in rows):
        return [*names, ""]  # every row ends with a delimiter
    first = [row[0].strip() for row in rows]
    if _count(first) or not any(map(_NUMBER.fullmatch, first)):
        # R writes the names of the rows first, and no name above them.
        notes.append("the first line has a name less than the others: the first column has none")
        return ["", *names]
    return names


def _count(cells: list[str]) -> bool:
    """Return whether cells number the rows, from 0 or from 1."""
    return any(
        cells == [f"{i}" for i in range(start, len(cells) + start)] for start in (0, 1) if cells
    )


def _are_numbered(first: list[str], below: list[list[str]]) -> bool:
    """Return whether the cells are the names 0, 1, ... that pandas gives to columns."""
    if first != [f"{j}" for j in range(len(first))]:
        return False
    # Two columns of zeros and ones could start with 0,1 as data do.
    return len(first) > 2 or (
        len(first) == 2
        and not all(
            any(j < len(cells) and cells[j].strip() == first[j] for cells in below)
            for j in range(2)
        )
    )


def _stand_above_words(first: list[str], below: list[list[str]]) -> bool:
    """Return whether a column has a number in the first row and words in all others."""
    columns = ([cell.strip() for cell in column] for column in zip(*below, strict=False))
    return any(
        not any(_NUMBER.fullmatch(cell) or cell.lower() in MISSING for cell in column)
        for _, column in zip(first, columns, strict=False)
        if column
    )


def _are_years(first: list[str], below: list[list[str]]) -> bool:
    """Return whether the cells are years in steps that no column below goes on with."""
    if _step(first) is None or not all(int(cell) in _YEARS for cell in first):
        return False
    columns = zip(*below, strict=False)
    return not any(
        all(cell.strip().isdigit() and int(cell) in _YEARS for cell in column) for column in columns
    )


def _step(cells: list[str]) -> int | None:
    """Return the common difference of two or more whole numbers; None if there is none."""
    if len(cells) < 2 or not all(cell.isdigit() for cell in cells):
        return None
    steps = {int(after) - int(before) for before, after in pairwise(cells)}
    return steps.pop() if len(steps) == 1 and steps != {0} else None
