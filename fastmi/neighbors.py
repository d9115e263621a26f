"""Nearest-neighbour primitives, exact in the dtype given.

In every function `x` is one array of samples, shape (n, d) or (n,), or a tuple of such arrays: the
blocks of a joint space, in which the distance is the largest of the distances inside the blocks. A
sample is never its own neighbour. Results are NumPy arrays wherever the samples are, and have the
same bits for every `algorithm`, SIMD level and number of threads. Euclidean coordinates are scaled
by a power of two while squares are summed, so that they stay in range: gaps down to 2e-37 sqrt(d)
(float32) or 4e-307 sqrt(d) (float64) times the range of the widest of all d columns keep their
digits. A distance that exceeds the largest number of the dtype is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import as_k, check_search, k_list
from fastmi._device import as_device
from fastmi._docs import describes_options
from fastmi._inputs import as_blocks, as_integers, as_radius
from fastmi.ops import count, knn
from fastmi.ops.digamma import digamma as _digamma

__all__ = ["count_within", "digamma", "kneighbors", "kth_distance"]

_describes_search = describes_options(
    metric='Distance inside each block, "chebyshev" or "euclidean"; across blocks it is the '
    "maximum.",
    algorithm='Neighbour search: "auto", "tree", "brute", or "sort" for one or two blocks of one '
    "column. The results are the same, the time differs.",
)


@_describes_search
def kth_distance(
    x: object,
    k: int | Sequence[int] | NDArray[np.integer[Any]],
    *,
    metric: str = "chebyshev",
    algorithm: str = "auto",
    n_jobs: int | None = None,
    device: str = "auto",
) -> NDArray[Any]:
    """Return the distance from each sample to its k-th nearest other sample.

    Args:
        x: Samples or a tuple of blocks, see the module.
        k: Number of neighbours in [1, n - 1], or a sequence of them.

    Returns:
        Shape (n,), or (len(k), n) if `k` is a sequence; dtype of the samples.

    Raises:
        TypeError: Samples that are not real numbers; `k` or `n_jobs` of a wrong type.
        ValueError: Samples of wrong shape or not finite; `k` out of range; unknown names; a
            Euclidean distance above the largest number of the dtype.
    """
    check_search(metric, algorithm, n_jobs)
    checked_k = as_k(k)
    blocks = _blocks(x, device)
    ks = k_list(checked_k, len(blocks[0]))
    distances, _ = knn.kth_distance(blocks, ks, metric=metric, algorithm=algorithm, n_jobs=n_jobs)
    _check_held(distances)
    return distances[0] if isinstance(checked_k, int) else distances


@_describes_search
def kneighbors(
    x: object,
    k: int,
    *,
    metric: str = "chebyshev",
    algorithm: str = "auto",
    n_jobs: int | None = None,
    device: str = "auto",
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the k nearest other samples of each sample.

    Args:
        x: Samples or a tuple of blocks, see the module.
        k: Number of neighbours in [1, n - 1].

    Returns:
        Distances (dtype of the samples) and row numbers (int64), both of shape (n, k),
        nearest first; at equal distance the smaller row number first. Euclidean neighbours
        are ordered by their squared distance, which tells apart some that the root does not.

    Raises:
        TypeError: Samples that are not real numbers; `k` or `n_jobs` of a wrong type.
        ValueError: Samples of wrong shape or not finite; `k` out of range; unknown names; a
            Euclidean distance above the largest number of the dtype.
    """
    check_search(metric, algorithm, n_jobs)
    checked_k = as_k(k)
    if not isinstance(checked_k, int):
        raise TypeError(f"k must be one integer; got k={checked_k}")
    blocks = _blocks(x, device)
    k_list(checked_k, len(blocks[0]))
    distances, indices, _ = knn.kneighbors(
        blocks, checked_k, metric=metric, algorithm=algorithm, n_jobs=n_jobs
    )
    _check_held(distances)
    return distances, indices


@_describes_search
def count_within(
    x: object,
    radius: object,
    *,
    strict: bool = True,
    metric: str = "chebyshev",
    algorithm: str = "auto",
    n_jobs: int | None = None,
    device: str = "auto",
) -> NDArray[np.int64]:
    """Return the number of other samples within a radius of each sample.

    Args:
        x: Samples or a tuple of blocks, see the module.
        radius: One number, or shape (n,). A float64 radius against float32 samples is
            compared as it stands, not rounded first.
        strict: True counts the samples with D < radius, False those with D <= radius.

    Returns:
        int64, shape (n,).

    Raises:
        TypeError: Samples or radius that are not real numbers; `n_jobs` of a wrong type.
        ValueError: Samples of wrong shape or not finite; a radius of wrong shape, negative
            or NaN; unknown names.
    """
    check_search(metric, algorithm, n_jobs)
    blocks = _blocks(x, device)
    radii = as_radius(radius, len(blocks[0]), blocks[0].dtype, strict=bool(strict))
    return count.count_within(
        blocks, radii, strict=bool(strict), metric=metric, algorithm=algorithm, n_jobs=n_jobs
    ).counts


def digamma(n: object) -> NDArray[np.float64]:
    """Return psi(n) for integers n >= 1, in the shape of `n`.

    Args:
        n: Integers, in an array of any shape.

    Raises:
        TypeError: Not integers.
        ValueError: Smaller than 1.
    """
    return _digamma(as_integers(n))


def _check_held(distances: NDArray[Any]) -> None:
    """Raise ValueError where a Euclidean distance exceeds the largest number of the dtype."""
    beyond = int(np.count_nonzero(np.isinf(distances)))
    if beyond:
        raise ValueError(
            f"x must have Euclidean distances of at most {np.finfo(distances.dtype).max:.3g}, the "
            f"largest {distances.dtype}; got {beyond} beyond that: divide x by 2 for every factor "
            "of 4 in its number of columns, or use metric='chebyshev'"
        )


def _blocks(x: object, device: object) -> list[NDArray[Any]]:
    where = as_device(device)
    if not isinstance(x, tuple):
        return as_blocks((x,), ("x",), where)
    if not x:
        raise ValueError("x must have at least one block; got an empty tuple")
    return as_blocks(x, [f"x[{b}]" for b in range(len(x))], where)
