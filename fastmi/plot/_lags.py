"""Information by lag, with the band in which lags are not significant."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmi._checks import check_real
from fastmi.plot._axes import (
    BLUE,
    GREY,
    VERMILION,
    check_axes,
    factor_of,
    field_of,
    floats,
    ink,
    new_axes,
    say_in,
    warned,
)

# Level of the band of results that have no other.
_BAND = 0.05


def lags(result: Any, ax: Any = None, *, unit: str = "nats", alpha: float = 0.05) -> Any:
    """Draw information by lag, with standard errors, and the level of significance.

    A lag above the grey band is significant among all lags at `alpha`, and marked. Without a test
    there is no band.

    Args:
        result: What :func:`fastmi.lagged_mi` returns.
        ax: Axes to draw into; None for a new figure.
        unit: "nats" or "bits".
        alpha: Level of the test of all lags.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `result` or an option is of the wrong type.
        ValueError: An option out of range.
    """
    check_axes(ax)
    alpha = check_real("alpha", alpha, 0.0, 1.0, ends="()")
    factor = factor_of(unit)
    numbers = floats(field_of(result, "lags", "lags", "fastmi.lagged_mi"))
    p = getattr(result, "p_corrected", None)
    band = None if p is None else _band(result, alpha)
    order = np.argsort(numbers, kind="stable")
    steps = numbers[order]
    estimates = field_of(result, "estimates", "lags", "fastmi.lagged_mi")
    values = floats(estimates)[order] * factor
    errors = floats([each.stderr for each in estimates])[order] * factor
    if ax is None:
        ax = new_axes(min(max(0.12 * len(steps) + 3.0, 5.0), 12.0), 3.6)
    ax.set_xlabel("lag (steps)")
    ax.set_ylabel(f"mutual information ({unit})")
    ax.set_title(f"Information by lag{warned(result)}")
    if not len(steps):
        say_in(ax, "no lags")
        return ax
    significant = np.zeros(len(steps), bool) if p is None else floats(p)[order] <= alpha
    levels = None if band is None else floats(band)[order] * factor
    _draw(ax, steps, values, errors, significant)
    if levels is not None:
        _draw_band(ax, steps, levels, alpha)
    ax.axhline(0.0, color=ink(ax), linewidth=0.8)
    if steps[0] < 0 < steps[-1]:
        ax.axvline(0.0, color=ink(ax), linewidth=0.8, linestyle=":")
    ax.xaxis.get_major_locator().set_params(integer=True)
    if p is not None:
        ax.legend(fontsize="small", loc="best")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _band(result: Any, alpha: float) -> Any:
    if hasattr(result, "band_at"):
        return result.band_at(alpha)
    if alpha != _BAND:
        raise ValueError(
            f"alpha must be {_BAND} for a result that has a band of that level alone; got {alpha}"
        )
    return field_of(result, "band", "lags", "fastmi.lagged_mi")


def _draw(ax: Any, steps: Any, values: Any, errors: Any, significant: Any) -> None:
    shown = np.isfinite(values)
    ax.plot(steps[shown], values[shown], color=BLUE, linewidth=1.2, zorder=2)
    drawn = shown & np.isfinite(errors)
    ax.errorbar(
        steps[drawn], values[drawn], yerr=errors[drawn], fmt="none", ecolor=BLUE, elinewidth=1.0
    )
    size = 6.0 if len(steps) <= 80 else 3.0
    plain = shown & ~significant
    ax.plot(
        steps[plain],
        values[plain],
        "o",
        markersize=0.75 * size,
        color=BLUE,
        markerfacecolor="white",
    )
    if (shown & significant).any():
        ax.plot(
            steps[shown & significant],
            values[shown & significant],
            "D",
            markersize=size,
            color=VERMILION,
            label="significant",
            zorder=3,
        )


def _draw_band(ax: Any, steps: Any, levels: Any, alpha: float) -> None:
    """Shade what is below the level of each lag."""
    if not np.isfinite(levels).any():
        # Too few surrogates for any value to be significant.
        ax.plot([], [], " ", label=f"too few surrogates for the level {alpha:g}")
        return
    low = min(ax.get_ylim()[0], 0.0)
    label = f"not significant at {alpha:g} among all lags"
    if len(steps) == 1:
        steps, levels = steps + np.array([-0.5, 0.5]), np.repeat(levels, 2)
        ax.set_xlim(steps[0] - 0.5, steps[1] + 0.5)
    finite = np.isfinite(levels)
    ax.fill_between(
        steps, low, levels, where=finite, color=GREY, alpha=0.5, linewidth=0, label=label, zorder=0
    )
    ax.set_ylim(bottom=low)
