"""Runs every kernel of the CPU under limits of its address space.

    python tests/faults/memory.py [--calls kth_tree flow] [--threads 1 2 16] [--megabytes 0 1 4 ...]

A call that gets too little memory must raise MemoryError or do with fewer threads; after the limit
is lifted the same call must return the right numbers. Each case runs in a child of its own. Prints
one line per call and number of threads: how many limits ended in which way.
"""

import argparse
import collections
import os
import pickle
import resource
import signal
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from kernel_calls import CALLS, KernelCall

RIGHT, REFUSED, WRONG, RAISED = "right", "MemoryError", "wrong numbers", "another exception"
MEGABYTES = [0.0, 0.1, 0.2, 0.4, 0.7, 1, 1.5, 2, 3, 4, 6, 8.3, 8.6, 9, 10, 13, 17, 25, 40, 80, 300]


def address_space() -> int:
    """Return the bytes of address space that this process has taken."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def checksum(call: KernelCall, blocks: list, threads: int) -> int:
    """Return a number that tells results apart."""
    return zlib.crc32(pickle.dumps([a.tobytes() for a in call.run(blocks, threads)]))


def attempt(call: KernelCall, blocks: list, threads: int, megabytes: float, expected: int) -> str:
    """Call under the limit, then without; return how it went."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    room = address_space() + int(megabytes * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (room, limits[1]))
    try:
        how = RIGHT if checksum(call, blocks, threads) == expected else WRONG
    except MemoryError:
        how = REFUSED
    except Exception as error:  # whatever it is, the run reports it as a fault and goes on
        resource.setrlimit(resource.RLIMIT_AS, limits)
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return RAISED
    resource.setrlimit(resource.RLIMIT_AS, limits)
    return how if checksum(call, blocks, threads) == expected else WRONG


def in_child(function, *arguments):
    """Return what the function returns in a forked child, or how the child ended."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        os.write(sink, pickle.dumps(function(*arguments)))
        os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as pipe:
        answer = pipe.read()
    status = os.waitpid(child, 0)[1]
    return pickle.loads(answer) if answer else f"died with status {status}"


def main() -> int:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", nargs="+", choices=CALLS, default=list(CALLS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2, 16])
    parser.add_argument("--megabytes", nargs="+", type=float, default=MEGABYTES)
    parser.add_argument("--n", type=int, default=4000)
    options = parser.parse_args()
    failed = 0
    for name in options.calls:
        call = CALLS[name]
        blocks = call.blocks(options.n)
        # In a child, as memory that this process has freed would serve the children.
        expected = in_child(checksum, call, blocks, 1)
        for threads in options.threads:
            ways = collections.Counter(
                in_child(attempt, call, blocks, threads, megabytes, expected)
                for megabytes in options.megabytes
            )
            print(f"{name} threads={threads}", dict(ways), flush=True)
            failed += sum(ways.values()) - ways[RIGHT] - ways[REFUSED]
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
