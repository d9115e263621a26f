"""A problem for the training loop."""

import pytest

pytest.importorskip("torch")
import torch

from fastmi.nn import Training, train

N = 512


class Problem:
    """Least squares with a known answer; the loss is the mean square, the score likewise."""

    def __init__(self, seed=0, dropout=0.0):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(N, 3, generator=generator)
        self.truth = torch.tensor([[1.0, -2.0, 0.5]])
        self.data = (x, x @ self.truth.T)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Dropout(dropout))
        self.calls = 0

    def loss(self, x, y):
        self.calls += 1
        return ((self.model(x) - y) ** 2).mean()

    def estimate(self, x, y):
        assert not torch.is_grad_enabled()
        assert not self.model.training
        return -float(((self.model(x) - y) ** 2).mean())

    def train(self, **options):
        options = {"steps": 100, "batch_size": 64, "lr": 0.05, "seed": 1} | options
        return self.train_with(Training(**options))

    def train_with(self, options, **others):
        """Train with the options as they are and with other arguments than its own."""
        functions = {"loss": self.loss, "estimate": self.estimate} | others
        return train(self.model, self.data, self.data, options=options, **functions)

    def weights(self):
        return torch.cat([p.detach().flatten() for p in self.model.parameters()])
