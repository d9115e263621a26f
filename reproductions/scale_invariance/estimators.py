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
        trained: Whether it trains a network: seconds instead of milliseconds.
    """

    estimate: Callable[[Samples, Samples, int], float]
    color: str
    in_tables: bool = True
    trained: bool = False


def _ksg(x: Samples, t: Samples, seed: int, **options: object) -> float:
    del seed
    return float(fastmi.mi(x, t, k=K, **options))


def _npeet(x: Samples, t: Samples, seed: int) -> float:
    del seed
    return npeet.mi(x, t, k=K, base=math.e, noise=0)


def _mine(x: Samples, t: Samples, seed: int, normalize: str | None = None) -> float:
    """MINE with network and schedule of the package used in print: assumed, as the text has none.

    Two layers of 100 units, 100 epochs. The value is of the fifth of the samples that is held
    out: its errors have the sign of those in print, errors on training samples the other one.
    """
    import torch

    torch.set_num_threads(1)  # networks this small are fastest on one
    options: dict[str, object] = {
        "hidden": (100, 100),
        "batch_size": 128,
        "steps": max(100 * (4 * len(x) // 5 // 128), 100),
        "lr": 1e-3,
        "negatives": "shuffle",
        "patience": None,
        "eval_every": 10_000,
    }
    return float(fastmi.mi(x, t, method="mine", normalize=normalize, seed=seed, **options))


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
        "mine": Column(_mine, "tab:blue", trained=True),
        "mine-loc": Column(partial(_mine, normalize="local"), "tab:orange", trained=True),
        "mine-glo": Column(partial(_mine, normalize="global"), "tab:green", trained=True),
        "mine-glo-corr": Column(
            partial(_mine, normalize="global-corrected"), "tab:red", trained=True
        ),
        "ksg (npeet)": Column(_npeet, "tab:purple", in_tables=False),
    }
