"""The flow's CUDA kernels through bindings, autograd and torch, against the definition.

They run on a GPU where there is one, and from the same source on the host build of the module, for
which tensors in host memory pose as tensors of a GPU.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

import fastmi
from fastmi import _backend
from fastmi.ops import bnaf as bnaf_module
from fastmi.ops import bnaf_cuda
from fastmi.ops.bnaf import ACTIVATIONS, bnaf, bnaf_ref, bnaf_vector
from fastmi.ops.bnaf_layout import BnafLayout
from test_bnaf import SHAPE_NAMES, in_float64, make_case, results, squared_errors


class Waiting:
    """Kernels of the host build that have finished when a call returns.

    torch gives the memory of host tensors away at once, not in the order of the stream.
    """

    def __init__(self, kernels, cuda):
        self._kernels, self.cuda = kernels, cuda

    def __getattr__(self, name):
        function = getattr(self._kernels, name)

        def call(*arguments):
            result = function(*arguments)
            self.cuda.synchronize(0, 0)
            return result

        return call


@pytest.fixture(params=["host-cuda", "cuda"])
def place(request, monkeypatch):
    """The device whose tensors make the op run the CUDA kernels."""
    if request.param == "cuda":
        request.getfixturevalue("real_gpu")
        if not torch.cuda.is_available():
            pytest.skip("no GPU: torch cannot use it")
        yield torch.device("cuda:0")
        return
    cuda = request.getfixturevalue("host_gpu").cuda
    waiting = _backend.Cuda(Waiting(_backend.find_cuda().kernels, cuda), "")
    monkeypatch.setattr(_backend, "find_cuda", lambda: waiting)
    monkeypatch.setattr(bnaf_module, "_kernel", lambda _: bnaf_cuda.bnaf_cuda)
    monkeypatch.setattr(bnaf_cuda, "_place", lambda _: (0, 0))
    bnaf_cuda._sizes.cache_clear()
    yield torch.device("cpu")
    bnaf_cuda._sizes.cache_clear()


def put(positional, keywords, place):
    def move(value):
        if isinstance(value, list):
            return [move(v) for v in value]
        return value.detach().to(place).requires_grad_()

    return [move(p) for p in positional], {name: move(v) for name, v in keywords.items()}


def on_gpu(case, place, activation="tanh", seed=1):
    """Return results of the op at `place` as host tensors, with the random loss of `results`."""
    positional, keywords = put(*case, place)
    f, log_slopes = bnaf(*positional, **keywords, activation=activation)
    generator = torch.Generator().manual_seed(seed)
    loss = 0.0
    for output in (f, log_slopes):
        factor = torch.randn(*f.shape, generator=generator, dtype=torch.float64)
        loss = loss + (output * factor.to(f)).sum()
    leaves = [
        t for v in [*positional, *keywords.values()] for t in (v if isinstance(v, list) else [v])
    ]
    found = [f.detach(), log_slopes.detach(), *torch.autograd.grad(loss, leaves)]
    return [t.cpu() for t in found]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(*SHAPE_NAMES)
def test_float64_on_a_gpu_is_the_definition(n, c, d, widths, d_y, y_widths, activation, place):
    case = make_case(n, c, d, widths, d_y, y_widths)
    expected = results(bnaf_ref, *case, activation)
    for g, e in zip(on_gpu(case, place, activation), expected, strict=True):
        np.testing.assert_allclose(
            g.numpy(), e.numpy(), rtol=1e-11, atol=1e-11 * float(e.abs().max())
        )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n, c", [(1, 1), (15, None), (65, 64), (600, 300)])
def test_float32_on_a_gpu_is_as_accurate_as_the_definition(n, c, activation, place):
    plain_error, fused_error, rounding = 0, 0, 0
    for seed in range(4):
        case = make_case(n, c, 3, [1, 6, 10, 1], 4, [1, 5, 6], dtype=torch.float32, seed=seed)
        exact = results(bnaf_ref, *in_float64(*case), activation, seed)
        plain_error += squared_errors(results(bnaf_ref, *case, activation, seed), exact)
        fused_error += squared_errors(on_gpu(case, place, activation, seed), exact)
        half_unit = [0.5 * torch.finfo(torch.float32).eps * e for e in exact]
        rounding += squared_errors(half_unit, [torch.zeros_like(e) for e in exact])
    # As on the CPU: twice the error, for every output and every gradient.
    assert (fused_error <= 4 * plain_error + rounding).all(), fused_error / plain_error


def test_cuda_numbers_are_the_same_without_gradients_and_on_views(place):
    (x, weights, biases), keywords = put(*make_case(70, 50, 3, [1, 4, 1], 2, [1, 5]), place)
    expected = bnaf(x, weights, biases, **keywords)
    with torch.inference_mode():
        got = bnaf(x, weights, biases, **keywords)
    strided = torch.stack([x, x], 2).detach()[..., 0]
    assert not strided.is_contiguous()
    for g, v, e in zip(got, bnaf(strided, weights, biases, **keywords), expected, strict=True):
        assert torch.equal(g, e)
        assert torch.equal(v, e)
        assert not g.requires_grad
    # A broadcast gradient for one output, none for the other; x needs none.
    (gradient,) = torch.autograd.grad(expected[0].sum(), [weights[0]])
    plain = bnaf_ref(x, weights, biases, **keywords)[0]
    torch.testing.assert_close(gradient, torch.autograd.grad(plain.sum(), [weights[0]])[0])


def test_cuda_repeated_backward_passes_agree(place):
    (x, weights, biases), _ = put(*make_case(9, None, 4, [1, 3, 1], 1, [1]), place)
    loss = bnaf(x, weights, biases)[1].sum()
    first = torch.autograd.grad(loss, weights, retain_graph=True)
    for one, other in zip(first, torch.autograd.grad(loss, weights), strict=True):
        assert torch.equal(one, other)


def test_cuda_parameters_of_a_y_that_is_not_there_have_no_gradient(place):
    layout = BnafLayout(3, (1, 4, 1), 2, (1, 5))
    vector = 0.3 * torch.randn(layout.size, generator=torch.Generator().manual_seed(0))
    vector = vector.to(place).requires_grad_()
    x = torch.linspace(-2, 2, 21, device=place).view(7, 3)
    f, log_slopes = bnaf_vector(x, vector, layout)
    (gradient,) = torch.autograd.grad((f.square() - log_slopes).sum(), vector)
    groups = layout.split(vector)
    plain, plain_slopes = bnaf_ref(x, groups.weights, groups.biases)
    (expected,) = torch.autograd.grad((plain.square() - plain_slopes).sum(), vector)
    torch.testing.assert_close(f, plain)
    torch.testing.assert_close(gradient, expected)
    assert not layout.split(gradient).cross_weights[0].any()


def test_cuda_vector_must_not_change_before_the_backward_pass(place):
    layout = BnafLayout(2, (1, 3, 1))
    vector = torch.zeros(layout.size, device=place, requires_grad=True)
    f, _ = bnaf_vector(torch.ones(4, 2, device=place), vector, layout)
    with torch.no_grad():
        vector += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        f.sum().backward()


def test_cuda_names_too_many_layers(place):
    layout = BnafLayout(2, (1,) * 18)
    vector = torch.zeros(layout.size, device=place)
    with pytest.raises(ValueError, match="weights must have 1 to 16 layers on a GPU; got 17"):
        bnaf_vector(torch.ones(4, 2, device=place), vector, layout)


@pytest.fixture(params=["host_gpu", "real_gpu"])
def kernels(request):
    return request.getfixturevalue(request.param).kernels


@pytest.mark.parametrize("network", [(0, 0, 8), (8, 8, 8), (8, 0, 0)])
def test_cuda_binding_refuses_null_addresses(network, kernels):
    shape = (4, 2, (1, 1), 0, 0, ())
    with pytest.raises(ValueError, match="network must have no null address"):
        kernels.bnaf_forward(shape, "float32", network, 0.0, False, 8, 8, 8, 0, 0)


@pytest.mark.parametrize(
    "shape",
    [
        (0, 2, (1, 1), 0, 0, ()),
        (4, 0, (1, 1), 0, 0, ()),
        (4, 2, (1,), 0, 0, ()),
        (4, 2, (1, 2), 0, 0, ()),
        (4, 2, (1, 0, 1), 0, 0, ()),
        (4, 2, (1, 1), 5, 1, (1,)),
        (4, 2, (1, 1), 0, 1, (1,)),
        (4, 2, (1, 3, 1), 2, 1, (1,)),
        (4, 2, (1, 3, 1), 2, 0, (1, 3)),
    ],
    ids=str,
)
def test_cuda_binding_refuses_shapes(shape, kernels):
    with pytest.raises(ValueError, match="shape must have"):
        kernels.bnaf_sizes(shape, "float32", True, 0)


@pytest.mark.parametrize(
    "shape",
    [
        (4, 2, (1, 30_000, 30_000, 1), 0, 0, ()),
        (4, 1, (1, 1, 1, 1), 4, 2, (1, 30_000, 30_000)),
    ],
    ids=["x", "y"],
)
def test_cuda_counts_the_weights_of_a_matrix(shape, kernels):
    with pytest.raises(ValueError, match="at most 2\\*\\*31 - 1 weights on a GPU; got 2700000000"):
        kernels.bnaf_sizes(shape, "float32", False, 0)


def test_cuda_kernels_train_as_those_of_the_cpu(place, monkeypatch):
    if place.type == "cuda":
        pytest.skip("a GPU draws other batches")
    x, y = torch.randn(2, 160, 3, generator=torch.Generator().manual_seed(0)).double().numpy()

    def estimate():
        options = {"width": 4, "steps": 10, "batch_size": 32, "seed": 0, "dtype": "float64"}
        return fastmi.mi(x + y, y[:, :2], method="ndoe", folds=1, **options)

    on_gpu = estimate()
    calls = [name for name, *_ in _backend.find_cuda().kernels.cuda.calls]
    assert calls.count("bnaf_backward") == 10
    monkeypatch.setattr(bnaf_module, "_kernel", lambda _: bnaf_module.bnaf_host)
    on_cpu = estimate()
    np.testing.assert_allclose(on_gpu.history.train, on_cpu.history.train, rtol=1e-9)
    assert float(on_gpu) == pytest.approx(float(on_cpu), rel=1e-9)


def test_tensors_elsewhere_run_the_definition(monkeypatch):
    monkeypatch.setattr(_backend, "find_cuda", lambda: _backend.Cuda(None, "no driver"))
    assert bnaf_module._kernel(torch.device("cuda:0")) is None
    assert bnaf_module._kernel(torch.device("meta")) is None
    monkeypatch.setattr(_backend, "find_cuda", lambda: _backend.Cuda(object(), ""))
    assert bnaf_module._kernel(torch.device("cuda:0")) is bnaf_cuda.bnaf_cuda
    x = torch.zeros(5, 2, device="meta")
    f, log_slopes = bnaf(x, [torch.zeros(3, device="meta")], [torch.zeros(2, device="meta")])
    assert f.shape == log_slopes.shape == (5, 2)


class TestOnARealGpu:
    """What needs torch's own GPU memory and streams."""

    @pytest.fixture(autouse=True)
    def _gpu(self, real_gpu):
        del real_gpu
        if not torch.cuda.is_available():
            pytest.skip("no GPU: torch cannot use it")

    @pytest.fixture
    def case(self):
        layout = BnafLayout(4, (1, 6, 6, 1), 3, (1, 5, 5))
        generator = torch.Generator().manual_seed(0)
        vector, x, y = (
            torch.randn(shape, generator=generator).cuda()
            for shape in ((layout.size,), (130, 4), (70, 3))
        )
        return x, (0.3 * vector).requires_grad_(), layout, y

    @staticmethod
    def step(x, vector, layout, y):
        f, log_slopes = bnaf_vector(x, vector, layout, y=y, activation="leaky-tanh")
        loss = (f.square().sum() - log_slopes.sum()) / len(x)
        (gradient,) = torch.autograd.grad(loss, vector)
        return loss.detach(), gradient

    def test_cuda_graph_replays_the_same_numbers(self, case):
        x, vector, layout, y = case
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.step(x, vector, layout, y)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = self.step(x, vector, layout, y)
        for scale in (1.0, -0.7):
            with torch.no_grad():
                x.mul_(scale)
            graph.replay()
            for got, expected in zip(captured, self.step(x, vector, layout, y), strict=True):
                assert torch.equal(got, expected)

    def test_cuda_runs_on_the_current_stream(self, case):
        expected = self.step(*case)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            got = self.step(*case)
        torch.cuda.current_stream().wait_stream(stream)
        for g, e in zip(got, expected, strict=True):
            assert torch.equal(g, e)

    @pytest.mark.filterwarnings("ignore:The .grad attribute")
    def test_cuda_compile_breaks_its_graph_and_goes_on(self, case):
        x, vector, layout, y = case

        def loss(x):
            f, log_slopes = bnaf_vector(2 * x, vector, layout, y=y)
            return (f.square().sum() - log_slopes.sum()) / len(x)

        x = x.clone().requires_grad_()
        (expected,) = torch.autograd.grad(loss(x), x)
        (got,) = torch.autograd.grad(torch.compile(loss, backend="eager")(x), x)
        assert torch.equal(got, expected)
