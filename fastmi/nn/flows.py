"""The base class of normalizing flows, how flows compose, and an invertible linear layer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from fastmi._checks import check_integer

LOG_2_PI = math.log(2.0 * math.pi)


class Flow(nn.Module, ABC):
    """A differentiable bijection of rows of d columns, which rows y may condition.

    ``flow(x, y)`` conditions the first ``len(y)`` rows of x on y and leaves the others
    unconditioned, so that one pass over ``torch.cat([x, x])`` gives f(x | y) and f(x).

    Attributes:
        dims: Number of columns d of x.
        y_dims: Number of columns of y; 0 if the flow takes none.
        capturable: Whether a CUDA graph can hold a pass, which must then read nothing back from
            the GPU and draw no numbers. It is a statement about this flow alone: flows inside it
            are asked for themselves.
    """

    dims: int
    y_dims: int
    capturable = False

    @abstractmethod
    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return f(x), shape (n, d), and log |det df/dx|, shape (n,)."""

    @abstractmethod
    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Return the x with f(x | y) = z, shape (n, d).

        Raises:
            ValueError: `z` is outside the range of the flow.
        """

    def log_density(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Return log q(x | y) in nats, shape (n,); under q, f(x | y) is standard normal."""
        z, log_det = self.forward(x, y)
        volume = 0.5 * z.shape[1] * LOG_2_PI
        return (log_det - volume).sub(z.square().sum(1), alpha=0.5)

    def _check(self, x: Tensor, y: Tensor | None) -> None:
        given: tuple[tuple[str, object], ...] = (("x", x), *((("y", y),) if y is not None else ()))
        for name, rows in given:
            if not isinstance(rows, Tensor):
                raise TypeError(f"{name} must be a torch tensor; got {type(rows).__name__}")
        if x.dim() != 2 or x.shape[1] != self.dims:
            raise ValueError(f"x must have shape (n, {self.dims}); got {tuple(x.shape)}")
        if y is None:
            return
        if self.y_dims == 0:
            raise ValueError("y must be None: this flow was made with y_dims=0")
        if y.dim() != 2 or y.shape[1] != self.y_dims or len(y) > len(x):
            raise ValueError(
                f"y must have shape (c, {self.y_dims}), c at most n={len(x)}; got {tuple(y.shape)}"
            )


class Composition(Flow):
    """Flows applied one after the other, all conditioned on the same y.

    Args:
        flows: One flow or more, of equal `dims`. Flows with ``y_dims == 0`` are not given y.
    """

    capturable = True

    def __init__(self, *flows: Flow) -> None:
        super().__init__()
        if not flows:
            raise ValueError("flows must be at least one; got none")
        for flow in flows:
            if not isinstance(flow, Flow):
                raise TypeError(f"flows must be of type Flow; got {type(flow).__name__}")
            if flow.dims != flows[0].dims:
                raise ValueError(f"flows must have equal dims; got {[each.dims for each in flows]}")
        self.dims = flows[0].dims
        self.y_dims = max(flow.y_dims for flow in flows)
        for flow in flows:
            if flow.y_dims not in (0, self.y_dims):
                raise ValueError(
                    f"flows must agree on y_dims; got {[each.y_dims for each in flows]}"
                )
        self.flows = nn.ModuleList(flows)

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Flow.forward`."""
        self._check(x, y)
        log_det = x.new_zeros(len(x))
        for flow in self.flows:
            x, step = flow(x, y if flow.y_dims else None)
            log_det = log_det + step
        return x, log_det

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """See :meth:`Flow.inverse`."""
        self._check(z, y)
        for flow in reversed(list(self.flows)):
            z = flow.inverse(z, y if flow.y_dims else None)  # type: ignore[operator]
        return z


class Reversal(Flow):
    """The columns in reverse order, so that a next flow conditions them in the other direction.

    Args:
        dims: Number of columns.
    """

    capturable = True

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.dims = check_integer("dims", dims, 1)
        self.y_dims = 0

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Flow.forward`."""
        self._check(x, y)
        return x.flip(1), x.new_zeros(len(x))

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """See :meth:`Flow.inverse`."""
        self._check(z, y)
        return z.flip(1)


class Standardized(Flow):
    """A flow behind a fixed scaling, which gives training samples mean 0 and deviation 1.

    Args:
        flow: The flow of the scaled columns.
        x: Training samples, shape (n, d).
        y: Training samples of the variable that conditions the flow, shape (n, d_y); None if
            there is no such variable.

    Raises:
        TypeError: Samples that are no float tensor.
        ValueError: Samples of the wrong shape or not finite; a `y` that the flow does not take,
            or none where it takes one.
    """

    capturable = True

    x_mean: Tensor
    x_scale: Tensor
    y_mean: Tensor
    y_scale: Tensor
    x_log_volume: Tensor

    def __init__(self, flow: Flow, x: Tensor, y: Tensor | None = None) -> None:
        super().__init__()
        if (y is None) != (flow.y_dims == 0):
            raise ValueError(
                f"y must be given if and only if the flow takes one; got y_dims={flow.y_dims} and "
                f"{'no y' if y is None else 'y'}"
            )
        _check_samples("x", x, flow.dims)
        if y is not None:
            _check_samples("y", y, flow.y_dims)
        self.dims = flow.dims
        self.y_dims = flow.y_dims
        self.flow = flow
        for name, samples in (("x", x), ("y", x[:1] if y is None else y)):
            mean, scale = _moments(samples)
            self.register_buffer(f"{name}_mean", mean)
            self.register_buffer(f"{name}_scale", scale)
        self.register_buffer("x_log_volume", self.x_scale.log().sum())

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Flow.forward`."""
        self._check(x, y)
        z, log_det = self.flow((x - self.x_mean) / self.x_scale, self._standard_y(y))
        return z, log_det - self.x_log_volume

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """See :meth:`Flow.inverse`."""
        self._check(z, y)
        return torch.addcmul(self.x_mean, self.flow.inverse(z, self._standard_y(y)), self.x_scale)

    def _standard_y(self, y: Tensor | None) -> Tensor | None:
        return None if y is None else (y - self.y_mean) / self.y_scale


