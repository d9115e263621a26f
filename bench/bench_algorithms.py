"""Time of tree, brute and sort over a grid of n, dims and k: refits algorithm="auto".

Each cell times every algorithm that accepts it, in turns, and reports what "auto" picks and
how much slower the pick is than the best (its regret). The lines below the table name the n at
which the winner changes: these are the constants of csrc/cpu/cost_model.cpp.

    python bench/bench_algorithms.py --json bench/results/algorithms.json
    python bench/bench_algorithms.py --op kth_distance --dims 1 2 3 --n 1000 10000
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import machine
import render
import tasks
from tasks import Task
from timing import format_seconds, interleave, progress, timed

ALGORITHMS = ("tree", "brute", "sort")
OPS = ("mi", "kth_distance", "count_within")
DIMS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 50, 100)
SIZES = (100, 200, 300, 500, 1_000, 3_000, 10_000, 30_000, 100_000)
NEIGHBOURS = (3, 20)

LONGEST_CELL = 20.0
"""Seconds. A larger n of an algorithm is skipped once its quadratic forecast is longer."""

Op = Callable[[str], float]


def prepare(op: str, task: Task) -> Op:
    """Return algorithm -> value for one cell; dims of single-block ops are task.dx."""
    import fastmi

    x, y = task.sample()
    if op == "mi":
        return lambda algorithm: float(fastmi.mi(x, y, k=task.k, algorithm=algorithm))
    if op == "kth_distance":
        return lambda algorithm: float(
            fastmi.neighbors.kth_distance(x, task.k, algorithm=algorithm).sum()
        )
    # Radii as KSG asks for them: those of the joint space of two such blocks.
    radius = fastmi.neighbors.kth_distance((x, y), task.k)
    return lambda algorithm: float(
        fastmi.neighbors.count_within(x, radius, algorithm=algorithm).sum()
    )


def accepted(op: str, task: Task) -> tuple[str, ...]:
    """Return the algorithms that take this cell: sorting is limited in dims and k."""
    run = prepare(op, task)
    able = []
    for algorithm in ALGORITHMS:
        try:
            run(algorithm)
        except ValueError:
            continue
        able.append(algorithm)
    return tuple(able)


def picked(op: str, task: Task) -> str:
    """Return what "auto" stands for in this cell; k = 0 asks for counts within a radius."""
    from fastmi import _cpu

    dims = [task.dx, task.dy] if op == "mi" else [task.dx]
    return str(_cpu.choose_algorithm(task.n, dims, 0 if op == "count_within" else task.k))


def measure(op: str, task: Task, algorithms: tuple[str, ...], budget: float) -> dict[str, Any]:
    """Time one cell and check that the algorithms agree exactly."""
    run = prepare(op, task)
    timings = interleave(
        {algorithm: partial(timed, partial(run, algorithm)) for algorithm in algorithms},
        budget=budget,
        max_rounds=20,
        once_above=2.0,
    )
    values = {timing.value for timing in timings.values()}
    if len(values) != 1:
        raise SystemExit(f"{op} {task.name} k={task.k}: the algorithms disagree: {sorted(values)}")
    seconds = {algorithm: timing.median for algorithm, timing in timings.items()}
    chosen = picked(op, task)
    return {
        "op": op,
        "dx": task.dx,
        "dy": task.dy if op == "mi" else 0,
        "n": task.n,
        "k": task.k,
        "seconds": seconds,
        "chosen": chosen,
        "regret": seconds.get(chosen, math.nan) / min(seconds.values()),
    }


def crossovers(rows: list[dict[str, Any]]) -> list[str]:
    """Return one line per op, dims and k: which algorithm wins from which n on."""
    lines = []
    for op, d, k in dict.fromkeys((row["op"], row["dx"], row["k"]) for row in rows):
        cells = [row for row in rows if (row["op"], row["dx"], row["k"]) == (op, d, k)]
        winners: list[str] = []
        for row in cells:
            winner = min(row["seconds"], key=row["seconds"].__getitem__)
            if not winners or winners[-1].split()[0] != winner:
                winners.append(f"{winner} from n={row['n']}")
        worst = max(cells, key=lambda row: row["regret"])
        lines.append(
            f"{op:13} d={d:<3} k={k:<3} {', '.join(winners)}"
            f"; worst regret {worst['regret']:.2f}x at n={worst['n']}"
        )
    return lines


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "a small grid, under a minute")
    parser.add_argument("--op", nargs="+", choices=OPS, default=["mi"])
    parser.add_argument("--dims", nargs="+", type=int, help="dims of each block")
    parser.add_argument("--n", nargs="+", type=int, help="numbers of samples")
    parser.add_argument("--k", nargs="+", type=int, help="numbers of neighbours")
    parser.add_argument("--budget", type=float, default=0.5, help="seconds of rounds per cell")
    arguments = parser.parse_args(argv)

    sizes = arguments.n or (SIZES[1:6:2] if arguments.quick else SIZES)
    dims = arguments.dims or ((1, 3, 10) if arguments.quick else DIMS)
    neighbours = arguments.k or (NEIGHBOURS[:1] if arguments.quick else NEIGHBOURS)
    rows = []
    for op in arguments.op:
        for d in dims:
            for k in neighbours:
                rows += _column(op, d, sorted(sizes), k, arguments.budget)
    result = {
        "bench": "algorithms",
        "machine": machine.describe(),
        "algorithms": list(ALGORITHMS),
        "rows": rows,
    }
    render.report(result, arguments.json)
    print("\n" + "\n".join(crossovers(rows)))


def _column(op: str, d: int, sizes: list[int], k: int, budget: float) -> list[dict[str, Any]]:
    """Measure growing n, dropping an algorithm when its next cell would take too long."""
    rows: list[dict[str, Any]] = []
    algorithms = accepted(op, Task(d, d, sizes[0], k))
    for n in sizes:
        if rows:
            last = rows[-1]
            growth = (n / last["n"]) ** 2
            algorithms = tuple(
                a for a, seconds in last["seconds"].items() if seconds * growth < LONGEST_CELL
            )
        if not algorithms:
            break
        rows.append(measure(op, Task(d, d, n, k), algorithms, budget))
        row = rows[-1]
        times = ", ".join(f"{a} {format_seconds(s)}" for a, s in row["seconds"].items())
        progress(f"{op} d={d} k={k} n={n}: {times}; auto {row['chosen']} {row['regret']:.2f}x")
    return rows


if __name__ == "__main__":
    main()
