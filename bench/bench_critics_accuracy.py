"""Estimate against truth for every neural estimator, on correlated Gaussians and their cubes.

python bench/bench_critics_accuracy.py            # about 15 minutes on 2 cores
python bench/bench_critics_accuracy.py --quick    # about 2 minutes
python bench/bench_critics_accuracy.py --all-pairs --width 512 --steps 20000   # as published

Writes accuracy.csv and accuracy.png to --out. The second task cubes y, which changes the
margin and not the information. Held-out samples are drawn afresh.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
import result_tables
import torch

from fastmi import datasets
from fastmi._extras import ProgressBar
from fastmi.estimators import MI_METHODS

OUT = Path(__file__).parent / "results" / "critics"
METHODS = ("mine", "dv", "nwj", "infonce", "smile", "demi", "ccmi", "doe")
TASKS = ("gaussian", "cubic")
D = 20


def options(method: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of a method; all pairs are scored by an inner product, which is cheap."""
    width = (arguments.width, arguments.width)
    if method == "doe":
        return {"hidden": width}
    if arguments.all_pairs:
        return {"hidden": width, "negatives": "all"}
    if method in ("infonce", "smile"):
        return {"hidden": width, "negatives": "all", "critic": "separable"}
    return {"hidden": width, "negatives": "shuffle"}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--width", type=int)
    parser.add_argument("--all-pairs", action="store_true", help="as published; hours on 2 cores")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args(argv)
    arguments.steps = arguments.steps or (800 if arguments.quick else 4000)
    arguments.width = arguments.width or (128 if arguments.quick else 256)
    truths = (2.0, 6.0, 10.0) if arguments.quick else (2.0, 4.0, 6.0, 8.0, 10.0)
    n = 16_000 if arguments.quick else 64_000
    torch.set_num_threads(arguments.threads)

    rows = []
    runs = [(t, v, m) for t in TASKS for v in truths for m in arguments.methods]
    with ProgressBar(True, len(runs), "critics") as bar:
        for task, truth, method in runs:
            law = datasets.CorrelatedGaussian.from_mi(truth, d=D)
            x, y = law.sample(n, seed=0)
            x_test, y_test = law.sample(10_240, seed=1)
            if task == "cubic":
                y, y_test = y**3, y_test**3
            estimator = MI_METHODS[method].make(
                steps=arguments.steps,
                lr=5e-4 if arguments.steps > 2000 else 2e-3,
                eval_every=max(arguments.steps // 10, 1),
                patience=None,
                seed=0,
                **options(method, arguments),
            )
            result = estimator.estimate(x, y, test=(x_test, y_test))
            rows.append(
                {
                    "task": task,
                    "truth": truth,
                    "method": method,
                    "estimate": round(float(result), 4),
                    "stderr": round(result.stderr, 4),
                    "seconds": round(result.seconds, 1),
                    "warnings": len(result.warnings),
                }
            )
            bar.show(method=method, truth=truth, estimate=f"{float(result):.2f}")
            bar.advance()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (arguments.out / "accuracy.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    for task in TASKS:
        print(f"\n{task}, d = {D}, n = {n}, {arguments.steps} steps; nats\n")
        print(_table([row for row in rows if row["task"] == task], truths, arguments.methods))
    _plot(rows, truths, arguments.methods, arguments.out / "accuracy.png")


def _table(rows: list[dict[str, Any]], truths: tuple[float, ...], methods: list[str]) -> str:
    found = {(row["method"], row["truth"]): row for row in rows}
    body = []
    for method in methods:
        cells = [found[method, truth] for truth in truths]
        seconds = np.median([cell["seconds"] for cell in cells])
        values = [f"{c['estimate']:.2f} ± {c['stderr']:.2f}" for c in cells]
        body.append([method, *values, f"{seconds:.1f} s"])
    return result_tables.markdown_table(["truth", *map(str, truths), "median time"], body)


def _plot(
    rows: list[dict[str, Any]], truths: tuple[float, ...], methods: list[str], path: Path
) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
    for ax, task in zip(axes, TASKS, strict=True):
        ax.plot(truths, truths, color="black", linewidth=1, label="truth")
        for method in methods:
            chosen = [r for r in rows if r["task"] == task and r["method"] == method]
            ax.errorbar(
                [r["truth"] for r in chosen],
                [r["estimate"] for r in chosen],
                [r["stderr"] for r in chosen],
                marker="o",
                markersize=3,
                linewidth=1,
                label=method,
            )
        ax.axhline(np.log(128), color="grey", linestyle=":", linewidth=1, label="log 128")
        ax.set_title(f"{task}, d = {D}")
        ax.set_xlabel("true MI, nats")
        ax.set_ylim(-2, 14)
    axes[0].set_ylabel("estimate, nats")
    axes[1].legend(fontsize=7, ncols=2)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
