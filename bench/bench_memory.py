"""Peak resident memory of one estimate above its input, each library in a fresh process.

The child holds x and y, resets the kernel's high-water mark, estimates once, and reads VmHWM
(Linux). A library that works in a process of its own (JIDT's JVM) is charged all of that one;
the forked half of "sklearn x2" shares the parent's pages and is charged nothing.

    python bench/bench_memory.py --json bench/results/memory.json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
import numpy as np
import peers
import render
import tasks
from peers import _base
from tasks import Task
from timing import progress

MB = 1e6


def memory(field: str, pid: int | str = "self") -> float:
    """Read one field of /proc/<pid>/status in MB: VmRSS (current) or VmHWM (peak)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024 / MB
    raise RuntimeError(f"/proc/{pid}/status has no {field}")


def _child(name: str, path: str, k: int) -> None:
    """Estimate once on the saved sample and print the memory figures as JSON."""
    _base.THREADS = machine.cores()
    (peer,) = peers.choose([name])
    # A first call on a few points pays for imports, thread stacks and pools, which are not the
    # estimate's.
    small = np.random.default_rng(0).standard_normal((2, 100, 1))
    peer.mi(small[0], small[1], k)
    columns = np.load(path)
    x, y = columns[0][:, None], columns[1][:, None]
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # reset VmHWM to the current VmRSS
    value = peer.mi(x, y, k)
    peak = memory("VmHWM")
    above = peak - before
    helper = peer.pid()
    if helper is not None:
        peak += memory("VmHWM", helper)
        above += memory("VmHWM", helper)
    print(json.dumps({"above_input_mb": above, "peak_mb": peak, "mi": value}))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "n = 1e5 and fastmi only")
    parser.add_argument("--peers", nargs="+", metavar="NAME", help="only these libraries")
    parser.add_argument("--child", nargs=2, metavar=("NAME", "PATH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)

    task = Task(1, 1, 100_000 if arguments.quick else 1_000_000)
    if arguments.child:
        _child(*arguments.child, task.k)
        return
    names = ["fastmi"] if arguments.quick else arguments.peers
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.npy")
        np.save(path, np.stack([block[:, 0] for block in task.sample()]))
        for peer in peers.choose(names):
            if not peer.available() or peer.max_n(task.dx, task.dy) < task.n:
                continue
            child = subprocess.run(
                [sys.executable, __file__, "--child", peer.name, str(path)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            rows.append({"peer": peer.name, **json.loads(child.stdout)})
            progress(f"{peer.name:12} {rows[-1]['above_input_mb']:.0f} MB above the input")
    result = {
        "bench": "memory",
        "machine": machine.describe(),
        "case": task.name,
        "input_mb": task.n * (task.dx + task.dy) * 8 / MB,
        "rows": rows,
    }
    render.report(result, arguments.json)


if __name__ == "__main__":
    main()
