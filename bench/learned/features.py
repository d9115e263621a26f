"""What the cheap estimators say of samples: the columns of the table that is learned from.

``raw_features(x, y)`` gives numbers by name; `fastmi.estimators._learned` turns them into what the
model sees.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from fastmi.estimators.neighbors._relevance import relevant
from moments import extra_hints
from numpy.typing import NDArray

import fastmi
from fastmi.estimators import _copula

Floats: TypeAlias = NDArray[np.float64]

#: Numbers of neighbours, and the most twins and the rows of all twins, as `method="auto"` has them.
NEIGHBOURS = [3, 9]
MOST_TWINS, TWIN_ROWS = 3, 6000


def raw_features(x: Floats, y: Floats, rng: np.random.Generator) -> dict[str, float] | None:
    """Return what the parts say, None where one block determines a direction of the other."""
    scores = _copula.normal_scores([x, y])
    copula = _copula.fit(scores)
    if copula is None:
        return None
    n = len(x)
    found: dict[str, float] = {
        "n": n,
        "dx": x.shape[1],
        "dy": y.shape[1],
        "reference": copula.reference,
        "gaussian": copula.information,
        "gaussian_raw": copula.raw,
        "tail_index": copula.tail_index,
    }
    plain, scaled, directions = _pipelines(scores)
    extras = extra_hints(*directions)
    for name, said in (("plain", plain), ("scaled", scaled)):
        found |= {f"{name}{k}": float(v) for k, v in zip(NEIGHBOURS, said, strict=True)}
        found |= {f"{name}{k}_stderr": v.stderr for k, v in zip(NEIGHBOURS, said, strict=True)}
    found |= extras
    twins = []
    for _ in range(min(MOST_TWINS, max(1, round(TWIN_ROWS / n)))):
        blocks = copula.draw(n, rng)[0]
        twins.append(_pipelines(_copula.normal_scores(blocks)))
    for position, k in enumerate(NEIGHBOURS):
        for name, which in (("plain", 0), ("scaled", 1)):
            said = [float(twin[which][position]) for twin in twins]
            found[f"{name}{k}_bias"] = float(np.mean(said)) - copula.reference
    of_twin = extra_hints(*twins[0][2])
    found |= {f"{key}_twin": value for key, value in of_twin.items()}
    order = rng.permutation(n)
    halves = [
        _pipelines(_copula.normal_scores([x[rows], y[rows]]))
        for rows in (order[: n // 2], order[n // 2 :])
    ]
    for position, k in enumerate(NEIGHBOURS):
        for name, which in (("plain", 0), ("scaled", 1)):
            said = [float(half[which][position]) for half in halves]
            found[f"{name}{k}_half"] = float(np.mean(said))
            found[f"{name}{k}_spread"] = abs(said[0] - said[1])
    return found


def _pipelines(scores: list[Floats]) -> tuple[list[Any], list[Any], tuple[Floats, Floats]]:
    """Return KSG of normal scores and of relevant directions, and these directions."""
    turned = relevant(*scores)
    both: list[Any] = [fastmi.mi(*pair, k=NEIGHBOURS, n_jobs=1) for pair in (scores, turned)]
    return both[0], both[1], turned
