"""Entropy and information of discrete variables, from counts and with corrections of their bias."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice
from fastmi._estimate import Estimate
from fastmi._inputs import check_same_length, is_empty, variable_names
from fastmi._symbols import Symbols, as_symbols, crossed
from fastmi.estimators._base import Estimator
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
    surprise: Floats = math.log(n) + math.log(2.0) - (2.0 * digamma(2 * half + 1) - digamma(half + 1))
    return surprise


#: Functions of the sizes of the symbols (s,) and n, whose mean over the samples is the entropy.
CORRECTIONS: Mapping[str, Callable[[NDArray[np.intp], int], Floats]] = {
    "none": plug_in,
    "miller-madow": miller_madow,
    "chao-shen": chao_shen,
    "grassberger": grassberger,
}


@dataclass(frozen=True, kw_only=True)
class _Counted(Estimator):
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
        surprise = CORRECTIONS[self.correction](symbols.size, n)
        # Correctly rounded, so that neither the order of samples nor of variables matters.
        return math.fsum(surprise * symbols.size) / n, surprise[symbols.of]

    def _combine(
        self,
        plus: Sequence[Symbols],
        minus: Sequence[Symbols],
        *,
        dims: tuple[int, ...],
        found: list[str],
        start: float,
    ) -> Estimate:
        """Return the result for a sum of entropies less another; the last of `minus` is joint."""
        added = [self._surprise(symbols) for symbols in plus]
        taken = [self._surprise(symbols) for symbols in minus]
        n = len(plus[0].of)
        local = np.sum([own for _, own in added], axis=0)
        for _, own in taken:
            local -= own
        margins = [*plus, *minus[:-1]]
        return Estimate(
            math.fsum([*(value for value, _ in added), *(-value for value, _ in taken)]),
            k=None,
            n=n,
            dims=dims,
            method=self.method,
            stderr=float(local.std()) / n**0.5,
            local=local,
            warnings=tuple(found),
            algorithm="none",
            counts=np.stack([symbols.size[symbols.of] - 1 for symbols in margins]).astype(np.int64),
            seconds=perf_counter() - start,
        )


@dataclass(frozen=True, kw_only=True)
class DiscreteEntropy(_Counted):
    """The entropy H(X) of a discrete variable, from the counts of its symbols.

    Each different row is a symbol. With n_s samples of symbol s, K different symbols, f of them
    seen once, C = 1 - f/n, and q_s = C n_s / n::

        "none"          H = sum_s (n_s / n) log(n / n_s)
        "miller-madow"  H = H("none") + (K - 1)/(2 n)
        "chao-shen"     H = - sum_s q_s log(q_s) / (1 - (1 - q_s)^n)
        "grassberger"   H = log(n) - sum_s (n_s / n) G(n_s),
                        G(j) = psi(j) + (-1)^j [psi((j + 1)/2) - psi(j/2)]/2

    They are the observed frequencies; Miller (1955), Note on the bias of information estimates;
    Chao and Shen (2003), https://doi.org/10.1023/A:1026096204727, where f = n counts as n - 1; and
    Grassberger (2003), equation 35 of https://arxiv.org/abs/physics/0307138.

    The observed frequencies are too even or too few: "none" is too small by about (K - 1)/(2 n).
    "grassberger" has the smallest error on the whole. Where n is below exp(H), so that most
    symbols have not been seen, "chao-shen" is the nearest to the truth, and none is near.

    ``local`` holds the surprise of each sample, and `counts` the other samples of its symbol.
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
        symbols, d = as_symbols(x, "x")
        n = len(symbols.of)
        found = []
        single = int(np.count_nonzero(symbols.size == 1))
        if n > 1 and single > _UNIQUE_SHARE * n:
            found.append(_unique(single, n, "x", 'method="kl"'))
        elif n > 1 and single > _SINGLE_SHARE * n:
            found.append(
                f"{single} of {n} samples are alone in their symbol, so that many symbols are still "
                "unseen and the entropy is uncertain: merge rare symbols, or take more samples"
            )
        return self._combine([symbols], [], dims=(d,), found=found, start=start)
