"""What the package `benchmark-mi` itself estimates, on the same samples.

Run it in the environment of sample.py; laws outside BMI need NumPy and SciPy there, which the
package brings:

    python bench/bmi/peers.py --samples SAMPLES --cells CELLS
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bmi
from trials import GROUPS, cell_of, cells_in, draw, key_of, tasks_of

#: Label, estimator, and the most columns of x and y together that it is tried on.
ESTIMATORS: dict[str, tuple[Callable[[], Any], int]] = {
    "BMI: KSG, k=10": (lambda: bmi.estimators.KSGEnsembleFirstEstimator(neighborhoods=(10,)), 1000),
    "BMI: CCA": (bmi.estimators.CCAMutualInformationEstimator, 1000),
    # It counts in 5^(dx + dy) bins.
    "BMI: histogram": (bmi.estimators.HistogramEstimator, 4),
}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=Path, required=True, help="folder of sample.py")
    parser.add_argument("--cells", type=Path, required=True, help="file of JSON lines to add to")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--n", type=int, nargs="+", default=[5000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args(argv)

    done = {key_of(cell) for cell in cells_in(arguments.cells) if "task" in cell}
    tasks = [each for each in tasks_of(arguments.samples) if each.group in arguments.groups]
    with arguments.cells.open("a") as file:
        for n in arguments.n:
            for seed in arguments.seeds:
                for task in tasks:
                    x, y = (block[:n] for block in draw(task, seed, arguments.samples))
                    for label, (make, columns) in ESTIMATORS.items():
                        if sum(task.dims) > columns or (task.name, n, seed, label) in done:
                            continue
                        start = time.process_time()
                        value = float(make().estimate(x, y))
                        cell = cell_of(task, n, seed, label) | {
                            "value": value,
                            "seconds": round(time.process_time() - start, 4),
                            "warned": [],
                        }
                        file.write(json.dumps(cell) + "\n")
                        file.flush()
                print(f"n = {n}, seed {seed}: done", flush=True)


if __name__ == "__main__":
    main()
