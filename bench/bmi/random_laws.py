"""Draws laws at random whose information is known, from families that differ in kind.

A law is a few independent *groups* of columns of one family, whose information adds up, columns
that carry nothing, and an invertible map of each block, which changes no information. Nothing here
is a task of BMI or of `laws.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from random_families import FAMILIES, Floats, Group, Rng

#: Families of laws; the last one draws x and y of another apart.
NAMES = (*FAMILIES, "independent")
#: Largest information of a task in nats; a law with more is drawn anew.
LARGEST = 3.2
#: Rows times columns of x that most tasks do not exceed.
LARGE = 25_000


@dataclass(frozen=True)
class Task:
    """Samples of a law.

    Attributes:
        family: Name of the family.
        x: Shape (n, dx).
        y: Shape (n, dy).
        truth: Information in nats.
    """

    family: str
    x: Floats
    y: Floats
    truth: float


def task(family: str, rng: Rng, *, large: bool = False) -> Task:
    """Draw a law of a family and samples of it.

    Args:
        family: Its name.
        rng: Generator.
        large: Whether n is 2000 to 6000 whatever the number of columns.
    """
    while True:
        groups, noise = _groups(family, rng)
        truth = math.fsum(group.truth for group in groups)
        if truth <= LARGEST:
            break
    n = int(10.0 ** rng.uniform(math.log10(500.0), 4.0 if rng.random() < 0.1 else 3.7))
    columns = sum(group.draw(2, rng)[0].shape[1] for group in groups) + noise
    # Large tasks are few, since each takes as long as a hundred small ones.
    if rng.random() < 0.85:
        n = max(min(n, LARGE // columns), 500)
    if large:
        n = int(10.0 ** rng.uniform(math.log10(2000.0), math.log10(6000.0)))
    blocks = [group.draw(n, rng) for group in groups]
    sides = [np.hstack([pair[side] for pair in blocks]) for side in (0, 1)]
    if family == "independent":
        sides[1] = np.hstack([group.draw(n, rng)[1] for group in groups])
        truth = 0.0
    sides = [_with_noise(block, noise, rng) for block in sides]
    sides = [_mapped(block, family, rng) for block in sides]
    if rng.random() < 0.5:
        sides.reverse()
    return Task(family, sides[0], sides[1], truth)


def _groups(family: str, rng: Rng) -> tuple[list[Group], int]:
    """Return the groups of a law, and about how many columns of noise each block gets."""
    source = family
    if family == "independent":
        source = str(rng.choice(list(FAMILIES)))
    one = FAMILIES[source]
    number = 1 if rng.random() < 0.5 else int(rng.integers(2, 6))
    groups = [one(rng) for _ in range(number)]
    # Several groups share what one may have, so that truths stay in range.
    noise = 0 if rng.random() < 0.5 else int(np.exp(rng.uniform(0.0, math.log(22.0))))
    return groups, noise


def _with_noise(block: Floats, noise: int, rng: Rng) -> Floats:
    """Append columns that carry nothing, at most to 30 columns, in random order."""
    n, d = block.shape
    number = min(noise, 30 - d) if noise else 0
    if number <= 0:
        return block
    extra = rng.standard_normal((n, number))
    if rng.random() < 0.25:
        extra /= np.sqrt(rng.chisquare(rng.uniform(1.0, 6.0), n))[:, None]
    together = np.hstack([block, extra])
    found: Floats = together[:, rng.permutation(d + number)]
    return found


def _mapped(block: Floats, family: str, rng: Rng) -> Floats:
    """Apply an invertible map to a block."""
    d = block.shape[1]
    if family == "bent":
        return _bent(block, rng)
    if d == 1 or (family != "rotated" and rng.random() < 0.6):
        return block
    columns = block / np.maximum(np.median(np.abs(block - np.median(block, axis=0)), axis=0), 1e-9)
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    if rng.random() < 0.4:
        rotation = np.eye(d)
        for _ in range(d):
            i, j = rng.choice(d, 2, replace=False)
            angle = rng.uniform(0.0, math.pi)
            rotation[:, [i, j]] = rotation[:, [i, j]] @ _turn(angle)
    elif rng.random() < 0.3:
        rotation = rotation * np.exp(rng.uniform(-1.0, 1.0, d)) @ rotation.T
    found: Floats = columns @ rotation
    return found


def _turn(angle: float) -> Floats:
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _bent(block: Floats, rng: Rng) -> Floats:
    """Swirl planes, bend and stretch columns by others."""
    block = block.copy()
    d = block.shape[1]
    if d == 1:
        return block
    for _ in range(int(rng.integers(1, max(2, d)))):
        i, j = rng.choice(d, 2, replace=False)
        kind = rng.integers(4)
        strength = rng.uniform(0.3, 1.5)
        u, v = block[:, i].copy(), block[:, j].copy()
        if kind == 0:
            angle = strength * np.hypot(u, v) ** rng.choice([1.0, 2.0])
        elif kind == 1:
            if d == 2:
                angle = strength * np.hypot(u, v)
            else:
                k = rng.choice([c for c in range(d) if c not in (i, j)])
                angle = 2.0 * strength * block[:, k]
        elif kind == 2:
            block[:, j] = v + strength * u**2
            continue
        else:
            block[:, j] = v * np.exp(0.7 * strength * np.tanh(u))
            continue
        block[:, i] = np.cos(angle) * u - np.sin(angle) * v
        block[:, j] = np.sin(angle) * u + np.cos(angle) * v
    return block
