"""How many false links does a network of simulated series have, and how many of the true ones?

Made-up networks with known links: linear and slow autoregressive series, chaotic maps, and series
without any link. Beside transfer entropy stands Granger causality of statsmodels, where that is
installed: the F test of each pair, and of each pair in the model of all series, both with
Benjamini-Hochberg over the pairs. A found link is false where neither a path leads from its source
to its target nor a common driver to both, and for the methods that are given all other series also
where the path has other series on it. Every row is added to the JSON file once it is measured, and
rows that are in the file are not measured again.

    python bench/bench_networks.py --json bench/results/networks.json
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import machine
import numpy as np
import render
import tasks
from timing import progress

import fastmi
from fastmi.statistics.multiple import q_values

ALPHA = 0.05
LAGS = 2
Links = list[tuple[int, int, int]]
SPIN_UP = 300


class System(NamedTuple):
    """Coupled series.

    Attributes:
        step: Function of the history (newest last), the links, the noise of the step: next values.
        links: Source, target and lag of each link.
        nodes: Number of series.
    """

    step: Callable[[np.ndarray, Links, np.ndarray], np.ndarray]
    links: Links
    nodes: int


def autoregressive(own: float, coupling: float) -> Callable[..., np.ndarray]:
    """Return the step of a linear system with Gaussian noise."""

    def step(past: np.ndarray, links: Links, noise: np.ndarray) -> np.ndarray:
        new = own * past[-1] + noise
        for source, target, lag in links:
            new[target] += coupling * past[-lag, source]
        return new

    return step


def logistic(coupling: float) -> Callable[..., np.ndarray]:
    """Return the step of coupled logistic maps, x -> 3.9 x (1 - x), without noise."""

    def step(past: np.ndarray, links: Links, _: np.ndarray) -> np.ndarray:
        mixed = past[-1].copy()
        for source, target, lag in links:
            mixed[target] += coupling * (past[-lag, source] - past[-1, target])
        return 3.9 * mixed * (1.0 - mixed)

    return step


def henon(coupling: float) -> Callable[..., np.ndarray]:
    """Return the step of coupled Henon maps, x -> 1.4 - x^2 + 0.3 x_{t-2}."""

    def step(past: np.ndarray, links: Links, _: np.ndarray) -> np.ndarray:
        squares = past[-1] ** 2
        for source, target, lag in links:
            driven = past[-lag, source] * past[-1, target]
            squares[target] += coupling * (driven - past[-1, target] ** 2)
        return 1.4 - squares + 0.3 * past[-2]

    return step


# A chain, a fork (0 drives 3 and 4), and a node without links.
SIX: Links = [(0, 1, 1), (1, 2, 2), (0, 3, 1), (0, 4, 2)]
CHAIN: Links = [(0, 1, 1), (1, 2, 1), (2, 3, 1)]
SYSTEMS = {
    "AR(.5)": System(autoregressive(0.5, 0.3), SIX, 6),
    "AR(.9)": System(autoregressive(0.9, 0.3), SIX, 6),
    "logistic maps": System(logistic(0.2), CHAIN, 5),
    "Henon maps": System(henon(0.3), CHAIN, 5),
    "AR(.5), no links": System(autoregressive(0.5, 0.0), [], 6),
    "AR(.9), no links": System(autoregressive(0.9, 0.0), [], 6),
}
QUICK = ("AR(.5)", "AR(.9), no links")


def simulate(system: System, rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n rows of the series, after they have forgotten their start."""
    series = rng.uniform(0.1, 0.6, (n + SPIN_UP, system.nodes))
    noise = rng.standard_normal(series.shape)
    for t in range(LAGS, len(series)):
        series[t] = system.step(series[t - LAGS : t], system.links, noise[t])
    if not np.isfinite(series).all():
        raise RuntimeError("the simulated series have run away")
    return series[SPIN_UP:]


def _network(condition: str, method: str) -> Callable[[np.ndarray, int], np.ndarray]:
    def find(series: np.ndarray, seed: int) -> np.ndarray:
        network = fastmi.transfer_entropy_network(
            series, LAGS, condition=condition, method=method, seed=seed, n_jobs=1
        )
        found: np.ndarray = network.q_value <= ALPHA
        return found

    return find


def _granger_of_pairs(series: np.ndarray, _: int) -> np.ndarray:
    from statsmodels.tsa.stattools import grangercausalitytests

    m = series.shape[1]
    p = np.full((m, m), np.nan)
    for i in range(m):
        for j in range(m):
            if i != j:
                pair = np.ascontiguousarray(series[:, [j, i]])
                p[i, j] = grangercausalitytests(pair, [LAGS])[LAGS][0]["ssr_ftest"][1]
    found: np.ndarray = q_values(p) <= ALPHA
    return found


