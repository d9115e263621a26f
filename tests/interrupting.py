"""A child process in which an operation runs, to interrupt it there."""

import select
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from interruptible import Operation

# The child prints a line before the call and another where it ends, in whatever way, and obeys one
# command a line: "call" runs the operation, "check" compares small values with those at the start.
_CHILD = """
import _thread, importlib, os, signal, sys, time, warnings

import numpy as np

warnings.simplefilter("ignore")
import fastmi
from fastmi import bounds, datasets, neighbors
from fastmi.compat import npeet

load = importlib.import_module
rng = np.random.default_rng(0)
running = False
heard = []


def handle(*_):
    if running:
        raise KeyboardInterrupt


def listen(*_):
    heard.append(time.thread_time())


def values():
    a, b = np.random.default_rng(1).standard_normal((2, 400))
    b += a
    test = fastmi.permutation_test(a, b, method="mixed", n_permutations=20, n_jobs=2, seed=0)
    matrix = fastmi.pairwise_mi(np.stack([a, b], axis=1), n_permutations=5, n_jobs=2, seed=0)
    return [float(fastmi.mi(a, b, n_jobs=2)), *test.null.tolist(), *matrix.mi[0].tolist()[1:]]


signal.signal(signal.SIGINT, handle)
before = values()
{samples}
print("ready", flush=True)
for command in sys.stdin:
    if command == "check\\n":
        same = values() == before
        time.sleep(0.1)  # a thread that was starting when the interrupt came ends a moment later
        threads = _thread._count()
        print("same" if same and not threads else f"{{same}}, {{threads}} threads", flush=True)
        continue
    timed = command == "time\\n"
    heard.clear()
    print("begin", flush=True)
    end = "done"
    try:
        running = True
        if timed:
            # Python's handler runs where KeyboardInterrupt would be raised: the longest time
            # between two runs of it is the longest that an interrupt can take to be seen.
            signal.signal(signal.SIGALRM, listen)
            listen()
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        {call}
    except KeyboardInterrupt:
        end = "stopped"
    except BaseException as error:
        end = f"failed: {{error!r}}"
    running = False
    if timed:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        listen()
        end += f" {{np.diff(heard).max():.3f}}"
    print(" ".join(end.split()), flush=True)
"""


class Child:
    """A process that runs the call of an operation whenever it is told to.

    Args:
        operation: Row of the table.
        folder: Where to run: not a folder that holds the sources of fastmi.
        python: Interpreter.
    """

    def __init__(self, operation: Operation, folder: Path, python: str = sys.executable) -> None:
        samples = textwrap.dedent(operation.samples)
        script = _CHILD.format(samples=samples, call=operation.call)
        self._process = subprocess.Popen(
            [python, "-c", script],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._expect("ready")

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def check(self) -> str:
        """Return "same" if small values are those of the start and no thread is left."""
        self._tell("check")
        return self._line()

    def start(self, command: str = "call") -> None:
        """Begin the call."""
        self._tell(command)
        self._expect("begin")

    def interrupt(self, signal_number: int) -> None:
        self._process.send_signal(signal_number)

    def end(self, patience: float) -> tuple[str, float]:
        """Return how the call ended, and for how many seconds this function waited for it.

        Args:
            patience: Seconds after which it is "running" still.
        """
        begun = time.perf_counter()
        ended = bool(select.select([self._process.stdout], [], [], patience)[0])
        return self._line() if ended else "running", time.perf_counter() - begun

    def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def _expect(self, line: str) -> None:
        if (found := self._line()) != line:
            raise RuntimeError(f"the child said {found!r} in place of {line!r}")

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")
