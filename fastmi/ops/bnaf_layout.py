"""All parameters of a block autoregressive flow in one vector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from fastmi._checks import check_integer
from fastmi._extras import load
from fastmi.ops.block_triangle import packed_size

load("torch", extra="torch", needed_by="fastmi.ops.bnaf_layout")

import torch
from torch import Tensor


class BnafParameters(NamedTuple):
    """The parameters as :func:`fastmi.ops.bnaf.bnaf` takes them, one tensor per layer."""

    weights: list[Tensor]
    biases: list[Tensor]
    y_weights: list[Tensor]
    y_biases: list[Tensor]
    cross_weights: list[Tensor]


@dataclass(frozen=True)
class BnafLayout:
    """Where the parameters lie in the vector: group after group of :class:`BnafParameters`.

    Attributes:
        dims: Columns d of x.
        widths: Units per column, 1, a_1, ..., a_L = 1.
        y_dims: Columns d_y of y; 0 for a flow without y.
        y_widths: Units per column of y, 1, e_1, ..., e_{L-1}; empty without y.

    Raises:
        TypeError: A size that is not an integer.
        ValueError: A size out of range, or widths that do not fit together.
    """

    dims: int
    widths: tuple[int, ...]
    y_dims: int = 0
    y_widths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_integer("dims", self.dims, 1)
        check_integer("y_dims", self.y_dims, 0)
        for name in ("widths", "y_widths"):
            widths = tuple(check_integer(name, width, 1) for width in getattr(self, name))
            object.__setattr__(self, name, widths)
        if len(self.widths) < 2 or self.widths[0] != 1 or self.widths[-1] != 1:
            raise ValueError(f"widths must be 1, a_1, ..., 1; got {self.widths}")
        length = len(self.widths) - 1 if self.y_dims else 0
        if len(self.y_widths) != length or self.y_widths[:1] not in ((), (1,)):
            raise ValueError(
                f"y_widths must be 1, e_1, ..., one less than widths, empty without y; "
                f"got {self.y_widths} with y_dims={self.y_dims}, widths={self.widths}"
            )

    @cached_property
    def size(self) -> int:
        """Length of the vector."""
        return sum(math.prod(shape) for group in self._shapes for shape in group)

    def split(self, vector: Tensor) -> BnafParameters:
        """Return views of the vector's parts."""
        sizes = [math.prod(shape) for group in self._shapes for shape in group]
        parts = iter(torch.split(vector, sizes))
        return BnafParameters(
            *([next(parts).view(shape) for shape in group] for group in self._shapes)
        )

    @cached_property
    def _shapes(self) -> list[list[tuple[int, ...]]]:
        x_pairs, y_pairs = list(pairwise(self.widths)), list(pairwise(self.y_widths))
        return [
            [(packed_size(self.dims, out, into),) for into, out in x_pairs],
            [(self.dims * out,) for _, out in x_pairs],
            [(packed_size(self.y_dims, out, into),) for into, out in y_pairs],
            [(self.y_dims * out,) for _, out in y_pairs],
            [
                (self.dims * out, self.y_dims * into)
                for out, into in zip(self.widths[1:], self.y_widths, strict=False)
            ],
        ]
