"""Reads the table and the target of a selector."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from fastmi._columns import frame_columns
from fastmi.estimators.auto.kinds import CONSTANT, kinds_of, with_codes
from fastmi.selection._information import Column


def read(
    X: Any, y: Any, *, discrete: Any, target: str, missing: str
) -> tuple[list[Column], Column, dict[Hashable, str]]:
    """Return the columns that can be used, the target, and why the others cannot."""
    frame = frame_columns(X)
    if frame is None:
        array = np.asarray(X)
        frame = [(j, array[:, j]) for j in range(array.shape[1])]
    columns: list[Column] = []
    left: dict[Hashable, str] = {}
    for place, (label, values) in enumerate(frame):
        try:
            (read,), labels = with_codes([values], ["X"])
            block = np.ascontiguousarray(read, dtype=np.float64).reshape(-1, 1)
        except (TypeError, ValueError) as error:
            left[label] = str(error)
            continue
        (kind,) = kinds_of([block], labels)
        if kind.name == CONSTANT:
            left[label] = "constant"
            continue
        columns.append(Column(kind.name, block[:, 0], None, place))
    (read,), labels = with_codes([y], ["y"])
    block = np.ascontiguousarray(read, dtype=np.float64).reshape(-1, 1)
    (kind,) = kinds_of([block], labels)
    name = {"auto": kind.name, "classes": "classes", "continuous": "continuous"}[target]
    return columns, Column(name, block[:, 0], None, len(frame)), left
