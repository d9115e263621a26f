"""Reasons to distrust a result, and how users get to see them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar, Token
from typing import Any, Protocol, TypeVar

Name = TypeVar("Name")

_QUIET: ContextVar[bool] = ContextVar("fastmi_quiet", default=False)


class EstimateWarning(UserWarning):
    """An estimate was made, and there is a reason to distrust it."""


class Caution(str):
    """A reason to distrust a result, as one sentence.

    Attributes:
        kind: Short name of the reason, the same whatever numbers the sentence holds.
    """

    __slots__ = ("kind",)

    kind: str

    def __new__(cls, text: str, kind: str) -> Caution:
        """Make the sentence `text` of kind `kind`."""
        self = super().__new__(cls, text)
        self.kind = kind
        return self

    # That of str, which pickles its one argument, is typed as a tuple of one.
    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.kind


class Note(Caution):
    """What was done to the samples so that the result is right: listed, and not issued."""

    __slots__ = ()


def constant_caution(name: str) -> Caution:
    """Return the caution about a variable all of whose samples are the same."""
    text = f"{name} is constant, and the estimate says nothing about dependence: leave it out"
    return Caution(text, "constant")


def by_kind(cautions: Mapping[Name, Sequence[Caution]]) -> list[tuple[Caution, list[Name]]]:
    """Return an example of each kind of caution, and the names of all that have one of it.

    The example is that of the first name.

    Args:
        cautions: Those of each of many things, by name.
    """
    found: dict[str, tuple[Caution, list[Name]]] = {}
    for name, own in cautions.items():
        for kind, caution in {each.kind: each for each in own}.items():
            found.setdefault(kind, (caution, []))[1].append(name)
    return list(found.values())


class HasWarnings(Protocol):
    """A result that lists its reasons for distrust."""

    @property
    def warnings(self) -> tuple[Caution, ...]:
        """The reasons."""


Results = TypeVar("Results", bound="HasWarnings | list[Any]")


class quiet:
    """Context in which :func:`announce` is silent, for a function that makes many estimates."""

    __slots__ = ("_token",)

    _token: Token[bool]

    def __enter__(self) -> None:
        self._token = _QUIET.set(True)

    def __exit__(self, *_: object) -> None:
        _QUIET.reset(self._token)


def is_quiet() -> bool:
    """Return whether the caller is inside a :class:`quiet` block."""
    return _QUIET.get()


def announce(result: Results) -> Results:
    """Issue the warnings of a result, or of a list of them, and return it.

    Each kind is issued once, as an :class:`EstimateWarning` at the line that called fastmi.
    """
    if _QUIET.get():
        return result
    results = result if isinstance(result, list) else (result,)
    for one in results:
        if one.warnings:
            say(caution for each in results for caution in each.warnings)
            break
    return result


def say(cautions: Iterable[Caution]) -> None:
    """Issue the first of the cautions of each kind as an :class:`EstimateWarning`; no notes."""
    if _QUIET.get():
        return
    first: dict[str, Caution] = {}
    for caution in cautions:
        if isinstance(caution, Note):
            continue
        first.setdefault(caution.kind, caution)
    level = _outside()
    for caution in first.values():
        warnings.warn(str(caution), EstimateWarning, stacklevel=level)


def _outside() -> int:
    """Return the stack level of the caller that is not in this package, for ``warnings.warn``."""
    package = __name__.partition(".")[0]
    level = 1  # that of say(), which issues the warning
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] != package:
            break
        frame = frame.f_back
        level += 1
    return level
