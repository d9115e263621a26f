"""Entropy and information of discrete variables, from counts and with corrections of their bias."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce
from fastmi._checks import check_choice
from fastmi._columns import check_pairing
from fastmi._estimate import Estimate
from fastmi._inputs import check_same_length, is_empty, variable_names
from fastmi._symbols import Symbols, as_symbols, crossed
from fastmi.estimators._base import Estimator
from fastmi.estimators._chance import chance_information, smooth_grassberger
from fastmi.ops.digamma import digamma

Array = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

# Shares of samples that are alone in their symbol, above which an estimate carries a warning; from
# bench/bench_discrete.py, which counts the estimates that are off and the false alarms.
_UNIQUE_SHARE = 0.5
_SINGLE_SHARE = 0.05


def plug_in(size: NDArray[np.intp], n: int) -> Floats:
    """Return log(n / n_s) of each symbol s."""
    return math.log(n) - np.log(size)


def miller_madow(size: NDArray[np.intp], n: int) -> Floats:
    """Return the surprise of each symbol after Miller and Madow.

    The correction (K - 1)/(2 n) of K symbols is the mean over the samples of
    1/(2 n_s) - 1/(2 n), which are the first terms of psi(n) - psi(n_s) - log(n / n_s).
    """
    surprise: Floats = plug_in(size, n) + (0.5 / size - 0.5 / n)
    return surprise


def chao_shen(size: NDArray[np.intp], n: int) -> Floats:
    """Return the surprise of each symbol after Chao and Shen (2003)."""
    single = int(np.count_nonzero(size == 1))
    # Without any repeated symbol the coverage would be 0, and no estimate be possible.
    coverage = 1.0 - min(single, n - 1) / n
    share = coverage * size / n
    with np.errstate(divide="ignore"):  # one symbol alone has share 1
        seen = -np.expm1(n * np.log1p(-share))
    surprise: Floats = -coverage * np.log(share) / seen
    return surprise


def grassberger(size: NDArray[np.intp], n: int) -> Floats:
    """Return log(n) - G(n_s) of each symbol s, Grassberger (2003), equation 35.

    With m = floor(n_s / 2), G(n_s) = psi(n_s) + (-1)^n_s [psi((n_s + 1)/2) - psi(n_s / 2)]/2 is
    2 psi(2 m + 1) - psi(m + 1) - log 2, which needs psi at integers only.
    """
    half = (size // 2).astype(np.int64)
    surprise: Floats = (
        math.log(n) + math.log(2.0) - (2.0 * digamma(2 * half + 1) - digamma(half + 1))
    )
    return surprise


#: The correction that needs both variables.
CHANCE = "chance"
# Largest factor M / (M - B): beyond it nearly all of the information is chance.
_MOST_FACTOR = 4.0

#: Functions of the sizes of the symbols (s,) and n, whose mean over the samples is the entropy.
CORRECTIONS: Mapping[str, Callable[[NDArray[np.intp], int], Floats]] = {
    "none": plug_in,
    "miller-madow": miller_madow,
    "chao-shen": chao_shen,
    "grassberger": grassberger,
}


@dataclass(frozen=True, kw_only=True)
class Counted(Estimator):
    """Options of the estimators that count symbols.

    Args:
        correction: What is done about the bias of the observed frequencies: "none",
            "miller-madow", "chao-shen" or "grassberger", see :class:`fastmi.DiscreteEntropy`.

    Raises:
        ValueError: Unknown `correction`.
    """

    correction: str = "grassberger"

    def __post_init__(self) -> None:
        check_choice("correction", self.correction, CORRECTIONS)

    def _surprise(self, symbols: Symbols) -> tuple[float, Floats]:
        """Return the entropy, and the surprise of each sample, whose mean it is."""
        n = len(symbols.of)
        surprise = self._of_size(symbols.size, n)
        # Correctly rounded, so that neither the order of samples nor of variables matters.
        return math.fsum(surprise * symbols.size) / n, surprise[symbols.of]

    def _of_size(self, size: NDArray[np.intp], n: int) -> Floats:
        """Return the surprise of symbols of these sizes."""
        if self.correction == CHANCE:
            return math.log(n) - smooth_grassberger(size.astype(np.int64))
        return CORRECTIONS[self.correction](size, n)

    def entropy_of(self, symbols: Symbols) -> float:
        """Return the entropy in nats of symbols."""
        return self._surprise(symbols)[0]

    def _combine(
        self,
        spaces: Sequence[tuple[Symbols, int]],
        *,
        dims: tuple[int, ...],
        found: list[Caution],
        start: float,
        parts: Mapping[str, Sequence[int]] | None = None,
        chance: tuple[float, float] = (0.0, 1.0),
    ) -> Estimate:
        """Return the result for a sum of entropies.

        Args:
            spaces: Symbols and the weight of their entropy. The last are those of all variables,
                whose counts are left out of the result where there are others.
            dims: Columns of each argument.
            found: What speaks against the estimate.
            start: When the call began.
            parts: Further sums by name, the weights in the order of `spaces`.
            chance: What is subtracted from the sum, and by what the rest is multiplied.
        """
        each = [self._surprise(symbols) for symbols, _ in spaces]
        n = len(spaces[0][0].of)
        local = np.zeros(n)
        for (_, own), (_, weight) in zip(each, spaces, strict=True):
            local += weight * own
        shift, factor = chance
        local = (local - shift) * factor
        entropies = [value for value, _ in each]
        counted = [symbols for symbols, _ in spaces[: max(1, len(spaces) - 1)]]
        counts = [symbols.size[symbols.of] - 1 for symbols in counted]
        return announce(
            Estimate(
                (_weighted(entropies, [weight for _, weight in spaces]) - shift) * factor,
                k=None,
                n=n,
                dims=dims,
                method=self.method,
                stderr=float(local.std()) / n**0.5,
                local=local,
                warnings=tuple(found),
                algorithm="none",
                counts=np.stack(counts).astype(np.int64, copy=False),
                seconds=perf_counter() - start,
                terms={name: _weighted(entropies, own) for name, own in (parts or {}).items()},
            )
        )

    def _total_correlation(
        self, arrays: Sequence[object], names: Sequence[str], instead: str
    ) -> Estimate:
        start = perf_counter()
        margins, dims = read_symbols(arrays, names)
        joint = margins[0]
        for margin in margins[1:]:
            joint = crossed(joint, margin)
        found = cautions_of(margins, names, joint, instead)
        spaces = [*((margin, 1) for margin in margins), (joint, -1)]
        return self._combine(spaces, dims=dims, found=found, start=start)


def _weighted(entropies: Sequence[float], weights: Sequence[int]) -> float:
    return math.fsum(weight * value for weight, value in zip(weights, entropies, strict=True))


@dataclass(frozen=True, kw_only=True)
class DiscreteEntropy(Counted):
    """The entropy H(X) of a discrete variable, from the counts of its symbols.

    Each different row is a symbol. With n_s samples of symbol s, K different symbols, f of them
    seen once, C = 1 - f/n, and q_s = C n_s / n::

        "none"          H = sum_s (n_s / n) log(n / n_s)
        "miller-madow"  H = H("none") + (K - 1)/(2 n)
        "chao-shen"     H = - sum_s q_s log(q_s) / (1 - (1 - q_s)^n)
        "grassberger"   H = log(n) - sum_s (n_s / n) G(n_s),
                        G(j) = psi(j) + (-1)^j [psi((j + 1)/2) - psi(j/2)]/2

    The first is the entropy of the observed frequencies, which is too small by about (K - 1)/(2 n).
    The others are by Miller (1955), Note on the bias of information estimates; by Chao and Shen
    (2003), https://doi.org/10.1023/A:1026096204727, where f = n counts as n - 1; and by
    Grassberger (2003), https://arxiv.org/abs/physics/0307138, equation 35.

    "grassberger", the default, has the smallest relative error on the whole, see docs/index.md.
    Where n is below exp(H), most symbols have not been seen, and "chao-shen" is nearest to the
    truth.

    ``local`` of the result is the surprise of each sample, and `counts` the number of other samples
    of its symbol.
    """

    def estimate(self, x: object) -> Estimate:
        """Estimate H(X) in nats.

        Args:
            x: Classes, shape (n,) or (n, d): numbers, booleans, strings, dates or categories, in
                an array of any library, a data frame or a list. Equal rows are one symbol.

        Raises:
            TypeError: Values that cannot be compared.
            ValueError: Samples of wrong shape; missing labels.
        """
        start = perf_counter()
        (symbols,), dims = read_symbols((x,), ("x",))
        found = cautions_of([symbols], ("x",), symbols, 'method="kl" is for continuous x')
        return self._combine([(symbols, 1)], dims=dims, found=found, start=start)


@dataclass(frozen=True, kw_only=True)
class Discrete(Counted):
    """I(X; Y) of discrete variables, from the counts of their symbols.

    It is ``H(X) + H(Y) - H(X, Y)`` with the entropies of :class:`fastmi.DiscreteEntropy`, each
    corrected by itself. With more than about n/2 pairs of symbols even the corrected value is too
    large. ``correction="chance"`` takes Grassberger's entropies, with psi(n_s) for G(n_s) of
    symbols of more than 8 samples because the alternating sign in G scatters more than the
    information of small tables does, and subtracts B, the mean of their information over all
    reorderings of one variable::

        I = (I("grassberger") - B) M / (M - B),    M = min(H(X), H(Y))

    which is 0 on average for independent variables whatever their symbols, and M where one variable
    determines the other, as in the adjusted mutual information of Vinh, Epps and Bailey (2010,
    JMLR 11).

    With Kx, Ky and Kxy different symbols, "none" is too large by about
    (Kxy - Kx - Ky + 1)/(2 n), which "miller-madow" subtracts; corrected values of independent
    variables scatter around 0, and about half of them are negative. A variable that is its own
    partner has ``I(X; X) = H(X)``.

    The standard error sees the scatter of the samples over the symbols, not what is left of the
    bias.
    """

    def __post_init__(self) -> None:
        check_choice("correction", self.correction, [*CORRECTIONS, CHANCE])

    def estimate(self, x: object, y: object) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Classes, shape (n, dx) or (n,), as in :meth:`fastmi.DiscreteEntropy.estimate`.
            y: Classes, shape (n, dy) or (n,), row i paired with row i of `x`.

        Raises:
            TypeError: Values that cannot be compared.
            ValueError: Samples of wrong shape or length; missing labels.
        """
        if self.correction != CHANCE:
            return self._total_correlation((x, y), ("x", "y"), _INSTEAD_OF_TWO)
        start = perf_counter()
        (in_x, in_y), dims = read_symbols((x, y), ("x", "y"))
        joint = crossed(in_x, in_y)
        entropies = (self.entropy_of(in_x), self.entropy_of(in_y))
        chance = self._chance(in_x, in_y, entropies)
        found = cautions_of([in_x, in_y], ("x", "y"), joint, _INSTEAD_OF_TWO)
        spaces = [(in_x, 1), (in_y, 1), (joint, -1)]
        return self._combine(spaces, dims=dims, found=found, start=start, chance=chance)

    def of_symbols(
        self, x: Symbols, y: Symbols, *, entropies: tuple[float, float]
    ) -> tuple[float, float, tuple[Caution, ...]]:
        """Return the value, its standard error and the cautions for symbols of both variables.

        Args:
            x: Symbols of x.
            y: Symbols of y.
            entropies: Their entropies, from :meth:`entropy_of`.
        """
        joint = crossed(x, y)
        n = len(joint.of)
        # One sample of each cell stands for all of them.
        first = np.empty(len(joint.size), dtype=np.intp)
        first[joint.of] = np.arange(n)
        surprise = self._of_size
        local = surprise(x.size, n)[x.of[first]] + surprise(y.size, n)[y.of[first]]
        local -= surprise(joint.size, n)
        shift, factor = self._chance(x, y, entropies)
        value = (self.joint_value(joint, entropies) - shift) * factor
        mean = float(local @ joint.size) / n
        spread = factor * math.sqrt(float((local - mean) ** 2 @ joint.size) / n)
        cautions = cautions_of([x, y], ("x", "y"), joint, _INSTEAD_OF_TWO)
        return value, spread / n**0.5, tuple(cautions)

    def _chance(
        self, x: Symbols, y: Symbols, entropies: tuple[float, float]
    ) -> tuple[float, float]:
        """Return what is subtracted from the information, and by what the rest is multiplied."""
        if self.correction != CHANCE:
            return 0.0, 1.0
        by_chance = chance_information(x.size, y.size)
        most = min(entropies)
        if by_chance >= most * (1.0 - 1.0 / _MOST_FACTOR):
            return by_chance, _MOST_FACTOR
        return by_chance, most / (most - by_chance)

    def reordered_value(self, x: Symbols, y: Symbols, entropies: tuple[float, float]) -> float:
        """Return the value alone, as :meth:`of_symbols` does."""
        shift, factor = self._chance(x, y, entropies)
        return (self.joint_value(crossed(x, y), entropies) - shift) * factor

    def joint_value(self, joint: Symbols, entropies: tuple[float, float]) -> float:
        """Return the estimate from the symbols of the pairs and the entropies of both variables."""
        return math.fsum([*entropies, -self.entropy_of(joint)])


