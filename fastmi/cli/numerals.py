"""What the cells of a column hold: numbers in one of several notations, dates or words.

Columns are arrays of pyarrow, which is passed in as `arrow`: it is imported where it is needed.
"""

import re
from dataclasses import dataclass
from types import ModuleType
from typing import Any

# Cells that stand for "no value", in lower case. Numbers such as -999 are not guessed at.
MISSING = (
    *("", "na", "n/a", "nan", "null", "none", "?", ".", "-", "--", "<na>"),
    *("#n/a", "#na", "#div/0!", "#num!", "#value!", "#ref!", "#name?", "#null!"),
)
# Those that pyarrow looks for. It builds a table of them for every column, so that all of them in
# every spelling would take 2 GB for 100,000 columns; a column with another one arrives as strings.
COMMON = ("", "NA", "nan", "NaN", "null", "NULL")

_EXPONENT = r"(?:[eE][+-]?\d+)?"
_UNREAL = r"[+-]?(?i:inf|infinity|nan)"
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[T ].*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?: .*)?|\d{1,2}:\d{2}(?::\d{2}.*)?"
)


@dataclass(frozen=True)
class Notation:
    """How numbers are written: "." marks decimals and "," groups of thousands, or the reverse."""

    decimal: str = "."

    @property
    def group(self) -> str:
        """The character between groups of three digits."""
        return "," if self.decimal == "." else "."

    @property
    def number(self) -> str:
        """Pattern of a number without groups."""
        point = re.escape(self.decimal)
        return rf"[+-]?(?:\d+(?:{point}\d*)?|{point}\d+){_EXPONENT}|{_UNREAL}"

    @property
    def grouped(self) -> str:
        """Pattern of a number with groups."""
        group, point = re.escape(self.group), re.escape(self.decimal)
        return rf"[+-]?[1-9]\d{{0,2}}(?:{group}\d{{3}})+(?:{point}\d+)?"

    @property
    def any_number(self) -> str:
        """Pattern of a number, with or without groups."""
        return f"{self.number}|{self.grouped}"

    @property
    def other(self) -> "Notation":
        """The reverse notation."""
        return Notation(self.group)


@dataclass(frozen=True)
class Reading:
    """What a column of strings holds.

    Attributes:
        form: "number", "truth", "grouped" (thousands), "other" (decimals marked by the other
            character), "either" (one of the last two), "date" or "text".
        percent: Whether every number ends with a percent sign.
        cells: The trimmed strings, null where a value is missing.
        odd: Position of the first cell that is no number; -1 if there is none.
        numbers: How many cells are plain numbers.
    """

    form: str
    percent: bool
    cells: Any
    odd: int = -1
    numbers: int = 0


def read_strings(arrow: ModuleType, strings: Any, notation: Notation) -> Reading:
    """Find the one notation in which every cell is a number, or say that there is none."""
    compute = arrow.compute
    cells = compute.utf8_trim_whitespace(strings)
    lower = compute.utf8_lower(cells)
    cells = compute.if_else(
        compute.is_in(lower, arrow.array(MISSING, type=strings.type)), None, cells
    )
    present = cells.drop_null()
    if len(present) == 0:
        return Reading("number", False, cells)

    def all_match(pattern: str, texts: Any) -> bool:
        # One cell decides in most columns of text.
        if re.fullmatch(pattern, texts[0].as_py()) is None:
            return False
        return bool(compute.all(_matches(compute, texts, pattern)).as_py())

    if all_match("(?i:true|false)", present):
        return Reading("truth", False, cells)
    percent = all_match(r".*%", present)
    bare = compute.utf8_rtrim(cells, "% ") if percent else cells
    present = bare.drop_null()
    if all_match(notation.number, present):
        return Reading("number", percent, bare)
    form = _form_with_separators(compute, all_match, present, notation)
    if form:
        return Reading(form, percent, bare)
    # The notation of most numbers shows which cells are the odd ones.
    plain = max(
        (_matches(compute, cells, each.any_number) for each in (notation, notation.other)),
        key=lambda found: compute.sum(found).as_py(),
    )
    form = "date" if _DATE.fullmatch(cells.drop_null()[0].as_py()) else "text"
    return Reading(
        form, False, cells, compute.index(plain, False).as_py(), compute.sum(plain).as_py()
    )


def as_numbers(arrow: ModuleType, reading: Reading, notation: Notation) -> Any:
    """Return the int64 or float64 numbers of a reading that is "number", "truth" or "grouped"."""
    compute = arrow.compute
    cells = reading.cells
    if reading.form == "truth":
        return compute.cast(compute.equal(compute.utf8_lower(cells), "true"), "float64")
    if reading.form == "grouped":
        cells = compute.replace_substring(cells, notation.group, "")
    if notation.decimal != ".":
        cells = compute.replace_substring(cells, notation.decimal, ".")
    # pyarrow's cast knows no plus sign.
    cells = compute.replace_substring_regex(cells, r"^\+", "")
    try:
        return compute.cast(cells, "int64")
    except arrow.ArrowInvalid:
        return compute.cast(cells, "float64")


def _form_with_separators(
    compute: ModuleType, all_match: Any, present: Any, notation: Notation
) -> str:
    separated = present.filter(compute.match_substring(present, notation.group))
    if len(separated) == 0:
        return ""
    as_groups = all_match(notation.any_number, present)
    as_decimals = all_match(notation.other.any_number, present)
    if as_groups and as_decimals:
        # 1,234 is 1234 or 1.234. A decimal mark elsewhere in the column would have decided.
        return "either"
    if as_groups:
        return "grouped"
    return "other" if as_decimals else ""


def _matches(compute: ModuleType, strings: Any, pattern: str) -> Any:
    return compute.match_substring_regex(strings, f"^(?:{pattern})$")
