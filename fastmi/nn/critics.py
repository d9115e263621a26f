"""Critics: networks that score pairs (x, y).

A critic is any module whose ``critic(x, y)`` pairs row i of x with row i of y and returns one
score per pair, shape (n,) or (n, 1). A critic that can score every x with every y faster than pair
by pair also has ``critic.matrix(x, y)``, shape (nx, ny), as the critics here do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from fastmi.nn.all_pairs import all_pairs
from fastmi.nn.linear import MLP, linear

__all__ = ["Bilinear", "Concat", "Separable", "score_matrix", "score_pairs"]

# Number of pairs scored at once where a matrix is filled pair by pair, which bounds the memory.
_CHUNK = 1 << 16


class Concat(nn.Module):
    """A ReLU network on the concatenation of x and y.

    The first layer is kept in two parts, so that :meth:`matrix` applies each part to B rows
    instead of B^2. Its initial weights are those of one linear layer on the concatenation.

    Args:
        dx: Number of columns of x.
        dy: Number of columns of y.
        hidden: Widths of the hidden layers, at least one.

    Raises:
        ValueError: `hidden` is empty.
    """

    def __init__(self, dx: int, dy: int, hidden: Sequence[int] = (512, 512)) -> None:
        super().__init__()
        if not hidden:
            raise ValueError("hidden must name at least one width; got ()")
        whole = nn.Linear(dx + dy, hidden[0])
        self.x_weight = nn.Parameter(whole.weight.detach()[:, :dx].clone())
        self.y_weight = nn.Parameter(whole.weight.detach()[:, dx:].clone())
        self.bias = nn.Parameter(whole.bias.detach().clone())
        widths = [*hidden, 1]
        self.rest = nn.ModuleList(nn.Linear(m, n) for m, n in pairwise(widths))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Score row i of x (n, dx) with row i of y (n, dy); shape (n,)."""
        a, b = self._first(x, y)
        h = torch.relu(a + b)
        layers = self._layers()
        for weight, bias in layers[:-1]:
            h = linear(h, weight, bias, relu=True)
        return linear(h, *layers[-1]).squeeze(-1)

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        """Score every row of x (nx, dx) with every row of y (ny, dy); shape (nx, ny)."""
        a, b = self._first(x, y)
        return all_pairs(a, b, self._layers())

    def _layers(self) -> list[tuple[Tensor, Tensor]]:
        return [(cast(Tensor, one.weight), cast(Tensor, one.bias)) for one in self.rest]

    def _first(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return linear(x, self.x_weight), linear(y, self.y_weight, self.bias)


class Separable(nn.Module):
    """The inner product of two networks, ``g(x) . h(y)``.

    A matrix of scores costs one pass of each network and one matrix product.

    Args:
        dx: Number of columns of x.
        dy: Number of columns of y.
        hidden: Widths of the hidden layers of each network.
        features: Number of columns of g(x) and of h(y).
    """

    def __init__(
        self, dx: int, dy: int, hidden: Sequence[int] = (512, 512), features: int = 32
    ) -> None:
        super().__init__()
        self.g = MLP(dx, hidden, features)
        self.h = MLP(dy, hidden, features)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Score row i of x (n, dx) with row i of y (n, dy); shape (n,)."""
        scores: Tensor = (self.g(x) * self.h(y)).sum(1)
        return scores

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        """Score every row of x (nx, dx) with every row of y (ny, dy); shape (nx, ny)."""
        scores: Tensor = self.g(x) @ self.h(y).T
        return scores


class Bilinear(nn.Module):
    """The bilinear form ``x^T W y``, starting at W = 0, for features from a network of your own.

    Args:
        dx: Number of columns of x.
        dy: Number of columns of y.
    """

    def __init__(self, dx: int, dy: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dx, dy))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Score row i of x (n, dx) with row i of y (n, dy); shape (n,)."""
        return ((x @ self.weight) * y).sum(1)

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        """Score every row of x (nx, dx) with every row of y (ny, dy); shape (nx, ny)."""
        return x @ self.weight @ y.T


def score_pairs(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return ``critic(x, y)``, checked and brought to shape (n,).

    Raises:
        TypeError: The critic returned no tensor.
        ValueError: The critic did not return one score per pair.
    """
    scores = critic(x, y)
    if not isinstance(scores, Tensor):
        raise TypeError(f"critic must return a tensor; got {type(scores).__name__}")
    n = len(x)
    if scores.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"critic must return one score per pair, shape (n,) or (n, 1); "
            f"got shape {tuple(scores.shape)} for n={n}"
        )
    return scores.reshape(n)


def score_matrix(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the scores of every row of `x` with every row of `y`, shape (nx, ny).

    They come from ``critic.matrix`` if there is one, and else from one pair after the other.

    Raises:
        TypeError: The critic returned no tensor.
        ValueError: The critic returned a tensor of the wrong shape, or its ``matrix`` no tensor.
    """
    nx, ny = len(x), len(y)
    matrix = getattr(critic, "matrix", None)
    if callable(matrix):
        scores = matrix(x, y)
        if not isinstance(scores, Tensor) or scores.shape != (nx, ny):
            got = (
                f"shape {tuple(scores.shape)}"
                if isinstance(scores, Tensor)
                else type(scores).__name__
            )
            raise ValueError(
                f"critic.matrix must return a tensor of shape (nx, ny); "
                f"got {got} for nx={nx}, ny={ny}"
            )
        return scores
    rows = max(_CHUNK // max(ny, 1), 1)
    parts = []
    for start in range(0, nx, rows):
        part = x[start : start + rows]
        columns = y.expand(len(part), *y.shape).reshape(-1, *y.shape[1:])
        parts.append(score_pairs(critic, part.repeat_interleave(ny, 0), columns))
    return torch.cat(parts).view(nx, ny)
