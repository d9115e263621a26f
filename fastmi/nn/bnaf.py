"""Block neural autoregressive flow on the fused layers of :mod:`fastmi.ops.bnaf`.

De Cao, Titov and Aziz (2019), "Block neural autoregressive flow", https://arxiv.org/abs/1904.04676;
conditioned on y as in Ni and Lotz (2025), https://arxiv.org/abs/2502.13085.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from fastmi.nn.flows import Composition, Flow, Reversal
from fastmi.ops.block_triangle import on_diagonal, pack
from fastmi.ops.bnaf import ACTIVATIONS, bnaf

RESIDUALS = (None, "plain", "gated")

# Doublings of the bracket before an output counts as out of range, then halvings of it.
_DOUBLINGS = 60
_HALVINGS = 80


class BNAFStep(Flow):
    """One stack of block-triangular layers; output i depends on x_1 ... x_i and grows with x_i.

    Args:
        dims: Columns d of x.
        y_dims: Columns of y; 0 for a flow that takes none.
        width: Units per column of x in each hidden layer.
        y_width: Units per column of y; None for `width`.
        hidden_layers: Number of hidden layers; one more layer is linear.
        activation: "leaky-tanh", tanh(u) + 0.01 u, which maps onto the whole space, or "tanh":
            then the flow's range is bounded unless `residual` is set, and the density it
            models integrates to less than 1.
        residual: None; "plain", x + f(x); or "gated", g f(x) + (1 - g) x with learnt g in (0, 1).
        weight_norm: Scale every row of weights to a learnt length. With y the row without its
            cross weights has a length of its own, so that conditioned and unconditioned rows
            run apart.
    """

    log_rows: nn.ParameterList

    def __init__(
        self,
        dims: int,
        *,
        y_dims: int = 0,
        width: int = 10,
        y_width: int | None = None,
        hidden_layers: int = 2,
        activation: str = "leaky-tanh",
        residual: str | None = None,
        weight_norm: bool = False,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {ACTIVATIONS}; got {activation!r}")
        if residual not in RESIDUALS:
            raise ValueError(f"residual must be one of {RESIDUALS}; got {residual!r}")
        for name, value, least in (
            ("dims", dims, 1),
            ("y_dims", y_dims, 0),
            ("width", width, 1),
            ("hidden_layers", hidden_layers, 1),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}; got {name}={value}")
        self.dims = dims
        self.y_dims = y_dims
        self.activation = activation
        self.residual = residual
        self.weight_norm = weight_norm
        widths = [1] + [width] * hidden_layers + [1]
        y_widths = [1] + [width if y_width is None else y_width] * hidden_layers
        layers = list(pairwise(widths))
        self.weights = nn.ParameterList(_triangle(dims, out, into) for into, out in layers)
        self.biases = nn.ParameterList(_bias(dims * out) for _, out in layers)
        self.y_weights = nn.ParameterList()
        self.y_biases = nn.ParameterList()
        self.cross_weights = nn.ParameterList()
        if y_dims:
            for into, out in pairwise(y_widths):
                self.y_weights.append(_triangle(y_dims, out, into))
                self.y_biases.append(_bias(y_dims * out))
            for (_, out), y_into in zip(layers, y_widths, strict=True):
                cross = torch.empty(dims * out, y_dims * y_into)
                self.cross_weights.append(nn.Parameter(nn.init.xavier_uniform_(cross)))
        self.log_rows = nn.ParameterList()
        if weight_norm:
            for layer, (into, out) in enumerate(layers):
                self.log_rows.append(nn.Parameter(torch.rand(dims * out).log()))
                row = torch.arange(dims * out)
                length = (row // out + 1) * into
                self.register_buffer(f"_row{layer}", row.repeat_interleave(length), False)
                self.register_buffer(f"_diagonal{layer}", on_diagonal(dims, out, into), False)
        self.gate = nn.Parameter(torch.zeros(())) if residual == "gated" else None

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Flow.forward`."""
        z, log_slope = self.slopes(x, y)
        return z, log_slope.sum(1)

    def slopes(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return f(x) and log df_i/dx_i, both of shape (n, d)."""
        self._check(x, y)
        if self.weight_norm and y is not None and len(y) < len(x):
            parts = [self.slopes(x[: len(y)], y), self.slopes(x[len(y) :])]
            return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
        weights, cross = list(self.weights), list(self.cross_weights)
        if self.weight_norm:
            pairs = [self._normalized(layer, y is not None) for layer in range(len(weights))]
            weights = [pair[0] for pair in pairs]
            cross = [pair[1] for pair in pairs if pair[1] is not None]
        if y is None:
            f, log_slope = bnaf(x, weights, list(self.biases), activation=self.activation)
        else:
            f, log_slope = bnaf(
                x,
                weights,
                list(self.biases),
                y=y,
                y_weights=list(self.y_weights),
                y_biases=list(self.y_biases),
                cross_weights=cross,
                activation=self.activation,
            )
        if self.residual == "plain":
            return x + f, functional.softplus(log_slope)
        if self.gate is not None:
            z = torch.lerp(x, f, torch.sigmoid(self.gate))
            return z, functional.softplus(log_slope + self.gate) - functional.softplus(self.gate)
        return f, log_slope

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the x with f(x | y) = z, by bisection of one column after the other."""
        self._check(z, y)
        x = torch.zeros_like(z)
        with torch.no_grad():
            for column in range(self.dims):
                x[:, column] = self._solve(x, z, y, column)
        return x

    def _solve(self, x: Tensor, z: Tensor, y: Tensor | None, column: int) -> Tensor:
        """Return column `column` of the inverse, the ones before it being in `x`."""
        x = x.clone()

        def above(value: Tensor) -> Tensor:
            x[:, column] = value
            return self.forward(x, y)[0][:, column] >= z[:, column]

        low, high = -torch.ones_like(z[:, 0]), torch.ones_like(z[:, 0])
        for _ in range(_DOUBLINGS):
            too_high, too_low = above(low), ~above(high)
            if not (too_high.any() or too_low.any()):
                break
            low = torch.where(too_high, 2 * low, low)
            high = torch.where(too_low, 2 * high, high)
        else:
            raise ValueError(
                f"z must be in the range of the flow; column {column} is not in "
                f"{int((too_high | too_low).sum())} rows (activation={self.activation!r}, "
                f"residual={self.residual!r})"
            )
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            right = above(middle)
            low, high = torch.where(right, low, middle), torch.where(right, middle, high)
        return 0.5 * (low + high)

    def _normalized(self, layer: int, conditioned: bool) -> tuple[Tensor, Tensor | None]:
        """Return a layer's raw weights, rows of the learnt length, and its cross weights."""
        raw, log_row = self.weights[layer], self.log_rows[layer]
        row: Tensor = getattr(self, f"_row{layer}")
        diagonal: Tensor = getattr(self, f"_diagonal{layer}")
        values = torch.where(diagonal, raw.exp(), raw)
        square = torch.zeros_like(log_row).index_add(0, row, values.square())
        cross = self.cross_weights[layer] if conditioned else None
        if cross is not None:
            square = square + cross.square().sum(1)
        log_scale = log_row - 0.5 * square.log()
        scaled = torch.where(diagonal, raw + log_scale[row], raw * log_scale.exp()[row])
        return scaled, None if cross is None else cross * log_scale.exp()[:, None]


def BNAF(
    dims: int,
    *,
    y_dims: int = 0,
    width: int = 10,
    hidden_layers: int = 2,
    steps: int = 1,
    activation: str = "leaky-tanh",
    residual: str | None = None,
    weight_norm: bool = False,
) -> Flow:
    """Return `steps` BNAF stacks, the order of the columns of x reversed between them.

    Args:
        dims: Columns d of x.
        y_dims: Columns of y that condition every stack; 0 for none.
        width: Units per column in each hidden layer.
        hidden_layers: Of each stack.
        steps: Number of stacks.
        activation: See :class:`BNAFStep`.
        residual: See :class:`BNAFStep`; the last stack has none if there are several, as in
            the authors' code, unless its range would be bounded without.
        weight_norm: See :class:`BNAFStep`.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got steps={steps}")
    flows: list[Flow] = []
    for step in range(steps):
        last = step == steps - 1
        bare = last and steps > 1 and activation == "leaky-tanh"
        flows.append(
            BNAFStep(
                dims,
                y_dims=y_dims,
                width=width,
                hidden_layers=hidden_layers,
                activation=activation,
                residual=None if bare else residual,
                weight_norm=weight_norm,
            )
        )
        if not last:
            flows.append(Reversal(dims))
    return flows[0] if len(flows) == 1 else Composition(*flows)


def _triangle(blocks: int, a_out: int, a_in: int) -> nn.Parameter:
    """Return packed weights: Xavier below the diagonal, rows of positive sum about 1 on it."""
    dense = torch.empty(blocks * a_out, blocks * a_in)
    for block in range(blocks):
        rows = dense[block * a_out : (block + 1) * a_out]
        fan_in = (block + 1) * a_in
        bound = math.sqrt(6.0 / (fan_in + a_out))
        nn.init.uniform_(rows[:, :fan_in], -bound, bound)
        nn.init.normal_(rows[:, block * a_in : fan_in], -math.log(a_in), 0.1)
    packed = pack(dense, blocks)
    return nn.Parameter(packed)


def _bias(size: int) -> nn.Parameter:
    bound = 1.0 / math.sqrt(size)
    return nn.Parameter(torch.empty(size).uniform_(-bound, bound))
