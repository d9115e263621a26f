"""Tables and plots of what run.py and peers.py have estimated.

    python bench/bmi/tables.py CELLS ... --out bench/results/bmi

CELLS is what run.py and peers.py wrote. The folder gets tables.md with every table and errors_*.png
with the error of each method on each task; beside it stands its namesake, a .json from which
`bench/render.py` makes the short table of bench/README.md. A refusal is counted as not right.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from candidates import CANDIDATES, describe
from summary import Cell, is_off, kinds, latest, summary, tolerance
from trials import GROUPS, cells_in

sys.path.append(str(Path(__file__).parents[1]))
from accuracy_tables import bmi_lines, digits
from result_tables import caption, markdown_table

TITLES = {
    "bmi": "BMI, 40 tasks",
    "development": "Outside BMI, laws for development",
    "held back": "Outside BMI, laws held back",
}
Row = dict[str, Any]


def labels_of(cells: Sequence[Cell]) -> list[str]:
    """Return the labels of cells, those of fastmi first."""
    found = dict.fromkeys(cell["label"] for cell in cells)
    return sorted(found, key=[*CANDIDATES, *found].index)


def summaries(cells: Sequence[Cell]) -> list[Row]:
    """Return a row for each group, n and method."""
    rows = []
    for group in GROUPS:
        for n in sorted({cell["n"] for cell in cells}):
            here = [cell for cell in cells if cell["group"] == group and cell["n"] == n]
            for label in labels_of(here):
                own = [cell for cell in here if cell["label"] == label]
                rows.append({"group": group, "n": n, "label": label, **summary(own)})
    return rows


def kinds_table(cells: Sequence[Cell]) -> str:
    """Return how often each kind of warning stands on wrong and on right values, by method."""
    lines = []
    for label in labels_of(cells):
        own = [cell for cell in cells if cell["label"] == label]
        for kind, (off, right) in kinds(own).items():
            lines.append([label, kind, str(off), str(right)])
    return markdown_table(["method", "kind of warning", "on wrong values", "on right ones"], lines)


def task_table(cells: Sequence[Cell], label: str) -> str:
    """Return what one method says of each task, seed by seed; wrong values are bold."""
    tasks = list(dict.fromkeys(cell["task"] for cell in cells if cell["label"] == label))
    lines = []
    for task in tasks:
        own = sorted(
            (cell for cell in cells if cell["label"] == label and cell["task"] == task),
            key=lambda cell: cell["seed"],
        )
        values = [
            "refused"
            if "value" not in cell
            else f"**{cell['value']:.3f}**"
            if is_off(cell)
            else f"{cell['value']:.3f}"
            for cell in own
        ]
        bars = [
            f"{cell['interval'][0]:.2f} to {cell['interval'][1]:.2f}"
            for cell in own
            if cell.get("interval")
        ]
        warned = sorted({kind for cell in own for kind in cell.get("warned", ())})
        bar = bars[0] if bars else ""
        lines.append([task, f"{own[0]['truth']:.3f}", ", ".join(values), bar, ", ".join(warned)])
    header = ["task", "truth", "value, by seed", "interval, first seed", "warnings"]
    return markdown_table(header, lines)


def side_by_side(cells: Sequence[Cell]) -> str:
    """Return the mean over seeds of every method on every task; bold where a seed is off."""
    labels = labels_of(cells)
    lines = []
    for task in dict.fromkeys(cell["task"] for cell in cells):
        here = [cell for cell in cells if cell["task"] == task]
        line = [task, f"{here[0]['truth']:.3f}"]
        for label in labels:
            own = [cell for cell in here if cell["label"] == label and "value" in cell]
            text = digits(statistics.fmean(cell["value"] for cell in own), 3) if own else ""
            line.append(f"**{text}**" if any(map(is_off, own)) else text)
        lines.append(line)
    return markdown_table(["task", "truth", *labels], lines)


def coverage_table(rows: Sequence[Row]) -> str:
    """Return how often `interval` holds the truth."""
    lines = [
        [
            TITLES[row["group"]],
            str(row["n"]),
            row["label"],
            str(row["intervals"]),
            f"{row['covered'] / row['intervals']:.0%}",
            digits(row["width"], 2),
        ]
        for row in rows
        if row["intervals"]
    ]
    header = ["tasks", "n", "method", "intervals", "hold the truth", "median width / value"]
    return markdown_table(header, lines) if lines else "No method has given an interval."


def independent_table(cells: Sequence[Cell]) -> str:
    """Return how far each method strays from 0 on blocks that are independent."""
    null = [cell for cell in cells if cell["truth"] == 0.0]
    lines = []
    for label in labels_of(null):
        own = [cell for cell in null if cell["label"] == label and "value" in cell]
        if own:
            sizes = [abs(cell["value"]) for cell in own]
            worst = max(own, key=lambda cell: abs(cell["value"]))
            lines.append(
                [
                    label,
                    str(len(own)),
                    digits(statistics.fmean(sizes), 4),
                    f"{sum(size >= 0.03 for size in sizes)}",
                    digits(worst["value"], 3),
                    worst["task"],
                ]
            )
    header = ["method", "samples", "mean size", "0.03 or more", "furthest", "where"]
    return markdown_table(header, lines)


def plot(cells: Sequence[Cell], title: str, path: Path) -> None:
    """Draw the median error of each method on each task, in units of the tolerance."""
    import matplotlib as mpl
    import numpy as np

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    labels = labels_of(cells)
    tasks = list(dict.fromkeys(cell["task"] for cell in cells))
    grid = np.full((len(tasks), len(labels)), np.nan)
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if "value" in cell:
            found.setdefault((cell["task"], cell["label"]), []).append(cell)
    for (task, label), own in found.items():
        errors = [(cell["value"] - cell["truth"]) / tolerance(cell["truth"]) for cell in own]
        grid[tasks.index(task), labels.index(label)] = np.median(errors)
    figure, ax = plt.subplots(
        figsize=(3.2 + 0.36 * len(labels), 1.6 + 0.19 * len(tasks)), layout="constrained"
    )
    colours = plt.get_cmap("RdBu_r").copy()
    colours.set_bad("0.85")
    scale = mpl.colors.SymLogNorm(1.0, vmin=-30.0, vmax=30.0)
    image = ax.imshow(np.ma.masked_invalid(grid), cmap=colours, norm=scale, aspect="auto")
    for row, column in np.argwhere(np.abs(grid) > 1.0):
        ax.plot(column, row, ".", color="black", markersize=2)
    ax.set_xticks(range(len(labels)), labels, rotation=90, fontsize=7)
    ax.set_yticks(range(len(tasks)), tasks, fontsize=6)
    ax.set_title(title, fontsize=9)
    bar = figure.colorbar(image, ax=ax, shrink=0.5, ticks=[-30, -10, -3, -1, 0, 1, 3, 10, 30])
    bar.ax.set_yticklabels(["-30", "-10", "-3", "-1", "0", "1", "3", "10", "30"], fontsize=7)
    bar.set_label("(estimate - truth) / tolerance; dots mark errors above it", fontsize=7)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cells", type=Path, nargs="+", help="files of run.py and peers.py")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--n", type=int, default=5000, help="n of the plots and of the tasks")
    parser.add_argument("--tasks-of", nargs="+", default=["auto", "ksg1"], metavar="METHOD")
    arguments = parser.parse_args(argv)

    lines = [cell for path in arguments.cells for cell in cells_in(path)]
    cells = latest(lines)
    machines = [line["machine"] for line in lines if "machine" in line]
    rows = summaries(cells)
    # Cells may come from several commands.
    command = "python bench/bmi/run.py --samples SAMPLES --cells CELLS --out OUT"
    result = {"bench": "bmi", "machine": machines[-1] | {"command": command}, "rows": rows}
    arguments.out.mkdir(parents=True, exist_ok=True)
    arguments.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")

    parts = [
        "# Estimates of known information",
        f"{caption(result)}\n\n"
        "Right: within 10 % of the truth or 0.05 nats. MAE: mean absolute error in nats over tasks "
        "and seeds. Made by `bench/bmi/tables.py`; [README](../../bmi/README.md).",
    ]
    for group in GROUPS:
        for n in sorted({row["n"] for row in rows if row["group"] == group}):
            here = [row for row in rows if (row["group"], row["n"]) == (group, n)]
            parts += [f"## {TITLES[group]}, n = {n}", bmi_lines(here)]
    parts += ["## Intervals", coverage_table(rows)]
    null = [cell for cell in cells if cell["n"] == arguments.n]
    parts += [f"## Independent blocks, n = {arguments.n}", independent_table(null)]
    for group in GROUPS:
        here = [cell for cell in cells if (cell["group"], cell["n"]) == (group, arguments.n)]
        if not here:
            continue
        parts += [
            f"## Every method on each task: {TITLES[group]}, n = {arguments.n}",
            "The mean over seeds in nats; bold where a seed is off, empty where a method refuses "
            "or is not tried.",
            side_by_side(here),
            f"## Kinds of warnings: {TITLES[group]}, n = {arguments.n}",
            kinds_table(here),
            f"![Errors](errors_{group.replace(' ', '_')}.png)",
        ]
        title = f"{TITLES[group]}, n = {arguments.n}, median over seeds"
        plot(here, title, arguments.out / f"errors_{group.replace(' ', '_')}.png")
        for label in arguments.tasks_of:
            if any(cell["label"] == label for cell in here):
                parts += [
                    f"## `{label}` on each task: {TITLES[group]}, n = {arguments.n}",
                    task_table(here, label),
                ]
    used = [label for label in CANDIDATES if any(cell["label"] == label for cell in cells)]
    parts += [
        "## Calls",
        markdown_table(["method", "call"], [[label, f"`{describe(label)}`"] for label in used]),
    ]
    (arguments.out / "tables.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
