"""The functions of NPEET's ``entropy_estimators`` on fastmi's kernels.

Names, arguments and values are the same.

    >>> from fastmi.compat import npeet as ee  # instead of: from npeet import entropy_estimators
    >>> ee.mi([[1.3], [3.7], [5.1], [2.4]], [[1.5], [3.3], [7.0], [3.4]], k=1) > 0
    True

The conventions are NPEET's. Results are plain floats in units of ``log(base)``, bits by default.
Where NPEET adds noise to the samples, these functions add ``1e-10 * U(0, 1)`` from NumPy's global
generator as well, so that both draw the same noise after the same ``np.random.seed``. The keyword
``noise``, which NPEET does not have, sets the level of the noise; ``noise=0`` makes results
reproducible. Neighbours are counted up to and including ``distance - 1e-15``. Above 16 rounding
loses that difference, and points at exactly the distance are counted too, as in NPEET.

Wrong arguments raise ValueError or TypeError, where NPEET has assertions. NPEET's tree functions
(``build_tree``, ``query_neighbors``, ``count_neighbors``, ``lnc_correction``) are missing;
:mod:`fastmi.neighbors` replaces them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import as_k, check_noise, k_list
from fastmi._inputs import as_samples
from fastmi.compat._checks import as_rows, interval, log_base, threshold
from fastmi.compat._discrete import (
    centropyd,
    cmidd,
    columns,
    corexd,
    ctcd,
    entropyd,
    midd,
    tcd,
)
from fastmi.compat._neighborhoods import nonuniformity
from fastmi.ops.count import count_within
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.knn import kneighbors_among, kth_distance

__all__ = [
    "add_noise",
    "avgdigamma",
    "centropy",
    "centropycd",
    "centropyd",
    "centropydc",
    "cmi",
    "cmidd",
    "corex",
    "corexcd",
    "corexd",
    "corexdc",
    "ctc",
    "ctccd",
    "ctcd",
    "ctcdc",
    "entropy",
    "entropyd",
    "kldiv",
    "mi",
    "micd",
    "midc",
    "midd",
    "shuffle_test",
    "tc",
    "tcd",
]

Samples = NDArray[np.float64]

NOISE = 1e-10
_RADIUS_OFFSET = 1e-15
_SEARCH: dict[str, Any] = {"metric": "chebyshev", "algorithm": "auto", "n_jobs": None}


def entropy(x: Any, k: int = 3, base: float = 2, *, noise: float = NOISE) -> float:
    """Return the Kozachenko-Leonenko entropy of `x` in the Chebyshev metric.

    Args:
        x: Samples, shape (n, d) or (n,).
        k: Number of neighbours.
        base: Base of the logarithm; 2 for bits, e for nats.
        noise: Absolute level of the uniform noise added to break ties, 0 for none.

    Raises:
        TypeError: The samples are not real numbers.
        ValueError: The samples have the wrong shape or are not finite; k is outside [1, n - 1].
    """
    points = add_noise(_samples(x, "x"), noise)
    n, d = points.shape
    distance = _kth_distance([points], k)
    constant = psi(n) - psi(k) + d * math.log(2)
    return float(constant + d * _mean_log(distance)) / log_base(base)


def centropy(x: Any, y: Any, k: int = 3, base: float = 2, *, noise: float = NOISE) -> float:
    """Return the entropy of `x` given `y`, as the difference of two entropies."""
    joint = np.hstack(_paired((x, y), ("x", "y")))
    return entropy(joint, k, base, noise=noise) - entropy(y, k, base, noise=noise)


def tc(xs: Any, k: int = 3, base: float = 2, *, noise: float = NOISE) -> float:
    """Return the total correlation of the columns of `xs`, as a sum of entropies."""
    marginal = sum(entropy(column, k, base, noise=noise) for column in columns(xs))
    return marginal - entropy(xs, k, base, noise=noise)


def ctc(xs: Any, y: Any, k: int = 3, base: float = 2, *, noise: float = NOISE) -> float:
    """Return the total correlation of the columns of `xs` given `y`."""
    marginal = sum(centropy(column, y, k, base, noise=noise) for column in columns(xs))
    return marginal - centropy(xs, y, k, base, noise=noise)


def corex(xs: Any, ys: Any, k: int = 3, base: float = 2, *, noise: float = NOISE) -> float:
    """Return the sum over the columns of ``mi(column, ys)``, minus ``mi(xs, ys)``."""
    single = sum(mi(column, ys, k=k, base=base, noise=noise) for column in columns(xs))
    return single - mi(xs, ys, k=k, base=base, noise=noise)


def mi(
    x: Any,
    y: Any,
    z: Any = None,
    k: int = 3,
    base: float = 2,
    alpha: float = 0,
    *,
    noise: float = NOISE,
) -> float:
    """Return the mutual information of `x` and `y`, given `z` if there is one.

    Without `z` it is algorithm 1 of Kraskov et al. (2004),
    https://doi.org/10.1103/PhysRevE.69.066138; with `z` that of Frenzel and Pompe (2007),
    https://doi.org/10.1103/PhysRevLett.99.204101.

    Args:
        x: Samples, shape (n, dx) or (n,).
        y: Samples, shape (n, dy) or (n,).
        z: Condition, shape (n, dz) or (n,); None for no condition.
        k: Number of neighbours.
        base: Base of the logarithm; 2 for bits, e for nats.
        alpha: Threshold of the local non-uniformity correction (Gao, Ver Steeg and Galstyan
            2015, https://arxiv.org/abs/1411.2003); 0 for none. It is not used with `z`.
        noise: Absolute level of the uniform noise added to x and y, 0 for none.

    Raises:
        TypeError: The samples are not real numbers.
        ValueError: The samples have the wrong shape or length or are not finite; k is outside
            [1, n - 1].
    """
    given = (x, y) if z is None else (x, y, z)
    blocks = _paired(given, ("x", "y", "z")[: len(given)])
    blocks[0] = add_noise(blocks[0], noise)
    blocks[1] = add_noise(blocks[1], noise)
    distance = _kth_distance(blocks, k)
    if z is None:
        value = psi(k) + psi(len(distance))
        value -= _mean_psi(blocks[:1], distance) + _mean_psi(blocks[1:], distance)
        if threshold(alpha) > 0:
            value += nonuniformity(blocks, k, alpha)
    else:
        x_noisy, y_noisy, condition = blocks
        value = psi(k) + _mean_psi([condition], distance)
        value -= _mean_psi([x_noisy, condition], distance)
        value -= _mean_psi([y_noisy, condition], distance)
    return value / log_base(base)


def cmi(x: Any, y: Any, z: Any, k: int = 3, base: float = 2, *, noise: float = NOISE) -> float:
    """Return ``mi(x, y, z, k, base)``."""
    return mi(x, y, z=z, k=k, base=base, noise=noise)


def kldiv(x: Any, xp: Any, k: int = 3, base: float = 2) -> float:
    """Return the Kullback-Leibler divergence of the distribution of `x` from that of `xp`.

    The estimator is that of Wang, Kulkarni and Verdú (2009),
    https://doi.org/10.1109/TIT.2009.2016060, without noise.

    Args:
        x: Samples of the first distribution, shape (n, d) or (n,).
        xp: Samples of the second distribution, shape (n', d) or (n',).
        k: Number of neighbours, below both n and n'.
        base: Base of the logarithm.

    Raises:
        TypeError: The samples are not real numbers.
        ValueError: The samples have the wrong shape or different numbers of columns; k is too
            large.
    """
    first, second = _samples(x, "x"), _samples(xp, "xp")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "x and xp must have the same number of columns; "
            f"got {first.shape[1]} and {second.shape[1]}"
        )
    n, d = first.shape
    own = _kth_distance([first], k)
    k_list(k, len(second))
    other = kneighbors_among(
        [first], [second], k, metric="chebyshev", algorithm="auto", n_jobs=None
    ).distances[:, -1]
    constant = math.log(len(second)) - math.log(n - 1)
    return float(constant + d * (_mean_log(other) - _mean_log(own))) / log_base(base)


def micd(
    x: Any,
    y: Any,
    k: int = 3,
    base: float = 2,
    warning: bool = True,
    *,
    noise: float = NOISE,
) -> float:
    """Return the mutual information of continuous `x` and discrete `y`.

    The value is ``abs(H(x) - sum_y p(y) H(x | y))``. The absolute value, which is NPEET's, turns
    negative values positive. Classes of k samples or fewer get the entropy of all samples.

    Args:
        x: Samples, shape (n, d) or (n,).
        y: Labels, shape (n, d) or (n,).
        k: Number of neighbours.
        base: Base of the logarithm.
        warning: True warns of classes that are too small.
        noise: Absolute level of the uniform noise added to x, 0 for none.

    Raises:
        TypeError: The samples are not real numbers.
        ValueError: The samples have the wrong shape or length; k is outside [1, n - 1].
    """
    points, labels = _samples(x, "x"), as_rows(y, "y")
    if len(points) != len(labels):
        raise ValueError(
            f"x and y must have the same number of samples; got {len(points)} and {len(labels)}"
        )
    entropy_x = entropy(points, k, base, noise=noise)
    found, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True, axis=0)
    inverse = inverse.reshape(-1)
    conditional = 0.0
    for label, size in enumerate(sizes.tolist()):
        share = size / len(points)
        if k < size:
            conditional += share * entropy(points[inverse == label], k, base, noise=noise)
            continue
        if warning:
            warnings.warn(
                f"y={found[label]} has {size} samples, too few for k={k}: "
                "taking the entropy of all samples for it",
                stacklevel=2,
            )
        conditional += share * entropy_x
    return abs(entropy_x - conditional)


def midc(
    x: Any, y: Any, k: int = 3, base: float = 2, warning: bool = True, *, noise: float = NOISE
) -> float:
    """Return the mutual information of discrete `x` and continuous `y`."""
    return micd(y, x, k, base, warning, noise=noise)


def centropycd(
    x: Any, y: Any, k: int = 3, base: float = 2, warning: bool = True, *, noise: float = NOISE
) -> float:
    """Return the entropy of continuous `x` given discrete `y`, as NPEET computes it.

    The value is ``entropy(x, base) - micd(x, y, k, base)``: NPEET passes `base` as the number of
    neighbours of the first entropy, which is therefore in bits for every base.
    """
    return entropy(x, int(base), noise=noise) - micd(x, y, k, base, warning, noise=noise)


def centropydc(
    x: Any, y: Any, k: int = 3, base: float = 2, warning: bool = True, *, noise: float = NOISE
) -> float:
    """Return ``centropycd(y, x)``."""
    return centropycd(y, x, k, base, warning, noise=noise)


def ctcdc(
    xs: Any, y: Any, k: int = 3, base: float = 2, warning: bool = True, *, noise: float = NOISE
) -> float:
    """Return the sum over the columns of ``centropydc(column, y)``, minus ``centropydc(xs, y)``."""
    single = sum(centropydc(column, y, k, base, warning, noise=noise) for column in columns(xs))
    return single - centropydc(xs, y, k, base, warning, noise=noise)


def ctccd(
    xs: Any, y: Any, k: int = 3, base: float = 2, warning: bool = True, *, noise: float = NOISE
) -> float:
    """Return ``ctcdc(y, xs)``."""
    return ctcdc(y, xs, k, base, warning, noise=noise)


def corexcd(
    xs: Any, ys: Any, k: int = 3, base: float = 2, warning: bool = True, *, noise: float = NOISE
) -> float:
    """Return ``corexdc(ys, xs)``."""
    return corexdc(ys, xs, k, base, warning, noise=noise)


def corexdc(
    xs: Any, ys: Any, k: int = 3, base: float = 2, warning: bool = True, *, noise: float = NOISE
) -> float:
    """Return ``tcd(xs) - ctcdc(xs, ys)``."""
    return tcd(xs, base) - ctcdc(xs, ys, k, base, warning, noise=noise)


def add_noise(x: Any, intens: float = NOISE) -> NDArray[Any]:
    """Return `x` as an array plus ``intens * U(0, 1)`` from NumPy's global generator."""
    check_noise(intens)
    if (dtype := np.asarray(x).dtype).kind not in "biuf":
        raise TypeError(f"x must be real numbers; got dtype {dtype}")
    if not intens:
        return np.asarray(x)
    # The global generator, so that the same np.random.seed gives the noise of NPEET.
    noisy: NDArray[Any] = x + intens * np.random.random_sample(np.shape(x))  # noqa: NPY002
    return noisy


def avgdigamma(points: Any, dvec: Any) -> float:
    """Return the mean over i of psi(number of samples within ``dvec[i] - 1e-15`` of sample i).

    The sample itself is counted.
    """
    samples, distance = _paired((points, dvec), ("points", "dvec"))
    if distance.shape[1] != 1:
        raise ValueError(f"dvec must be one distance per point; got shape {distance.shape}")
    return _mean_psi([samples], distance[:, 0])


def shuffle_test(
    measure: Callable[..., float],
    x: Any,
    y: Any,
    z: Any = False,
    ns: int = 200,
    ci: float = 0.95,
    **kwargs: Any,
) -> tuple[float, tuple[float, float]]:
    """Return the mean and an interval of the values of `measure` over shuffles of `x`.

    Args:
        measure: Function that is called as ``measure(x, y, **kwargs)``, or with a condition as
            ``measure(x, y, z, **kwargs)``.
        x: Samples, which NumPy's global generator shuffles.
        y: Samples.
        z: Condition; False or None for no condition.
        ns: Number of shuffles.
        ci: Share of the values that the interval holds.
        **kwargs: Options of `measure`.

    Raises:
        TypeError: `ns` is not an integer, or `ci` is not a number.
        ValueError: `ns` is below 1, or `ci` is outside [0, 1).
    """
    count, first, last = interval(ns, ci)
    given = (y,) if z is None or z is False else (y, z)
    shuffled = np.copy(x)
    if shuffled.ndim == 0:
        raise ValueError(f"x must have at least one row; got {x!r}")
    outputs = []
    for _ in range(count):
        np.random.shuffle(shuffled)  # noqa: NPY002
        outputs.append(measure(shuffled, *given, **kwargs))
    outputs.sort()
    return float(np.mean(outputs)), (outputs[first], outputs[last])


def _samples(x: Any, name: str) -> Samples:
    # NPEET flattens all axes after the first.
    flat = x.reshape(len(x), -1) if isinstance(x, np.ndarray) and x.ndim > 2 else x
    return as_samples(flat, name).astype(np.float64, copy=False)


def _paired(arrays: tuple[Any, ...], names: tuple[str, ...]) -> list[Samples]:
    blocks = [_samples(array, name) for array, name in zip(arrays, names, strict=True)]
    for block, name in zip(blocks, names, strict=True):
        if len(block) != len(blocks[0]):
            raise ValueError(
                f"{names[0]} and {name} must have the same number of samples; "
                f"got {len(blocks[0])} and {len(block)}"
            )
    return blocks


def _kth_distance(blocks: list[Samples], k: int) -> Samples:
    number = as_k(k)
    if not isinstance(number, int):
        raise TypeError(f"k must be one integer; got k={k!r}")
    found = kth_distance(blocks, k_list(number, len(blocks[0])), **_SEARCH)
    distance: Samples = found.distances[0]
    return distance


def _mean_psi(blocks: list[Samples], distance: Samples) -> float:
    radius = distance - _RADIUS_OFFSET
    counts = count_within(blocks, np.maximum(radius, 0.0), strict=False, **_SEARCH).counts
    # At distance 0 the radius is negative, and does not hold even the sample itself.
    if (radius < 0).any():
        return -math.inf
    return float(digamma(counts + 1).mean())


def _mean_log(distance: Samples) -> float:
    # The logarithm of a distance of 0 is -inf, and so is the mean, as in NPEET.
    with np.errstate(divide="ignore"):
        return float(np.log(distance).mean())
