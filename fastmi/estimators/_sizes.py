"""Sizes of networks, refused where they would take all memory or never be built."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

#: Largest number of layers, or of networks one after another.
MOST_LAYERS = 1000
# 4 GiB in float32; gradients and moments of Adam add three times that.
_MOST_WEIGHTS = 1 << 30


def hidden_widths(hidden: object) -> tuple[int, ...]:
    """Return `hidden`, the widths of a network, as a tuple of ints.

    Raises:
        TypeError: Not a sequence of integers.
        ValueError: None, one below 1, or too many weights.
    """
    if isinstance(hidden, str | bytes) or not isinstance(hidden, Sequence):
        raise TypeError(
            f"hidden must be a sequence of widths, (512, 512) say; "
            f"got hidden={hidden!r} ({type(hidden).__name__})"
        )
    for width in hidden:
        if isinstance(width, bool) or not isinstance(width, int | np.integer):
            raise TypeError(f"hidden must hold integers; got {width!r} ({type(width).__name__})")
    widths = tuple(int(width) for width in hidden)
    if not widths or min(widths) < 1:
        raise ValueError(f"hidden must name at least one width, each >= 1; got hidden={widths!r}")
    check_weights((1, *widths, 1), f"hidden={widths!r}")
    return widths


def check_weights(widths: Sequence[int], options: str, *, networks: int = 1) -> None:
    """Raise unless networks of these widths, inputs and outputs included, are of sane size.

    Args:
        widths: Of the layers of each.
        options: What made them so wide, for the message: "width=20".
        networks: How many there are.

    Raises:
        ValueError: Too many weights.
    """
    weights = networks * sum(a * b for a, b in pairwise(widths))
    if weights > _MOST_WEIGHTS:
        raise ValueError(
            f"{options} must make at most {_MOST_WEIGHTS:.3g} weights; got {weights:.3g}, "
            f"with layers of {', '.join(map(str, widths[:6]))}{' ...' * (len(widths) > 6)}"
        )
