"""Figures 2 to 5 of "A neural difference-of-entropies estimator for mutual information".

    python reproductions/ndoe/figures.py --figure 4 --quick

Errors (truth - estimate, as the paper plots them) of every estimator on correlated Gaussians,
cubed Gaussians and sparse Gaussians, against the true mutual information.

The paper gives neither the grid of information nor depth, learning rate or stopping of all the
networks; ours are below. Every estimator gets the same samples, batch, number of updates and
evaluation (10 240 fresh samples).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np

import fastmi
from fastmi import datasets

sys.path.insert(0, str(Path(__file__).parents[1]))
import cells

OUT = Path(__file__).parents[1] / "results" / "ndoe"

# Figure: samples, task and its mapping of y.
FIGURES = {
    2: (131_072, ("gaussian", "cubic")),
    3: (65_536, ("gaussian", "cubic")),
    4: (32_768, ("gaussian", "cubic")),
    5: (131_072, ("sparse", "sparse-cubic")),
}
INFORMATION = {
    "gaussian": (0.0, 2.0, 5.0, 10.0, 15.0, 20.0),
    "cubic": (0.0, 2.0, 5.0, 10.0, 15.0, 20.0),
    "sparse": (0.0, 1.0, 2.0, 5.0, 8.0),
    "sparse-cubic": (0.0, 1.0, 2.0, 5.0, 8.0),
}
TEST = 10_240
BATCH = 128
EPOCHS = 50
QUICK_STEPS = 3000

# Units per column; "ndoe" has our default, which is narrower.
PAPER_WIDTH = {20: 20, 50: 10, 100: 6}
# The paper's flows start from nothing, which our defaults do not.
PAPER = {"start": None, "residual": None, "inputs": "auto", "lr": 1e-3}

ESTIMATORS = {
    "ndoe": fastmi.NDoE,
    "ndoe-paper": fastmi.NDoE,
    "ndoe-copula": lambda **options: fastmi.NDoE(normalize="copula", **options),
    "ndoe-realnvp": fastmi.NDoERealNVP,
    "bnaf": fastmi.SeparateBNAF,
    "doe-gaussian": lambda **options: fastmi.DoE(density="gaussian", **options),
    "doe-logistic": lambda **options: fastmi.DoE(density="logistic", **options),
    "smile-5": lambda **options: fastmi.SMILE(tau=5.0, **options),
    "smile-inf": lambda **options: fastmi.SMILE(tau=float("inf"), **options),
    "demi": fastmi.DEMI,
    "infonce": fastmi.InfoNCE,
    "nwj": fastmi.NWJ,
    "mine": fastmi.MINE,
}


def law(task: str, mi: float, d: int) -> datasets.Distribution:
    """Return the distribution of a task whose information is `mi` nats."""
    family = datasets.SparseGaussian if task.startswith("sparse") else datasets.CorrelatedGaussian
    base = family.from_mi(mi, d)
    return datasets.Mapped(base, y=lambda y: y**3) if task.endswith("cubic") else base


def decay(steps: int):
    """Return a schedule that keeps the rate for half of the steps, then lets it fall to 0."""
    from torch.optim.lr_scheduler import LambdaLR

    return lambda optimizer: LambdaLR(
        optimizer, lambda step: min(1.0, 2.0 * (1.0 - step / steps) + 1e-3)
    )


def measure(
    *, task: str, d: int, n: int, mi: float, steps: int, estimator: str, negatives: str, seed: int
) -> Mapping[str, object]:
    """Train one estimator once."""
    distribution = law(task, mi, d)
    options: dict[str, object] = {
        "steps": steps,
        "batch_size": BATCH,
        "seed": seed,
        "patience": None,
        "schedule": decay(steps),
        "eval_every": max(steps // 5, 1),
    }
    if estimator in ("smile-5", "smile-inf", "demi", "nwj", "mine"):
        options["negatives"] = negatives
    elif estimator == "infonce" and negatives == "shuffle":
        options["critic"] = "separable"
    if estimator == "ndoe-realnvp":
        options["inputs"] = "auto"
    elif estimator in ("ndoe", "ndoe-copula", "ndoe-paper", "bnaf"):
        options |= PAPER
    if estimator in ("ndoe-paper", "bnaf"):
        options["width"] = PAPER_WIDTH[d]
    x, y = distribution.sample(n, seed)
    test = distribution.sample(TEST, 10_000 + seed)
    start = perf_counter()
    found = ESTIMATORS[estimator](**options).estimate(x, y, test=test)
    seconds = perf_counter() - start
    truth = distribution.mutual_information
    return {
        "estimate": f"{float(found):.4f}",
        "error": f"{truth - found:.4f}",
        "relative": f"{(found - truth) / truth:.4f}" if truth else "",
        "cross_entropy": f"{found.terms.get('cross_entropy', float('nan')):.4f}",
        "conditional": f"{found.terms.get('conditional_cross_entropy', float('nan')):.4f}",
        "seconds": f"{seconds:.1f}",
    }


def plot(rows: list[dict[str, str]], path: Path) -> None:
    """Draw the error against the truth: one panel per task and d, one line per estimator."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = sorted(
        {(row["task"], int(row["d"])) for row in rows},
        key=lambda panel: (panel[1], list(INFORMATION).index(panel[0])),
    )
    colors = {name: plt.get_cmap("tab20")(i) for i, name in enumerate(ESTIMATORS)}
    shown = {}
    figure, axes = plt.subplots(
        1, len(panels), figsize=(5 * len(panels), 4), squeeze=False, layout="constrained"
    )
    for axis, (task, d) in zip(axes[0], panels, strict=True):
        inside = [row for row in rows if (row["task"], int(row["d"])) == (task, d)]
        for name in dict.fromkeys(row["estimator"] for row in inside):
            points: dict[float, list[float]] = {}
            for row in inside:
                if row["estimator"] == name:
                    points.setdefault(float(row["mi"]), []).append(float(row["error"]))
            truths = sorted(points)
            means = [np.mean(points[truth]) for truth in truths]
            spread = [np.std(points[truth]) for truth in truths]
            shown[name] = axis.errorbar(
                truths, means, spread, marker="o", markersize=3, capsize=2, color=colors[name]
            )
        axis.axhline(0, color="black", linewidth=0.8)
        axis.set_yscale("symlog", linthresh=0.5)
        axis.set_title(f"{task}, d = {d}, n = {inside[0]['n']}, {inside[0]['steps']} updates")
        axis.set_xlabel("true mutual information (nats)")
        axis.set_ylabel("truth - estimate (nats)")
    names = [name for name in ESTIMATORS if name in shown]
    figure.legend([shown[name] for name in names], names, loc="outside right", fontsize=8)
    figure.savefig(path, dpi=90)


