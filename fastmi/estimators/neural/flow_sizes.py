"""Sizes of the flows that the estimators build: a default, and what is too large."""

from __future__ import annotations

from fastmi._checks import check_weights


def default_width(dims: int) -> int:
    """Return the number of hidden units per column for `dims` columns, about 160 in all.

    Ni and Lotz (2025) take 20, 10 and 6 for 20, 50 and 100 columns. Narrower layers are faster
    and, at such sizes, nearer to the truth: the number of weights grows with the square of the
    number of units, and q(x | y) overfits the more while q(x) hardly does.
    """
    return min(20, max(6, 160 // dims))


def check_bnaf_size(dims: int, width: int, hidden_layers: int, stacks: int = 1) -> None:
    """Raise ValueError where a BNAF of `dims` columns in all would be too large to build."""
    inner = [dims * width] * hidden_layers
    check_weights([dims, *inner, dims], f"width={width} per column", networks=stacks)


def check_realnvp_size(dims: int, hidden: int, couplings: int) -> None:
    """Raise ValueError where a Real NVP of `dims` columns in all would be too large to build."""
    check_weights([dims, hidden, hidden, dims], f"hidden={hidden}", networks=couplings)
