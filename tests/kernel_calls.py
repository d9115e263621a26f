"""Calls of the compiled module that together reach every kernel of the CPU, for tests of faults.

A call takes the blocks and a number of threads and returns arrays: counts and numbers of samples as
int64, everything else as floats.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fastmi import _cpu

Arrays = tuple[np.ndarray, ...]


class KernelCall(NamedTuple):
    """One call: the dims of its blocks, the share of the usual n, and what it does with them."""

    dims: tuple[int, ...]
    share: float
    run: Callable[[Sequence[np.ndarray], int], Arrays]

    def blocks(self, n: int, dtype: str = "float64", seed: int = 0) -> list[np.ndarray]:
        """Return correlated normal samples."""
        rng = np.random.default_rng(seed)
        rows = int(n * self.share)
        shared = rng.standard_normal((rows, 1))
        return [(shared + rng.standard_normal((rows, d))).astype(dtype) for d in self.dims]


def _kth(metric: str, algorithm: str):
    return lambda b, threads: _cpu.kth_distance(b, [1, 4], metric, algorithm, threads)[:1]


def _neighbours(metric: str, algorithm: str):
    return lambda b, threads: _cpu.kneighbors(b, 5, metric, algorithm, threads)[:2]


def _among(metric: str, algorithm: str):
    return lambda b, threads: _cpu.kneighbors_among(
        b, len(b[0]) // 3, 5, metric, algorithm, threads
    )[:2]


def _count(metric: str, algorithm: str, strict: bool):
    def run(b, threads):
        radius = np.ones(len(b[0]), b[0].dtype)
        return _cpu.count_within(b, radius, strict, metric, algorithm, threads)[:1]

    return run


def _ksg(variant: int, metric: str, algorithm: str):
    return lambda b, threads: _cpu.ksg(b, [3, 5], variant, metric, algorithm, threads)[:5]


def _sweep(metric: str):
    return lambda b, threads: _cpu.ksg_sweep(*b, [0.3, 1.0, 3.0], [2, 4], metric, threads)[:5]


def _pairs(b, threads):
    pairs = np.array([[i, j] for j in range(b[0].shape[1]) for i in range(j)])
    return _cpu.ksg_pairs(b, pairs, [3], "auto", None, threads)[:4]


def _surrogates(b, threads):
    rng = np.random.default_rng(0)
    orders = iter([np.stack([rng.permutation(len(b[0])) for _ in range(8)]), None])
    return _cpu.ksg_surrogates(*b, [3], "chebyshev", "auto", lambda: next(orders), threads)[:1]


def _theiler(metric: str, closed: bool):
    return lambda b, threads: _cpu.theiler_counts(
        b, [2, 4], 3, closed, [[0], [0, 1]], metric, threads
    )[:2]


def _space_counts(b, threads):
    return _cpu.space_counts(b, [3], [[0], [1, 2]], False, "chebyshev", "auto", threads)[:2]


def _rectangles(metric: str):
    return lambda b, threads: _cpu.rectangle_counts(
        b, [2, 4], [[0, 1], [1]], metric, "auto", threads
    )[:2]


def _exchanged(b, threads):
    rng = np.random.default_rng(0)
    orders = np.stack([rng.permutation(len(b[0])) for _ in range(8)])
    return (_cpu.exchanged_counts(b, [2, 6], orders, threads),)


def _flow(b, threads):
    x = b[0]
    widths = [1, 4, 1]
    size = sum(a * b_ * d * (d + 1) // 2 for a, b_, d in ((4, 1, 2), (1, 4, 2))) + 2 * (4 + 1)
    parameters = np.linspace(-1, 1, size, dtype=x.dtype)
    done = _cpu.bnaf_forward(x, parameters, widths, None, 0, [], 0.1, True, threads)
    ones = np.ones_like(x)
    return (done.f, done.log_slopes, *done.backward(ones, ones, True, False, threads)[::2])


def _looks(b, threads):
    del threads  # these run on the calling thread
    flags = np.array(_cpu.coincidences(b), dtype=float)
    return flags, np.array([float(_cpu.first_unusable(block)) for block in b])


CALLS: dict[str, KernelCall] = {
    "kth_sorted": KernelCall((1,), 10, _kth("chebyshev", "sort")),
    "kth_strips": KernelCall((1, 1), 5, _kth("chebyshev", "sort")),
    "kth_tree": KernelCall((2, 1), 1, _kth("chebyshev", "tree")),
    "kth_bytes": KernelCall((6,), 1, _kth("chebyshev", "auto")),
    "kth_rows": KernelCall((9, 9), 1, _kth("chebyshev", "brute")),
    "kth_euclidean": KernelCall((3, 2), 1, _kth("euclidean", "tree")),
    "kneighbors_tree": KernelCall((2, 1), 1, _neighbours("chebyshev", "tree")),
    "kneighbors_brute": KernelCall((14,), 1, _neighbours("chebyshev", "brute")),
    "kneighbors_euclidean": KernelCall((3,), 1, _neighbours("euclidean", "auto")),
    "among_tree": KernelCall((2, 1), 1, _among("chebyshev", "tree")),
    "among_bytes": KernelCall((14,), 1, _among("chebyshev", "brute")),
    "among_euclidean": KernelCall((3,), 1, _among("euclidean", "auto")),
    "count_sorted": KernelCall((1,), 10, _count("chebyshev", "sort", True)),
    "count_tree": KernelCall((3,), 1, _count("chebyshev", "tree", True)),
    "count_closed": KernelCall((8, 6), 1, _count("chebyshev", "brute", False)),
    "count_euclidean": KernelCall((2, 2), 1, _count("euclidean", "tree", False)),
    "space_counts": KernelCall((2, 1, 2), 1, _space_counts),
    "ksg_columns": KernelCall((1, 1), 5, _ksg(1, "chebyshev", "auto")),
    "ksg_squares": KernelCall((3, 3), 1, _ksg(1, "chebyshev", "auto")),
    "ksg_rectangles": KernelCall((2, 2), 1, _ksg(2, "chebyshev", "auto")),
    "ksg_three": KernelCall((7, 1, 7), 1, _ksg(2, "euclidean", "auto")),
    "sweep_strips": KernelCall((1, 1), 2, _sweep("chebyshev")),
    "sweep_rows": KernelCall((2, 2), 0.6, _sweep("chebyshev")),
    "sweep_steps": KernelCall((8, 8), 0.6, _sweep("chebyshev")),
    "sweep_euclidean": KernelCall((3, 3), 0.6, _sweep("euclidean")),
    "pairs": KernelCall((5,), 2, _pairs),
    "surrogates_columns": KernelCall((1, 1), 1, _surrogates),
    "surrogates": KernelCall((2, 2), 0.6, _surrogates),
    "theiler": KernelCall((2, 1), 0.6, _theiler("chebyshev", False)),
    "theiler_closed": KernelCall((2, 3), 0.6, _theiler("euclidean", True)),
    "rectangles": KernelCall((2, 2), 0.6, _rectangles("chebyshev")),
    "rectangles_euclidean": KernelCall((2, 3), 0.6, _rectangles("euclidean")),
    "exchanged": KernelCall((2, 1, 2), 0.6, _exchanged),
    "flow": KernelCall((2,), 1, _flow),
    "looks": KernelCall((2, 1), 1, _looks),
}


def garbage(block: np.ndarray) -> Iterator[np.ndarray]:
    """Yield arrays like `block` of values that another thread might write into it."""
    rng = np.random.default_rng(1)
    dtype, shape = block.dtype, block.shape
    large = np.finfo(dtype).max / 4
    rare = rng.random(shape) < 0.02
    for value in (np.nan, np.inf, -np.inf):
        yield np.full(shape, value, dtype)
        yield np.where(rare, value, block).astype(dtype)
        yield np.where(rare, block, value).astype(dtype)
    yield np.zeros(shape, dtype)
    yield rng.standard_normal(shape).astype(dtype)
    yield (rng.uniform(-1, 1, shape) * large).astype(dtype)
    odd = [np.nan, np.inf, -np.inf, 0.0, 1.0, large, -large, np.finfo(dtype).tiny]
    yield rng.choice(odd, shape).astype(dtype)


def out_of_range(results: Arrays, n: int) -> list[str]:
    """Say which results, counts per sample or numbers of samples, do not lie in [0, n)."""
    found = []
    for values in results:
        # Sums of counts and the like have no axis of samples.
        if values.dtype == np.int64 and n in values.shape:
            low, high = values.min(), values.max()
            if low < 0 or high >= n:
                found.append(f"[{low}, {high}] is not within [0, {n})")
    return found
