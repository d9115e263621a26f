"""A combination of the cheap estimators, learned from thousands of laws whose information is known.

Nearest neighbours, their bias on a twin, moments and the twin itself err in ways that depend on
one another: what one says tells how wrong the other is. Small networks have learned that from the
synthetic laws of `bench/learned/laws.py`. They give quantiles of the information; how much wider
the interval is than these comes from laws of families that the networks had not seen (conformal
prediction: Vovk, Gammerman and Shafer 2005; of quantiles: Romano, Patterson and Candes 2019).

Inference is a few matrix products. `bench/learned/README.md` says how the weights come about, what
was measured, and where this fails.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

_WEIGHTS = Path(__file__).with_name("learned.npz")
# The number of cosines of ranks, and how many directions enter as columns and products.
_WAVES, _STRONGEST = 12, 6
# Share of the range of training that a feature may lie beyond it, and how much wider the interval
# is where one lies farther out.
_BEYOND, _WIDER = 0.05, 2.0
# Standard deviations that a departure from the twin must exceed to count.
_FAMILY = 1.5
#: Levels of the intervals, and numbers of neighbours for which the weights hold.
LEVELS = (0.90, 0.95)
NEIGHBOURS = (3, 9)


class Said(NamedTuple):
    """What KSG says in some coordinates, in nats.

    Attributes:
        value: With 3 neighbours.
        stderr: Its standard error.
        bias: What the same says of twins, less the twins' information.
        wider: With 9 neighbours.
        wider_bias: Its bias.
    """

    value: float
    stderr: float
    bias: float
    wider: float
    wider_bias: float


class Moments(NamedTuple):
    """What moments of two blocks say of their dependence.

    Attributes:
        strength: Sum of squared correlations of cosines of ranks, above what chance reaches.
        pairs: Gaussian information of the strongest directions and their products, in nats.
    """

    strength: float
    pairs: float


class Hints(NamedTuple):
    """What the cheap parts say of samples.

    Attributes:
        n: Number of samples.
        dx: Columns of x.
        dy: Columns of y.
        reference: Information of the twin in nats.
        gaussian: Its Gaussian part.
        raw: The same before it was raised to 0.
        tail_index: nu of the twin.
        twins: Number of twins.
        scores: KSG of the normal scores.
        scaled: KSG of the directions scaled by relevance.
        moments: Of these directions.
        twin_moments: The same of a twin.
        combined: What the rules of ``method="auto"`` say, in nats.
    """

    n: int
    dx: int
    dy: int
    reference: float
    gaussian: float
    raw: float
    tail_index: float
    twins: int
    scores: Said
    scaled: Said
    moments: Moments
    twin_moments: Moments
    combined: float


class Learned(NamedTuple):
    """The information as it was learned, in nats.

    Attributes:
        value: The median.
        intervals: Low and high ends, by level.
        outside: Whether the hints lie outside those of training, so that the intervals are
            extrapolated.
    """

    value: float
    intervals: dict[float, tuple[float, float]]
    outside: bool


def combine(hints: Hints) -> float:
    """Return the learned information in nats."""
    return learned(hints).value


def interval(hints: Hints, level: float = 0.95) -> tuple[float, float]:
    """Return the ends of the interval for the information in nats.

    Args:
        hints: What the parts say.
        level: One of `LEVELS`.
    """
    return learned(hints).intervals[level]


def learned(hints: Hints) -> Learned:
    """Return what the networks say of the information."""
    weights = _weights()
    features, base, unit = vector(hints)
    share = departure(hints)
    low, high = weights["range"]
    reach = _BEYOND * (high - low)
    outside = bool(((features < low - reach) | (features > high + reach)).any())
    quantiles = evaluate(weights, np.clip(features, low, high)[None])[0]

    def nats(p: float) -> float:
        return max(base + unit * math.sinh(p), 0.0)

    middle = float(quantiles[len(quantiles) // 2])
    value = max(base + share * unit * math.sinh(middle), 0.0)
    intervals = {}
    for position, level in enumerate(LEVELS):
        below, above = margins(quantiles[None], position)
        widened = weights["widths"][position] * (_WIDER if outside else 1.0)
        ends = middle - widened[0] * below[0], middle + widened[1] * above[0]
        intervals[level] = (min(nats(ends[0]), value), max(nats(ends[1]), value))
    return Learned(value, intervals, outside)


def margins(quantiles: Floats, position: int) -> tuple[Floats, Floats]:
    """Return how far the median lies above the low quantile of a level, and below the high one.

    Args:
        quantiles: Ascending, from the outermost level inwards, shape (m, 2 levels + 1).
        position: Of the level in `LEVELS`.
    """
    middle = quantiles.shape[1] // 2
    away = position + 1
    own = quantiles[:, middle]
    # A network that is sure of itself has been wrong before.
    least = 0.05
    return own - quantiles[:, middle - away] + least, quantiles[:, middle + away] - own + least


def vector(hints: Hints) -> tuple[Floats, float, float]:
    """Return what the networks see, the value that they correct, and the unit of the correction.

    Differences are in units of about a seventh of the value, and their logarithms where they are
    large.
    """
    scores, scaled = hints.scores, hints.scaled
    plain = scores.value - scores.bias
    turned = scaled.value - scaled.bias
    simple = 0.5 * (plain + turned)
    if abs(plain - turned) > max(0.05, 0.1 * abs(simple)):
        simple = max(plain, turned)
    base = hints.combined
    unit = 0.03 + 0.15 * max(base, 0.0)
    differences = [
        hints.reference - base,
        hints.raw - hints.reference,
        turned - base,
        simple - base,
        _by_garrote(hints) - base,
        scaled.bias,
        scaled.stderr,
        scaled.wider - scaled.wider_bias - turned,
        scaled.wider - scaled.value,
        scores.bias,
        plain - turned,
        scores.wider - scores.wider_bias - plain,
        hints.moments.strength - hints.twin_moments.strength,
        hints.moments.pairs - hints.twin_moments.pairs,
    ]
    # How surely neighbours depart from the twin, beside how far.
    noise, _ = _noise(hints)
    departures = [turned - hints.reference, plain - hints.reference, turned - plain]
    found = [
        math.log(hints.n / 2000.0),
        math.log(hints.dx + hints.dy),
        abs(math.log(hints.dx / hints.dy)),
        math.log(min(hints.dx, hints.dy)),
        math.sqrt(max(base, 0.0)),
        1.0 / hints.tail_index,
        hints.moments.strength,
        *(difference / unit for difference in differences),
        *(departure / noise for departure in departures),
    ]
    return np.arcsinh(np.array(found)), base, unit


def moments(x: Floats, y: Floats) -> Moments:
    """Return what moments of two blocks say.

    Args:
        x: Directions scaled by relevance, shape (n, dx).
        y: The same of the other block, shape (n, dy).
    """
    n = len(x)
    waves = [_waves(block) for block in (x, y)]
    correlated = (waves[0].T @ waves[1] / n) ** 2
    strength = float(np.maximum(correlated - 4.0 / n, 0.0).sum())
    bases = [_orthonormal(_with_products(block)) for block in (x, y)]
    rho = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    chance = bases[0].shape[1] * bases[1].shape[1] / (2.0 * n)
    pairs = float(-0.5 * np.log1p(-(np.minimum(rho, 0.9999) ** 2)).sum()) - chance
    return Moments(strength, pairs)


def departure(hints: Hints) -> float:
    """Return the share, 0 to 1, of the neighbours' departure from the twin that is not noise.

    As much of the learned correction is applied: where nothing speaks against the twin, its
    information stands. Normal samples look like this, and so do others whose dependence hides from
    all parts, for which the interval is.
    """
    away = _together(hints) - (hints.reference - hints.gaussian + hints.raw)
    return _found(away, _FAMILY * _noise(hints)[0]) / away if away else 0.0


def evaluate(weights: dict[str, Floats], features: Floats) -> Floats:
    """Return the quantiles that the networks give on average, ascending.

    Args:
        weights: Of all networks: ``mean``, ``scale`` of the features, matrices ``w0``, ``w1``,
            ``w2``, shapes (networks, in, out), and offsets ``b0``, ``b1``, ``b2``.
        features: Shape (m, features).
    """
    layer = (features - weights["mean"]) / weights["scale"]
    for number in (0, 1):
        layer = np.tanh(layer @ weights[f"w{number}"] + weights[f"b{number}"])
    quantiles: Floats = np.sort((layer @ weights["w2"] + weights["b2"]).mean(axis=0), axis=1)
    return quantiles


@lru_cache(maxsize=1)
def _weights() -> dict[str, Floats]:
    with np.load(_WEIGHTS) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}


def _by_garrote(hints: Hints) -> float:
    """Return the twin's information and so much of the neighbours' departure as is not noise."""
    reference = hints.reference - hints.gaussian + hints.raw
    return reference + _found(_together(hints) - reference, _FAMILY * _noise(hints)[0])


def _together(hints: Hints) -> float:
    """Return what neighbours say in both coordinates, less their biases, the larger one leading."""
    noise, of_bias = _noise(hints)
    own = [said.value - _found(said.bias, of_bias) for said in (hints.scaled, hints.scores)]
    apart = abs(own[0] - own[1])
    lead = 0.5 + 0.5 * (_found(apart, noise) / apart if apart else 0.0)
    return lead * max(own) + (1.0 - lead) * min(own)


def _noise(hints: Hints) -> tuple[float, float]:
    """Return about the standard deviations of an estimate less its bias, and of the bias."""
    alone = 1.25 * max(hints.scores.stderr, hints.scaled.stderr, 1e-9)
    of_bias = alone / math.sqrt(hints.twins)
    return math.hypot(alone, of_bias), of_bias


def _found(difference: float, noise: float) -> float:
    """Return what of a difference is more than noise (nonnegative garrote, Breiman 1995)."""
    if difference == 0.0:
        return 0.0
    return difference * max(0.0, 1.0 - (noise / difference) ** 2)


def _waves(block: Floats) -> Floats:
    """Return the first cosines of the ranks of all columns, shape (n, waves * d)."""
    n = len(block)
    places = (np.argsort(np.argsort(block, axis=0), axis=0) + 0.5) / n
    cosines = [np.cos(np.pi * order * places) for order in range(1, _WAVES + 1)]
    return math.sqrt(2.0) * np.hstack(cosines)


def _with_products(block: Floats) -> Floats:
    """Return the columns of the largest spread, and their products, standardised."""
    spread = block.std(axis=0)
    kept = np.argsort(-spread, kind="stable")[:_STRONGEST]
    columns = block[:, kept] / np.where(spread[kept] > 0.0, spread[kept], 1.0)
    i, j = np.triu_indices(columns.shape[1])
    together = np.hstack([columns, columns[:, i] * columns[:, j]])
    together = together - together.mean(axis=0)
    found: Floats = np.clip(together / np.maximum(together.std(axis=0), 1e-12), -6.0, 6.0)
    return found


def _orthonormal(columns: Floats) -> Floats:
    left, values, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
    found: Floats = left[:, values > 1e-6 * values[0]] if values[0] > 0.0 else left[:, :0]
    return found
