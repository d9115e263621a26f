"""fastmi against its rivals: KSG-1 on correlated Gaussians, one row per (dx, dy) and n.

All libraries run on the same sample, in turns, in one process, with every core they can use.
A row holds the median time of each, the ratio of the fastest rival to fastmi, the largest
disagreement of the estimates, and how much of the machine's measured distance throughput a
full scan in that time would be: above 100 % means that most pairs were never looked at.

    python bench/bench_mi.py --json bench/results/mi.json
    python bench/bench_mi.py --cases '(1,1)*' --peers scipy MILCA
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

import machine
import peers
import render
import result_tables
import tasks
from peers import _base
from tasks import Task
from timing import Timing, format_seconds, interleave, progress

FLOAT32_TOLERANCE = 5e-3
"""Largest difference in nats: float32 distances tie, and rivals without float32 get float64."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_case_arguments(parser)
    parser.add_argument("--peers", nargs="+", metavar="NAME", help="only fastmi and these rivals")
    parser.add_argument("--budget", type=float, default=20.0, help="seconds of rounds per case")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples")
    arguments = parser.parse_args(argv)

    _base.THREADS = machine.cores()
    chosen = peers.choose(arguments.peers and ["fastmi", *arguments.peers])
    present = _report_presence(chosen)
    if "fastmi" not in [peer.name for peer in present]:
        raise SystemExit("fastmi cannot be imported: install it first")
    table = tasks.QUICK_TABLE if arguments.quick else tasks.CPU_TABLE
    # One turn each is enough to see that the harness works and the values agree.
    pace = (
        {"budget": 0.0, "min_rounds": 1, "once_above": 0.5}
        if arguments.quick
        else {"budget": arguments.budget}
    )
    probe = partial(machine.ceiling, arguments.dtype, _base.THREADS, 0.3)
    peak = probe()

    rows = []
    for task in tasks.select(table, arguments.cases):
        rows.append(_measure(task, present, pace, arguments.dtype, arguments.seed))
        progress(result_tables.mi_line(rows[-1]))
        # The machine's clock drifts too: the best moment of the run is the ceiling.
        peak = max(peak, probe())
    result = {
        "bench": "mi",
        "machine": machine.describe(_base.THREADS),
        "dtype": arguments.dtype,
        "ceiling": peak,
        "peers": {peer.name: {"version": peer.version(), "notes": peer.notes} for peer in present},
        "rows": rows,
    }
    render.report(result, arguments.json)

    disagreeing = [row for row in rows if row["disagree"]]
    for row in disagreeing:
        progress(f"DISAGREE {row['case']}: {', '.join(row['disagree'])}")
    return 1 if disagreeing else 0


def _report_presence(chosen: list[peers.Peer]) -> list[peers.Peer]:
    for peer in chosen:
        reason = peer.why_unavailable()
        progress(f"{peer.name:12} {peer.version() if reason is None else 'left out: ' + reason}")
    return [peer for peer in chosen if peer.available()]


def _measure(
    task: Task, present: list[peers.Peer], pace: dict[str, Any], dtype: str, seed: int
) -> dict[str, Any]:
    """Time one row and compare every rival's estimate with fastmi's."""
    x, y = task.sample(seed, dtype)
    able = [peer for peer in present if peer.max_n(task.dx, task.dy) >= task.n]
    calls = {peer.name: partial(peer.timed, x, y, task.k) for peer in able}
    timings = interleave(calls, **pace)

    ours = timings["fastmi"]
    rivals = {name: timing for name, timing in timings.items() if name != "fastmi"}
    best = min(rivals, key=lambda name: rivals[name].median, default=None)
    differences = {name: abs(t.value - ours.value) for name, t in rivals.items()}
    allowed = {
        peer.name: peer.tolerance if dtype == "float64" else max(peer.tolerance, FLOAT32_TOLERANCE)
        for peer in able
    }
    return {
        "case": task.name,
        "n": task.n,
        "dx": task.dx,
        "dy": task.dy,
        "k": task.k,
        "true_mi": task.mi,
        "mi": ours.value,
        "best_peer": best,
        "ratio": None if best is None else rivals[best].median / ours.median,
        "pair_dims_per_second": task.pair_dims / ours.median,
        "times": {name: _summary(timing) for name, timing in timings.items()},
        "difference": differences,
        "disagree": [
            f"{name} differs by {difference:.1e}, allowed {allowed[name]:.0e}"
            for name, difference in differences.items()
            if not difference <= allowed[name]
        ],
    }


def _summary(timing: Timing) -> dict[str, Any]:
    return {
        "median": timing.median,
        "min": timing.best,
        "calls": len(timing.seconds),
        "text": format_seconds(timing.median),
    }


if __name__ == "__main__":
    sys.exit(main())
