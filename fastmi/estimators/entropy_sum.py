"""Mutual information as a sum of three entropies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi.estimators._base import Estimate
from fastmi.estimators._neighbors import InformationEstimator, Terms, widths
from fastmi.estimators.weighted_entropy import weighted_locals, weighted_warnings

# Below this ratio of scales the samples, rather than their units, decide the error.
_UNEQUAL = 10.0
# Share of the ratio at which a joint ball spans the narrower variable, from where on the estimate
# falls by the logarithm of the ratio.
_SPANNED = 0.3


@dataclass(frozen=True, kw_only=True)
class EntropySum(InformationEstimator):
    """I(X; Y) = h(X) + h(Y) - h(X, Y), each by :class:`WeightedKozachenkoLeonenko`.

    "3H", the baseline that comparisons with neural estimators use. The biases of the three do
    not cancel as they do in :class:`KSG`; the weights act from 4 columns on. The joint distance
    is Euclidean: variables of very unequal scales give a warning, and want `normalize`.

    Args:
        k: The farthest neighbour used, at least floor((dx + dy) / 4) + 1. A sequence costs one
            search for each entropy. 5 where comparisons name one; :func:`fastmi.mi` has its own
            default.
        algorithm: "auto", "tree" or "brute". Same distances, other time.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>".
        normalize: None, or how to scale x and y, each by itself, see :mod:`fastmi.normalize`.

    Raises:
        TypeError: `k`, `n_jobs` or `noise` is not a number of its kind.
        ValueError: An argument is out of its range, or an unknown name.
    """

    k: int | Sequence[int] | NDArray[np.integer[Any]] = 5

    _fixed_metric: ClassVar[str] = "euclidean"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.algorithm == "sort":
            raise ValueError(
                "algorithm must be 'auto', 'tree' or 'brute' for the joint space of x and y; got "
                "algorithm='sort'"
            )

    def estimate(self, x: object, y: object) -> Estimate | list[Estimate]:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite; k >= n; k too small for the
                weights; coincident samples.
        """
        start = perf_counter()
        samples = self._read((x, y), ("x", "y"))
        blocks = samples.blocks
        joint = like(blocks[0], np.hstack([host(block) for block in blocks]))
        spaces = [*blocks, joint]
        per_space = [
            weighted_locals(
                block,
                samples.ks,
                name,
                algorithm=self.algorithm,
                n_jobs=self.n_jobs,
                noise=self.noise,
            )
            for block, name in zip(spaces, ("x", "y", "(x, y)"), strict=True)
        ]
        locals_ = [of_space for of_space, _ in per_space]
        n, d = spaces[2].shape
        unequal = _scale_warnings(*(host(block) for block in blocks))
        terms = [
            Terms(of_x + of_y - of_both, None, (*unequal, *weighted_warnings(n, k, d)))
            for k, of_x, of_y, of_both in zip(samples.ks, *locals_, strict=True)
        ]
        return self._finish(
            "3h",
            samples,
            terms,
            dims=widths(samples.blocks),
            algorithm=per_space[2][1],
            start=start,
        )


def _scale_warnings(x: NDArray[Any], y: NDArray[Any]) -> list[str]:
    """Return a warning if one variable is so wide that joint distances do not see the other.

    A joint ball of volume 1 / n is as wide as x where ``(width y / width x)^dy = n``.
    """
    widths = [_middle_half(block) for block in (x, y)]
    wide, narrow = (0, 1) if widths[0] > widths[1] else (1, 0)
    n, d = (x, y)[wide].shape
    limit = max(_UNEQUAL, _SPANNED * n ** (1 / d))
    # Divided in logarithms: the ratio itself can overflow.
    if not widths[narrow] > 0.0 or math.log(widths[wide]) - math.log(widths[narrow]) < math.log(
        limit
    ):
        return []
    big, small = "xy"[wide], "xy"[narrow]
    return [
        f"the scale of {big} dominates the joint distance (middle half {widths[wide]:.3g} wide, "
        f"that of {small} {widths[narrow]:.3g}), and the estimate tends to minus infinity; rescale "
        "the columns, for example to unit standard deviation (normalize='local')"
    ]


def _middle_half(block: NDArray[Any]) -> float:
    """Return the width of the middle half of the samples in the widest column."""
    low, high = np.percentile(block, [25, 75], axis=0)
    return float((high - low).max())
