"""Whole numbers that float64 would round, such as times in nanoseconds."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fastmi.cli.columns import Column

# Up to here float64 holds every whole number.
_EXACT = 2**53


def integer_column(
    name: str, values: npt.NDArray[np.integer[Any]], missing: npt.NDArray[np.bool_] | None = None
) -> Column:
    """Return whole numbers as a column, exactly, less their smallest if they are large.

    Mutual information does not depend on an offset, so that what is subtracted does not matter;
    what rounding to float64 does to neighbouring values does. `values` at `missing` are ignored.
    """
    present = values if missing is None else values[~missing]
    low, high = (int(present.min()), int(present.max())) if present.size else (0, 0)
    note = ""
    if max(-low, high) > _EXACT:
        # Differences wrap around in 64 bits and come out right as unsigned numbers.
        shifted = values.astype(np.uint64) - np.uint64(low % 2**64)
        floats = shifted.astype(np.float64)
        inside = slice(None) if missing is None else ~missing
        # The largest float64 below 2**64 is safe to convert back.
        back = np.minimum(floats[inside], float(2**64 - 2**11)).astype(np.uint64)
        if (back != shifted[inside]).any():
            return Column(
                name,
                problem=f"whole numbers from {low} to {high}, which float64 cannot tell apart",
            )
        note = f"{low} was subtracted, because float64 would round such large numbers"
    else:
        floats = values.astype(np.float64)
    if missing is not None:
        floats[missing] = np.nan
    return Column(name, floats, note=note)
