"""MIENF on families of known mutual information, in the manner of its paper.

    python reproductions/mienf/families.py --quick

Gaussians (also with correlated columns, which must not matter), correlated uniform, smoothed
uniform, Student-t with 4 degrees of freedom and its arcsinh, in 2, 8 and 32 columns, 10^4
samples: the mean over held-out samples beside the two closed forms and KSG. The paper's own
grids are not available.

Beside the truth stands what a joint normal base can reach when every column is made normal by
itself (`normal_scores`, the closed form on the ranks of 10^5 samples, less its bias): below the
truth where the dependence is not that of a joint normal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

import fastmi
from fastmi import datasets, normalize
from fastmi.nn.canonical import gaussian_information

sys.path.insert(0, str(Path(__file__).parents[1]))
import cells

OUT = Path(__file__).parents[1] / "results" / "mienf"

N = 10_000
TEST = 5000
SCORES = 100_000


def _mixed(mi: float, d: int) -> datasets.Distribution:
    """A Gaussian pair behind fixed random linear maps: columns that correlate."""
    rng = np.random.default_rng(d)
    a, b = rng.normal(size=(2, d, d)) / np.sqrt(d) + np.eye(d)
    return datasets.Mapped(
        datasets.CorrelatedGaussian.from_mi(mi, d), x=lambda x: x @ a, y=lambda y: y @ b
    )


def _student(mi: float, d: int) -> datasets.Distribution:
    # Student vectors depend on each other even without correlation; `mi` is what correlation adds.
    rho = datasets.CorrelatedGaussian.from_mi(mi, d).rho
    dispersion = np.block([[np.eye(d), rho * np.eye(d)], [rho * np.eye(d), np.eye(d)]])
    return datasets.Student(4.0, dispersion, d)


def _smoothed(mi: float, d: int) -> datasets.Distribution:
    if mi == 0.0:  # noise of infinite width
        return datasets.CorrelatedUniform.from_mi(0.0, d)
    return datasets.Product((datasets.SmoothedUniform.from_mi(mi / d),) * d)


COLUMNS = ("family", "d", "truth", "normal_scores", "estimate", "learnt", "closed_form", "ksg")
FAMILIES = {
    "gaussian": datasets.CorrelatedGaussian.from_mi,
    "gaussian-mixed": _mixed,
    "uniform": datasets.CorrelatedUniform.from_mi,
    "smoothed-uniform": _smoothed,
    "student": _student,
    "student-arcsinh": lambda mi, d: datasets.Mapped(_student(mi, d), x=np.arcsinh, y=np.arcsinh),
}


def _normal_scores(law: datasets.Distribution, d: int) -> float:
    x, y = (torch.from_numpy(normalize.copula(block)) for block in law.sample(SCORES, 1))
    return gaussian_information(x, y) - d * d / (2 * SCORES)


def measure(
    *, family: str, d: int, mi: float, steps: int, flow: str, base: str, seed: int
) -> Mapping[str, object]:
    """Train once; KSG on the same samples stands beside it."""
    law = FAMILIES[family](mi, d)
    x, y = law.sample(N, seed)
    test = law.sample(TEST, 10_000 + seed)
    start = perf_counter()
    estimator = fastmi.MIENF(
        steps=steps, flow=flow, base=base, seed=seed, patience=10, inputs="auto"
    )
    found = estimator.estimate(x, y, test=test)
    seconds = perf_counter() - start
    return {
        "truth": f"{law.mutual_information:.4f}",
        "normal_scores": f"{_normal_scores(law, d):.4f}",
        "estimate": f"{float(found):.4f}",
        "stderr": f"{found.stderr:.4f}",
        "learnt": f"{found.terms['learnt']:.4f}",
        "closed_form": f"{found.terms['gaussian']:.4f}",
        "ksg": f"{float(fastmi.mi(x, y, normalize='local')):.4f}",
        "seconds": f"{seconds:.1f}",
    }


def plot(rows: list[dict[str, str]], path: Path) -> None:
    """Draw estimate, normal scores and KSG against truth, one panel per family."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    families = list(dict.fromkeys(row["family"] for row in rows))
    figure, axes = plt.subplots(
        2, (len(families) + 1) // 2, figsize=(12, 7), squeeze=False, layout="constrained"
    )
    for axis, family in zip(axes.flat, families, strict=False):
        inside = [row for row in rows if row["family"] == family]
        for color, d in enumerate(sorted({int(row["d"]) for row in inside})):
            points = sorted(
                tuple(float(row[name]) for name in ("truth", "estimate", "normal_scores", "ksg"))
                for row in inside
                if int(row["d"]) == d
            )
            truth, estimate, scores, ksg = zip(*points, strict=True)
            axis.plot(truth, estimate, "o-", color=f"C{color}", markersize=3, label=f"d = {d}")
            axis.plot(truth, scores, "--", color=f"C{color}", linewidth=0.8)
            axis.plot(truth, ksg, "x:", color=f"C{color}", markersize=3, linewidth=0.8)
        ends = [0.0, max(float(row["truth"]) for row in inside)]
        axis.plot(ends, ends, color="black", linewidth=0.8)
        axis.set_title(family)
        axis.set_xlabel("truth (nats)")
        axis.set_ylabel("nats; dashed: normal scores; dotted: KSG")
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="0, 2.5, 5 nats and few updates")
    parser.add_argument("--steps", type=int, help="updates (default: 10000, quick: 2500)")
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 8, 32])
    parser.add_argument("--flow", choices=("bnaf", "realnvp"), default="bnaf")
    parser.add_argument("--base", choices=("diagonal", "gaussian"), default="diagonal")
    parser.add_argument("--seeds", type=int, help="runs per cell (default: 10, quick: 1)")
    parser.add_argument("--fresh", action="store_true", help="measure again what the CSV holds")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    grid = (0.0, 2.5, 5.0) if given.quick else (0.0, 2.5, 5.0, 7.5, 10.0)
    todo = [
        {
            "family": family,
            "d": d,
            "mi": mi,
            "steps": given.steps or (2500 if given.quick else 10_000),
        }
        | {"flow": given.flow, "base": given.base, "seed": seed}
        for family in FAMILIES
        for d in given.dims
        for mi in grid
        for seed in range(given.seeds or (1 if given.quick else 10))
    ]
    name = f"families{'-quick' if given.quick else ''}"
    rows = cells.run(given.out / f"{name}.csv", todo, measure, fresh=given.fresh)
    plot(rows, given.out / f"{name}.png")
    print(cells.table(rows, COLUMNS))


if __name__ == "__main__":
    main()
