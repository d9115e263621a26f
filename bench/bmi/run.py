"""Run fastmi's methods on BMI's tasks and on the laws outside it, and note every estimate.

    python bench/bmi/run.py --samples SAMPLES --cells CELLS --out OUT   # all but the trained ones
    python bench/bmi/run.py --samples SAMPLES --cells CELLS --trained --seeds 0

One line of JSON for each estimate is added to CELLS. A run may be ended at any time: what stands in
the file is not estimated again, unless --again names its method. SAMPLES is what sample.py wrote.
`tables.py` makes tables and plots from CELLS, at once with --out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import tables
from candidates import CANDIDATES, Candidate
from trials import GROUPS, cell_of, cells_in, draw, key_of, tasks_of

import fastmi
from fastmi._cautions import Note

sys.path.append(str(Path(__file__).parents[1]))
import machine

SIZES = (5000, 1000, 10_000)


def estimate(
    candidate: Candidate, x: np.ndarray, y: np.ndarray, given: dict[str, object]
) -> dict[str, Any]:
    """Return what a method says of a sample, or why it refuses."""
    arguments = candidate.arguments(x.shape[1], y.shape[1])
    arguments.update((name, value) for name, value in given.items() if candidate.accepts(name))
    start = time.process_time()
    try:
        found = fastmi.mi(x, y, **arguments)
    except (ValueError, ArithmeticError) as refusal:
        return {"error": f"{type(refusal).__name__}: {refusal}"}
    return {
        "value": float(found),
        "stderr": found.stderr,
        "seconds": round(time.process_time() - start, 4),
        "bias": found.bias,
        "interval": found.interval,
        "components": {
            name: [round(float(part), 4), round(part.bias, 4)]
            for name, part in found.components.items()
        },
        "warned": sorted({each.kind for each in found.warnings if not isinstance(each, Note)}),
        "noted": sorted({each.kind for each in found.warnings if isinstance(each, Note)}),
    }


def chosen(arguments: argparse.Namespace) -> dict[str, Candidate]:
    """Return the candidates that are asked for and that this build of fastmi has."""
    found = {}
    for label, candidate in CANDIDATES.items():
        if arguments.methods is None:
            asked = candidate.trains == arguments.trained
        else:
            asked = any(fnmatch(label, pattern) for pattern in arguments.methods)
        if not asked:
            continue
        if missing := candidate.missing():
            print(f"{label}: left out, because this build of fastmi has no {missing}")
        elif arguments.steps is not None and candidate.accepts("steps"):
            found[f"{label}, {arguments.steps} steps"] = candidate
        else:
            found[label] = candidate
    return found


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=Path, help="folder of sample.py; laws only without it")
    parser.add_argument("--cells", type=Path, required=True, help="file of JSON lines to add to")
    parser.add_argument("--methods", nargs="+", metavar="PATTERN", help="labels, e.g. 'ksg1*'")
    parser.add_argument("--trained", action="store_true", help="the methods that train a network")
    parser.add_argument("--tasks", nargs="+", metavar="PATTERN", default=["*"])
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--n", type=int, nargs="+", help=f"default {SIZES}, 5000 with --trained")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="updates of a training, for a smaller budget")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also make tables and plots, in this folder")
    parser.add_argument("--again", action="store_true", help="also what the file already holds")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore", fastmi.EstimateWarning)

    candidates = chosen(arguments)
    if any(candidate.trains for candidate in candidates.values()):
        import torch

        torch.set_num_threads(arguments.threads)
    given: dict[str, object] = {"n_jobs": arguments.threads, "seed": 0}
    if arguments.steps is not None:
        given["steps"] = arguments.steps
    sizes = arguments.n or ((5000,) if arguments.trained else SIZES)
    tasks = [
        task
        for task in tasks_of(arguments.samples)
        if task.group in arguments.groups and any(fnmatch(task.name, p) for p in arguments.tasks)
    ]
    done = {key_of(cell) for cell in cells_in(arguments.cells) if "task" in cell}
    arguments.cells.parent.mkdir(parents=True, exist_ok=True)
    with arguments.cells.open("a") as file:
        file.write(json.dumps({"machine": machine.describe(arguments.threads)}) + "\n")
        for n in sizes:
            for seed in arguments.seeds:
                for task in tasks:
                    missing = {
                        label: candidate
                        for label, candidate in candidates.items()
                        if candidate.fits(*task.dims)
                        and (arguments.again or (task.name, n, seed, label) not in done)
                    }
                    if not missing:
                        continue
                    x, y = (block[:n] for block in draw(task, seed, arguments.samples))
                    for label, candidate in missing.items():
                        found = estimate(candidate, x, y, given)
                        cell = cell_of(task, n, seed, label) | found
                        file.write(json.dumps(cell) + "\n")
                        file.flush()
                print(f"n = {n}, seed {seed}: done", file=sys.stderr, flush=True)
    if arguments.out is not None:
        tables.main([str(arguments.cells), "--out", str(arguments.out)])


if __name__ == "__main__":
    main()
