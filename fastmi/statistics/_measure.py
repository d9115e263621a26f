"""The estimate that is made again and again: of all samples, of surrogates, of parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi import api
from fastmi._device import as_device
from fastmi._inputs import as_k, check_choice
from fastmi.estimators import CMI_METHODS, KSG, MI_METHODS, Estimate

# Takes the blocks (x, y) or (x, y, z) and the number of threads; one estimate per k.
Measure: TypeAlias = Callable[[Sequence[NDArray[Any]], "int | None"], list[Estimate]]


def make_measure(
    *, conditional: bool, method: str | None, k: object, options: dict[str, Any]
) -> Measure:
    """Return :func:`fastmi.mi` or :func:`fastmi.cmi` with all but samples and threads bound.

    Args:
        conditional: Whether there is a z.
        method: Of that function; None for "ksg1" or "fp".
        k: Number of neighbours, or a sequence of them.
        options: Further keywords of that function.

    Raises:
        ValueError: Unknown `method`.
    """
    function: Callable[..., Any] = api.cmi if conditional else api.mi
    name, threaded = _method(conditional, method)

    def measure(blocks: Sequence[NDArray[Any]], n_jobs: int | None) -> list[Estimate]:
        threads = {"n_jobs": n_jobs} if threaded else {}
        found = function(*blocks, method=name, k=k, **threads, **options)
        return found if isinstance(found, list) else [found]

    return measure


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
    _, searches = _method(conditional, method)
    if searches:
        return as_device(device), options
    return "host", options if device == "auto" else {**options, "device": device}


def _method(conditional: bool, method: str | None) -> tuple[str, bool]:
    """Return the name of the method, and whether it searches neighbours, with threads."""
    methods: Any = CMI_METHODS if conditional else MI_METHODS
    name = ("fp" if conditional else "ksg1") if method is None else method
    check_choice("method", name, methods)
    return name, "n_jobs" in inspect.signature(methods[name]).parameters


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
