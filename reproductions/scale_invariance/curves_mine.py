"""The figures of the paper on scale-invariant estimators that show MINE, see `curves.py`."""

from __future__ import annotations

import numpy as np
from curves import Draw, Panel, scaled, scaled_any
from estimators import Samples

from fastmi import datasets

MINE_COLUMNS = ("mine", "mine-loc", "mine-glo", "mine-glo-corr")


def _padded_correlated(columns: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    law = datasets.CorrelatedGaussian(rng.uniform(0.2, 0.85), 2)  # range assumed
    x, t = law.sample(1000, rng)
    padded = datasets.transforms.pad_noise(x, int(columns), 0.01, seed=rng)
    return padded, t, law.mutual_information


def _correlated(d: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    law = datasets.CorrelatedGaussian(rng.uniform(0.2, 0.8), int(d))  # range assumed
    return *law.sample(1000, rng), law.mutual_information


_FACTORS = tuple(float(f) for f in np.logspace(-2, 1, 20))


def _scale_panel(name: str, draw: Draw, summary: str) -> Panel:
    return Panel(
        name,
        draw,
        _FACTORS,
        "scale factor of X",
        MINE_COLUMNS,
        20,
        summary=summary,
        logarithmic=True,
        same_samples=summary == "mean",
        truth=summary == "mean",
    )


MINE_FIGURES: dict[int, tuple[Panel, ...]] = {
    2: (
        Panel(
            "2",
            _padded_correlated,
            tuple(map(float, range(21))),
            "columns of noise appended to X",
            MINE_COLUMNS,
            10,
            summary="bias",
        ),
    ),
    5: (
        Panel(
            "5",
            _correlated,
            tuple(map(float, range(1, 10))),
            "d",
            ("mine", "mine-glo", "mine-glo-corr"),
            10,
            summary="bias",
            same_samples=False,
        ),
    ),
    6: (_scale_panel("6b", scaled, "mean"), _scale_panel("6d", scaled_any, "rmse")),
}