@dataclass(frozen=True, kw_only=True)
class DiscreteTotalCorrelation(Counted):
    """The total correlation of discrete variables, from the counts of their symbols.

    It is ``sum_b H(X_b) - H(X_1, ..., X_m)`` with the entropies of :class:`fastmi.DiscreteEntropy`.
    """

    def estimate(self, *variables: object) -> Estimate:
        """Estimate the total correlation in nats.

        Args:
            *variables: Two or more sets of classes, shapes (n, d_b) or (n,), rows paired, as in
                :meth:`fastmi.DiscreteEntropy.estimate`.

        Raises:
            TypeError: Values that cannot be compared.
            ValueError: Fewer than two variables; samples of wrong shape or length; missing labels.
        """
        names = variable_names(variables)
        return self._total_correlation(
            variables, names, 'method="ksg1" is for continuous variables'
        )


@dataclass(frozen=True, kw_only=True)
class DiscreteConditional(Counted):
    """I(X; Y | Z) of discrete variables, from the counts of their symbols.

    It is ``H(X, Z) + H(Y, Z) - H(Z) - H(X, Y, Z)`` with the entropies of
    :class:`fastmi.DiscreteEntropy`.
    """

    def estimate(self, x: object, y: object, z: object = None) -> Estimate:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Classes, shape (n, dx) or (n,), as in :meth:`fastmi.DiscreteEntropy.estimate`.
            y: Classes, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Classes of the condition, shape (n, dz) or (n,). None or no columns give I(X; Y).

        Raises:
            TypeError: Values that cannot be compared.
            ValueError: Samples of wrong shape or length; missing labels.
        """
        if is_empty(z):
            return Discrete(correction=self.correction).estimate(x, y)
        start = perf_counter()
        names = ("x", "y", "z")
        margins, dims = read_symbols((x, y, z), names)
        in_x, in_y, in_z = margins
        in_xz, in_yz = crossed(in_x, in_z), crossed(in_y, in_z)
        joint = crossed(in_xz, in_y)
        found = cautions_of(margins, names, joint, _INSTEAD_OF_THREE)
        spaces = [(in_xz, 1), (in_yz, 1), (in_z, -1), (joint, -1)]
        return self._combine(spaces, dims=dims, found=found, start=start)


_INSTEAD_OF_TWO = (
    'method="ksg1" is for continuous variables, "ross" for continuous x and discrete y, "mesner" '
    "for mixtures"
)
_INSTEAD_OF_THREE = 'method="fp" is for continuous variables, "mesner" for mixtures'


def read_symbols(
    arrays: Sequence[object], names: Sequence[str]
) -> tuple[list[Symbols], tuple[int, ...]]:
    """Return the symbols of each variable, and their numbers of columns."""
    check_pairing(arrays, names)
    read = [as_symbols(array, name) for array, name in zip(arrays, names, strict=True)]
    symbols = [own for own, _ in read]
    for own, name in zip(symbols, names, strict=True):
        check_same_length(symbols[0].of, own.of, names[0], name)
    return symbols, tuple(d for _, d in read)


def cautions_of(
    margins: Sequence[Symbols], names: Sequence[str], joint: Symbols, instead: str
) -> list[Caution]:
    """Return what speaks against the estimate.

    Args:
        margins: Symbols of each variable.
        names: What to call each.
        joint: Symbols of all variables together.
        instead: Which methods are for continuous variables.
    """
    n = len(joint.of)
    found = []
    for margin, name in zip(margins, names, strict=True):
        single = int(np.count_nonzero(margin.size == 1))
        if single > _UNIQUE_SHARE * n:
            text = (
                f"{single} of {n} values of {name} occur once: {name} looks continuous, or like an "
                "identifier, and its entropy nears log n whatever its distribution; "
            )
            found.append(Caution(text + instead, "continuous"))
    single = int(np.count_nonzero(joint.size == 1))
    if single > _SINGLE_SHARE * n and not found:
        what = "symbol" if len(margins) == 1 else "joint symbol"
        text = (
            f"{single} of {n} samples are alone in their {what}: others have not been seen at all, "
            "and what is left of the bias may exceed the standard error; merge rare classes, or "
            "take more samples"
        )
        found.append(Caution(text, "few_samples"))
    return found
