"""One thread against all, interleaved, for every row of the CPU table.

python bench/bench_threads.py --json bench/results/threads.json
"""

from __future__ import annotations

import argparse
from functools import partial

import machine
import render
import tasks
from peers.fastmi import Fastmi
from timing import format_seconds, interleave, progress


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_case_arguments(parser)
    parser.add_argument("--budget", type=float, default=6.0, help="seconds of rounds per case")
    arguments = parser.parse_args(argv)

    counts = sorted({1, machine.cores()})
    table = tasks.QUICK_TABLE if arguments.quick else tasks.CPU_TABLE
    budget = 0.5 if arguments.quick else arguments.budget
    rows = []
    for task in tasks.select(table, arguments.cases):
        x, y = task.sample()
        calls = {str(t): partial(Fastmi(n_jobs=t).timed, x, y, task.k) for t in counts}
        timings = interleave(calls, budget=budget)
        values = {timing.value for timing in timings.values()}
        if len(values) != 1:
            raise SystemExit(f"{task.name}: the estimate depends on threads: {sorted(values)}")
        rows.append({"case": task.name, "seconds": {name: t.median for name, t in timings.items()}})
        times = ", ".join(f"{name}: {format_seconds(t.median)}" for name, t in timings.items())
        progress(f"{task.name:14} {times}")
    render.report({"bench": "threads", "machine": machine.describe(), "rows": rows}, arguments.json)


if __name__ == "__main__":
    main()
