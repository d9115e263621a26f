"""Mutual information of many pairs of columns by one named method, each as by fastmi.mi."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import thread_count
from fastmi._blocks import DeviceArray, host, like, take_rows
from fastmi._cautions import Caution
from fastmi._checks import Seed
from fastmi._estimate import with_cautions
from fastmi._extras import Progress, ProgressBar
from fastmi._tasks import run, streams
from fastmi.estimators import Method
from fastmi.estimators._measure import Measure, as_ksg1, values
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.statistics._pairs import estimate_pairs, pairs_at_once
from fastmi.statistics._stopping import draw_until
from fastmi.statistics.permutation import null_values

Matrix: TypeAlias = NDArray[np.float64]
Settled: TypeAlias = tuple[list[NDArray[Any]], tuple[Caution, ...]]


class NamedTable(NamedTuple):
    """What is kept of the estimates of all pairs for one k: nothing of length n.

    The arrays have shape (number of pairs,); warnings are listed by the number of the pair.
    """

    k: int | None
    values: Matrix
    stderr: Matrix
    p_values: Matrix
    warnings: dict[int, tuple[Caution, ...]]


def estimate_named(
    measure: Measure,
    blocks: list[NDArray[Any]],
    pairs: NDArray[np.int64],
    *,
    k: Any,
    options: dict[str, Any],
    shuffles: int,
    stop_at: int,
    noise: float | None,
    seed: Seed | None,
    rng: np.random.Generator,
    n_jobs: int | None,
    progress: Progress,
) -> list[NamedTable]:
    """Return the estimates of all pairs for each k.

    Args:
        measure: The estimate of one pair.
        blocks: One or two blocks of columns, with the noise that was asked for.
        pairs: Positions of x in the first block and of y in the last, shape (p, 2).
        k: Number of neighbours, or several.
        options: Further options of the method.
        shuffles: Largest number of shuffles per pair for the p-values.
        stop_at: Number of shuffles at or above the estimate that end a test; 0 makes all shuffles.
        noise: Noise that is left to each pair: 0.0 for none, None for what its ties need.
        seed: Seed that the user gave.
        rng: Its generator.
        n_jobs: Number of threads.
        progress: As in :func:`fastmi.pairwise_mi`.
    """
    row: Method = measure.method
    ksg = as_ksg1(row, k, options, noise=noise, seed=seed)
    on_gpu = isinstance(blocks[0], DeviceArray)
    # If there are fewer pairs than threads, several threads share the work of each pair.
    many = on_gpu or len(pairs) >= thread_count(n_jobs)
    if ksg is not None and not shuffles and many and pairs_at_once(ksg, blocks[0]):
        return _at_once(ksg, blocks, pairs, n_jobs=n_jobs, progress=progress)
    together = ksg if ksg is not None and ksg.normalize is None else None
    seeds = streams(rng, len(pairs))
    columns = [_columns(block) for block in blocks]
    # All estimates on a GPU share its stream, so that more threads would only take more memory.
    threads = 1 if on_gpu or row.trains else n_jobs

    def settle(blocks: list[NDArray[Any]], n_jobs: int) -> Settled:
        return measure.settle(blocks, noise=noise, seed=seed, rng=rng, n_jobs=n_jobs)

    return _one_by_one(
        measure, together, settle, columns, pairs, shuffles, stop_at, seeds, threads, progress
    )


def _at_once(
    ksg: KSG,
    blocks: list[NDArray[Any]],
    pairs: NDArray[np.int64],
    *,
    n_jobs: int | None,
    progress: Progress,
) -> list[NamedTable]:
    """Estimate all pairs in one call of the kernel."""
    # Columns of Y follow those of X.
    first = [0, 0 if len(blocks) == 1 else blocks[0].shape[1]]
    with ProgressBar(progress, len(pairs), "pairs") as bar:
        seen = 0

        def report(done: int) -> None:
            nonlocal seen
            for _ in range(done - seen):
                bar.advance()
            seen = done

        found = estimate_pairs(
            ksg, blocks, pairs + first, n_jobs=n_jobs, report=report if progress else None
        )
        report(len(pairs))
    return [
        NamedTable(of_k.k, of_k.values, of_k.stderr, np.full(len(pairs), np.nan), of_k.warnings)
        for of_k in found
    ]


def _one_by_one(
    measure: Measure,
    ksg: KSG | None,
    settle: Callable[[list[NDArray[Any]], int], Settled],
    columns: list[list[NDArray[Any]]],
    pairs: NDArray[np.int64],
    shuffles: int,
    stop_at: int,
    seeds: list[list[int]],
    n_jobs: int | None,
    progress: Progress,
) -> list[NamedTable]:
    """Estimate each pair by itself with any method, and its p-value if asked for.

    `settle` returns the columns of a pair with the noise that ties need, and cautions of them.
    `ksg` estimates all shuffles of a pair in one call; it is None where `measure` is not KSG
    algorithm 1 without normalisation.
    """

    def draw(
        x: NDArray[Any], y: NDArray[Any], own: np.random.Generator, threads: int, count: int
    ) -> Matrix:
        n = len(x)
        if ksg is not None:
            return null_values(ksg, [x, y], lambda _: own.permutation(n), count, n_jobs=threads)
        shuffled = (take_rows(x, own.permutation(n)) for _ in range(count))
        return np.array([values(measure((each, y), threads, own)) for each in shuffled])

    def pair(number: int, threads: int) -> list[_Cell]:
        i, j = pairs[number]
        (x, y), cautions = settle([columns[0][i], columns[-1][j]], threads)
        own = np.random.default_rng(seeds[number])
        estimates = [with_cautions(each, cautions) for each in measure((x, y), threads, own)]
        p_values = [np.nan] * len(estimates)
        if shuffles:
            _, found = draw_until(
                values(estimates),
                lambda begin, end: draw(x, y, own, threads, end - begin),
                shuffles,
                stop_at,
            )
            p_values = found.p_value
        return [
            _Cell(float(e), e.stderr, p, e.warnings, e.k)
            for e, p in zip(estimates, p_values, strict=True)
        ]

    found = run(pair, len(pairs), n_jobs=n_jobs, progress=progress, what="pairs")
    tables = []
    for cells in zip(*found, strict=True):
        mi, stderr, p_values = (np.array([cell[entry] for cell in cells]) for entry in range(3))
        warned = {number: cell.warnings for number, cell in enumerate(cells) if cell.warnings}
        tables.append(NamedTable(cells[0].k, mi, stderr, p_values, warned))
    return tables


class _Cell(NamedTuple):
    """What is kept of the estimate of one pair."""

    mi: float
    stderr: float
    p_value: float
    warnings: tuple[Caution, ...]
    k: int | None


def _columns(block: NDArray[Any]) -> list[NDArray[Any]]:
    rows = np.ascontiguousarray(host(block).T)
    return [like(block, row.reshape(-1, 1)) for row in rows]
