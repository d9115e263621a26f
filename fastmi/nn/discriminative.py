"""Training a critic and reading the information off it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fastmi.nn import objectives
from fastmi.nn.critics import score_matrix, score_pairs

__all__ = ["CriticFit", "CriticLoss", "Objective", "Reading"]

# Cyclic shifts of y whose pairs stand for the product of the margins.
SHIFTS = 8
# The curves need less: rows and shifts of one evaluation.
CURVE_ROWS = 2048
CURVE_SHIFTS = 4
CURVE_BLOCKS = 8
# Pairs scored at once outside training.
_CHUNK = 1 << 14

Scores = Callable[..., Any]


@dataclass(frozen=True)
class Objective:
    """What a critic is trained on and what is reported.

    Attributes:
        train: Of scores as in :mod:`fastmi.nn.objectives`, to be maximised; or a pair of it
            and the running value.
        value: Of joint and product scores, nats.
        weights: Of product scores: minus the derivative of `value` by each, times their
            number. None if `value` does not depend on them.
        blocks: Whether `train` and `value` take matrices only.
        limit: Where `value` clips joint scores.
    """

    train: Scores
    value: Scores
    weights: Callable[[Tensor], Tensor] | None = None
    blocks: bool = False
    limit: float = math.inf


@dataclass(frozen=True)
class Reading:
    """What held-out samples say under a trained model.

    Attributes:
        value: Nats.
        local: Contribution of each sample, shape (m,).
        stderr: Standard error in nats, the partition term's share included.
        effective: Kish's effective number of product pairs; infinite if there is no partition.
        product_pairs: Their number.
        terms: Other readings by name, nats.
    """

    value: float
    local: NDArray[np.float64]
    stderr: float
    effective: float = math.inf
    product_pairs: int = 0
    terms: dict[str, float] = field(default_factory=dict)


class CriticLoss:
    """Minus an objective on a batch, with the running value; carries the objective's state.

    Args:
        critic: See :mod:`fastmi.nn.critics`.
        objective: What to train on.
        negatives: "all" scores every x of a batch with every y; "shuffle" pairs each x with
            the y of the next row only, which costs 2 B scores instead of B^2.
    """

    def __init__(self, critic: nn.Module, objective: Objective, negatives: str) -> None:
        self.critic = critic
        self.objective = objective
        self.negatives = negatives

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and the running value of x (B, dx) and y (B, dy)."""
        if self.negatives == "all":
            scores: tuple[Tensor, ...] = (score_matrix(self.critic, x, y),)
        else:
            both = score_pairs(self.critic, torch.cat((x, x)), torch.cat((y, y.roll(1, 0))))
            scores = both.tensor_split(2)
        result = self.objective.train(*scores)
        if isinstance(result, tuple):
            value, running = result
        else:
            value = result
            if self.objective.value is self.objective.train:
                running = value
            else:
                running = self.objective.value(*(part.detach() for part in scores))
        return -value, running

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the objective, for a checkpoint."""
        state = getattr(self.objective.train, "state_dict", dict)
        return dict(state())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the state of the objective."""
        load = getattr(self.objective.train, "load_state_dict", None)
        if load is not None:
            load(state)


class CriticFit:
    """A critic with its objective, as :func:`fastmi.nn.train` and the estimators need them.

    Args:
        critic: See :mod:`fastmi.nn.critics`; trained in place.
        objective: See :class:`Objective`.
        negatives: See :class:`CriticLoss`.
        batch_size: Rows of a block, for objectives on matrices.
    """

    def __init__(
        self, critic: nn.Module, objective: Objective, negatives: str, batch_size: int
    ) -> None:
        self.model = critic
        self.objective = objective
        self.batch_size = batch_size
        self.loss = CriticLoss(critic, objective, negatives)
        same = objective.value is objective.train or isinstance(
            objective.train, objectives.MovingDV
        )
        self.score = None if same else self._score

    def estimate(self, x: Tensor, y: Tensor) -> float:
        """Return the value on a part of the held-out samples, for the curve."""
        if self.objective.blocks:
            rows = CURVE_BLOCKS * self.batch_size
            return float(self._block_terms(x[:rows], y[:rows]).mean())
        joint, product = self._pairs(x[:CURVE_ROWS], y[:CURVE_ROWS], CURVE_SHIFTS)
        return float(self.objective.value(joint, product))

    def _score(self, x: Tensor, y: Tensor) -> float:
        joint, product = self._pairs(x[:CURVE_ROWS], y[:CURVE_ROWS], CURVE_SHIFTS)
        return -float(self.objective.train(joint, product))

    @torch.no_grad()
    def read(self, x: Tensor, y: Tensor) -> Reading:
        """Return the value on all of the samples, without training anything."""
        if self.objective.blocks:
            terms = self._block_terms(x, y).cpu().numpy()
            stderr = float(terms.std()) / math.sqrt(len(terms))
            return Reading(float(terms.mean()), terms, stderr)
        joint, product = self._pairs(x, y, SHIFTS)
        value = float(self.objective.value(joint, product))
        joint = joint.clamp(-self.objective.limit, self.objective.limit)
        local = (joint - joint.mean() + value).cpu().numpy()
        if self.objective.weights is None:
            return Reading(value, local, float(local.std()) / math.sqrt(len(local)))
        weights = self.objective.weights(product).cpu().numpy()
        # Each sample takes part in the product pairs of its row as x and of others as y
        # (Hoeffding's projection of a mean over pairs).
        shares = weights.mean(0)
        for shift, row in enumerate(weights, start=1):
            shares += np.roll(row, shift) / len(weights)
        stderr = float((local - shares).std()) / math.sqrt(len(local))
        squares = float(np.square(weights).sum())
        effective = float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
        return Reading(value, local, stderr, effective, weights.size)

    def _pairs(self, x: Tensor, y: Tensor, shifts: int) -> tuple[Tensor, Tensor]:
        """Return scores (m,) of the pairs and (s, m) of x_i with y_{i + 1}, ..., y_{i + s}."""
        shifts = min(shifts, len(x) - 1)
        rows = [self._chunked(x, y.roll(-shift, 0)) for shift in range(shifts + 1)]
        return rows[0], torch.stack(rows[1:])

    def _chunked(self, x: Tensor, y: Tensor) -> Tensor:
        starts = range(0, len(x), _CHUNK)
        parts = [(x[start : start + _CHUNK], y[start : start + _CHUNK]) for start in starts]
        return torch.cat([score_pairs(self.model, *part).double() for part in parts])

    def _block_terms(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the terms of InfoNCE in blocks of the batch size, shape (blocks * size,)."""
        size = min(self.batch_size, len(x))
        terms = []
        for start in range(0, len(x) - size + 1, size):
            rows = slice(start, start + size)
            terms.append(objectives.infonce_local(score_matrix(self.model, x[rows], y[rows])))
        return torch.cat(terms)
