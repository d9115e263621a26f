"""Training loops of critics: fastmi's, and those of other packages, ours to write or installed.

Each has ``run(steps)``, which trains on, and ``value(x, y)``, the read-out of fastmi on its
critic, so that accuracy is compared by one measure.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from fastmi.nn import Concat, MovingDV, Training, dv, infonce, jensen, smile, train
from fastmi.nn.discriminative import CriticFit, CriticLoss, Objective

METHODS = ("mine", "smile", "infonce")
NEGATIVES = {"mine": "shuffle", "smile": "all", "infonce": "all"}


def objective(method: str) -> Objective:
    if method == "mine":
        return Objective(MovingDV(), dv)
    if method == "smile":
        return Objective(jensen, smile)
    return Objective(infonce, infonce, blocks=True)


class Loop:
    """A critic in training.

    Args:
        method: One of METHODS.
        x: Samples (n, d).
        y: Samples (n, d).
        batch_size: Samples of a step.
        width: Units of each of the two hidden layers.
        lr: Adam's.
    """

    name: str

    def __init__(
        self, method: str, x: Tensor, y: Tensor, batch_size: int, width: int, lr: float
    ) -> None:
        self.method, self.x, self.y = method, x, y
        self.batch_size, self.width, self.lr = batch_size, width, lr
        torch.manual_seed(0)
        self.critic: nn.Module = self.make()

    def make(self) -> nn.Module:
        d = self.x.shape[1] + self.y.shape[1]
        net = nn.Sequential(
            nn.Linear(d, self.width),
            nn.ReLU(),
            nn.Linear(self.width, self.width),
            nn.ReLU(),
            nn.Linear(self.width, 1),
        )
        self.optimizer = torch.optim.Adam(net.parameters(), lr=self.lr)
        return net

    def score(self, x: Tensor, y: Tensor) -> Tensor:
        return self.critic(torch.cat((x, y), 1))

    def run(self, steps: int) -> None:
        raise NotImplementedError

    def batch(self) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.x), (self.batch_size,))
        return self.x[rows], self.y[rows]

    def all_pairs(self, x: Tensor, y: Tensor) -> Tensor:
        """Build the B^2 inputs, as the loops of others do."""
        size = len(x)
        tiled = torch.stack([x] * size)
        rows = torch.stack([y] * size, dim=1)
        pairs = torch.cat((tiled, rows), 2).reshape(size * size, -1)
        return self.critic(pairs).reshape(size, size).t()

    def value(self, x: Tensor, y: Tensor) -> float:
        loop = self

        class Scorer(nn.Module):
            def forward(self, x: Tensor, y: Tensor) -> Tensor:
                return loop.score(x, y)

        fit = CriticFit(Scorer(), objective(self.method), "all", self.batch_size)
        return float(fit.read(x, y).value)


class Fastmi(Loop):
    """`fastmi.nn.train` with the critic of `fastmi.mi`."""

    name = "fastmi"

    def make(self) -> nn.Module:
        return Concat(self.x.shape[1], self.y.shape[1], (self.width, self.width))

    def score(self, x: Tensor, y: Tensor) -> Tensor:
        return self.critic(x, y)

    def run(self, steps: int) -> None:
        if not hasattr(self, "loss"):
            self.loss = CriticLoss(self.critic, objective(self.method), NEGATIVES[self.method])
            self.optimizer = torch.optim.Adam(self.critic.parameters(), lr=self.lr, fused=True)
        options = Training(
            steps=steps,
            batch_size=self.batch_size,
            optimizer=lambda _: self.optimizer,
            eval_every=steps,
        )
        data = (self.x, self.y)
        train(self.critic, data, data, loss=self.loss, estimate=lambda *_: 0.0, options=options)


class TightTorch(Loop):
    """What a careful user of torch writes: split first layer, fused Adam, nothing else."""

    name = "tight torch"

    def make(self) -> nn.Module:
        critic = Concat(self.x.shape[1], self.y.shape[1], (self.width, self.width))
        self.optimizer = torch.optim.Adam(critic.parameters(), lr=self.lr, fused=True)
        self.log_mean: Tensor | None = None
        return critic

    def score(self, x: Tensor, y: Tensor) -> Tensor:
        return self.critic(x, y)

    def _layers(self, h: Tensor) -> Tensor:
        for layer in self.critic.rest[:-1]:
            h = torch.relu(layer(h))
        return self.critic.rest[-1](h).squeeze(-1)

    def run(self, steps: int) -> None:
        linear = nn.functional.linear
        for _ in range(steps):
            x, y = self.batch()
            a = linear(x, self.critic.x_weight)
            b = linear(y, self.critic.y_weight, self.critic.bias)
            if self.method == "mine":
                h = torch.relu(torch.cat((a + b, a + b.roll(1, 0))))
                joint, product = self._layers(h).tensor_split(2)
                log_batch = product.logsumexp(0) - math.log(len(x))
                now = log_batch.detach()
                before = now if self.log_mean is None else self.log_mean
                self.log_mean = torch.logaddexp(before + math.log(0.99), now + math.log(0.01))
                loss = -joint.mean() + (log_batch - self.log_mean).exp()
            else:
                scores = self._layers(torch.relu(a.unsqueeze(1) + b))
                loss = _matrix_loss(self.method, scores)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


class SmileStyle(Loop):
    """The loop of the SMILE repository: all pairs built, scored, Adam."""

    name = "smile-style"

    def run(self, steps: int) -> None:
        for _ in range(steps):
            loss = _matrix_loss(self.method, self.all_pairs(*self.batch()))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


class MineStyle(Loop):
    """The loop of mine-pytorch, without the anomaly detection that it leaves on.

    Two passes, joint and shuffled, the moving average in a Python float.
    """

    name = "mine-style"

    def run(self, steps: int) -> None:
        for _ in range(steps):
            x, y = self.batch()
            t = self.critic(torch.cat((x, y), 1)).mean()
            shuffled = self.critic(torch.cat((x, y[torch.randperm(len(y))]), 1))
            mean = torch.exp(torch.logsumexp(shuffled, 0) - math.log(len(x)))
            before = getattr(self, "mean", mean.item())
            self.mean = 0.01 * mean.item() + 0.99 * before
            loss = -t + (mean / self.mean).sum()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


class TorchMist(Loop):
    """The estimators of torch-mist, stepped as its `train_epoch` does, without its loader."""

    name = "torch-mist"

    def make(self) -> nn.Module:
        from torch_mist import estimators

        names = {"mine": "mine", "smile": "smile", "infonce": "infonce"}
        make: Any = getattr(estimators, names[self.method])
        model: nn.Module = make(
            x_dim=self.x.shape[1],
            y_dim=self.y.shape[1],
            hidden_dims=[self.width, self.width],
            critic_type="joint",
            neg_samples=1 if self.method == "mine" else self.batch_size - 1,
        )
        self.optimizer = torch.optim.Adam(model.parameters(), lr=self.lr)
        return model

    def score(self, x: Tensor, y: Tensor) -> Tensor:
        return self.critic.critic(x, y)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            loss = self.critic.loss(*self.batch())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()


def _matrix_loss(method: str, scores: Tensor) -> Tensor:
    size = len(scores)
    if method == "infonce":
        return -(scores.diagonal() - scores.logsumexp(1)).mean() - math.log(size)
    softplus = nn.functional.softplus
    joint = softplus(-scores.diagonal()).mean()
    product = (softplus(scores).sum() - softplus(scores.diagonal()).sum()) / (size * (size - 1))
    return joint + product


def rivals(method: str) -> list[type[Loop]]:
    """Loops that can run here, fastmi's first."""
    found: list[type[Loop]] = [Fastmi, TightTorch, MineStyle if method == "mine" else SmileStyle]
    if find_spec("torch_mist") is not None:
        found.append(TorchMist)
    return found
