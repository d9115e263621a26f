"""One call per quantity: look up an estimator by name, run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed
from fastmi.estimators import (
    CMI_METHODS,
    ENTROPY_METHODS,
    MI_METHODS,
    TOTAL_CORRELATION_METHODS,
    Estimate,
)
from fastmi.estimators._lookup import build


@overload
def mi(
    x: object,
    y: object,
    *,
    k: int = ...,
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    **options: Any,
) -> Estimate: ...


@overload
def mi(
    x: object,
    y: object,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    **options: Any,
) -> list[Estimate]: ...


def mi(
    x: object,
    y: object,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "ksg1",
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float = 0.0,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    normalize: str | None = None,
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the mutual information I(X; Y) in nats.

    Args:
        x: Samples, shape (n, dx) or (n,): anything array-like. float32 is computed in
            float32, everything else in float64.
        y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
        k: Number of neighbours; a sequence gives a list of estimates from one search.
        method: "ksg1" or "ksg2", see :class:`fastmi.KSG`; "ksg_global" and
            "ksg_global_linf" (maximised over relative scales) :class:`fastmi.KSGSweep`;
            "biksg" :class:`fastmi.BIKSG`;
            "lnc" :class:`fastmi.LNC` (strong dependence); "3h" :class:`fastmi.EntropySum`;
            "mixed" :class:`fastmi.MixedKSG` (continuous, discrete or both); "ross"
            :class:`fastmi.Ross` (y discrete); "gaussian" :class:`fastmi.Gaussian`; "binning"
            :class:`fastmi.Binning`; "ksg_eq6" :class:`fastmi.KSGHybrid` (for comparison). With
            torch: "mine" :class:`fastmi.MINE`, "dv" :class:`fastmi.DonskerVaradhan`, "nwj"
            :class:`fastmi.NWJ`, "infonce" :class:`fastmi.InfoNCE`, "smile" :class:`fastmi.SMILE`,
            "demi" :class:`fastmi.DEMI`, "ccmi" :class:`fastmi.CCMI`, "doe" :class:`fastmi.DoE`,
            "ndoe" :class:`fastmi.NDoE`, "ndoe-realnvp" :class:`fastmi.NDoERealNVP`, "bnaf"
            :class:`fastmi.SeparateBNAF`, "mienf" :class:`fastmi.MIENF`.
            The options of a method are those of its class.
        metric: Distance inside x and inside y, "chebyshev" or "euclidean"; across the two
            it is the maximum.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        algorithm: "auto", "tree", "brute" or "sort" (one column each). Same counts, other time.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>", to which NumPy
            arrays are copied once. GPU arrays are used where they lie, see docs/gpu.md.
        normalize: None, or how to scale x and y, each by itself: "local", "global",
            "global-linf", "global-corrected", "rank" or "copula", see :mod:`fastmi.normalize`.
        **options: Of the method: `scales` and `sweep_side` for "ksg_global", `p` (inf or 2) for
            "biksg", `alpha` for "lnc", `bins` for "binning", `theiler` (window of time steps)
            for "ksg1" and "ksg2".

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range.
    """
    given = {
        "k": k,
        "metric": metric,
        "n_jobs": n_jobs,
        "noise": noise,
        "seed": seed,
        "algorithm": algorithm,
        "device": device,
        "normalize": normalize,
    }
    return build(mi, MI_METHODS, method, given, options).estimate(x, y)


@overload
def cmi(
    x: object,
    y: object,
    z: object = ...,
    *,
    k: int = ...,
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    **options: Any,
) -> Estimate: ...


@overload
def cmi(
    x: object,
    y: object,
    z: object = ...,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    **options: Any,
) -> list[Estimate]: ...


