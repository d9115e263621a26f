"""Surrogates of one pair, drawn until its p-value is known well enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_integer
from fastmi._tasks import MOST_TASKS
from fastmi.statistics._sequential import STOP_AT, SequentialTests

Floats: TypeAlias = NDArray[np.float64]

# Surrogates that a kernel computes at one go: a batch is a multiple of it.
_LANES = 16


class Stopped(NamedTuple):
    """P-values of m tests that share surrogates.

    Attributes:
        p_value: P-values, m of them.
        used: Number of surrogates that each has used.
    """

    p_value: list[float]
    used: list[int]


def read_sequential(sequential: object) -> int:
    """Return the number of surrogates at or above the estimate that stop a test, 0 for no stop.

    Raises:
        TypeError: `sequential` is neither a bool nor an integer.
        ValueError: It is below 1.
    """
    if isinstance(sequential, bool | np.bool_):
        return STOP_AT if sequential else 0
    return check_integer("sequential", sequential, 1, MOST_TASKS)


def draw_until(
    observed: Floats, draw: Callable[[int, int], Floats], most: int, stop_at: int
) -> tuple[Floats, Stopped]:
    """Return surrogates, as many as the tests need, and what they say.

    They are drawn in batches, because kernels compute many at one go. P-values do not depend on
    the batches, as surrogate number i is the same in any of them.

    Args:
        observed: The estimates of one pair, shape (m,), for example for m numbers of neighbours.
        draw: Function of a first and a last number, which returns the values of the surrogates from
            the first to before the last, shape (last - first, m).
        most: Largest number of surrogates.
        stop_at: Number of surrogates at or above the estimate that stop a test; 0 draws all.
    """
    tests = [SequentialTests(observed[at : at + 1], most, stop_at) for at in range(len(observed))]
    parts: list[Floats] = []
    made = 0
    # At least one batch: a test without a value still has a null distribution.
    while made < most and not (parts and all(test.done for test in tests)):
        end = most
        if stop_at:
            rarest = min(int(test.reached[0]) for test in tests)
            end = min(most, _next_end(made, rarest, stop_at))
        part = draw(made, end)
        for at, test in enumerate(tests):
            test.add(part[:, at])
        parts.append(part)
        made = end
    p = [float(test.p_values()[0]) for test in tests]
    used = [int(test.seen[0]) or made for test in tests]
    return np.concatenate(parts), Stopped(p, used)


def _next_end(made: int, reached: int, stop_at: int) -> int:
    """Return up to which number to draw, when the rarest estimate was reached `reached` times.

    As many as that suggests, with a fifth to spare; at most twice all those before, because the
    suggestion is uncertain.
    """
    wanted = 2 * stop_at
    if made:
        wanted = int(min(2 * made, 1.2 * made * stop_at / max(reached, 1)))
    return made + max(_LANES, -(-(wanted - made) // _LANES) * _LANES)
