"""Loads optional packages on first use; an error names the extra that installs them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

# True shows a bar; "auto" shows one to a person who waits; a function is called after each step.
Progress: TypeAlias = "bool | str | Callable[[], object]"
# Seconds before a bar that nobody asked for appears.
_DELAY = 1.0


def load(module: str, *, extra: str, needed_by: str) -> Any:
    """Return the module called `module`.

    Args:
        module: Name to import.
        extra: The extra of fastmi that installs it.
        needed_by: What the user asked for, as it reads in a message: "method='mine'".

    Raises:
        ImportError: The module is not installed, or fails to load.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{needed_by} needs {package}: pip install 'fastmi[{extra}]' ({error})"
        ) from error


@lru_cache
def is_installed(module: str) -> bool:
    """Return whether `module` is there to import, without importing it."""
    return find_spec(module) is not None


class ProgressBar:
    """A context manager that reports steps to a tqdm bar, to a user's function or to nobody.

    Args:
        progress: True for a bar, False for nothing, or a function called once a step. "auto" is a
            bar after a second, where stderr is a terminal and tqdm is installed.
        total: Number of steps.
        what: Label of the bar.

    Raises:
        ImportError: A bar was asked for and tqdm is not installed.
        TypeError: `progress` is neither a bool nor callable.
    """

    def __init__(self, progress: Progress, total: int, what: str) -> None:
        self._call: Callable[[], object] | None = None
        self._bar: Any = None
        if callable(progress):
            self._call = progress
        elif progress == "auto":
            if is_installed("tqdm") and sys.stderr is not None and sys.stderr.isatty():
                tqdm = load("tqdm", extra="progress", needed_by="progress='auto'")
                self._bar = tqdm.tqdm(total=total, desc=what, delay=_DELAY, leave=False)
        elif not isinstance(progress, bool):
            raise TypeError(
                f"progress must be True, False or a function; "
                f"got {progress!r} ({type(progress).__name__})"
            )
        elif progress:
            tqdm = load("tqdm", extra="progress", needed_by="progress=True")
            self._bar = tqdm.tqdm(total=total, desc=what)

    def advance(self) -> None:
        """Count one step; may be called from any thread."""
        if self._call is not None:
            self._call()
        elif self._bar is not None:
            self._bar.update()

    def show(self, **values: object) -> None:
        """Write values, for example a running estimate, behind the bar."""
        if self._bar is not None:
            self._bar.set_postfix(values, refresh=False)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
