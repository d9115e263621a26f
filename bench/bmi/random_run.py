"""How good are `auto` and plain KSG on laws drawn at random, and what do their intervals cover?

Laws come from 15 families, most of them unlike a Gaussian or t copula, with one to five groups of
columns that depend, up to 22 more that carry nothing, and rotations within the blocks.

    python bench/bmi/random_run.py --json bench/results/random_laws.json
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path
from typing import Any

# Shared code lies one folder up, where scripts of bench/ find it.
sys.path.append(str(Path(__file__).parents[1]))

import machine
import numpy as np
import render
import tasks
from random_laws import NAMES, task
from summary import Cell, is_right, summary

import fastmi
from fastmi._cautions import Note
from fastmi._extras import ProgressBar

# The constants of fastmi/estimators/auto/rules.py were chosen on the tasks of these numbers.
SEED, FIRST = 15_2026, 20_000
METHODS = ("ksg1", "auto")


def cells_of(number: int) -> list[Cell]:
    """Return what each method says of one random task."""
    rng = np.random.default_rng([SEED, number])
    drawn = task(NAMES[number % len(NAMES)], rng, large=number % 2 == 0)
    cells = []
    for method in METHODS:
        begun = time.process_time()
        found = fastmi.mi(drawn.x, drawn.y, method=method, n_jobs=1)
        cells.append(
            {
                "task": f"{drawn.family} {number}",
                "family": drawn.family,
                "label": method,
                "seed": 0,
                "n": len(drawn.x),
                "dims": found.dims,
                "truth": drawn.truth,
                "value": float(found),
                "interval": found.interval,
                "warned": [each.kind for each in found.warnings if not isinstance(each, Note)],
                "seconds": time.process_time() - begun,
            }
        )
    return cells


def rows_of(cells: list[Cell]) -> list[dict[str, Any]]:
    """Return a row for all tasks, for those with few and many samples, and for each family."""
    groups: dict[str, list[Cell]] = {
        "all": cells,
        "n < 2000": [cell for cell in cells if cell["n"] < 2000],
        "n >= 2000": [cell for cell in cells if cell["n"] >= 2000],
        **{name: [cell for cell in cells if cell["family"] == name] for name in NAMES},
    }
    return [
        {"group": group, "method": method, "tasks": len(own), "right": sum(map(is_right, own))}
        | {key: value for key, value in summary(own).items() if key not in ("tasks", "right")}
        for group, members in groups.items()
        for method in METHODS
        if (own := [cell for cell in members if cell["label"] == method])
    ]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, help="300, or 15 with --quick")
    parser.add_argument("--first", type=int, default=FIRST, help="number of the first task")
    tasks.add_arguments(parser, "one task of each family")
    arguments = parser.parse_args(argv)

    warnings.simplefilter("ignore", fastmi.EstimateWarning)
    number = arguments.tasks or (15 if arguments.quick else 300)
    cells: list[Cell] = []
    with ProgressBar(True, number, "tasks") as bar:
        for each in range(arguments.first, arguments.first + number):
            cells += cells_of(each)
            bar.advance()
    result = {"bench": "random_laws", "machine": machine.describe(1), "rows": rows_of(cells)}
    render.report(result, arguments.json)


if __name__ == "__main__":
    main()
