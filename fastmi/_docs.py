"""Descriptions of options that many classes and functions share, written once and inserted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from inspect import cleandoc, signature
from textwrap import fill
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

# One entry of a section: its name, and the lines that are indented more than the name.
_ENTRY = re.compile(r"^ {4}\*{0,2}(?P<name>\w+): .*\n?(?:(?: {5,}.*)?\n)*", re.MULTILINE)
_WIDTH = 100

#: What an option means wherever it occurs.
OPTIONS: Mapping[str, str] = {
    "k": "Number of neighbours. A small k gives little bias and much scatter. A sequence of "
    "numbers gives a list of results from one search.",
    "metric": 'Distance inside each variable, "chebyshev" or "euclidean"; across variables it is '
    "the maximum.",
    "algorithm": 'Neighbour search: "auto", "tree", "brute", or "sort" where each variable is one '
    "column. The counts are the same, the time differs.",
    "n_jobs": "Number of threads. None or -1 stands for ``OMP_NUM_THREADS`` if that is set, else "
    "for every core that the process may use.",
    "noise": "None, the default, separates equal values where it matters: where more than 1 % of "
    "the samples have neighbours at the same distance as the k-th, each column gets noise of 1e-10 "
    "of its spread, and a warning says so. Other samples stay as they are. A number adds ``noise * "
    "sd(column) * U(-1/2, 1/2)`` to each column in any case; 0 adds none.",
    "seed": "Seed of the noise; any value that :func:`numpy.random.default_rng` accepts. With the "
    "default noise, None stands for a fixed seed.",
    "device": '"auto" works where the samples are; "cpu", "cuda" or "cuda:<index>" names a device, '
    "to which NumPy arrays are copied once. Arrays on a GPU are used where they lie, see "
    "docs/gpu.md.",
    "normalize": 'None, or how to scale each variable by itself: "local", "global", "global-linf", '
    '"global-corrected", "rank" or "copula", see :mod:`fastmi.normalize`.',
    "error": 'None, or "half", which makes ``stderr`` the standard deviation of estimates from 40 '
    "random halves of the samples. It is right where ``std(local) / sqrt(n)`` is 5 to 35 % too "
    "small, and takes the time of 40 estimates from n / 2 samples. `seed` draws the halves, which "
    "are the same in each call without one. Networks are trained 40 times more.",
    "theiler": "Samples with ``|i - j| <= theiler`` are left out of the neighbours and counts of "
    "sample i, because what is near in time is near anyway. n stays in the formula, as in JIDT, "
    "which adds about ``2 theiler / n`` nats. Above 0 the time is O(n^2), and the algorithm must "
    'be "auto" or "brute".',
    "progress": "True shows a bar, which needs tqdm; a function is called after each step.",
}


def complete(
    text: str,
    names: Iterable[str],
    sources: Iterable[str] = (),
    texts: Mapping[str, str] | None = None,
) -> str:
    """Return a docstring whose ``Args:`` section describes all of `names`.

    What the section lacks is taken from the first of `sources` that has it, then from
    :data:`OPTIONS`. A ``Raises:`` section that is missing is that of the first source with one.

    Args:
        text: Docstring in Google style. The result has no indentation of the source, which
            Python 3.13 and newer remove from docstrings by themselves.
        names: Options in the order of the section; those that nothing describes are left out.
        sources: Docstrings of base classes, nearest first.
        texts: Descriptions by name, used before those of :data:`OPTIONS`.
    """
    sources = list(sources)
    head, sections = _split(text)
    entries: dict[str, str] = {}
    for lines in [
        sections.get("Args", ""),
        *(_split(source)[1].get("Args", "") for source in sources),
    ]:
        for entry in _ENTRY.finditer(lines):
            entries.setdefault(entry["name"], entry[0].rstrip() + "\n")
    known = {**OPTIONS, **(texts or {})}
    described = []
    for name in names:
        if name in entries:
            described.append(entries[name])
        elif name in known:
            described.append(_filled(name, known[name]))
    raises = [_split(source)[1].get("Raises", "") for source in sources]
    sections["Args"] = "".join(described)
    sections.setdefault("Raises", next(filter(None, raises), ""))
    order = ("Args", *(title for title in sections if title not in ("Args", "Raises")), "Raises")
    parts = [f"{title}:\n{sections[title].rstrip()}" for title in order if sections[title]]
    return "\n\n".join([head, *parts])


def descriptions(text: str) -> dict[str, str]:
    """Return the description of each option in the ``Args:`` section of a docstring."""
    entries = _ENTRY.finditer(_split(text)[1].get("Args", ""))
    return {entry["name"]: " ".join(entry[0].split()).partition(": ")[2] for entry in entries}


def _split(text: str) -> tuple[str, dict[str, str]]:
    """Return what stands above the sections of a docstring, and the lines of each by its title."""
    head, *rest = re.split(
        r"^(Args|Attributes|Returns|Raises|Warns):\n", cleandoc(text) + "\n", flags=re.MULTILINE
    )
    return head.rstrip(), dict(zip(rest[::2], rest[1::2], strict=True))


@cache
def _filled(name: str, description: str) -> str:
    """Return the entry of an option, each line of the description filled by itself.

    Functions share most of their options, and filling takes a tenth of the time of an import.
    """
    first, *rest = description.split("\n")
    lines = [(f"{name}: {first}", 4), *((line, 8) for line in rest)]
    return "".join(
        fill(
            line,
            _WIDTH,
            initial_indent=" " * indent,
            subsequent_indent=" " * (10 if line.startswith("- ") else 8),
            break_long_words=False,
            break_on_hyphens=False,
        )
        + "\n"
        for line, indent in lines
    )


def describes_options(**texts: str) -> Callable[[_Function], _Function]:
    """Return a decorator that inserts what the docstring of a function leaves out.

    Args:
        **texts: Descriptions of options by name, used before those of :data:`OPTIONS`.
    """

    def decorate(function: _Function) -> _Function:
        if function.__doc__:  # None with python -OO
            names = signature(function).parameters
            function.__doc__ = complete(function.__doc__, names, texts=texts)
        return function

    return decorate
