"""What surrounds the work of a command: messages, errors in one line, progress, pictures."""

import importlib
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import fastmi
from fastmi.cli import render
from fastmi.cli.columns import DataError
from fastmi.cli.notes import as_options
from fastmi.cli.output import check_replaceable, replacing
from fastmi.cli.samples import Samples
from fastmi.cli.visible import reason

_PICTURES = (".png", ".svg", ".pdf")
# Dots in an inch of a PNG file: enough for print, and for screens of two pixels to a point.
_RESOLUTION = 200


@contextmanager
def reported_errors() -> Iterator[Console]:
    """Yield the console for messages; print an error in the data or options and exit with 1."""
    messages = render.console_for("stderr")
    try:
        yield messages
    except DataError as error:
        render.fail(messages, *error.lines)
        raise typer.Exit(error.code) from error
    except (ImportError, OSError, TypeError, ValueError) as error:
        render.fail(messages, as_options(" ".join(str(error).split())))
        raise typer.Exit(1) from error
    except (ArithmeticError, MemoryError, RuntimeError) as error:
        render.fail(messages, reason(error))
        raise typer.Exit(1) from error


@contextmanager
def shown_warnings(messages: Console) -> Iterator[None]:
    """Show warnings of Python as the other messages are, and leave those out that results hold."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    others = [each for each in caught if not issubclass(each.category, fastmi.EstimateWarning)]
    for text in dict.fromkeys(str(each.message) for each in others):
        render.warn(messages, text)


@contextmanager
def progress_of(messages: Console, what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each step; a terminal shows a bar of them.

    `total` is None where nobody knows how many steps there are: tests end early.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=messages,
        transient=True,
        disable=not messages.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def show_notes(messages: Console, notes: list[str]) -> None:
    """Print remarks on how the data were taken."""
    for text in notes:
        render.note(messages, text)


def note_samples(messages: Console, samples: Samples) -> list[str]:
    """Print what was done to get samples from columns, and return it."""
    notes = [samples.describe_dropped()] if samples.dropped else []
    notes += [samples.describe_rounded()] if samples.rounded else []
    show_notes(messages, notes)
    return notes


def given(**options: Any) -> dict[str, Any]:
    """Return the options that the user gave, because not every method has them all."""
    return {name: value for name, value in options.items() if value is not None}


def check_picture(path: Path | None) -> None:
    """Raise `DataError` if no picture could be written to `path`, before any work is done."""
    if path is None:
        return
    if path.suffix.lower() not in _PICTURES:
        raise DataError(f"--plot must end in {', '.join(_PICTURES)}; got {path.name}")
    if not path.parent.is_dir():
        raise DataError(f"--plot: there is no folder {path.parent}")
    try:
        # A command has no window: pictures are drawn without one.
        importlib.import_module("matplotlib").use("agg")
    except ImportError as error:
        raise DataError("--plot needs matplotlib: pip install 'fastmi[plot]'") from error
    try:
        check_replaceable(path)
    except OSError as error:
        raise DataError(f"--plot: cannot write {path}: {reason(error)}") from error


def draw(function: str, make: Callable[[], Any], path: Path | None, **options: Any) -> str:
    """Write the picture that a function of `fastmi.plot` makes of the result that `make` returns.

    Returns:
        What went wrong, so that the result is shown even so.
    """
    if path is None:
        return ""
    try:
        figure = getattr(fastmi.plot, function)(make(), **options).figure
        content = io.BytesIO()
        kind = path.suffix.lower().removeprefix(".")
        figure.savefig(content, format=kind, dpi=_RESOLUTION, bbox_inches="tight")
        with replacing(path) as file:
            file.write(content.getvalue())
    except (OSError, ValueError, TypeError, MemoryError, RuntimeError) as error:
        return f"cannot write {path}: {reason(error)}"
    return ""


def end_with(messages: Console, *failures: str) -> None:
    """Print what could not be written, and exit with 1 if there is anything."""
    found = [failure for failure in failures if failure]
    for failure in found:
        render.fail(messages, failure)
    if found:
        raise typer.Exit(1)
