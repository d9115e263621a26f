"""The order of rows in a heat map: leaves of average linkage, like ones side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def leaf_order(distances: Floats) -> NDArray[np.intp]:
    """Return an order of items in which clusters of average linkage are contiguous.

    Clusters are found with chains of nearest neighbours (Murtagh 1983), which takes O(n^2) time.
    Where two of them are joined, each is turned such that the ends that meet are as near as they
    can be.

    Args:
        distances: Symmetric and finite, shape (n, n); the diagonal is not read.
    """
    count = len(distances)
    merges = _merges(distances)
    # Joined from the lowest up; a chain finds them in another order.
    merges.sort(key=lambda merge: merge[0])
    # Which cluster an item belongs to, by following parents, as in union-find.
    parent = list(range(count))
    members: dict[int, list[int]] = {item: [item] for item in range(count)}
    for _, a, b in merges:
        first, second = _root(parent, a), _root(parent, b)
        members[first] = _joined(members[first], members.pop(second), distances)
        parent[second] = first
    return np.array([item for group in members.values() for item in group], dtype=np.intp)


def _merges(distances: Floats) -> list[tuple[float, int, int]]:
    """Return the height of each merge, and an item of each of its two clusters."""
    count = len(distances)
    between = np.array(distances, dtype=np.float64)
    np.fill_diagonal(between, np.inf)
    sizes = np.ones(count)
    alive = np.ones(count, dtype=bool)
    merges = []
    chain: list[int] = []
    for _ in range(count - 1):
        if not chain:
            chain.append(int(np.flatnonzero(alive)[0]))
        while True:
            tip = chain[-1]
            row = between[tip]
            near = int(np.argmin(row))
            # The one before wins ties, or a chain of equal distances would go round.
            if len(chain) > 1 and row[chain[-2]] <= row[near]:
                near = chain[-2]
                break
            chain.append(near)
        del chain[-2:]
        height = float(between[tip, near])
        merges.append((height, tip, near))
        # The cluster keeps the place of `near`; distances to it are means over its members.
        weights = sizes[tip], sizes[near]
        with np.errstate(invalid="ignore"):
            row = (weights[0] * between[tip] + weights[1] * between[near]) / sum(weights)
        row[~alive] = np.inf
        row[[tip, near]] = np.inf
        between[near] = between[:, near] = row
        between[tip] = between[:, tip] = np.inf
        sizes[near] = sum(weights)
        alive[tip] = False
    return merges


def _joined(a: list[int], b: list[int], distances: Floats) -> list[int]:
    """Return both lists one after the other, each turned so that they meet where they are near."""
    _, turn_a, turn_b = min(
        (float(distances[a[0 if turn_a else -1], b[-1 if turn_b else 0]]), turn_a, turn_b)
        for turn_a in (False, True)
        for turn_b in (False, True)
    )
    return (a[::-1] if turn_a else a) + (b[::-1] if turn_b else b)


def _root(parent: list[int], item: int) -> int:
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


def similarity(values: Floats, *, bounded: bool) -> Floats:
    """Return values in [0, 1] by which columns are clustered; NaN counts as none.

    Nats are put on the scale of a correlation, sqrt(1 - exp(-2 I)): they have no upper end, and one
    pair of copies would otherwise make all other distances alike.
    """
    finite = np.maximum(np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=0.0), 0.0)
    return np.minimum(finite, 1.0) if bounded else np.sqrt(-np.expm1(-2.0 * finite))


def cluster_order(values: Floats, *, bounded: bool) -> NDArray[np.intp]:
    """Return the order of the columns of a symmetric matrix; those without any value come last."""
    if len(values) == 0:
        return np.arange(0)
    known = ~np.isnan(values)
    np.fill_diagonal(known, False)
    empty = ~known.any(axis=1)
    used = np.flatnonzero(~empty)
    inner = 1.0 - similarity(values[np.ix_(used, used)], bounded=bounded)
    return np.concatenate([used[leaf_order(inner)], np.flatnonzero(empty)])


def profile_order(values: Floats, *, bounded: bool) -> NDArray[np.intp]:
    """Return the order of rows that have like values side by side; those without any come last."""
    empty = np.isnan(values).all(axis=1)
    used = np.flatnonzero(~empty)
    rows = similarity(values[used], bounded=bounded)
    squares = (rows**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2.0 * rows @ rows.T, 0.0))
    return np.concatenate([used[leaf_order(distances)], np.flatnonzero(empty)])
