"""The columns of a table as tests of independence use them: ranks of numbers, or classes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._columns import frame_columns
from fastmi._inputs import as_samples
from fastmi.estimators.auto.kinds import CLASSES, CONSTANT, kinds_of, with_codes
from fastmi.normalize import normalize_blocks
from fastmi.statistics._variables import discrete_columns

Array = NDArray[Any]
Floats = NDArray[np.float64]

# Distance between classes: farther than any two normal scores, so that rows of the same class are
# the nearest ones wherever there are enough of them.
_APART = 20.0


@dataclass(frozen=True)
class GraphColumn:
    """One variable of a graph.

    Attributes:
        label: What messages call it.
        values: Codes of classes, or normal scores of the ranks, shape (n,). Equal values have
            equal scores.
        scores: The same, with equal numbers in random order, so that no two rows tie.
        symbols: Number of classes; 0 for numbers.
        constant: Whether all values are the same.
    """

    label: Hashable
    values: Floats
    scores: Floats
    symbols: int
    constant: bool

    @property
    def place(self) -> Floats:
        """Coordinates for the neighbour search, in which classes are far from one another."""
        return self.values * _APART if self.symbols else self.scores


def read_columns(data: object, discrete: object, seed: int) -> list[GraphColumn]:
    """Return the columns of a data frame or an array of shape (n, d), n >= 2.

    Args:
        data: Numbers, strings, categories or booleans, without missing values; or a list of
            labels and columns.
        discrete: "auto" takes columns of few numbers as classes; True or False is for all columns
            of numbers; otherwise labels, positions or a mask of those that are classes. Names are
            classes in any case.
        seed: Seed of the order of equal numbers.

    Raises:
        TypeError: Values of a kind that cannot be read; `discrete` of the wrong type.
        ValueError: Wrong shape, missing values, or a column in `discrete` that is not there.
    """
    frame = data if isinstance(data, list) else frame_columns(data)
    if frame is None:
        array = np.asarray(data)
        if array.ndim != 2 or array.shape[1] == 0:
            raise ValueError(f"data must have shape (n, d) with d >= 1; got shape {array.shape}")
        frame = [(j, array[:, j]) for j in range(array.shape[1])]
    labels = [label for label, _ in frame]
    (marked,) = discrete_columns([labels], discrete)
    columns: list[GraphColumn] = []
    for position, ((label, column), mark) in enumerate(zip(frame, marked, strict=True)):
        (read,), (named,) = with_codes([column], [f"column {label!r}"])
        values = as_samples(read, f"column {label!r}")[:, 0].astype(np.float64)
        if columns and len(values) != len(columns[0].values):
            raise ValueError(
                f"columns must have the same number of samples; got {len(columns[0].values)} in "
                f"{labels[0]!r} and {len(values)} in {label!r}"
            )
        named = named or str(getattr(column, "dtype", "")).lower() in ("bool", "boolean")
        kind = kinds_of([values[:, np.newaxis]], [named])[0].name
        classes = named or (kind == CLASSES if mark is None else mark)
        rng = np.random.default_rng([seed, position])
        columns.append(_column(label, values, classes, kind == CONSTANT, rng))
    return columns


def _column(
    label: Hashable, values: Floats, classes: bool, constant: bool, rng: np.random.Generator
) -> GraphColumn:
    if classes or constant:
        different, codes = np.unique(values, return_inverse=True)
        numbers = codes.reshape(-1).astype(np.float64)
        return GraphColumn(label, numbers, numbers, len(different), constant)
    ranks = np.empty(len(values))
    ranks[np.lexsort((rng.random(len(values)), values))] = np.arange(len(values))
    (tied, apart), _ = normalize_blocks(
        [values[:, np.newaxis], ranks[:, np.newaxis]], ("values", "ranks"), "copula"
    )
    return GraphColumn(label, tied[:, 0], apart[:, 0], 0, False)
