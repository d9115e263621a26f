"""Find the ranges of sigma and rho that the tables were drawn from: `tables.RANGES`.

    python reproductions/scale_invariance/ranges.py --table 2 --d 4

A pool of trials covers a wide range of the parameter; each candidate range is judged by the
trials of the pool that fall into it, on rmse_norm and bias of the columns that cost least.
The fit is a least-squares fit of two numbers for each base and d to all of its rows. How flat it
is near the best: several ranges are listed.
"""

from __future__ import annotations

import argparse

import numpy as np
from estimators import columns
from tables import draw, read_rows

from fastmi import datasets
from fastmi._extras import ProgressBar

COLUMNS = ("ksg", "bi-ksg", "ksg-loc", "ksg-glo-Linf")
POOLS = {2: (0.2, 3.0), 3: (0.0, 0.95)}
STEP = {2: 0.1, 3: 0.05}
# A difference of this much of the printed value, or this much, counts 1.
RELATIVE, ABSOLUTE = 0.1, 0.02


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=int, choices=(2, 3), required=True)
    parser.add_argument("--d", type=int, required=True)
    parser.add_argument("--trials", type=int, default=400, help="in the pool")
    parser.add_argument("--show", type=int, default=8, help="ranges to list")
    arguments = parser.parse_args(argv)

    rows = [row for row in read_rows(arguments.table) if row.d == arguments.d]
    low, high = POOLS[arguments.table]
    family = datasets.AdditiveNoise if arguments.table == 2 else datasets.CorrelatedGaussian
    estimators = {name: columns()[name] for name in COLUMNS}
    parameters = np.linspace(low, high, arguments.trials)
    truths = np.array([family(float(p), arguments.d).mutual_information for p in parameters])
    estimates = np.empty((len(rows), len(COLUMNS), arguments.trials))
    with ProgressBar(True, len(rows) * arguments.trials, "pool") as bar:
        for r, row in enumerate(rows):
            for trial, parameter in enumerate(parameters):
                x, t, _ = draw(row, trial, (parameter, parameter))
                for c, column in enumerate(estimators.values()):
                    estimates[r, c, trial] = column.estimate(x, t, trial)
                bar.advance()

    edges = np.arange(low, high + 1e-9, STEP[arguments.table])
    judged = []
    for first in edges:
        for last in edges[edges > first + 0.2]:
            inside = (parameters >= first) & (parameters <= last)
            losses = []
            for r, row in enumerate(rows):
                for c, name in enumerate(COLUMNS):
                    score = datasets.metrics.score(estimates[r, c, inside], truths[inside])
                    for metric in ("rmse_norm", "bias"):
                        printed = row.printed.get(metric, {}).get(name)
                        if printed is not None:
                            unit = RELATIVE * abs(printed) + ABSOLUTE
                            losses.append(((getattr(score, metric) - printed) / unit) ** 2)
            judged.append((np.mean(losses) ** 0.5, first, last, truths[inside]))
    judged.sort(key=lambda entry: entry[0])
    print("| misfit | range | mean of the truths | deviation |\n| ---: | --- | ---: | ---: |")
    for misfit, first, last, inside_truths in judged[: arguments.show]:
        print(
            f"| {misfit:.2f} | ({first:.2f}, {last:.2f}) | {inside_truths.mean():.3f} "
            f"| {inside_truths.std():.3f} |"
        )


if __name__ == "__main__":
    main()
