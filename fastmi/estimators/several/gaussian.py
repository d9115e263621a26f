"""Dual total correlation, O-information and S-information of jointly Gaussian variables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._estimate import Estimate
from fastmi._inputs import variable_names
from fastmi._plug_in import (
    Signed,
    of_several_difference,
    of_several_dual,
    of_several_sum,
    parts_of_several,
    plug_in_bias,
)
from fastmi.estimators.gaussian import (
    Normal,
    Pairs,
    canonical_pairs,
    chained_pairs,
    orthonormal,
)

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class _OfSeveral(Normal):
    """A sum of the total correlation and its dual, with signs."""

    # Signs of the total correlation and of its dual.
    _signs: ClassVar[tuple[int, int]]

    def _information(self, number: int) -> Signed:
        """Return what is estimated from a number of variables."""
        raise NotImplementedError

    def estimate(self, *variables: object) -> Estimate:
        """Estimate the quantity in nats.

        Args:
            *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired.

        Returns:
            One estimate; its ``local`` are log ratios of the fitted densities.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Fewer than two variables; samples of wrong shape or length, not finite;
                n <= (number of columns of all variables) + 1.
        """
        start = perf_counter()
        blocks, notes = self._read(variables, variable_names(variables))
        m = len(blocks)
        total, dual = self._signs
        signed = self._information(m)
        pairs = []
        signs = []
        if total and signed:
            pairs += chained_pairs(blocks)
            signs += [total] * (m - 1)
        if dual and signed:
            pairs += _dual_pairs(blocks)
            signs += [dual] * (m - 1)
        ranks = [orthonormal(block).of.shape[1] for block in blocks]
        found = self._result(
            pairs, blocks, notes, ranks=ranks, signed=signed, start=start, signs=signs
        )
        if len(signs) > m - 1 and math.isfinite(found):
            half = len(pairs) // 2
            found.terms = {
                name: 0.5 * math.fsum(float(-np.log(one.rest).sum()) for one in own)
                - (plug_in_bias(len(blocks[0]), ranks, of_part) if self.bias_correction else 0.0)
                for (name, of_part), own in zip(
                    parts_of_several(m).items(), (pairs[:half], pairs[half:]), strict=True
                )
            }
        return found


def _dual_pairs(blocks: list[Array]) -> list[Pairs]:
    """Return canonical pairs whose information sums up to the dual total correlation.

    By the chain rule from the last variable on, ``h(X) = sum_b h(X_b | X_(b+1), ..., X_m)``, so
    that the dual is the sum of ``I(X_b; X_1, ..., X_(b-1) | X_(b+1), ..., X_m)``, none of them
    negative.
    """
    found = []
    for b in range(1, len(blocks)):
        after = orthonormal(np.hstack(blocks[b + 1 :])) if b + 1 < len(blocks) else None
        before = orthonormal(np.hstack(blocks[:b]), after)
        found.append(canonical_pairs(before, orthonormal(blocks[b], after)))
    return found


@dataclass(frozen=True, kw_only=True)
class GaussianDualTotalCorrelation(_OfSeveral):
    """The dual total correlation of the Gaussian with the covariance of the samples.

    It is ``h(X) - sum_b h(X_b | X_-b)`` with X_-b all variables but b: with the conditional
    covariances ``S_b|-b``::

        D = 1/2 log det S - 1/2 sum_b log det S_b|-b

    Its bias on normal samples is known as that of :class:`fastmi.Gaussian` is, and subtracted. For
    two variables it is that estimator.
    """

    _signs: ClassVar[tuple[int, int]] = (0, 1)

    def _information(self, number: int) -> Signed:
        return of_several_dual(number)


@dataclass(frozen=True, kw_only=True)
class GaussianOInformation(_OfSeveral):
    """The O-information of the Gaussian with the covariance of the samples.

    It is :class:`fastmi.GaussianTotalCorrelation` less
    :class:`fastmi.GaussianDualTotalCorrelation`. Where linear functions determine variables, both
    are infinite: the value has the sign of the one with more determined directions, and is NaN
    where they have as many.
    """

    _signs: ClassVar[tuple[int, int]] = (1, -1)

    def _information(self, number: int) -> Signed:
        return of_several_difference(number)


@dataclass(frozen=True, kw_only=True)
class GaussianSInformation(_OfSeveral):
    """The S-information of the Gaussian with the covariance of the samples.

    It is :class:`fastmi.GaussianTotalCorrelation` and
    :class:`fastmi.GaussianDualTotalCorrelation` together.
    """

    _signs: ClassVar[tuple[int, int]] = (1, 1)

    def _information(self, number: int) -> Signed:
        return of_several_sum(number)
