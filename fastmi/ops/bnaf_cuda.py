"""The compiled block autoregressive flow under autograd, for tensors on a GPU.

All work runs on torch's current stream, in memory of torch's allocator, so that a training step can
be captured in a CUDA graph.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from fastmi import _backend
from fastmi._extras import load
from fastmi.ops.bnaf_layout import BnafLayout

load("torch", extra="torch", needed_by="fastmi.ops.bnaf_cuda")

import torch
from torch import Tensor


def bnaf_cuda(
    x: Tensor, vector: Tensor, layout: BnafLayout, y: Tensor | None, leak: float
) -> tuple[Tensor, Tensor]:
    """Return what :func:`fastmi.ops.bnaf.bnaf_vector` does; arguments are not checked."""
    x, vector = x.contiguous(), vector.contiguous()
    y = None if y is None else y.contiguous()
    differentiable = x.requires_grad or vector.requires_grad or (y is not None and y.requires_grad)
    if differentiable and torch.is_grad_enabled():
        f, log_slopes = _Bnaf.apply(x, vector, y, layout, leak)  # type: ignore[no-untyped-call]
        return f, log_slopes
    f, log_slopes, _ = _forward(_Call.of(x, vector, y, layout, leak), x, keep=False)
    return f, log_slopes


class _Call(NamedTuple):
    """The arguments that forward and backward pass share."""

    shape: tuple[Any, ...]
    dtype: str
    network: tuple[int, int, int]
    leak: float
    device: int
    stream: int

    @classmethod
    def of(
        cls, x: Tensor, vector: Tensor, y: Tensor | None, layout: BnafLayout, leak: float
    ) -> _Call:
        n, d = x.shape
        of_y = (0, 0, ()) if y is None else (len(y), layout.y_dims, layout.y_widths)
        network = (x.data_ptr(), 0 if y is None else y.data_ptr(), vector.data_ptr())
        dtype = str(x.dtype).removeprefix("torch.")
        return cls((n, d, layout.widths, *of_y), dtype, network, leak, *_place(x))


def _place(x: Tensor) -> tuple[int, int]:
    """Return the index of the GPU and its current stream."""
    return x.get_device(), torch.cuda.current_stream(x.device).cuda_stream


@lru_cache(maxsize=256)
def _sizes(shape: tuple[Any, ...], dtype: str, keep: bool, device: int) -> tuple[int, int, int]:
    """Return the lengths of the workspace, of the scratch and of the computed gradients."""
    workspace, scratch, parameters = _backend.cuda_kernels().bnaf_sizes(shape, dtype, keep, device)
    return workspace, scratch, parameters


def _forward(call: _Call, x: Tensor, *, keep: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return f, the log-slopes and the workspace."""
    workspace = x.new_empty(_sizes(call.shape, call.dtype, keep, call.device)[0])
    f, log_slopes = x.new_empty(x.shape), x.new_empty(x.shape)
    _backend.cuda_kernels().bnaf_forward(
        call.shape,
        call.dtype,
        call.network,
        call.leak,
        keep,
        workspace.data_ptr(),
        f.data_ptr(),
        log_slopes.data_ptr(),
        call.device,
        call.stream,
    )
    return f, log_slopes, workspace


class _Bnaf(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, vector: Tensor, y: Tensor | None, layout: BnafLayout, leak: float
    ) -> tuple[Tensor, Tensor]:
        f, log_slopes, workspace = _forward(_Call.of(x, vector, y, layout, leak), x, keep=True)
        ctx.save_for_backward(x, vector, y, workspace)
        ctx.layout, ctx.leak = layout, leak
        return f, log_slopes

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, f_gradient: Tensor, slope_gradient: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, vector, y, workspace = ctx.saved_tensors
        for_x, _, for_y, *_ = ctx.needs_input_grad
        call = _Call.of(x, vector, y, ctx.layout, ctx.leak)
        _, scratch_size, computed = _sizes(call.shape, call.dtype, True, call.device)
        f_gradient, slope_gradient = f_gradient.contiguous(), slope_gradient.contiguous()
        scratch = x.new_empty(scratch_size)
        x_gradient = torch.empty_like(x) if for_x else None
        y_gradient = torch.empty_like(y) if for_y else None
        gradient = torch.empty_like(vector)
        gradient[computed:] = 0  # parameters of the network on y, which a pass without y ignores
        _backend.cuda_kernels().bnaf_backward(
            call.shape,
            call.dtype,
            call.network,
            call.leak,
            workspace.data_ptr(),
            f_gradient.data_ptr(),
            slope_gradient.data_ptr(),
            scratch.data_ptr(),
            0 if x_gradient is None else x_gradient.data_ptr(),
            0 if y_gradient is None else y_gradient.data_ptr(),
            gradient.data_ptr(),
            call.device,
            call.stream,
        )
        return x_gradient, gradient, y_gradient, None, None
