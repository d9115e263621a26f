"""How large a certified lower bound on information can be."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import SupportsIndex, cast


def feasible_limit(n: int, confidence: float = 0.95) -> float:
    """Return the largest value in nats that n samples can certify, whatever the estimator.

    McAllester and Stratos (2020, theorem 3.1): a lower bound on entropy, and so on mutual
    information, that holds for every distribution with probability 1 - delta is at most
    ``log(2 k n^2)`` with probability ``1 - delta - 1.01 / k``, for n >= 50 and k >= 2. Here
    delta and 1.01 / k share 1 - confidence equally. An estimate above the limit may be right,
    but no distribution-free bound has shown it.

    Args:
        n: Number of samples on which the bound is evaluated, at least 50.
        confidence: In (0, 1).

    Raises:
        TypeError: `n` is not an integer, or `confidence` not a number.
        ValueError: Out of range.
    """
    try:
        if isinstance(n, bool):
            raise TypeError
        number = operator.index(cast(SupportsIndex, n))
    except TypeError:
        raise TypeError(f"n must be an integer; got n={n!r} ({type(n).__name__})") from None
    if number < 50:
        raise ValueError(f"n must be at least 50; got n={number}")
    given: object = confidence
    if isinstance(given, bool) or not isinstance(given, Real):
        raise TypeError(
            f"confidence must be a real number; got {confidence!r} ({type(confidence).__name__})"
        )
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be in (0, 1); got confidence={confidence!r}")
    k = max(math.ceil(2.02 / (1.0 - confidence)), 2)
    return math.log(2.0 * k) + 2.0 * math.log(number)
