"""The process around the commands: its streams, its exit code and what stops it."""

import io
import os
import sys
from typing import Any

import typer

from fastmi.cli.visible import reason, visible

# The base of the errors in what a user types; typer does not export it.
_UsageError: Any = typer.BadParameter.__base__


def run(app: typer.Typer) -> int:
    """Run the command and return its exit code; whatever goes wrong makes one line on stderr."""
    if sys.stdout is None:
        return _fail("standard output is closed; >/dev/null throws results away")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of columns and files may have characters that the terminal's encoding lacks.
            stream.reconfigure(errors="backslashreplace")
    try:
        code: int = app(standalone_mode=False) or 0
        sys.stdout.flush()
    except _UsageError as error:
        error.message = visible(error.message)
        text = io.StringIO()
        error.show(text)
        _say("\n".join(visible(line) for line in text.getvalue().splitlines()))
        return int(error.exit_code)
    except OSError as error:
        _throw_away(1)
        return _fail(f"cannot write to standard output: {reason(error)}")
    return code


def _fail(text: str) -> int:
    _say(f"error: {text}")
    return 1


def _say(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:  # full or closed as well: the exit code has to say it
        _throw_away(2)


def _throw_away(descriptor: int) -> None:
    """Drop what a stream could not write: Python would try it again at its end, and report that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
