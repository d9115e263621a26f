"""The digamma function at positive integers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels


def digamma(n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return psi(n) for integers n >= 1, elementwise, in the shape of `n`."""
    flat = np.ascontiguousarray(n, dtype=np.int64).reshape(-1)
    values: NDArray[np.float64] = kernels().digamma(flat)
    return values.reshape(n.shape)


@lru_cache(maxsize=1024)
def psi(n: int) -> float:
    """Digamma of one integer n >= 1, the same bits as :func:`digamma`."""
    return float(kernels().digamma(np.array([n], dtype=np.int64))[0])
