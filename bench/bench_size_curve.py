"""Does `fastmi.size_curve` see the bias of KSG, and does its extrapolation take it away?

Normal columns with one correlation in each pair. The table has the truth, the mean estimates from
n / 4, n / 2 and n samples, the mean extrapolation, standard deviations of the estimate and of the
extrapolation over the runs beside their mean errors, and the share of the runs with the warning
that the estimate still moves with n.

    python bench/bench_size_curve.py --json bench/results/size_curve.json
"""

from __future__ import annotations

import argparse
import warnings

import machine
import numpy as np
import render
import tasks

import fastmi
from fastmi._extras import ProgressBar
from fastmi.datasets import CorrelatedGaussian

# Correlation and columns of each variable.
LAWS = ((0.6, 1), (0.5, 2), (0.5, 3), (0.9, 3), (0.5, 5), (0.5, 10), (0.0, 1), (0.0, 10))


def measure(rho: float, d: int, n: int, runs: int) -> dict[str, object]:
    """Return the row of one law."""
    law = CorrelatedGaussian(rho, d)
    curves = []
    for run in range(runs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fastmi.EstimateWarning)
            curves.append(fastmi.size_curve(*law.sample(n, [run, n, d]), seed=run))
    extrapolated = [curve.extrapolated for curve in curves]
    return {
        "rho": rho,
        "d": d,
        "n": n,
        "runs": runs,
        "truth": law.mutual_information,
        "means": np.mean([curve.means for curve in curves], axis=0).tolist(),
        "extrapolated": float(np.mean(extrapolated)),
        "sd": float(np.std([curve.means[0] for curve in curves], ddof=1)),
        "error": float(np.mean([curve.errors[0] for curve in curves])),
        "extrapolated_sd": float(np.std(extrapolated, ddof=1)),
        "extrapolated_error": float(np.mean([curve.extrapolated_error for curve in curves])),
        "warned": float(
            np.mean([any(each.kind == "drift" for each in curve.warnings) for curve in curves])
        ),
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="100, or 3 with --quick")
    tasks.add_arguments(parser, "n = 1000, few runs")
    arguments = parser.parse_args(argv)

    runs = arguments.runs or (3 if arguments.quick else 100)
    cells = [(rho, d, n) for rho, d in LAWS for n in ((1000,) if arguments.quick else (1000, 4000))]
    rows = []
    with ProgressBar(True, len(cells), "size curves") as bar:
        for rho, d, n in cells:
            rows.append(measure(rho, d, n, runs))
            bar.advance()
    render.report(
        {"bench": "size_curve", "machine": machine.describe(), "rows": rows}, arguments.json
    )


if __name__ == "__main__":
    main()
