"""Scores of all pairs by a ReLU network on concatenated inputs, without building the pairs.

The first layer splits: ``h_ij = relu(a_i + b_j)`` with ``a = x U^T`` and ``b = y V^T + c``, so
that it costs one addition per pair and unit. What is left is matrix products of nx * ny rows,
and passes over activations of that size, which cost as much if they go through main memory.
Hence blocks of rows small enough for the cache, the first layer recomputed rather than stored,
gradients reduced block by block, and buffers used again from one call to the next.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Pairs in a block: on a CPU what the second-level cache of two cores about holds (4 MB of 512
# float32 each; 512 to 4096 measure alike, bench/bench_critics_speed.py), elsewhere enough to
# fill the device.
_BLOCK_PAIRS_CPU = 2048
_BLOCK_PAIRS = 1 << 16
# Buffers kept for reuse. More than one only where several matrices wait for their backward.
_POOL_SIZE = 2

_threshold_backward: Any = torch.ops.aten.threshold_backward.grad_input


def all_pairs(a: Tensor, b: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Return the scores of every row of `a` with every row of `b`.

    Args:
        a: First layer's part from x, shape (nx, h1).
        b: Its part from y with the bias, shape (ny, h1).
        layers: Weight (h_{l+1}, h_l) and bias (h_{l+1},) of the further layers, the last with
            one output. ReLU between.

    Returns:
        Shape (nx, ny). Differentiable once in everything, by one backward pass.
    """
    flat = [tensor for layer in layers for tensor in layer]
    scores: Tensor = _AllPairs.apply(a, b, *flat)  # type: ignore[no-untyped-call]
    return scores


def all_pairs_ref(a: Tensor, b: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The definition. Tests hold :func:`all_pairs` to it."""
    h = torch.relu(a.unsqueeze(1) + b.unsqueeze(0))
    for weight, bias in layers[:-1]:
        h = torch.relu(torch.nn.functional.linear(h, weight, bias))
    weight, bias = layers[-1]
    return torch.nn.functional.linear(h, weight, bias).squeeze(-1)


class _Pool:
    """Buffers by shape; each belongs to one waiting backward pass at a time."""

    def __init__(self) -> None:
        self.free: list[Tensor] = []

    def take(self, rows: int, columns: int, like: Tensor) -> Tensor:
        for i, buffer in enumerate(self.free):
            if (
                buffer.shape == (rows, columns)
                and buffer.dtype == like.dtype
                and buffer.device == like.device
            ):
                return self.free.pop(i)
        return torch.empty(rows, columns, dtype=like.dtype, device=like.device)

    def give(self, buffers: list[Tensor]) -> None:
        self.free = (buffers + self.free)[: _POOL_SIZE * max(len(buffers), 1)]


_pool = _Pool()


class _AllPairs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, *flat: Tensor) -> Tensor:
        weights, biases = flat[0::2], flat[1::2]
        nx, ny = len(a), len(b)
        step = _block_rows(a, ny)
        waits = any(ctx.needs_input_grad)
        # Activations of the second to the last hidden layer; all of them, if a backward follows.
        stored = [
            _pool.take((nx if waits else step) * ny, len(weight), a) for weight in weights[:-1]
        ]
        first = torch.empty(step * ny, a.shape[1], dtype=a.dtype, device=a.device)
        scores = torch.empty(nx * ny, 1, dtype=a.dtype, device=a.device)
        for start in range(0, nx, step):
            part = a[start : start + step]
            rows = slice(start * ny, (start + len(part)) * ny)
            h = _first_layer(part, b, first)
            for weight, bias, store in zip(weights[:-1], biases[:-1], stored, strict=True):
                out = store[rows] if waits else store[: len(h)]
                h = torch.addmm(bias, h, weight.T, out=out).relu_()
            torch.addmm(biases[-1], h, weights[-1].T, out=scores[rows])
        if waits:
            ctx.save_for_backward(a, b, *flat)
            ctx.stored = stored
        return scores.view(nx, ny)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_scores: Tensor) -> tuple[Tensor | None, ...]:
        a, b, *flat = ctx.saved_tensors
        weights, biases = flat[0::2], flat[1::2]
        stored = ctx.stored
        if stored is None:
            raise RuntimeError("scores of all pairs can be differentiated once; score them again")
        ctx.stored = None
        nx, ny = len(a), len(b)
        step = _block_rows(a, ny)
        empty = {"dtype": a.dtype, "device": a.device}
        first = torch.empty(step * ny, a.shape[1], **empty)
        widths = [a.shape[1], *(len(weight) for weight in weights[:-1])]
        scratch = [torch.empty(step * ny, width, **empty) for width in widths]
        grad_a = torch.empty_like(a)
        grad_b = torch.zeros_like(b)
        grad_weights = [torch.zeros_like(weight) for weight in weights]
        grad_biases = [torch.zeros_like(bias) for bias in biases]
        grad_flat = grad_scores.reshape(-1, 1)
        grad_biases[-1].copy_(grad_flat.sum(0))
        for start in range(0, nx, step):
            part = a[start : start + step]
            rows = slice(start * ny, (start + len(part)) * ny)
            count = rows.stop - rows.start
            h = [_first_layer(part, b, first), *(store[rows] for store in stored)]
            grad = grad_flat[rows]
            for layer in range(len(weights) - 1, -1, -1):
                grad_weights[layer].addmm_(grad.T, h[layer])
                if layer < len(weights) - 1:
                    grad_biases[layer] += grad.sum(0)
                below = torch.mm(grad, weights[layer], out=scratch[layer][:count])
                grad = _threshold_backward(below, h[layer], 0, grad_input=below)
            blocked = grad.view(len(part), ny, -1)
            torch.sum(blocked, 1, out=grad_a[start : start + step])
            grad_b += blocked.sum(0)
        _pool.give(stored)
        grads = [tensor for pair in zip(grad_weights, grad_biases, strict=True) for tensor in pair]
        return grad_a, grad_b, *grads


def _block_rows(a: Tensor, ny: int) -> int:
    pairs = _BLOCK_PAIRS_CPU if a.device.type == "cpu" else _BLOCK_PAIRS
    return min(max(pairs // ny, 1), len(a))


def _first_layer(part: Tensor, b: Tensor, buffer: Tensor) -> Tensor:
    out = buffer[: len(part) * len(b)]
    torch.add(part.unsqueeze(1), b, out=out.view(len(part), len(b), -1))
    return out.relu_()
