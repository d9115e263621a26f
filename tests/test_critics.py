"""Critics: pairs against matrices, the fused first layer against its definition, bad shapes."""

import math

import pytest

import fastmi
from fastmi import datasets

pytest.importorskip("torch")
import torch
from torch import nn as tnn

from fastmi import nn
from fastmi.nn import all_pairs as module
from fastmi.nn.all_pairs import all_pairs, all_pairs_ref
from fastmi.nn.critics import score_matrix, score_pairs
from fastmi.nn.linear import linear, linear_ref

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def random_layers(widths, dtype):
    layers = []
    for m, n in zip(widths, [*widths[1:], 1], strict=True):
        layers.append((torch.randn(n, m, dtype=dtype) / m**0.5, torch.randn(n, dtype=dtype)))
    return layers


def call_with_gradients(function, a, b, layers, grad):
    tensors = [t.detach().clone().requires_grad_() for t in (a, b, *sum(layers, ()))]
    pairs = list(zip(tensors[2::2], tensors[3::2], strict=True))
    scores = function(tensors[0], tensors[1], pairs)
    scores.backward(grad)
    return [scores.detach(), *(t.grad for t in tensors)]


# Blocks that hold all rows, some, one; fewer rows of x than a block; a last block cut short.
@pytest.mark.parametrize("block", [1, 7, 64, 10_000])
@pytest.mark.parametrize("nx, ny", [(1, 1), (2, 9), (13, 5), (16, 16)])
@pytest.mark.parametrize("widths", [(8,), (8, 16), (5, 6, 7)])
def test_all_pairs_is_its_definition(block, nx, ny, widths, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_PAIRS_CPU", block)
    a = torch.randn(nx, widths[0], dtype=torch.float64)
    b = torch.randn(ny, widths[0], dtype=torch.float64)
    layers = random_layers(widths, torch.float64)
    grad = torch.randn(nx, ny, dtype=torch.float64)
    for ours, theirs in zip(
        call_with_gradients(all_pairs, a, b, layers, grad),
        call_with_gradients(all_pairs_ref, a, b, layers, grad),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_all_pairs_gradcheck():
    a = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    b = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    layers = random_layers((4, 6), torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: all_pairs(a, b, layers), (a, b))


def test_all_pairs_in_float32_is_as_accurate_as_its_definition(monkeypatch):
    monkeypatch.setattr("fastmi.nn.linear._LARGE", 0)
    a, b = torch.randn(2, 64, 128)
    layers = random_layers((128, 128), torch.float32)
    grad = torch.randn(64, 64)
    wide = [(w.double(), c.double()) for w, c in layers]
    exact = call_with_gradients(all_pairs_ref, a.double(), b.double(), wide, grad.double())
    ours = call_with_gradients(all_pairs, a, b, layers, grad)
    plain = call_with_gradients(all_pairs_ref, a, b, layers, grad)
    for one, other, truth in zip(ours, plain, exact, strict=True):
        # oneDNN sums in longer runs than MKL.
        error = (one - truth).abs().max()
        assert error <= 4 * (other - truth).abs().max() + 1e-7 * truth.abs().max()


def test_matrices_that_wait_for_their_backward_do_not_share_memory():
    a, b = torch.randn(2, 6, 8, dtype=torch.float64)
    layers = random_layers((8, 8), torch.float64)

    def gradients(waiting):
        x = a.clone().requires_grad_()
        first = all_pairs(x, b, layers).sum()
        others = [all_pairs(x + i, b, layers).sum() for i in range(waiting)]
        (first + sum(others) * 0.0).backward()
        return x.grad

    expected = gradients(0)
    for _ in range(3):
        torch.testing.assert_close(gradients(3), expected)


def test_a_graph_can_be_kept():
    a = torch.randn(2, 4, requires_grad=True)
    scores = all_pairs(a, torch.randn(3, 4), random_layers((4, 4), torch.float32)).sum()
    scores.backward(retain_graph=True)
    once = a.grad.clone()
    scores.backward()
    torch.testing.assert_close(a.grad, 2 * once)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("n, d, m", [(1, 1, 1), (7, 3, 5), (130, 65, 33)])
def test_linear_is_its_definition(n, d, m, relu, monkeypatch):
    monkeypatch.setattr("fastmi.nn.linear._LARGE", 0)
    x, weight, bias = torch.randn(n, d), torch.randn(m, d), torch.randn(m)
    grad = torch.randn(n, m)

    def run(function, dtype):
        tensors = [t.to(dtype).requires_grad_() for t in (x, weight, bias)]
        result = function(*tensors, relu)
        result.backward(grad.to(dtype))
        return [result.detach(), *(t.grad for t in tensors)]

    exact = run(linear_ref, torch.float64)
    for one, other, truth in zip(
        run(linear, torch.float32), run(linear_ref, torch.float32), exact, strict=True
    ):
        # Sums of up to d or n products, in another order than torch's.
        floor = 4e-7 * max(d, n) ** 0.5 * truth.abs().max()
        assert (one - truth).abs().max() <= 2 * (other - truth).abs().max() + floor


def test_linear_without_onednn(monkeypatch):
    monkeypatch.setattr("fastmi.nn.linear._LARGE", 0)
    x, weight, bias = torch.randn(5, 3), torch.randn(4, 3), torch.randn(4)
    fast = linear(x, weight, bias, relu=True)
    monkeypatch.setattr("fastmi.nn.linear._ONEDNN", None)
    torch.testing.assert_close(linear(x, weight, bias, relu=True), fast)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Concat(3, 2, (16,)),
        lambda: nn.Concat(3, 2, (16, 8, 4)),
        lambda: nn.Separable(3, 2, (16,), 4),
        lambda: nn.Bilinear(3, 2),
    ],
)
def test_a_matrix_holds_the_scores_of_the_pairs(make):
    critic = make().double()
    for parameter in critic.parameters():
        tnn.init.normal_(parameter)
    x = torch.randn(5, 3, dtype=torch.float64)
    y = torch.randn(4, 2, dtype=torch.float64)
    matrix = score_matrix(critic, x, y)
    for j in range(4):
        pairs = score_pairs(critic, x, y[j].expand(5, 2))
        torch.testing.assert_close(matrix[:, j], pairs)


