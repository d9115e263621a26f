"""Named kinds of data that the kernels must handle, as functions (rng, n, d) -> (n, d) float64.

`draw` derives the seed from its arguments, so that a sample depends on nothing else, and casts to
the dtype.
"""

import zlib
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

# Sizes at and next to multiples of a tree leaf (64 samples) and of a vector (2 to 16 lanes).
EDGE_SIZES = (2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 200, 513, 1000)
# Sizes of one, two and four leaves, small enough to be combined with every other parameter.
SMALL_SIZES = (2, 9, 65, 200)


def gaussian(rng: Generator, n: int, d: int) -> np.ndarray:
    """Correlated columns without ties."""
    return rng.standard_normal((n, d)) + 0.5 * rng.standard_normal((n, 1))


def grid(rng: Generator, n: int, d: int) -> np.ndarray:
    """Small integers, so that most distances tie."""
    return rng.integers(-3, 4, (n, d)).astype(np.float64)


def duplicates(rng: Generator, n: int, d: int) -> np.ndarray:
    """Rows that occur several times, in random order, so that some distances are zero."""
    base = rng.standard_normal((max(1, n // 4), d))
    return base[rng.integers(0, len(base), n)]


def identical(rng: Generator, n: int, d: int) -> np.ndarray:
    """One point n times."""
    return np.repeat(rng.standard_normal((1, d)), n, axis=0)


def constant_column(rng: Generator, n: int, d: int) -> np.ndarray:
    """The first column is constant, the others are normal."""
    x = rng.standard_normal((n, d))
    x[:, 0] = 1.5
    return x


def cauchy(rng: Generator, n: int, d: int) -> np.ndarray:
    """Heavy tails."""
    return rng.standard_cauchy((n, d))


def lognormal(rng: Generator, n: int, d: int) -> np.ndarray:
    """Values over about 13 decades, dense near 0; the standard deviation of their log is 5."""
    return rng.lognormal(0.0, 5.0, (n, d))


def clusters(rng: Generator, n: int, d: int) -> np.ndarray:
    """Clusters far apart, whose widths differ by a factor of 1e6."""
    label = rng.integers(0, 3, n)
    width = np.array([1e-6, 1e-2, 1.0])[label]
    return 100.0 * label[:, None] + width[:, None] * rng.standard_normal((n, d))


def mixed(rng: Generator, n: int, d: int) -> np.ndarray:
    """The first column is a coin toss, the others are continuous."""
    x = rng.standard_normal((n, d))
    x[:, 0] = rng.integers(0, 2, n)
    return x


def sorted_line(rng: Generator, n: int, d: int) -> np.ndarray:
    """Columns sorted and equally spaced, so that the neighbours on both sides of a sample tie."""
    return np.repeat(np.arange(n, dtype=np.float64)[:, None], d, axis=1)


def offset(rng: Generator, n: int, d: int) -> np.ndarray:
    """Values far from the origin, so that v + r is rounded but |a - b| is not, even in float32."""
    return 1e7 + 8.0 * rng.standard_normal((n, d))


SAMPLES: dict[str, Callable[[Generator, int, int], np.ndarray]] = {
    f.__name__: f
    for f in (
        gaussian,
        grid,
        duplicates,
        identical,
        constant_column,
        cauchy,
        lognormal,
        clusters,
        mixed,
        sorted_line,
        offset,
    )
}

# Factors by dtype. With "subnormal" distances are below the smallest normal number, and would be
# lost if flushed to zero. The squares of "tiny" values vanish, those of "small" ones are subnormal,
# those of "huge" ones overflow.
SCALES = {
    "float64": {"subnormal": 1e-310, "tiny": 1e-300, "small": 1e-160, "huge": 1e300},
    "float32": {"subnormal": 1e-41, "tiny": 1e-36, "small": 1e-21, "huge": 1e36},
}


def draw(name: str, n: int, d: int, dtype: str, stream: int = 0) -> np.ndarray:
    """Return the sample `name` (n, d), C-contiguous, always the same for the same arguments."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), n, d, stream])
    return np.ascontiguousarray(SAMPLES[name](rng, n, d).astype(dtype))


def draw_blocks(name: str, n: int, dims: tuple[int, ...], dtype: str) -> list[np.ndarray]:
    """Return an independent block of kind `name` for each entry of `dims`."""
    return [draw(name, n, d, dtype, stream) for stream, d in enumerate(dims)]


def draw_scaled(scale: str, n: int, dims: tuple[int, ...], dtype: str) -> list[np.ndarray]:
    """Return Gaussian blocks times an extreme factor, clipped to the finite range."""
    largest = float(np.finfo(dtype).max)
    factor = SCALES[dtype][scale]
    blocks = [
        np.clip(b.astype(np.float64) * factor, -largest, largest)
        for b in draw_blocks("gaussian", n, dims, "float64")
    ]
    return [np.ascontiguousarray(b.astype(dtype)) for b in blocks]


# Numbers of columns per block: for the 1-D searches, for the tree, for brute force, unequal ones,
# and three blocks.
LAYOUTS = ((1,), (2,), (3,), (8,), (20,), (1, 1), (2, 2), (3, 1), (1, 5), (10, 10), (1, 2, 3))


# Largest number of neighbours that the sorted search keeps for two joint columns.
SORT_MAX_K = 64


def accepts(algorithm: str, dims: tuple[int, ...], k: int = 1) -> bool:
    """Return whether a k-th distance search by `algorithm` handles blocks of these dims.

    "sort" needs one column, or two blocks of one column each and k <= SORT_MAX_K. For counts,
    which have k = 0, it needs one column.
    """
    if algorithm != "sort":
        return True
    return dims == (1,) or (dims == (1, 1) and 1 <= k <= SORT_MAX_K)
