"""What the figures of the paper on scale-invariant estimators plot, as data to be run.

A figure is some panels, a panel a function that draws samples at each position of its horizontal
axis and the columns (see `estimators.py`) whose estimates are summarised there. To add a figure,
add its panels to `FIGURES`; to say what it has to show, a function to `CLAIMS` in `claims.py`.

Parameters that the paper leaves open are marked "assumed".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from estimators import Column, Samples

from fastmi import datasets

Draw = Callable[[float, np.random.Generator], tuple[Samples, Samples, float]]
"""From position and generator to x [n, dx], t [n, dt] and the true information in nats."""

SUMMARIES = ("mean", "bias", "rmse", "share at or above the truth")
KSG_COLUMNS = ("ksg", "ksg-loc", "ksg-glo", "ksg-glo-Linf")


@dataclass(frozen=True)
class Panel:
    """One plot.

    Attributes:
        name: "1", "3a", ...; names the curves in the CSV.
        draw: See `Draw`.
        at: Positions on the horizontal axis.
        axis: What they are.
        columns: Curves.
        trials: At each position.
        summary: One of `SUMMARIES`, over the trials.
        bits: Whether in bits.
        logarithmic: Whether the horizontal axis is.
        same_samples: Whether trial i has the same generator at every position.
        truth: Whether the mean truth is drawn too.
    """

    name: str
    draw: Draw
    at: tuple[float, ...]
    axis: str
    columns: tuple[str, ...]
    trials: int
    summary: str = "mean"
    bits: bool = False
    logarithmic: bool = False
    same_samples: bool = True
    truth: bool = False


@dataclass(frozen=True)
class Point:
    """One curve at one position.

    Attributes:
        panel: Name of the panel.
        column: Name of the curve; "truth" for the true values.
        at: Position.
        value: Summary over the trials.
        deviation: Standard deviation of the estimates over the trials.
        trials: Their number.
    """

    panel: str
    column: str
    at: float
    value: float
    deviation: float
    trials: int


def measure(
    panel: Panel, estimators: Mapping[str, Column], advance: Callable[[], object]
) -> list[Point]:
    """Run one panel."""
    unit = math.log(2.0) if panel.bits else 1.0
    points = []
    for position, at in enumerate(panel.at):
        truths = np.empty(panel.trials)
        estimates = {name: np.empty(panel.trials) for name in panel.columns}
        for trial in range(panel.trials):
            seed = [trial] if panel.same_samples else [trial, position]
            x, t, truth = panel.draw(at, np.random.default_rng(seed))
            truths[trial] = truth / unit
            for name, values in estimates.items():
                values[trial] = estimators[name].estimate(x, t, trial) / unit
            advance()
        curves = {**estimates, "truth": truths} if panel.truth else estimates
        for name, values in curves.items():
            value = summarise(panel.summary, values, truths)
            deviation = float(values.std(ddof=1)) if panel.trials > 1 else math.nan
            points.append(Point(panel.name, name, at, value, deviation, panel.trials))
    return points


def summarise(summary: str, values: np.ndarray, truths: np.ndarray) -> float:
    """Return one of `SUMMARIES`."""
    if summary == "mean":
        return float(values.mean())
    if summary == "bias":
        return datasets.metrics.bias(values, truths)
    if summary == "rmse":
        return datasets.metrics.rmse(values, truths)
    return float((values >= truths).mean())


def quick(panel: Panel) -> Panel:
    """Return the panel with few trials and every other position."""
    return replace(panel, trials=min(panel.trials, 5), at=panel.at[::2])


def _padded_additive(columns: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    law = datasets.AdditiveNoise(0.5, 2)  # sigma assumed
    x, t = law.sample(1000, rng)
    # Assumed; the paper says only that the noise is far below sigma.
    padded = datasets.transforms.pad_noise(x, int(columns), 0.01, seed=rng)
    return padded, t, law.mutual_information


def _fixed_information(d: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    law = datasets.CorrelatedGaussian.from_mi(0.8 * math.log(2.0), int(d))
    return *law.sample(1000, rng), law.mutual_information


def _any_correlation(d: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    law = datasets.CorrelatedGaussian(rng.uniform(0.2, 0.8), int(d))  # range assumed
    return *law.sample(200, rng), law.mutual_information


def _duplicated(copies: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    law = datasets.AdditiveNoise(0.5, 2)  # sigma assumed
    x, t = law.sample(200, rng)
    return datasets.transforms.duplicate(x, int(copies)), t, law.mutual_information


def scaled(factor: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    """Return correlated Gaussians, always the same law, X times `factor`."""
    law = datasets.CorrelatedGaussian(0.8, 2)  # rho and d assumed
    x, t = law.sample(1000, rng)
    return factor * x, t, law.mutual_information


def scaled_any(factor: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    """Return correlated Gaussians of random correlation, X times `factor`."""
    law = datasets.CorrelatedGaussian(rng.uniform(0.0, 0.85), 2)  # as in table 3
    x, t = law.sample(1000, rng)
    return factor * x, t, law.mutual_information


def _shrunk_noisy(ratio: float, rng: np.random.Generator) -> tuple[Samples, Samples, float]:
    law = datasets.AdditiveNoise(1.0 / math.sqrt(ratio), 2)  # d assumed
    x, t = law.sample(1000, rng)
    return x, 0.1 * t, law.mutual_information


_FACTORS = tuple(float(f) for f in np.logspace(-2, 3, 20))

FIGURES: dict[int, tuple[Panel, ...]] = {
    1: (
        Panel(
            "1",
            _padded_additive,
            tuple(map(float, range(21))),
            "columns of noise appended to X",
            ("ksg", "bi-ksg", "ksg-loc", "ksg-glo-Linf"),
            10,
            truth=True,
        ),
    ),
    3: (
        Panel(
            "3a",
            _fixed_information,
            tuple(map(float, range(1, 10))),
            "d, at 0.8 bits",
            ("ksg",),
            20,
            bits=True,
            same_samples=False,
            truth=True,
        ),
        Panel(
            "3b",
            _any_correlation,
            (2.0, 4.0, 8.0, 16.0, 32.0, 64.0),
            "d",
            ("ksg", "bi-ksg"),
            100,
            summary="share at or above the truth",
            logarithmic=True,
            same_samples=False,
        ),
    ),
    4: (
        Panel(
            "4",
            _duplicated,
            (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0),
            "copies of X",
            ("ksg", "ksg-glo", "ksg-glo-Linf"),
            10,
        ),
    ),
    6: (
        Panel(
            "6a",
            scaled,
            _FACTORS,
            "scale factor of X",
            (*KSG_COLUMNS, "ksg (npeet)"),
            20,
            logarithmic=True,
            truth=True,
        ),
        Panel(
            "6c",
            scaled_any,
            _FACTORS,
            "scale factor of X",
            KSG_COLUMNS,
            20,
            summary="rmse",
            logarithmic=True,
            same_samples=False,
        ),
    ),
    7: (
        Panel(
            "7",
            _shrunk_noisy,
            tuple(i / 4 for i in range(1, 21)),
            "signal to noise 1/sigma^2, T scaled by 0.1",
            KSG_COLUMNS,
            10,
            same_samples=False,
            truth=True,
        ),
    ),
}
