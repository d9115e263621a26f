"""The forms of ``estimate()``: of one variable, of two, of two given a third, of several.

A member of the wing inherits the form of what it estimates and supplies ``_terms``, its formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from time import perf_counter
from typing import ClassVar

from fastmi._estimate import Estimate
from fastmi._inputs import is_empty, variable_names
from fastmi._plug_in import OF_TWO, OF_TWO_GIVEN_THIRD, Signed, of_several
from fastmi.estimators.neighbors.base import Array, NeighborEstimator, Terms, widths


@dataclass(frozen=True, kw_only=True)
class Form(NeighborEstimator):
    """What the forms share: read the samples, apply the formula, make the estimates."""

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        """Return the terms of each number of neighbours, and the search that ran."""
        raise NotImplementedError

    def _information(self, number: int) -> Signed:
        """Return what is estimated from a number of blocks, as a signed sum of entropies."""
        raise NotImplementedError

    def _estimate(
        self, arrays: Sequence[object], names: Sequence[str]
    ) -> Estimate | list[Estimate]:
        start = perf_counter()
        samples = self._read(arrays, names)
        blocks, ks, _ = samples
        terms, algorithm = self._terms(blocks, ks)
        return self._finish(samples, terms, dims=widths(blocks), algorithm=algorithm, start=start)


@dataclass(frozen=True, kw_only=True)
class OfOne(Form):
    """Estimators of the differential entropy of one variable."""

    def estimate(self, x: object) -> Estimate | list[Estimate]:
        """Estimate h(X) in nats.

        Args:
            x: Samples, shape (n, d) or (n,).

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape, not finite; k >= n, or a k that the estimator
                cannot use; k or more copies of a sample, where the estimate would be minus
                infinity.
        """
        return self._estimate((x,), ("x",))


@dataclass(frozen=True, kw_only=True)
class OfTwo(Form):
    """Estimators of the mutual information of two variables."""

    def _information(self, number: int) -> Signed:
        del number
        return OF_TWO

    def estimate(self, x: object, y: object) -> Estimate | list[Estimate]:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; k >= n, or a k that the
                estimator cannot use.
        """
        return self._estimate((x, y), ("x", "y"))


@dataclass(frozen=True, kw_only=True)
class OfTwoGivenThird(Form):
    """Estimators of the mutual information of two variables given a third."""

    # The estimator without a condition; it has the same options.
    _plain: ClassVar[type[OfTwo]]

    def _information(self, number: int) -> Signed:
        del number
        return OF_TWO_GIVEN_THIRD

    def estimate(self, x: object, y: object, z: object = None) -> Estimate | list[Estimate]:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns: I(X; Y).

        Returns:
            One estimate, or a list of them if `k` is a sequence. The rows of its ``counts``
            are n_xz, n_yz and n_z; without a condition, n_x and n_y.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; k >= n, or more than a window
                of time leaves.
        """
        if not is_empty(z):
            return self._estimate((x, y, z), ("x", "y", "z"))
        # A subclass may have further options.
        options = {option.name: getattr(self, option.name) for option in fields(self._plain)}
        found = self._plain(**options).estimate(x, y)
        for estimate in found if isinstance(found, list) else [found]:
            estimate.method = self.method
        return found


@dataclass(frozen=True, kw_only=True)
class OfSeveral(Form):
    """Estimators of the total correlation of two or more variables."""

    def _information(self, number: int) -> Signed:
        return of_several(number)

    def estimate(self, *variables: object) -> Estimate | list[Estimate]:
        """Estimate the total correlation in nats.

        Args:
            *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired.

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Fewer than two variables; samples of wrong shape or length, not finite;
                k >= n.
        """
        return self._estimate(variables, variable_names(variables))
