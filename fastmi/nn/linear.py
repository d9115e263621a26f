"""Linear layers by the fastest matrix product that torch has on the device.

torch multiplies float32 matrices on a CPU with MKL, which uses no more than AVX2 on processors of
other makers than Intel. The oneDNN that comes with torch uses AVX-512 there: it is twice as fast,
and its rounding errors are about twice as large (bench/bench_critics_speed.py --constants). It is
reached through an operator that torch itself uses in compiled code. Where that operator is missing,
and for other types and devices, the product is :func:`torch.nn.functional.linear`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["MLP", "linear", "linear_ref", "product", "threshold_backward"]


def _find_onednn() -> Callable[..., Tensor] | None:
    try:
        found: Any = torch.ops.mkldnn._linear_pointwise
        one = torch.ones(1, 1)
        found(one, one, one[0], "relu", [], "")
    except (AttributeError, RuntimeError, NotImplementedError):
        return None
    return cast("Callable[..., Tensor]", found)


_ONEDNN = _find_onednn()
# Number of multiplications below which oneDNN's 15 us of preparation cost more than it saves.
_LARGE = 1 << 20

# The gradient of ReLU from its output, written into a given tensor.
threshold_backward: Any = torch.ops.aten.threshold_backward.grad_input


def _onednn_serves(x: Tensor, weight: Tensor) -> bool:
    """Return whether oneDNN is faster for this product."""
    return (
        _ONEDNN is not None
        and x.numel() * len(weight) >= _LARGE
        and x.dtype == torch.float32
        and x.device.type == "cpu"
        and not torch.compiler.is_compiling()
    )


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None, relu: bool = False) -> Tensor:
    """Return ``x weight^T + bias``, or ReLU of it, without a gradient.

    Args:
        x: Shape (n, d); may be a transposed view.
        weight: Shape (m, d); may be a transposed view.
        bias: Shape (m,).
        relu: Whether to set negative values to 0.
    """
    if _ONEDNN is not None and _onednn_serves(x, weight):
        return _ONEDNN(x, weight, bias, "relu" if relu else "none", [], "")
    result = torch.nn.functional.linear(x, weight, bias)
    return result.relu_() if relu else result


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, relu: bool = False) -> Tensor:
    """Return ``x weight^T + bias``, or ReLU of it.

    Args:
        x: Shape (n, d).
        weight: Shape (m, d).
        bias: Shape (m,).
        relu: Whether to set negative values to 0.

    Returns:
        Shape (n, m). It is differentiable, but only once where oneDNN computes it.
    """
    if not _onednn_serves(x, weight):
        return linear_ref(x, weight, bias, relu)
    result: Tensor = _Linear.apply(x, weight, bias, relu)  # type: ignore[no-untyped-call]
    return result


def linear_ref(x: Tensor, weight: Tensor, bias: Tensor | None = None, relu: bool = False) -> Tensor:
    """Return the layer by the definition, to which tests compare :func:`linear`."""
    result = torch.nn.functional.linear(x, weight, bias)
    return torch.relu(result) if relu else result


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
        result = product(x, weight, bias, relu)
        ctx.save_for_backward(x, weight, result if relu else None)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, result = ctx.saved_tensors
        if result is not None:
            grad = torch.ops.aten.threshold_backward(grad, result, 0)
        needs_x, needs_weight, needs_bias, _ = ctx.needs_input_grad
        return (
            product(grad, weight.T) if needs_x else None,
            product(grad.T, x.T) if needs_weight else None,
            grad.sum(0) if needs_bias else None,
            None,
        )


class MLP(nn.Module):
    """Linear layers with ReLU between them.

    Args:
        d_in: Number of columns of the input.
        hidden: Widths of the hidden layers.
        d_out: Number of columns of the output.
    """

    def __init__(self, d_in: int, hidden: Sequence[int], d_out: int) -> None:
        super().__init__()
        widths = [d_in, *hidden, d_out]
        self.layers = nn.ModuleList(nn.Linear(m, n) for m, n in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """Return the output (n, d_out) for x (n, d_in)."""
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            x = linear(x, cast(Tensor, layer.weight), cast(Tensor, layer.bias), relu=i < last)
        return x
