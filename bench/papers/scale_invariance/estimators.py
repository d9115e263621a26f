"""The columns of the tables and the curves of the figures: one function for each.

A column maps (x, t, seed) to nats. To add one, write its function and its line in `COLUMNS`;
tables and figures name columns by their keys, which are the headings in print.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastmi
from fastmi.compat import npeet

Samples = NDArray[np.float64]

K = 3
"""Neighbours, in every experiment of the paper."""


class Column(NamedTuple):
    """One estimator.

    Attributes:
        estimate: From x [n, dx], t [n, dt] and a seed (unused if deterministic) to nats.
        color: Of its curve.
        in_tables: Whether the printed tables have it.
    """

    estimate: Callable[[Samples, Samples, int], float]
    color: str
    in_tables: bool = True


def _ksg(x: Samples, t: Samples, seed: int, **options: object) -> float:
    del seed
    return float(fastmi.mi(x, t, k=K, **options))


def _npeet(x: Samples, t: Samples, seed: int) -> float:
    del seed
    return npeet.mi(x, t, k=K, base=math.e, noise=0)


def columns(sweep_side: str = "x") -> Mapping[str, Column]:
    """Return the columns by heading.

    Args:
        sweep_side: The variable that the scales of ksg-glo multiply. The definition in print
            says "y" (the paper's T); its numbers are those of "x", see docs/reproductions.md.
    """
    swept = {"sweep_side": sweep_side}
    return {
        "ksg": Column(_ksg, "tab:blue"),
        # p = inf, as the numbers in print show, although the text describes p = 2.
        "bi-ksg": Column(partial(_ksg, method="biksg"), "tab:cyan"),
        "ksg-loc": Column(partial(_ksg, normalize="local"), "tab:orange"),
        "ksg-glo": Column(partial(_ksg, method="ksg_global", **swept), "tab:green"),
        "ksg-glo-Linf": Column(partial(_ksg, method="ksg_global_linf", **swept), "tab:red"),
        # NPEET loses its 1e-15 to rounding at distances above 16; that is part of figure 6.
        "ksg (npeet)": Column(_npeet, "tab:purple", in_tables=False),
    }
