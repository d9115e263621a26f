"""scipy: cKDTree for the joint search, sorting or tree counts for the margins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from peers import _base
from peers._base import Peer, Samples


def count_sorted(v: NDArray[np.floating], radius: NDArray[np.floating]) -> NDArray[np.int64]:
    """Count, self included, the values strictly closer than radius[i] to v[i].

    `v - r` and `v + r` are rounded, so the neighbour that defines the radius would be counted
    about every second time. Shrinking the radius by a few ulp of the largest value keeps it
    out, and miscounts only a value that lies within those ulp.
    """
    ordered = np.sort(v)
    inside = radius - 4 * np.spacing(np.abs(ordered[[0, -1]]).max())
    return np.searchsorted(ordered, v + inside, "right") - np.searchsorted(
        ordered, v - inside, "left"
    )


class Scipy(Peer):
    """The fastest KSG-1 we could write with scipy alone."""

    name = "scipy"
    notes = "cKDTree queried in tree order, all cores; 1-D margins by sorting"

    def version(self) -> str:
        import scipy

        return str(scipy.__version__)

    def max_n(self, dx: int, dy: int) -> int:
        dims = dx + dy
        if dims <= 10:
            return 1_000_000 if dims <= 4 else 100_000
        return 10_000 if dims <= 40 else 0

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        from scipy.spatial import cKDTree
        from scipy.special import digamma

        n = len(x)
        tree = cKDTree(np.hstack([x, y]))
        # Consecutive queries then walk the same nodes: up to 2x from n = 1e5 on.
        order = tree.indices
        x, y = x[order], y[order]
        # A pool costs more than a thousand queries.
        workers = _base.THREADS if n >= 2_000 else 1
        radius = tree.query(np.hstack([x, y]), k=[k + 1], p=np.inf, workers=workers)[0][:, 0]
        psi_sum = np.zeros(n)
        for margin in (x, y):
            if margin.shape[1] == 1:
                count = count_sorted(margin[:, 0], radius)
            else:
                count = cKDTree(margin).query_ball_point(
                    margin,
                    np.nextafter(radius, 0),
                    p=np.inf,
                    workers=workers,
                    return_length=True,
                )
            psi_sum += digamma(count)
        return float(digamma(k) + digamma(n) - psi_sum.mean())
