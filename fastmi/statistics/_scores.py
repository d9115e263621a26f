"""Normal scores of a column whose equal values are put in a random order."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed
from fastmi.estimators.neighbors._ties import streams
from fastmi.normalize import whole_scores

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

# Values that are looked at for repetitions, about.
_LOOK = 64


def scores_of(values: Array, seed: Seed | None, block: int, column: int = 0) -> tuple[Floats, bool]:
    """Return the normal scores of a column, shape (n,), and whether values are equal.

    The scores are always those of the ranks 1 to n. Equal values are ordered by the noise that the
    estimators add to separate them: the order is that of ``numpy.lexsort((noise, values))``.

    Args:
        values: The column, shape (n,).
        seed: Seed of the noise.
        block: The place of the noise in :func:`fastmi.estimators.neighbors._ties.streams`.
        column: The same.
    """
    n = len(values)
    # Equal values are ordered below. NumPy's fastest sort is slow where a few values are most.
    look = values[:: max(1, n // _LOOK)]
    few = 2 * len(set(look.tolist())) < len(look)
    order = np.argsort(values, kind="stable" if few else None)
    ascending = values[order]
    rises = ascending[1:] != ascending[:-1]
    tied = not rises.all()
    if tied:
        # NumPy sorts numbers of 16 bits in linear time.
        code = np.zeros(n, dtype=np.uint16 if n <= 1 << 16 else np.uint32)
        code[order[1:]] = np.cumsum(rises)
        by_noise = np.argsort(streams(seed)(block, column, code).random(n), kind="stable")
        order = by_noise[np.argsort(code[by_noise], kind="stable")]
    scores = np.empty(n)
    scores[order] = whole_scores(n)
    return scores, tied
