"""Pairs of columns with missing values by one named method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import as_k
from fastmi._symbols import numbered
from fastmi._table import TableColumn, read_table
from fastmi.estimators import Method
from fastmi.estimators._measure import Measure
from fastmi.estimators.discrete import Discrete
from fastmi.statistics._named_pairs import NamedTable, estimate_named

Matrix: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]


def read_with_gaps(
    method: Method, arrays: Sequence[Any], names: Sequence[str]
) -> tuple[list[Matrix], list[Mask]]:
    """Return the columns of each table side by side, shapes (n, d_b), and what of them is missing.

    Args:
        method: Row of the method, which says what it takes.
        arrays: What users pass.
        names: What to call each in messages.

    Raises:
        TypeError: A column that the method cannot take; what is no table.
        ValueError: Tables of different lengths.
    """
    blocks, masks = [], []
    for position, (array, name) in enumerate(zip(arrays, names, strict=True)):
        columns = read_table(array, name)
        for column in columns:
            if column.problem:
                raise TypeError(
                    f"{name} must have columns to use with method={method.name!r}; got column "
                    f"{column.label!r}: {column.problem}"
                )
            if column.named and not method.takes_classes(position):
                raise TypeError(
                    f"{name} must be numeric for method={method.name!r}; got names in column "
                    f"{column.label!r}: method=None chooses the method of each pair"
                )
        block = np.column_stack([_filled(column) for column in columns])
        none = np.zeros(len(block), dtype=np.bool_)
        mask = np.column_stack([none if c.missing is None else c.missing for c in columns])
        blocks.append(block)
        masks.append(mask)
    if len(blocks[0]) != len(blocks[-1]):
        raise ValueError(
            f"X and Y must have the same number of samples; got X with n={len(blocks[0])}, Y with "
            f"n={len(blocks[-1])}"
        )
    return blocks, masks


def _filled(column: TableColumn) -> Matrix:
    """Return the values as float64, with the median in the place of what is missing."""
    values = column.values.astype(np.float64)
    if column.missing is not None and not column.missing.all():
        values[column.missing] = np.median(values[~column.missing])
    return values


def estimate_with_gaps(
    measure: Measure,
    blocks: list[Matrix],
    masks: list[Mask],
    pairs: NDArray[np.int64],
    *,
    drop: bool,
    **common: Any,
) -> tuple[list[NamedTable], NDArray[np.int64], list[Caution]]:
    """Return the estimates for each k, the number of rows of each pair, and what is to be said.

    Args:
        measure: The estimate of one pair.
        blocks: One or two blocks of columns.
        masks: What of each is missing.
        pairs: Positions of x in the first block and of y in the last, shape (p, 2).
        drop: Whether all pairs use the rows without any gap.
        **common: Further arguments of :func:`fastmi.statistics._named_pairs.estimate_named`.
    """
    n = len(blocks[0])
    notes = []
    groups: dict[bytes, tuple[Mask, list[int]]] = {}
    if drop:
        kept: Mask = np.logical_not(np.logical_or.reduce(np.hstack(masks), axis=1))
        left = int(kept.sum())
        if left < n:
            text = f"missing='drop' leaves {left} of {n} rows, those that are complete"
            notes.append(Caution(text, "dropped"))
        groups[b""] = kept, list(range(len(pairs)))
    else:
        for number, (i, j) in enumerate(pairs.tolist()):
            kept = np.logical_not(np.logical_or(masks[0][:, i], masks[-1][:, j]))
            groups.setdefault(np.packbits(kept).tobytes(), (kept, []))[1].append(number)
    k = as_k(common["k"])
    ks = (k,) if isinstance(k, int) else k
    least = 2 * max(ks) + 2
    tables: list[NamedTable] = []
    rows = np.zeros(len(pairs), dtype=np.int64)
    refused: dict[int, tuple[Caution, ...]] = {}
    for kept, numbers in groups.values():
        size = int(kept.sum())
        rows[numbers] = size
        if size < least:
            text = f"only {size} rows have both columns, fewer than the {least} that are needed"
            refused.update(dict.fromkeys(numbers, (Caution(text, "few_samples"),)))
            continue
        own = [np.ascontiguousarray(block[kept]) for block in blocks]
        found = estimate_named(measure, own, pairs[numbers], **common)
        tables = tables or [_nothing(table.k, len(pairs)) for table in found]
        for table, of_group in zip(tables, found, strict=True):
            table.values[numbers] = of_group.values
            table.stderr[numbers] = of_group.stderr
            table.p_values[numbers] = of_group.p_values
            for at, cautions in of_group.warnings.items():
                table.warnings[numbers[at]] = cautions
    tables = tables or [_nothing(each, len(pairs)) for each in ks]
    for table in tables:
        table.warnings.update(refused)
    return tables, rows, notes


def _nothing(k: int | None, count: int) -> NamedTable:
    values, stderr, p_values = np.full((3, count), np.nan)
    return NamedTable(k, values, stderr, p_values, {})


def entropies_of(
    blocks: Sequence[Matrix], masks: Sequence[Mask] | None, pairs: NDArray[np.int64]
) -> list[tuple[float, float]]:
    """Return the entropies in nats of both columns of classes of each pair, from its rows."""
    found = []
    for i, j in pairs.tolist():
        x, y = blocks[0][:, i], blocks[-1][:, j]
        if masks is not None:
            kept = ~(masks[0][:, i] | masks[-1][:, j])
            x, y = x[kept], y[kept]
        of_x, of_y = (
            Discrete().entropy_of(numbered(each)) if len(each) else np.nan for each in (x, y)
        )
        found.append((of_x, of_y))
    return found
