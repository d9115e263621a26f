"""The surrogates of a permutation test, and where the estimate lies."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmi.plot._axes import (
    GREY,
    VERMILION,
    check_axes,
    factor_of,
    field_of,
    floats,
    inches,
    new_axes,
    p_text,
    say_in,
    text_of,
    warned,
)

# An estimate farther away than this many widths of the histogram is drawn at the edge.
_FAR = 8.0
# Inches in which the two parts of the legend stand beside one another.
_WIDE = 3.8


def null(test: Any, ax: Any = None, *, unit: str = "nats") -> Any:
    """Draw a histogram of the surrogates of a test, and the estimate.

    An estimate that lies so far away that the histogram could not be read is drawn at the edge,
    with an arrow and its value.

    Args:
        test: What :func:`fastmi.permutation_test` returns.
        ax: Axes to draw into; None for a new figure.
        unit: "nats" or "bits".

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `test` or an option is of the wrong type.
        ValueError: An unknown unit; a test without surrogates.
    """
    check_axes(ax)
    factor = factor_of(unit)
    surrogates = field_of(test, "null", "null", "fastmi.permutation_test")
    if surrogates is None or np.size(surrogates) == 0:
        raise ValueError(
            "plot.null() needs the surrogates of a test, and the result has none: make it with "
            "n_permutations=200 or more"
        )
    values = floats(surrogates).ravel() * factor
    if values.size != len(surrogates):
        raise TypeError(
            f"plot.null() needs one surrogate a permutation, shape (n_permutations,); got shape "
            f"{np.shape(surrogates)}: plot.lags() draws lagged results"
        )
    estimate = float(test.estimate) * factor
    ax = new_axes(5.6, 3.6) if ax is None else ax
    ax.set_title(f"Permutation test: {p_text('p', float(test.p_value))}{warned(test)}")
    ax.set_xlabel(f"estimate ({unit})")
    ax.set_ylabel("surrogates")
    finite = values[np.isfinite(values)]
    if not finite.size:
        say_in(ax, "no finite surrogates")
        return ax
    low, high = float(finite.min()), float(finite.max())
    width = high - low
    if width <= 1e-9 * max(abs(low), abs(high), 1e-300):
        # A histogram needs a width, also where all surrogates are equal.
        width = max(0.05 * abs(low), 0.01)
        edges = np.array([low - width / 2, low + width / 2])
    else:
        edges = np.linspace(low, high, 1 + min(max(int(2 * finite.size ** (1 / 3)), 5), 40))
    infinite = values.size - finite.size
    label = f"{values.size} surrogates" + (f", {infinite} infinite" if infinite else "")
    ax.hist(finite, bins=edges, color=GREY, label=label)
    _draw_estimate(ax, estimate, float(edges[0]), float(edges[-1]), unit)
    # The legend has room above the bars.
    beside = inches(ax)[0] > _WIDE
    ax.set_ylim(top=ax.get_ylim()[1] * (1.2 if beside else 1.4))
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.legend(fontsize="small", loc="upper center", ncol=2 if beside else 1)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _draw_estimate(ax: Any, estimate: float, low: float, high: float, unit: str) -> None:
    label = f"estimate, {text_of(estimate, 3)} {unit}"
    if np.isnan(estimate):
        ax.plot([], [], " ", label="the estimate has no value")
        return
    width = high - low
    away = max(estimate - high, low - estimate)
    if away <= _FAR * width:
        ax.axvline(estimate, color=VERMILION, linewidth=2, label=label)
        return
    right = estimate > high
    edge = high + 1.5 * width if right else low - 1.5 * width
    ax.set_xlim(*((low - 0.1 * width, edge) if right else (edge, high + 0.1 * width)))
    ax.annotate(
        "",
        (1.0 if right else 0.0, 0.5),
        xytext=(0.72 if right else 0.28, 0.5),
        xycoords="axes fraction",
        arrowprops={"arrowstyle": "-|>", "color": VERMILION, "linewidth": 2},
    )
    ax.text(
        0.86 if right else 0.14,
        0.54,
        "estimate\nfar outside",
        transform=ax.transAxes,
        ha="center",
        va="bottom",
        fontsize="small",
    )
    ax.plot([], [], color=VERMILION, linewidth=2, label=label)
