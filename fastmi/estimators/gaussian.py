"""Information between jointly Gaussian variables: the closed form on fitted covariances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce, constant_caution
from fastmi._checks import did_you_mean, transposed
from fastmi._estimate import Estimate
from fastmi._inputs import as_blocks, is_empty, variable_names
from fastmi._plug_in import (
    OF_TWO,
    OF_TWO_GIVEN_THIRD,
    Signed,
    of_several,
    plug_in_bias,
)
from fastmi._spread import extent, near_origin, spread, varying
from fastmi.estimators._base import Estimator
from fastmi.normalize import RANKS, check_normalize, normalize_blocks, rounding_notes

Array = NDArray[Any]
Floats = NDArray[np.float64]

# Singular value, relative to the largest, below which a direction is rounding noise.
_RANK_TOLERANCE = 1e-10
# 1 - rho^2 above which no variate is a linear function of another, and, where it is smaller, how
# many times the rounding of the samples it may be for one that is: what is computed from rounded
# values is rounded again.
_DETERMINED, _ROUNDINGS = 1e-14, 4.0
# Nats of bias left, and their share of the value, above which heavy tails are named.
_LEFT, _LEFT_SHARE = 0.05, 0.05
# Share of 1 - rho^2 above which rounding is named; it lowers the value by half of it.
_NAMED = 0.02


@dataclass(frozen=True, kw_only=True)
class Normal(Estimator):
    """Base of the three estimators: it reads the samples and normalises them if asked.

    Args:
        bias_correction: "normal" subtracts the bias that the value has on normal samples; None
            leaves it.
    """

    normalize: str | None = None
    bias_correction: str | None = "normal"

    def __post_init__(self) -> None:
        check_normalize(self.normalize)
        given: object = self.bias_correction
        if given is not None and given != "normal":
            raise ValueError(
                f"bias_correction must be None or 'normal'; got bias_correction={given!r}"
                f"{did_you_mean(given, ['normal'])}"
            )

    def _read(
        self, arrays: Sequence[object], names: Sequence[str]
    ) -> tuple[list[Array], tuple[Caution, ...]]:
        """Return the checked blocks, and the warnings of their normalisation."""
        blocks = as_blocks(arrays, names)
        n = len(blocks[0])
        columns = sum(block.shape[1] for block in blocks)
        if n <= columns + 1:
            hint = transposed(n, [block.shape[1] for block in blocks])
            raise ValueError(
                f"n must exceed the number of columns by more than 1; got n={n}, {columns} columns"
                f"{hint and '; ' + hint}"
            )
        if self.normalize is None:
            return blocks, _notes_on(blocks, names)
        scaled, notes = normalize_blocks(blocks, names, self.normalize)
        if self.normalize not in RANKS and any(extent(block).far.any() for block in blocks):
            # Units do not matter here, and columns as they came tell how they were rounded.
            return blocks, notes
        return scaled, notes

    def _result(
        self,
        terms: list[Pairs],
        blocks: list[Array],
        notes: tuple[Caution, ...],
        *,
        ranks: Sequence[int],
        signed: Signed,
        start: float,
        signs: Sequence[int] = (),
    ) -> Estimate:
        """Return the estimate.

        Args:
            terms: Canonical pairs, of which the value is the sum.
            blocks: The samples.
            notes: What is known of them.
            ranks: Number of independent columns of each block, given z that of x and of y.
            signed: The information as a signed sum of entropies of the blocks.
            start: When the call began.
            signs: Sign of each of the terms; without any all are positive.
        """
        n = len(blocks[0])
        dims = tuple(block.shape[1] for block in blocks)
        weights = signs or [1] * len(terms)
        rest, rounding = (
            np.concatenate([np.empty(0), *(getattr(one, name) for one in terms)])
            for name in ("rest", "rounding")
        )
        sign = np.repeat(weights, [len(one.rest) for one in terms])
        found = list(notes)
        bias = 0.0
        determined = _determined(rest, rounding)
        if determined.any():
            # Each such direction contributes as much: the logarithm of one rounding error.
            net = int(sign[determined].sum())
            value = math.copysign(math.inf, net) if net else math.nan
            local = np.full(n, value)
            stderr = math.nan
            found.append(_determined_caution(value))
        else:
            local = np.zeros(n)
            for weight, one in zip(weights, terms, strict=True):
                local += weight * one.local
            found += _rounding_notes(rest, rounding)
            if self.bias_correction is not None and len(rest) > 0:
                bias = plug_in_bias(n, ranks, signed)
            value = 0.5 * math.fsum(-sign * np.log(rest)) - bias
            stderr = float(local.std()) / n**0.5
            left = math.fsum(w * one.tails for w, one in zip(weights, terms, strict=True))
            found += self._tails(value, left)
        found += self._few_samples(n, sum(dims))
        return announce(
            Estimate(
                value,
                k=None,
                n=n,
                dims=dims,
                method=self.method,
                stderr=stderr,
                local=local,
                warnings=tuple(found),
                algorithm="none",
                seconds=perf_counter() - start,
                bias=bias,
            )
        )

    def _tails(self, value: float, left: float) -> list[Caution]:
        if self.bias_correction is None or abs(left) <= max(_LEFT, _LEFT_SHARE * abs(value)):
            return []
        instead = (
            "use normalize='copula'"
            if self.normalize not in RANKS
            else "rows that lie far out in one variable do so in the other"
        )
        where = "high" if left > 0 else "low"
        text = (
            f"heavy tails: the value is about {abs(left):.2g} nats too {where} by chance; {instead}"
        )
        return [Caution(text, "tails")]

    def _few_samples(self, n: int, columns: int) -> list[Caution]:
        if n >= 10 * columns:
            return []
        rest = (
            "the bias, about the product of the numbers of columns over 2 n, is not small"
            if self.bias_correction is None
            else "values scatter widely, and the correction of their bias is exact for normal "
            "samples only"
        )
        text = f"n={n} samples are few for {columns} columns: {rest}"
        return [Caution(text, "few_samples")]


@dataclass(frozen=True, kw_only=True)
class Gaussian(Normal):
    """I(X; Y) of the Gaussian with the covariance of the samples.

    With rho_c the canonical correlations of x and y (Hotelling 1936,
    https://doi.org/10.1093/biomet/28.3-4.321; Kay 1992)::

        I = -1/2 sum_c log(1 - rho_c^2) = 1/2 log[det S_x det S_y / det S_xy]

    For fitted covariances this is too high by about dx dy / (2 n), and for normal samples, however
    they depend, by exactly::

        beta = 1/2 [g(dx) + g(dy) - g(dx + dy)],   g(d) = sum_{i <= d} psi((n - i) / 2)

    because ``E log det S`` is known for them (Goodman 1963). It is subtracted, so that independent
    variables give values around 0 on both sides. For variables that are not normal it is about
    right, and only the linear dependence is seen. Constant and linearly dependent columns change
    nothing. Where one variable determines a direction of the other, the value is infinite.

    With ``normalize="copula"`` every column is first replaced by its normal scores. The value is
    then the information of the Gaussian copula, which no increasing map of a column changes. Of the
    other normalisations only "rank" changes the value, which does not depend on units.
    """

    def estimate(self, x: object, y: object) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.

        Returns:
            One estimate; its ``local`` are log ratios of the fitted densities.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; n <= dx + dy + 1.
        """
        start = perf_counter()
        blocks, notes = self._read((x, y), ("x", "y"))
        bases = [orthonormal(block) for block in blocks]
        ranks = [basis.of.shape[1] for basis in bases]
        terms = [canonical_pairs(*bases)]
        return self._result(terms, blocks, notes, ranks=ranks, signed=OF_TWO, start=start)


@dataclass(frozen=True, kw_only=True)
class GaussianConditional(Normal):
    """I(X; Y | Z) of the Gaussian with the covariance of the samples.

    It is :class:`fastmi.Gaussian` of the residuals of linear regressions of x and y on z. For one
    column each it is ``-1/2 log(1 - rho^2)`` with the partial correlation rho.
    """

    def estimate(self, x: object, y: object, z: object = None) -> Estimate:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns give I(X; Y).

        Returns:
            One estimate; its ``local`` are log ratios of the fitted densities.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; n <= dx + dy + dz + 1.
        """
        if is_empty(z):
            return Gaussian(
                normalize=self.normalize, bias_correction=self.bias_correction
            ).estimate(x, y)
        start = perf_counter()
        blocks, notes = self._read((x, y, z), ("x", "y", "z"))
        condition = orthonormal(blocks[2])
        bases = [orthonormal(block, condition) for block in blocks[:2]]
        ranks = [basis.of.shape[1] for basis in (*bases, condition)]
        terms = [canonical_pairs(*bases)]
        return self._result(
            terms, blocks, notes, ranks=ranks, signed=OF_TWO_GIVEN_THIRD, start=start
        )


@dataclass(frozen=True, kw_only=True)
class GaussianTotalCorrelation(Normal):
    """The total correlation of the Gaussian with the covariance of the samples.

    It follows the chain rule, ``sum_b I(X_1, ..., X_(b-1); X_b)``, with each term by
    :class:`fastmi.Gaussian`. For two variables it is that estimator to the last bit.
    """

    def estimate(self, *variables: object) -> Estimate:
        """Estimate the total correlation in nats.

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
        bases = [orthonormal(block) for block in blocks]
        terms = chained_pairs(blocks)
        ranks = [basis.of.shape[1] for basis in bases]
        signed = of_several(len(blocks))
        return self._result(terms, blocks, notes, ranks=ranks, signed=signed, start=start)


def chained_pairs(blocks: Sequence[Array]) -> list[Pairs]:
    """Return the canonical pairs of each block and those before it, by the chain rule."""
    bases = [orthonormal(block) for block in blocks]
    terms = []
    for b in range(1, len(blocks)):
        before = bases[0] if b == 1 else orthonormal(np.hstack(blocks[:b]))
        terms.append(canonical_pairs(before, bases[b]))
    return terms


class _Basis(NamedTuple):
    """Orthonormal directions of the centred columns of a block.

    Attributes:
        of: Shape (n, rank).
        rounding: What the rounding of each number adds to each direction, shape (numbers, rank): of
            a unit vector w of directions it makes up the share ``sum((rounding @ w)**2)``.
    """

    of: Floats
    rounding: Floats


class Pairs(NamedTuple):
    """The canonical pairs of two bases.

    Attributes:
        rest: 1 - rho_c^2, shape (pairs,).
        rounding: What the rounding of the samples adds to it, shape (pairs,).
        local: Log ratios of densities, shape (n,).
        tails: Bias in nats, to first order, beyond that on normal samples.
    """

    rest: Floats
    rounding: Floats
    local: Floats
    tails: float


def orthonormal(block: Array, condition: _Basis | None = None) -> _Basis:
    """Return an orthonormal basis of the centred columns.

    Args:
        block: Shape (n, d).
        condition: Directions to be regressed out of `block` first.
    """
    n = len(block)
    ends = extent(block)
    near = near_origin(block, ends)
    size = ends.largest
    # Columns are brought to one magnitude, so that the rank does not depend on their units.
    largest = size if near is block else extent(near).largest
    columns: Floats = near / np.where(largest == 0.0, 1.0, largest)
    columns = columns - columns.mean(axis=0)
    length = np.sqrt((columns**2).sum(axis=0))
    # In units of the largest magnitude left: constants are 0 of it.
    size = np.divide(size, largest, out=np.ones_like(size), where=largest > 0.0)
    varies = varying(block, length / math.sqrt(n), size)
    columns = columns[:, varies] / length[varies]
    # The rounding of a number is up to half an epsilon, with a variance of a third of its square,
    # and that of a sum over the rows grows with the root of their number.
    given = float(np.finfo(block.dtype).eps) / math.sqrt(12.0) * size[varies]
    summed = float(np.finfo(np.float64).eps) * math.sqrt(n)
    rounding: Floats = np.diag(np.hypot(given, summed) * math.sqrt(n) / length[varies])
    if condition is not None:
        # Regressed twice, because the first pass leaves rounding errors along the condition.
        for _ in range(2):
            slopes = condition.of.T @ columns
            columns = columns - condition.of @ slopes
            rounding = np.vstack([rounding, condition.rounding @ slopes])
    if columns.shape[1] == 0:
        return _Basis(columns, rounding)
    left, singular, right = np.linalg.svd(columns, full_matrices=False)
    # The columns had length 1 before the regression, so what is left is measured against 1.
    kept = singular > _RANK_TOLERANCE * max(1.0, singular[0])
    return _Basis(left[:, kept], rounding @ (right[kept].T / singular[kept]))


def canonical_pairs(x: _Basis, y: _Basis) -> Pairs:
    """Return the canonical pairs of two bases."""
    n = len(x.of)
    left, rho, right = np.linalg.svd(x.of.T @ y.of, full_matrices=False)
    # 1 - rho^2 as a squared sine, because the difference itself has no digits left near rho = 1.
    u = x.of @ left
    v = y.of @ right.T
    sine = v - x.of @ (x.of.T @ v)
    rest = (sine**2).sum(axis=0)
    rounding = ((x.rounding @ left) ** 2).sum(axis=0) + ((y.rounding @ right.T) ** 2).sum(axis=0)
    if _determined(rest, rounding).any():
        return Pairs(rest, rounding, np.full(n, math.inf), 0.0)
    u, v = u * math.sqrt(n), v * math.sqrt(n)
    quadratic = ((rho * u) ** 2 - 2 * rho * u * v + (rho * v) ** 2) / (2 * rest)
    local = (-0.5 * np.log(rest) - quadratic).sum(axis=1)
    return Pairs(rest, rounding, local, _bias_by_tails(x.of, y.of, rho))


def _bias_by_tails(x: Floats, y: Floats, rho: Floats) -> float:
    """Return the bias in nats that non-normal samples add to that of normal ones.

    With white u and v of x and y, chance gives their correlations squares that sum up to
    ``E(|u|^2 |v|^2) / n``, half of which the value is too high by. For normal samples the
    expectation is ``dx dy + 2 sum_c rho_c^2``; it is larger where rows lie far out in both.

    Args:
        x: Orthonormal columns, shape (n, dx).
        y: Orthonormal columns, shape (n, dy).
        rho: Their canonical correlations, whose squares chance has raised by dx dy / n.
    """
    n, pairs = len(x), x.shape[1] * y.shape[1]
    product = n * float((x**2).sum(axis=1) @ (y**2).sum(axis=1))
    paired = float((rho**2).sum()) - pairs / n
    return float(product - pairs - 2.0 * paired) / (2.0 * n)


def _determined(rest: Floats, rounding: Floats) -> NDArray[np.bool_]:
    """Return which variates are linear functions of others, up to rounding, shape (pairs,)."""
    found: NDArray[np.bool_] = rest <= np.minimum(_ROUNDINGS * rounding, _DETERMINED)
    return found


def _determined_caution(value: float) -> Caution:
    what = "the value is infinite"
    if math.isnan(value):
        what = "the value, a difference of two that are infinite, is not determined"
    return Caution(
        "one variable is a linear function of the others in some direction, up to the "
        f"rounding of its values: {what}",
        "deterministic",
    )


def _notes_on(blocks: Sequence[Array], names: Sequence[str]) -> tuple[Caution, ...]:
    """Return cautions about variables that are constant, exactly or up to rounding."""
    notes: list[Caution] = []
    for block, name in zip(blocks, names, strict=True):
        ends = extent(block)
        if bool((ends.low == ends.high).all()):
            notes.append(constant_caution(name))
        elif ends.far.any():
            notes += rounding_notes(spread(block), name)
    return tuple(notes)


def _rounding_notes(rest: Floats, rounding: Floats) -> tuple[Caution, ...]:
    """Return a caution if the rounding of the samples makes up much of what is left of them."""
    missing = 0.5 * float(np.minimum(rounding / rest, 1.0).sum())
    if missing <= 0.5 * _NAMED:
        return ()
    text = (
        "values were rounded so coarsely, for their distance from the origin, that about "
        f"{missing:.2g} nats may be missing: subtract an offset before rounding, or use float64"
    )
    return (Caution(text, "rounding"),)
