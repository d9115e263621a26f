"""Packing and unpacking of block-triangular weights."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from fastmi.ops.block_triangle import on_diagonal, pack, packed_size, unpack
from reference import bnaf as reference


def test_pack_and_unpack_are_inverse():
    dense = torch.arange(1.0, 73).view(6, 12)
    packed = pack(dense, 3)
    assert packed.shape == (packed_size(3, 2, 4),)
    np.testing.assert_array_equal(
        unpack(packed, 3, 2, 4), np.nan_to_num(reference.unpack(packed.numpy(), 3, 2, 4))
    )
    assert int(on_diagonal(3, 2, 4).sum()) == 3 * 2 * 4
    np.testing.assert_array_equal(
        unpack(on_diagonal(3, 2, 4).float(), 3, 2, 4), np.kron(np.eye(3), np.ones((2, 4)))
    )


@pytest.mark.parametrize(
    "dense, blocks",
    [
        (torch.zeros(4), 2),
        (torch.zeros(4, 5), 2),
        (torch.zeros(5, 4), 2),
        (torch.zeros(4, 4), 0),
        (torch.zeros(4, 4), -2),
    ],
)
def test_pack_names_a_wrong_shape(dense, blocks):
    with pytest.raises(ValueError, match=rf"dense must have shape .* got .* blocks={blocks}"):
        pack(dense, blocks)


def test_unpack_names_a_wrong_shape():
    with pytest.raises(ValueError, match=r"packed must have shape \(24,\); got \(23,\)"):
        unpack(torch.zeros(23), 3, 2, 2)
