"""What a trained model offers: a loss to the training loop, a reading to the estimators."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Fit", "Reading", "in_chunks"]

# Number of rows that a network sees at once outside the training. Even a wide one takes less than
# a tenth of a second for them, after which an interrupt is heard.
_CHUNK = 1 << 14


@dataclass(frozen=True)
class Reading:
    """What samples say under a trained model.

    Attributes:
        value: Estimate in nats.
        local: Contribution of each sample, shape (m,); their mean is the value.
        stderr: Standard error in nats, the share of the partition term included.
        effective: Kish's effective number of product pairs; infinite without a partition term.
        product_pairs: Number of product pairs that were scored.
        offset: What was taken from the score of each sample to give its contribution.
        terms: Other quantities that the model gives, by name, in nats.
    """

    value: float
    local: NDArray[np.float64]
    stderr: float
    effective: float = math.inf
    product_pairs: int = 0
    offset: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)


class Fit(Protocol):
    """A model with all that the training loop and the estimators need of it."""

    @property
    def model(self) -> nn.Module:
        """The module that is trained, in place."""

    @property
    def loss(self) -> Callable[..., Any]:
        """``loss(*batch)``, see :func:`fastmi.nn.train`."""

    @property
    def score(self) -> Callable[..., float] | None:
        """``score(*held_out)``, see :func:`fastmi.nn.train`."""

    @property
    def estimate(self) -> Callable[..., float]:
        """``estimate(*samples)`` in nats, which may look at a part of the samples only."""

    @property
    def read(self) -> Callable[..., Reading]:
        """``read(*samples)``, which looks at all of the samples."""

    @property
    def pointwise(self) -> Callable[..., nn.Module]:
        """``pointwise(reading, *samples)``, with the samples that were read.

        It returns a module that maps samples to pointwise information in nats, shape (m,), and
        the samples that were read to their ``reading.local``.
        """


def in_chunks(network: Callable[..., tuple[Tensor, ...]], *samples: Tensor) -> tuple[Tensor, ...]:
    """Return ``network(*samples)``, computed for some rows after the other.

    Args:
        network: Function whose results have a row for each row of the samples.
        samples: Tensors with n rows each.
    """
    starts = range(0, max(len(samples[0]), 1), _CHUNK)
    parts = [network(*(one[start : start + _CHUNK] for one in samples)) for start in starts]
    return tuple(torch.cat(rows) for rows in zip(*parts, strict=True))
