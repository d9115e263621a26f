"""The methods that bench/bmi tries, with the options that a user would give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastmi.estimators import MI_METHODS

Options = dict[str, object]


def _any(_: int, __: int) -> bool:
    return True


@dataclass(frozen=True)
class Candidate:
    """One method with options.

    Attributes:
        method: What fastmi calls it.
        options: Options that are the same for all tasks.
        k: Number of neighbours as a function of (dx, dy), where the method needs more for more
            columns.
        fits: Whether it is tried on (dx, dy).
        trains: Whether it trains a network, which takes seconds to minutes.
    """

    method: str
    options: Mapping[str, object] = field(default_factory=dict)
    k: Callable[[int, int], int] | None = None
    fits: Callable[[int, int], bool] = _any
    trains: bool = False

    def arguments(self, dx: int, dy: int) -> Options:
        """Return the keywords of fastmi.mi for blocks of dx and dy columns."""
        neighbours = {} if self.k is None else {"k": self.k(dx, dy)}
        return {"method": self.method, **self.options, **neighbours}

    def missing(self) -> str:
        """Return what this build of fastmi lacks for it; empty if nothing."""
        if self.method not in MI_METHODS:
            return f"method {self.method!r}"
        accepted = MI_METHODS[self.method].options
        lacking = [name for name in self.options if name not in accepted]
        return f"options {', '.join(lacking)} of {self.method!r}" if lacking else ""

    def accepts(self, option: str) -> bool:
        """Return whether the method has an option of this name."""
        return option in MI_METHODS[self.method].options


_TWIN = {"bias_correction": "twin"}
_COPULA = {"normalize": "copula"}

#: By the label that tables show. Further methods go here.
CANDIDATES: dict[str, Candidate] = {
    "ksg1": Candidate("ksg1"),
    "ksg1, k=10, local": Candidate("ksg1", {"k": 10, "normalize": "local"}),
    "ksg1, copula": Candidate("ksg1", _COPULA),
    "ksg2": Candidate("ksg2"),
    "biksg": Candidate("biksg"),
    "biksg, p=2": Candidate("biksg", {"p": 2}),
    # It needs as many neighbours as there are columns, and takes minutes for many of both.
    "lnc": Candidate(
        "lnc", k=lambda dx, dy: max(10, dx + dy + 5), fits=lambda dx, dy: dx + dy <= 20
    ),
    "ksg_global_linf": Candidate("ksg_global_linf"),
    "3h": Candidate("3h", k=lambda dx, dy: max(10, (dx + dy) // 4 + 1)),
    "gaussian": Candidate("gaussian"),
    "gaussian, copula": Candidate("gaussian", _COPULA),
    "binning": Candidate("binning", fits=lambda dx, dy: dx + dy == 2),
    "ksg1, twin, copula": Candidate("ksg1", {**_TWIN, **_COPULA}),
    "ksg_relevance": Candidate("ksg_relevance"),
    "ksg_relevance, twin": Candidate("ksg_relevance", _TWIN),
    "ksg_relevance, parts": Candidate("ksg_relevance", {"bias_correction": "parts"}),
    "auto": Candidate("auto"),
    "auto, thorough": Candidate("auto", {"thorough": True}, trains=True),
    "ndoe": Candidate("ndoe", trains=True),
    "mienf": Candidate("mienf", trains=True),
    "doe": Candidate("doe", trains=True),
    "infonce": Candidate("infonce", trains=True),
    "infonce-anchor": Candidate("infonce-anchor", trains=True),
    "smile": Candidate("smile", trains=True),
    "mine": Candidate("mine", trains=True),
}


def describe(label: str) -> str:
    """Return the call behind a label, as a reader would type it."""
    candidate = CANDIDATES[label]
    options = "".join(f", {name}={value!r}" for name, value in candidate.options.items())
    if candidate.k is not None:
        options += f", k={candidate.k(1, 1)} or more with many columns"
    return f'fastmi.mi(x, y, method="{candidate.method}"{options})'
