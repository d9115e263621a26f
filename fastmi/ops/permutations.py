"""KSG of one sample in many orders of the rows of its first variable, on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import cuda_kernels


def permuted_psi_mean(
    blocks: list[NDArray[Any]], orders: NDArray[np.int64], ks: Sequence[int], *, metric: str
) -> NDArray[np.float64]:
    """Return the ``psi_mean`` of :func:`fastmi.ops.ksg.ksg_terms`, variant 1, for each order.

    Args:
        blocks: m :class:`fastmi._device_array.DeviceArray` of shape (n, d_b).
        orders: Shape (b, n); in the order of a row of it stand the rows of the first block.
        ks: Neighbour numbers, each in [1, n - 1].
        metric: Distance inside a block.

    Returns:
        Shape (b, len(ks)).
    """
    samples: Any = blocks
    psi_mean, _, _ = cuda_kernels().ksg_permutations(
        samples, np.ascontiguousarray(orders, dtype=np.int64), list(ks), metric
    )
    means: NDArray[np.float64] = psi_mean
    return means
