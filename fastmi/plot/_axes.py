"""What all pictures share: new figures, text that is shown as it is, colours and units."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Note
from fastmi._checks import check_choice
from fastmi._extras import load

# Colours of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/), which colour-blind people can
# tell apart. Blue is much darker than the grey, so that they differ without colours, too.
BLUE = "#0072B2"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
GREY = "#B8B8B8"

# Characters per em of the usual sans-serif fonts, and points of an inch.
_CHARACTER = 0.58
_POINTS = 72.0
# Names longer than this are cut in their middle: beginnings and ends tell names apart.
LONGEST = 28

# These two join letters in Persian, in the scripts of India and in emoji.
_JOINERS = "\u200c\u200d"

_UNITS = {"nats": 1.0, "bits": 1.0 / math.log(2.0)}
_TEX = re.compile(r"[#$%&_{}~^\\]")


def new_axes(width: float, height: float) -> Any:
    """Return the Axes of a new figure of pyplot, in inches, that keeps room for labels."""
    pyplot = load("matplotlib.pyplot", extra="plot", needed_by="plot()")
    return pyplot.figure(figsize=(width, height), layout="constrained").subplots()


def check_axes(ax: object) -> None:
    """Raise an error unless `ax` is None or Axes.

    Raises:
        TypeError: `ax` is something else.
        ImportError: matplotlib is not installed.
    """
    axes = load("matplotlib.axes", extra="plot", needed_by="plot()").Axes
    if not (ax is None or isinstance(ax, axes)):
        several = ": pick one, for example ax[0]" if isinstance(ax, np.ndarray | list) else ""
        raise TypeError(f"ax must be Axes of matplotlib or None; got {type(ax).__name__}{several}")


def field_of(result: object, name: str, function: str, made_by: str) -> Any:
    """Return an attribute of a result.

    Raises:
        TypeError: The result has no such attribute.
    """
    try:
        return getattr(result, name)
    except AttributeError:
        raise TypeError(
            f"plot.{function}() needs what {made_by} returns; got {type(result).__name__}, "
            f"which has no {name!r}"
        ) from None


def factor_of(unit: str) -> float:
    """Return the number by which nats are multiplied."""
    check_choice("unit", unit, _UNITS)
    return _UNITS[unit]


def colour_map(name: str) -> Any:
    """Return a colour map of matplotlib by its name.

    Raises:
        TypeError: `name` is not a string.
        ValueError: There is no such colour map.
    """
    if not isinstance(name, str):
        raise TypeError(f"cmap must be a string; got cmap={name!r} ({type(name).__name__})")
    maps = load("matplotlib", extra="plot", needed_by="plot()").colormaps
    if name not in maps:
        raise ValueError(
            "cmap must be the name of a colour map of matplotlib, for example 'viridis'; "
            f"got cmap={name!r}"
        )
    return maps[name]


def floats(values: object) -> NDArray[np.float64]:
    """Return values as an array, also those of a list of estimates."""
    return np.array(values, dtype=np.float64)


def ink(ax: Any) -> Any:
    """Return the colour of text, in which reference lines are seen on dark backgrounds, too."""
    return ax.xaxis.label.get_color()


def literal(text: str) -> str:
    """Return text that matplotlib shows as it is: a dollar sign is no beginning of a formula."""
    if load("matplotlib", extra="plot", needed_by="plot()").rcParams["text.usetex"]:
        return _TEX.sub(lambda found: _of_tex(found.group()), text)
    return text.replace("$", r"\$")


def _of_tex(character: str) -> str:
    special = {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
    return special.get(character, f"\\{character}")


def short(label: Hashable, longest: int = LONGEST) -> str:
    """Return the name of a column on one line, with an ellipsis in the middle if it is long.

    What no font shows, and no SVG file may hold, is escaped.
    """
    text = "".join(map(_shown, " ".join(str(label).split())))
    if len(text) <= longest:
        return text
    kept = longest - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode()


def names_of(labels: Sequence[Hashable], longest: int = LONGEST) -> list[str]:
    """Return names of columns to be drawn."""
    return [literal(short(label, longest)) for label in labels]


def width_of(texts: Sequence[str], points: float) -> float:
    """Return about how wide the longest text is, in inches."""
    return max(map(len, texts), default=0) * _CHARACTER * points / _POINTS


def inches(ax: Any) -> tuple[float, float]:
    """Return the width and height of Axes in inches, before labels have taken theirs."""
    box = ax.get_position()
    width, height = ax.figure.get_size_inches()
    return float(box.width * width), float(box.height * height)


def thinned(count: int, length: float) -> tuple[int, float]:
    """Return which labels fit along an axis, every m-th, and their size in points.

    Args:
        count: Number of places.
        length: Length of the axis in inches.
    """
    room = length * _POINTS / max(count, 1)
    size = min(max(0.85 * room, 5.0), 10.0)
    return max(1, math.ceil(1.1 * size / room)), size


def say_in(ax: Any, text: str) -> None:
    """Write why there is nothing to see into the middle of Axes."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", wrap=True)


