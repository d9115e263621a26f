"""What chance adds to the Gaussian information of a sample, and how it is taken away.

Quantities are sums of entropies with signs, over subsets ("spaces") of the blocks, for example
``I(X; Y) = h(X) + h(Y) - h(X, Y)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
# Spaces with their signs: positions of the blocks, and +1 or -1.
Signed: TypeAlias = tuple[tuple[tuple[int, ...], int], ...]

#: Information of two blocks, and of two given a third, as signed sums of entropies.
OF_TWO: Signed = (((0,), 1), ((1,), 1), ((0, 1), -1))
OF_TWO_GIVEN_THIRD: Signed = (((0, 2), 1), ((1, 2), 1), ((2,), -1), ((0, 1, 2), -1))


def of_several(number: int) -> Signed:
    """Return the total correlation of `number` blocks as a signed sum of entropies."""
    blocks = tuple(range(number))
    return (*(((b,), 1) for b in blocks), (blocks, -1))


def plug_in_bias(n: int, dims: Sequence[int], signed: Signed) -> float:
    """Return the bias in nats of the plug-in Gaussian information of n normal samples, exactly.

    The expected log determinant of a Wishart matrix gives, with ``g(d) = sum_{i=1..d}
    psi((n - i) / 2)`` (Goodman 1963; Misra, Singh and Demchuk 2005)::

        beta = 1/2 sum_s sign_s g(d_s)

    Args:
        n: Number of samples, above the number of all columns.
        dims: Linearly independent columns of each block.
        signed: The information as a signed sum of entropies.
    """
    total = 0.0
    for space, sign in signed:
        d = sum(dims[b] for b in space)
        total += sign * math.fsum(digamma_real((n - i) / 2) for i in range(1, d + 1))
    return 0.5 * total


def lowered(each: Floats, total: float) -> Floats:
    """Return ``max(each - tau, 0)`` with the tau, at least 0, that makes its sum `total`.

    Args:
        each: Information of canonical pairs in nats, shape (pairs,).
        total: Their sum to be.
    """
    if len(each) == 0:
        return each
    ordered = np.sort(each)[::-1]
    taus = (np.cumsum(ordered) - total) / np.arange(1, len(each) + 1)
    tau = float(taus[max(int((taus < ordered).sum()) - 1, 0)])
    found: Floats = np.maximum(each - max(tau, 0.0), 0.0)
    return found


def digamma_real(x: float) -> float:
    """Return psi(x) for real x > 0."""
    found = 0.0
    while x < 16.0:
        found -= 1.0 / x
        x += 1.0
    square = 1.0 / (x * x)
    # The asymptotic series, whose next term is below 1e-16 from 16 on.
    series = square * (
        1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * 5 / 660)))
    )
    return found + math.log(x) - 0.5 / x - series
