"""What the harness asks of a library: one estimate, and how far it can be pushed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import metadata

import numpy as np
from numpy.typing import NDArray
from timing import timed

Samples = NDArray[np.floating]

THREADS = 2
"""Cores given to every library that can use more than one; scripts set it from the machine."""


class Peer(ABC):
    """One library behind the common signature `mi(x, y, k) -> nats`.

    Attributes:
        name: Column label.
        notes: What exactly is timed, in one sentence.
        tolerance: Largest difference in nats from fastmi's KSG-1 on the same float64 sample
            that still counts as agreement. Exact implementations differ by summation order.
    """

    name: str
    notes: str
    tolerance: float = 1e-9

    def why_unavailable(self) -> str | None:
        """Return why this library cannot run here, or None if it can."""
        try:
            self.version()
        except (ImportError, metadata.PackageNotFoundError) as error:
            return str(error)
        return None

    def available(self) -> bool:
        """Whether `mi` can be called here."""
        return self.why_unavailable() is None

    @abstractmethod
    def version(self) -> str:
        """Return the version of the library that would run."""

    @abstractmethod
    def max_n(self, dx: int, dy: int) -> int:
        """Return the most samples worth waiting for, about a minute; 0 if unsupported."""

    @abstractmethod
    def mi(self, x: Samples, y: Samples, k: int) -> float:
        """Estimate KSG-1 mutual information in nats, x [n, dx], y [n, dy]."""

    def timed(self, x: Samples, y: Samples, k: int) -> tuple[float, float]:
        """Return (estimate, seconds). Overridden where the call crosses a process."""
        return timed(lambda: self.mi(x, y, k))

    def pid(self) -> int | None:
        """Process that holds the memory, if it is not this one."""
        return None
