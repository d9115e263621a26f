"""Scores of all pairs by a ReLU network on concatenated inputs, without building the pairs.

The first layer splits: ``h_ij = relu(a_i + b_j)`` with ``a = x U^T`` and ``b = y V^T + c``, so
that it costs one addition per pair and unit. The other layers are matrix products of nx * ny rows
and passes over activations of that size, which cost as much as the products if they go through
main memory. Therefore rows are handled in blocks small enough for the cache, the first layer is
recomputed in the backward pass instead of stored, and gradients are reduced block by block.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from fastmi.nn.linear import product, threshold_backward

# Number of pairs in a block. On a CPU it is about what a second-level cache holds (2 MB, at 512
# float32 per pair); on other devices it is enough to fill them. A step with 128^2 pairs and two
# layers of 512 units took 153, 152, 163 and 180 ms with blocks of 512, 1024, 2048 and 4096 (one
# thread of an AMD EPYC; bench/bench_critics_speed.py --constants).
_BLOCK_PAIRS_CPU = 1024
_BLOCK_PAIRS = 1 << 16


def all_pairs(a: Tensor, b: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the scores of every row of `a` with every row of `b`.

    Args:
        a: Part of the first layer that comes from x, shape (nx, h1).
        b: Part that comes from y, with the bias, shape (ny, h1).
        layers: Weight (h_{l+1}, h_l) and bias (h_{l+1},) of each further layer, with ReLU
            between them; the last layer has one output.

    Returns:
        Scores, shape (nx, ny); differentiable once in every argument.
    """
    if torch.compiler.is_compiling() or not (len(a) and len(b)):
        return all_pairs_ref(a, b, layers)
    flat = [tensor for layer in layers for tensor in layer]
    scores: Tensor = _AllPairs.apply(a, b, *flat)  # type: ignore[no-untyped-call]
    return scores


def all_pairs_ref(a: Tensor, b: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the scores by the definition, to which tests compare :func:`all_pairs`."""
    h = torch.relu(a.unsqueeze(1) + b.unsqueeze(0))
    for weight, bias in layers[:-1]:
        h = torch.relu(torch.nn.functional.linear(h, weight, bias))
    weight, bias = layers[-1]
    return torch.nn.functional.linear(h, weight, bias).squeeze(-1)


class _AllPairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, *flat: Tensor) -> Tensor:
        weights, biases = flat[0::2], flat[1::2]
        nx, ny = len(a), len(b)
        step = _block_rows(a, ny)
        waits = any(ctx.needs_input_grad)
        first = a.new_empty(step * ny, a.shape[1])
        scores = a.new_empty(nx * ny, 1)
        stored = []
        for start in range(0, nx, step):
            part = a[start : start + step]
            h = _first_layer(part, b, first)
            block = []
            for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                h = product(h, weight, bias, relu=True)
                block.append(h)
            rows = slice(start * ny, (start + len(part)) * ny)
            torch.addmm(biases[-1], h, weights[-1].T, out=scores[rows])
            if waits:
                stored.append(block)
        if waits:
            ctx.save_for_backward(a, b, *flat)
            ctx.stored = stored
        return scores.view(nx, ny)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_scores: Tensor) -> tuple[Tensor | None, ...]:
        a, b, *flat = ctx.saved_tensors
        weights, biases = flat[0::2], flat[1::2]
        nx, ny = len(a), len(b)
        step = _block_rows(a, ny)
        first = a.new_empty(step * ny, a.shape[1])
        grad_a = torch.empty_like(a)
        grad_b = torch.zeros_like(b)
        grad_weights = [torch.zeros_like(weight) for weight in weights]
        grad_biases = [torch.zeros_like(bias) for bias in biases]
        # Transposed once: every block then multiplies by contiguous rows of the weights.
        turned = [weight.T.contiguous() for weight in weights]
        grad_flat = grad_scores.reshape(-1, 1)
        for start, block in zip(range(0, nx, step), ctx.stored, strict=True):
            part = a[start : start + step]
            grad = grad_flat[start * ny : (start + len(part)) * ny]
            inputs = [_first_layer(part, b, first), *block]
            for layer in range(len(weights) - 1, -1, -1):
                h = inputs[layer]
                grad_biases[layer] += grad.sum(0)
                if grad.shape[1] == 1:
                    # With one output the gradient is an outer product, which needs no matrix
                    # product.
                    grad_weights[layer].addmm_(grad.T, h)
                    grad = grad * weights[layer]
                else:
                    grad_weights[layer] += product(grad.T, h.T)
                    grad = product(grad, turned[layer])
                threshold_backward(grad, h, 0, grad_input=grad)
            blocked = grad.view(len(part), ny, -1)
            torch.sum(blocked, 1, out=grad_a[start : start + step])
            grad_b += blocked.sum(0)
        grads = [tensor for pair in zip(grad_weights, grad_biases, strict=True) for tensor in pair]
        return grad_a, grad_b, *grads


def _block_rows(a: Tensor, ny: int) -> int:
    pairs = _BLOCK_PAIRS_CPU if a.device.type == "cpu" else _BLOCK_PAIRS
    return min(max(pairs // ny, 1), len(a))


def _first_layer(part: Tensor, b: Tensor, buffer: Tensor) -> Tensor:
    out = buffer[: len(part) * len(b)]
    torch.add(part.unsqueeze(1), b, out=out.view(len(part), len(b), -1))
    return out.relu_()
