"""Whether the rows of a table are at equal steps in time, as the columns of dates say."""

from collections.abc import Sequence

import numpy as np

from fastmi.cli.columns import Column

# Months have 28 to 31 days, and a time that changes by an hour once a year is even.
_EVEN = 1.5


def step_cautions(columns: Sequence[Column]) -> list[str]:
    """Return what dates say against taking rows as equal steps: order, repeats and gaps."""
    found = []
    for column in columns:
        if column.times is None or len(column.times) < 2:
            continue
        times = column.times[~np.isnat(column.times)]
        if len(times) < 2 or times.dtype.kind != "M":
            continue
        steps = np.diff(times).astype(np.int64)
        if (steps <= 0).any():
            if (steps < 0).all():
                problem = "the rows go back in time, so that lags have the opposite sign"
            elif (steps < 0).any():
                problem = "the rows are not in order of time: sort them first"
            else:
                problem = "some rows have the same time"
        elif steps.max() > _EVEN * np.median(steps):
            gaps = int((steps > _EVEN * np.median(steps)).sum())
            problem = (
                f"the rows are not at equal steps ({gaps} of {len(steps)} are longer than usual), "
                "and lags count rows"
            )
        else:
            continue
        found.append(f"by '{column.name}', {problem}")
    return found
