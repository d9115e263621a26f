"""Mutual information of every pair of columns."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import pair_cautions
from fastmi._backend import thread_count
from fastmi._blocks import DeviceArray, host, like, take_rows
from fastmi._cautions import Caution, say
from fastmi._checks import (
    Seed,
    as_k,
    check_integer,
    check_noise,
    check_search,
    generator,
)
from fastmi._columns import column_labels
from fastmi._docs import describes_options
from fastmi._estimate import with_cautions
from fastmi._extras import Progress, ProgressBar
from fastmi._tasks import MOST_TASKS, run, streams
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find
from fastmi.estimators._measure import (
    Measure,
    add_noise,
    as_ksg1,
    make_measure,
    read_samples,
    reads_on,
    values,
)
from fastmi.estimators._methods import listed
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.statistics._pairs import estimate_pairs, pairs_at_once
from fastmi.statistics.permutation import null_values, p_value

Matrix = NDArray[np.float64]
Settled: TypeAlias = tuple[list[NDArray[Any]], tuple[Caution, ...]]


@dataclass(frozen=True, kw_only=True)
class PairwiseMI:
    """Matrices with a row for each column of X and a column for each column of Y.

    They are data frames if X was one (pandas: labelled; polars: with the labels of the rows
    in a first column "column", or "column_" and so on if a column of Y has that name), else
    arrays. Without Y they are symmetric, and the diagonal is NaN, because a continuous variable has
    infinite information about itself.
    ``numpy.asarray(result)`` is the array of `mi`.

    Attributes:
        mi: Estimates in nats, not clipped.
        stderr: Standard errors in nats, see :class:`fastmi.Estimate`.
        p_value: P-values of the permutation test of each pair, not corrected for the number of
            pairs; None if no test was asked for.
        warnings: Reasons to distrust a pair, by the labels of its two columns (their numbers
            if X is an array, or a label repeats); pairs without any are left out. The call that
            made them issues one :class:`fastmi.EstimateWarning` for each kind, with the number of
            pairs.
        k: Number of neighbours; None where the method searches none.
        n: Number of samples.
        method: Name of the method.
        seconds: Wall time, shared by all k of one call.
    """

    mi: Any
    stderr: Any = field(repr=False)
    p_value: Any = field(repr=False)
    warnings: dict[tuple[Hashable, Hashable], tuple[Caution, ...]] = field(repr=False)
    k: int | None
    n: int
    method: str
    seconds: float
    _values: Matrix = field(repr=False)

    def __str__(self) -> str:
        of = "" if self.k is None else f", k={self.k}"
        head = f"{self.method} in nats{of}, n={self.n}"
        return "\n".join([head, str(self.mi), *summaries(self)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return `mi` as an array; NumPy calls this."""
        return np.array(self._values, dtype=dtype) if copy else np.asarray(self._values, dtype)


@overload
def pairwise_mi(
    X: object,
    Y: object = ...,
    *,
    k: int = ...,
    method: str = ...,
    n_permutations: int = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    device: str = ...,
    progress: Progress = ...,
    **options: Any,
) -> PairwiseMI: ...


@overload
def pairwise_mi(
    X: object,
    Y: object = ...,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str = ...,
    n_permutations: int = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    device: str = ...,
    progress: Progress = ...,
    **options: Any,
) -> list[PairwiseMI]: ...


