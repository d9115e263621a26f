"""What the trainings of all folds say together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from fastmi._cautions import Caution
from fastmi._estimate import History
from fastmi.nn.fit import Reading

__all__ = ["Trained", "distinct", "merge"]


class Trained(NamedTuple):
    """A trained model, read.

    Attributes:
        reading: What held-out samples say.
        alike: What as many training samples say; None if `cautions` are complete.
        history: The curves.
        cautions: Reasons to distrust the value that do not come from the two readings.
        network: Module that maps samples to pointwise information.
    """

    reading: Reading
    alike: Reading | None
    history: History
    cautions: list[Caution]
    network: nn.Module


def merge(folds: Sequence[Trained], rows: Sequence[NDArray[np.int64]]) -> Trained:
    """Return the folds as one; a single fold as it is.

    Curves and network are those of the first fold. The folds share training samples; their
    held-out samples differ, and count as independent in the standard error.

    Args:
        folds: One training per fold.
        rows: Numbers of the held-out rows of each fold; together they are all rows.
    """
    if len(folds) == 1:
        return folds[0]
    reading = _mean([fold.reading for fold in folds])
    # Blocks of fixed size may leave the last rows of a fold unread.
    read = np.concatenate(
        [own[: len(fold.reading.local)] for own, fold in zip(rows, folds, strict=True)]
    )
    reading = replace(reading, local=reading.local[read.argsort()])
    alike = [fold.alike for fold in folds if fold.alike is not None]
    return Trained(
        reading,
        _mean(alike) if len(alike) == len(folds) else None,
        folds[0].history,
        [*distinct(caution for fold in folds for caution in fold.cautions)],
        folds[0].network,
    )


def _mean(readings: Sequence[Reading]) -> Reading:
    """Return the mean of readings, weighted by their numbers of samples."""
    sizes = np.array([len(one.local) for one in readings])
    weights = (sizes / sizes.sum()).tolist()
    pairs = list(zip(weights, readings, strict=True))
    return Reading(
        math.fsum(weight * one.value for weight, one in pairs),
        np.concatenate([one.local for one in readings]),
        math.hypot(*(weight * one.stderr for weight, one in pairs)),
        min(one.effective for one in readings),
        sum(one.product_pairs for one in readings),
        terms={
            name: math.fsum(weight * one.terms[name] for weight, one in pairs)
            for name in readings[0].terms
        },
    )


def distinct(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    """Return the first caution of each text, in their order."""
    return tuple({str(caution): caution for caution in cautions}.values())
