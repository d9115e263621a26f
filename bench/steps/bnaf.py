"""Training steps of a block autoregressive flow f(x | y) in torch, as rivals of fastmi.ops.bnaf.

All have n x-units and n y-units per width, two hidden tanh layers of width a and a linear layer,
the loss mean(0.5 |f|^2 - log det), and fused Adam. With `ndoe` a step holds the sum of the losses
of f(x | y) and of f(x), which share all weights but those from y to x.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fastmi.ops.block_triangle import on_diagonal, packed_size, unpack
from fastmi.ops.bnaf import bnaf_ref, bnaf_vector
from fastmi.ops.bnaf_layout import BnafLayout

LEARNING_RATE = 1e-4


class Parameters:
    """One set of starting values, shared by all steps so that their first losses agree."""

    def __init__(self, n: int, a: int) -> None:
        generator = torch.Generator().manual_seed(n)
        self.n, self.widths = n, (1, a, a, 1)
        pairs = list(zip(self.widths[1:], self.widths[:-1], strict=True))
        self.weights = [self._triangle(generator, *pair) for pair in pairs]
        self.y_weights = [self._triangle(generator, *pair) for pair in pairs[:-1]]
        self.cross = [
            torch.randn(n * a_out, n * a_in, generator=generator) * 0.3 / math.sqrt(n * a_in)
            for a_out, a_in in pairs
        ]
        self.biases = [torch.zeros(n * a_out) for a_out, _ in pairs]
        self.y_biases = [torch.zeros(n * a_out) for a_out, _ in pairs[:-1]]

    def to(self, device: torch.device) -> Parameters:
        """Return a copy on a device."""
        moved = copy.copy(self)
        for name in ("weights", "y_weights", "cross", "biases", "y_biases"):
            setattr(moved, name, [tensor.to(device) for tensor in getattr(self, name)])
        return moved

    def layout(self) -> BnafLayout:
        """Return where the values lie in the vector that fastmi's op takes."""
        return BnafLayout(self.n, self.widths, self.n, self.widths[:-1])

    def vector(self) -> Tensor:
        """Return a copy of all values in that vector."""
        groups = (self.weights, self.biases, self.y_weights, self.y_biases, self.cross)
        return torch.cat([tensor.flatten() for group in groups for tensor in group])

    def _triangle(self, generator: torch.Generator, a_out: int, a_in: int) -> Tensor:
        n = self.n
        noise = torch.randn(packed_size(n, a_out, a_in), generator=generator)
        weight = noise * 0.3 / math.sqrt(n * a_in)
        weight[on_diagonal(n, a_out, a_in)] -= math.log(a_in)
        return weight

    def dense(self, weight: Tensor, level: int) -> Tensor:
        return unpack(weight, self.n, self.widths[level + 1], self.widths[level])


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.clone().requires_grad_()


def _adam(parameters: list[Tensor]) -> torch.optim.Optimizer:
    on_gpu = parameters[0].is_cuda
    return torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True, capturable=on_gpu)


def fastmi_step(start: Parameters, x: Tensor, y: Tensor, ndoe: bool) -> Callable[[], Tensor]:
    """Return a step through fastmi's op."""
    layout, vector = start.layout(), _leaf(start.vector())
    adam = _adam([vector])
    rows = torch.cat([x, x]) if ndoe else x

    def step() -> Tensor:
        adam.zero_grad()
        f, log_slopes = bnaf_vector(rows, vector, layout, y=y)
        value = (0.5 * f.square().sum() - log_slopes.sum()) / len(x)
        value.backward()
        adam.step()
        return value.detach()

    return step


def ref_step(
    start: Parameters, x: Tensor, y: Tensor, ndoe: bool, *, compiled: bool, mode: str | None = None
) -> Callable[[], Tensor]:
    """Return a step through the op's definition in torch."""
    groups = [
        [_leaf(t) for t in group]
        for group in (start.weights, start.biases, start.y_weights, start.y_biases, start.cross)
    ]
    adam = _adam([tensor for group in groups for tensor in group])
    rows = torch.cat([x, x]) if ndoe else x

    def loss() -> Tensor:
        f, log_slopes = bnaf_ref(
            rows,
            groups[0],
            groups[1],
            y=y,
            y_weights=groups[2],
            y_biases=groups[3],
            cross_weights=groups[4],
        )
        return (0.5 * f.square().sum() - log_slopes.sum()) / len(x)

    if compiled:
        # Graphs of the cases before would be recompiled for this one, and fall out of step.
        torch.compiler.reset()
    evaluate = torch.compile(loss, mode=mode) if compiled else loss

    def step() -> Tensor:
        adam.zero_grad()
        value = evaluate()
        value.backward()
        adam.step()
        return value.detach()

    return step


