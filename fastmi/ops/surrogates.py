"""KSG of reordered samples, many orders at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels_for, thread_count


class SurrogateMeans(NamedTuple):
    """Means over the samples that make the estimate of KSG algorithm 1 for each order.

    Attributes:
        psi_mean: Mean of ``psi(n_x + 1) + psi(n_y + 1)``, shape (number of orders, len(ks)).
        algorithm: Name of the search of the joint space that ran.
    """

    psi_mean: NDArray[np.float64]
    algorithm: str


def surrogate_means(
    x: NDArray[Any],
    y: NDArray[Any],
    ks: Sequence[int],
    next_orders: Callable[[], NDArray[np.int64] | None],
    *,
    metric: str,
    algorithm: str,
    n_jobs: int | None,
) -> SurrogateMeans:
    """Return the means of KSG algorithm 1 (Kraskov et al. 2004, eq. 8) for ``(x[order], y)``.

    They are the `psi_mean` of :func:`fastmi.ops.ksg.ksg_terms`, bit for bit. Work that does not
    depend on the order is done once, and one pass counts for several orders.

    Args:
        x: Samples, shape (n, dx).
        y: Samples, shape (n, dy), dtype of `x`.
        ks: Neighbour numbers, each in [1, n - 1].
        next_orders: Returns permutations of the rows of x, int64, shape (s, n), until it
            returns None.
        metric: Distance inside x and inside y.
        algorithm: Name of the search, or "auto".
        n_jobs: Threads, which share the orders; see :func:`fastmi._backend.thread_count`.
    """
    return SurrogateMeans(
        *kernels_for(x).ksg_surrogates(
            x, y, list(ks), metric, algorithm, next_orders, thread_count(n_jobs)
        )
    )
