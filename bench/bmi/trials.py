"""What is estimated: BMI's tasks and the laws outside it, and the file of what came out.

It needs no fastmi, because the other package's environment uses it, too.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from laws import DEVELOPMENT, LAWS

GROUPS = ("bmi", "development", "held back")
ROWS = 10_000  # drawn once; a smaller n is the first rows
Key = tuple[str, int, int, str]


class Task(NamedTuple):
    """Something to estimate.

    Attributes:
        group: "bmi", "development" or "held back".
        name: Name of the task or law.
        dims: (dx, dy).
        truth: Nats.
    """

    group: str
    name: str
    dims: tuple[int, int]
    truth: float


def tasks_of(samples: Path | None) -> list[Task]:
    """Return BMI's tasks, if there are samples of them, and the laws."""
    found = []
    if samples is not None:
        for each in json.loads((samples / "tasks.json").read_text()):
            found.append(Task("bmi", each["name"], (each["dx"], each["dy"]), each["truth"]))
    for name, law in LAWS.items():
        group = "development" if name in DEVELOPMENT else "held back"
        found.append(Task(group, name, law.dims, law.truth))
    return found


def draw(task: Task, seed: int, samples: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows of the sample of a task."""
    if task.group == "bmi":
        assert samples is not None
        with np.load(samples / f"{task.name}__seed{seed}.npz") as file:
            return file["x"], file["y"]
    return LAWS[task.name].draw(ROWS, np.random.default_rng([seed, zlib.crc32(task.name.encode())]))


def cells_in(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of cells; a last line that was cut off is left out."""
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def cell_of(task: Task, n: int, seed: int, label: str) -> dict[str, Any]:
    """Return what every line of a file of cells begins with."""
    return {
        "group": task.group,
        "task": task.name,
        "dims": task.dims,
        "truth": task.truth,
        "n": n,
        "seed": seed,
        "label": label,
    }


def key_of(cell: dict[str, Any]) -> Key:
    """Return what tells one estimate from another."""
    return cell["task"], cell["n"], cell["seed"], cell["label"]
