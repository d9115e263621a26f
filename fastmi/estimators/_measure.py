"""An estimate with all its options, to be repeated on all samples, on surrogates or on halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, quiet
from fastmi._checks import Seed, as_k
from fastmi._columns import check_pairing
from fastmi._device import as_device
from fastmi._estimate import Estimate
from fastmi._inputs import as_blocks, jitter
from fastmi._pool import heed_stop
from fastmi._symbols import as_codes
from fastmi.estimators import CMI_METHODS, MI_METHODS, Method
from fastmi.estimators._lookup import check_options, find
from fastmi.estimators.neighbors.ksg import KSG


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The estimate of a method, with all but samples, threads and seed bound.

    The estimates issue no warnings: the function that repeats them issues those that its user
    needs. A method that trains a network gets a seed of its own for each call, and calls must not
    overlap, since they draw from torch's global generator. The other methods use a seed for
    noise, which :meth:`settle` adds once, to all samples, and for the twins of a bias correction.

    Attributes:
        method: Row of the method.
        options: Options of its estimator.
    """

    method: Method
    options: dict[str, Any]

    def __call__(
        self,
        blocks: Sequence[NDArray[Any]],
        n_jobs: int | None,
        rng: np.random.Generator,
        *,
        repeated: bool = False,
    ) -> list[Estimate]:
        """Return one estimate per k of the blocks, one for each argument of the estimator.

        Args:
            blocks: The samples of each argument.
            n_jobs: Number of threads.
            rng: Generator of the seeds of trainings.
            repeated: Whether this is one of many estimates, of which the value alone counts.
                Everything else that is random, as the twins of a bias correction are, is then drawn
                from `rng` as well, and what examines a value without changing it is left out.
        """
        heed_stop()  # methods that search no neighbours call no kernel, which would heed it
        own: dict[str, Any] = {"n_jobs": n_jobs} if self.method.searches else {}
        if repeated and "thorough" in self.method.options:
            own["thorough"] = False
        if self.method.trains or (repeated and "seed" in self.method.options):
            own["seed"] = int(rng.integers(0, 2**63))
        with quiet():
            found = self.method.make(**{**self.options, **own}).estimate(*blocks)
        return found if isinstance(found, list) else [found]

    def settle(
        self,
        blocks: list[NDArray[Any]],
        *,
        noise: float | None,
        seed: Seed | None,
        rng: np.random.Generator,
        n_jobs: int | None,
        names: Sequence[str] = ("x", "y", "z"),
    ) -> tuple[list[NDArray[Any]], tuple[Caution, ...]]:
        """Return the blocks with noise where it is asked for or ties need it, and cautions of them.

        Samples in which nothing repeats come back as they are. With the default noise the estimate
        of the result is that of the function for these samples and this seed.

        Args:
            blocks: The samples of each argument.
            noise: Level of the noise, or None.
            seed: Seed that the user gave.
            rng: Its generator, from which noise that was asked for is drawn.
            n_jobs: Number of threads.
            names: What to call each block in messages.
        """
        if not self.method.searches:
            return (add_noise(self.method, blocks, noise, rng) if noise else blocks), ()
        own = {"noise": noise, "seed": rng if noise else seed, "n_jobs": n_jobs}
        estimator = self.method.make(**{**self.options, **own})
        continuous = _continuous(self.method, len(blocks))
        settled, cautions = estimator.settle(
            [blocks[j] for j in continuous], [names[j] for j in continuous]
        )
        return _replaced(blocks, continuous, settled), cautions


def make_measure(
    caller: Callable[..., Any], method: Method, *, k: object, options: dict[str, Any]
) -> Measure:
    """Return the estimate to repeat.

    Args:
        caller: Function that the user called, for messages.
        method: Row of the method, from :func:`method_named`.
        k: Number of neighbours, or a sequence of them.
        options: Further keywords that the user gave.

    Raises:
        TypeError: An option that neither `caller` nor the method has.
    """
    options = {"k": k, **options}
    check_options(caller, method, options)
    own = {name: value for name, value in options.items() if name in method.options}
    if method.searches:
        own["noise"] = 0.0
    return Measure(method=method, options=own)


def method_named(method: str | None, *, conditional: bool) -> Method:
    """Return the row of a method of :func:`fastmi.mi`, or of :func:`fastmi.cmi`.

    Args:
        method: Its name; None for "ksg1" or "fp".
        conditional: Whether there is a z.

    Raises:
        ValueError: Unknown `method`.
    """
    if method is None:
        method = "fp" if conditional else "ksg1"
    return find(CMI_METHODS if conditional else MI_METHODS, method)


def reads_on(device: object, method: Method, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the device to read samples for, and the options that are left for the estimator.

    Methods that search neighbours get samples where they lie. Other methods take samples in host
    memory, and `device` is an option of their own or an error.

    Raises:
        TypeError: `device` is not a name.
        ValueError: Unknown `device`.
    """
    if method.searches:
        return as_device(device), options
    return "host", {**options, "device": device}


def given(**options: object) -> dict[str, object]:
    """Return the options that are not None: those that a user gave, and a method may not have."""
    return {name: value for name, value in options.items() if value is not None}


def read_samples(
    method: Method, arrays: Sequence[object], names: Sequence[str], device: str = "host"
) -> list[NDArray[Any]]:
    """Return the blocks of :func:`fastmi._inputs.as_blocks`, with numbers in place of classes.

    Equal values of a column of classes have equal numbers, so that rows can be reordered and left
    out like those of any block, and the estimate is the same.

    Args:
        method: Row of the method, which says what it takes.
        arrays: What users pass.
        names: What to call each in messages.
        device: Where to work on them.

    Raises:
        TypeError: See there and :func:`fastmi._symbols.as_symbols`.
        ValueError: See there.
    """
    check_pairing(arrays, names)
    read = [
        as_codes(array, name) if method.takes_classes(position) else array
        for position, (array, name) in enumerate(zip(arrays, names, strict=True))
    ]
    return as_blocks(read, names, device)


def add_noise(
    method: Method, blocks: list[NDArray[Any]], noise: float, rng: np.random.Generator
) -> list[NDArray[Any]]:
    """Return copies of the blocks with noise, which classes do not get."""
    continuous = _continuous(method, len(blocks))
    return _replaced(blocks, continuous, jitter([blocks[j] for j in continuous], noise, rng))


def _replaced(
    blocks: list[NDArray[Any]], positions: list[int], others: list[NDArray[Any]]
) -> list[NDArray[Any]]:
    """Return the blocks with `others` at these positions."""
    changed = dict(zip(positions, others, strict=True))
    return [changed.get(j, block) for j, block in enumerate(blocks)]


def _continuous(method: Method, number: int) -> list[int]:
    """Return the positions of the blocks that are not classes."""
    return [j for j in range(number) if not method.takes_classes(j)]


def values(estimates: list[Estimate]) -> NDArray[np.float64]:
    """Return the bare values, shape (number of k,)."""
    return np.array(estimates, dtype=np.float64)


def as_ksg1(
    method: Method,
    k: object,
    options: dict[str, Any],
    *,
    noise: float | None = 0.0,
    seed: Seed | None = None,
) -> KSG | None:
    """Return the estimator if it is KSG algorithm 1 without a Theiler window, else None.

    Raises:
        ValueError: An option out of range.
    """
    others = options.keys() - {"metric", "algorithm", "normalize"}
    if others or method is not MI_METHODS["ksg1"]:
        return None
    return KSG(k=as_k(k), noise=noise, seed=seed, **options)
