"""Block neural autoregressive flow: output and log-slopes of a whole stack of layers.

De Cao, Titov and Aziz (2019), "Block neural autoregressive flow", https://arxiv.org/abs/1904.04676,
with the conditioning of Ni and Lotz (2025), https://arxiv.org/abs/2502.13085.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastmi import _backend
from fastmi._extras import load
from fastmi.ops.block_triangle import packed_size, unpack

load("torch", extra="torch", needed_by="fastmi.ops.bnaf")

import torch
from torch import Tensor

from fastmi.ops.bnaf_cuda import bnaf_cuda
from fastmi.ops.bnaf_host import bnaf_host
from fastmi.ops.bnaf_layout import BnafLayout

ACTIVATIONS = ("tanh", "leaky-tanh")
LEAK = 0.01
_LEAKS = {"tanh": 0.0, "leaky-tanh": LEAK}


def bnaf(
    x: Tensor,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    *,
    y: Tensor | None = None,
    y_weights: Sequence[Tensor] = (),
    y_biases: Sequence[Tensor] = (),
    cross_weights: Sequence[Tensor] = (),
    activation: str = "tanh",
) -> tuple[Tensor, Tensor]:
    r"""Run x through a BNAF of L layers; also return the log of each diagonal slope.

    Layer l maps d blocks of a_{l-1} units to d blocks of a_l units, a_0 = a_L = 1:

    .. math:: h^l = \sigma(W^l h^{l-1} + b^l), \quad
        W^l_{ii} = e^{V^l_{ii}}, \quad W^l_{ij} = V^l_{ij} (j < i), \quad W^l_{ij} = 0 (j > i)

    and the last layer is linear. Output i depends on x_1 ... x_i and increases in x_i.

    With `y` the first c rows of x are conditioned on it: their layer l adds
    :math:`C^l h_y^{l-1}`, where :math:`h_y^0 = y` and :math:`h_y^l` is layer l of a network of
    the same kind on y. The other n - c rows are computed as if every C were zero, so that
    ``bnaf(torch.cat([x, x]), ..., y=y)`` evaluates f(x | y) and f(x) in one pass.

    Weights are packed as :mod:`fastmi.ops.block_triangle` describes. Tensors in host memory run
    through the compiled kernel, with as many threads as torch uses. Tensors on an NVIDIA GPU run
    through the kernel of ``fastmi._cuda``, at most 16 layers, if :func:`fastmi.show_config` lists a
    GPU. All others run through :func:`bnaf_ref`. NaN spreads within its row, as in torch; the
    log-slope of a unit is limited to about +-65536, also for infinite inputs.

    Args:
        x: Rows, shape (n, d), float32 or float64; n and d at least 1.
        weights: V of the L layers, shape (packed_size(d, a_l, a_{l-1}),).
        biases: b of the L layers, shape (d * a_l,).
        y: Rows that condition the first c rows of `x`, shape (c, d_y), 1 <= c <= n.
        y_weights: V of the network on y, L - 1 layers, packed in d_y blocks.
        y_biases: Its biases, shape (d_y * e_l,); the widths e_l may differ from a_l.
        cross_weights: C of the L layers, shape (d * a_l, d_y * e_{l-1}), e_0 = 1.
        activation: "tanh", whose flow has a bounded range, or "leaky-tanh", tanh(u) + 0.01 u,
            whose flow maps onto the whole space.

    Returns:
        f, shape (n, d), and log df_i/dx_i, shape (n, d); the log-determinant is the row sum of
        the latter. Differentiable once in every tensor argument.

    Raises:
        TypeError: An argument is not a tensor, or dtypes or devices differ.
        ValueError: A shape does not fit, or `activation` is unknown; more layers than the kernel
            for GPUs has.
    """
    network = _check(x, weights, biases, y, y_weights, y_biases, cross_weights, activation)
    kernel = _kernel(x.device)
    if kernel is None:
        return _forward_ref(network)
    vector = torch.cat([p.reshape(-1) for p in network.parameters()])
    return kernel(x, vector, network.layout(), y, _LEAKS[activation])


def bnaf_vector(
    x: Tensor,
    vector: Tensor,
    layout: BnafLayout,
    *,
    y: Tensor | None = None,
    activation: str = "tanh",
) -> tuple[Tensor, Tensor]:
    """:func:`bnaf` with all parameters in one vector, which is fast for autograd and optimizers.

    Args:
        x: Rows, shape (n, layout.dims), float32 or float64; n at least 1.
        vector: The parameters, shape (layout.size,). As always under autograd it must not change
            between forward and backward pass.
        layout: Where each parameter lies in the vector.
        y: Rows that condition the first rows of `x`, shape (c, layout.y_dims), 1 <= c <= n. With
            None no row is conditioned, and the gradients of the parameters that serve y are zero.
        activation: See :func:`bnaf`.

    Returns:
        What :func:`bnaf` returns.

    Raises:
        TypeError: An argument is not a tensor, or dtypes or devices differ.
        ValueError: A shape does not fit, or `activation` is unknown.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {ACTIVATIONS}; got {activation!r}")
    if not isinstance(layout, BnafLayout):
        raise TypeError(f"layout must be a BnafLayout; got {type(layout).__name__}")
    _check_rows("x", x)
    _check_like("vector", vector, x)
    _check_shape("x", x, (len(x), layout.dims))
    _check_shape("vector", vector, (layout.size,))
    if y is not None:
        _check_rows("y", y)
        _check_like("y", y, x)
        _check_shape("y", y, (len(y), layout.y_dims))
        if len(y) > len(x):
            raise ValueError(f"y must have at most the n rows of x; got {len(y)} and n={len(x)}")
    kernel = _kernel(x.device)
    if kernel is not None:
        return kernel(x, vector, layout, y, _LEAKS[activation])
    groups = layout.split(vector)
    if y is None:
        return bnaf_ref(x, groups.weights, groups.biases, activation=activation)
    return bnaf_ref(x, y=y, activation=activation, **groups._asdict())


