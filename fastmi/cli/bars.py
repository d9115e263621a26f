"""Ranked values in the terminal: a line for each, with its error, its tests and a bar."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from fastmi.cli.pairs import PairMatrix, in_unit
from fastmi.cli.render import fraction_of, heat, plain_table, short_name

_NAME = 24
_SHORT_NAME = 8
_BAR = 24
_SHORT_BAR = 8
_GAP = 2
_HEADINGS = {
    "p_value": "p",
    "q_value": "q",
    "p_corrected": "p (all)",
    "band": "band",
}
# Of these the less telling ones give way first on a narrow terminal.
_LESS = ("band", "p_value", "p_corrected", "normalized")
_LEVEL = 0.05


@dataclass(frozen=True)
class Bar:
    """One line.

    Attributes:
        names: One name, or those of a pair.
        value: In nats.
        stderr: In nats.
        tests: P-values and the like, by the names that results give them.
        about: Words on how the value was obtained.
    """

    names: tuple[str, ...]
    value: float
    stderr: float
    tests: Mapping[str, float] = field(default_factory=dict)
    about: tuple[str, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether there is a test of all values together, or else of this one, and it fails."""
        for name in ("p_corrected", "q_value", "p_value"):
            if name in self.tests:
                return not self.tests[name] <= _LEVEL
        return False


@dataclass(frozen=True)
class Headings:
    """What stands above the columns: of the names, the value, the normalised form, the words."""

    names: str
    value: str = "MI"
    normalized: str = "normalized"
    about: tuple[str, ...] = ()


def show_bars(
    console: Console,
    headings: Headings,
    bars: Sequence[Bar],
    unit: str,
) -> None:
    """Print a line for each value, with as many columns as the terminal has room for."""
    # A bar of full length ends where the largest value with its error does.
    ends = [bar.value + (bar.stderr if math.isfinite(bar.stderr) else 0.0) for bar in bars]
    largest = max(filter(math.isfinite, ends), default=0.0)
    tests = list(bars[0].tests) if bars else []
    numbers = {
        f"{headings.value} ({unit})": [f"{in_unit(bar.value, unit):.3f}" for bar in bars],
        "± stderr": [f"{in_unit(bar.stderr, unit):.3f}" for bar in bars],
    }
    for name in tests:
        heading = headings.normalized if name == "normalized" else _HEADINGS[name]
        numbers[heading] = [_test(name, bar.tests[name], unit) for bar in bars]
    given_way = [
        headings.normalized if name == "normalized" else _HEADINGS[name]
        for name in _LESS
        if name in tests and len(tests) > 1
    ]
    layout = _Layout(console.width, headings, bars, numbers)
    layout.fit(given_way)
    table = plain_table()
    table.add_column(headings.names, overflow="fold", no_wrap=False)
    if not layout.stacked and layout.pairs:
        table.add_column("", overflow="fold")
    for heading in layout.numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    if layout.bar:
        table.add_column("", no_wrap=True)
    for heading in layout.about:
        table.add_column(heading, no_wrap=True)
    for at, bar in enumerate(bars):
        names = [short_name(name, layout.name) for name in bar.names]
        joined = [Text("\n  ".join(names))] if layout.stacked else [Text(name) for name in names]
        dim = "dim" if bar.doubtful else ""
        cells = [*joined]
        for place, column in enumerate(layout.numbers.values()):
            cells.append(Text(column[at], style=dim or ("bold" if place == 0 else "")))
        if layout.bar:
            cells.append(_drawn(bar, largest, layout.bar))
        cells += [Text(bar.about[place], style="dim") for place in range(len(layout.about))]
        table.add_row(*cells)
    console.print(table)


def show_strongest(
    console: Console, matrix: PairMatrix, count: int, unit: str, normalized: str | None = None
) -> None:
    """Print the `count` pairs of largest MI with their tests and bars."""
    bars = []
    for pair in matrix.ranked()[:count]:
        found = matrix.estimates[pair]
        names = (matrix.names[pair[0]], matrix.names[pair[1]])
        bars.append(Bar(names, found.value, found.stderr, found.tests))
    headings = Headings("strongest pairs", normalized=normalized or "")
    show_bars(console, headings, bars, unit)


class _Layout:
    """Which columns fit the terminal.

    Attributes:
        name: Most places that a name takes.
        pairs: Whether lines are of two names.
        stacked: Whether the names of a pair stand below each other.
        numbers: Columns of numbers by their headings.
        about: Headings of the words that are shown.
        bar: Length of the longest bar, 0 for none.
    """

    def __init__(
        self,
        width: int,
        headings: Headings,
        bars: Sequence[Bar],
        numbers: dict[str, list[str]],
    ) -> None:
        self._width = width
        self._heading = cell_len(headings.names)
        self._bars = bars
        self.pairs = any(len(bar.names) > 1 for bar in bars)
        self.name = 2 * _NAME
        self.stacked = False
        self.numbers = dict(numbers)
        self.about = headings.about
        self.bar = 0

    def fit(self, given_way: Sequence[str]) -> None:
        """Leave out what does not fit: words, bars, names side by side, `given_way`, long names."""
        if self._room() < _SHORT_BAR + _GAP:
            self.about = ()
        if self._room() < 0 and self.pairs:
            self.stacked = True
        for heading in given_way:
            if self._room() < 0:
                del self.numbers[heading]
        if self._room() < 0:
            self.name = max(_SHORT_NAME, self.name_width() + self._room())
        room = self._room() - _GAP
        self.bar = min(_BAR, room) if room >= _SHORT_BAR else 0

    def name_width(self) -> int:
        """Return how many places the longest name takes."""
        return max(
            (cell_len(short_name(n, self.name)) for b in self._bars for n in b.names), default=0
        )

    def _room(self) -> int:
        """Return the places that are left beside the columns."""
        names = [
            max((cell_len(short_name(bar.names[at], self.name)) for bar in self._bars), default=0)
            for at in range(2 if self.pairs else 1)
        ]
        if self.stacked:
            taken = max(names[0], names[1] + 2, self._heading)
        else:
            taken = max(names[0], self._heading) + sum(_GAP + name for name in names[1:])
        for heading, column in self.numbers.items():
            taken += _GAP + max([cell_len(heading), *map(len, column)])
        for place, heading in enumerate(self.about):
            words = [cell_len(bar.about[place]) for bar in self._bars]
            taken += _GAP + max([cell_len(heading), *words])
        return self._width - taken


def _test(name: str, value: float, unit: str) -> str:
    if math.isnan(value):
        return "-"
    if name == "band":
        return f"{in_unit(value, unit):.3f}"
    return f"{value:.3f}" if name == "normalized" else f"{value:.2g}"


def _drawn(bar: Bar, largest: float, width: int) -> Text:
    """Return a bar up to the value, and a thin line of the length of its error behind it."""
    fraction = fraction_of(bar.value, largest)
    length = round(width * fraction)
    error = 0.0 if math.isnan(bar.stderr) else bar.stderr
    end = round(width * fraction_of(bar.value + error, largest))
    # The ends of the scale would vanish on a black or on a white terminal.
    style = Style(dim=True) if bar.doubtful else Style(color=heat(0.3 + 0.45 * fraction))
    text = Text("━" * length, style=style)
    return text.append("─" * (end - length), style="dim")
