"""The divergence of two samples; it looks up an estimator by name and runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed, as_k, check_noise, check_search, check_seed
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, changed
from fastmi._refusals import NUMERIC_KINDS
from fastmi.estimators._lookup import build
from fastmi.estimators._methods import listed, methods_of

_METHODS = methods_of("kl_divergence")


@overload
def kl_divergence(
    x: object,
    x_other: object,
    *,
    k: int = ...,
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    **options: Any,
) -> Estimate: ...


@overload
def kl_divergence(
    x: object,
    x_other: object,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    **options: Any,
) -> list[Estimate]: ...


@describes_options(
    method=f'{listed("kl_divergence")}\nNone is "knn" for numbers and "discrete" for names.'
)
def kl_divergence(
    x: object,
    x_other: object,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str | None = None,
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the Kullback-Leibler divergence D(P || Q) of two samples in nats.

    That is ``E log(p(X) / q(X))`` for X of P: 0 where the distributions are the same, and infinite
    where Q excludes what P has. It is not symmetric.

    Args:
        x: Samples of P, shape (n, d) or (n,), in an array of any library, a data frame or a list;
            strings, categories, booleans of data frames and other objects are names.
        x_other: Samples of Q, shape (m, d) or (m,). Rows are not paired, and m may differ from n.
        **options: Further options of the method.

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a list of
        them if `k` is a sequence. Its `n` is that of `x`, and ``stderr`` holds the scatter of both.

    Raises:
        TypeError: Samples that are neither numbers nor names, an option of the wrong type or
            unknown.
        ValueError: Samples of wrong shape, not finite, with different numbers of columns; an option
            out of range; copies that would make the value infinite.
    """
    given: dict[str, object] = {
        "k": k,
        "metric": metric,
        "n_jobs": n_jobs,
        "noise": noise,
        "seed": seed,
        "algorithm": algorithm,
        "device": device,
    }
    named = method is None and _hold_names(x, x_other)
    if not named:
        chosen = "knn" if method is None else method
        found: Estimate | list[Estimate] = build(
            kl_divergence, _METHODS, chosen, given, options
        ).estimate(x, x_other)
        return found
    ks = as_k(k)
    check_search(metric, algorithm, n_jobs)
    check_noise(noise)
    check_seed(seed)
    # Nobody asked for a method without neighbours, nor for it to refuse their number.
    estimator = build(kl_divergence, _METHODS, "discrete", {}, options)
    of_names: Estimate = estimator.estimate(x, x_other)
    if isinstance(ks, int):
        return of_names
    return [changed(of_names, float(of_names)) for _ in ks]


def _hold_names(x: object, x_other: object) -> bool:
    """Return whether both samples hold names.

    Raises:
        TypeError: One of them does.
    """
    if all(type(each) is np.ndarray and each.dtype.kind in NUMERIC_KINDS for each in (x, x_other)):
        return False
    # Imported here, because most programs pass numbers and import faster without.
    from fastmi.estimators.auto.kinds import holds_names

    first, second = holds_names(x), holds_names(x_other)
    if first != second:
        names, numbers = ("x", "x_other") if first else ("x_other", "x")
        raise TypeError(
            f"x and x_other must both hold names, or both numbers; got names in {names} and none "
            f"in {numbers}"
        )
    return first
