"""Do the error bars of an estimate cover what they promise? A simulation on correlated Gaussians.

Three error bars are tried: `stderr` (deviation of the local values over sqrt(n)),
`jackknife_error` with 20 blocks, and `subsample_error`. For each the table has

- the standard deviation of the estimates over the runs, which an error bar has to match, and the
  mean of the error bars: a ratio of 1 is right, below 1 too narrow;
- how often +-1 and +-1.96 error bars around the estimate cover the mean estimate (the promise:
  68 % and 95 %) and the true value, which the bias of the estimator takes out of reach: no error
  bar contains it.

    python bench/bench_error_bars.py --json bench/results/error_bars.json
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import machine
import numpy as np
import render
import tasks

import fastmi
from fastmi._extras import ProgressBar
from fastmi.datasets import CorrelatedGaussian

# 68.27 % and 95 % of a normal distribution.
NARROW, WIDE = 1.0, 1.959963984540054
CASES = [(rho, d, n) for rho in (0.0, 0.5, 0.9) for d in (1, 3) for n in (300, 2000)]
QUICK_CASES = [(0.5, 1, 300)]

ErrorBar = Callable[[fastmi.Estimate, np.ndarray, np.ndarray, int], float]

ERROR_BARS: dict[str, ErrorBar] = {
    "stderr": lambda estimate, *_: estimate.stderr,
    "jackknife_error, 20 blocks": lambda estimate, *_: fastmi.jackknife_error(
        estimate, n_blocks=20
    ),
    "subsample_error": lambda _, x, y, run: fastmi.subsample_error(x, y, seed=run).stderr,
}


def measure(rho: float, d: int, n: int, runs: int) -> list[dict[str, object]]:
    """Return one row for each error bar."""
    law = CorrelatedGaussian(rho, d)
    estimates = np.empty(runs)
    bars = {name: np.empty(runs) for name in ERROR_BARS}
    for run in range(runs):
        x, y = law.sample(n, [run, n, d])
        estimate = fastmi.mi(x, y)
        estimates[run] = float(estimate)
        for name, error_bar in ERROR_BARS.items():
            bars[name][run] = error_bar(estimate, x, y, run)
    from_mean = np.abs(estimates - estimates.mean())
    from_truth = np.abs(estimates - law.mutual_information)
    return [
        {
            "error_bar": name,
            "rho": rho,
            "d": d,
            "n": n,
            "runs": runs,
            "truth": law.mutual_information,
            "bias": float(estimates.mean()) - law.mutual_information,
            "sd": float(estimates.std(ddof=1)),
            "stderr": float(own.mean()),
            "mean_68": float((from_mean <= NARROW * own).mean()),
            "mean_95": float((from_mean <= WIDE * own).mean()),
            "truth_68": float((from_truth <= NARROW * own).mean()),
            "truth_95": float((from_truth <= WIDE * own).mean()),
            "undefined": int(sum(not math.isfinite(value) for value in own)),
        }
        for name, own in bars.items()
    ]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="400, or 20 with --quick")
    tasks.add_arguments(parser, "one case, few runs")
    arguments = parser.parse_args(argv)

    runs = arguments.runs or (20 if arguments.quick else 400)
    cases = QUICK_CASES if arguments.quick else CASES
    rows = []
    with ProgressBar(True, len(cases), "error bars") as bar:
        for rho, d, n in cases:
            rows += measure(rho, d, n, runs)
            bar.advance()
    rows.sort(key=lambda row: list(ERROR_BARS).index(str(row["error_bar"])))
    render.report(
        {"bench": "error_bars", "machine": machine.describe(), "rows": rows}, arguments.json
    )


if __name__ == "__main__":
    main()
