"""Training of a critic, and the information that its scores give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fastmi.nn import objectives
from fastmi.nn.critics import score_matrix, score_pairs
from fastmi.nn.fit import Reading, in_chunks

__all__ = [
    "ConditionalInformation",
    "ContrastiveInformation",
    "CriticFit",
    "CriticInformation",
    "CriticLoss",
    "Objective",
]

# Number of cyclic shifts of y whose pairs stand for the product of the margins.
SHIFTS = 8
# The evaluations of the curves use fewer rows, shifts and blocks.
CURVE_ROWS = 2048
CURVE_SHIFTS = 4
CURVE_BLOCKS = 8

Scores = Callable[..., Any]


@dataclass(frozen=True)
class Objective:
    """What a critic is trained on and what is reported.

    Attributes:
        train: Function of scores, as in :mod:`fastmi.nn.objectives`, that returns what is
            maximised, or a pair of it and the running value.
        value: Function of joint and product scores that returns the estimate in nats.
        weights: Function of product scores that returns minus the derivative of `value` by each
            of them, times their number. None if `value` does not depend on product scores.
        blocks: Whether `train` and `value` take score matrices only.
        limit: Largest magnitude of a joint score, beyond which `value` clips.
    """

    train: Scores
    value: Scores
    weights: Callable[[Tensor], Tensor] | None = None
    blocks: bool = False
    limit: float = math.inf


class CriticLoss:
    """The loss of a critic on a batch, which is minus its objective, with the running value.

    Args:
        critic: The critic, see :mod:`fastmi.nn.critics`.
        objective: What to train on; its state is that of the loss.
        negatives: "all" scores every x of a batch with every y; "shuffle" pairs each x with
            the y of the next row only, which costs 2 B scores instead of B^2.
    """

    def __init__(self, critic: nn.Module, objective: Objective, negatives: str) -> None:
        self.critic = critic
        self.objective = objective
        self._negatives = negatives

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and the running value of x (B, dx) and y (B, dy)."""
        if self._negatives == "all":
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
        """Return the state of the objective for a checkpoint."""
        state = getattr(self.objective.train, "state_dict", dict)
        return dict(state())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set the state of the objective from a checkpoint."""
        load = getattr(self.objective.train, "load_state_dict", None)
        if load is not None:
            load(state)


class CriticFit:
    """A critic with its objective as a :class:`fastmi.nn.fit.Fit`.

    Args:
        critic: The critic, which is trained in place, see :mod:`fastmi.nn.critics`.
        objective: What to train on and what to report.
        negatives: See :class:`CriticLoss`.
        batch_size: Number of rows of a block, for objectives that take matrices only.
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
        """Return the value on all of the samples, with the parameters frozen."""
        if self.objective.blocks:
            terms = self._block_terms(x, y).cpu().numpy()
            stderr = float(terms.std()) / math.sqrt(len(terms))
            return Reading(float(terms.mean()), terms, stderr)
        joint, product = self._pairs(x, y, SHIFTS)
        value = float(self.objective.value(joint, product))
        joint = joint.clamp(-self.objective.limit, self.objective.limit)
        offset = float(joint.mean()) - value
        local = (joint - offset).cpu().numpy()
        if self.objective.weights is None:
            stderr = float(local.std()) / math.sqrt(len(local))
            return Reading(value, local, stderr, offset=offset)
        weights = self.objective.weights(product).cpu().numpy()
        # A sample takes part in product pairs of its own row, as x, and of earlier rows, as y; its
        # share is the sum of both (Hoeffding's projection of a mean over pairs).
        shares = weights.mean(0)
        for shift, row in enumerate(weights, start=1):
            shares += np.roll(row, shift) / len(weights)
        stderr = float((local - shares).std()) / math.sqrt(len(local))
        squares = float(np.square(weights).sum())
        effective = float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
        return Reading(value, local, stderr, effective, weights.size, offset)

    def pointwise(self, reading: Reading, x: Tensor, y: Tensor) -> nn.Module:
        """See :class:`fastmi.nn.fit.Fit`."""
        del x
        if self.objective.blocks:
            return ContrastiveInformation(self.model, y[: self.batch_size])
        return CriticInformation(self.model, reading.offset, self.objective.limit)

    def _pairs(self, x: Tensor, y: Tensor, shifts: int) -> tuple[Tensor, Tensor]:
        """Return scores (m,) of the pairs and (s, m) of x_i with y_{i + 1}, ..., y_{i + s}."""
        shifts = min(shifts, len(x) - 1)
        rows = [_scores(self.model, x, y.roll(-shift, 0)) for shift in range(shifts + 1)]
        return rows[0], torch.stack(rows[1:])

    def _block_terms(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the terms of InfoNCE over blocks of the batch size, shape (blocks * size,)."""
        size = min(self.batch_size, len(x))
        terms = []
        for start in range(0, len(x) - size + 1, size):
            rows = slice(start, start + size)
            terms.append(objectives.infonce_local(score_matrix(self.model, x[rows], y[rows])))
        return torch.cat(terms)


class CriticInformation(nn.Module):
    """Scores of a critic, less the constant that made a mean of them the estimate.

    Args:
        critic: The trained critic.
        offset: The constant.
        limit: Where scores are clipped.
    """

    def __init__(self, critic: nn.Module, offset: float, limit: float) -> None:
        super().__init__()
        self.critic = critic
        self.offset = offset
        self.limit = limit

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the pointwise information in nats, shape (m,), float64."""
        return _scores(self.critic, x, y).clamp(-self.limit, self.limit) - self.offset


class ContrastiveInformation(nn.Module):
    """Terms of InfoNCE over blocks of samples.

    The other samples of its block are what a sample is contrasted with. A last block that is not
    full is filled up with samples that the estimate came from.

    Args:
        critic: The trained critic.
        y: One block of samples that the estimate came from, shape (size, dy).
    """

    others: Tensor

    def __init__(self, critic: nn.Module, y: Tensor) -> None:
        super().__init__()
        self.critic = critic
        self.register_buffer("others", y.clone())

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the pointwise information in nats, shape (m,), float64."""
        size = len(self.others)
        terms = []
        for start in range(0, len(x), size):
            own_x, own_y = x[start : start + size], y[start : start + size]
            columns = torch.cat((own_y, self.others[: size - len(own_y)]))
            scores = score_matrix(self.critic, own_x, columns).double()
            terms.append(scores.diagonal() - scores.logsumexp(1) + math.log(size))
        return torch.cat(terms)


class ConditionalInformation(nn.Module):
    """Pointwise information of x and y given z, as that of x and (y, z) less that of x and z.

    Args:
        both: Module that takes x and (y, z).
        alone: Module that takes x and z.
    """

    def __init__(self, both: nn.Module, alone: nn.Module) -> None:
        super().__init__()
        self.both = both
        self.alone = alone

    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Return the pointwise information in nats, shape (m,), float64."""
        pointwise: Tensor = self.both(x, torch.cat((y, z), 1)) - self.alone(x, z)
        return pointwise


def _scores(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the scores of pairs, float64, a chunk after the other."""
    (scores,) = in_chunks(lambda *pairs: (score_pairs(critic, *pairs).double(),), x, y)
    return scores
