"""Reads the table and the target of a selector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastmi._cautions import Caution, by_kind
from fastmi._table import read_table
from fastmi.estimators.auto.kinds import CLASSES, CONTINUOUS, Kind
from fastmi.statistics._variables import Variable, Variables, decide, left_out_caution


def read(
    X: Any, y: Any, *, discrete: Any, target: str, missing: str
) -> tuple[Variables, Variable, list[Caution]]:
    """Return the columns of a table, the target, and cautions about what is left out.

    Args:
        X: The table.
        y: The target.
        discrete: Which columns of the table hold classes.
        target: "auto", "classes" or "continuous".
        missing: "raise", "pairwise" or "drop".

    Raises:
        TypeError: What cannot be read.
        ValueError: A target that is no single column, has gaps, cannot be used, or does not fit
            `target`; no column that can be used; missing values where there may be none.
    """
    columns = read_table(X, "X")
    own = read_table(y, "y")
    if len(own) != 1:
        raise ValueError(f"y must be one column, shape (n,); got {len(own)} columns")
    if own[0].missing is not None:
        raise ValueError(
            f"y must not have missing values (NaN, None, NA, NaT); got {own[0].missing.sum()} of "
            f"them, the first in row {int(own[0].missing.argmax())}: leave those rows out"
        )
    if target == "continuous" and own[0].named:
        raise ValueError("y must be numbers with target='continuous'; got names")
    # No name or position in `discrete` equals this label.
    alone = replace(own[0], label=object(), named=own[0].named or target == "classes")
    if isinstance(discrete, bool | np.bool_):
        discrete = [bool(discrete)] * len(columns)
    (features, found), notes = decide(
        [columns, [alone]], ("X", "y"), discrete=discrete, missing=missing
    )
    if not found.used:
        (reason,) = found.left_out.values()
        raise ValueError(f"y must be a target that varies; got one that is unusable: {reason}")
    if not features.used:
        reasons = "; ".join(f"{label!r}: {why}" for label, why in features.left_out.items())
        raise ValueError(f"X must have a column that can be used; got none ({reasons})")
    variable = found.used[0]
    if target == "continuous" and variable.kind.name == CLASSES:
        # Codes are in the order of the numbers, which is all that counts.
        kind = Kind(CONTINUOUS, repeats=True, columns=1)
        variable = replace(variable, values=variable.values.astype(np.float64), kind=kind)
    return features, variable, [*notes, *left_out_caution([features])]


def summaries(places: Sequence[int], warnings: dict[int, tuple[Caution, ...]]) -> list[Caution]:
    """Return one caution for each kind, with the number of columns that have it.

    Args:
        places: Numbers of the columns that were estimated.
        warnings: Cautions of each by its position among `places`.
    """
    return [
        type(example)(
            f"{len(found)} of {len(places)} columns, for example number {places[found[0]]}, with "
            f"the target: {example}",
            example.kind,
        )
        for example, found in by_kind(warnings)
    ]
