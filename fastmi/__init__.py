"""fastmi: mutual information and entropy from samples, by nearest neighbours.

    >>> import numpy as np, fastmi
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=1000)
    >>> estimate = fastmi.mi(x, x + rng.normal(size=1000))
    >>> estimate.bits, estimate.stderr, estimate.warnings  # doctest: +SKIP

Values are in nats, samples are rows, and nothing is clipped or jittered unless asked.
"""

from fastmi import neighbors
from fastmi._backend import VERSION as __version__
from fastmi._backend import config, show_config
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
