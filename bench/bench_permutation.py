"""A permutation test of 200 surrogates, beside the estimates that it is made of.

python bench/bench_permutation.py --json bench/results/permutation.json

A shuffled pair has a price of its own: its k-th distances are longer than those of a dependent
one. The table counts the test in calls of fastmi.mi on the samples and on one shuffle of them.
"""

from __future__ import annotations

import argparse
from functools import partial

import machine
import numpy as np
import peers
import render
import tasks
from peers import _base
from peers.fastmi import Fastmi
from tasks import Task
from timing import format_seconds, interleave, progress, timed

import fastmi

SURROGATES = 200
TABLE = (
    Task(1, 1, 1000),
    Task(1, 1, 10_000),
    Task(3, 3, 1000),
    Task(3, 3, 10_000),
    Task(5, 5, 2000),
)
QUICK_TABLE = (Task(2, 2, 200),)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "a small case, one turn each")
    parser.add_argument("--peers", nargs="*", default=["MILCA"], help="rivals, one shuffle each")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of rounds per case")
    arguments = parser.parse_args(argv)

    _base.THREADS = machine.cores()
    rivals = peers.rivals(arguments.peers)
    rows = []
    for task in QUICK_TABLE if arguments.quick else TABLE:
        x, y = task.sample()
        shuffled = x[np.random.default_rng(1).permutation(len(x))]
        calls = {
            "test": partial(timed, partial(_test, x, y, task.k)),
            "mi": partial(Fastmi().timed, x, y, task.k),
            "mi of a shuffle": partial(Fastmi().timed, shuffled, y, task.k),
            "on one thread": partial(Fastmi(n_jobs=1).timed, shuffled, y, task.k),
        }
        calls |= {rival.name: partial(rival.timed, shuffled, y, task.k) for rival in rivals}
        timings = interleave(calls, budget=0.0 if arguments.quick else arguments.budget)
        for rival in rivals:
            gap = abs(timings[rival.name].value - timings["mi of a shuffle"].value)
            if not gap <= rival.tolerance:
                raise SystemExit(f"{task.name}: {rival.name} differs by {gap:.2g} nats")
        seconds = {name: timing.median for name, timing in timings.items()}
        rows.append({"case": task.name, "surrogates": SURROGATES, "seconds": seconds})
        times = ", ".join(f"{name} {format_seconds(s)}" for name, s in seconds.items())
        progress(f"{task.name:14} {times}")
    result = {"bench": "permutation", "machine": machine.describe(), "rows": rows}
    render.report(result, arguments.json)


def _test(x: np.ndarray, y: np.ndarray, k: int) -> float:
    result = fastmi.permutation_test(x, y, k=k, n_permutations=SURROGATES, seed=0)
    return float(result.null.mean())


if __name__ == "__main__":
    main()
