"""What the cheap estimators say of samples: the columns of the table that a combination learns from.

``raw_features(x, y)`` gives numbers by name; `fastmi.estimators._learned` turns them into what the
model sees.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from moments import extra_hints

import fastmi
from fastmi.estimators import _copula
from fastmi.estimators.neighbors._relevance import relevant

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
    plain, scaled, extras = _pipelines(scores)
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
    for key in extras:
        found[f"{key}_twin"] = float(np.mean([twin[2][key] for twin in twins]))
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


def _pipelines(scores: list[Floats]) -> tuple[list[Any], list[Any], dict[str, float]]:
    """Return KSG of normal scores, of relevant directions, and what these directions say."""
    u, v = relevant(*scores)
    both: list[Any] = [fastmi.mi(*pair, k=NEIGHBOURS, n_jobs=1) for pair in (scores, (u, v))]
    return both[0], both[1], extra_hints(u, v)
