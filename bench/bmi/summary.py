"""Cells of bench/bmi summed up: errors, how many are right, and whether wrong ones were warned."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

Cell = dict[str, Any]
MANY = 10  # columns of x and y together


def tolerance(truth: float) -> float:
    """Return the error in nats up to which a value counts as right: 10 %, at least 0.05 nats."""
    return max(0.05, 0.1 * truth)


def is_right(cell: Cell) -> bool:
    """Return whether the value is within the tolerance; a refusal is neither right nor off."""
    return "value" in cell and abs(cell["value"] - cell["truth"]) <= tolerance(cell["truth"])


def is_off(cell: Cell) -> bool:
    """Return whether there is a value outside the tolerance."""
    return "value" in cell and not is_right(cell)


def error_of(cell: Cell) -> float:
    """Return the absolute error in nats."""
    return abs(cell["value"] - cell["truth"])


def latest(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells, the last of each task, n, seed and method."""
    found = {(c["task"], c["n"], c["seed"], c["label"]): c for c in cells if "task" in c}
    return list(found.values())


def _mean(numbers: Sequence[float]) -> float | None:
    return statistics.fmean(numbers) if numbers else None


def summary(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return what a row of a table says of one method at one n.

    A warning is any reason for distrust in `warnings` that is not a note.
    """
    values = [cell for cell in cells if "value" in cell]
    off = [cell for cell in values if is_off(cell)]
    right = [cell for cell in values if is_right(cell)]
    far = [cell for cell in values if error_of(cell) > max(0.05, 0.3 * cell["truth"])]
    seeds = sorted({cell["seed"] for cell in cells})
    bars = [cell for cell in values if cell.get("interval")]
    seconds = [cell["seconds"] for cell in values if "seconds" in cell]
    return {
        "tasks": len({cell["task"] for cell in values}),
        "refused": len(cells) - len(values),
        "mae": _mean([error_of(cell) for cell in values]),
        "mae_many": _mean([error_of(cell) for cell in values if sum(cell["dims"]) >= MANY]),
        "worst": max((error_of(cell) for cell in values), default=None),
        "right": [sum(is_right(cell) for cell in cells if cell["seed"] == s) for s in seeds],
        "off": len(off),
        "off_warned": sum(bool(cell["warned"]) for cell in off),
        "far": len(far),
        "far_warned": sum(bool(cell["warned"]) for cell in far),
        "right_in_all": len(right),
        "right_warned": sum(bool(cell["warned"]) for cell in right),
        "seconds": statistics.median(seconds) if seconds else None,
        "intervals": len(bars),
        "covered": sum(c["interval"][0] <= c["truth"] <= c["interval"][1] for c in bars),
        "width": _median_width(bars),
    }


def _median_width(bars: Sequence[Cell]) -> float | None:
    """Return the median width of intervals in parts of the value, of those above 0.1 nats."""
    widths = [
        (cell["interval"][1] - cell["interval"][0]) / cell["value"]
        for cell in bars
        if cell["value"] > 0.1
    ]
    return statistics.median(widths) if widths else None


def kinds(cells: Sequence[Cell]) -> dict[str, tuple[int, int]]:
    """Return, by kind of warning, the number of wrong values and of right ones that have it."""
    off: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for cell in cells:
        if "value" in cell:
            (off if is_off(cell) else right).update(cell["warned"])
    return {kind: (off[kind], right[kind]) for kind in sorted({*off, *right})}
