"""Interleaved timing: every candidate is measured under the same drift of the machine.

Clocks, caches and neighbours on a shared host move by tens of percent within minutes, so
candidates take turns, round by round, and only medians of one run are compared.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Call = Callable[[], tuple[Any, float]]
"""Run once and return (value, seconds)."""

BLOCK_SECONDS = 0.02
"""A turn lasts at least this long, so that tiny calls are not timed one cold call at a time."""

SETTLE_SECONDS = 0.01
"""Pause between turns: OpenMP workers of the last library spin for some milliseconds."""


@dataclass
class Timing:
    """All measured calls of one candidate.

    Attributes:
        value: What the first call returned.
        seconds: One entry per timed call; the warm-up call is there only if it took so long
            that it was not repeated.
    """

    value: Any
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)


def timed(
    call: Callable[[], Any], clock: Callable[[], float] = time.perf_counter
) -> tuple[Any, float]:
    """Return what the call returns, and the seconds that the clock shows for it."""
    start = clock()
    value = call()
    return value, clock() - start


def progress(message: str) -> None:
    """Write one progress line to stderr."""
    print(message, file=sys.stderr, flush=True)


def interleave(
    calls: Mapping[str, Call],
    *,
    budget: float,
    min_rounds: int = 3,
    max_rounds: int = 50,
    once_above: float = 8.0,
    block_seconds: float = BLOCK_SECONDS,
) -> dict[str, Timing]:
    """Time the candidates in turns.

    The first turn of each is a warm-up (imports, compilation, pools). One that takes longer
    than `once_above` seconds counts as its only measurement, since nothing of it is start-up.
    Every second round runs backwards, so that no candidate always follows the same one.

    Args:
        calls: Candidates by name.
        budget: Seconds after which no further round starts, once `min_rounds` are done.
        min_rounds: Rounds made whatever they cost.
        max_rounds: Rounds made at most.
        once_above: Seconds above which a candidate runs once.
        block_seconds: Least length of a turn.
    """
    timings: dict[str, Timing] = {}
    repeated: list[str] = []
    for name, call in calls.items():
        value, seconds = call()
        timings[name] = Timing(value)
        if seconds > once_above:
            timings[name].seconds.append(seconds)
        else:
            repeated.append(name)

    start = time.perf_counter()
    for completed in range(max_rounds):
        if completed >= min_rounds and time.perf_counter() - start > budget:
            break
        for name in _turns(repeated, completed):
            time.sleep(SETTLE_SECONDS)
            timings[name].seconds += _turn(calls[name], block_seconds)
    return timings


def _turns(names: Sequence[str], completed: int) -> Sequence[str]:
    return names if completed % 2 == 0 else names[::-1]


def _turn(call: Call, block_seconds: float) -> list[float]:
    """Call for at least block_seconds; a short first call only wakes threads and caches."""
    first = call()[1]
    if first >= block_seconds:
        return [first]
    seconds: list[float] = []
    spent = 0.0
    while spent < block_seconds and len(seconds) < 200:
        seconds.append(call()[1])
        spent += seconds[-1]
    return seconds


def format_seconds(seconds: float) -> str:
    """Three significant digits with the unit that suits them."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"
