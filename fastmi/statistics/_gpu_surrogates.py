"""Surrogates of KSG on a GPU, many in one launch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._device_array import DeviceArray
from fastmi._extras import Progress, ProgressBar
from fastmi._inputs import as_k, k_list
from fastmi.estimators.ksg import KSG
from fastmi.normalize import normalize_blocks
from fastmi.ops.digamma import psi
from fastmi.ops.permutations import permuted_psi_mean

# Entries of the orders that are made at once: 64 MB.
_ENTRIES = 2**23


def in_batches(
    blocks: Sequence[Any], method: str | None, k: object, options: Mapping[str, Any]
) -> KSG | None:
    """Return the estimator that :func:`surrogate_values` serves here, None if there is none."""
    fits = (
        isinstance(blocks[0], DeviceArray)
        and len(blocks) == 2
        and method in (None, "ksg1")
        and options.keys() <= {"metric", "normalize"}
    )
    return KSG(k=as_k(k), **options) if fits else None


def surrogate_values(
    ksg: KSG,
    blocks: list[NDArray[Any]],
    order: Callable[[int], NDArray[np.intp]],
    count: int,
    progress: Progress,
) -> NDArray[np.float64]:
    """Return ``ksg.estimate(x[order(b)], y)`` for all b below `count`, shape (count, len(ks)).

    Args:
        ksg: From :func:`in_batches`.
        blocks: x and y, on a GPU.
        order: Makes the order of the rows of x for surrogate b.
        count: Number of surrogates.
        progress: As in :func:`fastmi.statistics._tasks.run`.
    """
    n = len(blocks[0])
    ks = k_list(ksg.k, n)
    if ksg.normalize is not None:
        # The scale of a variable does not depend on the order of its rows.
        blocks, _ = normalize_blocks(blocks, ("x", "y"), ksg.normalize)
    constants = np.array([psi(k) + psi(n) for k in ks])
    step = max(1, _ENTRIES // n)
    values = []
    with ProgressBar(progress, count, "surrogates") as bar:
        for start in range(0, count, step):
            batch = np.stack([order(b) for b in range(start, min(start + step, count))])
            values.append(constants - permuted_psi_mean(blocks, batch, ks, metric=ksg.metric))
            for _ in batch:
                bar.advance()
    return np.concatenate(values)