def cmi(
    x: object,
    y: object,
    z: object = None,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "fp",
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float = 0.0,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    normalize: str | None = None,
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the conditional mutual information I(X; Y | Z) in nats.

    Args:
        x: Samples, shape (n, dx) or (n,): anything array-like, see :func:`mi`.
        y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
        z: Samples of the condition, shape (n, dz) or (n,). None or no columns: I(X; Y).
        k: Number of neighbours; a sequence gives a list of estimates from one search.
        method: "fp" (Frenzel and Pompe) or "ksg2", see :class:`fastmi.ConditionalKSG`;
            "gaussian" :class:`fastmi.GaussianConditional`; "binning"
            :class:`fastmi.BinningConditional`; with torch "ccmi"
            :class:`fastmi.ConditionalCCMI`. The options of a method are those of its class.
        metric: Distance inside x, y and z, "chebyshev" or "euclidean"; across them it is the
            maximum.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        algorithm: "auto", "tree" or "brute". Same counts, other time.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>", to which NumPy
            arrays are copied once. GPU arrays are used where they lie, see docs/gpu.md.
        normalize: None, or how to scale x, y and z, each by itself, see :func:`mi`.
        **options: Of the method: `bins` for "binning", `theiler` (window of time steps) for
            "fp" and "ksg2".

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range.
    """
    given = {
        "k": k,
        "metric": metric,
        "n_jobs": n_jobs,
        "noise": noise,
        "seed": seed,
        "algorithm": algorithm,
        "device": device,
        "normalize": normalize,
    }
    return build(cmi, CMI_METHODS, method, given, options).estimate(x, y, z)


@overload
def total_correlation(
    *variables: object,
    k: int = ...,
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    **options: Any,
) -> Estimate: ...


@overload
def total_correlation(
    *variables: object,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    **options: Any,
) -> list[Estimate]: ...


def total_correlation(
    *variables: object,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "ksg1",
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float = 0.0,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    normalize: str | None = None,
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the total correlation (multi-information) in nats.

    That is ``sum_b h(X_b) - h(X_1, ..., X_m)``; :func:`mi` for two variables, to the last bit.

    Args:
        *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired; or one
            list or tuple of them.
        k: Number of neighbours; a sequence gives a list of estimates from one search.
        method: "ksg1" or "ksg2", see :class:`fastmi.TotalCorrelation`; "biksg"
            :class:`fastmi.BITotalCorrelation`; "gaussian"
            :class:`fastmi.GaussianTotalCorrelation`; "binning"
            :class:`fastmi.BinningTotalCorrelation`. The options of a method are those of its
            class.
        metric: Distance inside a variable, "chebyshev" or "euclidean"; across variables it is
            the maximum.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        algorithm: "auto", "tree", "brute" or "sort" (two variables of one column). Same
            counts, other time.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>", to which NumPy
            arrays are copied once. GPU arrays are used where they lie, see docs/gpu.md.
        normalize: None, or how to scale the variables, each by itself, see :func:`mi`.
        **options: Of the method: `p` (inf or 2) for "biksg", `bins` for "binning".

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Fewer than two variables; samples of wrong shape or length or not finite,
            an option out of range.
    """
    if len(variables) == 1 and isinstance(variables[0], list | tuple):
        variables = tuple(variables[0])
    given = {
        "k": k,
        "metric": metric,
        "n_jobs": n_jobs,
        "noise": noise,
        "seed": seed,
        "algorithm": algorithm,
        "device": device,
        "normalize": normalize,
    }
    estimator = build(total_correlation, TOTAL_CORRELATION_METHODS, method, given, options)
    return estimator.estimate(*variables)


@overload
def entropy(
    x: object,
    *,
    k: int = ...,
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    correction: str = ...,
    **options: Any,
) -> Estimate: ...


@overload
def entropy(
    x: object,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    correction: str = ...,
    **options: Any,
) -> list[Estimate]: ...


def entropy(
    x: object,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "kl",
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float = 0.0,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    correction: str = "digamma",
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the differential entropy h(X) in nats.

    Args:
        x: Samples, shape (n, d) or (n,): anything array-like. float32 is computed in
            float32, everything else in float64.
        k: Number of neighbours; a sequence gives a list of estimates from one search.
        method: "kl", see :class:`fastmi.KozachenkoLeonenko`; "wkl", see
            :class:`fastmi.WeightedKozachenkoLeonenko` (Euclidean).
        metric: "chebyshev" or "euclidean".
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        algorithm: "auto", "tree", "brute" or "sort" (one column). Same distances, other time.
        device: "auto", where the samples are; or "cpu", "cuda" or "cuda:<index>", to which NumPy
            arrays are copied once. GPU arrays are used where they lie, see docs/gpu.md.
        correction: Sample-size term: "digamma" psi(n), "log" log(n), "log-1" log(n - 1).
        **options: Of the method: `theiler` (window of time steps) for "kl".

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or not finite, an option out of range; more than k
            coincident samples, where the estimate would be minus infinity.
    """
    given = {
        "k": k,
        "metric": metric,
        "n_jobs": n_jobs,
        "noise": noise,
        "seed": seed,
        "algorithm": algorithm,
        "device": device,
        "correction": correction,
    }
    return build(entropy, ENTROPY_METHODS, method, given, options).estimate(x)
