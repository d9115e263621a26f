"""Two builds of fastmi, interleaved: is B faster than A on this machine?

A and B are the Python interpreters of two environments. Each answers from its own process,
in turns A B, B A, ..., so that drift of the machine falls on both. Same sample, same cases.

    python bench/ab.py /path/a/bin/python /path/b/bin/python --cases '(5,5)*'
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import tasks
from peers.fastmi import Fastmi
from timing import Timing, format_seconds, interleave, progress


def _answer() -> None:
    """Worker: for each case on stdin, estimate once and print value and seconds."""
    peer = Fastmi()
    samples: dict[str, tuple] = {}
    table = {task.name: task for task in (*tasks.CPU_TABLE, *tasks.QUICK_TABLE)}
    for line in sys.stdin:
        task = table[line.strip()]
        if task.name not in samples:
            samples = {task.name: task.sample()}
        print(json.dumps(peer.timed(*samples[task.name], task.k)), flush=True)


class Build:
    """A worker process of one interpreter."""

    def __init__(self, python: str) -> None:
        # The folder of the worker must not contain a fastmi/ that shadows the installed one.
        self._process = subprocess.Popen(
            [python, __file__, "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent,
        )

    def estimate(self, case: str) -> tuple[float, float]:
        self._process.stdin.write(case + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self._process.args[0]} ended: exit code {self._process.wait()}")
        value, seconds = json.loads(answer)
        return value, seconds

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_case_arguments(parser)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="interpreters A and B")
    parser.add_argument("--budget", type=float, default=6.0, help="seconds of rounds per case")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.worker:
        _answer()
        return
    if len(arguments.pythons) != 2:
        parser.error(f"expected two interpreters, A and B; got {len(arguments.pythons)}")

    builds = {"A": Build(arguments.pythons[0]), "B": Build(arguments.pythons[1])}
    table = tasks.QUICK_TABLE if arguments.quick else tasks.CPU_TABLE
    budget = 1.0 if arguments.quick else arguments.budget
    rows = []
    print(f"{'case':14} {'A':>9} {'B':>9}   A/B median   A/B min")
    for task in tasks.select(table, arguments.cases):
        calls = {
            name: (lambda build=build, case=task.name: build.estimate(case))
            for name, build in builds.items()
        }
        timings = interleave(calls, budget=budget, max_rounds=100)
        rows.append(_row(task.name, timings))
    for build in builds.values():
        build.close()
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")


def _row(case: str, timings: dict[str, Timing]) -> dict[str, object]:
    a, b = timings["A"], timings["B"]
    print(
        f"{case:14} {format_seconds(a.median):>9} {format_seconds(b.median):>9}"
        f"   {a.median / b.median:10.3f} {a.best / b.best:9.3f}",
        flush=True,
    )
    if a.value != b.value:
        progress(f"{case}: the builds disagree, A {a.value!r}, B {b.value!r}")
    return {
        "case": case,
        "a": {"median": a.median, "min": a.best, "mi": a.value},
        "b": {"median": b.median, "min": b.best, "mi": b.value},
    }


if __name__ == "__main__":
    main()
