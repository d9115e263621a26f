"""Dual total correlation, O-information and S-information of discrete variables, from counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from time import perf_counter

from fastmi._estimate import Estimate
from fastmi._inputs import variable_names
from fastmi._plug_in import (
    Signed,
    of_several_difference,
    of_several_dual,
    of_several_sum,
    parts_of_several,
)
from fastmi._symbols import crossed
from fastmi.estimators.discrete import Counted, cautions_of, read_symbols


@dataclass(frozen=True, kw_only=True)
class _OfSeveral(Counted):
    """A sum of entropies of several variables with signs, each entropy corrected by itself."""

    def _information(self, number: int) -> Signed:
        """Return what is estimated from a number of variables."""
        raise NotImplementedError

    def estimate(self, *variables: object) -> Estimate:
        """Estimate the quantity in nats.

        Args:
            *variables: Two or more sets of classes, shapes (n, d_b) or (n,), rows paired, as in
                :meth:`fastmi.DiscreteEntropy.estimate`.

        Raises:
            TypeError: Values that cannot be compared.
            ValueError: Fewer than two variables; samples of wrong shape or length; missing labels.
        """
        start = perf_counter()
        names = variable_names(variables)
        margins, dims = read_symbols(variables, names)
        m = len(margins)
        weights = dict(self._information(m))
        # All variables come last, whatever their weight.
        everything = tuple(range(m))
        weights[everything] = weights.pop(everything, 0)
        symbols = [reduce(crossed, [margins[b] for b in space]) for space in weights]
        parts = {name: dict(signed) for name, signed in parts_of_several(m).items()}
        held = all(own.keys() <= weights.keys() for own in parts.values())
        return self._combine(
            list(zip(symbols, weights.values(), strict=True)),
            dims=dims,
            found=cautions_of(
                margins, names, symbols[-1], 'method="ksg1" is for continuous variables'
            ),
            start=start,
            parts={
                name: [own.get(space, 0) for space in weights]
                for name, own in parts.items()
                if held
            },
        )


@dataclass(frozen=True, kw_only=True)
class DiscreteDualTotalCorrelation(_OfSeveral):
    """The dual total correlation of discrete variables, from the counts of their symbols.

    It is ``sum_b H(X_-b) - (m - 1) H(X)`` with X_-b all variables but b, which is
    ``H(X) - sum_b H(X_b | X_-b)``, and the entropies of :class:`fastmi.DiscreteEntropy`.
    """

    def _information(self, number: int) -> Signed:
        return of_several_dual(number)


@dataclass(frozen=True, kw_only=True)
class DiscreteOInformation(_OfSeveral):
    """The O-information of discrete variables, from the counts of their symbols.

    It is ``sum_b [H(X_b) - H(X_-b)] + (m - 2) H(X)`` with X_-b all variables but b and the
    entropies of :class:`fastmi.DiscreteEntropy`. The ``terms`` of the result are the total
    correlation and its dual, whose difference it is.
    """

    def _information(self, number: int) -> Signed:
        return of_several_difference(number)


@dataclass(frozen=True, kw_only=True)
class DiscreteSInformation(_OfSeveral):
    """The S-information of discrete variables, from the counts of their symbols.

    It is ``sum_b [H(X_b) + H(X_-b)] - m H(X)`` with X_-b all variables but b and the entropies of
    :class:`fastmi.DiscreteEntropy`. The ``terms`` of the result are the total correlation and its
    dual, whose sum it is.
    """

    def _information(self, number: int) -> Signed:
        return of_several_sum(number)
