"""A quick look at whether samples repeat, before anything that assumes they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import kernels
from fastmi._blocks import glance

# Rows that are copied from a GPU to be looked at.
_SAMPLE = 4096


class Coincidences(NamedTuple):
    """What repeats, as an estimate that a caller verifies.

    Attributes:
        copies: Rows, all blocks side by side, may equal one another, 1 % of them or more.
        ties: A column repeats values or differences of values so often that distances may tie.
    """

    copies: bool
    ties: bool


_NONE = (False, False)


def nothing_repeats(blocks: Sequence[NDArray[Any]]) -> bool:
    """Return whether both answers of :func:`coincidences` are False; a short call feels it less."""
    if type(blocks[0]) is np.ndarray:
        return bool(kernels().coincidences(blocks) == _NONE)
    return coincidences(blocks) == _NONE


def coincidences(blocks: Sequence[NDArray[Any]]) -> Coincidences:
    """Return whether rows may be copies of one another, and whether distances may tie.

    It costs a few per cent of a search of neighbours. On samples of continuous variables both
    answers are False, up to chance; a column that never varies raises no flag. Of samples that lie
    on a GPU, and have no copy on the host, some thousand rows are looked at. If they belong to a
    library whose arrays offer no copy to the host, both answers are False.

    Args:
        blocks: Arrays of shape (n, d_b), n >= 2.
    """
    if type(blocks[0]) is not np.ndarray:
        blocks = glance(blocks, _SAMPLE)
        if not blocks:
            return Coincidences(False, False)
    return Coincidences(*kernels().coincidences(blocks))
