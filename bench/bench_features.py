"""rank_features on a wide table of mixed columns, beside scikit-learn's mutual information scores.

The table has continuous, integer, categorical, boolean and zero-inflated columns, of which every
tenth depends on the target; categories are strings in the data frame that fastmi reads, and codes
for scikit-learn, which is told which columns are discrete. Both get the same threads, and take
turns. scikit-learn's default, which takes every column of an array as continuous, is a row of its
own.

    python bench/bench_features.py --json bench/results/features.json
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from functools import partial
from typing import Any, NamedTuple

import machine
import numpy as np
import render
import tasks
from timing import interleave, progress, timed

import fastmi

THREADS = 2
# Columns of each kind among 1000.
KINDS = {
    "continuous": 400,
    "counts": 200,
    "categories": 200,
    "booleans": 100,
    "zero-inflated": 100,
}


class Table(NamedTuple):
    """One table in the forms that the candidates take.

    Attributes:
        frame: Data frame.
        codes: The same with codes of categories, shape (n, p), float64.
        discrete: Columns of categories and booleans.
        kinds: The kind of each column.
    """

    frame: Any
    codes: np.ndarray
    discrete: np.ndarray
    kinds: list[str]


def table(n: int, columns: int, y: np.ndarray) -> Table:
    """Return a table whose every tenth column depends on `y`, which has mean 0 and deviation 1."""
    import pandas as pd

    rng = np.random.default_rng(0)
    names, codes, kinds = {}, [], []
    for kind, share in KINDS.items():
        for number in range(share * columns // 1000):
            hidden = rng.standard_normal(n)
            if number % 10 == 0:
                hidden += y
            if kind == "counts":
                values = rng.poisson(np.exp(2.0 + 0.5 * hidden)).astype(np.float64)
            elif kind == "categories":
                values = np.digitize(hidden, np.linspace(-1.5, 1.5, 2 + number % 10)).astype(float)
            elif kind == "booleans":
                values = (hidden > rng.normal()).astype(np.float64)
            elif kind == "zero-inflated":
                values = np.where(rng.random(n) < 0.5, 0.0, np.exp(hidden))
            else:
                values = hidden
            shown = values
            if kind == "categories":
                shown = np.char.add("level ", values.astype(int).astype(str))
            names[f"{kind} {number}"] = shown.astype(bool) if kind == "booleans" else shown
            codes.append(values)
            kinds.append(kind)
    discrete = np.isin(kinds, ["categories", "booleans"])
    return Table(pd.DataFrame(names), np.column_stack(codes), discrete, kinds)


def measure(n: int, columns: int, target: str, budget: float) -> dict[str, Any]:
    """Return the times of one table and one target."""
    from sklearn import feature_selection

    hidden = np.random.default_rng(1).standard_normal(n)
    data = table(n, columns, hidden)
    y = np.digitize(hidden, (-0.6, 0.6)) if target == "classes" else hidden
    kind = "classif" if target == "classes" else "regression"
    theirs = getattr(feature_selection, f"mutual_info_{kind}")
    calls = {
        "fastmi, data frame": partial(fastmi.rank_features, data.frame, y, n_jobs=THREADS),
        "fastmi, array": partial(
            fastmi.rank_features, data.codes, y, discrete=data.discrete, n_jobs=THREADS
        ),
        "scikit-learn, told what is discrete": partial(
            theirs, data.codes, y, discrete_features=data.discrete, n_jobs=THREADS, random_state=0
        ),
        "scikit-learn, default": partial(theirs, data.codes, y, n_jobs=THREADS, random_state=0),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times = interleave(
            {name: partial(timed, call) for name, call in calls.items()},
            budget=budget,
            once_above=60.0,
        )
    ranked, original = (times[name].value for name in list(calls)[1:3])
    mine = np.empty(columns)
    mine[list(ranked.names)] = ranked.mi
    ours = times["fastmi, data frame"].seconds
    return {
        "n": n,
        "columns": columns,
        "target": target,
        "seconds": {name: timing.median for name, timing in times.items()},
        "ratios": {
            name: statistics.median(
                slow / fast for slow, fast in zip(times[name].seconds, ours, strict=False)
            )
            for name in list(calls)[2:]
        },
        # Estimates of continuous columns differ by the scale of the target, if that is continuous.
        "mean_difference": {
            each: float(np.abs(mine - original)[np.array(data.kinds) == each].mean())
            for each in KINDS
        },
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "100 columns of 1000 rows")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of rounds per row")
    arguments = parser.parse_args(argv)
    n, columns = (1000, 100) if arguments.quick else (10_000, 1000)
    rows = []
    for target in ("classes", "continuous"):
        rows.append(measure(n, columns, target, 0.0 if arguments.quick else arguments.budget))
        progress(f"{target}: {rows[-1]['seconds']}")
    result = {"bench": "features", "machine": machine.describe(THREADS), "rows": rows}
    render.report(result, arguments.json)


if __name__ == "__main__":
    main()
