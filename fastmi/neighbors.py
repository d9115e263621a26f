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
    reference="None, or other samples, with the blocks and columns of `x`, among which the "
    "neighbours are searched instead; a sample of `x` that is among them too is its own neighbour. "
    "Both are in host memory.",
)


@_describes_search
def kth_distance(
    x: object,
    k: int | Sequence[int] | NDArray[np.integer[Any]],
    *,
    reference: object = None,
    metric: str = "chebyshev",
    algorithm: str = "auto",
    n_jobs: int | None = None,
    device: str = "auto",
) -> NDArray[Any]:
    """Return the distance from each sample to its k-th nearest other sample.

    Args:
        x: Samples or a tuple of blocks, see the module.
        k: Number of neighbours in [1, n - 1], or a sequence of them; up to the number of samples of
            `reference` if there is one.

    Returns:
        Shape (n,), or (len(k), n) if `k` is a sequence; dtype of the samples.

    Raises:
        TypeError: Samples that are not real numbers; `k` or `n_jobs` of a wrong type.
        ValueError: Samples of wrong shape or not finite; `k` out of range; unknown names; a
            Euclidean distance above the largest number of the dtype.
    """
    check_search(metric, algorithm, n_jobs)
    checked_k = as_k(k)
    if reference is not None:
        ks = (checked_k,) if isinstance(checked_k, int) else checked_k
        found, _ = _among(x, reference, max(ks), metric, algorithm, n_jobs, device)
        apart = np.ascontiguousarray(found.T[[each - 1 for each in ks]])
        return apart[0] if isinstance(checked_k, int) else apart
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
    reference: object = None,
    metric: str = "chebyshev",
    algorithm: str = "auto",
    n_jobs: int | None = None,
    device: str = "auto",
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the k nearest other samples of each sample.

    Args:
        x: Samples or a tuple of blocks, see the module.
        k: Number of neighbours in [1, n - 1]; up to the number of samples of `reference` if there
            is one.

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
    if reference is not None:
        return _among(x, reference, checked_k, metric, algorithm, n_jobs, device)
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


def _among(
    x: object,
    reference: object,
    k: int,
    metric: str,
    algorithm: str,
    n_jobs: int | None,
    device: object,
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return distances to the nearest samples of `reference` and their row numbers."""
    as_device(device, without_gpu="a search in reference")
    if algorithm == "sort":
        raise ValueError("algorithm must be 'auto', 'tree' or 'brute' with a reference; got 'sort'")
    asking, known = _blocks(x, "host"), _blocks(reference, "host", "reference")
    if [b.shape[1] for b in asking] != [b.shape[1] for b in known]:
        raise ValueError(
            "reference must have the blocks and columns of x; got columns "
            f"{[b.shape[1] for b in known]} for {[b.shape[1] for b in asking]}"
        )
    if k > len(known[0]):
        raise ValueError(
            f"k must be at most the number of samples of reference; got k={k}, {len(known[0])} "
            "samples"
        )
    if asking[0].dtype != known[0].dtype:
        asking, known = ([b.astype(np.float64) for b in blocks] for blocks in (asking, known))
    distances, indices, _ = knn.kneighbors_among(
        asking, known, k, metric=metric, algorithm=algorithm, n_jobs=n_jobs
    )
    _check_held(distances)
    return distances, indices


def _check_held(distances: NDArray[Any]) -> None:
    """Raise ValueError where a Euclidean distance exceeds the largest number of the dtype."""
    beyond = int(np.count_nonzero(np.isinf(distances)))
    if beyond:
        raise ValueError(
            f"x must have Euclidean distances of at most {np.finfo(distances.dtype).max:.3g}, the "
            f"largest {distances.dtype}; got {beyond} beyond that: divide x by 2 for every factor "
            "of 4 in its number of columns, or use metric='chebyshev'"
        )


def _blocks(x: object, device: object, name: str = "x") -> list[NDArray[Any]]:
    where = "host" if device == "host" else as_device(device)
    if not isinstance(x, tuple):
        return as_blocks((x,), (name,), where)
    if not x:
        raise ValueError(f"{name} must have at least one block; got an empty tuple")
    return as_blocks(x, [f"{name}[{b}]" for b in range(len(x))], where)
