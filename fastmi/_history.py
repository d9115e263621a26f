"""The course of a training, as NumPy arrays, so that a result holds it without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class History:
    """How an estimate moved while a model was trained.

    Attributes:
        steps: Training steps done at each evaluation, int64, shape (e,).
        train: Running estimate on training batches, nats, mean since the previous evaluation,
            shape (e,).
        validation: Estimate on held-out data, nats, shape (e,).
        best_step: Step whose parameters were kept.
        stopped: Why it ended: "steps" (all done) or "patience" (no better score).
        seconds: Wall time of the training.
        cuda_graph: Whether its steps were replayed as a CUDA graph.
    """

    steps: NDArray[np.int64]
    train: NDArray[np.float64]
    validation: NDArray[np.float64]
    best_step: int
    stopped: str
    seconds: float
    cuda_graph: bool = False
