"""Curves behind an estimate: a training, a sweep over scales, fewer and fewer samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastmi.plot._axes import (
    BLUE,
    GREY,
    ORANGE,
    VERMILION,
    check_axes,
    factor_of,
    field_of,
    floats,
    ink,
    new_axes,
)

_WIDTH, _HEIGHT = 5.6, 3.8


def training(estimate: Any, ax: Any = None, *, unit: str = "nats") -> Any:
    """Draw how an estimate changed while a network was trained.

    Args:
        estimate: An :class:`fastmi.Estimate` of a method that trains.
        ax: Axes to draw into; None for a new figure.
        unit: "nats" or "bits".

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `estimate` or an option is of the wrong type.
        ValueError: No model was trained; an unknown unit.
    """
    check_axes(ax)
    factor = factor_of(unit)
    history = field_of(estimate, "history", "training", "a method that trains a network")
    if history is None:
        raise ValueError(
            "plot.training() needs an estimate with a training; "
            f"method={estimate.method!r} has none"
        )
    ax = new_axes(_WIDTH, _HEIGHT) if ax is None else ax
    steps = history.steps
    ax.plot(
        steps, floats(history.train) * factor, color=ORANGE, alpha=0.8, label="training batches"
    )
    ax.plot(steps, floats(history.validation) * factor, color=BLUE, label="held out")
    ax.axvline(history.best_step, color=GREY, linewidth=1.0, linestyle="--", label="kept")
    ax.set_xlabel("training step")
    _finish(ax, estimate, unit, factor)
    return ax


def sweep(estimate: Any, ax: Any = None, *, unit: str = "nats") -> Any:
    """Draw the estimates of a sweep over scales, with the largest marked.

    Args:
        estimate: An :class:`fastmi.Estimate` of ``method="ksg_global"`` or another that sweeps.
        ax: Axes to draw into; None for a new figure.
        unit: "nats" or "bits".

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `estimate` or an option is of the wrong type.
        ValueError: There was no sweep; an unknown unit.
    """
    check_axes(ax)
    factor = factor_of(unit)
    curve = field_of(estimate, "curve", "sweep", "a method that sweeps over scales")
    if curve is None:
        raise ValueError(
            f"plot.sweep() needs an estimate with a sweep; method={estimate.method!r} has none: "
            "method='ksg_global' has"
        )
    ax = new_axes(_WIDTH, _HEIGHT) if ax is None else ax
    scales, values = floats(curve)[:, 0], floats(curve)[:, 1] * factor
    ax.plot(scales, values, marker=".", color=BLUE, label="sweep")
    ax.set_xscale("log")
    if np.isfinite(values).any():
        best = int(np.argmax(np.where(np.isfinite(values), values, -np.inf)))
        ax.plot(
            scales[best],
            values[best],
            "D",
            color=VERMILION,
            markersize=7,
            label=f"largest, at scale {scales[best]:.3g}",
        )
    ax.set_xlabel("scale")
    _finish(ax, estimate, unit, factor)
    return ax


def _finish(ax: Any, estimate: Any, unit: str, factor: float) -> None:
    if np.isfinite(float(estimate)):
        ax.axhline(
            float(estimate) * factor, color=ink(ax), linewidth=1, linestyle=":", label="estimate"
        )
    ax.set_ylabel(f"estimate ({unit})")
    ax.set_title(estimate.method)
    ax.legend(fontsize="small")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def size_curve(result: Any, ax: Any = None, *, unit: str = "nats") -> Any:
    """Draw estimates over 1 / n, with their errors, and the line that is extrapolated to 0.

    Args:
        result: What :func:`fastmi.size_curve` returns.
        ax: Axes to draw into; None for a new figure.
        unit: "nats" or "bits".

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `result` or an option is of the wrong type.
        ValueError: An unknown unit.
    """
    check_axes(ax)
    factor = factor_of(unit)
    sizes = floats(field_of(result, "sizes", "size_curve", "fastmi.size_curve"))
    ax = new_axes(_WIDTH, _HEIGHT) if ax is None else ax
    places = 1.0 / sizes
    means, errors = floats(result.means) * factor, floats(result.errors) * factor
    end, error = result.extrapolated * factor, result.extrapolated_error * factor
    ax.errorbar(places, means, yerr=errors, marker="o", capsize=3, color=BLUE, label="means")
    ax.plot([0.0, places[1]], [end, means[1]], linestyle=":", color=ink(ax))
    ax.errorbar(
        [0.0],
        [end],
        yerr=[error],
        marker="s",
        capsize=3,
        color=VERMILION,
        linestyle="none",
        label="line through the two largest",
    )
    for place, mean, size in zip(places, means, result.sizes, strict=True):
        ax.annotate(
            f"n={size}", (place, mean), xytext=(6, 6), textcoords="offset points", fontsize="small"
        )
    ax.margins(x=0.12)
    ax.set_xlabel("1 / n")
    ax.set_ylabel(f"estimate ({unit})")
    ax.set_title(result.estimate.method)
    ax.legend(fontsize="small")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax
