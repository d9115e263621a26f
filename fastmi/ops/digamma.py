"""The digamma function at positive integers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels

# Integers handed to the kernel at once, which does not see interrupts; it takes some 50 ms.
_TOGETHER = 1 << 20


def digamma(n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return psi(n) for integers n >= 1, elementwise, in the shape of `n`."""
    flat = np.ascontiguousarray(n, dtype=np.int64).reshape(-1)
    if len(flat) <= _TOGETHER:
        values: NDArray[np.float64] = kernels().digamma(flat)
        return values.reshape(n.shape)
    values = np.empty(len(flat))
    for begin in range(0, len(flat), _TOGETHER):
        part = slice(begin, begin + _TOGETHER)
        values[part] = kernels().digamma(flat[part])
    return values.reshape(n.shape)


@lru_cache(maxsize=1024)
def psi(n: int) -> float:
    """Digamma of one integer n >= 1, the same bits as :func:`digamma`."""
    return float(kernels().digamma(np.array([n], dtype=np.int64))[0])
