"""Block neural autoregressive flow (BNAF) on the fused layers of :mod:`fastmi.ops.bnaf`.

De Cao, Titov and Aziz (2019), "Block neural autoregressive flow", https://arxiv.org/abs/1904.04676;
it is conditioned on y as in Ni and Lotz (2025), https://arxiv.org/abs/2502.13085.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from fastmi._checks import check_choice, check_flag, check_integer
from fastmi.nn.flows import Composition, Flow, Reversal
from fastmi.ops.block_triangle import on_diagonal, pack
from fastmi.ops.bnaf import ACTIVATIONS, bnaf, bnaf_vector
from fastmi.ops.bnaf_layout import BnafLayout, BnafParameters

RESIDUALS = ("plain", "gated")
# Start of a gate that is 2 % open: the stack is close to the identity.
NEARLY_SHUT = -4.0
# The trained number is the gate's logit divided by this. Optimizers like Adam move every number by
# about the step size, and a logit of its own would need thousands of steps to open the gate.
_GATE_SPEED = 30.0

# Inversion doubles its bracket at most so many times before an output counts as out of range.
_DOUBLINGS = 60
# It then halves the bracket so many times.
_HALVINGS = 80


class BNAFStep(Flow):
    """One stack of block-triangular layers; output i depends on x_1 ... x_i and grows with x_i.

    Args:
        dims: Number of columns d of x.
        y_dims: Number of columns of y; 0 for a flow that takes none.
        width: Number of units per column of x in each hidden layer.
        y_width: Number of units per column of y; None for `width`.
        hidden_layers: Number of hidden layers; a linear layer follows them.
        activation: "leaky-tanh", tanh(u) + 0.01 u, which maps onto the whole space; or "tanh", with
            which the range of the flow is bounded unless `residual` is set, so that the modelled
            density integrates to less than 1.
        residual: None; "plain", x + f(x); or "gated", g f(x) + (1 - g) x with learnt g in (0, 1).
        weight_norm: True scales every row of weights to a learnt length. Its cross weights from y
            are part of that length for conditioned samples only, so that those and the
            unconditioned ones go through the layers apart.
        gate: Start of the logit of g of a "gated" residual.
    """

    capturable = True
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
        gate: float = 0.0,
    ) -> None:
        super().__init__()
        check_choice("activation", activation, ACTIVATIONS)
        if residual is not None:
            check_choice("residual", residual, RESIDUALS)
        for name, value, least in (
            ("dims", dims, 1),
            ("y_dims", y_dims, 0),
            ("width", width, 1),
            ("y_width", width if y_width is None else y_width, 1),
            ("hidden_layers", hidden_layers, 1),
        ):
            check_integer(name, value, least)
        check_flag("weight_norm", weight_norm)
        self.dims = dims
        self.y_dims = y_dims
        self.activation = activation
        self.residual = residual
        self.weight_norm = weight_norm
        widths = [1] + [width] * hidden_layers + [1]
        y_widths = [1] + [width if y_width is None else y_width] * hidden_layers
        layers = list(pairwise(widths))
        # Row sums of the diagonal blocks, chosen together with the centres of `_centers`. A plain
        # residual starts near the identity.
        totals = [1.0] + [2.0] * (hidden_layers - 1) + [0.1 if residual == "plain" else 2.0]
        parameters = BnafParameters(
            [
                _triangle(dims, out, into, total)
                for (into, out), total in zip(layers, totals, strict=True)
            ],
            [_spread_bias(dims, _centers(width, layer)) for layer in range(hidden_layers)],
            [],
            [],
            [],
        )
        parameters.biases.append(torch.zeros(dims))
        if y_dims:
            for layer, (into, out) in enumerate(pairwise(y_widths)):
                parameters.y_weights.append(_triangle(y_dims, out, into, totals[layer]))
                parameters.y_biases.append(_spread_bias(y_dims, _centers(out, layer)))
            for (_, out), y_into in zip(layers, y_widths, strict=True):
                cross = torch.empty(dims * out, y_dims * y_into)
                parameters.cross_weights.append(nn.init.xavier_uniform_(cross, gain=0.3))
        # All parameters are one vector, as autograd and the optimizer spend time on each tensor.
        self.layout = BnafLayout(dims, tuple(widths), y_dims, tuple(y_widths) if y_dims else ())
        self.vector = nn.Parameter(
            torch.cat([tensor.flatten() for group in parameters for tensor in group])
        )
        self.log_rows = nn.ParameterList()
        if weight_norm:
            for layer, (into, out) in enumerate(layers):
                row = torch.arange(dims * out)
                length = (row // out + 1) * into
                self.register_buffer(f"_row{layer}", row.repeat_interleave(length), False)
                self.register_buffer(f"_diagonal{layer}", on_diagonal(dims, out, into), False)
                # Starting from the lengths of the raw rows leaves the flow as it is.
                start = 0.5 * self._squares(parameters, layer, bool(y_dims)).log()
                self.log_rows.append(nn.Parameter(start))
        self.opening = None
        if residual == "gated":
            self.opening = nn.Parameter(torch.tensor(float(gate) / _GATE_SPEED))

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
        if self.weight_norm:
            f, log_slope = self._normalized_slopes(x, y)
        else:
            f, log_slope = bnaf_vector(x, self.vector, self.layout, y=y, activation=self.activation)
        if self.residual == "plain":
            return x + f, functional.softplus(log_slope)
        if self.opening is not None:
            gate = _GATE_SPEED * self.opening
            z = torch.lerp(x, f, torch.sigmoid(gate))
            return z, functional.softplus(log_slope + gate) - functional.softplus(gate)
        return f, log_slope

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the x with f(x | y) = z, found by bisection in one column after the other."""
        self._check(z, y)
        x = torch.zeros_like(z)
        with torch.no_grad():
            for column in range(self.dims):
                x[:, column] = self._solve(x, z, y, column)
        return x

    def _solve(self, x: Tensor, z: Tensor, y: Tensor | None, column: int) -> Tensor:
        """Return one column of the inverse; `x` holds the columns before it."""
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

    def _squares(self, parameters: BnafParameters, layer: int, conditioned: bool) -> Tensor:
        """Return the squared length of each row of a layer's weights.

        The row includes its cross weights if it is `conditioned`.
        """
        raw, diagonal = parameters.weights[layer], getattr(self, f"_diagonal{layer}")
        squares: Tensor = torch.where(diagonal, raw.exp(), raw).square()
        rows: Tensor = raw.new_zeros(len(parameters.biases[layer]))
        rows = rows.index_add(0, getattr(self, f"_row{layer}"), squares)
        return rows + parameters.cross_weights[layer].square().sum(1) if conditioned else rows

    def _normalized(
        self, parameters: BnafParameters, layer: int, conditioned: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Return a layer's raw weights and its cross weights, the rows scaled to their length."""
        raw, diagonal = parameters.weights[layer], getattr(self, f"_diagonal{layer}")
        log_scale = self.log_rows[layer] - 0.5 * self._squares(parameters, layer, conditioned).log()
        by_weight = log_scale[getattr(self, f"_row{layer}")]
        scaled = torch.where(diagonal, raw + by_weight, raw * by_weight.exp())
        if not conditioned:
            return scaled, None
        return scaled, parameters.cross_weights[layer] * log_scale.exp()[:, None]

    def _normalized_slopes(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        parameters = self.layout.split(self.vector)
        layers = range(len(parameters.weights))
        pairs = [self._normalized(parameters, layer, y is not None) for layer in layers]
        weights = [pair[0] for pair in pairs]
        if y is None:
            return bnaf(x, weights, parameters.biases, activation=self.activation)
        return bnaf(
            x,
            weights,
            parameters.biases,
            y=y,
            y_weights=parameters.y_weights,
            y_biases=parameters.y_biases,
            cross_weights=[cross for _, cross in pairs if cross is not None],
            activation=self.activation,
        )


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
    gate: float = 0.0,
) -> Flow:
    """Return a flow of `steps` stacks, with the order of the columns reversed between them.

    Args:
        dims: Number of columns d of x.
        y_dims: Number of columns of y, which conditions every stack; 0 for none.
        width: Number of units per column in each hidden layer.
        hidden_layers: Number of hidden layers of each stack.
        steps: Number of stacks.
        activation: See :class:`BNAFStep`.
        residual: See :class:`BNAFStep`. The last of several stacks has none, as in the authors'
            code, unless its range would then be bounded.
        weight_norm: See :class:`BNAFStep`.
        gate: See :class:`BNAFStep`.
    """
    check_integer("steps", steps, 1)
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
                gate=gate,
            )
        )
        if not last:
            flows.append(Reversal(dims))
    return flows[0] if len(flows) == 1 else Composition(*flows)


