"""Help of the commands: purpose, examples, options in groups."""

import shutil
import textwrap
from typing import Any

from typer.core import TyperCommand, TyperGroup

# Help is at least 50 characters wide unless it is told the width of the terminal.
WIDTH = max(30, min(shutil.get_terminal_size().columns, 82) - 2)

#: Headings of the groups of options.
DATA = "Data"
ESTIMATE = "Estimate"
SIGNIFICANCE = "Significance"
OUTPUT = "Output"
_ORDER = (DATA, ESTIMATE, SIGNIFICANCE, OUTPUT)

TOUR = (
    ("fastmi rank data.csv --target outcome", "which columns tell most about one of them"),
    ("fastmi matrix data.csv --plot map.png", "which columns depend on which"),
    ("fastmi test data.csv --x dose --y effect --given age", "is this dependence more than chance"),
    ("fastmi lag series.csv --x rain --y flow --max-lag 48", "after how long"),
    ("fastmi te series.csv --max-lag 5", "which series drives which"),
)


class Command(TyperCommand):
    """A command whose help has its examples before its options, and these under headings.

    The examples are the lines of the epilogue. Typer has such headings for its coloured help alone,
    which cuts long texts on narrow terminals.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the examples and the options, each group under its heading."""
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.splitlines():
                    _write(formatter, line)
        groups: dict[str, list[tuple[str, str]]] = {heading: [] for heading in _ORDER}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                # Arguments are the data; --help itself has no heading.
                heading = DATA if param.param_type_name == "argument" else OUTPUT
                heading = getattr(param, "rich_help_panel", None) or heading
                groups.setdefault(heading, []).append(record)
        for heading, records in groups.items():
            if records:
                with formatter.section(heading):
                    # Long flags have a line of their own where their texts need the room.
                    formatter.write_dl(records, col_max=min(30, formatter.width // 3))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write nothing: the examples stand before the options."""


class Commands(TyperGroup):
    """The commands, with a tour of the most useful ones before their list."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the tour, the commands and the options."""
        with formatter.section("Tour"):
            for command, question in TOUR:
                _write(formatter, command)
                _write(formatter, question, indent=4)
        self.format_commands(ctx, formatter)
        records = [param.get_help_record(ctx) for param in self.get_params(ctx)]
        with formatter.section("Options"):
            formatter.write_dl([record for record in records if record is not None])


def _write(formatter: Any, line: str, *, indent: int = 0) -> None:
    """Write a line, broken between words where the terminal is narrow."""
    start = " " * (formatter.current_indent + indent)
    width = max(formatter.width, len(start) + 20)
    broken = textwrap.wrap(
        line,
        width,
        initial_indent=start,
        subsequent_indent=start + "    ",
        break_on_hyphens=False,
    )
    formatter.write("\n".join(broken) + "\n")
