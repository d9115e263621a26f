"""fastmi on a GPU: against its own CPU path, torch.cdist on the same GPU, and the GPU's ceiling.

    python bench/bench_gpu.py --json bench/results/gpu.json

Times are medians of whole calls of `fastmi.mi` on torch tensors that lie on the GPU (the call
returns when the estimate is there), after a warm-up, beside the time between device events around
the kernels. The rival is a loop over chunks of rows, `torch.cdist(p=inf)`, `topk`, comparison and
sum; where it would take long, it is timed on part of the rows and scaled by their number, and the
row says so. Each part of the bench that fails is recorded and does not stop the others.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from functools import partial
from typing import Any

import gpu
import tasks
from gpu import Recording, median_time
from tasks import Task
from timing import format_seconds, progress

GPU_TABLE = (
    (Task(1, 1, 100_000), "float32"),
    (Task(1, 1, 1_000_000), "float32"),
    (Task(1, 1, 10_000_000), "float32"),
    (Task(2, 2, 1_000_000), "float32"),
    (Task(3, 3, 1_000_000), "float32"),
    (Task(10, 10, 100_000), "float32"),
    (Task(10, 10, 100_000), "float64"),
    (Task(10, 10, 1_000_000), "float32"),
    (Task(50, 50, 100_000), "float32"),
    (Task(50, 50, 100_000), "float64"),
    (Task(100, 100, 100_000), "float32"),
)
QUICK_TABLE = ((Task(1, 1, 10_000), "float32"), (Task(10, 10, 10_000), "float32"))

SWEEP_TABLE = (Task(20, 20, 20_000), Task(100, 100, 20_000))
QUICK_SWEEP = (Task(20, 20, 2_000),)

# The CPU is left out of cases with more pair-dimensions than this: they would take too long.
CPU_PAIR_DIMS = 2.1e12
# Distances that the rival holds at once.
CHUNK_ENTRIES = 2**27


def on_gpu(task: Task, dtype: str) -> tuple[Any, Any]:
    import torch

    x, y = task.sample(dtype=dtype)
    return torch.from_numpy(x).cuda(), torch.from_numpy(y).cuda()


def rival_seconds(x: Any, y: Any, k: int, budget: float) -> dict[str, Any]:
    """Time of the chunk loop for all n rows, from as many chunks as the budget allows."""
    import torch

    n = len(x)
    chunk = max(1, min(n, CHUNK_ENTRIES // n))

    def count(start: int) -> Any:
        distances = [torch.cdist(b[start : start + chunk], b, p=math.inf) for b in (x, y)]
        joint = torch.maximum(*distances)
        radius = joint.topk(k + 1, dim=1, largest=False).values[:, -1:]
        inside = [(distance < radius).sum(1) for distance in distances]
        return sum(torch.digamma(each.double()).sum() for each in inside)

    with torch.inference_mode():
        count(0)
        torch.cuda.synchronize()
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin = time.perf_counter()
        rows = 0
        before.record()
        # The last chunk may be shorter, and is left out.
        for start in range(0, n - chunk + 1, chunk):
            count(start)
            torch.cuda.synchronize()
            rows += chunk
            if time.perf_counter() - begin > budget:
                break
        after.record()
        torch.cuda.synchronize()
    seconds = before.elapsed_time(after) / 1e3 * n / rows
    return {"seconds": seconds, "rows_timed": rows, "of_rows": n}


def mi_row(task: Task, dtype: str, recording: Recording) -> dict[str, Any]:
    """One case: fastmi on the GPU, the rival, the CPU path, agreement."""
    import numpy as np
    import torch

    import fastmi

    x, y = on_gpu(task, dtype)
    timing = median_time(lambda: fastmi.mi(x, y, k=task.k), budget=2.0)
    estimate = fastmi.mi(x, y, k=task.k)
    row: dict[str, Any] = {
        "case": task.name,
        "dtype": dtype,
        "algorithm": estimate.algorithm,
        "mi": float(estimate),
        "true_mi": task.mi,
        "fastmi": timing,
        "pair_dims_per_second": task.pair_dims / timing["events_median"],
    }
    ceiling = recording.result["ceiling"]
    if dtype in ceiling:
        row["of_ceiling"] = row["pair_dims_per_second"] / ceiling[dtype]
    try:
        row["torch"] = rival_seconds(x, y, task.k, budget=min(3.0, max(0.5, recording.left() / 20)))
    except torch.OutOfMemoryError as error:  # the row stands without it
        row["torch"] = {"error": str(error).splitlines()[0]}
    if task.pair_dims <= CPU_PAIR_DIMS or task.dx <= 3:
        host = [each.cpu().numpy() for each in (x, y)]
        start = time.perf_counter()
        on_cpu = fastmi.mi(*host, k=task.k)
        row["cpu"] = {"seconds": time.perf_counter() - start, "algorithm": on_cpu.algorithm}
        row["counts_equal"] = bool(np.array_equal(on_cpu.counts, estimate.counts))
    progress(mi_line(row))
    return row


def mi_line(row: dict[str, Any]) -> str:
    """One row for the terminal."""
    seconds = row["fastmi"]["median"]
    parts = [f"{row['case']:14} {row['dtype']} {row['algorithm']:6} {format_seconds(seconds):>9}"]
    if "of_ceiling" in row:
        parts.append(f"{row['of_ceiling']:.1%} of ceiling")
    rival = row["torch"].get("seconds")
    parts.append(f"torch {rival / seconds:.1f}x" if rival else "torch failed")
    if "cpu" in row:
        equal = "equal" if row["counts_equal"] else "DIFFERENT"
        parts.append(f"CPU {row['cpu']['seconds'] / seconds:.1f}x, counts {equal}")
    return "; ".join(parts)


def sweep_row(task: Task) -> dict[str, Any]:
    """20 relative scales beside one evaluation of the same data."""
    import fastmi

    x, y = on_gpu(task, "float32")
    sweep = fastmi.KSGSweep(normalize=None, k=task.k)
    one = fastmi.KSG(k=task.k)
    seconds = {
        "sweep": median_time(lambda: sweep.estimate(x, y), budget=2.0)["median"],
        "one scale": median_time(lambda: one.estimate(x, y), budget=2.0)["median"],
    }
    progress(f"{task.name:14} 20 scales {seconds['sweep'] / seconds['one scale']:.2f}x of one")
    return {"case": task.name, "dtype": "float32", "seconds": seconds}


def batch_rows(quick: bool) -> dict[str, Any]:
    """Surrogates and pairs of columns in one call each, beside one estimate at a time."""
    import numpy as np

    import fastmi
    from fastmi import _backend
    from fastmi._blocks import DeviceArray

    kernels = _backend.cuda_kernels()
    task = Task(3, 3, 1_000 if quick else 10_000)
    x, y = task.sample(dtype="float32")
    rng = np.random.default_rng(0)
    orders = np.stack([rng.permutation(task.n) for _ in range(20 if quick else 200)])
    blocks = [DeviceArray(0, host=each) for each in (x, y)]

    def all_orders() -> None:
        given = iter([orders, None])
        kernels.ksg_surrogates(*blocks, [task.k], "chebyshev", "auto", lambda: next(given), 1)

    surrogates = median_time(all_orders, budget=2.0)
    there = on_gpu(task, "float32")
    single = median_time(lambda: fastmi.mi(*there, k=task.k), budget=1.0)

    columns = rng.standard_normal((2_000, 10 if quick else 100)).astype(np.float32)
    pairs = np.column_stack(np.triu_indices(columns.shape[1], 1)).astype(np.int64)
    block = [DeviceArray(0, host=columns)]
    matrix = median_time(
        lambda: kernels.ksg_pairs(block, pairs, [task.k], "auto", None, 1), budget=2.0
    )
    return {
        "surrogates": {
            "case": task.name,
            "count": len(orders),
            "seconds": surrogates["median"],
            "of_one_estimate": surrogates["median"] / single["median"],
        },
        "pairs": {"n": 2_000, "count": len(pairs), "seconds": matrix["median"]},
    }


def measured_ceiling(seconds: float) -> dict[str, float]:
    """L-inf pair-dimensions/s by dtype, and bytes/s of a device-to-device copy."""
    import numpy as np

    from fastmi import _cuda
    from fastmi._blocks import DeviceArray

    rates = {}
    for dtype in ("float32", "float64"):
        block = DeviceArray(0, host=np.zeros((1, 1), dtype))
        rates[dtype] = _cuda.ceiling_probe(block, seconds, 1)
    return {**rates, "bytes": gpu.copy_rate()}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_case_arguments(parser)
    parser.add_argument("--seconds", type=float, default=200, help="start nothing after so long")
    arguments = parser.parse_args(argv)

    if gpu.missing():
        return gpu.NO_GPU
    quick = arguments.quick
    recording = Recording(
        "gpu", arguments.seconds, arguments.json, ceiling={}, rows=[], sweep=[], batch={}
    )
    result = recording.result
    probe = partial(measured_ceiling, 0.2 if quick else 1.0)
    result["ceiling"] = recording.attempt("ceiling", probe) or {}
    table = QUICK_TABLE if quick else GPU_TABLE
    chosen = {task.name for task in tasks.select([task for task, _ in table], arguments.cases)}
    for task, dtype in table:
        if task.name in chosen:
            what = f"{task.name} {dtype}"
            row = recording.attempt(what, partial(mi_row, task, dtype, recording))
            result["rows"] += [row] if row else []
            if row and row.get("counts_equal") is False:
                recording.fail(what, "counts are not the CPU's")
            recording.save()
    for task in QUICK_SWEEP if quick else SWEEP_TABLE:
        row = recording.attempt(f"sweep {task.name}", partial(sweep_row, task))
        result["sweep"] += [row] if row else []
        recording.save()
    result["batch"] = recording.attempt("batches", partial(batch_rows, quick)) or {}
    return recording.finish()


if __name__ == "__main__":
    sys.exit(main())
