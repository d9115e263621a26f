"""Normalised forms of mutual information, each where it has a meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import check_choice

Floats: TypeAlias = NDArray[np.float64]

#: What information of two classes is divided by, from H(X), H(Y) and the information.
DIVISORS: Mapping[str, Callable[[float, float, float], float]] = {
    "min": lambda x, y, _: min(x, y),
    "max": lambda x, y, _: max(x, y),
    "geometric": lambda x, y, _: math.sqrt(max(x, 0.0) * max(y, 0.0)),
    "arithmetic": lambda x, y, _: 0.5 * (x + y),
    "joint": lambda x, y, information: x + y - information,
}
CORRELATION = "correlation"
TARGET = "target"


def check_normalized(normalized: object, *, target: bool) -> None:
    """Raise ValueError unless `normalized` is None or the name of a form.

    Args:
        normalized: What the user passed.
        target: Whether there is one target, by whose entropy can be divided.
    """
    if normalized is not None:
        names = [CORRELATION, *DIVISORS, *([TARGET] if target else [])]
        check_choice("normalized", normalized, names)


def correlation(information: Floats) -> Floats:
    """Return sqrt(1 - exp(-2 I)), the correlation of the normal pair with this information.

    It is 0 where the estimate is below 0 (Linfoot 1957, An informational measure of correlation).
    """
    found: Floats = np.sqrt(-np.expm1(-2.0 * np.maximum(information, 0.0)))
    return found


def normalized_pairs(
    form: str,
    information: Floats,
    entropies: Sequence[tuple[float, float]],
) -> tuple[Floats, list[Caution]]:
    """Return the normalised form of each pair, and what is to be said of them.

    Args:
        form: Name of the form.
        information: Estimates in nats, shape (p,).
        entropies: H(X) and H(Y) of each pair in nats, NaN for a column without classes.
    """
    known = np.array(entropies, dtype=np.float64).reshape(-1, 2)
    classes = ~np.isnan(known)
    total = len(information)
    if form == CORRELATION:
        limited = int(classes.any(axis=1).sum())
        text = (
            f"{limited} of {total} pairs have a column of classes, whose information is at most "
            "its entropy: their normalized='correlation' cannot reach 1, and is not to be compared "
            "with that of continuous pairs"
        )
        return correlation(information), [Caution(text, "normalized")] if limited else []
    needed = (classes[:, 1] if form == TARGET else classes[:, 0] & classes[:, 1]).tolist()
    divisors = [
        (y if form == TARGET else DIVISORS[form](x, y, own)) if has else math.nan
        for (x, y), own, has in zip(known.tolist(), information.tolist(), needed, strict=True)
    ]
    # Rounding may leave an entropy that is 0 a little below it.
    divisor = np.array([each if each > 0.0 else math.nan for each in divisors])
    undefined = total - sum(needed)
    what = "the target" if form == TARGET else "both columns"
    text = (
        f"{undefined} of {total} pairs have no normalized={form!r}, because it needs classes in "
        f"{what}: continuous variables have no entropy that bounds their information"
    )
    found: Floats = information / divisor
    return found, [Caution(text, "normalized")] if undefined else []
