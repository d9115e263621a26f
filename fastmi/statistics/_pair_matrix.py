"""The result of :func:`fastmi.pairwise_mi`: matrices, and a tidy table of the pairs."""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, by_kind
from fastmi._results import Table
from fastmi.statistics._variables import told_apart

Matrix: TypeAlias = NDArray[np.float64]

#: What results say of `method` where each pair had the method of its kinds.
BY_KIND = "by kind"

# Pairs that are printed of a ranking.
_PRINTED = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class PairwiseMI(Table):
    """Matrices with a row for each column of X and a column for each column of Y.

    They are data frames if X was one (pandas: labelled; polars: with the labels of the rows
    in a first column "column", or "column_" and so on if a column of Y has that name), else
    arrays. Without Y they are symmetric, and the diagonal is NaN, because a continuous variable has
    infinite information about itself. Columns that are left out are no part of data frames; in
    arrays, where columns are known by their numbers, they have NaN.
    ``numpy.asarray(result)`` is the array of `mi`.

    Attributes:
        mi: Estimates in nats, not clipped; NaN where a pair has too few rows.
        stderr: Standard errors in nats, see :class:`fastmi.Estimate`.
        p_value: P-values of the permutation test of each pair, not corrected for the number of
            pairs; None if no test was asked for.
        q_value: P-values corrected for the number of pairs by `fdr`; None without a test.
        p_corrected: P-values of the largest statistic of all pairs; None if not asked for.
        normalized: The estimates in the normalised form that was asked for, else None.
        kinds: What each column was taken for, by label: "continuous", "classes" or "mixture"; empty
            with a named method.
        left_out: Why columns were left out, by label.
        warnings: Reasons to distrust a pair, by the labels of its two columns (their numbers
            if X is an array, or a label repeats); pairs without any are left out. The call that
            made them issues one :class:`fastmi.EstimateWarning` for each kind, with the number of
            pairs.
        k: Number of neighbours; None where the method searches none.
        n: Number of rows, of which pairs with gaps use fewer.
        method: Name of the method, "by kind" if each pair had the method of its kinds.
        seconds: Wall time, shared by all k of one call.
    """

    mi: Any
    stderr: Any = field(repr=False)
    p_value: Any = field(default=None, repr=False)
    q_value: Any = field(default=None, repr=False)
    p_corrected: Any = field(default=None, repr=False)
    normalized: Any = field(default=None, repr=False)
    kinds: dict[Hashable, str] = field(default_factory=dict, repr=False)
    left_out: dict[Hashable, str] = field(default_factory=dict, repr=False)
    warnings: dict[tuple[Hashable, Hashable], tuple[Caution, ...]] = field(repr=False)
    k: int | None
    n: int
    method: str
    seconds: float = field(compare=False)
    _values: Matrix = field(repr=False)
    _labels: tuple[list[Hashable], list[Hashable]] = field(repr=False)
    _pairs: NDArray[np.int64] = field(repr=False)
    _methods: tuple[str, ...] = field(repr=False)
    _n: NDArray[np.int64] = field(repr=False)
    _frames: str = field(default="", repr=False)
    _notes: tuple[Caution, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        of = "" if self.k is None else f", k={self.k}"
        head = f"{self.method} in nats{of}, n={self.n}"
        return "\n".join([head, str(self.mi), *self._notes, *summaries(self)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return `mi` as an array; NumPy calls this."""
        return np.array(self._values, dtype=dtype) if copy else np.asarray(self._values, dtype)

    def top(self, n: int = 10) -> RankedPairs:
        """Return the `n` pairs with most information; pairs without a value come last."""
        rows = self._rows()
        values = np.array(rows["mi"], dtype=np.float64)
        order = np.argsort(np.where(np.isnan(values), np.inf, -values), kind="stable")[: max(n, 0)]
        kept = {name: tuple(column[j] for j in order) for name, column in rows.items()}
        return RankedPairs(table=kept, about=self._about(), frames=self._library())

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the matrix with :func:`fastmi.plot.matrix`, which takes the options."""
        # Imported here, because most programs draw nothing.
        plot = importlib.import_module("fastmi.plot")
        return plot.matrix(self, ax=ax, **options)

    def _library(self) -> str:
        return self._frames or "pandas"

    def _rows(self) -> dict[str, Sequence[Any]]:
        keys = [told_apart(own) for own in self._labels]
        named = [(keys[0][i], keys[1][j]) for i, j in self._pairs.tolist()]
        rows: dict[str, Sequence[Any]] = {
            "x": [x for x, _ in named],
            "y": [y for _, y in named],
            "mi": self._of_pairs(self.mi),
            "stderr": self._of_pairs(self.stderr),
        }
        for name in ("normalized", "p_value", "q_value", "p_corrected"):
            if getattr(self, name) is not None:
                rows[name] = self._of_pairs(getattr(self, name))
        rows["method"] = self._methods
        rows["n"] = self._n.tolist()
        rows["warnings"] = [kinds_of(self.warnings.get(pair, ())) for pair in named]
        return rows

    def _of_pairs(self, matrix: Any) -> list[float]:
        found = as_array(matrix, self._frames)[tuple(self._pairs.T)]
        return list(map(float, found))

    def _about(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "k": self.k,
            "n": self.n,
            "kinds": self.kinds,
            "left_out": self.left_out,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class RankedPairs(Table):
    """The pairs of a matrix with most information, by falling information.

    Attributes:
        table: The columns of the tidy table, see :meth:`PairwiseMI.to_frame`.
        about: What holds for all pairs.
    """

    table: dict[str, tuple[Any, ...]] = field(repr=False)
    about: dict[str, Any] = field(repr=False)
    frames: str = field(default="pandas", repr=False)

    def __len__(self) -> int:
        return len(self.table["mi"])

    def __str__(self) -> str:
        return text_table(self.table)

    __repr__ = __str__

    def _library(self) -> str:
        return self.frames

    def _rows(self) -> dict[str, Sequence[Any]]:
        return dict(self.table)

    def _about(self) -> dict[str, Any]:
        return self.about


def kinds_of(cautions: Sequence[Caution]) -> str:
    """Return the kinds of cautions, each once, in one cell of a table."""
    return ", ".join(dict.fromkeys(caution.kind for caution in cautions))


def text_table(rows: Mapping[str, Sequence[Any]], most: int = _PRINTED) -> str:
    """Return columns as aligned text, the first rows of a long table."""
    count = len(next(iter(rows.values())))
    cells = [
        [name, *(_cell(value) for value in column[:most])]
        for name, column in rows.items()
        if any(value != "" for value in column)
    ]
    widths = [max(map(len, column)) for column in cells]
    numeric = [not isinstance(rows[column[0]][0], str) if count else False for column in cells]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in zip(*cells, strict=True)
    ]
    more = [f"... and {count - most} more"] if count > most else []
    return "\n".join([*lines, *more])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "nan" if np.isnan(value) else f"{value:.4g}"
    return str(value)


def summaries(result: PairwiseMI) -> list[Caution]:
    """Return one caution or note for each kind, with its number of pairs and an example."""
    total = len(result._pairs)
    return [
        type(example)(
            f"{len(pairs)} of {total} pairs, for example {pairs[0][0]} and {pairs[0][1]}: "
            f"{example}",
            example.kind,
        )
        for example, pairs in by_kind(result.warnings)
    ]


def all_pairs(shape: tuple[int, int], *, symmetric: bool) -> NDArray[np.int64]:
    """Return the row and the column in the matrix of every pair to estimate, shape (p, 2)."""
    if symmetric:
        return np.column_stack(np.triu_indices(shape[0], 1)).astype(np.int64, copy=False)
    rows, columns = np.indices(shape, dtype=np.int64)
    return np.column_stack([rows.ravel(), columns.ravel()])


def matrix_of(
    entries: Matrix, pairs: NDArray[np.int64], shape: tuple[int, int], *, symmetric: bool
) -> Matrix:
    """Return the entries of pairs in a matrix, which has NaN elsewhere."""
    matrix = np.full(shape, np.nan)
    rows, columns = pairs.T
    matrix[rows, columns] = entries
    if symmetric:
        matrix[columns, rows] = entries
    return matrix


def library_of(samples: Any) -> str:
    """Return "pandas" or "polars" for their data frames and columns, else ""."""
    library = type(samples).__module__.partition(".")[0]
    return library if library in ("pandas", "polars") else ""


def framed(library: str, matrix: Matrix, labels: tuple[list[Hashable], list[Hashable]]) -> Any:
    """Return `matrix` as a data frame of a library, or as it is."""
    if not library:
        return matrix
    frame = importlib.import_module(library).DataFrame
    if library == "pandas":
        return frame(matrix, index=labels[0], columns=labels[1])
    names = told_apart([str(label) for label in labels[1]])
    named = {str(name): column for name, column in zip(names, matrix.T, strict=True)}
    of_rows = "column"
    while of_rows in named:
        of_rows += "_"
    return frame({of_rows: [str(label) for label in labels[0]], **named})


def as_array(matrix: Any, library: str) -> Matrix:
    """Return the array of what :func:`framed` made."""
    array = matrix[:, 1:].to_numpy() if library == "polars" else matrix
    return np.asarray(array, dtype=np.float64)
