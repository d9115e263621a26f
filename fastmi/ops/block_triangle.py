"""Storage of block lower triangular weights: only the blocks on and below the diagonal.

A matrix of ``blocks`` x ``blocks`` blocks of shape (a_out, a_in) is kept as one vector, block
row after block row; block row i is a row-major array of shape (a_out, (i + 1) * a_in). Half the
numbers of the full matrix, hence half the optimiser's memory traffic.
"""

from __future__ import annotations

from functools import lru_cache

from fastmi._extras import load

load("torch", extra="torch", needed_by="fastmi.ops.block_triangle")

import torch  # noqa: E402
from torch import Tensor  # noqa: E402


def packed_size(blocks: int, a_out: int, a_in: int) -> int:
    """Return how many numbers the packed matrix has."""
    return blocks * (blocks + 1) // 2 * a_out * a_in


def pack(dense: Tensor, blocks: int) -> Tensor:
    """Return the blocks on and below the diagonal of `dense`, shape (packed_size,).

    Args:
        dense: Shape (blocks * a_out, blocks * a_in); blocks above the diagonal are dropped.
        blocks: Number of diagonal blocks.

    Raises:
        ValueError: A side of `dense` is not a multiple of `blocks`.
    """
    if dense.dim() != 2 or dense.shape[0] % blocks or dense.shape[1] % blocks:
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


@lru_cache(maxsize=64)
def _positions(blocks: int, a_out: int, a_in: int, device: torch.device) -> Tensor:
    """Return where in the flattened full matrix each packed number stands."""
    # Not under the caller's inference_mode: the cached tensor outlives it.
    with torch.inference_mode(False):
        row = torch.arange(blocks * a_out, device=device)[:, None]
        column = torch.arange(blocks * a_in, device=device)[None, :]
        # Row-major order of the kept entries is the packed order.
        return (column // a_in <= row // a_out).reshape(-1).nonzero()[:, 0]
