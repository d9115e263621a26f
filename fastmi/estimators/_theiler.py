"""Checks of the option `theiler`, common to the estimators that have it."""

from __future__ import annotations

from collections.abc import Iterable

from fastmi._scalars import check_integer


def check_theiler(theiler: object, algorithm: object) -> None:
    """Check a Theiler window and that the search goes with it.

    Raises:
        TypeError: Not an integer.
        ValueError: Below 0, or with an `algorithm` that cannot leave out samples.
    """
    window = check_integer("theiler", theiler, 0)
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
