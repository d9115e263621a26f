"""The ceiling: L-inf pair-dimensions/s of a register-tiled loop that does nothing else.

A pair-dimension is one |a_j - b_j| folded into a running maximum. Brute-force rows of the
other benches are stated as a fraction of this number.

    python bench/bench_ceiling.py --json bench/results/ceiling.json
"""

from __future__ import annotations

import argparse

import machine
import render
import tasks
from timing import progress


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "short probes")
    arguments = parser.parse_args(argv)

    seconds = 0.2 if arguments.quick else 2.0
    rows = []
    for dtype in ("float32", "float64"):
        for threads in sorted({1, machine.cores()}):
            rate = machine.ceiling(dtype, threads, seconds)
            progress(f"{dtype} {threads} threads: {rate / 1e9:.1f} G pair-dims/s")
            rows.append({"dtype": dtype, "threads": threads, "pair_dims_per_second": rate})
    render.report({"bench": "ceiling", "machine": machine.describe(), "rows": rows}, arguments.json)


if __name__ == "__main__":
    main()
