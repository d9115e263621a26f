"""Every pair of columns: fastmi.pairwise_mi beside one call per pair, its own and a rival's.

python bench/bench_pairwise.py --json bench/results/pairwise.json
"""

from __future__ import annotations

import argparse
import multiprocessing
from functools import partial

import machine
import numpy as np
import peers
import render
import tasks
from peers import _base
from peers.fastmi import Fastmi
from timing import format_seconds, interleave, progress, timed

import fastmi

K = 3
TABLE = ((20, 1000), (100, 2000), (1000, 1000))
QUICK_TABLE = ((6, 200),)
# Beyond this a call per pair takes minutes.
MOST_PAIRS_ONE_BY_ONE = 10_000


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "a small case, one turn each")
    parser.add_argument("--peers", nargs="*", default=["MILCA", "sklearn"], help="rivals")
    parser.add_argument("--budget", type=float, default=15.0, help="seconds of rounds per case")
    arguments = parser.parse_args(argv)

    cores = machine.cores()
    _base.THREADS = 1  # rivals get the cores as processes, one pair each at a time
    rivals = peers.rivals(arguments.peers)
    rows = []
    for columns, n in QUICK_TABLE if arguments.quick else TABLE:
        samples = sample(columns, n)
        pairs = np.column_stack(np.triu_indices(columns, 1))
        calls = {"pairwise_mi": partial(timed, partial(_at_once, samples))}
        pools = []
        if len(pairs) <= MOST_PAIRS_ONE_BY_ONE:
            own = partial(_one_by_one, Fastmi(n_jobs=1), samples, pairs)
            calls["fastmi.mi in a loop"] = partial(timed, own)
            for rival in rivals:
                # Forked before the calls, so that neither start nor copies are timed.
                pool = multiprocessing.get_context("fork").Pool(cores, _share, (rival, samples))
                pools.append(pool)
                calls[rival.name] = partial(timed, partial(_by_processes, pool, pairs, cores))
        timings = interleave(calls, budget=0.0 if arguments.quick else arguments.budget)
        for pool in pools:
            pool.terminate()
        for rival in rivals:
            if rival.name not in timings:
                continue
            gap = abs(timings[rival.name].value - timings["pairwise_mi"].value)
            if not gap <= rival.tolerance:
                raise SystemExit(f"{columns} x {n}: {rival.name} differs by {gap:.2g} nats")
        seconds = {name: timing.median for name, timing in timings.items()}
        rows.append({"columns": columns, "n": n, "pairs": len(pairs), "seconds": seconds})
        times = ", ".join(f"{name} {format_seconds(s)}" for name, s in seconds.items())
        progress(f"{columns} columns, n={n}: {times}")
    render.report(
        {"bench": "pairwise", "machine": machine.describe(), "rows": rows}, arguments.json
    )


def sample(columns: int, n: int) -> np.ndarray:
    """Return Gaussian columns that share a weak factor, shape (n, columns)."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, columns)) + 0.3 * rng.standard_normal((n, 1))


def _at_once(samples: np.ndarray) -> float:
    matrix = np.asarray(fastmi.pairwise_mi(samples, k=K))
    return float(np.mean(matrix[np.triu_indices_from(matrix, 1)]))


def _one_by_one(peer: _base.Peer, samples: np.ndarray, pairs: np.ndarray) -> float:
    """Return the mean over `pairs` of the estimates of a loop over them."""
    columns = [np.ascontiguousarray(column).reshape(-1, 1) for column in samples.T]
    return float(np.mean([peer.mi(columns[i], columns[j], K) for i, j in pairs]))


_shared: tuple[_base.Peer, np.ndarray]


def _share(peer: _base.Peer, samples: np.ndarray) -> None:
    global _shared  # noqa: PLW0603 - what one worker process holds
    _shared = (peer, samples)


def _part(pairs: np.ndarray) -> float:
    return _one_by_one(*_shared, pairs) * len(pairs)


def _by_processes(pool, pairs: np.ndarray, cores: int) -> float:
    parts = np.array_split(pairs, 4 * cores)
    return sum(pool.imap_unordered(_part, parts)) / len(pairs)


if __name__ == "__main__":
    main()
