"""numba: the brute force a user would write in an afternoon, the bar any library must clear."""

from __future__ import annotations

from functools import cache

import numpy as np

from peers import _base
from peers._base import Peer, Samples


@cache
def _compiled():
    import numba

    @numba.njit(parallel=True, fastmath=False, cache=False)
    def counts(x, y, k):  # x [dx, n] and y [dy, n]: candidates are contiguous and vectorise
        n = x.shape[1]
        n_x = np.empty(n, np.int64)
        n_y = np.empty(n, np.int64)
        for i in numba.prange(n):
            d_x = np.zeros(n, x.dtype)
            d_y = np.zeros(n, x.dtype)
            for block, distance in ((x, d_x), (y, d_y)):
                for dim in range(block.shape[0]):
                    column = block[dim]
                    v = column[i]
                    for j in range(n):
                        distance[j] = max(distance[j], abs(column[j] - v))
            nearest = np.full(k, np.inf)
            for j in range(n):
                joint = max(d_x[j], d_y[j])
                if joint < nearest[k - 1] and j != i:
                    slot = k - 1
                    while slot > 0 and nearest[slot - 1] > joint:
                        nearest[slot] = nearest[slot - 1]
                        slot -= 1
                    nearest[slot] = joint
            radius = nearest[k - 1]
            below_x = 0
            below_y = 0
            for j in range(n):
                below_x += d_x[j] < radius
                below_y += d_y[j] < radius
            n_x[i] = below_x
            n_y[i] = below_y
        return n_x, n_y

    return counts


class Numba(Peer):
    """Forty lines of parallel numba; compiled in the warm-up call."""

    name = "numba"
    notes = "own 40-line brute force, all cores, transposition inside the timing"

    def version(self) -> str:
        import numba

        return str(numba.__version__)

    def max_n(self, dx: int, dy: int) -> int:
        return 50_000 if dx + dy <= 20 else 10_000

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        import numba
        from scipy.special import digamma

        numba.set_num_threads(min(_base.THREADS, numba.config.NUMBA_NUM_THREADS))
        columns = [np.ascontiguousarray(block.T) for block in (x, y)]
        # Self lies at distance 0, below every positive radius, so counts are n_x + 1.
        n_x, n_y = _compiled()(columns[0], columns[1], k)
        return float(digamma(k) + digamma(len(x)) - np.mean(digamma(n_x) + digamma(n_y)))
