"""One call per quantity: look up an estimator by name, run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._inputs import Seed, check_choice
from fastmi.estimators import ENTROPY_METHODS, MI_METHODS, Estimate

_Estimator = TypeVar("_Estimator")


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
    **unknown: object,
) -> Estimate | list[Estimate]:
    """Estimate the mutual information I(X; Y) in nats.

    Args:
        x: Samples, shape (n, dx) or (n,): anything array-like. float32 is computed in
            float32, everything else in float64.
        y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
        k: Number of neighbours; a sequence gives a list of estimates from one search.
        method: "ksg1" or "ksg2", see :class:`fastmi.KSG`.
        metric: Distance inside x and inside y, "chebyshev" or "euclidean"; across the two
            it is the maximum.
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        algorithm: "auto", "tree", "brute" or "sort" (one column each). Same counts, other time.
        **unknown: Nothing else is accepted.

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range.
    """
    if unknown:
        _raise_unknown("mi", unknown, mi)
    estimator = _find(MI_METHODS, method)(
        k=k, metric=metric, n_jobs=n_jobs, noise=noise, seed=seed, algorithm=algorithm
    )
    return estimator.estimate(x, y)


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
    correction: str = ...,
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
    correction: str = ...,
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
    correction: str = "digamma",
    **unknown: object,
) -> Estimate | list[Estimate]:
    """Estimate the differential entropy h(X) in nats.

    Args:
        x: Samples, shape (n, d) or (n,): anything array-like. float32 is computed in
            float32, everything else in float64.
        k: Number of neighbours; a sequence gives a list of estimates from one search.
        method: "kl", see :class:`fastmi.KozachenkoLeonenko`.
        metric: "chebyshev" or "euclidean".
        n_jobs: Threads; None or -1 for ``OMP_NUM_THREADS`` if set, else every usable core.
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to break ties, 1e-10 say.
        seed: Of the noise; anything :func:`numpy.random.default_rng` takes.
        algorithm: "auto", "tree", "brute" or "sort" (one column). Same distances, other time.
        correction: Sample-size term: "digamma" psi(n), "log" log(n), "log-1" log(n - 1).
        **unknown: Nothing else is accepted.

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or not finite, an option out of range; more than k
            coincident samples, where the estimate would be minus infinity.
    """
    if unknown:
        _raise_unknown("entropy", unknown, entropy)
    estimator = _find(ENTROPY_METHODS, method)(
        k=k,
        metric=metric,
        n_jobs=n_jobs,
        noise=noise,
        seed=seed,
        algorithm=algorithm,
        correction=correction,
    )
    return estimator.estimate(x)


def _find(
    methods: Mapping[str, Callable[..., _Estimator]], method: object
) -> Callable[..., _Estimator]:
    check_choice("method", method, methods)
    return methods[str(method)]


def _raise_unknown(name: str, unknown: Mapping[str, object], function: Callable[..., Any]) -> None:
    # The interpreter's own message would not list the valid names.
    valid = ", ".join(function.__kwdefaults__ or ())
    given = ", ".join(unknown)
    raise TypeError(f"{name}() options must be among {valid}; got {given}")
