"""Orders of rows in which surrogates of a permutation test have the samples of x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host
from fastmi._checks import check_choice, check_integer
from fastmi.statistics._local import local_exchange
from fastmi.statistics._serial_orders import block_orders, rotations

Array = NDArray[Any]
Order = NDArray[np.intp]

SCHEMES = ("shuffle", "circular", "block", "local", "residual")
#: Those that keep the dependence of x on z.
CONDITIONAL = ("local", "residual")


def make_scheme(
    scheme: str,
    blocks: list[Array],
    rng: np.random.Generator,
    count: int,
    block_length: int | None,
    min_shift: int | None,
    n_neighbors: int,
    n_jobs: int | None,
    *,
    classes: bool = False,
) -> Callable[[int, np.random.Generator], Order]:
    """Return the function that gives surrogate `number` its order of rows.

    With `classes`, values of z are equal or not, and neither near nor far.
    """
    check_choice("scheme", scheme, SCHEMES)
    n = len(blocks[0])
    if scheme == "shuffle":
        return lambda _, own: own.permutation(n)
    if scheme == "circular":
        shifts = rotations(blocks, rng, count, min_shift)
        return lambda number, _: np.roll(np.arange(n), shifts[number])
    if scheme == "block":
        return block_orders(blocks, rng, count, block_length)
    if len(blocks) < 3:
        raise ValueError(f"scheme={scheme!r} must have a z; got z=None")
    exchange = local_exchange(
        host(blocks[2]),
        check_integer("n_neighbors", n_neighbors, 2),
        classes=classes,
        n_jobs=n_jobs,
    )
    return lambda _, own: exchange.order(own)