def _granger_of_all(series: np.ndarray, _: int) -> np.ndarray:
    from statsmodels.tsa.api import VAR

    m = series.shape[1]
    model = VAR(series).fit(LAGS)
    p = np.full((m, m), np.nan)
    for i in range(m):
        for j in range(m):
            if i != j:
                p[i, j] = model.test_causality(j, i, kind="f").pvalue
    found: np.ndarray = q_values(p) <= ALPHA
    return found


METHODS: dict[str, tuple[Callable[[np.ndarray, int], np.ndarray], bool]] = {
    "fastmi fp": (_network("none", "fp"), False),
    "fastmi gaussian": (_network("none", "gaussian"), False),
    "fastmi gaussian, all": (_network("all", "gaussian"), True),
    "fastmi fp, all": (_network("all", "fp"), True),
    "Granger": (_granger_of_pairs, False),
    "Granger, all": (_granger_of_all, True),
}


def related(system: System, direct: bool) -> np.ndarray:
    """Return which ordered pairs are no false links."""
    linked = np.zeros((system.nodes, system.nodes), dtype=bool)
    for source, target, _ in system.links:
        linked[source, target] = True
    if direct:
        return linked
    reach = linked | np.eye(system.nodes, dtype=bool)
    for _ in range(system.nodes):
        reach = reach | (reach.astype(int) @ reach.astype(int) > 0)
    # A common driver, which may be the source itself. It raises a pair in both directions.
    shared = (reach[:, :, np.newaxis] & reach[:, np.newaxis, :]).any(axis=0)
    return shared & ~np.eye(system.nodes, dtype=bool)


def measure(name: str, method: str, n: int, runs: int) -> dict[str, Any]:
    """Return the shares of false and of true links, and the seconds of one network."""
    system = SYSTEMS[name]
    find, direct = METHODS[method]
    true, allowed = related(system, True), related(system, direct)
    shares, any_false, found_true, seconds = [], 0, [], []
    for run in range(runs):
        rng = np.random.default_rng([zlib.crc32(name.encode()), n, run])
        series = simulate(system, rng, n)
        begin = time.perf_counter()
        found = find(series, run)
        seconds.append(time.perf_counter() - begin)
        false = int((found & ~allowed).sum())
        shares.append(false / max(int(found.sum()), 1))
        any_false += false > 0
        if true.any():
            found_true.append(float((found & true).sum() / true.sum()))
    return {
        "system": name,
        "method": method,
        "n": n,
        "runs": runs,
        "false_share": float(np.mean(shares)),
        "any_false": any_false / runs,
        "true_share": float(np.mean(found_true)) if found_true else None,
        "seconds": float(np.median(seconds)),
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="40, or 3 with --quick")
    parser.add_argument("--sizes", type=int, nargs="*", help="500 and 1000, or 500 with --quick")
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), help="all if none")
    tasks.add_arguments(parser, "two systems, few runs")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    runs = arguments.runs or (3 if arguments.quick else 40)
    sizes = arguments.sizes or ((500,) if arguments.quick else (500, 1000))
    methods = [
        method
        for method in arguments.methods or METHODS
        if not method.startswith("Granger") or importlib.util.find_spec("statsmodels")
    ]
    rows: dict[tuple[str, str, int], dict[str, Any]] = {}
    if arguments.json and Path(arguments.json).exists():
        before = json.loads(Path(arguments.json).read_text())["rows"]
        rows = {(row["system"], row["method"], row["n"]): row for row in before}
    for n in sizes:
        for name in QUICK if arguments.quick else SYSTEMS:
            for method in methods:
                if rows.get((name, method, n), {"runs": 0})["runs"] >= runs:
                    continue
                row = measure(name, method, n, runs)
                rows[name, method, n] = row
                progress(
                    f"{name:18} {method:20} n={n}: false {row['false_share']:.3f}, any "
                    f"{row['any_false']:.2f}, true {row['true_share']}, {row['seconds']:.1f} s"
                )
                if arguments.json:
                    _write(rows, arguments.json)
    render.report(_result(rows), None)


def _result(rows: dict[tuple[str, str, int], dict[str, Any]]) -> dict[str, Any]:
    return {"bench": "networks", "machine": machine.describe(1), "rows": list(rows.values())}


def _write(rows: dict[tuple[str, str, int], dict[str, Any]], out: str) -> None:
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(json.dumps(_result(rows), indent=1) + "\n")


if __name__ == "__main__":
    main()
