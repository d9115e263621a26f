"""Add importance samples or temperatures until the two bounds are close enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastmi._cautions import announce, quiet
from fastmi._checks import Seed, check_choice, check_integer, check_real
from fastmi._extras import Progress, ProgressBar
from fastmi.bounds._arguments import describes_arguments
from fastmi.bounds._arrays import Array
from fastmi.bounds._model import Model, Proposal
from fastmi.bounds._result import Sandwich
from fastmi.bounds.ais import ais
from fastmi.bounds.multisample import sandwich

_OPTION = {"sandwich": "n_importance", "ais": "n_steps"}


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A sandwich, and the reason why the search for it ended.

    Attributes:
        sandwich: The last sandwich of `history`.
        stopped: "tolerance" if the gap is small enough, "limit" if the number of importance
            samples or temperatures reached its limit, "seconds" if the next round was expected
            to exceed the budget.
        history: Every sandwich of the search, in order of cost.
    """

    sandwich: Sandwich
    stopped: str
    history: tuple[Sandwich, ...]

    def __repr__(self) -> str:
        return f"Tuned({self.sandwich!r}, stopped={self.stopped!r}, rounds={len(self.history)})"


@describes_arguments
def tune(
    model: Model,
    x: Array,
    z: Array,
    *,
    method: str = "sandwich",
    tolerance: float = 0.1,
    first: int = 8,
    limit: int = 8192,
    factor: int = 4,
    seconds: float | None = None,
    proposal: Proposal | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
    **options: Any,
) -> Tuned:
    """Multiply the work by `factor` until the gap between the bounds is below `tolerance`.

    The search ends when the gap plus its standard error is at most `tolerance`. A round does not
    reuse the samples of earlier ones, which together cost about ``1 / (factor - 1)`` times as
    much as the last.

    Args:
        model: The known densities, as the method needs them.
        method: "sandwich" grows `n_importance`, "ais" grows `n_steps`.
        tolerance: Largest acceptable gap in nats.
        first: Number of importance samples or temperatures of the first round.
        limit: Largest number that may be taken.
        factor: Ratio of the numbers of two rounds, an integer of at least 2.
        seconds: Budget of the search. A round that is expected to exceed it is not begun,
            except the first. None sets no budget.
        progress: True shows a bar, which needs tqdm; a function is called after each round.
        **options: More options of :func:`sandwich` or :func:`ais`.

    Returns:
        The last sandwich, and what ended the search.

    Raises:
        TypeError: An option has the wrong type; or an error of the method.
        ValueError: An option is out of range; or an error of the method.
    """
    check_choice("method", method, _OPTION)
    if _OPTION[method] in options:
        raise TypeError(f"{_OPTION[method]} is what tune() chooses; give first and limit instead")
    goal = check_real("tolerance", tolerance, 0.0, ends="()")
    size = check_integer("first", first, 1)
    most = check_integer("limit", limit, size)
    factor = check_integer("factor", factor, 2)
    budget = math.inf if seconds is None else check_real("seconds", seconds, 0.0, ends="()")
    run: Any = sandwich if method == "sandwich" else ais
    rounds = 1 + max(0, math.ceil(math.log(most / size, factor)))
    history: list[Sandwich] = []
    start = perf_counter()
    with ProgressBar(progress, rounds, "rounds") as bar:
        while True:
            begun = perf_counter()
            given = {**options, _OPTION[method]: size}
            with quiet():
                found = run(model, x, z, proposal=proposal, seed=seed, **given)
            history.append(found)
            bar.show(lower=float(found.lower), upper=float(found.upper))
            bar.advance()
            now = perf_counter()
            larger = min(size * factor, most)
            if found.gap + found.gap_stderr <= goal:
                stopped = "tolerance"
            elif size == most:
                stopped = "limit"
            elif now - start + (now - begun) * larger / size > budget:
                stopped = "seconds"
            else:
                size = larger
                continue
            announce(found)
            return Tuned(sandwich=found, stopped=stopped, history=tuple(history))
