"""Relevance scaling in NumPy: rotates blocks to what the other block depends on, and shrinks the rest."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

_WAVES = 12


def relevant(
    x: Floats, y: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, dict[str, float]]:
    """Return rotated and scaled blocks, and what the moments say of their dependence."""
    white = [_white(block) for block in (x, y)]
    quadratic = [_quadratic(block) for block in white]
    if sum(block.shape[1] for block in white) > 60:
        left, _, right = np.linalg.svd(white[0].T @ white[1])
        turned = [white[0] @ left, white[1] @ right.T]
    else:
        turned = [
            _rotated(white[0], quadratic[1], rng) if x.shape[1] > 1 else white[0],
            _rotated(white[1], quadratic[0], rng) if y.shape[1] > 1 else white[1],
        ]
    n = len(x)
    waves = [_waves(block) for block in turned]
    dx, dy = turned[0].shape[1], turned[1].shape[1]
    correlated = (waves[0].T @ waves[1] / n).reshape(_WAVES, dx, _WAVES, dy)
    strength = np.maximum(correlated**2 - 4.0 / n, 0.0).sum(axis=(0, 2))
    scales = [np.sqrt(np.maximum(strength.max(axis=axis), 8.0 / n)) for axis in (1, 0)]
    u, v = (block * scale for block, scale in zip(turned, scales, strict=True))
    return u, v, {"strength": float(strength.sum()), "pairs": _pair_information(u, v)}


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
    return float(-0.5 * np.log1p(-np.minimum(rho, 0.9999) ** 2).sum() - chance)


def _white(block: Floats) -> Floats:
    centred = block - block.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(block))
    inverse = np.where(values > 1e-10, 1.0 / np.sqrt(np.maximum(values, 1e-10)), 0.0)
    found: Floats = centred @ (vectors * inverse) @ vectors.T
    return found


def _quadratic(block: Floats) -> Floats:
    """Return the columns and their products, standardised."""
    d = block.shape[1]
    i, j = np.triu_indices(d)
    together = np.hstack([block, block[:, i] * block[:, j]])
    together = together - together.mean(axis=0)
    found: Floats = together / np.maximum(together.std(axis=0), 1e-12)
    return found


def _moments(x: Floats, squares: Floats, f: Floats) -> Floats:
    n, d = x.shape
    first = x.T @ f / n
    i, j = np.triu_indices(d)
    second = np.empty((d, d, f.shape[1]))
    second[i, j] = second[j, i] = squares.T @ f / n
    found: Floats = first @ first.T + 0.5 * np.einsum("ijf,jkf->ik", second, second, optimize=True)
    return found


def _rotated(x: Floats, f: Floats, rng: np.random.Generator) -> Floats:
    d = x.shape[1]
    i, j = np.triu_indices(d)
    squares = x[:, i] * x[:, j]
    values, vectors = np.linalg.eigh(_moments(x, squares, f))
    chance = _moments(x, squares, f[rng.permutation(len(f))])
    edge = float(np.linalg.eigvalsh(chance)[-1])
    first = vectors[:, ::-1][:, values[::-1] > edge]
    number = d - first.shape[1]
    if number == d:
        return x
    # The rest stays near the axes: the polar factor of those that the first directions leave most.
    apart = np.eye(d) - first @ first.T
    if number:
        axes = np.argsort(-np.diag(apart))[:number]
        left, _, right = np.linalg.svd(apart[:, axes], full_matrices=False)
        first = np.hstack([first, left @ right])
    found: Floats = x @ first
    return found


def _waves(block: Floats) -> Floats:
    """Return the first cosines of the ranks, one after another for all columns."""
    n = len(block)
    places = (np.argsort(np.argsort(block, axis=0), axis=0) + 0.5) / n
    return np.sqrt(2.0) * np.cos(np.pi * np.hstack([a * places for a in range(1, _WAVES + 1)]))
