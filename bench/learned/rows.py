"""Computes the table that a combination learns from: one line of JSON for each task.

    python bench/learned/rows.py --out rows.jsonl --first 0 --last 2500

A task is fixed by its number, so that a run that was cut continues where it stood, and several
processes may share the numbers.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
from features import raw_features
from laws import FAMILIES, task

SEED = 15_2026


def row(number: int) -> dict[str, float | str] | None:
    """Return what is known of the task of a number."""
    rng = np.random.default_rng([SEED, number])
    names = list(FAMILIES)
    drawn = task(names[number % len(names)], rng)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = raw_features(drawn.x, drawn.y, rng)
    if found is None:
        return None
    seconds = round(time.perf_counter() - start, 3)
    return {
        "number": number,
        "family": drawn.family,
        "truth": drawn.truth,
        "seconds": seconds,
        **found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=2500)
    options = parser.parse_args()
    done = set()
    if options.out.exists():
        done = {json.loads(line)["number"] for line in options.out.read_text().splitlines()}
    with options.out.open("a") as file:
        for number in range(options.first, options.last):
            if number in done:
                continue
            found = row(number)
            if found is not None:
                file.write(json.dumps(found) + "\n")
                file.flush()


if __name__ == "__main__":
    main()