@describes_options(method=listed("mi"))
def pairwise_mi(
    X: object,
    Y: object = None,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "ksg1",
    n_permutations: int = 0,
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    device: str = "auto",
    progress: Progress = False,
    **options: Any,
) -> PairwiseMI | list[PairwiseMI]:
    """Estimate the mutual information of every pair of columns, in nats.

    The value of a pair is that of :func:`fastmi.mi` for its two columns. Samples are checked and
    converted once, and a level of noise that is given is added once.

    Args:
        X: Samples, shape (n, dx), in an array or a data frame. Each column is a variable.
        Y: Samples, shape (n, dy); None for the pairs of columns of `X`.
        n_permutations: Number of shuffles per pair for the p-values; 0 for no p-values.
        n_jobs: Number of threads, which share the pairs; None or -1 as in :func:`fastmi.mi`.
            Networks are trained one after another, by as many threads as torch uses.
        seed: Seed of noise, shuffles and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        **options: Further options of the method.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range;
            fewer than two columns and no `Y`.
    """
    start = perf_counter()
    as_k(k)
    row = find(MI_METHODS, method)
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    shuffles = check_integer("n_permutations", n_permutations, 0, MOST_TASKS)
    rng = generator(seed)
    given = (X,) if Y is None else (X, Y)
    where, options = reads_on(device, row, options)
    measure = make_measure(pairwise_mi, row, k=k, options=options)
    blocks = read_samples(row, given, ("X", "Y")[: len(given)], where)
    if noise:
        blocks = add_noise(row, blocks, noise, rng)
    # What is left to each pair: no more noise, or what its ties need.
    noise = None if noise is None else 0.0
    shape = (blocks[0].shape[1], blocks[-1].shape[1])
    if Y is None and shape[0] < 2:
        raise ValueError("X must have at least two columns if there is no Y; got one")
    pairs = _pairs(shape, symmetric=Y is None)
    ksg = as_ksg1(row, k, options, noise=noise, seed=seed)
    on_gpu = isinstance(blocks[0], DeviceArray)
    # If there are fewer pairs than threads, several threads share the work of each pair.
    many = on_gpu or len(pairs) >= thread_count(n_jobs)
    if ksg is not None and not shuffles and many and pairs_at_once(ksg, blocks[0]):
        tables = _at_once(ksg, blocks, pairs, n_jobs=n_jobs, progress=progress)
    else:
        together = ksg if ksg is not None and ksg.normalize is None else None
        seeds = streams(rng, len(pairs))
        columns = [_columns(block) for block in blocks]
        # All estimates on a GPU share its stream, so that more threads would only take more memory.
        threads = 1 if on_gpu or row.trains else n_jobs

        def settle(blocks: list[NDArray[Any]], n_jobs: int) -> Settled:
            return measure.settle(blocks, noise=noise, seed=seed, rng=rng, n_jobs=n_jobs)

        tables = _one_by_one(
            measure, together, settle, columns, pairs, shuffles, seeds, threads, progress
        )
    seconds = perf_counter() - start
    labels = (_labels(X, shape[0]), _labels(X if Y is None else Y, shape[1]))
    keys = [_told_apart(own) for own in labels]
    ordered = pair_cautions(blocks, pairs) if shuffles else {}
    results = []
    for table in tables:
        mi, stderr, p_values = (
            _matrix(entries, pairs, shape, symmetric=Y is None)
            for entries in (table.values, table.stderr, table.p_values)
        )
        warned = {
            (keys[0][pairs[number, 0]], keys[1][pairs[number, 1]]): (
                *table.warnings.get(number, ()),
                *ordered.get(number, ()),
            )
            for number in sorted({*table.warnings, *ordered})
        }
        results.append(
            PairwiseMI(
                mi=_like(X, mi, labels),
                stderr=_like(X, stderr, labels),
                p_value=_like(X, p_values, labels) if shuffles else None,
                warnings=warned,
                k=table.k,
                n=len(blocks[0]),
                method=method,
                seconds=seconds,
                _values=mi,
            )
        )
    # All k of a call warn of much the same.
    say(caution for result in results for caution in summaries(result))
    return results[0] if isinstance(as_k(k), int) else results


def summaries(result: PairwiseMI) -> list[Caution]:
    """Return one caution or note for each kind, with its number of pairs and an example."""
    rows, columns = result._values.shape
    # Without Y the matrix holds each pair twice, and none on its diagonal.
    symmetric = rows == columns and bool(np.isnan(np.diag(result._values)).all())
    total = rows * (rows - 1) // 2 if symmetric else rows * columns
    pairs: dict[str, list[tuple[Hashable, Hashable]]] = {}
    examples: dict[str, Caution] = {}
    for pair, cautions in result.warnings.items():
        for caution in {each.kind: each for each in cautions}.values():
            pairs.setdefault(caution.kind, []).append(pair)
            examples.setdefault(caution.kind, caution)
    return [
        type(examples[kind])(
            f"{len(found)} of {total} pairs, for example {found[0][0]} and {found[0][1]}: "
            f"{examples[kind]}",
            kind,
        )
        for kind, found in pairs.items()
    ]


class _Table(NamedTuple):
    """What is kept of the estimates of all pairs for one k: nothing of length n.

    The arrays have shape (number of pairs,); warnings are listed by the number of the pair.
    """

    k: int | None
    values: Matrix
    stderr: Matrix
    p_values: Matrix
    warnings: dict[int, tuple[Caution, ...]]


