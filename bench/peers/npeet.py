"""NPEET, from an installed module or from the folder named by FASTMI_NPEET."""

from __future__ import annotations

import math
import os
import sys
from functools import cache
from types import ModuleType

from peers._base import Peer, Samples


@cache
def npeet_without_noise() -> ModuleType:
    """Import NPEET's estimators with their tie-breaking noise replaced by the identity.

    Raises:
        ImportError: NPEET is neither installed nor in the folder FASTMI_NPEET.
    """
    folder = os.environ.get("FASTMI_NPEET")
    if folder and folder not in sys.path:
        sys.path.append(folder)
    try:
        from npeet import entropy_estimators
    except ImportError as error:
        raise ImportError(
            "npeet is not installed; FASTMI_NPEET may name a folder that contains it"
        ) from error
    # Without this two calls on the same data differ, and nothing can be compared to 1e-9.
    entropy_estimators.add_noise = lambda x: x
    return entropy_estimators


class Npeet(Peer):
    """The reference implementation of most papers; one core."""

    name = "NPEET"
    notes = "entropy_estimators.mi, noise off, one core"

    def version(self) -> str:
        npeet_without_noise()
        from importlib import metadata

        try:
            return metadata.version("npeet")
        except metadata.PackageNotFoundError:
            return "source"

    def max_n(self, dx: int, dy: int) -> int:
        dims = dx + dy
        return 1_000_000 if dims <= 2 else 100_000 if dims <= 10 else 10_000 if dims <= 40 else 0

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        return float(npeet_without_noise().mi(x, y, k=k, base=math.e))
