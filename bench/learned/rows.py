"""Computes the table that a combination learns from: one line of JSON for each task.

    python bench/learned/rows.py --out rows.jsonl --first 0 --last 2500
    python bench/learned/rows.py --out bmi.jsonl --samples FOLDER --n 5000

A task is fixed by its number, so that a run that was cut continues where it stood, and several
processes may share the numbers.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from features import hints_of
from laws import FAMILIES, Task, task

from fastmi.estimators._learned import Hints, Moments, Said

Row: TypeAlias = dict[str, Any]

SEED = 15_2026
FROM_LARGE = 5000


def row(drawn: Task, rng: np.random.Generator) -> Row | None:
    """Return what is known of a task, None where one block determines a direction of the other."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = hints_of(drawn.x, drawn.y, rng)
    if found is None:
        return None
    seconds = round(time.perf_counter() - start, 3)
    return {"family": drawn.family, "truth": drawn.truth, "seconds": seconds, "hints": found}


def of_number(number: int) -> Row | None:
    """Return the row of the task of a number; those from `FROM_LARGE` on have many samples."""
    rng = np.random.default_rng([SEED, number])
    names = list(FAMILIES)
    return row(task(names[number % len(names)], rng, large=number >= FROM_LARGE), rng)


def of_samples(folder: Path, name: str, n: int) -> Row | None:
    """Return the row of the first n samples of a file that `bench/bmi/sample.py` wrote."""
    tasks = {one["name"]: one for one in json.loads((folder / "tasks.json").read_text())}
    law = name.rsplit("__seed", 1)[0]
    stored = np.load(folder / f"{name}.npz")
    drawn = Task(law, stored["x"][:n], stored["y"][:n], tasks[law]["truth"])
    return row(drawn, np.random.default_rng([SEED, n]))


def read(path: Path) -> tuple[list[Row], list[Hints]]:
    """Return the rows of a file, by their tasks, and their hints."""
    rows = sorted(map(json.loads, path.read_text().splitlines()), key=lambda row: str(row["task"]))
    hints = []
    for row in rows:
        *counts, scores, scaled, own, twins, combined = row["hints"]
        said = Said(*scores), Said(*scaled), Moments(*own), Moments(*twins)
        hints.append(Hints(*counts, *said, combined))
    return rows, hints


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=2500)
    parser.add_argument("--samples", type=Path, help="rows of stored samples instead")
    parser.add_argument("--n", type=int, default=5000, help="rows that are read of each file")
    options = parser.parse_args()
    tasks: dict[str, Callable[[], Row | None]] = {
        str(number): partial(of_number, number) for number in range(options.first, options.last)
    }
    if options.samples is not None:
        names = sorted(path.stem for path in options.samples.glob("*.npz"))
        tasks = {
            f"{name} n={options.n}": partial(of_samples, options.samples, name, options.n)
            for name in names
        }
    done = set()
    if options.out.exists():
        done = {json.loads(line)["task"] for line in options.out.read_text().splitlines()}
    with options.out.open("a") as file:
        for name, compute in tasks.items():
            if name in done:
                continue
            found = compute()
            if found is not None:
                file.write(json.dumps({"task": name, **found}) + "\n")
                file.flush()


if __name__ == "__main__":
    main()