def test_concat_is_the_network_on_concatenated_inputs():
    critic = nn.Concat(3, 2, (7, 5)).double()
    relu = tnn.ReLU()
    plain = tnn.Sequential(
        tnn.Linear(5, 7), relu, tnn.Linear(7, 5), relu, tnn.Linear(5, 1)
    ).double()
    state = plain.state_dict()
    state["0.weight"] = torch.cat((critic.x_weight, critic.y_weight), 1)
    state["0.bias"] = critic.bias
    for i, layer in enumerate(critic.rest):
        state[f"{2 * i + 2}.weight"], state[f"{2 * i + 2}.bias"] = layer.weight, layer.bias
    plain.load_state_dict(state)
    x, y = torch.randn(6, 3, dtype=torch.float64), torch.randn(6, 2, dtype=torch.float64)
    torch.testing.assert_close(critic(x, y), plain(torch.cat((x, y), 1)).squeeze(1))


class Plain(tnn.Module):
    """A critic of a user's, without `matrix`."""

    def __init__(self, trailing=True):
        super().__init__()
        self.net = tnn.Linear(5, 1)
        self.trailing = trailing
        self.rows = []

    def forward(self, x, y):
        self.rows.append(len(x))
        scores = self.net(torch.cat((x, y), 1))
        return scores if self.trailing else scores[:, 0]


@pytest.mark.parametrize("trailing", [True, False])
def test_a_plain_module_is_scored_in_chunks(trailing, monkeypatch):
    monkeypatch.setattr(nn.critics, "_CHUNK", 8)
    critic = Plain(trailing)
    x, y = torch.randn(5, 3), torch.randn(4, 2)
    matrix = score_matrix(critic, x, y)
    assert critic.rows == [8, 8, 4]
    torch.testing.assert_close(matrix[3], score_pairs(critic, x[3].expand(4, 3), y))


@pytest.mark.parametrize(
    "output, error, message",
    [
        (lambda x, _: x, ValueError, r"shape \(n,\) or \(n, 1\); got shape \(4, 3\) for n=4"),
        (lambda x, _: x.sum(), ValueError, r"got shape \(\) for n=4"),
        (lambda *_: 1.0, TypeError, "must return a tensor; got float"),
    ],
)
def test_wrong_output_of_a_critic(output, error, message):
    critic = tnn.Module()
    critic.forward = output
    with pytest.raises(error, match=message):
        score_pairs(critic, torch.randn(4, 3), torch.randn(4, 2))


def test_wrong_output_of_a_matrix():
    critic = nn.Bilinear(3, 2)
    critic.matrix = lambda x, _: x
    with pytest.raises(ValueError, match=r"shape \(nx, ny\); got shape \(4, 3\) for nx=4, ny=5"):
        score_matrix(critic, torch.randn(4, 3), torch.randn(5, 2))


def test_no_hidden_layer():
    with pytest.raises(ValueError, match="at least one width"):
        nn.Concat(1, 1, ())


def test_no_rows_give_no_scores():
    critic = nn.Concat(2, 3, (4,))
    some = torch.ones(5, 2), torch.ones(5, 3)
    assert critic.matrix(some[0][:0], some[1]).shape == (0, 5)
    assert critic.matrix(some[0], some[1][:0]).shape == (5, 0)


def test_the_anchor_lifts_the_limit_of_infonce():
    """Five nats with batches of 32, of which InfoNCE can show log 32 = 3.47."""
    x, y = datasets.CorrelatedGaussian.from_mi(5.0, d=4).sample(5000, seed=0)
    few = {"steps": 600, "lr": 2e-3, "batch_size": 32, "hidden": (64, 64), "seed": 0}
    assert fastmi.mi(x, y, method="infonce", **few) < math.log(32)
    assert fastmi.mi(x, y, method="infonce-anchor", **few) == pytest.approx(5.0, abs=0.6)
    with pytest.raises(ValueError, match=r"anchor must be in \(0, 1\); got anchor=1"):
        fastmi.mi(x, y, method="infonce-anchor", anchor=1.0)
