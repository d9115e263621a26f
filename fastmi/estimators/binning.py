"""Information between binned variables: plug-in entropies of equal-width histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce, constant_caution
from fastmi._checks import check_integer
from fastmi._estimate import Estimate
from fastmi._inputs import as_blocks, is_empty, variable_names
from fastmi._symbols import Symbols, crossed, numbered
from fastmi.estimators._base import Estimator

Array = NDArray[Any]

# Share of samples alone in their joint cell above which an estimate carries a warning.
_SINGLE_SHARE = 0.5
# A column is taken for classes where so many samples or more share a value on average, fewer if all
# values are whole numbers. More than a hundred values, or ten per bin, are taken for readings.
_SAMPLES_PER_CLASS, _SAMPLES_PER_WHOLE_CLASS = 20, 5
_MOST_CLASSES, _CLASSES_PER_BIN = 100, 10
# Share of samples in one bin above which the spread of the others is what fixes the bins.
_CROWDED_SHARE = 0.9
# Number of values that are looked at before all of them are sorted.
_PROBE = 1000
# Largest number of bins that an intp holds on every platform.
_MOST_BINS = 2**31 - 1


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

    def _cells(self, block: Array, name: str, found: list[Caution]) -> Symbols:
        """Return the cells of a variable, one per tuple of bins that occurs.

        What speaks against the bins of its columns is appended to `found`.
        """
        cells = Symbols(np.zeros(len(block), dtype=np.intp), np.array([len(block)]))
        varies = 0
        for j, column in enumerate(block.astype(np.float64, copy=False).T):
            low, high = column.min(), column.max()
            if low == high:
                continue
            varies += 1
            bin_of = _bins_of(column, float(low), float(high), self.bins)
            own = numbered(bin_of)
            where = f"column {j} of {name}" if block.shape[1] > 1 else name
            found += _bin_cautions(column, own, self.bins, where)
            cells = crossed(cells, own)
        if varies == 0:
            found.append(constant_caution(name))
        return cells

    def _total_correlation(self, arrays: Sequence[object], names: Sequence[str]) -> Estimate:
        start = perf_counter()
        blocks = as_blocks(arrays, names)
        found: list[Caution] = []
        margins = [
            self._cells(block, name, found) for block, name in zip(blocks, names, strict=True)
        ]
        joint = margins[0]
        for margin in margins[1:]:
            joint = crossed(joint, margin)
        n = len(blocks[0])
        log_n = math.log(n)
        sizes = [margin.size[margin.of] for margin in margins]
        logs = np.sum([np.log(size) for size in sizes], axis=0)
        local = np.log(joint.size[joint.of]) + (len(margins) - 1) * log_n - logs
        return _result(self.method, local, np.stack(sizes) - 1, joint, blocks, found, start)


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
        names = ("x", "y", "z")
        blocks = as_blocks((x, y, z), names)
        found: list[Caution] = []
        in_x, in_y, in_z = (
            self._cells(block, name, found) for block, name in zip(blocks, names, strict=True)
        )
        in_xz, in_yz = crossed(in_x, in_z), crossed(in_y, in_z)
        joint = crossed(in_xz, in_y)
        size_xz, size_yz, size_z = (c.size[c.of] for c in (in_xz, in_yz, in_z))
        local = np.log(joint.size[joint.of]) + np.log(size_z) - (np.log(size_xz) + np.log(size_yz))
        counts = np.stack([size_xz, size_yz, size_z]) - 1
        return _result(self.method, local, counts, joint, blocks, found, start)


def _bins_of(column: NDArray[np.float64], low: float, high: float, bins: int) -> NDArray[np.intp]:
    """Return floor(bins (v - low) / (high - low)) of each value v, and bins - 1 for the largest.

    It is that of the exact quotient, so that values on an edge are in the bin above it.

    Args:
        column: Values, shape (n,).
        low: The smallest of them.
        high: The largest of them, not equal to `low`.
        bins: Number of bins.
    """
    # Divided by the range first, because bins times a difference could overflow.
    place = bins * ((column - low) / (high - low))
    # Two differences, a quotient and a product round by half an epsilon each at most.
    slack = 4 * np.finfo(np.float64).eps
    bin_of = np.floor(place * (1 - slack)).astype(np.intp)
    edge = np.floor(place * (1 + slack)).astype(np.intp)
    rows = np.flatnonzero(bin_of != edge)
    if len(rows):
        # Values on edges mostly repeat, and each is looked at once.
        values, first, copies = np.unique(column[rows], return_index=True, return_inverse=True)
        edges = edge[rows[first]].astype(object)
        *numbers, least, most = _as_integers(np.append(values, [low, high]))
        above = bins * (np.array(numbers, dtype=object) - least) >= edges * (most - least)
        bin_of[rows[above[copies.reshape(-1)]]] += 1
    found: NDArray[np.intp] = np.minimum(bin_of, bins - 1)
    return found


def _as_integers(values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return finite floats in units of a power of two that divides all of them, as Python's int."""
    mantissa, exponent = np.frexp(values)
    whole = np.ldexp(mantissa, np.finfo(np.float64).nmant + 1).astype(np.int64).astype(object)
    shifts = (exponent - exponent.min()).astype(object)
    numbers: NDArray[np.object_] = whole << shifts
    return numbers


def _bin_cautions(
    column: NDArray[np.float64], bins_of: Symbols, bins: int, where: str
) -> list[Caution]:
    """Return what speaks against equal-width bins of a column that is not constant."""
    n, occupied = len(column), len(bins_of.size)
    found = []
    classes = _classes(column, bins)
    if classes > occupied:
        text = (
            f"{where} has {classes} different values, which bins={bins} put into {occupied} bins: "
            'if they are classes, some are merged, and method="discrete" keeps them apart'
        )
        found.append(Caution(text, "few_bins"))
    crowded = int(bins_of.size.max())
    if bins > 1 and crowded > _CROWDED_SHARE * n:
        quarter, three_quarters = np.percentile(column, [25, 75])
        if quarter < three_quarters:  # else most samples have one value, which no bins can split
            text = (
                f"{crowded} of {n} values of {where} are in one of bins={bins} of equal width, "
                f"because a few lie far out: half of them are in [{quarter:.3g}, "
                f"{three_quarters:.3g}], all in [{column.min():.3g}, {column.max():.3g}]; bin the "
                "ranks, fastmi.normalize.rank, or clip"
            )
            found.append(Caution(text, "outliers"))
    return found


def _classes(column: NDArray[np.float64], bins: int) -> int:
    """Return the number of different values of a column that is evidently discrete, else 0."""
    n = len(column)
    whole = bool((column == np.floor(column)).all())
    per_class = _SAMPLES_PER_WHOLE_CLASS if whole else _SAMPLES_PER_CLASS
    most = min(n // per_class, max(_MOST_CLASSES, _CLASSES_PER_BIN * bins))
    if n > _PROBE and len(np.unique(column[:_PROBE])) > most:
        return 0
    times = np.unique(column, return_counts=True)[1]
    repeated = 2 * np.count_nonzero(times > 1) > len(times)
    return len(times) if repeated and len(times) <= most else 0


def _result(
    method: str,
    local: NDArray[np.float64],
    counts: NDArray[np.intp],
    joint: Symbols,
    blocks: list[Array],
    found: list[Caution],
    start: float,
) -> Estimate:
    n = len(local)
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
