"""Long experiments cell by cell: each result is appended to a CSV file, and found there again."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fastmi._extras import ProgressBar

Row = dict[str, object]


def run(
    path: Path,
    cells: Sequence[Mapping[str, object]],
    measure: Callable[..., Mapping[str, object]],
    *,
    fresh: bool,
) -> list[dict[str, str]]:
    """Return one row per cell: its own columns and those that ``measure(**cell)`` gives.

    Args:
        path: CSV file; cells whose row it holds already are not measured again.
        cells: Values of the columns that tell a row from others.
        measure: Gives the other columns, always the same ones.
        fresh: Whether to start from an empty file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if fresh:
        path.unlink(missing_ok=True)
    known = {}
    if path.exists():
        with path.open(newline="") as file:
            known = {_key(row, cells[0]): row for row in csv.DictReader(file)}
    with ProgressBar(True, len(cells), path.stem) as bar:
        for cell in cells:
            if _key(cell, cell) not in known:
                row = {**cell, **measure(**cell)}
                _append(path, row)
                known[_key(cell, cell)] = {name: str(value) for name, value in row.items()}
            bar.advance()
    return [known[_key(cell, cell)] for cell in cells]


def table(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> str:
    """Return rows as a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    lines += ["| " + " | ".join(row[column] for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _key(row: Mapping[str, object], cell: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in cell)


def _append(path: Path, row: Mapping[str, object]) -> None:
    exists = path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if not exists:
            writer.writeheader()
        writer.writerow(row)
