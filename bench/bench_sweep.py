"""Twenty relative scales in one pass, beside one evaluation and beside a rival called 20 times.

python bench/bench_sweep.py --json bench/results/sweep.json
"""

from __future__ import annotations

import argparse
from functools import partial

import machine
import peers
import render
import tasks
from peers import _base
from peers.fastmi import Fastmi
from tasks import Task
from timing import format_seconds, interleave, progress, timed

from fastmi.estimators.neighbors.sweep import DEFAULT_SCALES, KSGSweep

TABLE = (Task(1, 1, 1000), Task(2, 2, 1000), Task(10, 10, 5000), Task(100, 100, 5000))
QUICK_TABLE = (Task(1, 1, 200), Task(5, 5, 200))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "small cases, one turn each")
    parser.add_argument("--peers", nargs="*", default=["torch", "scipy"], help="rivals")
    parser.add_argument("--budget", type=float, default=15.0, help="seconds of rounds per case")
    arguments = parser.parse_args(argv)

    _base.THREADS = machine.cores()
    rivals = peers.rivals(arguments.peers)
    rows = []
    for task in QUICK_TABLE if arguments.quick else TABLE:
        x, y = task.sample()
        swept = KSGSweep(normalize=None, k=task.k)
        calls = {
            "sweep": partial(timed, lambda x=x, y=y, swept=swept: float(swept.estimate(x, y))),
            "one scale": partial(Fastmi().timed, x, y, task.k),
        }
        for rival in rivals:
            one_by_one = partial(_largest, rival, x, y, task.k)
            calls[rival.name] = partial(timed, one_by_one)
        timings = interleave(calls, budget=0.0 if arguments.quick else arguments.budget)
        for rival in rivals:
            # Rescaled data rounds otherwise than rescaled distances: a few counts may differ.
            gap = abs(timings[rival.name].value - timings["sweep"].value)
            if gap > 1e-3:
                raise SystemExit(f"{task.name}: {rival.name} differs by {gap:.2g} nats")
        rows.append({"case": task.name, "seconds": {n: t.median for n, t in timings.items()}})
        times = ", ".join(f"{n} {format_seconds(t.median)}" for n, t in timings.items())
        progress(f"{task.name:14} {times}")
    render.report({"bench": "sweep", "machine": machine.describe(), "rows": rows}, arguments.json)


def _largest(rival: _base.Peer, x: _base.Samples, y: _base.Samples, k: int) -> float:
    return max(rival.mi(x, scale * y, k) for scale in DEFAULT_SCALES)


if __name__ == "__main__":
    main()