def bnaf_ref(
    x: Tensor,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    *,
    y: Tensor | None = None,
    y_weights: Sequence[Tensor] = (),
    y_biases: Sequence[Tensor] = (),
    cross_weights: Sequence[Tensor] = (),
    activation: str = "tanh",
) -> tuple[Tensor, Tensor]:
    """The definition of :func:`bnaf` in plain torch, on any device, with all derivatives."""
    network = _check(x, weights, biases, y, y_weights, y_biases, cross_weights, activation)
    return _forward_ref(network)


@dataclass(frozen=True)
class _Network:
    """Checked arguments of one call."""

    x: Tensor
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    y: Tensor | None
    y_weights: tuple[Tensor, ...]
    y_biases: tuple[Tensor, ...]
    cross_weights: tuple[Tensor, ...]
    activation: str

    def parameters(self) -> list[Tensor]:
        """Return all parameters, in the order of a :class:`BnafLayout`."""
        groups = (self.weights, self.biases, self.y_weights, self.y_biases, self.cross_weights)
        return [tensor for group in groups for tensor in group]

    def layout(self) -> BnafLayout:
        d, d_y = self.x.shape[1], 0 if self.y is None else self.y.shape[1]
        return BnafLayout(
            d,
            (1, *(len(bias) // d for bias in self.biases)),
            d_y,
            (1, *(len(bias) // d_y for bias in self.y_biases)) if d_y else (),
        )


# Dynamo cannot look into a compiled kernel, and `disable` makes torch.compile break its graph
# there. Eager calls go without that wrapper, which costs time, unless torch is 2.1, which cannot
# say whether it is compiling.
_Kernel = Callable[[Tensor, Tensor, BnafLayout, "Tensor | None", float], tuple[Tensor, Tensor]]
_outside_graph: dict[str, _Kernel] = {
    "cpu": torch.compiler.disable(bnaf_host),  # type: ignore[no-untyped-call]
    "cuda": torch.compiler.disable(bnaf_cuda),  # type: ignore[no-untyped-call]
}
_is_compiling: Callable[[], bool] = getattr(torch.compiler, "is_compiling", lambda: True)


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _has_cuda_kernels() -> bool:
    return _backend.find_cuda().kernels is not None


def _kernel(device: torch.device) -> _Kernel | None:
    """Return the compiled flow for tensors of this device, None if there is none."""
    if device.type != "cpu" and not (device.type == "cuda" and _has_cuda_kernels()):
        return None
    if _is_compiling():
        return _outside_graph[device.type]
    return bnaf_host if device.type == "cpu" else bnaf_cuda


def _forward_ref(network: _Network) -> tuple[Tensor, Tensor]:
    x, y = network.x, network.y
    d = x.shape[1]
    activate = _tanh if network.activation == "tanh" else _leaky_tanh
    h, h_y = x, y
    log_slope = torch.zeros_like(x).unsqueeze(-1)
    for level, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        a_in, a_out = h.shape[1] // d, bias.shape[0] // d
        raw = unpack(weight, d, a_out, a_in)
        u = h @ _positive_diagonal(raw, d).T + bias
        if h_y is not None:
            conditioned = h_y @ network.cross_weights[level].T
            u = torch.cat([u[: len(h_y)] + conditioned, u[len(h_y) :]])
        log_slope = _log_matmul(log_slope, _diagonal_blocks(raw, d))
        last = level == len(network.weights) - 1
        if last:
            h = u
            break
        h, log_activation_slope = activate(u)
        log_slope = log_slope + log_activation_slope.view_as(log_slope)
        if h_y is not None and y is not None:
            d_y, y_bias = y.shape[1], network.y_biases[level]
            y_raw = unpack(
                network.y_weights[level], d_y, y_bias.shape[0] // d_y, h_y.shape[1] // d_y
            )
            h_y, _ = activate(h_y @ _positive_diagonal(y_raw, d_y).T + y_bias)
    return h, log_slope.squeeze(-1)


def _positive_diagonal(raw: Tensor, blocks: int) -> Tensor:
    a_out, a_in = raw.shape[0] // blocks, raw.shape[1] // blocks
    row = torch.arange(raw.shape[0], device=raw.device)[:, None] // a_out
    column = torch.arange(raw.shape[1], device=raw.device)[None, :] // a_in
    return torch.where(row == column, raw.exp(), raw)


def _diagonal_blocks(raw: Tensor, blocks: int) -> Tensor:
    """Return the diagonal blocks, shape (blocks, a_out, a_in)."""
    a_out, a_in = raw.shape[0] // blocks, raw.shape[1] // blocks
    return raw.view(blocks, a_out, blocks, a_in).diagonal(dim1=0, dim2=2).permute(2, 0, 1)


def _log_matmul(log_slope: Tensor, log_weight: Tensor) -> Tensor:
    """Return log sum_q exp(log_weight[i, p, q] + log_slope[b, i, q]), shape (n, d, a_out)."""
    # Both are shifted by their largest terms, which cancel in value and gradient.
    top = log_slope.detach().amax(-1, keepdim=True)
    top_weight = log_weight.detach().amax(-1, keepdim=True)
    product = torch.einsum("biq,ipq->bip", (log_slope - top).exp(), (log_weight - top_weight).exp())
    return top + top_weight.squeeze(-1) + product.log()


def _log_sech2(u: Tensor) -> Tensor:
    """Return log(1 - tanh(u)^2), in a form that never overflows."""
    size = u.abs()
    return 2 * (math.log(2) - size - torch.log1p(torch.exp(-2 * size)))


def _tanh(u: Tensor) -> tuple[Tensor, Tensor]:
    return torch.tanh(u), _log_sech2(u)


def _leaky_tanh(u: Tensor) -> tuple[Tensor, Tensor]:
    return torch.tanh(u) + LEAK * u, torch.log(_log_sech2(u).exp() + LEAK)


def _check(
    x: Tensor,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    y: Tensor | None,
    y_weights: Sequence[Tensor],
    y_biases: Sequence[Tensor],
    cross_weights: Sequence[Tensor],
    activation: str,
) -> _Network:
    """Return the arguments as a network whose shapes, dtypes and devices fit together."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {ACTIVATIONS}; got {activation!r}")
    _check_rows("x", x)
    groups: dict[str, Any] = {
        "weights": weights,
        "biases": biases,
        "y_weights": y_weights,
        "y_biases": y_biases,
        "cross_weights": cross_weights,
    }
    for name, tensors in groups.items():
        if isinstance(tensors, Tensor) or not hasattr(tensors, "__len__"):
            raise TypeError(
                f"{name} must be a sequence of tensors, one per layer; got {type(tensors).__name__}"
            )
        for level, tensor in enumerate(tensors):
            _check_like(f"{name}[{level}]", tensor, x)
    if not weights:
        raise ValueError("weights must have at least one layer; got none")
    _check_length("biases", biases, len(weights))
    d = x.shape[1]
    widths = _check_layers("", d, weights, biases)
    if widths[-1] != 1:
        raise ValueError(f"the last layer must have one unit per block; got {widths[-1]}")
    if y is None:
        for name in ("y_weights", "y_biases", "cross_weights"):
            if groups[name]:
                raise ValueError(f"{name} needs y; got y=None")
    else:
        _check_rows("y", y)
        _check_like("y", y, x)
        if len(y) > len(x):
            raise ValueError(f"y must have at most the n rows of x; got {len(y)} and n={len(x)}")
        _check_length("y_weights", y_weights, len(weights) - 1)
        _check_length("y_biases", y_biases, len(weights) - 1)
        _check_length("cross_weights", cross_weights, len(weights))
        d_y = y.shape[1]
        y_widths = _check_layers("y_", d_y, y_weights, y_biases)
        for level, cross in enumerate(cross_weights):
            shape = (d * widths[level + 1], d_y * y_widths[level])
            if cross.shape != shape:
                raise ValueError(
                    f"cross_weights[{level}] must have shape {shape}; got {tuple(cross.shape)}"
                )
    return _Network(
        x,
        tuple(weights),
        tuple(biases),
        y,
        tuple(y_weights),
        tuple(y_biases),
        tuple(cross_weights),
        activation,
    )


def _check_rows(name: str, rows: Any) -> None:
    if not isinstance(rows, Tensor):
        raise TypeError(f"{name} must be a torch tensor; got {type(rows).__name__}")
    if rows.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must be float32 or float64; got {rows.dtype}")
    if rows.dim() != 2 or 0 in rows.shape:
        raise ValueError(f"{name} must have shape (n, d), both >= 1; got {tuple(rows.shape)}")


def _check_like(name: str, tensor: Any, x: Tensor) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} must be a torch tensor; got {type(tensor).__name__}")
    if tensor.dtype != x.dtype or tensor.device != x.device:
        raise TypeError(
            f"{name} must have the dtype and device of x, {x.dtype} on {x.device}; "
            f"got {tensor.dtype} on {tensor.device}"
        )


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise ValueError(f"{name} must have shape {shape}; got {tuple(tensor.shape)}")


def _check_length(name: str, tensors: Sequence[Tensor], length: int) -> None:
    if len(tensors) != length:
        raise ValueError(f"{name} must have {length} layers; got {len(tensors)}")


def _check_layers(
    prefix: str, blocks: int, weights: Sequence[Tensor], biases: Sequence[Tensor]
) -> list[int]:
    """Return the units per block of the input and of each layer."""
    widths = [1]
    for level, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        if bias.dim() != 1 or not len(bias) or len(bias) % blocks:
            raise ValueError(
                f"{prefix}biases[{level}] must have shape (blocks * width,) with "
                f"{blocks} blocks; got {tuple(bias.shape)}"
            )
        widths.append(len(bias) // blocks)
        size = packed_size(blocks, widths[-1], widths[-2])
        if weight.shape != (size,):
            raise ValueError(
                f"{prefix}weights[{level}] must have shape ({size},): packed, {blocks} blocks of "
                f"({widths[-1]}, {widths[-2]}); got {tuple(weight.shape)}"
            )
    return widths
