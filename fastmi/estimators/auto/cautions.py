"""What speaks against an estimate before any part has run: the order of the rows, their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastmi._autocorrelation import row_order
from fastmi._cautions import Caution
from fastmi.estimators._copula import Array

#: Samples per column below which the correlations of the twin are known too coarsely.
SAMPLES_EACH = 10
# Standard errors of an autocorrelation from which the order of the rows is looked at as a whole.
_LOOK = 3.0


def of_samples(scores: Sequence[Array]) -> tuple[Caution, ...]:
    """Return cautions about samples that are few for their columns, or follow each other.

    Args:
        scores: Normal scores of the columns that vary.
    """
    n = len(scores[0])
    columns = sum(block.shape[1] for block in scores)
    found = []
    if n < SAMPLES_EACH * columns:
        found.append(
            Caution(
                f"n={n} samples are few for {columns} columns, and the bias of the estimate is "
                "known coarsely: use ten samples for each column or more, or fewer columns",
                "few_samples",
            )
        )
    if all(map(may_follow, scores[:2])):
        order = row_order(scores)
        if order.matters:
            found.append(
                Caution(
                    "rows that follow each other are alike in x and in y, as in time series: they "
                    f"scatter like {order.effective} independent ones of n={n}, so that the "
                    "interval is too narrow, and what is near in time may look dependent; use "
                    "method='ksg1' with theiler=, and permutation_test with scheme='circular'; if "
                    "independent rows were only sorted, as by class, estimate and interval hold",
                    "autocorrelation",
                )
            )
    return tuple(found)


def may_follow(block: Array) -> bool:
    """Return whether a column or its distance from 0 may be autocorrelated at lag 1.

    It takes a hundredth of the time of the whole look, and most samples are no series.
    """
    n = len(block)
    for column in (block, np.abs(block)):
        centred = column - column.mean(axis=0)
        products = np.einsum("ij,ij->j", centred[1:], centred[:-1])
        squares = np.einsum("ij,ij->j", centred, centred)
        if bool((np.abs(products) * n**0.5 > _LOOK * squares).any()):
            return True
    return False


def without_twin(n: int, columns: int) -> tuple[Caution, ...]:
    """Return why there is no twin, so that no bias was corrected."""
    reason = (
        f"n={n} samples are too few for {columns} columns"
        if n <= columns + 1
        else "one variable determines a combination of the columns of the other, so that the "
        "information is infinite if this is exact"
    )
    text = f"{reason}: no bias was corrected, take the estimate as a lower bound"
    return (Caution(text, "twin"),)
