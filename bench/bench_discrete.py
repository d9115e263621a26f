"""Which correction of discrete entropy and information is nearest to the truth, and when?

Mean absolute errors over samples of known laws: entropy of uniform, Zipf and geometric symbols,
and information in tables of two variables, of uniform or Zipf margins, that are independent, or
that are equal in a part of the samples. The rows with `singles`, the share of samples alone in
their (joint) symbol, show which share tells that an estimate is off: further from the truth than
10 % and 0.05 nats on average.

    python bench/bench_discrete.py --json bench/results/discrete.json
"""

from __future__ import annotations

import argparse
import warnings

import machine
import numpy as np
import render
import tasks
from numpy.typing import NDArray

import fastmi
from fastmi._extras import ProgressBar
from fastmi.estimators.discrete import CORRECTIONS

Floats = NDArray[np.float64]
Case = tuple[str, str, int, Floats]


def laws() -> dict[str, Floats]:
    """Return the shares of the symbols of each law."""
    shares = {f"uniform on {k}": np.ones(k) for k in (2, 10, 100, 1000)}
    for k in (100, 1000):
        for power in (1.0, 1.5):
            shares[f"Zipf {power:g} on {k}"] = np.arange(1, k + 1) ** -power
    for q in (0.5, 0.1, 0.02):
        shares[f"geometric {q:g}"] = (1 - q) ** np.arange(2000)
    return {name: share / share.sum() for name, share in shares.items()}


def tables() -> dict[str, Floats]:
    """Return the joint shares of each table."""
    joint = {}
    for rows, columns in ((2, 2), (5, 5), (10, 10), (30, 30), (2, 100), (100, 100)):
        for equal in (0.0, 0.3, 0.9):
            for margin, power in (("uniform", 0.0), ("Zipf", -1.0)):
                x, y = (np.arange(1, size + 1) ** power for size in (rows, columns))
                both = np.zeros((rows, columns))
                for each in range(max(rows, columns)):
                    both[each % rows, each % columns] += 1
                independent = np.outer(x / x.sum(), y / y.sum())
                share = (1 - equal) * independent + equal * both / both.sum()
                joint[f"{rows} x {columns}, {margin}, {equal:.0%} equal"] = share
    return joint


def entropy(share: Floats) -> float:
    kept = share[share > 0]
    return float(-(kept * np.log(kept)).sum())


def measure(quantity: str, law: str, n: int, share: Floats, runs: int) -> dict[str, object]:
    """Return one row: the mean absolute error of each correction."""
    rng = np.random.default_rng([n, len(share), *law.encode()])
    truth = entropy(share)
    if quantity == "mi":
        truth = entropy(share.sum(0)) + entropy(share.sum(1)) - truth
    errors = dict.fromkeys(CORRECTIONS, 0.0)
    alone = 0.0
    for _ in range(runs):
        cells = rng.choice(share.size, size=n, p=share.ravel())
        alone += np.count_nonzero(np.bincount(cells) == 1) / n / runs
        blocks = (cells,) if quantity == "entropy" else divmod(cells, share.shape[1])
        estimate = getattr(fastmi, quantity)
        for correction in CORRECTIONS:
            found = estimate(*blocks, method="discrete", correction=correction)
            errors[correction] += abs(float(found) - truth) / runs
    return {
        "quantity": quantity,
        "law": law,
        "n": n,
        "runs": runs,
        "truth": truth,
        "singles": float(alone),
        "error": errors,
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="50, or 3 with --quick")
    tasks.add_arguments(parser, "two laws, few runs")
    arguments = parser.parse_args(argv)

    runs = arguments.runs or (3 if arguments.quick else 50)
    cases: list[Case] = [
        ("entropy", law, n, share)
        for law, share in laws().items()
        for n in (30, 100, 300, 1000, 10_000)
    ]
    cases += [
        ("mi", law, n, share) for law, share in tables().items() for n in (50, 200, 1000, 10_000)
    ]
    if arguments.quick:
        cases = cases[:2] + cases[-2:]
    rows = []
    # Tables of too few samples are a part of the question.
    warnings.simplefilter("ignore", fastmi.EstimateWarning)
    with ProgressBar(True, len(cases), "laws") as bar:
        for case in cases:
            rows.append(measure(*case, runs))
            bar.advance()
    render.report(
        {"bench": "discrete", "machine": machine.describe(), "rows": rows}, arguments.json
    )


if __name__ == "__main__":
    main()
