"""What to know of discrete and mixed variables that are compared by distances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._cautions import Caution
from fastmi.estimators.neighbors._ties import TIED_SHARE, never_vary

Array = NDArray[Any]

# Share of all samples that one margin counts on average while the other counts about k.
DOMINATED_SHARE = 0.5

# Random numberings of the classes that the estimate is compared with, and the difference between
# them that matters: nats, and share of the value. Half of the samples scatter more.
_NUMBERINGS = 5
_DIFFERENCE = 0.05
_GAIN = 0.2
_SHARE = 0.1
# Samples per neighbour below which no numbering is compared, and samples that are enough for it.
_FEW = 20
_ENOUGH = 4000


def copies_of(count: Callable[..., NDArray[np.int64]], blocks: list[Array]) -> NDArray[np.int64]:
    """Return the number of exact copies of each sample, shape (n,).

    Args:
        count: Function of blocks, radii and `strict` that counts within the radii.
        blocks: Arrays of shape (n, d_b).
    """
    zero = np.zeros(len(blocks[0]), dtype=blocks[0].dtype)
    return count(blocks, zero, strict=False)


def margin_copies(
    count: Callable[..., NDArray[np.int64]], blocks: list[Array]
) -> NDArray[np.int64]:
    """Return the number of exact copies of each sample in each variable, shape (m, n)."""
    return np.stack([copies_of(count, [block]) for block in blocks])


def scale_cautions(
    blocks: list[Array],
    counts: NDArray[np.int64],
    k: int,
    atoms: Callable[[], NDArray[np.int64]],
    advice: str,
) -> list[Caution]:
    """Return a caution if the distances of one variable decide which samples are near.

    Args:
        blocks: x and y.
        counts: Other samples within the radius of each, in x and in y, shape (2, n).
        k: Number of neighbours.
        atoms: Function that returns the number of other samples with the same value, in x and in y,
            shape (2, n).
        advice: What to do about it.
    """
    n = counts.shape[1]
    means = counts.mean(axis=1)
    wide = int(means.argmax())
    if n < 10 * k or means[wide] <= DOMINATED_SHARE * n:
        return []
    inside, dominating = "xy"[wide], "yx"[wide]
    if never_vary([blocks[wide]]):
        text = f"{inside} is constant, and the estimate says nothing about dependence: leave it out"
        return [Caution(text, "constant")]
    # Samples of the same class are near whatever the scale.
    if means[1 - wide] >= 2 * k + 1:
        return []
    same = float(atoms()[wide].mean())
    if means[wide] - same <= DOMINATED_SHARE * (n - same):
        return []
    text = (
        f"the scale of {dominating} dominates the joint distance: {inside} barely matters and the "
        f"estimate tends to 0 whatever the dependence; {advice}"
    )
    return [Caution(text, "scale")]


def label_cautions(
    blocks: list[Array],
    names: Sequence[str],
    radius: Array,
    k: int,
    estimate: Callable[[int, list[Array]], float],
) -> list[Caution]:
    """Return a caution for each column of whole numbers that look like names of classes.

    They do if neighbours have other numbers and exchanging the numbers matters: other numberings
    change the estimate, and the given one does not find more dependence than they do, or classes in
    the order of another variable share more information with it. A number that measures something,
    as a count does, loses dependence when its values are exchanged at random, and gains none when
    they are put in order.

    Args:
        blocks: Arrays of shape (n, d_b).
        names: What to call each.
        radius: Distance of each sample to its k-th joint neighbour, shape (n,).
        k: Number of neighbours.
        estimate: Function of k and of blocks that returns their estimate.
    """
    found: list[Caution] = []
    if len(radius) < _FEW * k:
        return found
    step = max(1, len(radius) // _ENOUGH)
    samples = [host(block)[::step] for block in blocks]
    radius = radius[::step]
    for b, name in enumerate(names):
        for j in range(samples[b].shape[1]):
            column = samples[b][:, j]
            # Most columns of continuous values are told by their first few.
            if (column[:100] != np.rint(column[:100])).any() or (column != np.rint(column)).any():
                continue
            levels, codes = np.unique(column, return_inverse=True)
            if not 3 <= len(levels) <= len(column) // 2:
                continue
            if np.count_nonzero(radius >= np.diff(levels).min()) <= TIED_SHARE * len(column):
                continue

            classes = _Classes(samples, b, j, levels, codes.reshape(-1))
            values = classes.other_values(lambda arrays: estimate(k, _as(blocks, arrays)))
            if values:
                where = name if samples[b].shape[1] == 1 else f"column {j} of {name}"
                text = (
                    f"{where} takes {len(levels)} whole numbers, and the estimate depends on how "
                    f"the same classes are numbered ({values[0]:.3g} or {values[1]:.3g} nats): if "
                    "the numbers are names, use method='ross' where only y has classes, "
                    "method='discrete' where both have, or pass one column for each class "
                    "(one-hot), times twice the range of the other variable"
                )
                found.append(Caution(text, "labels"))
    return found


def _as(blocks: list[Array], arrays: list[Array]) -> list[Array]:
    pairs = zip(blocks, arrays, strict=True)
    return [like(block, np.ascontiguousarray(array)) for block, array in pairs]


class _Classes(NamedTuple):
    """A column whose whole numbers may be names of classes.

    Attributes:
        samples: All blocks in host memory.
        b: Number of its block.
        j: Its place in the block.
        levels: The numbers, ascending.
        codes: Position of each sample's number among them, shape (n,).
    """

    samples: list[Array]
    b: int
    j: int
    levels: Array
    codes: NDArray[np.intp]

    def other_values(self, estimate: Callable[[list[Array]], float]) -> tuple[float, ...]:
        """Return two estimates that differ by the numbering alone, () if the given one is fine."""
        given = np.arange(len(self.levels))
        rng = np.random.default_rng([self.b, self.j])
        everything = slice(None)
        value = estimate(self.renumbered(given, everything))
        tried = [
            estimate(self.renumbered(rng.permutation(given), everything))
            for _ in range(_NUMBERINGS)
        ]
        low, high = min(value, *tried), max(value, *tried)
        if value <= max(tried) and high - low > max(_DIFFERENCE, _SHARE * abs(high)):
            return low, high
        # The order comes from one half of the samples and is tried on the other.
        even, odd = slice(0, None, 2), slice(1, None, 2)
        low = estimate(self.renumbered(given, odd))
        high = estimate(self.renumbered(self.ordered(even), odd))
        return (low, high) if high - low > max(_GAIN, _SHARE * abs(high)) else ()

    def renumbered(self, order: NDArray[np.intp], rows: slice) -> list[Array]:
        """Return some rows of the blocks, with the numbers of the classes exchanged."""
        others = [block[rows] for block in self.samples]
        others[self.b] = others[self.b].copy()
        others[self.b][:, self.j] = self.levels[order][self.codes[rows]]
        return others

    def ordered(self, rows: slice) -> NDArray[np.intp]:
        """Return the places of the classes in the order of their mean of another variable."""
        other = self.samples[self.b == 0][rows, 0]
        total = np.bincount(self.codes[rows], other, len(self.levels))
        number = np.bincount(self.codes[rows], minlength=len(self.levels))
        return np.argsort(np.argsort(total / np.maximum(number, 1)))
