"""One training step of each network, as its estimator makes it: loss, gradients, optimizer."""

import math

import pytest

torch = pytest.importorskip("torch", reason="networks need torch")

from fastmi.datasets import CorrelatedGaussian
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import Lazy
from fastmi.nn.optimizers import make_optimizer

NETWORKS = [name for name, make in MI_METHODS.items() if isinstance(make, Lazy)]
# Columns of each variable, batch.
CASES = {"small": (2, 32), "large": (20, 128)}


@pytest.mark.parametrize("method", NETWORKS)
def test_training_step(benchmark, size, method):
    d, batch = CASES[size]
    benchmark.extra_info["case"] = f"d = {d}, batch {batch}"
    blocks = CorrelatedGaussian(0.6, d).sample(batch, 0)
    x, y = (torch.from_numpy(block).float() for block in blocks)
    torch.manual_seed(0)
    estimator = MI_METHODS[method](batch_size=batch)
    fit = estimator._make_fit((x, y))
    optimizer = make_optimizer(list(fit.model.parameters()), estimator._training())

    def step():
        optimizer.zero_grad()
        loss, _ = fit.loss(x, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    assert math.isfinite(benchmark(step))
    assert all(parameter.isfinite().all() for parameter in fit.model.parameters())