def _pairs(shape: tuple[int, int], *, symmetric: bool) -> NDArray[np.int64]:
    """Return the row and the column in the matrix of every pair to estimate, shape (p, 2)."""
    if symmetric:
        return np.column_stack(np.triu_indices(shape[0], 1)).astype(np.int64, copy=False)
    rows, columns = np.indices(shape, dtype=np.int64)
    return np.column_stack([rows.ravel(), columns.ravel()])


def _at_once(
    ksg: KSG,
    blocks: list[NDArray[Any]],
    pairs: NDArray[np.int64],
    *,
    n_jobs: int | None,
    progress: Progress,
) -> list[_Table]:
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
        _Table(of_k.k, of_k.values, of_k.stderr, np.full(len(pairs), np.nan), of_k.warnings)
        for of_k in found
    ]


def _one_by_one(
    measure: Measure,
    ksg: KSG | None,
    settle: Callable[[list[NDArray[Any]], int], Settled],
    columns: list[list[NDArray[Any]]],
    pairs: NDArray[np.int64],
    shuffles: int,
    seeds: list[list[int]],
    n_jobs: int | None,
    progress: Progress,
) -> list[_Table]:
    """Estimate each pair by itself with any method, and its p-value if asked for.

    `settle` returns the columns of a pair with the noise that ties need, and cautions of them.
    `ksg` estimates all shuffles of a pair in one call; it is None where `measure` is not KSG
    algorithm 1 without normalisation.
    """

    def null(x: NDArray[Any], y: NDArray[Any], own: np.random.Generator, threads: int) -> Matrix:
        n = len(x)
        if ksg is not None:
            return null_values(ksg, [x, y], lambda _: own.permutation(n), shuffles, n_jobs=threads)
        shuffled = (take_rows(x, own.permutation(n)) for _ in range(shuffles))
        return np.array([values(measure((each, y), threads, own)) for each in shuffled])

    def pair(number: int, threads: int) -> list[_Cell]:
        i, j = pairs[number]
        (x, y), cautions = settle([columns[0][i], columns[-1][j]], threads)
        own = np.random.default_rng(seeds[number])
        estimates = [with_cautions(each, cautions) for each in measure((x, y), threads, own)]
        p_values = [np.nan] * len(estimates)
        if shuffles:
            shuffled = null(x, y, own, threads)
            p_values = [p_value(float(e), shuffled[:, at]) for at, e in enumerate(estimates)]
        return [
            _Cell(float(e), e.stderr, p, e.warnings, e.k)
            for e, p in zip(estimates, p_values, strict=True)
        ]

    found = run(pair, len(pairs), n_jobs=n_jobs, progress=progress, what="pairs")
    tables = []
    for cells in zip(*found, strict=True):
        mi, stderr, p_values = (np.array([cell[entry] for cell in cells]) for entry in range(3))
        warned = {number: cell.warnings for number, cell in enumerate(cells) if cell.warnings}
        tables.append(_Table(cells[0].k, mi, stderr, p_values, warned))
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


def _matrix(
    entries: Matrix, pairs: NDArray[np.int64], shape: tuple[int, int], *, symmetric: bool
) -> Matrix:
    matrix = np.full(shape, np.nan)
    rows, columns = pairs.T
    matrix[rows, columns] = entries
    if symmetric:
        matrix[columns, rows] = entries
    return matrix


def _labels(samples: Any, d: int) -> list[Hashable]:
    columns = column_labels(samples)
    if columns is not None:
        return columns
    name = getattr(samples, "name", None)
    return [name] if name is not None and d == 1 else list(range(d))


def _told_apart(labels: list[Hashable]) -> list[Hashable]:
    """Return the labels, or the numbers of the columns where a label repeats."""
    return labels if len(set(labels)) == len(labels) else list(range(len(labels)))


def _like(samples: Any, matrix: Matrix, labels: tuple[list[Hashable], list[Hashable]]) -> Any:
    """Return `matrix` as a data frame of the kind of `samples`, or as it is."""
    library = type(samples).__module__.partition(".")[0]
    if library not in {"pandas", "polars"}:
        return matrix
    frame = importlib.import_module(library).DataFrame
    if library == "pandas":
        return frame(matrix, index=labels[0], columns=labels[1])
    names = _told_apart([str(label) for label in labels[1]])
    named = {str(name): column for name, column in zip(names, matrix.T, strict=True)}
    of_rows = "column"
    while of_rows in named:
        of_rows += "_"
    return frame({of_rows: [str(label) for label in labels[0]], **named})
