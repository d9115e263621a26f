"""Checks of the option `theiler`, common to the estimators that have it."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import SupportsIndex, cast


def check_theiler(theiler: object, algorithm: object) -> None:
    """Check a Theiler window and that the search goes with it.

    Raises:
        TypeError: Not an integer.
        ValueError: Below 0, or with an `algorithm` that cannot leave out samples.
    """
    try:
        if isinstance(theiler, bool):  # theiler=True is a slip
            raise TypeError
        window = operator.index(cast(SupportsIndex, theiler))
    except TypeError:
        raise TypeError(f"theiler must be an integer >= 0; got theiler={theiler!r}") from None
    if window < 0:
        raise ValueError(f"theiler must be an integer >= 0; got theiler={window}")
    if window and algorithm not in ("auto", "brute"):
        raise ValueError(
            f"theiler={window} needs algorithm 'auto' or 'brute'; got algorithm={algorithm!r}"
        )


def check_window(theiler: int, ks: Iterable[int], n: int) -> None:
    """Raise ValueError if a sample in the middle has too few others outside the window."""
    k = max(ks)
    if theiler and k > n - 1 - 2 * theiler:
        raise ValueError(
            f"theiler must leave k samples to each one, k <= n - 1 - 2 theiler; got "
            f"theiler={theiler}, k={k}, n={n}"
        )