class MaskedLayer(nn.Module):
    """A layer as the reference implementation of the BNAF paper builds it.

    Full matrices times masks, rows normalised to exp(scale), logarithms of the diagonal blocks
    picked out by the mask, and a log-sum-exp over (rows, blocks, a_out, a_in) for the slopes.
    """

    def __init__(self, blocks: int, a_in: int, a_out: int, generator: torch.Generator) -> None:
        super().__init__()
        self.shape = (blocks, a_out, a_in)
        diagonal = torch.block_diag(*[torch.ones(a_out, a_in) for _ in range(blocks)])
        row = torch.arange(blocks * a_out)[:, None] // a_out
        column = torch.arange(blocks * a_in)[None, :] // a_in
        self.register_buffer("on_diagonal", diagonal)
        self.register_buffer("below", (column < row).float())
        bound = math.sqrt(6 / (blocks * (a_in + a_out)))
        noise = torch.rand(blocks * a_out, blocks * a_in, generator=generator)
        self.weight = nn.Parameter(bound * (2 * noise - 1))
        self.scale = nn.Parameter(torch.rand(blocks * a_out, 1, generator=generator).log())
        self.bias = nn.Parameter(torch.zeros(blocks * a_out))

    def forward(self, h: Tensor, log_slope: Tensor | None) -> tuple[Tensor, Tensor]:
        weight = self.weight.exp() * self.on_diagonal + self.weight * self.below
        norm = weight.square().sum(-1, keepdim=True)
        normed = self.scale.exp() * weight / norm.sqrt()
        log_weight = self.scale + self.weight - 0.5 * norm.log()
        log_blocks = log_weight[self.on_diagonal.bool()].view(self.shape)
        if log_slope is None:
            log_slope = log_blocks.new_zeros(h.shape[0], self.shape[0], 1, 1)
        # (rows, blocks, a_out, a_in): slopes of the inputs as a row.
        terms = log_blocks.unsqueeze(0) + log_slope.transpose(-2, -1)
        return h @ normed.T + self.bias, torch.logsumexp(terms, -1, keepdim=True)


def modules_step(start: Parameters, x: Tensor, y: Tensor, ndoe: bool) -> Callable[[], Tensor]:
    """Return a step through modules of full masked matrices over the 2n inputs (y, x)."""
    n = start.n
    generator = torch.Generator().manual_seed(0)
    layers = [
        MaskedLayer(2 * n, a_in, a_out, generator).to(x.device)
        for a_in, a_out in zip(start.widths[:-1], start.widths[1:], strict=True)
    ]
    adam = _adam([p for layer in layers for p in layer.parameters()])

    def cross_entropy(inputs: Tensor) -> Tensor:
        h, log_slope = inputs, None
        for layer in layers[:-1]:
            u, log_slope = layer(h, log_slope)
            bend = -2 * (u - math.log(2) + nn.functional.softplus(-2 * u))
            log_slope = log_slope + bend.view(log_slope.shape)
            h = torch.tanh(u)
        f, log_slope = layers[-1](h, log_slope)
        return (0.5 * f[:, n:].square().sum(-1) - log_slope[:, n:].sum((-3, -2, -1))).mean()

    inputs = torch.cat([y, x], 1)
    without_y = torch.cat([torch.zeros_like(y), x], 1)

    def step() -> Tensor:
        adam.zero_grad()
        loss = cross_entropy(inputs)
        if ndoe:
            loss = loss + cross_entropy(without_y)
        loss.backward()
        adam.step()
        return loss.detach()

    return step


