"""KSG maximised over the relative scale of its two variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmi._checks import check_choice
from fastmi.estimators.neighbors.base import Array, MetricNeighborEstimator, Terms
from fastmi.estimators.neighbors.forms import OfTwo
from fastmi.estimators.neighbors.ksg import count_warnings
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.sweep import sweep_terms

DEFAULT_SCALES = tuple(i / 10 for i in range(1, 21))


@dataclass(frozen=True, kw_only=True)
class KSGSweep(MetricNeighborEstimator, OfTwo):
    """The largest KSG estimate over relative scales: max_c I1(N(x); c N(y)).

    I1 is algorithm 1 of Kraskov et al. (2004, eq. 8) and N the normalisation of each variable.
    With "global" and "global-linf" this is KSG-Global and KSG-Global-Linf, which are invariant
    to the units of x and of y and, unlike KSG on standardised columns, not misled by columns
    of noise. Every scale is evaluated on the same distances: the joint distance is
    max(D_x, c D_y), so that a scale may differ in the last place from an estimate on rescaled
    data. The time is O(n^2); if both variables are single columns, the CPU runs a sorted search
    for each scale, O(n log n) on smooth data.

    A maximum is biased upwards: under independence by about 0.02 nats at n = 1000, more at
    smaller n. The `curve` of the result has the estimate at every scale.

    Args:
        normalize: How to scale each variable by itself before the sweep, "global" or another name
            of :mod:`fastmi.normalize`; None sweeps the variables as they are.
        scales: Positive numbers, the values of c.
        sweep_side: Variable that c multiplies, "y" or "x".
        algorithm: "auto" or "brute". Both run the search that suits the columns; ``algorithm`` of
            the result names it.

    Raises:
        TypeError: An option of a wrong type.
        ValueError: An option out of its range, or an unknown name.
    """

    normalize: str | None = "global"
    scales: Sequence[float] = DEFAULT_SCALES
    sweep_side: str = "y"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("algorithm", self.algorithm, ("auto", "brute"))
        check_choice("sweep_side", self.sweep_side, ("y", "x"))
        object.__setattr__(self, "scales", _checked_scales(self.scales))

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        _check_dtype(self.scales, blocks[0].dtype)
        fixed, swept = blocks if self.sweep_side == "y" else blocks[::-1]
        found = sweep_terms(fixed, swept, self.scales, ks, metric=self.metric, n_jobs=self.n_jobs)
        n = len(fixed)
        terms = []
        for q, k in enumerate(ks):
            constant = psi(k) + psi(n)
            values = constant - found.psi_mean[:, q]
            best = int(values.argmax())
            counts = found.counts[best, q]
            # One variable dominates if it does at every scale.
            sums = found.counts[:, q].sum(axis=2)
            mildest = sums[sums.max(axis=1).argmin()]
            if self.sweep_side == "x":
                counts, mildest = counts[::-1], mildest[::-1]
            warnings = count_warnings(
                float(values[best]),
                k,
                n,
                mildest.tolist(),
                int(found.zero_radius[best, q]),
                blocks.__getitem__,
                normalize=self.normalize,
            )
            local = constant - digamma(counts + 1).sum(axis=0)
            summed = (float(values[best]), float(found.psi_std[best, q]))
            # Copied, so that the result does not keep the counts of all scales in memory.
            curve = np.column_stack([self.scales, values])
            terms.append(Terms(local, counts.copy(), warnings, summed, curve))
        return terms, found.algorithm


def _checked_scales(scales: object) -> tuple[float, ...]:
    try:
        given = np.asarray(scales)
    except ValueError:  # rows of different lengths
        raise ValueError(f"scales must be a sequence of positive numbers; got {scales!r}") from None
    if given.dtype.kind not in "iuf":
        raise TypeError(f"scales must be positive numbers; got {scales!r}")
    if np.ma.is_masked(scales):
        raise ValueError(f"scales must not have masked entries; got {scales!r}")
    with np.errstate(over="ignore"):  # a long double may overflow; infinity is refused below
        values = given.astype(np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"scales must be a sequence of positive numbers; got {scales!r}")
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise ValueError(f"scales must be positive and finite; got {scales!r}")
    listed = tuple(values.tolist())
    # scikit-learn's clone insists on the same object where nothing had to be converted.
    return scales if type(scales) is tuple and set(map(type, scales)) == {float} else listed


def _check_dtype(scales: Sequence[float], dtype: np.dtype[Any]) -> None:
    """Raise ValueError if a scale over- or underflows in the dtype of the samples."""
    with np.errstate(over="ignore", under="ignore"):
        held = np.array(scales).astype(dtype)
    wrong = ~(np.isfinite(held) & (held > 0))
    if wrong.any():
        raise ValueError(f"scales must fit the samples' {dtype}; got {scales[int(wrong.argmax())]}")
