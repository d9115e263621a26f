"""Tables 2 and 3 of the paper on scale-invariant estimators, beside the numbers in print.

    python reproductions/scale_invariance/tables.py --table 2

The paper draws sigma (table 2) and rho (table 3) for each of 40 trials "from a range" that it
does not give. `RANGES` holds uniform ranges fitted to the tables by `ranges.py`: two numbers for
each base and d, against all rows and columns printed for them.
Rows of one base, n and d share their trials, as they must in print, where KSG is equal in rows
that differ by "ds" or "dn" alone.

The whole experiment is repeated `--replicates` times. The tables show the means over the
replicates; the deviations tell how far one run of 40 trials may be off.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from estimators import Column, columns

from fastmi import datasets
from fastmi._extras import ProgressBar

PRINTED = Path(__file__).with_name("printed.csv")
OUT = Path(__file__).parents[1] / "results" / "scale_invariance"

METRICS = ("rmse_norm", "spearman", "bias")
ROW_FIELDS = ("table", "number", "transforms", "confidence", "n", "d")
TRIALS = 40
REPLICATES = 10
# Ranges of sigma (table 2) and rho (table 3), by table and d; `ranges.py` fits them again.
RANGES = {
    (2, 2): (0.4, 2.0),
    (2, 4): (0.5, 2.2),
    (2, 6): (0.6, 1.5),
    (3, 2): (0.0, 0.85),
    (3, 5): (0.0, 0.75),
    (3, 10): (0.25, 0.65),
}
# Columns closer than this in print have no order worth testing.
DISTINCT = 0.05
CLOSE = 0.2


@dataclass(frozen=True)
class Row:
    """One row in print.

    Attributes:
        table: 2 or 3.
        number: From 1, top to bottom.
        transforms: Tags joined by "+", see :func:`fastmi.datasets.transforms.transform`.
        confidence: Of the reading of `transforms` from the damaged page.
        n: Samples.
        d: Columns of T, and of X before the transforms.
        printed: Values by metric and column; those that cannot be read are missing.
    """

    table: int
    number: int
    transforms: str
    confidence: str
    n: int
    d: int
    printed: dict[str, dict[str, float]] = field(default_factory=dict)


def read_rows(table: int) -> list[Row]:
    """Return the rows of one table."""
    rows: dict[int, Row] = {}
    with PRINTED.open(newline="") as file:
        for line in csv.DictReader(file):
            if int(line["table"]) != table:
                continue
            number = int(line["row"])
            row = rows.setdefault(
                number,
                Row(
                    table,
                    number,
                    line["transforms"],
                    line["confidence"],
                    int(line["n"]),
                    int(line["d"]),
                ),
            )
            names = list(line)[7:]
            row.printed[line["metric"]] = {c: float(line[c]) for c in names if line[c]}
    return list(rows.values())


def draw(row: Row, trial: int, parameters: tuple[float, float]) -> tuple:
    """Return x (transformed), t and the true mutual information of one trial."""
    # The row's number is no part of the seed: rows of one base share their samples.
    rng = np.random.default_rng([row.table, row.n, row.d, trial])
    parameter = rng.uniform(*parameters)
    family = datasets.AdditiveNoise if row.table == 2 else datasets.CorrelatedGaussian
    law = family(parameter, row.d)
    x, t = law.sample(row.n, rng)
    return datasets.transforms.transform(x, row.transforms, seed=rng), t, law.mutual_information


def run(
    row: Row,
    estimators: Mapping[str, Column],
    *,
    trials: int,
    replicates: int,
    parameters: tuple[float, float],
    advance: Callable[[], object] = lambda: None,
) -> dict[str, dict[str, np.ndarray]]:
    """Return for each metric and column the value of every replicate."""
    found: dict[str, dict[str, list[float]]] = {m: {c: [] for c in estimators} for m in METRICS}
    for replicate in range(replicates):
        truths = []
        estimates: dict[str, list[float]] = {name: [] for name in estimators}
        for trial in range(replicate * trials, (replicate + 1) * trials):
            x, t, truth = draw(row, trial, parameters)
            truths.append(truth)
            for name, column in estimators.items():
                estimates[name].append(column.estimate(x, t, trial))
            advance()
        for name, values in estimates.items():
            score = datasets.metrics.score(values, truths)
            for metric in METRICS:
                found[metric][name].append(getattr(score, metric))
    return {m: {c: np.array(v) for c, v in by.items()} for m, by in found.items()}


@dataclass(frozen=True)
class Agreement:
    """How one row compares with print, on rmse_norm.

    Attributes:
        row: The row.
        close: Columns within 20 % of print.
        far: The others, with the quotient of ours and theirs.
        probable: Columns whose printed value is within 2 deviations of a run of 40 trials.
        ordered: Pairs of columns that print tells apart (by 5 %) and that have the same order.
        pairs: Number of such pairs.
        swapped: The pairs in the other order.
    """

    row: Row
    close: list[str]
    far: dict[str, float]
    probable: list[str]
    ordered: int
    pairs: int
    swapped: list[str]


def compare(row: Row, found: Mapping[str, np.ndarray]) -> Agreement:
    """Compare the rmse_norm of the columns that both sides have."""
    printed = {c: v for c, v in row.printed.get("rmse_norm", {}).items() if c in found}
    ours = {c: float(found[c].mean()) for c in printed}
    quotients = {c: ours[c] / printed[c] for c in printed}
    close = [c for c, q in quotients.items() if abs(q - 1) <= CLOSE]
    probable = [
        c
        for c, value in printed.items()
        if len(found[c]) > 1 and abs(value - ours[c]) <= 2 * found[c].std(ddof=1)
    ]
    pairs, swapped = 0, []
    for a, b in combinations(printed, 2):
        low, high = sorted((a, b), key=printed.__getitem__)
        if printed[high] < printed[low] * (1 + DISTINCT):
            continue
        pairs += 1
        if ours[low] >= ours[high]:
            swapped.append(f"{low} < {high}")
    far = {c: q for c, q in quotients.items() if c not in close}
    return Agreement(row, close, far, probable, pairs - len(swapped), pairs, swapped)


def table_lines(
    results: Sequence[tuple[Row, dict[str, dict[str, np.ndarray]]]], names: Sequence[str]
) -> Iterator[str]:
    """Yield the table in Markdown: ours, and in brackets what is in print."""
    yield "| row | transforms | n | d | metric | " + " | ".join(names) + " |"
    yield "| ---: | --- | ---: | ---: | --- |" + " ---: |" * len(names)
    for row, found in results:
        for metric in METRICS:
            cells = []
            for name in names:
                ours = float(found[metric][name].mean())
                theirs = row.printed.get(metric, {}).get(name)
                cells.append(f"{ours:.3f} [{'--' if theirs is None else f'{theirs:.3f}'}]")
            head = (
                [str(row.number), row.transforms or "none", str(row.n), str(row.d)]
                if metric == METRICS[0]
                else [""] * 4
            )
            yield "| " + " | ".join([*head, metric, *cells]) + " |"


def verdict_lines(agreements: Sequence[Agreement]) -> Iterator[str]:
    """Yield one line a row, then the counts."""
    yield "| row | transforms | n | d | reading | within 20 % | within 2 sd | order | exceptions |"
    yield "| ---: | --- | ---: | ---: | --- | ---: | ---: | ---: | --- |"
    for a in agreements:
        columns_compared = len(a.close) + len(a.far)
        exceptions = [f"{c} x{q:.2f}" for c, q in a.far.items()]
        exceptions += [f"not {pair}" for pair in a.swapped]
        cells = [
            str(a.row.number),
            a.row.transforms or "none",
            str(a.row.n),
            str(a.row.d),
            a.row.confidence,
            f"{len(a.close)}/{columns_compared}",
            f"{len(a.probable)}/{columns_compared}",
            f"{a.ordered}/{a.pairs}",
            ", ".join(exceptions),
        ]
        yield "| " + " | ".join(cells) + " |"
    yield ""
    groups = {
        "high confidence": [a for a in agreements if a.row.confidence == "high"],
        "all readable rows": agreements,
    }
    for title, group in groups.items():
        values = sum(len(a.close) + len(a.far) for a in group)
        yield (
            f"{title}: {len(group)} rows; rmse_norm within 20 % in "
            f"{sum(len(a.close) for a in group)} of {values} cells and in every column of "
            f"{sum(not a.far for a in group)} rows; order of columns as printed in "
            f"{sum(a.ordered for a in group)} of {sum(a.pairs for a in group)} pairs and in all "
            f"pairs of {sum(not a.swapped for a in group)} rows"
        )


def write_csv(path: Path, results: Sequence[tuple[Row, dict[str, dict[str, np.ndarray]]]]) -> None:
    """Write one line for each row, metric and column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*ROW_FIELDS, "metric", "column", "value", "sd_of_a_run", "printed"])
        for row, found in results:
            head = [getattr(row, name) for name in ROW_FIELDS]
            for metric in METRICS:
                for name, values in found[metric].items():
                    spread = f"{values.std(ddof=1):.5f}" if len(values) > 1 else ""
                    theirs = row.printed.get(metric, {}).get(name)
                    printed = "" if theirs is None else f"{theirs:.3f}"
                    writer.writerow([*head, metric, name, f"{values.mean():.5f}", spread, printed])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=int, choices=(2, 3), required=True)
    parser.add_argument("--quick", action="store_true", help="10 trials, one replicate")
    parser.add_argument("--mine", action="store_true", help="the MINE columns instead; hours")
    parser.add_argument("--trials", type=int, help=f"per replicate, {TRIALS} as in the paper")
    parser.add_argument("--replicates", type=int, help=f"{REPLICATES}, or 1 if --quick or --mine")
    parser.add_argument("--rows", type=int, nargs="+", metavar="ROW", help="only these rows")
    parser.add_argument("--columns", nargs="+", metavar="NAME", help="only these columns")
    parser.add_argument("--sweep-side", choices=("x", "y"), default="x", help="of ksg-glo")
    parser.add_argument(
        "--range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="of sigma or rho, instead of the assumed one",
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the CSV")
    arguments = parser.parse_args(argv)

    trials = arguments.trials or (10 if arguments.quick else TRIALS)
    once = arguments.quick or arguments.mine
    replicates = arguments.replicates or (1 if once else REPLICATES)
    chosen = {
        name: column
        for name, column in columns(arguments.sweep_side).items()
        if column.in_tables and column.trained == arguments.mine
    }
    if arguments.columns:
        unknown = set(arguments.columns) - set(chosen)
        if unknown:
            parser.error(f"--columns must be among {', '.join(chosen)}; got {', '.join(unknown)}")
        chosen = {name: chosen[name] for name in arguments.columns}
    rows = [r for r in read_rows(arguments.table) if r.number in (arguments.rows or [r.number])]
    results = []
    with ProgressBar(True, len(rows) * replicates * trials, f"table {arguments.table}") as bar:
        for row in rows:
            found = run(
                row,
                chosen,
                trials=trials,
                replicates=replicates,
                parameters=tuple(arguments.range or RANGES[row.table, row.d]),
                advance=bar.advance,
            )
            results.append((row, found))
    print("\n".join(table_lines(results, list(chosen))), end="\n\n")
    print("\n".join(verdict_lines([compare(row, found["rmse_norm"]) for row, found in results])))
    kind = "_mine" if arguments.mine else ""
    write_csv(arguments.out / f"table{arguments.table}{kind}.csv", results)


if __name__ == "__main__":
    main()
