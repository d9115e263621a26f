"""Information between binned variables: plug-in entropies of equal-width histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce
from fastmi._checks import check_integer
from fastmi._estimate import Estimate
from fastmi._inputs import as_blocks, is_empty, variable_names
from fastmi.estimators._base import Estimator

Array = NDArray[Any]

# Share of samples alone in their joint cell above which an estimate carries a warning.
_SINGLE_SHARE = 0.5
# Largest number of bins that an intp holds on every platform.
_MOST_BINS = 2**31 - 1


class _Cells(NamedTuple):
    """The cell of each sample (n,) and the number of samples in each cell."""

    of: NDArray[np.intp]
    size: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class _Histogram(Estimator):
    """Options of the estimators on equal-width bins.

    Args:
        bins: Number of bins per column, at least 1, between the smallest and the largest value of
            the column.

    Raises:
        TypeError: `bins` is not an integer.
        ValueError: `bins` is smaller than 1.
    """

    bins: int = 10

    def __post_init__(self) -> None:
        object.__setattr__(self, "bins", check_integer("bins", self.bins, 1, _MOST_BINS))

    def _cells(self, block: Array) -> _Cells:
        """Return the cells of a variable: one per tuple of bins that occurs."""
        cells = _Cells(np.zeros(len(block), dtype=np.intp), np.array([len(block)]))
        for column in block.astype(np.float64, copy=False).T:
            low, high = column.min(), column.max()
            if low == high:
                continue
            # Divided by the range first, because bins times a difference could overflow.
            share = (column - low) / (high - low)
            bin_of = np.minimum(self.bins - 1, np.floor(self.bins * share)).astype(np.intp)
            cells = _crossed(cells, _numbered(bin_of))
        return cells

    def _total_correlation(self, arrays: Sequence[object], names: Sequence[str]) -> Estimate:
        start = perf_counter()
        blocks = as_blocks(arrays, names)
        margins = [self._cells(block) for block in blocks]
        joint = margins[0]
        for margin in margins[1:]:
            joint = _crossed(joint, margin)
        n = len(blocks[0])
        log_n = math.log(n)
        sizes = [margin.size[margin.of] for margin in margins]
        logs = np.sum([np.log(size) for size in sizes], axis=0)
        local = np.log(joint.size[joint.of]) + (len(margins) - 1) * log_n - logs
        return _result(self.method, local, np.stack(sizes) - 1, joint, blocks, start)


@dataclass(frozen=True, kw_only=True)
class Binning(_Histogram):
    """The plug-in estimator of I(X; Y) on equal-width bins.

    Every column is cut into `bins` intervals between its own smallest and largest value; a
    variable's symbol is its tuple of bins, and H the entropy of the observed frequencies::

        I = H(X) + H(Y) - H(X, Y)

    It is biased upwards, by about (occupied joint cells)/(2 n), and cannot exceed log n, which
    it reaches when every sample has a cell of its own.
    """

    def estimate(self, x: object, y: object) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite.
        """
        return self._total_correlation((x, y), ("x", "y"))


@dataclass(frozen=True, kw_only=True)
class BinningTotalCorrelation(_Histogram):
    """The plug-in estimator of the total correlation on equal-width bins.

    It is ``sum_b H(X_b) - H(X_1, ..., X_m)`` with the bins and entropies of
    :class:`fastmi.Binning`.
    """

    def estimate(self, *variables: object) -> Estimate:
        """Estimate the total correlation in nats.

        Args:
            *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Fewer than two variables; samples of wrong shape or length, not finite.
        """
        return self._total_correlation(variables, variable_names(variables))


@dataclass(frozen=True, kw_only=True)
class BinningConditional(_Histogram):
    """The plug-in estimator of I(X; Y | Z) on equal-width bins.

    It is ``H(X, Z) + H(Y, Z) - H(Z) - H(X, Y, Z)`` with the bins and entropies of
    :class:`fastmi.Binning`.
    """

    def estimate(self, x: object, y: object, z: object = None) -> Estimate:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns give I(X; Y).

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite.
        """
        if is_empty(z):
            return Binning(bins=self.bins).estimate(x, y)
        start = perf_counter()
        blocks = as_blocks((x, y, z), ("x", "y", "z"))
        in_x, in_y, in_z = (self._cells(block) for block in blocks)
        in_xz, in_yz = _crossed(in_x, in_z), _crossed(in_y, in_z)
        joint = _crossed(in_xz, in_y)
        size_xz, size_yz, size_z = (c.size[c.of] for c in (in_xz, in_yz, in_z))
        local = np.log(joint.size[joint.of]) + np.log(size_z) - (np.log(size_xz) + np.log(size_yz))
        return _result(
            self.method, local, np.stack([size_xz, size_yz, size_z]) - 1, joint, blocks, start
        )


def _numbered(symbols: NDArray[np.intp]) -> _Cells:
    _, of, size = np.unique(symbols, return_inverse=True, return_counts=True)
    return _Cells(of.reshape(-1), size)


def _crossed(a: _Cells, b: _Cells) -> _Cells:
    """Return the occupied cells of the product of two partitions."""
    # Both are numbered without gaps, so the product stays below n^2.
    return _numbered(a.of * len(b.size) + b.of)


def _result(
    method: str,
    local: NDArray[np.float64],
    counts: NDArray[np.intp],
    joint: _Cells,
    blocks: list[Array],
    start: float,
) -> Estimate:
    n = len(local)
    found = []
    single = int(np.count_nonzero(joint.size == 1))
    if n > 1 and single > _SINGLE_SHARE * n:
        found.append(
            Caution(
                f"{single} of {n} samples are alone in their joint cell: the estimate is mostly "
                "bias upwards; use fewer bins or more samples",
                "few_samples",
            )
        )
    return announce(
        Estimate(
            # Correctly rounded, so that neither the order of samples nor of variables matters.
            math.fsum(local) / n,
            k=None,
            n=n,
            dims=tuple(block.shape[1] for block in blocks),
            method=method,
            stderr=float(local.std()) / n**0.5,
            local=local,
            warnings=tuple(found),
            algorithm="none",
            counts=counts.astype(np.int64),
            seconds=perf_counter() - start,
        )
    )
