"""Estimates of Ross (2014) for one column and many assignments of classes to its samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels, thread_count


def ross_estimates(
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
    ks: Sequence[int],
    *,
    n_jobs: int | None,
) -> NDArray[np.float64]:
    """Return I(X; Y) in nats for each row of classes, see :class:`fastmi.Ross`.

    They are those of the class up to the rounding of a sum, and rows with the same counts have the
    same bits. A row without a class of two samples has NaN. The time is that of a few passes over
    the samples, since the values are sorted already.

    Args:
        values: The column in ascending order, shape (n,).
        labels: Classes of the samples in this order, numbers in [0, n), shape (s, n).
        ks: Numbers of neighbours, each in [1, n - 1].
        n_jobs: Threads, which share the rows; see :func:`fastmi._backend.thread_count`.

    Returns:
        Shape (len(ks), s).
    """
    found: NDArray[Any] = kernels().ross_estimates(values, labels, list(ks), thread_count(n_jobs))
    return found
