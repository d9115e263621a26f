"""One training step of a block autoregressive flow on a GPU, beside torch, and against its floor.

    python bench/bench_bnaf_gpu.py --json bench/results/bnaf_gpu.json

Times are of device events around ten steps, medians, candidates in turns. The floor is the longer
of two times: the block-triangular products at the rate of torch's float32 matrix product here,
and the bytes that must move at the rate of a copy. Compiling torch's graphs takes half a minute a
case, so it is done for the first case alone. Exits 77 without a GPU.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import gpu
import tasks
from bench_bnaf import CASES, multiply_adds
from gpu import Recording, median_time
from timing import format_seconds, interleave, progress

BATCHES = (128, 1024, 8192)
STEPS = 10
Step = Callable[[], Any]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "one small case")
    parser.add_argument("--seconds", type=float, default=200, help="start nothing after so long")
    parser.add_argument("--budget", type=float, default=0.5, help="seconds of rounds per row")
    arguments = parser.parse_args(argv)

    if gpu.missing():
        return gpu.NO_GPU
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    recording = Recording("bnaf_gpu", arguments.seconds, arguments.json, rates={}, rows=[])
    result = recording.result
    result["rates"] = recording.attempt("rates", rates) or {}
    cases = ((4, 6),) if arguments.quick else CASES
    table = [(n, a, batch, ndoe) for n, a in cases for batch in BATCHES for ndoe in (True, False)]
    table = table[:2] if arguments.quick else table
    # Compiling takes as long as all the rest, so only the first case has a compiled candidate; it
    # comes a second time, at the end.
    for number, case in enumerate([*table, table[0]]):
        compiled = number == len(table)
        n, a, batch, ndoe = case
        name = f"({n},{a}) batch {batch}" + (" NDoE" if ndoe else "")
        row = recording.attempt(
            f"{name} with the compiled definition" if compiled else name,
            partial(measure, *case, result["rates"], arguments.budget, compiled),
        )
        if row is not None:
            if compiled:
                result["rows"] = [each for each in result["rows"] if each["case"] != name]
            result["rows"].insert(0 if compiled else number, {"case": name, **row})
            progress(line({"case": name, **row}))
        recording.save()
    return recording.finish()


def rates() -> dict[str, float]:
    """FLOP/s of a float32 matrix product, bytes/s of a copy."""
    import torch

    a, b = (torch.rand(4096, 4096, device="cuda") for _ in range(2))
    product = median_time(lambda: torch.mm(a, b), budget=0.5)
    return {"flops": 2 * 4096**3 / product["events_median"], "bytes": gpu.copy_rate()}


def measure(
    n: int,
    a: int,
    batch: int,
    ndoe: bool,
    rate: dict[str, float],
    budget: float,
    with_compiled: bool,
) -> dict[str, Any]:
    import torch
    from steps.bnaf import Parameters, fastmi_step, modules_step, ref_step

    torch.manual_seed(0)
    x, y = (torch.randn(batch, n).cuda() for _ in range(2))
    start = Parameters(n, a).to(x.device)
    candidates: dict[str, Step] = {
        "fastmi graph": graphed(fastmi_step(start, x, y, ndoe)),
        "fastmi": fastmi_step(start, x, y, ndoe),
        "modules": modules_step(start, x, y, ndoe),
    }
    if with_compiled:
        candidates["ref compiled"] = ref_step(
            start, x, y, ndoe, compiled=True, mode="reduce-overhead"
        )
    check_losses(candidates)
    timings = interleave(
        {name: timed(step) for name, step in candidates.items()}, budget=budget, min_rounds=3
    )
    flops = 6 * batch * multiply_adds(n, a, ndoe)
    moved = bytes_moved(n, a, batch, ndoe)
    return {
        "flops": flops,
        "bytes": moved,
        "floor": max(flops / rate["flops"], moved / rate["bytes"]),
        "seconds": {name: timing.median for name, timing in timings.items()},
        "best": {name: timing.best for name, timing in timings.items()},
    }


def graphed(step: Step) -> Step:
    """Return the step as a replay of one CUDA graph."""
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay() -> Any:
        graph.replay()
        return loss

    return replay


def check_losses(candidates: dict[str, Step]) -> None:
    """Raise ValueError unless all but the modules have the same losses, step by step."""
    losses = {name: [float(step()) for _ in range(4)] for name, step in candidates.items()}
    # The graph has taken three steps before its first replay, to warm up.
    pairs = [(losses["fastmi graph"][0], losses["fastmi"][3])]
    if "ref compiled" in losses:
        pairs += zip(losses["ref compiled"], losses["fastmi"], strict=True)
    for got, expected in pairs:
        if abs(got - expected) > 1e-4 * abs(expected):
            raise ValueError(f"losses differ: {losses}")


def timed(step: Step) -> Callable[[], tuple[float, float]]:
    import torch

    def call() -> tuple[float, float]:
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        before.record()
        for _ in range(STEPS):
            value = step()
        after.record()
        torch.cuda.synchronize()
        return float(value), before.elapsed_time(after) / 1e3 / STEPS

    return call


def bytes_moved(n: int, a: int, batch: int, ndoe: bool) -> int:
    """Return the bytes that a step in float32 must move at least.

    Parameters are read by the forward pass, the backward pass and the gradients; the gradients
    are written; Adam reads and writes seven arrays. For each hidden unit of x, six arrays
    (activation, slope, E, S, bend, delta) are written and read once more; for one of y, three.
    """
    triangle = n * (n + 1) // 2
    parameters = triangle * (2 * a + a * a) + triangle * (a + a * a) + n * n * (2 * a + a * a)
    rows = 2 * batch if ndoe else batch
    units = 2 * n * a
    return 4 * (11 * parameters + 12 * rows * units + 6 * batch * units)


def line(row: dict[str, Any]) -> str:
    """One row for the terminal."""
    own = row["seconds"]["fastmi graph"]
    times = ", ".join(f"{name} {format_seconds(s)}" for name, s in row["seconds"].items())
    return f"{row['case']:26} {row['floor'] / own:.0%} of floor [{times}]"


if __name__ == "__main__":
    sys.exit(main())
