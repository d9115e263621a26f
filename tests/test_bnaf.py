"""The fused block autoregressive flow against its definition and against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from fastmi.ops.block_triangle import on_diagonal, packed_size
from fastmi.ops.bnaf import ACTIVATIONS, bnaf, bnaf_ref, bnaf_vector
from fastmi.ops.bnaf_layout import BnafLayout
from reference import bnaf as reference

pytestmark = pytest.mark.usefixtures("one_torch_thread")

DTYPES = {"float32": torch.float32, "float64": torch.float64}
# Rows of x, rows of y (None: no y), widths of x and of y; blocks that are square and not.
SHAPES = [
    (1, None, 1, [1, 1], 1, [1]),
    (5, None, 3, [1, 4, 1], 1, [1]),
    (17, 17, 2, [1, 6, 6, 1], 3, [1, 5, 7]),
    (33, 20, 4, [1, 7, 3, 13, 1], 2, [1, 2, 9, 1]),
    (6, 2, 5, [1, 20, 20, 1], 5, [1, 20, 20]),
]
SHAPE_NAMES = ("n, c, d, widths, d_y, y_widths", SHAPES)


def make_layers(generator, blocks, widths, scale):
    pairs = list(zip(widths[1:], widths[:-1], strict=True))
    return (
        [scale * randn(generator, packed_size(blocks, *pair)) for pair in pairs],
        [scale * randn(generator, blocks * a_out) for a_out, _ in pairs],
    )


def randn(generator, *shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def make_case(n, c, d, widths, d_y, y_widths, *, dtype=torch.float64, scale=0.4, seed=0):
    """Positional and keyword arguments of bnaf, all leaves that require a gradient."""
    generator = torch.Generator().manual_seed(seed)
    weights, biases = make_layers(generator, d, widths, scale)
    positional = [randn(generator, n, d), weights, biases]
    keywords = {}
    if c is not None:
        y_weights, y_biases = make_layers(generator, d_y, y_widths, scale)
        cross = [
            scale * randn(generator, d * a_out, d_y * a_in)
            for a_out, a_in in zip(widths[1:], y_widths, strict=True)
        ]
        keywords = {
            "y": randn(generator, c, d_y),
            "y_weights": y_weights,
            "y_biases": y_biases,
            "cross_weights": cross,
        }

    def leaf(value):
        if isinstance(value, list):
            return [leaf(v) for v in value]
        return value.to(dtype).requires_grad_()

    return [leaf(p) for p in positional], {name: leaf(v) for name, v in keywords.items()}


def flatten(positional, keywords):
    values = [*positional, *keywords.values()]
    return [t for v in values for t in (v if isinstance(v, list) else [v])]


def detached(positional, keywords):
    """The same arguments as NumPy arrays."""

    def convert(value):
        if isinstance(value, list):
            return [convert(v) for v in value]
        return value.detach().numpy()

    return [convert(p) for p in positional], {name: convert(v) for name, v in keywords.items()}


def results(op, positional, keywords, activation="tanh", seed=1):
    """f, log-slopes and the gradients of a random linear loss."""
    f, log_slopes = op(*positional, **keywords, activation=activation)
    generator = torch.Generator().manual_seed(seed)
    loss = (f * randn(generator, *f.shape).to(f.dtype)).sum()
    loss = loss + (log_slopes * randn(generator, *f.shape).to(f.dtype)).sum()
    leaves = flatten(positional, keywords)
    gradients = torch.autograd.grad(loss, leaves)
    return [f.detach(), log_slopes.detach(), *gradients]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(*SHAPE_NAMES)
def test_definition_is_the_textbook(n, c, d, widths, d_y, y_widths, activation):
    positional, keywords = make_case(n, c, d, widths, d_y, y_widths)
    expected = reference.bnaf(
        *detached(positional, keywords)[0], **detached([], keywords)[1], activation=activation
    )
    got = bnaf_ref(*positional, **keywords, activation=activation)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g.detach().numpy(), e, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(*SHAPE_NAMES)
def test_float64_op_is_its_definition(n, c, d, widths, d_y, y_widths, activation, simd_level):
    case = make_case(n, c, d, widths, d_y, y_widths)
    for g, e in zip(
        results(bnaf, *case, activation), results(bnaf_ref, *case, activation), strict=True
    ):
        np.testing.assert_allclose(
            g.numpy(), e.numpy(), rtol=1e-11, atol=1e-11 * float(e.abs().max())
        )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(*SHAPE_NAMES)
def test_gradcheck(n, c, d, widths, d_y, y_widths, activation):
    positional, keywords = make_case(min(n, 3), c and min(c, 2), d, widths, d_y, y_widths)
    names = list(keywords)
    lengths = [len(v) if isinstance(v, list) else None for v in [*positional, *keywords.values()]]

    def op(*tensors):
        rest = iter(tensors)
        values = [
            next(rest) if length is None else [next(rest) for _ in range(length)]
            for length in lengths
        ]
        return bnaf(*values[:3], **dict(zip(names, values[3:], strict=True)), activation=activation)

    assert torch.autograd.gradcheck(op, flatten(positional, keywords), fast_mode=True)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n, c", [(1, 1), (15, None), (16, 7), (65, 64), (130, 130), (1000, 500)])
def test_float32_is_as_accurate_as_the_definition(n, c, activation, simd_level):
    plain_error, fused_error, rounding = 0, 0, 0
    for seed in range(12):
        case = make_case(n, c, 3, [1, 6, 10, 1], 4, [1, 5, 6], dtype=torch.float32, seed=seed)
        exact = results(bnaf_ref, *in_float64(*case), activation, seed)
        plain_error += squared_errors(results(bnaf_ref, *case, activation, seed), exact)
        fused_error += squared_errors(results(bnaf, *case, activation, seed), exact)
        half_unit = [0.5 * torch.finfo(torch.float32).eps * e for e in exact]
        rounding += squared_errors(half_unit, [torch.zeros_like(e) for e in exact])
    # Twice the error, for every output and every gradient; rounding the result is no error.
    assert (fused_error <= 4 * plain_error + rounding).all(), fused_error / plain_error


def in_float64(positional, keywords):
    def convert(value):
        if isinstance(value, list):
            return [convert(v) for v in value]
        return value.detach().double().requires_grad_()

    return [convert(p) for p in positional], {name: convert(v) for name, v in keywords.items()}


def squared_errors(got, exact):
    return np.array([float((g - e).square().sum()) for g, e in zip(got, exact, strict=True)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n, c", [(70, 30), (1, 1), (300, 150)])
def test_threads_do_not_change_a_bit(n, c, dtype, simd_level):
    case = make_case(n, c, 5, [1, 6, 7, 1], 3, [1, 4, 8], dtype=DTYPES[dtype])
    expected = results(bnaf, *case)
    for threads in (2, 3, 8):
        torch.set_num_threads(threads)
        for g, e in zip(results(bnaf, *case), expected, strict=True):
            assert torch.equal(g, e)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_saturated_units_keep_their_slopes(dtype, activation, simd_level):
    positional, _ = make_case(40, None, 3, [1, 5, 6, 1], 1, [1], dtype=DTYPES[dtype])
    with torch.no_grad():
        positional[2][0] += 300 * torch.linspace(-1, 1, 15)  # tanh' down to exp(-600)
        positional[1][1][on_diagonal(3, 6, 5)] -= 80
        positional[1][2][on_diagonal(3, 1, 6)] += 40
    _, got = bnaf(*positional, activation=activation)
    _, exact = bnaf_ref(*in_float64(positional, {})[0], activation=activation)
    assert activation != "tanh" or float(exact.detach().min()) < -290
    torch.testing.assert_close(
        got.double(), exact, rtol=1e-5 if dtype == "float32" else 1e-12, atol=0
    )
    gradients = torch.autograd.grad(got.sum(), [*positional[1], *positional[2]])
    assert all(bool(g.isfinite().all()) for g in gradients)


def test_rows_after_those_of_y_are_unconditioned():
    (x, weights, biases), keywords = make_case(6, 6, 3, [1, 4, 1], 2, [1, 5])
    f, slopes = bnaf(torch.cat([x, x]), weights, biases, **keywords)
    alone = bnaf(x, weights, biases)
    given = bnaf(x, weights, biases, **keywords)
    assert torch.equal(f, torch.cat([given[0], alone[0]]))
    assert torch.equal(slopes, torch.cat([given[1], alone[1]]))


def test_nan_stays_in_its_row(simd_level):
    (x, weights, biases), keywords = make_case(20, 20, 3, [1, 4, 1], 2, [1, 5])
    with torch.no_grad():
        clean = bnaf(x, weights, biases, **keywords)
        x[7, 0] = float("nan")
        for g, e in zip(bnaf(x, weights, biases, **keywords), clean, strict=True):
            assert bool(g[7].isnan().all())
            rest = torch.arange(20) != 7
            assert torch.equal(g[rest], e[rest])


def test_views_and_unused_outputs():
    (x, weights, biases), _ = make_case(9, None, 4, [1, 3, 1], 1, [1])
    strided = torch.stack([x, x], 2).detach()[..., 0]
    assert not strided.is_contiguous()
    assert torch.equal(bnaf(strided, weights, biases)[0], bnaf(x, weights, biases)[0])
    # A broadcast gradient for one output, none for the other.
    got = torch.autograd.grad(bnaf(x, weights, biases)[0].sum(), weights)
    expected = torch.autograd.grad(bnaf_ref(x, weights, biases)[0].sum(), weights)
    for g, e in zip(got, expected, strict=True):
        torch.testing.assert_close(g, e)


def test_weights_may_change_before_the_backward_pass():
    (x, weights, biases), _ = make_case(9, None, 4, [1, 3, 1], 1, [1])
    expected = torch.autograd.grad(bnaf(x, weights, biases)[1].sum(), weights)
    loss = bnaf(x, weights, biases)[1].sum()
    with torch.no_grad():
        for weight in weights:
            weight.zero_()
    for g, e in zip(torch.autograd.grad(loss, weights), expected, strict=True):
        assert torch.equal(g, e)


LAYOUT = BnafLayout(3, (1, 4, 6, 1), 2, (1, 5, 3))


def make_vector(dtype=torch.float64):
    """Rows x and y and one vector of parameters."""
    generator = torch.Generator().manual_seed(3)
    sizes = (12, LAYOUT.dims), (7, LAYOUT.y_dims), (LAYOUT.size,)
    return [(0.4 * randn(generator, *size)).to(dtype).requires_grad_() for size in sizes]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_vector_is_all_parameters(dtype, activation):
    x, y, vector = make_vector(DTYPES[dtype])
    parts = LAYOUT.split(vector)
    assert sum(part.numel() for group in parts for part in group) == LAYOUT.size
    for given in (y, None):
        if given is None:
            expected = bnaf(x, parts.weights, parts.biases, activation=activation)
        else:
            expected = bnaf(x, y=y, activation=activation, **parts._asdict())
        got = bnaf_vector(x, vector, LAYOUT, y=given, activation=activation)
        leaves = [x, vector] if given is None else [x, vector, y]
        gradients = [
            torch.autograd.grad(f.square().sum() + s.sum(), leaves) for f, s in (got, expected)
        ]
        for g, e in zip((*got, *gradients[0]), (*expected, *gradients[1]), strict=True):
            assert torch.equal(g, e)


def test_vector_must_not_change_before_the_backward_pass():
    x, y, vector = make_vector()
    loss = bnaf_vector(x, vector, LAYOUT, y=y)[1].sum()
    with torch.no_grad():
        vector.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_only_once_differentiable():
    (x, weights, biases), _ = make_case(4, None, 2, [1, 3, 1], 1, [1])
    (gradient,) = torch.autograd.grad(
        bnaf(x, weights, biases)[0].square().sum(), x, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_without_gradients_the_numbers_are_the_same():
    (x, weights, biases), keywords = make_case(200, 50, 3, [1, 4, 1], 2, [1, 5])
    expected = bnaf(x, weights, biases, **keywords)
    with torch.inference_mode():
        got = bnaf(x, weights, biases, **keywords)
    for g, e in zip(got, expected, strict=True):
        assert torch.equal(g, e)
        assert not g.requires_grad


# Dynamo asks every tensor it meets for .grad, also those that are no leaves.
@pytest.mark.filterwarnings("ignore:The .grad attribute")
def test_compile_breaks_its_graph_and_goes_on():
    (x, weights, biases), _ = make_case(8, None, 3, [1, 4, 1], 1, [1])

    def loss(x):
        f, log_slopes = bnaf(2 * x, weights, biases)
        return (f.square().sum() - log_slopes.sum()) / len(x)

    compiled = torch.compile(loss, backend="eager")
    (expected,) = torch.autograd.grad(loss(x), x)
    (got,) = torch.autograd.grad(compiled(x), x)
    assert torch.equal(got, expected)
