"""Interrupts every long operation of the library at random moments and writes how long it took.

    python -P tests/faults/interrupts.py [--python PATH] [--signals 3] [--longest 8] [PART]

The columns are the seconds that the operation takes (`>` if it was stopped after `--longest`), the
longest CPU time in it without a point where an interrupt is seen (main thread), the median and the
largest number of seconds from a signal to the end of the call, and what was wrong afterwards, if
anything. An operation that ended before the signals is "short".
"""

import argparse
import random
import signal
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from interruptible import OPERATIONS, Operation
from interrupting import Child

# Seconds after a signal from which an operation is taken to go on whatever happens.
_PATIENCE = 30.0


def measure(operation: Operation, options: argparse.Namespace, folder: Path) -> str:
    """Return a line of the table."""
    moments = random.Random(operation.name)
    trouble = []
    waits = []

    def interrupt() -> str:
        child.interrupt(signal.SIGINT)
        end, seconds = child.end(_PATIENCE)
        waits.append(seconds)
        if end.partition(" ")[0] != "stopped":
            trouble.append(end)
        return end

    with Child(operation, folder, options.python) as child:
        child.start("time")
        end, full = child.end(options.longest)
        cut = end == "running"
        if cut:
            end = interrupt()
        state, _, deaf = end.rpartition(" ")
        if state.startswith("failed"):
            trouble.append(state)
        for _ in range(options.signals - len(waits)):
            if end == "running":
                break
            child.start()
            end, _ = child.end(moments.uniform(0.02, 0.95) * full)
            if end == "running":
                end = interrupt()
        if end != "running" and (found := child.check()) != "same":
            trouble.append(found)
    times = f"{statistics.median(waits):6.2f} {max(waits):6.2f}" if waits else "short".rjust(13)
    return (
        f"{operation.name:<48} {'>' if cut else ' '}{full:6.2f} {deaf:>7} {times}  "
        f"{'; '.join(trouble)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", nargs="?", default="", help="only rows whose name has this part")
    parser.add_argument("--python", default=sys.executable, help="interpreter with fastmi to test")
    parser.add_argument("--signals", type=int, default=3, help="signals for each operation")
    parser.add_argument("--longest", type=float, default=8.0, help="seconds before each is stopped")
    options = parser.parse_args()
    print(f"{'operation':<48} {'full':>7} {'deaf':>7} {'median':>6} {'max':>6}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for operation in OPERATIONS.values():
            if options.part in operation.name:
                try:
                    line = measure(operation, options, Path(folder))
                except (OSError, RuntimeError) as error:
                    line = f"{operation.name:<48} no child: {error}"
                print(line, flush=True)


if __name__ == "__main__":
    main()
