"""What an operation is, and how the numbers that it answers are held to bounds."""

from typing import NamedTuple

import numpy as np

from fuzz.oracle import Span, Truth, harmonic_digamma

RIGHT, UNDECIDED, WRONG = 0, 1, 2
SORT_MAX_K = 64  # neighbours that the sorted search keeps for two joint columns
PSI = harmonic_digamma(6000)


class Part(NamedTuple):
    """One array of an answer, and bounds of what is right."""

    name: str
    got: np.ndarray
    low: np.ndarray
    high: np.ndarray
    undecided: np.ndarray  # where an answer within the bounds may still be wrong

    def verdicts(self):
        inside = (self.low <= self.got) & (self.got <= self.high)
        return np.where(inside, np.where(self.undecided, UNDECIDED, RIGHT), WRONG)


def counts(name, got, span):
    return Part(name, got, span.low, span.high, span.low != span.high)


def known(name, got, right, tolerance=0.0):
    got, right = np.asarray(got), np.asarray(right)
    return Part(name, got, right - tolerance, right + tolerance, np.zeros(got.shape, bool))


def distances(name, got, span):
    """Hold distances to their spans; one above the largest number of its dtype is infinite."""
    most = np.finfo(got.dtype).max
    low, high = (np.where(side > most, np.inf, side) for side in span)
    # Those within rounding are right; where a span is wider, below the stated floor, or where the
    # largest number lies inside, nothing is known.
    loose = (low != high) & ~(high - low <= 1e-3 * high)
    return Part(name, got, low, high, loose)


class Op:
    """An operation of the kernels.

    Attributes:
        blocks: Least and most number of blocks.
        algorithms: Searches to go through; None where the operation takes no name.
        module: Module that has it, a key of `MODULES` in ways.py.
        cuda: Whether the module for GPUs has it.
        weight: How often it is drawn, relative to others.
    """

    blocks = (1, 4)
    algorithms = ("auto", "tree", "brute", "sort")
    module = "_cpu"
    cuda = True
    weight = 1.0

    def draw(self, rng, case):
        """Return the parameters of a case beside its data, as plain values."""
        return {}

    def accepts(self, case, algorithm):
        """Return whether this search handles the case, by the kernel contract."""
        if algorithm != "sort":
            return True
        return case.dims == (1,) or (case.dims == (1, 1) and max(case.ks) <= SORT_MAX_K)

    def may_refuse(self, case, truth):
        """Return whether the operation may refuse samples that a search accepts."""
        return False

    def truth(self, case, blocks):
        """Return what `judge` needs, computed once for all paths."""
        return Truth(blocks, case.metric)


def psi_parts(where, mean, std, terms):
    """Hold a mean and a spread to digammas of the counts, which are judged by themselves."""
    right = terms.sum(axis=0)
    yield known(f"[0][{where}]", mean, float(right.mean()), 1e-12 * (1 + abs(float(right.mean()))))
    yield known(f"[1][{where}]", std, float(right.std()), 1e-7)


def zeros(span):
    """Bounds of how many radii are 0."""
    return Span(np.count_nonzero(span.high == 0), np.count_nonzero(span.low == 0))
