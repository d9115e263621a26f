"""The block autoregressive flow: forward pass, backward pass and training step."""

import math

import pytest

pytest.importorskip("torch", reason="flows need torch")
import torch
from steps.bnaf import Parameters, fastmi_step, ref_step

from fastmi.ops.bnaf import bnaf_ref, bnaf_vector

# n columns of x and of y, units per column and layer, batch.
CASES = {"small": (4, 6, 128), "large": (20, 20, 1024)}


@pytest.fixture
def case(benchmark, size):
    """Starting values and a batch."""
    n, a, batch = CASES[size]
    benchmark.extra_info["case"] = f"({n},{a}) batch {batch}"
    torch.manual_seed(0)
    return Parameters(n, a), torch.randn(batch, n), torch.randn(batch, n)


def by_definition(start, x, y, vector):
    """Return f and the log slopes of the definition in torch."""
    groups = start.layout().split(vector)
    return bnaf_ref(x, y=y, **groups._asdict())


def objective(f, log_slopes):
    return (0.5 * f.square().sum() - log_slopes.sum()) / len(f)


def test_bnaf_vector_forward(benchmark, case):
    start, x, y = case
    vector = start.vector()
    with torch.no_grad():
        found = benchmark(bnaf_vector, x, vector, start.layout(), y=y)
        expected = by_definition(start, x, y, vector)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_bnaf_vector_backward(benchmark, case):
    start, x, y = case
    vector = start.vector().requires_grad_()

    def forward():
        vector.grad = None
        return (objective(*bnaf_vector(x, vector, start.layout(), y=y)),), {}

    benchmark.pedantic(torch.Tensor.backward, setup=forward, rounds=50, warmup_rounds=5)
    found = vector.grad
    vector.grad = None
    objective(*by_definition(start, x, y, vector)).backward()
    torch.testing.assert_close(found, vector.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("ndoe", [False, True], ids=["one", "ndoe"])
def test_bnaf_step(benchmark, case, ndoe):
    step = fastmi_step(*case, ndoe)
    # The first update; those that are timed go on from it.
    assert float(step()) == pytest.approx(float(ref_step(*case, ndoe, compiled=False)()), rel=1e-4)
    assert math.isfinite(benchmark(step))
