"""Time per point as n grows, low dims: a tree that fits no cache must not lose its O(log n).

python bench/bench_growth.py --json bench/results/growth.json
"""

from __future__ import annotations

import argparse
from functools import partial

import machine
import render
import tasks
from peers.fastmi import Fastmi
from tasks import Task
from timing import format_seconds, interleave, progress

SIZES = (100_000, 1_000_000, 10_000_000)
QUICK_SIZES = (10_000, 100_000)
DIMS = (1, 2, 3)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_case_arguments(parser)
    arguments = parser.parse_args(argv)

    peer = Fastmi()
    sizes = QUICK_SIZES if arguments.quick else SIZES
    rows = []
    table = [Task(d, d, n) for d in DIMS for n in sizes]
    for task in tasks.select(table, arguments.cases):
        x, y = task.sample()
        rounds = 1 if task.n > 1_000_000 else 3
        timing = interleave(
            {peer.name: partial(peer.timed, x, y, task.k)},
            budget=0.0,
            min_rounds=rounds,
            once_above=30.0,
        )[peer.name]
        rows.append(
            {
                "dims": f"({task.dx},{task.dy})",
                "n": task.n,
                "seconds": timing.median,
                "min": timing.best,
                "mi": timing.value,
                "true_mi": task.mi,
            }
        )
        progress(
            f"{task.name:12} {format_seconds(timing.median)}, "
            f"{format_seconds(timing.median / task.n)} per point, "
            f"mi {timing.value:.5f} (true {task.mi:.5f})"
        )
    render.report({"bench": "growth", "machine": machine.describe(), "rows": rows}, arguments.json)


if __name__ == "__main__":
    main()
