"""Spend importance samples or temperatures until the two bounds are close enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastmi._checks import Seed, check_choice, check_integer, check_real
from fastmi._extras import Progress, ProgressBar
from fastmi.bounds._arrays import Array
from fastmi.bounds._model import Model, Proposal
from fastmi.bounds._result import Sandwich
from fastmi.bounds.ais import ais
from fastmi.bounds.multisample import sandwich

_OPTION = {"sandwich": "n_importance", "ais": "n_steps"}


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A sandwich, and why it was not made tighter.

    Attributes:
        sandwich: The last of `history`.
        stopped: "tolerance" (the gap is below it), "limit" (of importance samples or
            temperatures) or "seconds" (the next round would have gone beyond them).
        history: Every sandwich tried, in order of cost.
    """

    sandwich: Sandwich
    stopped: str
    history: tuple[Sandwich, ...]

    def __repr__(self) -> str:
        return f"Tuned({self.sandwich!r}, stopped={self.stopped!r}, rounds={len(self.history)})"


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

    The gap is compared with its standard error added. Rounds draw afresh, so that all but
    the last cost about ``1 / (factor - 1)`` of the last one together.

    Args:
        model: As for `method`.
        x: Observations, shape (n, ...) or (n,).
        z: Latents that generated them, shape (n, dz) or (n,).
        method: "sandwich" grows `n_importance`, "ais" grows `n_steps`.
        tolerance: Largest acceptable gap in nats.
        first: What to begin with.
        limit: What not to exceed.
        factor: At least 2.
        seconds: Budget; a round that is expected to pass it is not begun. The first always is.
        proposal: q(z|x); None for the prior.
        seed: Anything :func:`numpy.random.default_rng` takes.
        progress: Whether to show a bar (needs tqdm); or a function called after each round.
        **options: More options of :func:`sandwich` or :func:`ais`.

    Returns:
        The last sandwich, and what ended the search.

    Raises:
        TypeError: An option of the wrong type; see also `method`.
        ValueError: An option out of range; see also `method`.
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
            return Tuned(sandwich=found, stopped=stopped, history=tuple(history))
