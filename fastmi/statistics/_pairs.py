"""KSG for many pairs of single columns in one call of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import DeviceArray, host, like
from fastmi._cautions import Caution
from fastmi._checks import k_list
from fastmi.estimators.neighbors.ksg import KSG, count_warnings, may_warn
from fastmi.normalize import normalize_blocks
from fastmi.ops.digamma import psi
from fastmi.ops.knn import sorts_pairs
from fastmi.ops.pairwise import pair_terms

Array = NDArray[Any]
Notes: TypeAlias = tuple[Caution, ...]


class PairEstimates(NamedTuple):
    """Estimates of p pairs for one k.

    Attributes:
        k: Number of neighbours.
        values: Nats, shape (p,).
        stderr: Standard errors in nats, shape (p,).
        warnings: Warnings by the number of the pair; pairs without any are left out.
    """

    k: int
    values: NDArray[np.float64]
    stderr: NDArray[np.float64]
    warnings: dict[int, Notes]


def pairs_at_once(ksg: KSG, block: Array | DeviceArray) -> bool:
    """Return whether :func:`estimate_pairs` serves `ksg` for columns of such blocks.

    Raises:
        ValueError: A k that exceeds n - 1.
    """
    n = len(block)
    largest = max(k_list(ksg.k, n))
    if ksg.variant != 1 or isinstance(block, DeviceArray):
        return ksg.variant == 1
    return ksg.algorithm in ("auto", "sort") and sorts_pairs(n, largest)


def estimate_pairs(
    ksg: KSG,
    blocks: Sequence[Array],
    pairs: NDArray[np.int64],
    *,
    n_jobs: int | None,
    report: Callable[[int], object] | None = None,
) -> list[PairEstimates]:
    """Return ``ksg.estimate(column_i, column_j)`` for all (i, j) in `pairs`, bit for bit.

    Args:
        ksg: An estimator for which :func:`pairs_at_once` returns True; its own noise and threads
            are not used.
        blocks: Arrays of shape (n, d) and of one dtype, from :func:`fastmi._inputs.as_blocks`.
        pairs: Positions among the columns of all blocks side by side, shape (p, 2).
        n_jobs: Number of threads, which share the pairs.
        report: Function that is called now and then with the number of pairs done.

    Returns:
        One entry for each k.
    """
    n = len(blocks[0])
    # Warnings about each column in the place of x, and in the place of y.
    notes: list[tuple[Notes, Notes]] = [((), ()) for block in blocks for _ in range(block.shape[1])]
    if ksg.normalize is not None:
        columns = np.hstack([host(block) for block in blocks])
        scaled = [_normalized(columns[:, [j]], ksg.normalize) for j in range(len(notes))]
        blocks = [like(blocks[0], np.hstack([column for column, _ in scaled]))]
        notes = [found for _, found in scaled]
    noted = np.array([bool(of_x) for of_x, _ in notes])[pairs].any(axis=1)
    ks = k_list(ksg.k, n)
    terms = pair_terms(blocks, pairs, ks, algorithm=ksg.algorithm, n_jobs=n_jobs, report=report)
    estimates = []
    for k, psi_mean, psi_std, count_sum, zero_radius in zip(ks, *terms[:4], strict=True):
        values = psi(k) + psi(n) - psi_mean
        doubtful = noted | may_warn(values, k, n, count_sum, zero_radius)
        warnings = {}
        for pair in np.flatnonzero(doubtful).tolist():
            i, j = pairs[pair]
            about = notes[i][0] + notes[j][1]
            sums = (int(count_sum[0, pair]), int(count_sum[1, pair]))
            found = count_warnings(float(values[pair]), k, n, sums, int(zero_radius[pair]), about)
            if found:
                warnings[pair] = found
        estimates.append(PairEstimates(k, values, psi_std / n**0.5, warnings))
    return estimates


def _normalized(column: Array, normalize: str) -> tuple[Array, tuple[Notes, Notes]]:
    (scaled,), of_x = normalize_blocks([column], ["x"], normalize)
    of_y = normalize_blocks([column], ["y"], normalize)[1] if of_x else ()
    return scaled, (of_x, of_y)
