"""Ranked bars of the information of features with a target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice, check_integer, check_real
from fastmi.plot._axes import (
    BLUE,
    CORRECTIONS,
    GREY,
    check_axes,
    factor_of,
    field_of,
    floats,
    inches,
    ink,
    level_text,
    literal,
    names_of,
    new_axes,
    p_text,
    say_in,
    short,
    significance,
    text_of,
    thinned,
    warned,
    width_of,
)

Floats = NDArray[np.float64]

# Inches: of a bar, of the bars' length, and of the highest figure.
_BAR, _LENGTH, _HIGHEST = 0.26, 4.6, 40.0
# Points of a bar that has room for what is written behind it.
_READABLE = 8.0


def features(
    result: Any,
    ax: Any = None,
    *,
    top: int = 30,
    value: str = "mi",
    unit: str = "nats",
    alpha: float = 0.05,
) -> Any:
    """Draw the first features of a ranking as bars, with their standard errors.

    Bars are blue where a feature is significant and grey where it is not, with the q-value behind
    them, if the result has p-values. What a feature was taken for stands behind its name where
    that is not the same for all.

    Args:
        result: What :func:`fastmi.rank_features` returns.
        ax: Axes to draw into; None for a new figure.
        top: Number of features that are drawn; a line says how many more there are.
        value: "mi", or "normalized" for the form that was asked for with ``normalized=``, which
            has no error bars.
        unit: "nats" or "bits".
        alpha: Level up to which a q-value, or a p-value if there are no q-values, is significant.

    Returns:
        The Axes; its bars are ``ax.patches``, in the order of the ranking.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `result` or an option is of the wrong type.
        ValueError: An option out of range; ``value="normalized"`` for a result that has none.
    """
    check_axes(ax)
    check_choice("value", value, ("mi", "normalized"))
    most = check_integer("top", top, 1)
    alpha = check_real("alpha", alpha, 0.0, 1.0, ends="()")
    factor = factor_of(unit) if value == "mi" else 1.0
    labels = list(field_of(result, "names", "features", "fastmi.rank_features"))
    numbers = field_of(result, value, "features", "fastmi.rank_features")
    if numbers is None:
        raise ValueError(
            "value='normalized' needs a normalised form, and the result has none: make it with "
            "normalized='correlation'"
        )
    values = floats(numbers)[:most] * factor
    errors = (
        floats(result.stderr)[:most] * factor if value == "mi" else np.full(len(values), np.nan)
    )
    found = significance(result, "features", needed=False)
    names = _names(labels[:most], list(getattr(result, "kinds", ()))[:most])
    more = len(labels) - len(values)
    rows = len(values) + (more > 0)
    if ax is None:
        height = min(max(rows, 2) * _BAR + 1.1, _HIGHEST)
        ax = new_axes(_LENGTH + width_of(names, 10.0), height)
    target = literal(short(getattr(result, "target", "the target")))
    ax.set_title(f"Information about {target}{warned(result, 'feature')}")
    ax.set_xlabel(
        f"mutual information ({unit})" if value == "mi" else "normalised mutual information"
    )
    if not len(values):
        say_in(ax, "no features")
        ax.set_yticks([])
        return ax
    p = None if found is None else found[1][:most]
    _draw(ax, values, errors, None if p is None else p <= alpha)
    step, size = thinned(rows, inches(ax)[1])
    places = [*range(0, len(values), step), *([rows - 1] if more else [])]
    texts = [*names[::step], *([f"… and {more} more"] if more else [])]
    ax.set_yticks(places, labels=texts, fontsize=size)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(rows - 0.4, -0.6)
    _write(ax, values, errors, p, found, size if step == 1 else 0.0)
    if found is not None:
        _legend(ax, level_text(found[0], alpha), found[1][:most] <= alpha)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _names(labels: list[Any], kinds: list[str]) -> list[str]:
    names = names_of(labels)
    if len(set(kinds)) < 2:
        return names
    return [f"{name} ({kind})" for name, kind in zip(names, kinds, strict=True)]


def _draw(ax: Any, values: Floats, errors: Floats, significant: Any) -> None:
    """Draw bars and errors; what is infinite reaches as far as the longest finite bar."""
    finite = np.isfinite(values)
    longest = np.abs(values[finite]).max(initial=0.0) or 1.0
    lengths = np.where(np.isposinf(values), 1.15 * longest, np.where(finite, values, 0.0))
    colours = BLUE
    if significant is not None:
        colours = [BLUE if each else GREY for each in significant]  # type: ignore[assignment]
    ax.barh(
        np.arange(len(values)), lengths, height=0.72 if len(values) <= 100 else 1.0, color=colours
    )
    drawn = finite & np.isfinite(errors)
    ax.errorbar(
        values[drawn],
        np.flatnonzero(drawn),
        xerr=errors[drawn],
        fmt="none",
        ecolor=ink(ax),
        elinewidth=1.0 if len(values) <= 100 else 0.3,
        capsize=2.0 if len(values) <= 60 else 0.0,
    )
    ax.axvline(0.0, color=ink(ax), linewidth=0.8)
    ax.margins(x=0.02)


def _write(
    ax: Any, values: Floats, errors: Floats, p: Floats | None, found: Any, size: float
) -> None:
    """Write q-values behind the bars, and what has no bar to be seen."""
    if size < _READABLE and np.isfinite(values).all():
        return
    reach = 0.0
    for row, number in enumerate(values):
        text = ""
        if np.isnan(number):
            text = "no value"
        elif np.isinf(number):
            text = text_of(number)
        elif p is not None and size >= _READABLE and not np.isnan(p[row]):
            text = p_text(CORRECTIONS[found[0]][0], float(p[row]))
        if not text:
            continue
        end = 0.0 if np.isnan(number) else ax.patches[row].get_width()
        end = max(end, 0.0) + (errors[row] if np.isfinite(errors[row]) else 0.0)
        reach = max(reach, end, 0.0)
        ax.annotate(
            text,
            (max(end, 0.0), row),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=max(size - 2.0, 6.0),
        )
    # Text takes no room of its own.
    low, high = ax.get_xlim()
    ax.set_xlim(low, max(high, low + (reach - low) * 1.16))


def _legend(ax: Any, level: str, significant: Any) -> None:
    """Say what the colours mean that are there."""
    patch = type(ax.patches[0])
    handles = [
        patch((0, 0), 1, 1, facecolor=colour, label=label)
        for there, colour, label in (
            (significant.any(), BLUE, f"significant, {level}"),
            (not significant.all(), GREY, "not significant"),
        )
        if there
    ]
    ax.legend(handles=handles, loc="lower right", fontsize="small", framealpha=0.9)
