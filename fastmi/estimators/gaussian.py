"""Information between jointly Gaussian variables: the closed form on fitted covariances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce
from fastmi._checks import transposed
from fastmi._estimate import Estimate
from fastmi._inputs import as_blocks, is_empty, variable_names
from fastmi.estimators._base import Estimator
from fastmi.normalize import check_normalize, normalize_blocks

Array = NDArray[Any]

# Singular value, relative to the largest, below which a direction is rounding noise.
_RANK_TOLERANCE = 1e-10
# 1 - rho^2 below which one variate is a linear function of the other, up to rounding.
_DETERMINED = 1e-14


@dataclass(frozen=True, kw_only=True)
class _Normal(Estimator):
    """Base of the three estimators: it reads the samples and normalises them if asked."""

    normalize: str | None = None

    def __post_init__(self) -> None:
        check_normalize(self.normalize)

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
        return (
            (blocks, ())
            if self.normalize is None
            else normalize_blocks(blocks, names, self.normalize)
        )


@dataclass(frozen=True, kw_only=True)
class Gaussian(_Normal):
    """I(X; Y) of the Gaussian with the covariance of the samples.

    With rho_c the canonical correlations of x and y (Hotelling 1936,
    https://doi.org/10.1093/biomet/28.3-4.321; Kay 1992)::

        I = -1/2 sum_c log(1 - rho_c^2) = 1/2 log[det S_x det S_y / det S_xy]

    It is exact for Gaussian variables as n grows, with a bias of about dx dy / (2 n); of other
    variables it sees the linear dependence only. Constant and linearly dependent columns change
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
        bases = [_orthonormal(block) for block in blocks]
        return _result(self.method, [_canonical_terms(*bases)], blocks, notes, start)


@dataclass(frozen=True, kw_only=True)
class GaussianConditional(_Normal):
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
            return Gaussian(normalize=self.normalize).estimate(x, y)
        start = perf_counter()
        blocks, notes = self._read((x, y, z), ("x", "y", "z"))
        condition = _orthonormal(blocks[2])
        bases = [_orthonormal(block, condition) for block in blocks[:2]]
        return _result(self.method, [_canonical_terms(*bases)], blocks, notes, start)


@dataclass(frozen=True, kw_only=True)
class GaussianTotalCorrelation(_Normal):
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
        terms = []
        for b in range(1, len(blocks)):
            before = _orthonormal(np.hstack(blocks[:b]))
            terms.append(_canonical_terms(before, _orthonormal(blocks[b])))
        return _result(self.method, terms, blocks, notes, start)


def _orthonormal(block: Array, condition: Array | None = None) -> NDArray[np.float64]:
    """Return an orthonormal basis (n, rank) of the centred columns.

    Args:
        block: Shape (n, d).
        condition: Orthonormal columns (n, c) to be regressed out of `block` first.
    """
    # Columns are brought to one magnitude, so that the rank does not depend on their units.
    largest = np.abs(block).max(axis=0).astype(np.float64)
    columns: NDArray[np.float64] = block / np.where(largest == 0.0, 1.0, largest)
    columns = columns - columns.mean(axis=0)
    spread = np.sqrt((columns**2).sum(axis=0))
    varies = spread > 1e-14 * math.sqrt(len(block))
    columns = columns[:, varies] / spread[varies]
    if condition is not None:
        # Regressed twice, because the first pass leaves rounding errors along the condition.
        for _ in range(2):
            columns = columns - condition @ (condition.T @ columns)
    if columns.shape[1] == 0:
        return columns
    left, singular, _ = np.linalg.svd(columns, full_matrices=False)
    # The columns had length 1 before the regression, so what is left is measured against 1.
    basis: NDArray[np.float64] = left[:, singular > _RANK_TOLERANCE * max(1.0, singular[0])]
    return basis


def _canonical_terms(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1 - rho_c^2 and the local values (n,) from two orthonormal bases."""
    n = len(x)
    left, rho, right = np.linalg.svd(x.T @ y, full_matrices=False)
    # 1 - rho^2 as a squared sine, because the difference itself has no digits left near rho = 1.
    u = x @ left
    v = y @ right.T
    sine = v - x @ (x.T @ v)
    rest = (sine**2).sum(axis=0)
    u, v = u * math.sqrt(n), v * math.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        quadratic = ((rho * u) ** 2 - 2 * rho * u * v + (rho * v) ** 2) / (2 * rest)
        local = (-0.5 * np.log(rest) - quadratic).sum(axis=1)
    if rest.size and rest.min() <= _DETERMINED:
        local = np.full(n, math.inf)
    return rest, local


def _result(
    method: str,
    terms: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    blocks: list[Array],
    notes: tuple[Caution, ...],
    start: float,
) -> Estimate:
    n = len(blocks[0])
    dims = tuple(block.shape[1] for block in blocks)
    rest = np.concatenate([one for one, _ in terms])
    local = np.sum([values for _, values in terms], axis=0)
    found = list(notes)
    value = math.inf
    stderr = math.nan
    if rest.size and rest.min() <= _DETERMINED:
        found.append(
            Caution(
                "one variable is a linear function of the others in some direction: the value is "
                "infinite",
                "deterministic",
            )
        )
    else:
        value = -0.5 * math.fsum(np.log(rest))
        stderr = float(local.std()) / n**0.5
    if n < 10 * sum(dims):
        found.append(
            Caution(
                f"n={n} samples are few for {sum(dims)} columns: the bias, about the product of "
                "the numbers of columns over 2 n, is not small",
                "few_samples",
            )
        )
    return announce(
        Estimate(
            value,
            k=None,
            n=n,
            dims=dims,
            method=method,
            stderr=stderr,
            local=local,
            warnings=tuple(found),
            algorithm="none",
            seconds=perf_counter() - start,
        )
    )
