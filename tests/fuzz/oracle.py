"""Right answers from whole distance matrices, with bounds where rounding leaves more than one.

fastmi states its numbers in terms of distances as they are computed in the dtype of the samples.
A Chebyshev distance is one correctly rounded difference, and so is any distance in one dim, so that
an answer is right or wrong. A Euclidean distance depends on the order of its sum, of which nothing
is assumed here: distances are computed in a wider type, and each stands for the interval of all
numbers that roundings in the narrow one could make of it. A count then has a lower and an upper
bound. Where these differ, the answer is undecided, and still wrong outside of them. Differences of
small whole numbers, in whatever unit, have exact squares, and nothing about them is undecided.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

WIDE = {"float32": np.float64, "float64": np.longdouble}
# Down to this times the root of the number of columns, in units of the range of the widest column,
# Euclidean distances keep their digits (docs/index.md); below, one may be computed to anything up
# to it.
STATED_FLOOR = {"float32": 2e-37, "float64": 4e-307}


class Span(NamedTuple):
    """Bounds of numbers; both are one array where the numbers are known."""

    low: np.ndarray
    high: np.ndarray


class Truth:
    """Distances among samples, and what follows from them.

    Args:
        blocks: Arrays of shape (n, d_b).
        metric: Distance inside a block.
        scale: Factor of the distances in the last block, rounded once.
        window: Samples this near in order are no neighbours.
    """

    def __init__(self, blocks, metric, scale=None, window=0):
        self.blocks, self.metric = blocks, metric
        self.dtype = str(blocks[0].dtype)
        self.n = n = len(blocks[0])
        spread = max(
            float(np.ptp(block.astype(WIDE[self.dtype]), axis=0).max()) for block in blocks
        )
        self.floor = 0.0
        if metric == "euclidean" and any(block.shape[1] > 1 for block in blocks):
            columns = sum(block.shape[1] for block in blocks)
            self.floor = WIDE[self.dtype](STATED_FLOOR[self.dtype]) * np.sqrt(columns) * spread
        self.margins = [block_spans(block, metric, self.floor) for block in blocks]
        if scale is not None:
            self.margins[-1] = times(self.margins[-1], blocks[-1].dtype.type(scale))
        place = np.arange(n)
        self.others = np.abs(place[:, None] - place[None, :]) > window
        self.exact = all(span.low is span.high for span in self.margins)

    def space(self, blocks):
        """Spans of the distances in several blocks, the largest of theirs."""
        if len(blocks) == len(self.blocks) and "joint" in vars(self):
            return self.joint
        if len(blocks) == 1:
            return self.margins[blocks[0]]
        low = np.maximum.reduce([self.margins[b].low for b in blocks])
        if all(self.margins[b].low is self.margins[b].high for b in blocks):
            return Span(low, low)
        return Span(low, np.maximum.reduce([self.margins[b].high for b in blocks]))

    @cached_property
    def joint(self):
        """Spans (n, n) of the joint distances."""
        return self.space(range(len(self.blocks)))

    @cached_property
    def ranked(self):
        """Order statistics of the joint distances of each sample: spans (n, n), padded with inf."""
        low, high = (np.sort(np.where(self.others, side, np.inf), axis=1) for side in self.joint)
        return Span(low, low if self.exact else high)

    def kth(self, k):
        """Span (n,) of the k-th joint distance."""
        return Span(self.ranked.low[:, k - 1], self.ranked.high[:, k - 1])

    @cached_property
    def order(self):
        """Other samples by (distance, index), by lower bounds of the distance: (n, n)."""
        return np.argsort(np.where(self.others, self.joint.low, np.inf), axis=1, kind="stable")

    def count(self, space, radius, strict, at=None):
        """Spans (n,) of the numbers of other samples within spans of radii.

        Args:
            space: Blocks whose largest distance is compared.
            radius: Span (n,).
            strict: Whether a distance equal to the radius is outside.
            at: Pairs (n, n) whose computed distance is known to be the computed radius.
        """
        low, high = self.space(space)
        least, most = radius.low[:, None], radius.high[:, None]
        sure = high < least if strict else high <= least
        possible = low < most if strict else low <= most
        if at is not None:
            sure, possible = sure & ~at, possible & ~at
            if not strict:
                sure, possible = sure | at, possible | at
        return Span(
            *(np.count_nonzero(inside & self.others, axis=1) for inside in (sure, possible))
        )

    def at_kth(self, space, k):
        """Pairs (n, n) in a space that are exactly as far apart as the k-th joint neighbour.

        If only one sample, or copies of one, can be the k-th neighbour, then the number that the
        distance is computed to is also the radius, provided that the space has the largest block.
        """
        if self.exact:
            return None
        low, high = self.joint
        radius = self.kth(k)
        candidates = self.others & (low <= radius.high[:, None]) & (high >= radius.low[:, None])
        chosen = candidates.argmax(axis=1)
        rows = row_numbers(np.hstack(self.blocks))
        one = ~np.any(candidates & (rows[None, :] != rows[chosen][:, None]), axis=1)
        rest = [b for b in range(len(self.blocks)) if b not in space]
        query = np.arange(self.n)
        if rest:
            one &= self.space(space).low[query, chosen] > self.space(rest).high[query, chosen]
        own = row_numbers(np.hstack([self.blocks[b] for b in space]))
        return one[:, None] & (own[None, :] == own[chosen][:, None])

    def neighbours(self, k):
        """Pairs (n, n) that are surely, and that are possibly, among the k joint neighbours."""
        if self.exact:
            inside = np.zeros((self.n, self.n), bool)
            np.put_along_axis(inside, self.order[:, :k], True, axis=1)
            return Span(inside, inside)
        low, high = self.joint
        least, most = self.ranked
        after = least[:, k : k + 1] if k < self.n else np.full((self.n, 1), np.inf)
        return Span(self.others & (high < after), self.others & (low <= most[:, k - 1 : k]))

    def count_closed(self, spaces, k):
        """Spans of counts up to the largest distance in each block to the k joint neighbours."""
        sure, possible = self.neighbours(k)
        inside = []
        for low, high in self.margins:
            least = np.where(sure, low, -1).max(axis=1, keepdims=True)
            most = np.where(possible, high, -1).max(axis=1, keepdims=True)
            inside.append(((high <= least) | sure, low <= most))
        counts = []
        for space in spaces:
            ends = (np.logical_and.reduce([inside[b][end] for b in space]) for end in (0, 1))
            counts.append(Span(*(np.count_nonzero(end & self.others, axis=1) for end in ends)))
        return counts


def block_spans(x, metric, floor):
    """Spans (n, n) of the distances inside one block, in the dtype where they are known exactly."""
    d, dtype = x.shape[1], str(x.dtype)
    if metric == "chebyshev" or d == 1:
        largest = np.zeros((len(x), len(x)), x.dtype)
        for column in x.T:
            np.maximum(largest, np.abs(column[:, None] - column[None, :]), out=largest)
        known = Span(largest, largest)
        return widened(known, 0, floor, dtype) if floor else known
    wide = x.astype(WIDE[dtype])
    squares = np.zeros((len(x), len(x)), wide.dtype)
    for column in wide.T:
        gap = column[:, None] - column[None, :]
        squares += gap * gap
    distance = np.sqrt(squares)
    apart = distance[distance > 0]
    digits = np.finfo(dtype).nmant + 1
    if len(apart) and squares_are_exact(x) and apart.min() > max(2 * floor, np.finfo(dtype).tiny):
        # An even power of two comes out of the root, so that it is taken of a number in range.
        mantissa, exponent = np.frexp(squares)
        odd = exponent % 2
        rooted = np.sqrt(np.ldexp(mantissa, odd).astype(x.dtype))
        rounded = np.ldexp(rooted, (exponent - odd) // 2)
        return Span(rounded, rounded)
    # d squares of rounded differences, d - 1 rounded sums, a root, a product with a power of two;
    # and as many roundings of the wide type.
    unit = 2.0**-digits + 2.0 ** -(np.finfo(wide.dtype).nmant + 1)
    return widened(Span(distance, distance), ((d + 2) / 2 + 2) * unit * 1.01, floor, dtype)


def widened(span, relative, floor, dtype):
    """Bounds of what a distance may be computed to; 0 stays 0."""
    wide = WIDE[dtype]
    low, high = (side.astype(wide) for side in span)
    zero, below = high == 0, high <= floor
    step = np.where(high < 4 * np.finfo(dtype).tiny, wide(np.finfo(dtype).smallest_subnormal), 0)
    low = np.where(below, 0, np.maximum(low * (1 - wide(relative)) - step, 0))
    high = np.where(below, floor, high * (1 + wide(relative)) + step)
    return Span(low, np.where(zero, 0, high))


def times(span, scale):
    """Spans of the product with a number, rounded to its dtype as if no exponent were too large.

    A product that is subnormal may be rounded more coarsely.
    """
    dtype = str(scale.dtype)
    if span.low is span.high:
        mantissa, exponent = np.frexp(span.low)
        product = np.ldexp((mantissa * scale).astype(WIDE[dtype]), exponent)
        if not np.any((product > 0) & (product < 4 * np.finfo(dtype).tiny)):
            return Span(product, product)
        return widened(Span(product, product), 0, 0, dtype)
    spans = Span(*(side * scale.astype(side.dtype) for side in span))
    return widened(spans, 2.0 ** -(np.finfo(dtype).nmant + 1), 0, dtype)


def squares_are_exact(x):
    """Whether sums of squared differences need fewer bits than the dtype has.

    Three bits are kept free, so that different sums have different rounded roots.
    """
    digits = np.finfo(x.dtype).nmant + 1
    mantissa, exponent = np.frexp(x[x != 0].astype(float))
    if not mantissa.size:
        return True
    whole = np.ldexp(mantissa, digits).astype(np.int64)
    lowest = (exponent - digits + np.log2((whole & -whole).astype(float)).astype(int)).min()
    bits = int(exponent.max()) + 1 - int(lowest)
    return 2 * bits + int(np.ceil(np.log2(x.shape[1]))) <= digits - 3


def row_numbers(x):
    """A number (n,) for each row, the same for equal rows."""
    return np.unique(x, axis=0, return_inverse=True)[1].reshape(-1)


def harmonic_digamma(most):
    """Digamma of 1, 2, ..., most, by sums of reciprocals in the widest float; [0] stays unused."""
    euler = np.longdouble("0.577215664901532860606512090082402431042")
    steps = np.cumsum(1 / np.arange(1, most, dtype=np.longdouble))
    return np.concatenate([[np.nan, -euler], steps - euler])
