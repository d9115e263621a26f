"""Overwrites samples from a second thread while every kernel of the CPU runs on them.

    python tests/faults/overwritten.py [--seconds 5]

The numbers that come back are worthless, but the process must live, and counts and numbers of
samples must lie in [0, n). Prints what does not; --seconds is for each kernel and dtype.
"""

import argparse
import itertools
import sys
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from kernel_calls import CALLS, KernelCall, garbage, out_of_range


def overwrite(blocks: list[np.ndarray], stop: threading.Event) -> None:
    """Write garbage and the samples in turn until `stop` is set."""
    good = [block.copy() for block in blocks]
    bad = [values for block in blocks for values in garbage(block)]
    for values in itertools.cycle(bad):
        if stop.is_set():
            return
        for block, samples in zip(blocks, good, strict=True):
            np.copyto(block, values if block.shape == values.shape else samples)
        for block, samples in zip(blocks, good, strict=True):
            np.copyto(block, samples)


def hunt(call: KernelCall, dtype: str, n: int, seconds: float) -> tuple[int, set[str]]:
    """Return how often the call ran, and what was wrong."""
    blocks = call.blocks(n, dtype)
    stop = threading.Event()
    writer = threading.Thread(target=overwrite, args=(blocks, stop))
    found: set[str] = set()
    runs = 0
    writer.start()
    try:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            runs += 1
            try:
                results = call.run(blocks, 1 + runs % 2)
            except ValueError:
                continue
            found |= set(out_of_range(results, len(blocks[0])))
    finally:
        stop.set()
        writer.join()
    return runs, found


def main() -> int:
    """Run every call in both dtypes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--n", type=int, default=700)
    options = parser.parse_args()
    sys.setswitchinterval(1e-5)  # so that the threads alternate often
    failed = 0
    for name, call in CALLS.items():
        for dtype in ("float32", "float64"):
            print(f"{name} {dtype}", end=" ", flush=True)  # the last line names what died
            runs, found = hunt(call, dtype, options.n, options.seconds)
            print(f"{runs} runs", *sorted(found))
            failed += bool(found)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
