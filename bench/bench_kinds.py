"""Are the estimates of columns of every kind on one scale?

Pairs of columns of 13 kinds, 13 x 13 of them, from two normal variables that are independent or
correlate with 0.6: rounded, skewed, cut into classes (those with 10 and 40 are strings in no
order), counts, and mixtures of zeros with others. The information that is left is computed from the
copula. For each pair the mean error and the standard deviation over samples are those of
`fastmi.pairwise_mi` without a method, of method="mesner", and of "ksg1" as it was the default.

    python bench/bench_kinds.py --json bench/results/kinds.json
"""

from __future__ import annotations

import argparse
import warnings
from statistics import NormalDist
from typing import Any

import machine
import numpy as np
import render
from numpy.typing import NDArray

import fastmi
from fastmi._extras import ProgressBar

Floats = NDArray[np.float64]

RHO = 0.6
# Cells of each axis in which the copula is summed, before the atoms are put together.
CELLS = 1200


def edges() -> dict[str, tuple[Floats, bool]]:
    """Return for each kind the ends of its atoms, as probabilities, and whether it has no others.

    A kind without ends is continuous. "zeros" have one atom, below the one end.
    """
    poisson = {mean: _poisson(mean) for mean in (4, 12, 100)}
    rounded = np.array([NormalDist().cdf(0.1 * step + 0.05) for step in range(-40, 40)])
    equal = {number: np.arange(1, number) / number for number in (2, 3, 10, 40)}
    return {
        "normal": (np.empty(0), False),
        "rounded": (rounded, True),
        "lognormal": (np.empty(0), False),
        "binary": (equal[2], True),
        "binary 10/90": (np.array([0.1]), True),
        "3 classes": (equal[3], True),
        "10 classes": (equal[10], True),
        "40 classes": (equal[40], True),
        "50 % zeros": (np.array([0.5]), False),
        "90 % zeros": (np.array([0.9]), False),
        "counts, mean 4": (poisson[4], True),
        "counts, mean 12": (poisson[12], True),
        "counts, mean 100": (poisson[100], True),
    }


def _poisson(mean: float) -> Floats:
    number = np.arange(int(mean + 12 * mean**0.5 + 12))
    logs = number * np.log(mean) - mean - np.cumsum(np.log(np.maximum(number, 1)))
    below = np.cumsum(np.exp(logs))
    kept: Floats = below[(below > 1e-9) & (below < 1 - 1e-9)]
    return kept


def column(kind: str, normal: Floats) -> NDArray[Any]:
    """Return a column of a kind that is made of a standard normal variable."""
    ends, atoms = edges()[kind]
    if not len(ends):
        skewed: Floats = np.exp(1.5 * normal)
        return skewed if kind == "lognormal" else normal
    cuts = np.array([NormalDist().inv_cdf(end) for end in ends])
    if not atoms:
        mixed: Floats = np.where(normal <= cuts[0], 0.0, np.exp(normal))
        return mixed
    code = np.searchsorted(cuts, normal)
    if kind in ("10 classes", "40 classes"):
        names = np.random.default_rng(0).permutation(len(ends) + 1).astype(str)
        return names[code]
    if kind == "rounded":
        return np.round(0.1 * (code - 40), 1)
    return code.astype(np.float64)


def truths() -> dict[tuple[str, str], float]:
    """Return the information of each pair of kinds in nats."""
    middle = np.array([NormalDist().inv_cdf((j + 0.5) / CELLS) for j in range(CELLS)])
    x, y = middle[:, None], middle[None]
    share = 1 - RHO**2
    density = np.exp(-(RHO**2 * (x**2 + y**2) - 2 * RHO * x * y) / (2 * share)) / share**0.5
    # The margins of the sums are made uniform again.
    for _ in range(50):
        density /= density.sum(axis=1, keepdims=True)
        density /= density.sum(axis=0, keepdims=True)
    density /= density.sum()
    found = {}
    for a in edges():
        rows = _together(density, a)
        for b in edges():
            both = _together(rows.T, b).T
            expected = both.sum(1, keepdims=True) * both.sum(0, keepdims=True)
            kept = both > 0
            found[a, b] = float((both[kept] * np.log(both[kept] / expected[kept])).sum())
    return found


def _together(density: Floats, kind: str) -> Floats:
    """Return sums over the rows of each atom."""
    ends, atoms = edges()[kind]
    if not len(ends):
        return density
    place = (np.arange(CELLS) + 0.5) / CELLS
    code = np.searchsorted(ends, place)
    if not atoms:
        code = np.where(code == 0, 0, np.arange(CELLS))
    _, code = np.unique(code, return_inverse=True)
    sums = np.zeros((code.max() + 1, density.shape[1]))
    np.add.at(sums, code, density)
    return sums


def estimates(n: int, rho: float, seed: int) -> dict[str, Floats]:
    """Return the matrix of each method, a row for the kind of x and a column for that of y."""
    rng = np.random.default_rng([n, seed])
    kinds = list(edges())
    shape = (len(kinds), len(kinds))
    found = {method: np.full(shape, np.nan) for method in ("by kind", "mesner", "ksg1")}
    hidden = rng.standard_normal(n)
    X, Y = {}, {}
    for kind in kinds:
        # Columns of one table need not depend on each other for the pairs across.
        X[kind] = column(kind, hidden)
        Y[kind] = column(kind, rho * hidden + (1 - rho**2) ** 0.5 * rng.standard_normal(n))
    result = fastmi.pairwise_mi(X, Y, n_jobs=1)
    found["by kind"] = result.mi
    for table in (X, Y):
        for kind, own in table.items():
            if own.dtype.kind == "U":
                table[kind] = np.unique(own, return_inverse=True)[1].astype(np.float64)
    x, y = (np.column_stack(list(table.values())) for table in (X, Y))
    found["ksg1"] = fastmi.pairwise_mi(x, y, method="ksg1", n_jobs=1).mi
    found["mesner"] = fastmi.pairwise_mi(x, y, method="mesner", normalize="copula", n_jobs=1).mi
    return found


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="50, or 2 with --quick")
    parser.add_argument("--quick", action="store_true", help="one size, few runs")
    parser.add_argument("--json", help="file to write")
    arguments = parser.parse_args(argv)

    runs = arguments.runs or (2 if arguments.quick else 50)
    sizes = (200,) if arguments.quick else (50, 200, 1000)
    kinds = list(edges())
    known = truths()
    warnings.simplefilter("ignore", fastmi.EstimateWarning)
    rows = []
    with ProgressBar(True, 2 * len(sizes) * runs, "tables") as bar:
        for n in sizes:
            for rho in (0.0, RHO):
                found: dict[str, list[Floats]] = {}
                for seed in range(runs):
                    for method, matrix in estimates(n, rho, seed).items():
                        found.setdefault(method, []).append(matrix)
                    bar.advance()
                for i, x in enumerate(kinds):
                    for j, y in enumerate(kinds):
                        truth = known[x, y] if rho else 0.0
                        row: dict[str, Any] = {"n": n, "rho": rho, "x": x, "y": y, "truth": truth}
                        for method, matrices in found.items():
                            values = np.array(matrices)[:, i, j]
                            values = values[~np.isnan(values)]
                            if len(values) > runs / 2:
                                error = float(values.mean()) - truth
                                row[method] = {"error": error, "sd": float(values.std())}
                        rows.append(row)
    result = {"bench": "kinds", "machine": machine.describe(), "runs": runs, "rows": rows}
    render.report(result, arguments.json)


if __name__ == "__main__":
    main()
