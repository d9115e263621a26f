"""Values of many surrogates of a conditional test, from a few calls of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import DeviceArray
from fastmi._checks import k_list
from fastmi.estimators import CMI_METHODS, Method
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.exchanged import MOST_NEIGHBORS, exchanged_counts

Array = NDArray[Any]
Order = NDArray[np.intp]

# Most samples whose distances in y and z are all computed, and how many of them a surrogate is
# worth: n^2 distances have to replace searches of about n log n each.
_MOST_SAMPLES = 20_000
_SAMPLES_PER_SURROGATE = 500
# Rows of x and counts of one call: 64 MiB of each.
_MOST_ENTRIES = 1 << 23
# Options that leave the counts as the kernel makes them.
_OPTIONS = {"metric", "algorithm", "normalize", "theiler", "bias_correction"}


def as_exchanged(
    method: Method, k: Any, options: dict[str, Any], blocks: Sequence[Array], count: int
) -> tuple[int, ...] | None:
    """Return the numbers of neighbours if the kernel of many orders serves the test, else None.

    It serves algorithm 1 with Chebyshev distances, which those of single columns always are.

    Args:
        method: Row of the method.
        k: Numbers of neighbours, as the user gave them.
        options: Options of the method.
        blocks: x, y and z.
        count: Number of surrogates.
    """
    if method is not CMI_METHODS["fp"] or any(isinstance(block, DeviceArray) for block in blocks):
        return None
    single = all(block.shape[1] == 1 for block in blocks)
    plain = (
        options.keys() <= _OPTIONS
        and options.get("normalize") is None
        and not options.get("theiler")
        and options.get("bias_correction") is None
        and (single or options.get("metric", "chebyshev") == "chebyshev")
    )
    n = len(blocks[0])
    if not plain or n > min(_MOST_SAMPLES, _SAMPLES_PER_SURROGATE * count):
        return None
    ks = k_list(k, n)
    return ks if max(ks) <= MOST_NEIGHBORS else None


def exchanged_values(
    blocks: Sequence[Array],
    ks: Sequence[int],
    order: Callable[[int], Order],
    count: int,
    *,
    n_jobs: int | None,
    first: int = 0,
    advance: Callable[[], object] | None = None,
) -> NDArray[np.float64]:
    """Return the estimates of (x[order(number)], y, z), those of algorithm 1 bit for bit.

    Args:
        blocks: x, y and z, NumPy arrays of shape (n, d_b) and of one dtype, without ties.
        ks: Numbers of neighbours.
        order: Function from the number of a surrogate to its order of rows; it is called with
            ascending numbers.
        count: Number of surrogates.
        n_jobs: Number of threads.
        first: Number of the first surrogate.
        advance: Called after each surrogate.

    Returns:
        Shape (count, len(ks)).
    """
    n = len(blocks[0])
    ascending = sorted(set(ks))
    columns = [ascending.index(k) for k in ks]
    values = np.empty((count, len(ascending)))
    each = n * max(blocks[0].shape[1], 3 * len(ascending))
    together = max(1, _MOST_ENTRIES // each)
    for begin in range(0, count, together):
        numbers = range(begin, min(count, begin + together))
        orders = np.array([order(first + number) for number in numbers], dtype=np.int64)
        counts = exchanged_counts(blocks, ascending, orders, n_jobs=n_jobs)
        for number, of_order in zip(numbers, counts, strict=True):
            for column, k in enumerate(ascending):
                psi_xz, psi_yz, psi_z = digamma(of_order[column] + 1)
                values[number, column] = (psi(k) - (psi_xz + psi_yz - psi_z)).mean()
            if advance is not None:
                advance()
    return values[:, columns]
