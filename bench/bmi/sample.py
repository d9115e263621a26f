"""Draw the samples of the 40 tasks of BMI once, so that fastmi need not live beside JAX.

Run it in an environment that holds the package `benchmark-mi` (README.md names the versions):

    python bench/bmi/sample.py SAMPLES

SAMPLES gets one file for each task and seed, `TASK__seedS.npz` with x and y as float64, and
`tasks.json` with name, columns and true information in nats. A smaller n is the first rows. Files
that are there already are kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import bmi
import numpy as np


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("samples", type=Path, help="folder to write to")
    parser.add_argument("--n", type=int, default=10_000, help="rows of each sample")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    arguments = parser.parse_args(argv)

    arguments.samples.mkdir(parents=True, exist_ok=True)
    tasks = bmi.benchmark.BENCHMARK_TASKS
    described = [
        {"name": name, "dx": task.dim_x, "dy": task.dim_y, "truth": task.mutual_information}
        for name, task in tasks.items()
    ]
    (arguments.samples / "tasks.json").write_text(json.dumps(described, indent=1) + "\n")
    for seed in arguments.seeds:
        for name, task in tasks.items():
            path = arguments.samples / f"{name}__seed{seed}.npz"
            if not path.exists():
                x, y = (np.asarray(block, np.float64) for block in task.sample(arguments.n, seed))
                part = path.with_suffix(".part")  # a run that is ended leaves no half file
                with part.open("wb") as file:
                    np.savez(file, x=x, y=y)
                part.rename(path)
        print(f"seed {seed}: {len(tasks)} tasks")


if __name__ == "__main__":
    main()
