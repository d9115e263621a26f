"""What moments of scaled directions say of their dependence, beyond what neighbours say."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

_WAVES = 12


def extra_hints(u: Floats, v: Floats) -> dict[str, float]:
    """Return what moments of scaled directions say of their dependence."""
    n = len(u)
    waves = [_waves(block) for block in (u, v)]
    correlated = (waves[0].T @ waves[1] / n) ** 2
    strength = float(np.maximum(correlated - 4.0 / n, 0.0).sum())
    return {"strength": strength, "pairs": _pair_information(u, v)}


def _pair_information(u: Floats, v: Floats) -> float:
    """Return the Gaussian information of columns and products of the strongest directions."""
    n = len(u)
    parts = []
    for block in (u, v):
        spread = block.std(axis=0)
        kept = np.argsort(-spread)[:6]
        columns = block[:, kept] / spread[kept]
        parts.append(np.clip(_quadratic(columns), -6.0, 6.0))
    bases = []
    for part in parts:
        centred = part - part.mean(axis=0)
        left, values, _ = np.linalg.svd(centred, full_matrices=False)
        bases.append(left[:, values > 1e-6 * values[0]])
    rho = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    chance = bases[0].shape[1] * bases[1].shape[1] / (2.0 * n)
    return float(-0.5 * np.log1p(-(np.minimum(rho, 0.9999) ** 2)).sum() - chance)


def _quadratic(block: Floats) -> Floats:
    """Return the columns and their products, standardised."""
    d = block.shape[1]
    i, j = np.triu_indices(d)
    together = np.hstack([block, block[:, i] * block[:, j]])
    together = together - together.mean(axis=0)
    found: Floats = together / np.maximum(together.std(axis=0), 1e-12)
    return found


def _waves(block: Floats) -> Floats:
    """Return the first cosines of the ranks, one after another for all columns."""
    n = len(block)
    places = (np.argsort(np.argsort(block, axis=0), axis=0) + 0.5) / n
    return np.sqrt(2.0) * np.cos(np.pi * np.hstack([a * places for a in range(1, _WAVES + 1)]))