def _triangle(blocks: int, a_out: int, a_in: int, total: float) -> Tensor:
    """Return packed weights whose rows sum to about `total` within the diagonal blocks.

    The weights below the diagonal start at a tenth of Xavier's size. The columns are then nearly
    independent at first, and far fewer steps are needed than to unlearn random dependence.
    """
    dense = torch.empty(blocks * a_out, blocks * a_in)
    for block in range(blocks):
        rows = dense[block * a_out : (block + 1) * a_out]
        fan_in = (block + 1) * a_in
        bound = 0.1 * math.sqrt(6.0 / (fan_in + a_out))
        nn.init.uniform_(rows[:, :fan_in], -bound, bound)
        nn.init.normal_(rows[:, block * a_in : fan_in], math.log(total / a_in), 0.1)
    return pack(dense, blocks)


def _spread_bias(blocks: int, units: Tensor) -> Tensor:
    """Return the biases that make the units of each block steepest at the inputs `units`."""
    return -units.repeat(blocks)


def _centers(width: int, layer: int) -> Tensor:
    """Return the input at which each unit of a hidden layer is to be steepest.

    Side by side the units tile the inputs that standard normal columns give, so that the stack
    starts close to a straight line. Equal units would start as one saturated step.
    """
    places = (torch.arange(width) + 0.5) / width
    if layer == 0:
        return 1.5 * math.sqrt(2.0) * torch.erfinv(2.0 * places - 1.0)
    return 2.8 * (places - 0.5)
