"""scikit-learn: its KDTree under two processes, and mutual_info_regression as users call it."""

from __future__ import annotations

import mmap
import multiprocessing

import numpy as np
from numpy.typing import NDArray

from peers._base import Peer, Samples


def _psi_terms(trees, points, x, y, k: int, rows: slice, out: NDArray[np.float64]) -> None:
    """Write psi(n_x + 1) + psi(n_y + 1) of the rows into out [n]."""
    from scipy.special import digamma

    joint, *margins = trees
    radius = joint.query(points[rows], k=k + 1)[0][:, k]
    inside = np.nextafter(radius, 0)
    out[rows] = sum(
        digamma(tree.query_radius(margin[rows], inside, count_only=True))
        for tree, margin in zip(margins, (x, y), strict=True)
    )


class SklearnTwoProcesses(Peer):
    """KDTree holds the GIL while it searches, so the second core needs a second process."""

    name = "sklearn x2"
    notes = "KDTree built once, queries split between this process and one forked child"

    def version(self) -> str:
        import sklearn

        return str(sklearn.__version__)

    def max_n(self, dx: int, dy: int) -> int:
        dims = dx + dy
        if dims <= 10:
            return 1_000_000 if dims <= 4 else 100_000
        return 50_000 if dims <= 20 else 10_000

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        from scipy.special import digamma
        from sklearn.neighbors import KDTree

        n = len(x)
        points = np.hstack([x, y])
        trees = [KDTree(block, metric="chebyshev") for block in (points, x, y)]
        if n < 2_000:
            terms = np.empty(n)
            _psi_terms(trees, points, x, y, k, slice(0, n), terms)
        else:
            terms = np.frombuffer(mmap.mmap(-1, n * 8), dtype=np.float64)
            # fork, not spawn: the child sees the trees without a copy.
            child = multiprocessing.get_context("fork").Process(
                target=_psi_terms, args=(trees, points, x, y, k, slice(n // 2, n), terms)
            )
            child.start()
            _psi_terms(trees, points, x, y, k, slice(0, n // 2), terms)
            child.join()
            if child.exitcode != 0:
                raise RuntimeError(f"the forked half ended with exit code {child.exitcode}")
        return float(digamma(k) + digamma(n) - terms.mean())


class SklearnRegression(Peer):
    """The call users have today. It rescales both columns, adds noise and clips at 0."""

    name = "sklearn"
    notes = "mutual_info_regression; 1-D only, one core, rescaled and jittered by itself"
    # Dividing by the sample's standard deviations moves counts by O(n^-1/2) of a margin.
    tolerance = 2e-2

    def version(self) -> str:
        import sklearn

        return str(sklearn.__version__)

    def max_n(self, dx: int, dy: int) -> int:
        return 1_000_000 if dx == dy == 1 else 0

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        from sklearn.feature_selection import mutual_info_regression

        return float(mutual_info_regression(x, y[:, 0], n_neighbors=k, random_state=0)[0])
