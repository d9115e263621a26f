"""How large a certified lower bound on information can be."""

from __future__ import annotations

import math

from fastmi._checks import check_integer, check_real


def feasible_limit(n: int, confidence: float = 0.95) -> float:
    """Return the largest value in nats that n samples can certify, whatever the estimator.

    A lower bound on entropy, and so on mutual information, that holds for every distribution with
    probability 1 - delta is at most ``log(2 k n^2)`` with probability ``1 - delta - 1.01 / k``, for
    n >= 50 and k >= 2 (McAllester and Stratos 2020, theorem 3.1, https://arxiv.org/abs/1811.04251).
    Here delta and 1.01 / k are each half of 1 - confidence. An estimate above the limit may be
    right, but no bound that holds for every distribution can show it.

    Args:
        n: Number of samples on which the bound is evaluated, at least 50.
        confidence: Probability with which the limit holds, in (0, 1).

    Raises:
        TypeError: `n` is not an integer, or `confidence` not a number.
        ValueError: Out of range.
    """
    number = check_integer("n", n, 50)
    share = 1.0 - check_real("confidence", confidence, 0.0, 1.0, ends="()")
    k = max(math.ceil(2.02 / share), 2)
    return math.log(2.0 * k) + 2.0 * math.log(number)
