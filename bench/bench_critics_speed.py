"""Training steps per second of the critics, beside other packages' loops, interleaved.

python bench/bench_critics_speed.py --json bench/results/critics_speed.json
python bench/bench_critics_speed.py --profile infonce
python bench/bench_critics_speed.py --constants --threads 1

torch-mist takes part if it can be imported (pip install torch-mist).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial

import machine
import render
import tasks
import torch
from steps import critics
from timing import format_seconds, interleave, progress

from fastmi import datasets
from fastmi.nn import Concat, all_pairs, linear

STEPS = {"mine": 25, "smile": 2, "infonce": 2}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "narrow networks, few rounds")
    parser.add_argument("--methods", nargs="*", default=list(critics.METHODS))
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--budget", type=float, default=40.0, help="seconds of rounds per method")
    parser.add_argument("--accuracy-steps", type=int, help="train each loop this long and compare")
    parser.add_argument("--profile", metavar="METHOD", help="profile fastmi's step and stop")
    parser.add_argument(
        "--constants", action="store_true", help="measure what constants of fastmi.nn rest on"
    )
    arguments = parser.parse_args(argv)

    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    if arguments.constants:
        _products()
        _block_sizes()
        return
    law = datasets.CorrelatedGaussian.from_mi(5.0, d=20)
    x, y = (torch.from_numpy(block).float() for block in law.sample(32_000, seed=0))
    held_out = [torch.from_numpy(block).float() for block in law.sample(4_096, seed=1)]
    width = 64 if arguments.quick else 512
    setting = {"x": x, "y": y, "batch_size": 128, "width": width, "lr": 5e-4}
    if arguments.profile:
        _profile(critics.Fastmi(arguments.profile, **setting))
        return
    rows = []
    for method in arguments.methods:
        loops = [make(method, **setting) for make in critics.rivals(method)]
        calls = {loop.name: partial(_timed, loop, STEPS[method]) for loop in loops}
        timings = interleave(calls, budget=0.0 if arguments.quick else arguments.budget)
        row = {
            "method": method,
            "seconds": {name: t.median for name, t in timings.items()},
            "best": {name: t.best for name, t in timings.items()},
        }
        others = {name: s for name, s in row["seconds"].items() if name != "fastmi"}
        row["fastest_rival"] = min(others, key=lambda name: others[name])
        row["ratio"] = others[row["fastest_rival"]] / row["seconds"]["fastmi"]
        if arguments.accuracy_steps:
            row["nats"] = {}
            for make in critics.rivals(method):
                loop = make(method, **setting)
                loop.run(arguments.accuracy_steps)
                row["nats"][loop.name] = loop.value(*held_out)
        rows.append(row)
        times = ", ".join(f"{n} {format_seconds(s)}" for n, s in row["seconds"].items())
        progress(f"{method:8} {row['ratio']:.2f}x {row['fastest_rival']} [{times}]")
        if "nats" in row:
            progress("  nats: " + ", ".join(f"{n} {v:.3f}" for n, v in row["nats"].items()))
    result = {
        "bench": "critics_speed",
        "machine": machine.describe(arguments.threads),
        "width": width,
        "rows": rows,
    }
    render.report(result, arguments.json)


def _timed(loop: critics.Loop, steps: int) -> tuple[float, float]:
    start = time.perf_counter()
    loop.run(steps)
    return 0.0, (time.perf_counter() - start) / steps


def _profile(loop: critics.Loop) -> None:
    from torch.profiler import ProfilerActivity, profile

    loop.run(5)
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        loop.run(20)
    print(recorded.key_averages().table(sort_by="self_cpu_time_total", row_limit=15))


def _products() -> None:
    """Print time and rounding error of oneDNN's product beside those of torch's own."""
    generator = torch.Generator().manual_seed(0)
    for n, d in ((256, 512), (2048, 512)):
        x = torch.randn(n, d, generator=generator)
        weight = torch.randn(512, d, generator=generator) / d**0.5
        exact = x.double() @ weight.double().T
        both = (linear.product, torch.nn.functional.linear)
        seconds = [min(_processor_time(partial(f, x, weight)) for _ in range(9)) for f in both]
        errors = [float((f(x, weight) - exact).square().mean().sqrt()) for f in both]
        print(
            f"{n} x {d} x 512: {seconds[0] * 1e3:.2f} ms and {seconds[1] * 1e3:.2f} ms, "
            f"rms error {errors[0]:.2g} and {errors[1]:.2g}"
        )


def _block_sizes() -> None:
    """Print the time of a step on all pairs for several sizes of a block."""
    critic = Concat(20, 20)
    x, y = torch.randn(2, 128, 20)
    times: dict[int, list[float]] = {size: [] for size in (512, 1024, 2048, 4096)}
    for _ in range(8):
        for size, taken in times.items():
            all_pairs._BLOCK_PAIRS_CPU = size
            taken.append(_processor_time(lambda: critic.matrix(x, y).sum().backward()))
    for size, taken in times.items():
        print(f"blocks of {size}: {min(taken) * 1e3:.0f} ms of processor time a step")


def _processor_time(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


if __name__ == "__main__":
    main()
