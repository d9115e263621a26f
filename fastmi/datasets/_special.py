"""Special functions of real arguments, without SciPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fastmi.datasets._base import in_parts

# Coefficients B_2j / 2j of the asymptotic series of psi, which is used for z >= _ASYMPTOTIC, where
# the first term left out is below 1e-17.
_SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_ASYMPTOTIC = 12.0


def digamma(z: float) -> float:
    """Return psi(z) for real z > 0, to about 1e-15 of max(1, |psi(z)|)."""
    terms = []
    while z < _ASYMPTOTIC:
        terms.append(-1.0 / z)
        z += 1.0
    return math.fsum([*terms, math.log(z), -0.5 / z, -_tail(z)])


def digamma_excess(z: float) -> float:
    """Return psi(z + 1) - log z for real z > 0, which is positive and decreasing.

    For large z the two terms nearly cancel; there the series of their difference is summed.
    """
    if z < _ASYMPTOTIC:
        return digamma(z + 1.0) - math.log(z)
    return 0.5 / z - _tail(z)


def _tail(z: float) -> float:
    """Return the sum of the terms B_2j / (2j z^2j)."""
    inverse = 1.0 / (z * z)
    total = 0.0
    for coefficient in reversed(_SERIES):
        total = (total + coefficient) * inverse
    return total


def normal_cdf(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Phi(z) elementwise, in the shape of `z`; the lower tail keeps its digits."""
    # NumPy has no error function; math.erfc computes about ten million values a second.
    scaled = (z * -math.sqrt(0.5)).reshape(-1)

    def tail(part: slice) -> NDArray[np.float64]:
        values = scaled[part].tolist()
        return np.fromiter(map(math.erfc, values), np.float64, len(values)).reshape(-1, 1)

    return (0.5 * in_parts(scaled.size, 1, tail)).reshape(z.shape)
