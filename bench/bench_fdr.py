"""P-values of many pairs: level, false discoveries and power, and what the tests cost.

Level: the share of independent pairs with p <= .05 and .01, which has to be at most that, by kind
of column and n. Discoveries: features of which 1 or 25 tell about the target, among 500 that do
not; the share of false ones among those with q <= .05 (has to be at most .05 on average), the share
of true ones that are found, how often any is false, and the time, beside tests with a fixed number
of surrogates for each pair that take as long. Surrogates: how many tests that stop early make.
Pair: two dependent columns among 500 others, in a matrix of all pairs.

    python bench/bench_fdr.py --json bench/results/fdr.json
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import machine
import numpy as np
import render
import tasks
from timing import progress

import fastmi

Draw = Callable[[np.random.Generator, int, int], np.ndarray]
LEVELS = (0.05, 0.01)
ALPHA = 0.05


def _normal(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.standard_normal((n, d))


def _rounded(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.standard_normal((n, d)).round(1)


def _counts(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.poisson(20.0, (n, d)).astype(np.float64)


def _zeros(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return np.where(rng.random((n, d)) < 0.8, 0.0, rng.lognormal(size=(n, d)))


def _classes(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Classes whose number and sizes differ from column to column."""
    found = np.empty((n, d))
    for j in range(d):
        found[:, j] = rng.choice(2 + j, n, p=rng.dirichlet(np.full(2 + j, 3.0)))
    return found


class Kinds(NamedTuple):
    """Two independent kinds of columns."""

    x: Draw
    y: Draw
    discrete: Any  # of X and Y alike, or "auto"


LEVEL_OF = {
    "normal, normal": Kinds(_normal, _normal, "auto"),
    "rounded, rounded": Kinds(_rounded, _rounded, False),
    "counts, normal": Kinds(_counts, _normal, False),
    "80 % zeros, 80 % zeros": Kinds(_zeros, _zeros, False),
    "80 % zeros, counts": Kinds(_zeros, _counts, False),
    "classes, normal": Kinds(_classes, _normal, "auto"),
    "classes, 80 % zeros": Kinds(_classes, _zeros, "auto"),
    "classes, classes": Kinds(_classes, _classes, True),
}


def level(kinds: Kinds, n: int, tables: int, columns: int, surrogates: int) -> dict[str, Any]:
    """Return shares of small p-values, and their standard errors over tables.

    Pairs of one table share columns and surrogates, so that a table is one observation.
    """
    p = []
    for table in range(tables):
        rng = np.random.default_rng([table, n])
        X, Y = kinds.x(rng, n, columns), kinds.y(rng, n, columns)
        found = fastmi.pairwise_mi(
            X, Y, discrete=kinds.discrete, n_permutations=surrogates, seed=table, n_jobs=1
        )
        p.append(found.p_value[np.isfinite(found.p_value)])
    row: dict[str, Any] = {"n": n, "pairs": int(sum(map(len, p))), "surrogates": surrogates}
    for each in LEVELS:
        shares = [float((own <= each).mean()) for own in p]
        row[f"p <= {each}"] = float(np.mean(shares))
        row[f"error of p <= {each}"] = float(np.std(shares, ddof=1) / math.sqrt(tables))
    return row


