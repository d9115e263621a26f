"""What the commands show in the terminal: tables, heat colours, notes."""

import math
import os
from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

import fastmi
from fastmi._cautions import Caution, Note, by_kind
from fastmi.cli.columns import listed
from fastmi.cli.pairs import PairMatrix, in_unit
from fastmi.cli.visible import clipped, visible
from fastmi.estimators import Method

# Dark to light, so that a cell's strength also shows in greyscale; (red, green, blue).
_HEAT = (
    (28, 32, 56),
    (62, 52, 120),
    (146, 54, 124),
    (222, 92, 84),
    (248, 166, 84),
    (252, 232, 150),
)
_SHADES = " ░▒▓█"
_WIDE_CELL = 6
_NARROW_CELL = 4
_SHADE_CELL = 2
_LABEL = 24
_TITLE_NAMES = 6
_SHORT_LABEL = 6
# A name may be as long as a file.
_MOST_CHARACTERS = 5000


def console_for(stream: Literal["stdout", "stderr"]) -> Console:
    """Return the console for results (stdout) or for progress, notes and errors (stderr)."""
    console = Console(stderr=stream == "stderr", highlight=False)
    # A file or a pipe has no width of its own, and nothing may be wrapped or cut there.
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 10_000
    return console


def note(console: Console, text: str) -> None:
    """Print a remark that does not change what is computed."""
    console.print(Text.assemble(("note: ", "cyan"), _line(text)))


def warn(console: Console, text: str) -> None:
    """Print a warning about a result."""
    console.print(Text.assemble(("warning: ", "bold yellow"), _line(text)))


def remark(console: Console, caution: Caution, text: str) -> None:
    """Print `text`, about a note or a warning that a result lists, as what it is."""
    (note if isinstance(caution, Note) else warn)(console, text)


def fail(console: Console, *lines: str) -> None:
    """Print an error."""
    text = "\n".join(_line(line) for line in lines)
    console.print(Text.assemble(("error: ", "bold red"), text))


