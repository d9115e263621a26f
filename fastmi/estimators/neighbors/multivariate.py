"""Dual total correlation, O-information and S-information by nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import DeviceArray, glance, host
from fastmi._cautions import Caution
from fastmi._estimate import small_sample_warnings
from fastmi._plug_in import (
    Signed,
    of_several_difference,
    of_several_dual,
    of_several_sum,
    parts_of_several,
    plug_in_bias,
)
from fastmi.estimators._copula import normal_scores
from fastmi.estimators.neighbors._ties import TIED_SHARE, mean_equal, never_vary
from fastmi.estimators.neighbors.base import (
    CEILING_SHARE,
    MetricNeighborEstimator,
    Terms,
    rescale_advice,
    widths,
    zeros,
)
from fastmi.estimators.neighbors.forms import OfSeveral
from fastmi.ops.coincidences import nothing_repeats
from fastmi.ops.digamma import digamma, psi

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

# Share of all samples within the radius in all variables but one, on average, above which the scale
# of that one decides alone.
_DOMINATED_SHARE = 0.5
# Rows that the Gaussian copula is fitted to, and nats, and share of the value, that an estimate may
# miss without a word.
_ROWS = 1000
_MISSING, _MISSING_SHARE = 0.05, 0.1
# Standard errors of the difference that the reference must be above the estimate.
_ERRORS = 3.0


@dataclass(frozen=True, kw_only=True)
class _OneRadius(MetricNeighborEstimator, OfSeveral):
    """A sum of entropies with signs, from strict counts within one radius for each sample."""

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        m, n = len(blocks), len(blocks[0])
        weights = dict(self._information(m))
        # The joint space, whose "count" is k - 1 by the choice of the radius.
        constant = weights.pop(tuple(range(m)), 0) * (psi(n) - np.array([psi(k) for k in ks]))
        spaces, signs = list(weights), np.array(list(weights.values()), dtype=np.float64)
        constant += signs.sum() * psi(n)
        radii, all_counts, algorithm = self._space_counts(blocks, ks, spaces, strict=True)
        references = _references(blocks)
        terms = []
        for k, radius, counts, known in zip(ks, radii, all_counts, constant, strict=True):
            in_space = digamma(counts + 1)
            parts = _parts(dict(zip(spaces, psi(n) - in_space, strict=True)), m, psi(n) - psi(k))
            values = {name: float(local.mean()) for name, local in parts.items()}
            inside = dict(zip(spaces, counts.mean(axis=1).tolist(), strict=True))
            cautions = (
                *small_sample_warnings(n, k),
                *_ceiling_cautions(values, m, n, k, zeros(radius)),
                *_low_cautions(parts, references, k, n),
                *_useless_cautions(blocks, inside, self.normalize),
            )
            terms.append(
                Terms(
                    known - signs @ in_space,
                    counts,
                    cautions,
                    parts=values if len(values) > 1 and m > 2 else None,
                )
            )
        return terms, algorithm


def _parts(entropies: dict[tuple[int, ...], Floats], m: int, joint: float) -> dict[str, Floats]:
    """Return the local total correlation and its dual, of those that the estimate holds, by name.

    Args:
        entropies: psi(n) - psi(n_s + 1) of each sample and space.
        m: Number of variables.
        joint: The same of all variables.
    """
    everything = tuple(range(m))
    found = {}
    for name, signed in parts_of_several(m).items():
        if entropies and all(space in entropies for space, _ in signed if space != everything):
            local = np.zeros_like(next(iter(entropies.values())))
            for space, weight in signed:
                local += weight * entropies.get(space, joint)
            found[name] = local
    return found


@dataclass(frozen=True, kw_only=True)
class DualTotalCorrelation(_OneRadius):
    """The dual total correlation, ``h(X) - sum_b h(X_b | X_-b)``, from KSG counts.

    With r_i the distance from sample i to its k-th neighbour in the joint space (maximum over the
    variables) and n_-b the number of samples strictly inside r_i in all variables but b, algorithm
    1 of Kraskov et al. (2004), applied to ``sum_b h(X_-b) - (m - 1) h(X)``, gives::

        D = (m - 1) psi(k) + psi(n) - < sum_b psi(n_-b + 1) >

    because what depends on the radius cancels. The dual total correlation (Han 1975,
    https://doi.org/10.1016/S0019-9958(75)80004-0) is what the uncertainty of all variables has
    beyond what each of them has for itself, given the others. For two variables it is the mutual
    information.

    The m searches in m - 1 variables take about m times the time of :class:`fastmi.KSG`.
    """

    def _information(self, number: int) -> Signed:
        return of_several_dual(number)


@dataclass(frozen=True, kw_only=True)
class OInformation(_OneRadius):
    """The O-information, the total correlation less its dual, from KSG counts.

    It is positive where redundancy prevails and negative where synergy does (Rosas et al. 2019,
    https://doi.org/10.1103/PhysRevE.100.032305), and 0 for two variables. With the counts n_b in
    each variable and n_-b in all others, as in :class:`fastmi.DualTotalCorrelation`::

        O = (m - 2) [psi(n) - psi(k)] + < sum_b [psi(n_-b + 1) - psi(n_b + 1)] >

    It is the difference of the two estimates, from one search and with an error of its own. The
    parts are the ``terms`` of the result.
    """

    def _information(self, number: int) -> Signed:
        return of_several_difference(number)


@dataclass(frozen=True, kw_only=True)
class SInformation(_OneRadius):
    """The S-information, the total correlation and its dual together, from KSG counts.

    It is ``sum_b I(X_b; X_-b)``, how strongly the variables depend on each other at all (James,
    Ellison and Crutchfield 2011; Rosas et al. 2019), and twice the mutual information for two. With
    the counts n_b in each variable and n_-b in all others, as in
    :class:`fastmi.DualTotalCorrelation`::

        S = m [psi(k) + psi(n)] - < sum_b [psi(n_-b + 1) + psi(n_b + 1)] >

    The parts are the ``terms`` of the result.
    """

    def _information(self, number: int) -> Signed:
        return of_several_sum(number)


def _ceiling_cautions(
    parts: dict[str, float], m: int, n: int, k: int, zero_radius: int
) -> list[Caution]:
    """Return cautions about parts that are near the largest value that n and k can show.

    Without ties a single variable is at the k-th distance, and at least k samples, not k - 1, are
    inside it in that variable's complement and in every other variable.
    """
    found = []
    for name, value in parts.items():
        ceiling = (psi(n) - psi(k + 1)) * (m - 1 if name == "total_correlation" else 1)
        if value <= CEILING_SHARE * ceiling:
            continue
        advice = (
            "exact copies inflate it, of rows or of one variable in the other"
            if zero_radius > max(1.0, TIED_SHARE * n) or value > ceiling
            else "take it as a lower bound, or use more samples or a smaller k"
        )
        text = (
            f"the {name.replace('_', ' ')}, {value:.3g} nats, is near or above the {ceiling:.3g} "
            f"nats that n={n}, k={k} can show of data without ties: {advice}"
        )
        found.append(Caution(text, "ceiling"))
    return found


def _references(blocks: Sequence[Array | DeviceArray]) -> dict[str, tuple[int, Floats]]:
    """Return the local values of each part that the Gaussian copula of some rows has.

    They come with the step between these rows. Normal scores have normal margins, so that the total
    correlation of this copula is a lower bound of that of the samples. It is empty where rows are
    few, values repeat or never vary, or columns depend on each other entirely; and for samples that
    are on a GPU alone.
    """
    if any(isinstance(block, DeviceArray) and not block.has_host() for block in blocks):
        return {}
    step = max(1, len(blocks[0]) // _ROWS)
    rows = [np.ascontiguousarray(host(block)[::step]) for block in blocks]
    if len(rows[0]) <= 2 * sum(widths(rows)) + 10 or not nothing_repeats(rows):
        return {}
    scores = np.hstack(normal_scores(rows))
    spread = scores.std(axis=0)
    if not spread.all():
        return {}
    scores = (scores - scores.mean(axis=0)) / spread
    n, dims = len(scores), widths(rows)
    covariance = scores.T @ scores / n
    ends = np.cumsum((0, *dims))
    signed = parts_of_several(len(blocks))
    found = {}
    try:
        surprise = {}
        for space in {space for own in signed.values() for space, _ in own}:
            columns = np.concatenate([np.arange(ends[b], ends[b + 1]) for b in space])
            values, of_space = scores[:, columns], covariance[np.ix_(columns, columns)]
            log_root = np.log(np.diag(np.linalg.cholesky(of_space))).sum()
            square = (values @ np.linalg.inv(of_space) * values).sum(axis=1)
            # What does not depend on the covariance cancels.
            surprise[space] = log_root + 0.5 * square
        for name, own in signed.items():
            local = np.sum([weight * surprise[space] for space, weight in own], axis=0)
            found[name] = (step, local - plug_in_bias(n, dims, own))
    except np.linalg.LinAlgError:
        return {}
    return found


def _low_cautions(
    parts: dict[str, Floats], references: dict[str, tuple[int, Floats]], k: int, n: int
) -> list[Caution]:
    """Return cautions about parts that are far below those of a Gaussian copula."""
    found = []
    for name in parts.keys() & references.keys():
        step, reference = references[name]
        apart = reference - parts[name][::step]
        value, whole = float(parts[name].mean()), float(reference.mean())
        # Local values of neighbours are not independent, and the error is up to a third too small.
        error = float(apart.std()) / len(apart) ** 0.5
        if apart.mean() > max(_MISSING, _MISSING_SHARE * whole, _ERRORS * error):
            text = (
                f"the {name.replace('_', ' ')}, {value:.3g} nats, is too low: a Gaussian copula "
                f"fitted to the samples has {whole:.3g}, and the k={k} neighbours are not near "
                f"in so many variables at n={n}; compare with method='gaussian', "
                "normalize='copula'"
            )
            found.append(Caution(text, "low"))
    return found


def _useless_cautions(
    blocks: list[Array], inside: dict[tuple[int, ...], float], normalize: str | None
) -> list[Caution]:
    """Return cautions about variables that never vary, or without a say for their scale.

    Args:
        blocks: The samples.
        inside: Mean number of samples inside the radius in each space.
        normalize: How the variables were scaled.
    """
    m, n = len(blocks), len(blocks[0])
    # Samples on a GPU are copied where some rows suggest it.
    looked = glance(blocks, 2 * _ROWS)
    constant = [
        b for b, rows in enumerate(looked) if never_vary([rows]) and never_vary([blocks[b]])
    ]
    if len(constant) == m:
        return []  # named where ties are settled
    found = [
        Caution(
            f"variables[{b}] is constant: it adds nothing, and the value is that of the others",
            "constant",
        )
        for b in constant
    ]
    for b in range(m):
        others = tuple(c for c in range(m) if c != b)
        if inside.get(others, 0.0) <= _DOMINATED_SHARE * n or set(others) <= set(constant):
            continue
        same = mean_equal(np.hstack([host(blocks[c]) for c in others]))
        if inside[others] - same > _DOMINATED_SHARE * (n - same):
            text = (
                f"the scale of variables[{b}] dominates the joint distance: the others barely "
                f"matter and the estimate tends to 0 whatever the dependence; "
                f"{rescale_advice(normalize)}"
            )
            found.append(Caution(text, "scale"))
    return found
