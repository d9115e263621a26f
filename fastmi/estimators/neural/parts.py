"""Which samples train a network, which choose its parameters, and which give the value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._repeats import BEYOND_CHANCE, equal_pairs, row_hashes
from fastmi.normalize import average_ranks

Array = NDArray[Any]
Index = NDArray[np.int64]

SPLITS = ("random", "blocked")

# With fewer held-out samples nothing can be said about a trained model.
_FEWEST_HELD_OUT = 4
# Each evaluation during the training looks at this many held-out samples at most: with more, it
# would cost as much as the updates between evaluations.
_MOST_WATCHED = 10_000
# With fewer distinct rows the data counts as discrete: equal rows then are what its distribution
# makes of few values, and a held-out part without any of the trained values would say nothing.
_FEWEST_DISTINCT = 100
# Share of the rows that are copies above which they are worth a warning.
_FEW_COPIES = 0.01
# Share of the distinct rows up to which the values of a column are classes.
_CLASS_SHARE = 0.1

# Rank correlation of neighbouring rows above which a random split lets a network learn held-out
# samples from their neighbours: of two independent autoregressive series of three columns, MINE
# makes nothing at 0.7, 0.1 nats at 0.9 and 0.7 at 0.98 (n = 2000).
_ALIKE = 0.8
# Rows and columns of each variable that this is measured on.
_ENOUGH_ROWS = 20_000
_ENOUGH_COLUMNS = 64


class Parts(NamedTuple):
    """Numbers of the rows of each part, and what dividing them gave reason to warn of."""

    train: Index
    select: Index
    report: Index
    warnings: tuple[Caution, ...]


def divide(
    blocks: Sequence[Array],
    held_out: int,
    *,
    given: bool,
    split: str,
    gap: int,
    seed: int | None,
    batch_size: int,
    selects: bool,
) -> Parts:
    """Return which rows are for what.

    Args:
        blocks: Samples of each variable, shape (n, d_b).
        held_out: Number of rows that the training does not see.
        given: Whether these are the last ones because the user chose them.
        split: "random" or "blocked", see :class:`NeuralEstimator`.
        gap: Number of rows left out between the parts of a blocked split.
        seed: Seed of the choice.
        batch_size: Number of samples in each update.
        selects: Whether half of the held-out rows choose the parameters.

    Raises:
        ValueError: A part would be too small.
    """
    n = len(blocks[0])
    groups = copy_groups(blocks)
    order = np.arange(n)
    border = n - held_out
    rng = np.random.default_rng(seed)
    gap = gap if split == "blocked" and not given else 0
    cuts = None
    if split == "random" and not given:
        order = rng.permutation(n)
        if groups is not None:
            order, cuts = _together(order, groups)
            border = _nearest(cuts, border)
    end = max(border - gap, 0)
    watched = min((n - border) // 2 if selects else n - border, _MOST_WATCHED)
    middle = border + watched
    if cuts is not None and selects:
        middle = _nearest(cuts, middle)
    start = (middle + gap) if selects else border
    if n - border < _FEWEST_HELD_OUT or start >= n or middle <= border or end < batch_size:
        between = f", gap={gap}" if gap else ""
        raise ValueError(
            f"batch_size must be at most the number of training samples, and at least "
            f"{_FEWEST_HELD_OUT} samples be held out; got batch_size={batch_size}{between}, "
            f"{end} training and {n - border} held-out samples"
        )
    parts = [order[:end], order[border:middle], order[start:]]
    if groups is None or _all_repeat_by_chance(blocks, groups):
        found: tuple[Caution, ...] = ()
    else:
        found = _copy_warnings(groups, parts[0], order[border:], apart=cuts is not None)
    if split == "random" and not given:
        found += _series_warnings(blocks)
    if cuts is not None or (split == "blocked" and not given):
        # Neighbours in the order make the product pairs, and must not be copies or near in time.
        parts = [rng.permutation(part) for part in parts]
    return Parts(parts[0], parts[1], parts[2], found)


def divide_in_folds(
    blocks: Sequence[Array],
    folds: int,
    *,
    seed: int | None,
    test_size: float,
    selects: bool,
) -> list[Parts]:
    """Return parts for each fold, whose held-out rows give the value once in some fold each.

    The warnings stand with the first fold.

    Args:
        blocks: Samples of each variable, shape (n, d_b).
        folds: Number of folds, at least 2.
        seed: Seed of the choice.
        test_size: Half of this share of all rows chooses the parameters if `selects` is true.
        selects: See :func:`divide`.
    """
    n = len(blocks[0])
    groups = copy_groups(blocks)
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    cuts = None
    if groups is not None:
        order, cuts = _together(order, groups)

    def cut(border: int) -> int:
        return border if cuts is None else _nearest(cuts, border)

    found: tuple[Caution, ...] = ()
    if groups is not None and not _all_repeat_by_chance(blocks, groups):
        found = _copy_warnings(groups, order, order[:0], apart=True)
    found += _series_warnings(blocks)
    ends = [0, *(cut(fold * n // folds) for fold in range(1, folds)), n]
    made: list[Parts] = []
    for start, end in pairwise(ends):
        # The rows that choose the parameters follow those that give the value, as on a ring.
        watched = min(round(0.5 * test_size * n), _MOST_WATCHED) if selects else 0
        after = cut((end + watched) % n) if watched else end % n
        others = np.concatenate([order[end:], order[:start]])
        number = (after - end) % n if watched else 0
        parts = [others[number:], others[:number] if selects else order[start:end]]
        parts.append(order[start:end])
        if cuts is not None:
            parts = [rng.permutation(part) for part in parts]
        made.append(Parts(parts[0], parts[1], parts[2], () if made else found))
    return made


def _all_repeat_by_chance(blocks: Sequence[Array], groups: Index) -> bool:
    return all(_repeats_by_chance(each, len(np.unique(groups))) for each in blocks)


def copy_groups(blocks: Sequence[Array]) -> Index | None:
    """Return a number for each row that its copies share, shape (n,); None if there are none.

    Rows are copies if all variables are equal, unless that is what discrete values do by chance: a
    variable must identify the row, so that rows which agree in it agree in all others. Data with
    few distinct rows has no copies in this sense.
    """
    keys = [row_hashes(block.T) for block in blocks]
    joint = row_hashes(column for block in blocks for column in block.T)
    n = len(joint)
    values, rows, counts = np.unique(joint, return_inverse=True, return_counts=True)
    if not _FEWEST_DISTINCT <= len(values) < n:
        return None
    together = counts[rows]
    identified = np.zeros(n, dtype=bool)
    for key in keys:
        _, own, own_counts = np.unique(key, return_inverse=True, return_counts=True)
        identified |= own_counts[own] == together
    copied = identified & (together > 1)
    if not copied.any():
        return None
    return np.where(copied, rows, len(values) + np.arange(n))


def _repeats_by_chance(block: Array, distinct: int) -> bool:
    """Return whether a variable is one column that repeats by nature: classes or rounded values.

    Classes are far fewer than the `distinct` rows of all variables.
    """
    if block.shape[1] > 1:
        return False
    values, number = np.unique(block[:, 0].astype(np.float64), return_counts=True)
    if len(values) <= _CLASS_SHARE * distinct:
        return True
    pairs = equal_pairs(values, number, np.diff(values).min())
    return pairs.seen - pairs.explained <= BEYOND_CHANCE * pairs.noise


def _together(order: Index, groups: Index) -> tuple[Index, Index]:
    """Return the order with copies moved behind their first, and the positions between groups."""
    _, first, inverse = np.unique(groups[order], return_index=True, return_inverse=True)
    place = first[inverse]
    by_place = np.argsort(place, kind="stable")
    return order[by_place], np.flatnonzero(np.diff(place[by_place])) + 1


def _nearest(cuts: Index, border: int) -> int:
    return int(cuts[np.abs(cuts - border).argmin()]) if len(cuts) else border


def _copy_warnings(
    groups: Index, train: Index, held_out: Index, *, apart: bool
) -> tuple[Caution, ...]:
    if apart:
        n = len(groups)
        distinct = len(np.unique(groups))
        if n - distinct <= _FEW_COPIES * n:
            return ()
        text = (
            f"{n - distinct} of {n} rows are copies of others: they stay on one side of the split, "
            "and stderr, which counts them as independent samples, is too small"
        )
        return (Caution(text, "copies"),)
    seen = int(np.isin(groups[held_out], groups[train]).sum())
    if seen <= _FEW_COPIES * len(held_out):
        return ()
    text = (
        f"{seen} of {len(held_out)} held-out rows are copies of training rows, which the network "
        "may know by heart: the value can be far too high"
    )
    return (Caution(text, "copies"),)


def _series_warnings(blocks: Sequence[Array]) -> tuple[Caution, ...]:
    """Return a warning if rows next to each other are alike in every variable."""
    alike = [_likeness(block[:_ENOUGH_ROWS, :_ENOUGH_COLUMNS]) for block in blocks]
    if not min(alike) > _ALIKE:
        return ()
    text = (
        f"rows next to each other are alike in every variable (rank correlation {min(alike):.2f} "
        "or more): if they are a time series, held-out samples are nearly copies of training "
        "samples, and the value can be too high; use split='blocked', or shuffle rows that are "
        "merely sorted"
    )
    return (Caution(text, "autocorrelation"),)


def _likeness(block: Array) -> float:
    """Return the largest rank correlation of a column with itself one row later."""
    largest = 0.0
    for column in block.T:
        ranks = average_ranks(column)
        before, after = ranks[:-1] - ranks[:-1].mean(), ranks[1:] - ranks[1:].mean()
        size = math.sqrt(float(before @ before) * float(after @ after))
        if size > 0.0:
            largest = max(largest, float(before @ after) / size)
    return largest