def _quick(task: str) -> tuple[float, ...]:
    # Sparse dependence of 10 nats is a correlation of 0.99998.
    return (1.0, 2.0, 5.0) if task.startswith("sparse") else (2.0, 5.0, 10.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=int, choices=FIGURES, default=4)
    parser.add_argument("--quick", action="store_true", help="d = 20; 2, 5, 10 nats; few updates")
    parser.add_argument("--steps", type=int, help=f"updates (default: {EPOCHS} epochs)")
    parser.add_argument("--dims", type=int, nargs="+", help="columns (default: 20 50 100)")
    parser.add_argument("--tasks", nargs="+", choices=INFORMATION, help="of the figure's")
    parser.add_argument("--mi", type=float, nargs="+", help="true information, nats")
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS))
    parser.add_argument("--seeds", type=int, help="runs per cell (default: 10, quick: 1)")
    parser.add_argument(
        "--negatives",
        choices=("all", "shuffle"),
        default="all",
        help="product pairs of a critic's batch; InfoNCE always takes all, with 'shuffle' by an "
        "inner product of two networks, which costs as little",
    )
    parser.add_argument("--draw", action="store_true", help="what the CSV holds; measure nothing")
    parser.add_argument("--fresh", action="store_true", help="measure again what the CSV holds")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    n, tasks = FIGURES[given.figure]
    usual = QUICK_STEPS if given.quick else EPOCHS * n // BATCH
    steps = given.steps or usual
    dims = given.dims or ((20,) if given.quick or given.figure == 5 else (20, 50, 100))
    seeds = given.seeds or (1 if given.quick else 10)
    todo = [
        {"task": task, "d": d, "n": n, "mi": mi, "steps": steps, "estimator": estimator}
        | {"negatives": given.negatives, "seed": seed}
        for task in tasks
        if not given.tasks or task in given.tasks
        for d in dims
        for mi in given.mi or (_quick(task) if given.quick else INFORMATION[task])
        for estimator in given.estimators
        for seed in range(seeds)
    ]
    name = f"figure{given.figure}{'-quick' if given.quick else ''}"
    if steps != usual:
        name += f"-{steps}"
    path = given.out / f"{name}.csv"
    if given.draw:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = cells.run(path, todo, measure, fresh=given.fresh)
    plot(rows, given.out / f"{name}.png")
    print(cells.table(rows, ("task", "d", "mi", "estimator", "estimate", "relative", "seconds")))


if __name__ == "__main__":
    main()
