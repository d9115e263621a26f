"""Columns that never vary: a flow cannot give them a density."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fastmi.estimators._neural import Split

if TYPE_CHECKING:
    from torch import Tensor


def without_constant_columns(
    split: Split, which: int, name: str, *, needed_by: str | None = None
) -> Split:
    """Return the split without the constant columns of variable number `which`, with a warning.

    A variable that has no other column stays as it is, unless something needs one.

    Args:
        split: Samples.
        which: Number of the variable.
        name: Its name.
        needed_by: Option that needs a density, "side='x'" say; None if none does.

    Raises:
        ValueError: All columns are constant, and a density is needed.
    """
    first = split.train[which][0]
    varies = (split.train[which] != first).any(0)
    for part in (split.select, split.report):
        varies |= (part[which] != first).any(0)
    constant = (~varies).nonzero()[:, 0].tolist()
    if not constant or (needed_by is None and len(constant) == len(varies)):
        return split
    if len(constant) == len(varies):
        raise ValueError(
            f"{name} must not be constant with {needed_by}: it has no density; the information is 0"
        )

    def without(*blocks: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            block[:, varies].contiguous() if i == which else block for i, block in enumerate(blocks)
        )

    note = (
        f"columns {', '.join(map(str, constant))} of {name} are constant and left out: "
        "they have no density, and share no information"
    )
    split = split.map(without)
    return replace(split, warnings=(*split.warnings, note))