def duration(seconds: float) -> str:
    """Return `seconds` to three digits, in seconds or milliseconds."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1e3 * seconds:.3g} ms"


def show_estimates(
    console: Console, title: str, estimates: Sequence[fastmi.Estimate], unit: str
) -> None:
    """Print one row per k, or the only one of a method that has no k."""
    has_k = any(estimate.k is not None for estimate in estimates)
    table = plain_table()
    has_interval = any(estimate.interval is not None for estimate in estimates)
    headings = ["k", f"MI ({unit})", "± stderr", *(["interval"] * has_interval)]
    for heading in headings[not has_k :]:
        table.add_column(heading, justify="right")
    for estimate in estimates:
        cells = [
            Text(str(estimate.k)),
            Text(f"{in_unit(float(estimate), unit):.6f}", style="bold"),
            Text(f"{in_unit(estimate.stderr, unit):.6f}"),
        ]
        if has_interval:
            ends = [f"{in_unit(end, unit):.4f}" for end in estimate.interval or ()]
            cells.append(Text(" to ".join(ends)))
        table.add_row(*cells[not has_k :])
    console.print(Text(title, style="bold"))
    console.print(table)


def show_methods(console: Console, methods: Sequence[Method]) -> None:
    """Print name, description and kind of variables of every method, a paragraph for each kind."""
    width = max(len(method.name) for method in methods)
    for takes in dict.fromkeys(method.takes for method in methods):
        console.print(Text(f"for variables: {takes}", style="dim"))
        table = plain_table(show_header=False)
        table.add_column(style="bold", no_wrap=True, min_width=width)
        table.add_column(overflow="fold")
        for method in methods:
            if method.takes == takes:
                needs = " (needs torch)" if method.trains else ""
                table.add_row(method.name, Text(method.summary + needs))
        console.print(table)
    note(console, "fastmi methods NAME lists the options of one")


def show_options(console: Console, method: Method, options: Sequence[tuple[str, str, str]]) -> None:
    """Print flag, default and description of every option of a method, a paragraph for each."""
    console.print(Text(f"{method.name}: {method.summary}", style="bold"))
    console.print(Text(f"takes {method.takes} variables", style="dim"))
    for flag, default, description in options:
        console.print(Text.assemble((flag, "bold"), (f"  [default: {default}]", "dim")))
        console.print(Padding(Text(description), (0, 0, 0, 4), expand=False))


def show_title(console: Console, parts: Sequence[str]) -> None:
    """Print what a result is about."""
    console.print(Text(_line(", ".join(parts)), style="bold"))


def show_matrix(console: Console, matrix: PairMatrix, unit: str) -> None:
    """Print the matrix as a heat map, in the widest of three cell sizes that fits, if any does."""
    names = matrix.names
    label = _label_width(names)
    for cell in (_WIDE_CELL, _NARROW_CELL, _SHADE_CELL):
        room = console.width - cell * len(names)
        if cell == _SHADE_CELL:
            # Names are cut short before the map is given up.
            label = min(label, max(room, _index_width(names) + 1 + _SHORT_LABEL))
        if label <= room:
            console.print(_heat_table(matrix, unit, cell, label, gap=1 if label < room else 0))
            return
    text = f"{len(names)} columns do not fit this terminal; --out FILE.csv writes them all"
    console.print(Text(text, style="dim"))


def summarise_warnings(console: Console, matrix: PairMatrix) -> None:
    """Say which pairs were not ranked, and show each kind of warning by an example."""
    total = len(matrix.estimates)
    if tied := matrix.tied():
        warn(
            console,
            f"{len(tied)} of {total} pairs (marked *) are not ranked: many of their points "
            "coincide, and KSG takes points to differ. Without --noise 0 the ties are broken.",
        )
    found = by_kind({pair: matrix.estimates[pair].warnings for pair in matrix.ranked()})
    for example, pairs in found:
        i, j = pairs[0]
        remark(
            console,
            example,
            f"{len(pairs)} of {total} pairs, for example {short_name(matrix.names[i])} and "
            f"{short_name(matrix.names[j])}: {example}",
        )
    if found:
        note(console, "--json lists the warnings of every pair")


def shortened(names: Sequence[str]) -> str:
    """Return the names for a title, without most of them if they are many."""
    return listed([short_name(name) for name in names], _TITLE_NAMES)


def show_config(console: Console, config: dict[str, object]) -> None:
    """Print `fastmi.config()`, one line per entry."""
    table = plain_table(show_header=False)
    table.add_column("", style="bold", no_wrap=True)
    table.add_column("", overflow="fold")
    for key, value in config.items():
        table.add_row(key.replace("_", " "), Text(_readable(value)))
    console.print(table)


def _readable(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_readable(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_readable(item) for item in value) or "none"
    return str(value)


def _heat_table(matrix: PairMatrix, unit: str, cell: int, label_width: int, *, gap: int) -> Table:
    names = matrix.names
    largest = _largest(matrix)
    table = Table(box=None, padding=0, pad_edge=False)
    table.add_column("", no_wrap=True, min_width=label_width + gap)
    for j in range(len(names)):
        # Columns are numbered, because most names do not fit a cell; a shade fits two digits.
        heading = f"{j % 100}" if cell == _SHADE_CELL else f"{j}"
        table.add_column(_aligned(heading, cell, style="dim"), width=cell, no_wrap=True)
    for i, name in enumerate(names):
        label = Text(f"{i:>{_index_width(names)}} ", style="dim")
        shown = short_name(name, label_width - _index_width(names) - 1)
        label.append(shown, style="bold not dim")
        cells = [_heat_cell(matrix, i, j, largest, unit, cell) for j in range(len(names))]
        table.add_row(label, *cells)
    return table


def _heat_cell(matrix: PairMatrix, i: int, j: int, largest: float, unit: str, cell: int) -> Text:
    estimate = matrix.at(i, j)
    if estimate is None:
        return _aligned("·", cell, style="dim")
    value = round(in_unit(estimate.value, unit), 2) + 0.0  # never "-0.00"
    fraction = fraction_of(estimate.value, largest)
    if cell == _SHADE_CELL:
        if estimate.tied:
            return _aligned("*", cell, style="dim")
        shade = _SHADES[round(fraction * (len(_SHADES) - 1))]
        return Text(shade * cell, style=Style(color=heat(fraction)))
    if cell == _NARROW_CELL:
        # ".84", "1.2" or "12": three characters carry the size of the value.
        digits = f"{value:.2f}".replace("0.", ".", 1) if abs(value) < 0.995 else f"{value:.3g}"
        text = ("*" if estimate.tied else digits[:3].rstrip(".")).rjust(cell)
    else:
        text = f"{value:.2f}{'*' if estimate.tied else ' '}".rjust(cell)
    return Text(text, style="dim" if estimate.tied else _cell_style(fraction))


def _aligned(text: str, cell: int, *, style: str) -> Text:
    """Return `text` above the last digit of its column; a wide cell keeps a place for a *."""
    return Text(f"{text} ".rjust(cell) if cell == _WIDE_CELL else text.rjust(cell), style=style)


def _largest(matrix: PairMatrix) -> float:
    values = (matrix.estimates[pair].value for pair in matrix.ranked())
    return max(filter(math.isfinite, values), default=0.0)


def _index_width(names: Sequence[str]) -> int:
    return len(str(len(names) - 1))


def _label_width(names: Sequence[str]) -> int:
    return _index_width(names) + 1 + max(cell_len(short_name(name)) for name in names)


def plain_table(*, show_header: bool = True) -> Table:
    """Return a table without lines."""
    return Table(
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        header_style="dim",
        show_header=show_header,
    )


def short_name(name: str, width: int = _LABEL) -> str:
    """Return a name on one line that takes at most `width` places; some characters take two."""
    name = visible(" ".join(name.split()))
    return name if cell_len(name) <= width else set_cell_size(name, width - 1).rstrip() + "…"


def _line(text: str) -> str:
    """Return a message on one line, without what a terminal would obey."""
    return clipped(visible(text), _MOST_CHARACTERS)


def fraction_of(value: float, largest: float) -> float:
    """Return the share of the largest value, within [0, 1]; infinity is all of it."""
    if math.isnan(value) or largest <= 0:
        return float(value == math.inf)
    return min(1.0, max(0.0, value / largest))


def heat(fraction: float) -> str:
    """Return the colour of a fraction in [0, 1], linear between the stops of the scale."""
    position = fraction * (len(_HEAT) - 1)
    stop = min(int(position), len(_HEAT) - 2)
    weight = position - stop
    red, green, blue = (
        round((1 - weight) * low + weight * high)
        for low, high in zip(_HEAT[stop], _HEAT[stop + 1], strict=True)
    )
    return f"#{red:02x}{green:02x}{blue:02x}"


def _cell_style(fraction: float) -> Style:
    # Light text up to the middle of the scale, dark text on its light end.
    return Style(color="#f4f4f4" if fraction < 0.65 else "#181818", bgcolor=heat(fraction))