def text_of(value: float, digits: int = 2) -> str:
    """Return a number of few digits with a true minus sign."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}f}".replace("-", "−") if round(value, digits) else f"{0:.{digits}f}"


def p_text(name: str, value: float) -> str:
    """Return "q = 0.012", "p < 0.001"."""
    return f"{name} < 0.001" if value < 0.001 else f"{name} = {value:.2g}"


#: Fields that say how sure a dependence is, from the strictest that was asked for, and what they
#: are called.
CORRECTIONS = {
    "q_value": ("q", "false discoveries corrected"),
    "p_corrected": ("p", "corrected"),
    "p_value": ("p", "not corrected"),
}


def significance(
    result: object, function: str, *, needed: bool
) -> tuple[str, NDArray[np.float64]] | None:
    """Return the name and values of the p-values that a picture goes by, or None if there are none.

    Q-values come first, then p-values of the largest statistic, then those of each test alone.

    Raises:
        ValueError: There are none, and the picture needs them.
    """
    for name in CORRECTIONS:
        found = getattr(result, name, None)
        if found is not None:
            return name, array_of(found)
    if needed:
        raise ValueError(
            f"plot.{function}() needs p-values, and the result has none: make it with "
            "n_permutations=200 or more"
        )
    return None


def warned(result: object, what: str = "") -> str:
    """Return a line about what the result warns of, such as p-values that are too small, or "".

    A picture is seen without the warnings that came with the result.

    Args:
        result: Has `warnings`, a sequence, or a dictionary of sequences by what they are about.
        what: What the keys of that dictionary are, one of them.
    """
    warnings = getattr(result, "warnings", None) or ()
    about = warnings.values() if isinstance(warnings, dict) else [warnings]
    kinds = [{each.kind for each in cautions if not isinstance(each, Note)} for cautions in about]
    named = ", ".join(sorted(set().union(*kinds)))
    if not named:
        return ""
    if not isinstance(warnings, dict):
        return f"\nwarnings: {named}"
    count = sum(map(bool, kinds))
    return f"\n{count} {what}{'s' * (count > 1)} with warnings: {named}"


def level_text(name: str, alpha: float) -> str:
    """Return what counts as significant: "q ≤ 0.05"."""
    symbol, how = CORRECTIONS[name]
    return f"{symbol} ≤ {alpha:g}" + ("" if name == "q_value" else f", {how}")


def array_of(frame: Any) -> NDArray[np.float64]:
    """Return the numbers of an array or a data frame, without the labels that polars puts first."""
    return floats(frame[:, 1:].to_numpy() if _is_polars(frame) else frame)


def labels_of(result: Any, frame: Any) -> tuple[list[Hashable], list[Hashable]]:
    """Return the labels of rows and columns of a matrix; their numbers if there are none.

    A result that has an array may still know the labels: those of a dictionary of columns.
    """
    known = getattr(result, "_labels", None)
    if known is not None:
        return list(known[0]), list(known[1])
    if _is_polars(frame):
        return list(frame[:, 0]), list(frame.columns[1:])
    if hasattr(frame, "index") and hasattr(frame, "columns"):
        return list(frame.index), list(frame.columns)
    rows, columns = np.shape(frame)
    return list(range(rows)), list(range(columns))


def _is_polars(frame: Any) -> bool:
    return type(frame).__module__.partition(".")[0] == "polars"
