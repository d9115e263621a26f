"""One training step of each network, as its estimator makes it: loss, gradients, optimizer."""

import math

import pytest

pytest.importorskip("torch", reason="networks need torch")
import torch

from fastmi.datasets import CorrelatedGaussian
from fastmi.estimators import METHODS
from fastmi.nn.optimizers import make_optimizer

# The conditional one trains a critic of the same kind.
NETWORKS = [row for row in METHODS if row.trains and row.function == "mi"]
# Columns of each variable, batch.
CASES = {"small": (2, 32), "large": (20, 128)}


@pytest.mark.parametrize("network", NETWORKS, ids=lambda row: row.name)
def test_training_step(benchmark, size, network):
    d, batch = CASES[size]
    benchmark.extra_info["case"] = f"d = {d}, batch {batch}"
    blocks = CorrelatedGaussian(0.6, d).sample(batch, 0)
    x, y = (torch.from_numpy(block).float() for block in blocks)
    torch.manual_seed(0)
    estimator = network.make(batch_size=batch)
    fit = estimator._make_fit((x, y))
    optimizer = make_optimizer(list(fit.model.parameters()), estimator)

    def step():
        optimizer.zero_grad()
        loss, _ = fit.loss(x, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    assert math.isfinite(benchmark(step))
    assert all(parameter.isfinite().all() for parameter in fit.model.parameters())
