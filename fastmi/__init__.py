"""fastmi: mutual information and entropy from samples, by nearest neighbours.

    >>> import numpy as np, fastmi
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=1000)
    >>> estimate = fastmi.mi(x, x + rng.normal(size=1000))
    >>> estimate.bits, estimate.stderr, estimate.warnings  # doctest: +SKIP

Values are in nats, samples are rows, and nothing is clipped or jittered unless asked.
"""

from fastmi import neighbors
from fastmi._backend import config, show_config, version
from fastmi.api import entropy, mi
from fastmi.estimators import KSG, Estimate, KozachenkoLeonenko

__all__ = [
    "KSG",
    "Estimate",
    "KozachenkoLeonenko",
    "__version__",
    "config",
    "entropy",
    "mi",
    "neighbors",
    "show_config",
]

__version__: str


def __getattr__(name: str) -> str:
    # Reading package metadata takes longer than the rest of the import: only when asked.
    if name == "__version__":
        return version()
    raise AttributeError(f"module 'fastmi' has no attribute {name!r}")
