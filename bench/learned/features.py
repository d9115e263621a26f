"""What the cheap estimators say of samples: the columns of the table that a combination learns from.

``raw_features(x, y)`` gives numbers by name; `fastmi.estimators._learned` turns them into what the
model sees. Relevance scaling comes from fastmi where it has it, else from `prototype.py`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from prototype import relevant

import fastmi
from fastmi.estimators import _copula

Floats: TypeAlias = NDArray[np.float64]

NEIGHBOURS = [3, 10]
TWINS = 2


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
    plain, scaled, extras = _pipelines(scores, rng)
    found |= {f"plain{k}": v for k, v in zip(NEIGHBOURS, plain, strict=True)}
    found |= {f"scaled{k}": v for k, v in zip(NEIGHBOURS, scaled, strict=True)}
    found |= extras
    twins = []
    for _ in range(TWINS):
        blocks, _ = copula.draw(n, rng)
        twins.append(_pipelines(_copula.normal_scores(blocks), rng))
    for position, k in enumerate(NEIGHBOURS):
        for name, which in (("plain", 0), ("scaled", 1)):
            said = [twin[which][position] for twin in twins]
            found[f"{name}{k}_bias"] = float(np.mean(said)) - copula.reference
            found[f"{name}{k}_scatter"] = float(np.std(said, ddof=1))
    for key in extras:
        found[f"{key}_twin"] = float(np.mean([twin[2][key] for twin in twins]))
    order = rng.permutation(n)
    halves = [
        _pipelines(_copula.normal_scores([x[rows], y[rows]]), rng)
        for rows in (order[: n // 2], order[n // 2 :])
    ]
    for position, k in enumerate(NEIGHBOURS):
        for name, which in (("plain", 0), ("scaled", 1)):
            said = [half[which][position] for half in halves]
            found[f"{name}{k}_half"] = float(np.mean(said))
            found[f"{name}{k}_spread"] = abs(said[0] - said[1])
    return found


def _ksg(x: Floats, y: Floats) -> list[float]:
    said: Any = fastmi.mi(x, y, k=NEIGHBOURS, n_jobs=1)
    return [float(one) for one in said]


def _pipelines(
    scores: list[Floats], rng: np.random.Generator
) -> tuple[list[float], list[float], dict[str, float]]:
    """Return KSG of normal scores, of relevant directions, and what these directions say."""
    x, y = scores
    u, v, extras = relevant(x, y, rng)
    return _ksg(x, y), _ksg(u, v), extras
