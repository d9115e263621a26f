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
# Spaces with their weights: positions of the blocks, and +1 or -1, or more where a space occurs
# more than once.
Signed: TypeAlias = tuple[tuple[tuple[int, ...], int], ...]

#: Information of two blocks, and of two given a third, as signed sums of entropies.
OF_TWO: Signed = (((0,), 1), ((1,), 1), ((0, 1), -1))
OF_TWO_GIVEN_THIRD: Signed = (((0, 2), 1), ((1, 2), 1), ((2,), -1), ((0, 1, 2), -1))


def of_several(number: int) -> Signed:
    """Return the total correlation of `number` blocks as a signed sum of entropies."""
    blocks = tuple(range(number))
    return (*(((b,), 1) for b in blocks), (blocks, -1))


def of_several_dual(number: int) -> Signed:
    """Return the dual total correlation of `number` blocks as a signed sum of entropies.

    It is ``h(X) - sum_b h(X_b | X_-b)`` with X_-b all blocks but b, and the chain rule makes of it
    ``sum_b h(X_-b) - (number - 1) h(X)``.
    """
    blocks = tuple(range(number))
    rest = tuple((tuple(c for c in blocks if c != b), 1) for b in blocks)
    return (*rest, (blocks, 1 - number))


def of_several_difference(number: int) -> Signed:
    """Return the O-information, the total correlation less its dual, as a signed sum of entropies.

    For two blocks it is the empty sum, because the two are the same.
    """
    return _added(of_several(number), of_several_dual(number), -1)


def of_several_sum(number: int) -> Signed:
    """Return the S-information, the total correlation and its dual, as a sum of entropies."""
    return _added(of_several(number), of_several_dual(number), 1)


def parts_of_several(number: int) -> dict[str, Signed]:
    """Return what the O-information and the S-information are made of, by name."""
    return {
        "total_correlation": of_several(number),
        "dual_total_correlation": of_several_dual(number),
    }


def _added(first: Signed, second: Signed, sign: int) -> Signed:
    weights = dict(first)
    for space, weight in second:
        weights[space] = weights.get(space, 0) + sign * weight
    return tuple((space, weight) for space, weight in weights.items() if weight)


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
