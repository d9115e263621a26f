"""What the cheap estimators say of samples, as ``method="auto"`` runs them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import fastmi
from fastmi.estimators import _copula
from fastmi.estimators._learned import NEIGHBOURS, Hints, Moments, Said, moments
from fastmi.estimators.neighbors._relevance import relevant

Floats: TypeAlias = NDArray[np.float64]

#: The most twins, and the rows of all twins together.
MOST_TWINS, TWIN_ROWS = 3, 6000


def hints_of(x: Floats, y: Floats, rng: np.random.Generator) -> Hints | None:
    """Return what the parts say, None where one block determines a direction of the other."""
    scores = _copula.normal_scores([x, y])
    copula = _copula.fit(scores)
    if copula is None:
        return None
    n = len(x)
    number = min(MOST_TWINS, max(1, round(TWIN_ROWS / n)))
    own, directions = _pipelines(scores)
    of_twins = []
    twin_moments = Moments(0.0, 0.0)
    for place in range(number):
        said, turned = _pipelines(_copula.normal_scores(copula.draw(n, rng)[0]))
        of_twins.append([[float(value) for value in pipeline] for pipeline in said])
        if place == 0:
            twin_moments = moments(*turned)
    biases = np.mean(of_twins, axis=0) - copula.reference
    combined: Any = fastmi.mi(x, y, method="auto", n_jobs=1)
    said = [
        Said(
            float(pipeline[0]),
            pipeline[0].stderr,
            float(bias[0]),
            float(pipeline[1]),
            float(bias[1]),
        )
        for pipeline, bias in zip(own, biases, strict=True)
    ]
    return Hints(
        n,
        x.shape[1],
        y.shape[1],
        copula.reference,
        copula.information,
        copula.raw,
        copula.tail_index,
        number,
        said[0],
        said[1],
        moments(*directions),
        twin_moments,
        float(combined),
    )


def _pipelines(scores: list[Floats]) -> tuple[list[Any], tuple[Floats, Floats]]:
    """Return KSG of normal scores and of relevant directions, and these directions."""
    turned = relevant(*scores)
    said = [fastmi.mi(*pair, k=list(NEIGHBOURS), n_jobs=1) for pair in (scores, turned)]
    return said, turned
