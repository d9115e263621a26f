"""One training step of a block autoregressive flow, beside torch, and as a fraction of the ideal.

python bench/bench_bnaf.py --json bench/results/bnaf.json

"by hand" is the best torch known: forward and backward written out. "ref" is fastmi's definition of
the op under autograd, "modules" has the structure of the reference implementation (full masked
matrices). numpyro, flowjax and pyro take part where they are installed, as steps/bnaf_others.py
says; their flows are no NDoE, so that those rows lack them.

The ideal step does the block-triangular products at the rate torch's sgemm reaches here, and
fused Adam on the packed parameters; nothing else. fastmi's own tile kernel may be faster than
that sgemm, so the fraction may exceed 1.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from collections.abc import Callable
from functools import partial

import machine
import render
import tasks
import torch
from steps import bnaf, bnaf_others
from steps.bnaf import Parameters
from timing import format_seconds, interleave, progress, timed

CASES = ((20, 20), (50, 10), (100, 6))
BATCHES = (128, 1024)
Clock = Callable[[], float]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "one small case, few rounds")
    parser.add_argument("--budget", type=float, default=12.0, help="seconds of rounds per row")
    parser.add_argument("--without", nargs="*", default=[], help="candidates to leave out")
    parser.add_argument("--batches", nargs="*", type=int, default=BATCHES)
    parser.add_argument("--cases", nargs="*", default=[f"{n},{a}" for n, a in CASES], metavar="N,A")
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--cpu-time", action="store_true", help="CPU seconds, for a busy machine")
    parser.add_argument("--plain-malloc", action="store_true", help="leave glibc's thresholds")
    arguments = parser.parse_args(argv)

    keeps_memory = not arguments.plain_malloc and keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.cpu_time else time.perf_counter
    rate = gemm_rate(clock)
    progress(f"sgemm {rate / 1e9:.0f} GFLOP/s")
    cases = ((4, 6),) if arguments.quick else [map(int, c.split(",")) for c in arguments.cases]
    rows = []
    for n, a in cases:
        for batch in (128,) if arguments.quick else arguments.batches:
            for ndoe in (False, True):
                rows.append(measure(n, a, batch, ndoe, rate, clock, arguments))
                progress(line(rows[-1]))
    result = {
        "bench": "bnaf",
        "machine": machine.describe(arguments.threads),
        "cpu_time": arguments.cpu_time,
        "libraries": bnaf_others.versions(),
        "gflops_sgemm": rate / 1e9,
        "malloc_keeps_freed_memory": keeps_memory,
        "rows": rows,
    }
    render.report(result, arguments.json)


def keep_freed_memory() -> bool:
    """Tell glibc not to return freed memory to the system; it is what helps torch most."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    trim_threshold, mmap_threshold = -1, -3
    return bool(mallopt(mmap_threshold, 1 << 30) and mallopt(trim_threshold, 1 << 30))


def gemm_rate(clock: Clock) -> float:
    """Return the FLOP/s of torch.mm at the size of a hidden layer."""
    a, b, out = torch.rand(1024, 512), torch.rand(512, 512), torch.empty(1024, 512)
    seconds = []
    for _ in range(200):
        start = clock()
        torch.mm(a, b, out=out)
        seconds.append(clock() - start)
    return 2 * 1024 * 512 * 512 / min(seconds)


def measure(
    n: int,
    a: int,
    batch: int,
    ndoe: bool,
    rate: float,
    clock: Clock,
    arguments: argparse.Namespace,
) -> dict[str, object]:
    torch.manual_seed(0)
    x, y = torch.randn(batch, n), torch.randn(batch, n)
    start = Parameters(n, a)
    candidates = {
        name: step
        for name, step in bnaf.steps(start, x, y, ndoe).items()
        if name not in arguments.without
    }
    check_losses(candidates)
    if not ndoe:
        others = bnaf_others.steps(n, a, x, y, without=arguments.without)
        for step in others.values():
            step()  # compiles, which takes longer than all that is timed
        candidates |= others
    timings = interleave(
        {
            name: partial(timed, lambda step=step: float(step()), clock)
            for name, step in candidates.items()
        },
        budget=0.0 if arguments.quick else arguments.budget,
    )
    flops = 6 * batch * multiply_adds(n, a, ndoe)
    adam = adam_seconds(start, clock)
    ideal = flops / rate + adam
    return {
        "case": f"({n},{a}) batch {batch}" + (" NDoE" if ndoe else ""),
        "flops": flops,
        "ideal": ideal,
        "adam": adam,
        "seconds": {name: timing.median for name, timing in timings.items()},
        "best": {name: timing.best for name, timing in timings.items()},
        "calls": {name: len(timing.seconds) for name, timing in timings.items()},
    }


def check_losses(candidates: dict[str, Callable[[], torch.Tensor]]) -> None:
    """Exit unless all losses agree but those of the modules, which normalise their weights."""
    losses = {name: [float(step()) for _ in range(3)] for name, step in candidates.items()}
    expected = losses["fastmi"]
    for name, values in losses.items():
        gap = max(abs(v - e) / abs(e) for v, e in zip(values, expected, strict=True))
        if name != "modules" and gap > 1e-4:
            raise SystemExit(f"{name}: losses {values} differ from {expected}")


def multiply_adds(n: int, a: int, ndoe: bool) -> int:
    """Return the multiply-adds of one sample's forward pass, half of those of its backward pass."""
    triangle = n * (n + 1) // 2
    x_to_x = triangle * (a + a * a + a)
    y_to_y = triangle * (a + a * a)
    y_to_x = n * n * (a + a * a + a)
    slopes = n * (a + a * a + a)
    return x_to_x + y_to_y + y_to_x + slopes + (x_to_x + slopes if ndoe else 0)


def adam_seconds(start: Parameters, clock: Clock) -> float:
    """Return the time of torch's fused Adam on as many parameters as fastmi has."""
    groups = (start.weights, start.y_weights, start.cross, start.biases, start.y_biases)
    parameters = [t.clone().requires_grad_() for group in groups for t in group]
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 1e-3)
    adam = torch.optim.Adam(parameters, lr=1e-6, fused=True)
    seconds = []
    for _ in range(100):
        begin = clock()
        adam.step()
        seconds.append(clock() - begin)
    return statistics.median(seconds)


def line(row: dict) -> str:
    """One row for the terminal."""
    own = row["seconds"]["fastmi"]
    rivals = {name: s for name, s in row["seconds"].items() if name != "fastmi"}
    times = ", ".join(f"{name} {format_seconds(s)}" for name, s in row["seconds"].items())
    best = min(rivals, key=rivals.__getitem__, default=None)
    ratio = "" if best is None else f"{rivals[best] / own:.2f}x {best}, "
    return f"{row['case']:28} {ratio}{row['ideal'] / own:.0%} of ideal [{times}]"


if __name__ == "__main__":
    main()