class ByHand:
    """Forward and backward written out in torch operations on full matrices.

    Slopes without logarithms, diagonal blocks as batched products, results into preallocated
    arrays, both halves of an NDoE step in one batch.
    """

    def __init__(self, start: Parameters, x: Tensor, y: Tensor, ndoe: bool) -> None:
        self.n, self.widths, self.y = start.n, start.widths, y
        self.x = torch.cat([x, x]) if ndoe else x
        self.depth = len(start.weights)
        self.v = [start.dense(w, level) for level, w in enumerate(start.weights)]
        self.v_y = [start.dense(w, level) for level, w in enumerate(start.y_weights)]
        self.c = [c.clone() for c in start.cross]
        self.b = [b.clone() for b in start.biases]
        self.b_y = [b.clone() for b in start.y_biases]
        self.low = [self._below(v) for v in self.v]
        self.w = [torch.empty_like(v) for v in self.v]
        self.w_y = [torch.empty_like(v) for v in self.v_y]
        self.parameters = [*self.v, *self.v_y, *self.c, *self.b, *self.b_y]
        for parameter in self.parameters:
            parameter.requires_grad_().grad = torch.empty_like(parameter)
        self.adam = _adam(self.parameters)

    def _below(self, v: Tensor) -> Tensor:
        """1 below the diagonal blocks, else 0."""
        a_out, a_in = v.shape[0] // self.n, v.shape[1] // self.n
        return torch.ones(self.n, self.n).tril(-1).kron(torch.ones(a_out, a_in))

    def _diagonal(self, matrix: Tensor) -> Tensor:
        """View of the diagonal blocks, (blocks, a_out, a_in)."""
        n = self.n
        blocks = matrix.view(n, matrix.shape[0] // n, n, matrix.shape[1] // n)
        return blocks.diagonal(dim1=0, dim2=2).permute(2, 0, 1)

    def _positive(self, v: Tensor, low: Tensor, out: Tensor) -> Tensor:
        torch.mul(v, low, out=out)
        exp = self._diagonal(v).exp()
        self._diagonal(out).copy_(exp)
        return exp

    def _gradient(self, v: Tensor, low: Tensor, delta: Tensor, h: Tensor, exp: Tensor) -> Tensor:
        """Write delta^T h, masked, to v.grad; return the view of its diagonal blocks."""
        torch.mm(delta.T, h, out=v.grad)
        diagonal = self._diagonal(v.grad)
        positive = diagonal * exp
        v.grad.mul_(low)
        return diagonal.copy_(positive)

    @torch.no_grad()
    def step(self) -> Tensor:
        n, rows, given = self.n, len(self.x), len(self.y)
        exp = [
            self._positive(v, low, w) for v, low, w in zip(self.v, self.low, self.w, strict=True)
        ]
        exp_y = [
            self._positive(v, low, w)
            for v, low, w in zip(self.v_y, self.low[:-1], self.w_y, strict=True)
        ]
        h_y = [self.y]
        for w, b in zip(self.w_y, self.b_y, strict=True):
            h_y.append(torch.addmm(b, h_y[-1], w.T).tanh_())
        h, sums, scaled = [self.x], [], [self.x.new_ones(n, rows, 1)]
        log_det = self.x.new_zeros(())
        for level in range(self.depth):
            u = torch.addmm(self.b[level], h[-1], self.w[level].T)
            u[:given].addmm_(h_y[level], self.c[level].T)
            sums.append(torch.bmm(scaled[-1], exp[level].transpose(1, 2)))
            if level == self.depth - 1:
                break
            u.tanh_()
            h.append(u)
            slope = torch.addcmul(u.new_ones(()), u, u, value=-1)
            product = sums[-1] * slope.view(rows, n, -1).transpose(0, 1)
            top = product.amax(-1, keepdim=True)
            scaled.append(product.div_(top))
            log_det += top.log_().sum()
        log_det += sums[-1].log().sum()
        loss = (0.5 * u.square().sum() - log_det) / given

        delta = u.div_(given)
        ratio = sums[-1].reciprocal_().mul_(-1 / given)
        cross_delta = []
        for level in range(self.depth - 1, -1, -1):
            torch.sum(delta, 0, out=self.b[level].grad)
            diagonal = self._gradient(self.v[level], self.low[level], delta, h[level], exp[level])
            diagonal += torch.bmm(ratio.transpose(1, 2), scaled[level]).mul_(exp[level])
            torch.mm(delta[:given].T, h_y[level], out=self.c[level].grad)
            cross_delta.append(delta[:given])
            if level == 0:
                break
            slopes = torch.bmm(ratio, exp[level]).mul_(scaled[level])
            ratio = slopes / sums[level - 1]
            tanh = h[level]
            down = torch.mm(delta, self.w[level])
            bend = tanh * slopes.transpose(0, 1).reshape(rows, -1)
            down.addcmul_(down * tanh, tanh, value=-1)
            delta = down.sub_(bend, alpha=2)
        delta_y = None
        for level in range(self.depth - 1, 0, -1):
            down = torch.mm(cross_delta[self.depth - 1 - level], self.c[level])
            if delta_y is not None:
                down.addmm_(delta_y, self.w_y[level])
            delta_y = down.addcmul_(down * h_y[level], h_y[level], value=-1)
            torch.sum(delta_y, 0, out=self.b_y[level - 1].grad)
            low = self.low[level - 1]
            self._gradient(self.v_y[level - 1], low, delta_y, h_y[level - 1], exp_y[level - 1])
        self.adam.step()
        return loss


def steps(start: Parameters, x: Tensor, y: Tensor, ndoe: bool) -> dict[str, Callable[[], Tensor]]:
    """Return one step function per candidate, all at the same starting values."""
    return {
        "fastmi": fastmi_step(start, x, y, ndoe),
        "by hand": ByHand(start, x, y, ndoe).step,
        "ref compiled": ref_step(start, x, y, ndoe, compiled=True),
        "ref": ref_step(start, x, y, ndoe, compiled=False),
        "modules": modules_step(start, x, y, ndoe),
    }
