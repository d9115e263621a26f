"""The criteria of forward selection, and the greedy search that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi.selection._information import Information

Floats: TypeAlias = NDArray[np.float64]

#: Names of the criteria.
CRITERIA = ("mim", "mrmr", "jmi", "cmim")


@dataclass(frozen=True)
class Selection:
    """What a search has found; columns are named by their number.

    Attributes:
        order: The columns that were chosen, in this order.
        scores: The criterion of each column, when it was chosen; of the others, at the last step.
        relevance: Information of each column about the target, in nats.
    """

    order: list[int]
    scores: Floats
    relevance: Floats


def select(of: Information, count: int, criterion: str) -> Selection:
    """Choose columns one by one, each the best beside those that have been chosen.

    The relevance of all columns is estimated once. A step estimates the terms of the column that
    was chosen last with each of the others, and no term twice.

    Args:
        of: Estimates for the columns and the target.
        count: Number of columns to choose.
        criterion: Its name.
    """
    relevance = of.relevance()
    features = len(relevance)
    scores = relevance.copy()
    order: list[int] = []
    rest = np.arange(features)
    # Sum, or least, of the terms with the columns that have been chosen.
    terms = np.full(features, np.inf) if criterion == "cmim" else np.zeros(features)
    while len(order) < count:
        chosen = int(rest[np.argmax(scores[rest])])
        order.append(chosen)
        rest = rest[rest != chosen]
        if criterion == "mim" or len(order) == count:
            continue
        others = rest.tolist()
        if criterion == "mrmr":
            terms[rest] += of.redundancy(others, chosen)
            scores[rest] = relevance[rest] - terms[rest] / len(order)
        else:
            given = of.conditional(others, chosen)
            if criterion == "jmi":
                terms[rest] += relevance[chosen] + given
            else:
                terms[rest] = np.minimum(terms[rest], given)
            scores[rest] = terms[rest]
    return Selection(order, scores, relevance)
