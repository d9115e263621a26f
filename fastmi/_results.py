"""What results that are tables share: records, data frames, HTML and equality."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from fastmi._extras import load

#: Rows that a notebook shows of a long table, half of them from its end.
_SHOWN = 20


class Table:
    """A result with a row for each of the things it is about.

    A subclass is a frozen dataclass made with ``eq=False``, which has `_rows` and `_about`.
    """

    def _rows(self) -> dict[str, Sequence[Any]]:
        """Return the columns of the table by name, all of one length."""
        raise NotImplementedError

    def _about(self) -> dict[str, Any]:
        """Return what holds for the whole table, by name."""
        raise NotImplementedError

    def _library(self) -> str:
        """Return the name of the library of its data frames, "pandas" or "polars"."""
        return "pandas"

    def to_frame(self) -> Any:
        """Return the table as a data frame with one row for each entry.

        It is a frame of polars where the samples were one, else of pandas.

        Raises:
            ImportError: The library is not installed.
        """
        library = self._library()
        module = load(library, extra=library, needed_by="to_frame()")
        return module.DataFrame({name: list(column) for name, column in self._rows().items()})

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values: what holds for all, and ``rows``, a list."""
        rows = self._rows()
        columns = [[plain(value) for value in column] for column in rows.values()]
        listed = [dict(zip(rows, row, strict=True)) for row in zip(*columns, strict=True)]
        return {**{name: plain(value) for name, value in self._about().items()}, "rows": listed}

    def _repr_html_(self) -> str:
        rows = self._rows()
        count = len(next(iter(rows.values())))
        shown = list(range(count))
        if count > _SHOWN:
            shown = [*shown[: _SHOWN // 2], -1, *shown[-_SHOWN // 2 :]]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in rows)
        body = "".join(
            "<tr>"
            + "".join(
                f"<td>{'...' if row < 0 else html.escape(_short(column[row]))}</td>"
                for column in rows.values()
            )
            + "</tr>"
            for row in shown
        )
        about = ", ".join(f"{name}: {_short(value)}" for name, value in self._about().items())
        return (
            f"<table><caption>{html.escape(about)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        compared = [each.name for each in fields(self) if each.compare]  # type: ignore[arg-type]
        return all(_same(getattr(self, name), getattr(other, name)) for name in compared)

    __hash__ = None  # type: ignore[assignment]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: no arrays, no NumPy numbers, None in the place of NaN."""
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        # Estimates are floats of a class of their own.
        return float(value) if math.isfinite(value) else None
    return str(value)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{float(value):.4g}"
    return str(value)


def _same(a: Any, b: Any) -> bool:
    """Return whether two fields are equal; NaN equals NaN."""
    if hasattr(a, "equals") and type(a) is type(b):  # a data frame
        return bool(a.equals(b))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        floats = a.dtype.kind == b.dtype.kind == "f"
        return bool(np.array_equal(a, b, equal_nan=floats))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    return bool(a == b)
