"""The estimate that is made again and again: of all samples, of surrogates, of parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi import api
from fastmi._checks import as_k, check_choice
from fastmi._device import as_device
from fastmi.estimators import CMI_METHODS, KSG, MI_METHODS, Estimate
from fastmi.estimators._lookup import Lazy


@dataclass(frozen=True, kw_only=True)
class Measure:
    """:func:`fastmi.mi` or :func:`fastmi.cmi` with all but samples, threads and seed bound.

    Attributes:
        function: Either of them.
        method: Name of the estimator.
        threaded: Whether it takes a number of threads.
        trains: Whether it trains a network: then it needs a seed of its own, and calls must
            not overlap, since they draw from torch's global generator.
        options: Further keywords of the function.
    """

    function: Callable[..., Any]
    method: str
    threaded: bool
    trains: bool
    options: dict[str, Any]

    def __call__(
        self, blocks: Sequence[NDArray[Any]], n_jobs: int | None, rng: np.random.Generator
    ) -> list[Estimate]:
        """Return one estimate per k of the blocks (x, y) or (x, y, z)."""
        own: dict[str, Any] = {"n_jobs": n_jobs} if self.threaded else {}
        if self.trains:
            own["seed"] = int(rng.integers(0, 2**63))
        found = self.function(*blocks, method=self.method, **own, **self.options)
        return found if isinstance(found, list) else [found]


def make_measure(
    *, conditional: bool, method: str | None, k: object, options: dict[str, Any]
) -> Measure:
    """Return the estimate to make again and again.

    Args:
        conditional: Whether there is a z.
        method: Of :func:`fastmi.mi` or :func:`fastmi.cmi`; None for "ksg1" or "fp".
        k: Number of neighbours, or a sequence of them.
        options: Further keywords of that function.

    Raises:
        ValueError: Unknown `method`.
    """
    name, known = _method(conditional, method)
    return Measure(
        function=api.cmi if conditional else api.mi,
        method=name,
        threaded="n_jobs" in known,
        # Others draw for their noise alone, which is added before.
        trains="seed" in known and "noise" not in known,
        options={"k": k, **options},
    )


def reads_on(
    device: object, *, conditional: bool, method: str | None, options: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the device to read samples for, and the options that are left for the estimator.

    Searches of neighbours work on samples wherever they lie, and are handed them there. Other
    estimators take samples in host memory and have their own use for `device`, or none.

    Raises:
        TypeError: `device` is not a name.
        ValueError: Unknown `device` or `method`.
    """
    _, known = _method(conditional, method)
    if "n_jobs" in known:
        return as_device(device), options
    return "host", options if device == "auto" else {**options, "device": device}


def _method(conditional: bool, method: str | None) -> tuple[str, Collection[str]]:
    """Return the name of the method, and those of its options."""
    methods: Any = CMI_METHODS if conditional else MI_METHODS
    name = ("fp" if conditional else "ksg1") if method is None else method
    check_choice("method", name, methods)
    made = methods[name]
    return name, inspect.signature(made.load() if isinstance(made, Lazy) else made).parameters


def values(estimates: list[Estimate]) -> NDArray[np.float64]:
    """Return the bare values, shape (number of k,)."""
    return np.array(estimates, dtype=np.float64)


def as_ksg1(method: str | None, k: object, options: dict[str, Any]) -> KSG | None:
    """Return the estimator if it is KSG algorithm 1 with options that it knows, else None.

    Raises:
        ValueError: An option out of range.
    """
    if method not in (None, "ksg1") or not options.keys() <= {"metric", "algorithm", "normalize"}:
        return None
    return KSG(k=as_k(k), **options)
