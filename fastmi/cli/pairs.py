"""MI of every pair of columns: compute, rank, write to CSV or Parquet."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from fastmi._cautions import Caution
from fastmi.cli.arrow import columns_as_parquet, require_pyarrow
from fastmi.cli.columns import DataError, FloatArray
from fastmi.cli.notes import in_options
from fastmi.cli.output import check_replaceable, replacing
from fastmi.cli.visible import reason
from fastmi.estimators._methods import CONTINUOUS, Method

# Results of so many pairs still fit in memory, and their matrix can be looked at.
MOST_PAIRS = 5_000_000
# fastmi.mi warns of ties above the same share.
_MAX_COINCIDENT = 0.01

# Columns of tidy tables that are in nats.
_IN_NATS = {"mi", "stderr", "te", "band"}

#: What a result may have for each pair beside its value, in the order in which it is shown.
TESTS = ("normalized", "p_value", "q_value", "p_corrected")


@dataclass(frozen=True)
class PairEstimate:
    """What is kept of the `fastmi.Estimate` of one pair: nothing of length n.

    Attributes:
        value: MI in nats.
        stderr: Standard error in nats.
        warnings: Reasons to distrust the value.
        tied: Whether so many points coincide that the value means little.
        n: Number of rows.
        method: Name of the estimator.
        tests: P-values and the like by the names that the library gives them, as far as they were
            asked for, and the normalised form.
    """

    value: float
    stderr: float
    warnings: tuple[Caution, ...]
    tied: bool
    n: int = 0
    method: str = ""
    tests: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PairMatrix:
    """Estimates for the m (m - 1) / 2 pairs of m columns.

    Attributes:
        names: Column names, length m.
        estimates: Estimates by the positions of the two columns, first < second.
        seconds: Wall time of the estimates.
        k: Number of neighbours; None where the method searches none.
    """

    names: Sequence[str]
    estimates: dict[tuple[int, int], PairEstimate]
    seconds: float
    k: int | None = None

    def at(self, i: int, j: int) -> PairEstimate | None:
        """Return the estimate for columns i and j in either order; None on the diagonal."""
        return self.estimates.get((min(i, j), max(i, j)))

    def ranked(self) -> list[tuple[int, int]]:
        """Return the pairs by falling MI, without the tied ones; NaN comes last."""
        untied = [pair for pair, estimate in self.estimates.items() if not estimate.tied]
        values = {pair: self.estimates[pair].value for pair in untied}
        return sorted(untied, key=lambda pair: (math.isnan(values[pair]), -values[pair]))

    def tied(self) -> list[tuple[int, int]]:
        """Return the pairs that `ranked` leaves out, in column order."""
        return [pair for pair, estimate in self.estimates.items() if estimate.tied]


def check_pairs(columns: int) -> int:
    """Return the number of pairs of so many columns.

    Raises:
        DataError: There are none, or too many.
    """
    pairs = columns * (columns - 1) // 2
    if not pairs:
        raise DataError(f"a matrix needs at least two columns that can be used; got {columns}")
    if pairs > MOST_PAIRS:
        raise DataError(
            f"{columns} columns make {pairs:,} pairs; this command takes {MOST_PAIRS:,}. "
            "Choose columns, for example --columns 0:100"
        )
    return pairs


def pairs_by_kind(result: Any) -> PairMatrix:
    """Return a :class:`fastmi.PairwiseMI` of a table, each pair of which has its own method."""
    rows = result._rows()
    names = list(result.kinds)
    places = {name: place for place, name in enumerate(names)}
    tests = [name for name in TESTS if name in rows]
    estimates = {}
    for at, (x, y) in enumerate(zip(rows["x"], rows["y"], strict=True)):
        estimates[places[x], places[y]] = PairEstimate(
            rows["mi"][at],
            rows["stderr"][at],
            in_options(result.warnings.get((x, y), ()), scaled=False),
            tied=False,
            n=rows["n"][at],
            method=rows["method"][at],
            tests={name: float(rows[name][at]) for name in tests},
        )
    return PairMatrix(names, estimates, result.seconds, result.k)


def pairs_of_method(
    result: Any,
    names: Sequence[str],
    blocks: Sequence[FloatArray],
    *,
    method: Method,
    noise: float | None,
    scaled: bool,
) -> PairMatrix:
    """Return a :class:`fastmi.PairwiseMI` of columns of numbers, with one method for all pairs.

    `blocks` are the columns, each of shape (n, 1), and `scaled` says whether they have unit
    deviation; `noise` is that of the user.
    """
    # Other methods allow ties, or do not look at single points; noise breaks them.
    ties_matter = method.searches and method.takes == CONTINUOUS and noise == 0
    tests = {name: np.asarray(getattr(result, name)) for name in TESTS if _has(result, name)}
    estimates = {}
    for i, j in combinations(range(len(blocks)), 2):
        warnings = in_options(result.warnings.get((i, j), ()), scaled=scaled)
        # Counting coincident points takes as long as the estimate; ties give a warning in any case.
        tied = (
            bool(warnings)
            and ties_matter
            and _coincident_share(blocks[i], blocks[j], result.k) > _MAX_COINCIDENT
        )
        estimates[i, j] = PairEstimate(
            float(result.mi[i, j]),
            float(result.stderr[i, j]),
            warnings,
            tied,
            n=result.n,
            method=method.name,
            tests={name: float(matrix[i, j]) for name, matrix in tests.items()},
        )
    return PairMatrix(names, estimates, result.seconds, result.k)


def _has(result: Any, name: str) -> bool:
    return getattr(result, name, None) is not None


def _coincident_share(x: FloatArray, y: FloatArray, k: int) -> float:
    """Return the share of the points that have k or more other points in the same place."""
    _, sizes = np.unique(np.hstack([x, y]), axis=0, return_counts=True)
    return float(sizes[sizes > k].sum() / len(x))


def drawable(result: Any, names: Sequence[str]) -> Any:
    """Return a :class:`fastmi.PairwiseMI` that pictures label with the names of its columns.

    That of an array knows nothing but their numbers.
    """
    return replace(result, _labels=(list(names), list(names)))


def in_unit(value: float, unit: str) -> float:
    """Convert nats to `unit`, "nats" or "bits"."""
    return value / math.log(2) if unit == "bits" else value


def check_writable(path: Path) -> None:
    """Raise `DataError` if `write_matrix` could not write to `path`, before any work is done."""
    if path.suffix.lower() not in {".csv", ".parquet"}:
        raise DataError(f"--out must end in .csv or .parquet; got {path.name}")
    if not path.parent.is_dir():
        raise DataError(f"--out: there is no folder {path.parent}")
    if path.suffix.lower() == ".parquet":
        require_pyarrow()
    try:
        check_replaceable(path)
    except OSError as error:
        raise DataError(f"--out: cannot write {path}: {reason(error)}") from error


def write_matrix(matrix: PairMatrix, path: Path, unit: str) -> None:
    """Write the square matrix: the names in a first column `column`, then a column per variable.

    The diagonal is left empty: the MI of a continuous variable with itself is infinite.

    Raises:
        OSError: It cannot be written. What was there before is there still.
    """
    rows: list[list[float | None]] = []
    for i in range(len(matrix.names)):
        row = [matrix.at(i, j) for j in range(len(matrix.names))]
        rows.append([None if cell is None else in_unit(cell.value, unit) for cell in row])
    if path.suffix.lower() == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["column", *matrix.names])
        writer.writerows([name, *row] for name, row in zip(matrix.names, rows, strict=True))
        content = text.getvalue().encode()
    else:
        # The matrix is symmetric: its rows are its columns.
        content = columns_as_parquet(["column", *matrix.names], [matrix.names, *rows])
    with replacing(path) as file:
        file.write(content)


def write_rows(rows: Mapping[str, Sequence[Any]], path: Path, unit: str) -> None:
    """Write a tidy table, a row for each thing that it is about; values in nats become `unit`.

    Raises:
        OSError: It cannot be written. What was there before is there still.
    """
    columns = {
        name: [in_unit(value, unit) for value in column] if name in _IN_NATS else list(column)
        for name, column in rows.items()
    }
    if path.suffix.lower() == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(columns)
        # What has no value is an empty cell, as in other programs.
        cells = ([_cell(value) for value in column] for column in columns.values())
        writer.writerows(zip(*cells, strict=True))
        content = text.getvalue().encode()
    else:
        content = columns_as_parquet(list(columns), list(columns.values()))
    with replacing(path) as file:
        file.write(content)


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and math.isnan(value) else value