def features(
    seed: int, n: int, noise: int, true: int, effect: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return a table whose first `true` columns depend on the target, and the target."""
    rng = np.random.default_rng([seed, true])
    y = rng.standard_normal(n)
    X = np.concatenate([_normal(rng, n, noise // 2), _counts(rng, n, noise - noise // 2)], axis=1)
    signal = effect * (y**2 - 1.0)[:, np.newaxis] + rng.standard_normal((n, true))
    return np.column_stack([signal, X]), y


def _discoveries(significant: np.ndarray, true: int) -> dict[str, float]:
    false = int(significant[true:].sum())
    return {
        "false_share": false / max(1, int(significant.sum())),
        "any_false": float(false > 0),
        "power": float(significant[:true].mean()),
    }


def discoveries(
    tables: int, n: int, noise: int, true: int, effect: float, surrogates: int
) -> list[dict[str, Any]]:
    """Return mean discoveries and seconds of each procedure."""
    ways: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
        "q by BH, n_permutations='auto'": _ranked(n_permutations="auto"),
        "q by BY, n_permutations='auto'": _ranked(n_permutations="auto", fdr="by"),
        "p of the largest statistic": _ranked(
            "p_corrected", n_permutations=surrogates, corrected=True
        ),
    }
    seconds: dict[str, list[float]] = {}
    found: dict[str, list[dict[str, float]]] = {}

    def take(name: str, way: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        start = perf_counter()
        values = way(X, y)
        spent = perf_counter() - start
        seconds.setdefault(name, []).append(spent)
        found.setdefault(name, []).append(_discoveries(values <= ALPHA, true))

    fixed = 0
    for table in range(tables):
        X, y = features(table, n, noise, true, effect)
        for name, way in ways.items():
            take(name, way)
        if not fixed:
            # As many surrogates of its own for each pair as take the time of "auto".
            start = perf_counter()
            _own_surrogates(X, y, count=20)
            each = (perf_counter() - start) / 20
            fixed = max(20, round(seconds["q by BH, n_permutations='auto'"][0] / each))
        take(f"q by BH, {fixed} surrogates of each pair", partial(_own_surrogates, count=fixed))
    return [
        {
            "true": true,
            "noise": noise,
            "n": n,
            "tables": tables,
            "way": name,
            "seconds": float(np.median(seconds[name])),
            **{key: float(np.mean([row[key] for row in rows])) for key in rows[0]},
        }
        for name, rows in found.items()
    ]


def _ranked(what: str = "q_value", **options: Any) -> Callable[..., np.ndarray]:
    def way(X: np.ndarray, y: np.ndarray) -> np.ndarray:
        ranked = fastmi.rank_features(X, y, discrete=False, n_jobs=1, seed=0, **options)
        values = np.empty(X.shape[1])
        values[list(ranked.names)] = getattr(ranked, what)
        return values

    return way


def _own_surrogates(X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
    found = fastmi.pairwise_mi(
        X,
        y[:, np.newaxis],
        method="ksg1",
        n_permutations=count,
        sequential=False,
        n_jobs=1,
        seed=0,
    )
    return found.q_value[:, 0]


def spent(n: int, pairs: int, surrogates: int) -> dict[str, Any]:
    """Return how many surrogates tests of independent pairs, and of a dependent one, make."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(pairs):
        x, y = rng.standard_normal((2, n))
        test = fastmi.permutation_test(
            x, y, n_permutations=surrogates, sequential=True, seed=0, n_jobs=1
        )
        made.append(len(test.null))
    x, noise = rng.standard_normal((2, n))
    test = fastmi.permutation_test(
        x, x + noise, n_permutations=surrogates, sequential=True, seed=0, n_jobs=1
    )
    return {
        "n": n,
        "pairs": pairs,
        "most": surrogates,
        "mean": float(np.mean(made)),
        "median": float(np.median(made)),
        "dependent": len(test.null),
    }


def one_pair(n: int, noise: int) -> dict[str, Any]:
    """Return what a matrix of noise columns with one dependent pair shows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, noise + 2))
    X[:, 1] = X[:, 0] ** 2 + 0.5 * X[:, 1]
    start = perf_counter()
    found = fastmi.pairwise_mi(X, n_permutations="auto", seed=0)
    seconds = perf_counter() - start
    upper = np.triu_indices(noise + 2, 1)
    q, p = found.q_value[upper], found.p_value[upper]
    first = found.top(3)
    return {
        "n": n,
        "columns": noise + 2,
        "pairs": len(q),
        "seconds": seconds,
        "significant": int((q <= ALPHA).sum()),
        "p <= 0.05": int((p <= ALPHA).sum()),
        "top": str(first),
        "q of the pair": float(found.q_value[0, 1]),
        "notes": [str(note) for note in found._notes],
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "small tables, few runs")
    arguments = parser.parse_args(argv)
    quick = arguments.quick
    warnings.simplefilter("ignore", fastmi.EstimateWarning)

    levels = []
    for name, kinds in LEVEL_OF.items():
        for n in (50,) if quick else (50, 200, 1000):
            tables, columns, count = (4, 4, 99) if quick else (40, 6, 999)
            row = {"kinds": name, **level(kinds, n, tables, columns, count)}
            levels.append(row)
            progress(
                f"{name:25} n={n:4} "
                + ", ".join(
                    f"p <= {each}: {row[f'p <= {each}']:.4f} +- {row[f'error of p <= {each}']:.4f}"
                    for each in LEVELS
                )
            )
    found = []
    for true in (1, 25):
        tables, n, noise, count = (2, 100, 40, 99) if quick else (20, 300, 500, 199)
        for row in discoveries(tables, n, noise, true, 0.8, count):
            found.append(row)
            progress(
                f"{true:2} true of {noise + true}: {row['way']:45} false {row['false_share']:.3f}, "
                f"any false {row['any_false']:.2f}, power {row['power']:.2f}, "
                f"{row['seconds']:.2g} s"
            )
    surrogates = spent(100 if quick else 200, 20 if quick else 500, 999 if quick else 9999)
    progress(f"surrogates: {surrogates}")
    pair = one_pair(100 if quick else 500, 20 if quick else 500)
    progress(f"one pair: {pair}")
    result = {
        "bench": "fdr",
        "machine": machine.describe(1),
        "level": levels,
        "discoveries": found,
        "surrogates": surrogates,
        "one_pair": pair,
    }
    render.report(result, arguments.json)


if __name__ == "__main__":
    main()
