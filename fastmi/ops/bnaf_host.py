"""The compiled block autoregressive flow under autograd, for tensors in host memory."""

from __future__ import annotations

from typing import Any

from fastmi._backend import kernels
from fastmi._extras import load
from fastmi.ops.bnaf_layout import BnafLayout

load("torch", extra="torch", needed_by="fastmi.ops.bnaf_host")

import torch
from torch import Tensor


def bnaf_host(
    x: Tensor, vector: Tensor, layout: BnafLayout, y: Tensor | None, leak: float
) -> tuple[Tensor, Tensor]:
    """Return what :func:`fastmi.ops.bnaf.bnaf_vector` does; arguments are not checked."""
    differentiable = x.requires_grad or vector.requires_grad or (y is not None and y.requires_grad)
    if differentiable and torch.is_grad_enabled():
        f, log_slopes = _Bnaf.apply(x, vector, y, layout, leak)  # type: ignore[no-untyped-call]
        return f, log_slopes
    kernel_pass = _run(x, vector, y, layout, leak, keep=False)
    return torch.from_numpy(kernel_pass.f), torch.from_numpy(kernel_pass.log_slopes)


def _run(
    x: Tensor, vector: Tensor, y: Tensor | None, layout: BnafLayout, leak: float, *, keep: bool
) -> Any:
    return kernels().bnaf_forward(
        x.detach().contiguous().numpy(),
        vector.detach().contiguous().numpy(),
        layout.widths,
        None if y is None else y.detach().contiguous().numpy(),
        layout.y_dims,
        layout.y_widths,
        leak,
        keep,
        torch.get_num_threads(),
    )


class _Bnaf(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, vector: Tensor, y: Tensor | None, layout: BnafLayout, leak: float
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(vector)
        ctx.kernel_pass = _run(x, vector, y, layout, leak, keep=True)
        return torch.from_numpy(ctx.kernel_pass.f), torch.from_numpy(ctx.kernel_pass.log_slopes)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, f_gradient: Tensor, slope_gradient: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        _ = ctx.saved_tensors  # raises if the parameters, which the pass reads again, have changed
        for_x, _, for_y, *_ = ctx.needs_input_grad
        x, y, vector = ctx.kernel_pass.backward(
            f_gradient.contiguous().numpy(),
            slope_gradient.contiguous().numpy(),
            for_x,
            for_y,
            torch.get_num_threads(),
        )
        return (
            None if x is None else torch.from_numpy(x),
            torch.from_numpy(vector),
            None if y is None else torch.from_numpy(y),
            None,
            None,
        )