class InvertibleLinear(Flow):
    r"""Affine map z = L U M x + b with triangular L and U.

    L is lower triangular with a diagonal of ones, U upper triangular with a positive diagonal.
    L, U and b are trained and M is fixed. The map starts as the identity; :meth:`start_at` sets
    another M and b.

    Args:
        dims: Number of columns d of x.
    """

    capturable = True

    fixed: Tensor
    log_det: Tensor

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.dims = check_integer("dims", dims, 1)
        self.y_dims = 0
        size = dims * (dims - 1) // 2
        self.lower = nn.Parameter(torch.zeros(size))
        self.upper = nn.Parameter(torch.zeros(size))
        self.log_diagonal = nn.Parameter(torch.zeros(dims))
        self.bias = nn.Parameter(torch.zeros(dims))
        self.register_buffer("fixed", torch.eye(dims))
        self.register_buffer("log_det", torch.zeros(()))

    @torch.no_grad()
    def start_at(self, matrix: Tensor, bias: Tensor) -> None:
        """Make the map z = matrix x + bias, from which the training then starts.

        Args:
            matrix: An invertible matrix, shape (d, d).
            bias: Shape (d,).

        Raises:
            ValueError: A shape does not fit; `matrix` is singular or not finite.
        """
        for name, value, shape in (
            ("matrix", matrix, (self.dims, self.dims)),
            ("bias", bias, (self.dims,)),
        ):
            if value.shape != shape:
                raise ValueError(f"{name} must have shape {shape}; got {tuple(value.shape)}")
        log_det = torch.linalg.slogdet(matrix.double()).logabsdet
        if not torch.isfinite(log_det):
            raise ValueError("matrix must be invertible and finite")
        for parameter in (self.lower, self.upper, self.log_diagonal):
            parameter.zero_()
        self.fixed.copy_(matrix)
        self.log_det.copy_(log_det)
        self.bias.copy_(bias)

    def _factors(self) -> tuple[Tensor, Tensor]:
        below = torch.tril_indices(self.dims, self.dims, -1, device=self.bias.device)
        lower = torch.eye(self.dims, dtype=self.bias.dtype, device=self.bias.device)
        lower = lower.index_put((below[0], below[1]), self.lower)
        upper = torch.diag_embed(self.log_diagonal.exp())
        upper = upper.index_put((below[1], below[0]), self.upper)
        return lower, upper

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Flow.forward`."""
        self._check(x, y)
        lower, upper = self._factors()
        z = torch.addmm(self.bias, x, (lower @ (upper @ self.fixed)).T)
        return z, (self.log_diagonal.sum() + self.log_det).expand(len(x))

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """See :meth:`Flow.inverse`."""
        self._check(z, y)
        lower, upper = self._factors()
        half = torch.linalg.solve_triangular(
            lower, (z - self.bias).T, upper=False, unitriangular=True
        )
        x: Tensor = torch.linalg.solve(
            self.fixed, torch.linalg.solve_triangular(upper, half, upper=True)
        ).T
        return x


def _check_samples(name: str, samples: object, dims: int) -> None:
    if not isinstance(samples, Tensor) or not samples.is_floating_point():
        got = samples.dtype if isinstance(samples, Tensor) else type(samples).__name__
        raise TypeError(f"{name} must be a float tensor; got {got}")
    if samples.dim() != 2 or samples.shape[1] != dims or not len(samples):
        raise ValueError(f"{name} must have shape (n, {dims}), n >= 1; got {tuple(samples.shape)}")
    if not torch.isfinite(samples).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity")


def _moments(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of each column in the dtype of the samples.

    The deviation of a constant column is given as 1, so that it can divide.
    """
    wide = samples.double()
    # Dividing by a power of two keeps squares within the range of float64 and changes no bit.
    size = torch.exp2(torch.frexp(wide.abs().amax(0)).exponent.double() - 1.0)
    wide = wide / size
    mean, scale = wide.mean(0), wide.std(0, correction=0)
    constant = scale <= 1e-14 * wide.abs().amax(0)
    scale = torch.where(constant, 1.0, size * scale)
    return (size * mean).to(samples.dtype), scale.to(samples.dtype)


def all_capturable(model: nn.Module) -> bool:
    """Return whether a CUDA graph can hold a pass through every flow inside a model."""
    return all(flow.capturable for flow in model.modules() if isinstance(flow, Flow))
