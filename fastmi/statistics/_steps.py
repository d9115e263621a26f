"""Whether the labels of the rows of series say that their time steps are equal."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastmi._cautions import Caution


def step_cautions(series: Sequence[object], names: Sequence[str]) -> tuple[Caution, ...]:
    """Return a caution for the first series whose index has unequal steps.

    Lags count rows, and a row that is missing shifts all that follow it. Times of a calendar that
    pandas knows (months, business days) have equal steps. Objects without an index have nothing to
    look at.

    Args:
        series: What users pass.
        names: What to call each in messages.

    Raises:
        ValueError: An index of times that repeat or go backwards.
    """
    for one, name in zip(series, names, strict=True):
        index: Any = getattr(one, "index", None)
        if not hasattr(one, "iloc") or not hasattr(index, "dtype") or len(index) < 3:
            continue
        ticks = _ticks(index)
        if ticks is None:
            continue
        times = getattr(index.dtype, "kind", "O") not in "iu"
        steps = np.diff(ticks)
        wrong = np.flatnonzero(steps <= 0)
        if times and wrong.size:
            row = int(wrong[0])
            raise ValueError(
                f"{name} must have rows in the order of time; its index has {index[row]} in row "
                f"{row} before {index[row + 1]} in row {row + 1}: use {name}.sort_index(), series "
                f"of one thing at a time, or {name}.to_numpy() if the rows are right"
            )
        if (steps == steps[0]).all() or (times and _is_calendar(index)):
            continue
        sizes, counts = np.unique(steps, return_counts=True)
        usual = sizes[counts.argmax()]
        row = int(np.flatnonzero(steps != usual)[0])
        others = int((steps != usual).sum())
        text = (
            f"the index of {name} has unequal steps: {others} of {len(steps)} differ from the "
            f"usual one, first between {index[row]} and {index[row + 1]} (rows {row} and "
            f"{row + 1}). Lags count rows and not times, so that values of other times are "
            "paired: bring the series to equal steps, or use a part without gaps"
        )
        return (Caution(text, "unequal_steps"),)
    return ()


def _ticks(index: Any) -> Any:
    """Return the labels as whole numbers, None where they are neither times nor whole numbers."""
    if hasattr(index, "asi8"):  # times, durations and periods of pandas
        return np.asarray(index.asi8)
    if getattr(index.dtype, "kind", "O") in "iu" and getattr(index, "nlevels", 1) == 1:
        return np.asarray(index, dtype=np.int64)
    return None


def _is_calendar(index: Any) -> bool:
    """Return whether pandas finds one step of the calendar, such as a month, between all times."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas announces another type of what is returned
        return getattr(index, "inferred_freq", None) is not None
