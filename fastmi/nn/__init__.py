"""Parts of the neural estimators, in torch: objectives, critics, densities, one training loop.

Importing this package imports torch; ``import fastmi`` does not.
"""

from fastmi._extras import load as _load

# First, so that a missing torch is an error that names the extra.
_load("torch", extra="torch", needed_by="fastmi.nn")

from fastmi._history import History  # noqa: E402
from fastmi.nn.training import Training, train  # noqa: E402

__all__ = ["History", "Training", "train"]
