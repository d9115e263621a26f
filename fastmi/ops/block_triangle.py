"""Storage of block lower triangular weights: only the blocks on and below the diagonal.

A matrix of ``blocks`` x ``blocks`` blocks of shape (a_out, a_in) is kept as one vector, block
row after block row; block row i is a row-major array of shape (a_out, (i + 1) * a_in). These are
about half of the numbers of the full matrix, and half of the optimizer's memory traffic.
"""

from __future__ import annotations

from functools import lru_cache

from fastmi._extras import load

load("torch", extra="torch", needed_by="fastmi.ops.block_triangle")

import torch
from torch import Tensor


def packed_size(blocks: int, a_out: int, a_in: int) -> int:
    """Return the number of entries of the packed matrix."""
    return blocks * (blocks + 1) // 2 * a_out * a_in


def pack(dense: Tensor, blocks: int) -> Tensor:
    """Return the blocks on and below the diagonal of `dense`, shape (packed_size,).

    Args:
        dense: Shape (blocks * a_out, blocks * a_in); blocks above the diagonal are dropped.
        blocks: Number of diagonal blocks.

    Raises:
        ValueError: A side of `dense` is not a multiple of `blocks`.
    """
    if blocks < 1 or dense.dim() != 2 or dense.shape[0] % blocks or dense.shape[1] % blocks:
        raise ValueError(
            f"dense must have shape (blocks * a_out, blocks * a_in); "
            f"got {tuple(dense.shape)} and blocks={blocks}"
        )
    a_out, a_in = dense.shape[0] // blocks, dense.shape[1] // blocks
    return dense.reshape(-1)[_positions(blocks, a_out, a_in, dense.device)]


def unpack(packed: Tensor, blocks: int, a_out: int, a_in: int) -> Tensor:
    """Return the full matrix, shape (blocks * a_out, blocks * a_in), zero above the diagonal.

    Raises:
        ValueError: `packed` does not have shape (packed_size(blocks, a_out, a_in),).
    """
    size = packed_size(blocks, a_out, a_in)
    if packed.shape != (size,):
        raise ValueError(f"packed must have shape ({size},); got {tuple(packed.shape)}")
    dense = packed.new_zeros(blocks * a_out * blocks * a_in)
    positions = _positions(blocks, a_out, a_in, packed.device)
    return dense.scatter(0, positions, packed).view(blocks * a_out, blocks * a_in)


def on_diagonal(blocks: int, a_out: int, a_in: int, device: torch.device | str = "cpu") -> Tensor:
    """Return which packed numbers belong to a diagonal block, shape (packed_size,), bool."""
    positions = _positions(blocks, a_out, a_in, torch.device(device))
    row, column = positions // (blocks * a_in), positions % (blocks * a_in)
    return row // a_out == column // a_in


def _positions(blocks: int, a_out: int, a_in: int, device: torch.device) -> Tensor:
    """Return where in the flattened full matrix each packed number stands."""
    if _is_compiling():  # the positions become part of the graph, which a cache would break
        return _make_positions(blocks, a_out, a_in, device)
    # Outside the caller's inference_mode, which the cached tensor outlives.
    with torch.inference_mode(False):
        return _cached_positions(blocks, a_out, a_in, device)


def _make_positions(blocks: int, a_out: int, a_in: int, device: torch.device) -> Tensor:
    position = torch.arange(packed_size(blocks, a_out, a_in), device=device)
    # Block row i starts at a_out a_in i (i + 1) / 2; roots of squares are exact.
    triangle = position // (a_out * a_in)
    i = ((8 * triangle + 1).double().sqrt() - 1).div(2).floor().long()
    length = (i + 1) * a_in
    inside = position - a_out * a_in * (i * (i + 1) // 2)
    # In floating point, because inductor's integer division fails on the idle lanes of a vector.
    row = ((inside.double() + 0.5) / length).floor().long()
    return (i * a_out + row) * (blocks * a_in) + inside - row * length


_cached_positions = lru_cache(maxsize=64)(_make_positions)
# torch 2.1 lacks torch.compiler.is_compiling.
_is_compiling = getattr(torch.compiler, "is_compiling", lambda: False)
