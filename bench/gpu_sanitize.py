"""Every kernel for GPUs once on small samples, for compute-sanitizer; needs NumPy alone.

    compute-sanitizer --tool racecheck --error-exitcode 9 python bench/gpu_sanitize.py

Sizes are not multiples of any tile. Exits 1 if a result differs from the CPU's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np

import fastmi
from fastmi import _backend, _cpu
from fastmi._blocks import DeviceArray
from fastmi._device import View

SCALES = [0.5, 1.0, 3.0]

# dims, algorithm, k, metric, dtype. They reach every kernel; k = 70 and 140 are longer than a queue
# and than a tile.
# Sorting in many dims takes thousands of launches, each of which the sanitizer slows down.
CASES = (
    ((1, 1), "brute", 5, "chebyshev", "float32"),
    ((1, 1), "tree", 5, "chebyshev", "float64"),
    ((2, 3), "brute", 70, "chebyshev", "float64"),
    ((2, 3), "brute", 5, "euclidean", "float32"),
    ((2, 3), "brute", 5, "euclidean", "float64"),
    ((2, 1), "tree", 5, "chebyshev", "float32"),
    ((2, 1), "tree", 20, "euclidean", "float32"),
    ((1, 2), "tree", 5, "euclidean", "float64"),
    ((17, 5), "brute", 5, "chebyshev", "float32"),
    ((17, 2), "brute", 140, "euclidean", "float32"),
)


def results(kernels, blocks, k: int, metric: str, algorithm: str) -> Iterator[tuple[str, tuple]]:
    """Everything that is the same integers or the same bits on every device."""
    ks = [1, k]
    distances, _ = kernels.kth_distance(blocks, ks, metric, algorithm, 1)
    yield "kth_distance", (distances,)
    yield "kneighbors", kernels.kneighbors(blocks, k, metric, algorithm, 1)[:2]
    for strict in (True, False):
        radius = np.ascontiguousarray(distances[-1])
        counts, _ = kernels.count_within(blocks[:1], radius, strict, metric, algorithm, 1)
        yield "count_within", (counts,)
        spaces = [[0], [1], [1, 0]]
        found = kernels.space_counts(blocks, ks, spaces, strict, metric, algorithm, 1)
        yield "space_counts", found[:2]
    for variant in (1, 2):
        yield "ksg", kernels.ksg(blocks, ks, variant, metric, algorithm, 1)[2:4]
    yield "ksg_sweep", kernels.ksg_sweep(*blocks, SCALES, ks, metric, 1)[2:4]


def batches(cuda, rng: np.random.Generator, n: int, dtype: str) -> int:
    """Return the number of batches whose means are not those of one call for each member."""
    x, y = (rng.standard_normal((n, 2)).astype(dtype) for _ in range(2))
    there = [DeviceArray(0, host=each) for each in (x, y)]
    # With more members than multiprocessors the kernels take their large tiles.
    number = fastmi.config()["cuda"]["devices"][0]["multiprocessors"] + 8
    orders = np.stack([rng.permutation(n) for _ in range(number)])
    pairs = np.array([[0, 1], [0, 3], [2, 1]])
    columns = np.hstack([x, y])
    given = iter([orders, None])
    surrogates, _ = cuda.ksg_surrogates(*there, [3], "chebyshev", "auto", lambda: next(given), 1)
    means = {
        "ksg_surrogates": (
            surrogates,
            [[x[order], y] for order in orders],
        ),
        "ksg_pairs": (
            cuda.ksg_pairs(there, pairs, [3], "auto", None, 1)[0].T,
            [[np.ascontiguousarray(columns[:, [j]]) for j in pair] for pair in pairs],
        ),
    }
    wrong = 0
    for what, (got, members) in means.items():
        expected = [_cpu.ksg(member, [3], 1, "chebyshev", "auto", 1)[0] for member in members]
        if not np.allclose(got, expected, rtol=1e-12):
            print(f"different: {what} {dtype}")
            wrong += 1
    return wrong


def flows(cuda, rng: np.random.Generator, n: int) -> int:
    """Return the number of passes through a flow, by either tile, that give no finite numbers."""
    wrong = 0
    small = (n, 5, (1, 7, 3, 1), n // 2, 3, (1, 4, 9))
    # This flow is wide enough for the large tiles of any GPU, and shallow enough to be over soon.
    large = (600, 8, (1, 512, 1), 300, 1, (1, 3))
    for shape, dtype in ((small, "float32"), (small, "float64"), (large, "float32")):
        rows, d, _, conditioned, d_y, _ = shape
        workspace, scratch, parameters = cuda.bnaf_sizes(shape, dtype, True, 0)

        def put(size: int, scale: float = 1.0, dtype: str = dtype):
            return cuda.Buffer((scale * rng.standard_normal(size)).astype(dtype), 0, 0)

        held = [put(rows * d), put(conditioned * d_y), put(parameters, 0.1)]
        network = tuple(buffer.pointer for buffer in held)
        out = [put(rows * d), put(rows * d), put(rows * d), put(conditioned * d_y), put(parameters)]
        f, log_slopes, x_gradient, y_gradient, gradients = (buffer.pointer for buffer in out)
        kept, own = put(workspace, np.nan), put(scratch, np.nan)
        cuda.bnaf_forward(shape, dtype, network, 0.01, True, kept.pointer, f, log_slopes, 0, 0)
        given = [put(rows * d), put(rows * d)]
        cuda.bnaf_backward(
            shape,
            dtype,
            network,
            0.01,
            kept.pointer,
            *(buffer.pointer for buffer in given),
            own.pointer,
            x_gradient,
            y_gradient,
            gradients,
            0,
            0,
        )
        itemsize = np.dtype(dtype).itemsize
        blocks = [
            View(b.pointer, (b.nbytes // itemsize, 1), None, np.dtype(dtype), 0, b, None)
            for b in out
        ]
        if any(cuda.first_unusable(DeviceArray(0, view=block)) >= 0 for block in blocks):
            print(f"not finite: flow {shape} {dtype}")
            wrong += 1
    return wrong


def one_pass(cuda, rng: np.random.Generator) -> int:
    """Return 1 if the counts differ where few neighbours of many samples are found in one pass."""
    arrays = [rng.standard_normal((16_500, d)).astype(np.float32) for d in (2, 1)]
    there = [DeviceArray(0, host=array) for array in arrays]
    expected = _cpu.ksg(arrays, [1], 1, "chebyshev", "auto", 1)[2]
    if np.array_equal(cuda.ksg(there, [1], 1, "chebyshev", "brute", 1)[2], expected):
        return 0
    print("different: ksg in one pass")
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=333, help="samples, above 140")
    arguments = parser.parse_args()
    if not fastmi.config()["cuda"]["available"]:
        print(f"no GPU: not checked ({fastmi.config()['cuda']['reason']})")
        return 77
    cuda = _backend.cuda_kernels()
    rng = np.random.default_rng(0)
    wrong = 0
    for dims, algorithm, k, metric, dtype in CASES:
        arrays = [rng.standard_normal((arguments.n, d)).astype(dtype) for d in dims]
        there = [DeviceArray(0, host=array) for array in arrays]
        on_cpu = results(_cpu, arrays, k, metric, "auto")
        on_gpu = results(cuda, there, k, metric, algorithm)
        for (what, expected), (_, got) in zip(on_cpu, on_gpu, strict=True):
            if not all(map(np.array_equal, got, expected)):
                print(f"different: {what} {dtype} {dims} {metric} {algorithm} k={k}")
                wrong += 1
    wrong += sum(batches(cuda, rng, arguments.n, dtype) for dtype in ("float32", "float64"))
    wrong += one_pass(cuda, rng)
    wrong += flows(cuda, rng, arguments.n)
    print(f"{wrong} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
