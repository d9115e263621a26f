"""One function per quantity; each looks up an estimator by name and runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import announce, quiet
from fastmi._checks import Seed
from fastmi._docs import describes_options
from fastmi._estimate import Estimate
from fastmi._inputs import is_empty
from fastmi._refusals import NUMERIC_KINDS
from fastmi.estimators import CMI_METHODS, ENTROPY_METHODS, MI_METHODS, Method
from fastmi.estimators._lookup import build
from fastmi.estimators._methods import listed

# What no method means, for the docstrings.
_MI_CHOICE = (
    'None is "ksg1" for numbers; "ross" for names beside numbers, whichever of the two x is; and '
    '"discrete" for names beside names or numbers of few values. Options of the search that the '
    "method lacks are then left out, and the result says which method it was."
)
_CMI_CHOICE = (
    'None is "fp" for numbers; "discrete" for names alone or beside numbers of few values; and '
    'else "fp" with names farther apart than any numbers, so that neighbours have the same names.'
)
_ENTROPY_CHOICE = 'None is "kl" for numbers and "discrete" for names.'


def _chosen(function: str, choice: str) -> str:
    first, *rest = listed(function).split("\n")
    return "\n".join([f"{first} {choice}", *rest])


@overload
def mi(
    x: object,
    y: object,
    *,
    k: int = ...,
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    error: str | None = ...,
    **options: Any,
) -> Estimate: ...


@overload
def mi(
    x: object,
    y: object,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    error: str | None = ...,
    **options: Any,
) -> list[Estimate]: ...


@describes_options(method=_chosen("mi", _MI_CHOICE))
def mi(
    x: object,
    y: object,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str | None = None,
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    normalize: str | None = None,
    error: str | None = None,
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the mutual information I(X; Y) in nats.

    Args:
        x: Samples, shape (n, dx) or (n,), in an array of any library, a data frame or a list.
            float32 samples are computed in float32, all others in float64. Strings, categories,
            booleans of data frames and other objects are names, hence classes; a column of times or
            durations is read as seconds, times from the first. ``method="discrete"`` takes classes
            of any type, and "ross" does for `y`.
        y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
        **options: Further options of the method.

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
    if method is None:
        if not (_holds_numbers(x) and _holds_numbers(y)):
            return _by_kinds(mi, MI_METHODS, (x, y), "ksg1", error, given, options)
        method = "ksg1"
    estimator = build(mi, MI_METHODS, method, given, options)
    if error is not None:
        return _with_error(error, estimator, MI_METHODS, (x, y), "xy")
    found: Estimate | list[Estimate] = estimator.estimate(x, y)
    return found


@overload
def cmi(
    x: object,
    y: object,
    z: object = ...,
    *,
    k: int = ...,
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    error: str | None = ...,
    **options: Any,
) -> Estimate: ...


@overload
def cmi(
    x: object,
    y: object,
    z: object = ...,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    normalize: str | None = ...,
    error: str | None = ...,
    **options: Any,
) -> list[Estimate]: ...


@describes_options(method=_chosen("cmi", _CMI_CHOICE))
def cmi(
    x: object,
    y: object,
    z: object = None,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str | None = None,
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    normalize: str | None = None,
    error: str | None = None,
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the conditional mutual information I(X; Y | Z) in nats.

    Args:
        x: Samples, shape (n, dx) or (n,), as in :func:`mi`.
        y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
        z: Samples of the condition, shape (n, dz) or (n,). None or no columns give I(X; Y).
        **options: Further options of the method.

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
    if method is None:
        arrays = (x, y) if is_empty(z) else (x, y, z)
        if not all(map(_holds_numbers, arrays)):
            return _by_kinds(cmi, CMI_METHODS, arrays, "fp", error, given, options)
        method = "fp"
    estimator = build(cmi, CMI_METHODS, method, given, options)
    if error is not None:
        arrays = (x, y) if is_empty(z) else (x, y, z)
        return _with_error(error, estimator, CMI_METHODS, arrays, "xyz"[: len(arrays)])
    found: Estimate | list[Estimate] = estimator.estimate(x, y, z)
    return found


@overload
def entropy(
    x: object,
    *,
    k: int = ...,
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    error: str | None = ...,
    **options: Any,
) -> Estimate: ...


@overload
def entropy(
    x: object,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str | None = ...,
    metric: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    algorithm: str = ...,
    device: str = ...,
    error: str | None = ...,
    **options: Any,
) -> list[Estimate]: ...


@describes_options(method=_chosen("entropy", _ENTROPY_CHOICE))
def entropy(
    x: object,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str | None = None,
    metric: str = "chebyshev",
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    algorithm: str = "auto",
    device: str = "auto",
    error: str | None = None,
    **options: Any,
) -> Estimate | list[Estimate]:
    """Estimate the differential entropy h(X) in nats, or the entropy H(X) of a discrete variable.

    Args:
        x: Samples, shape (n, d) or (n,), as in :func:`mi`; with ``method="discrete"`` classes of
            any type.
        metric: "chebyshev" or "euclidean".
        **options: Further options of the method, for example `correction`, whose values are those
            of the method: for "kl" the term of the sample size, "digamma" (psi(n), the default),
            "log" (log(n)) or "log-1" (log(n - 1)); for "discrete" the correction of the bias,
            "none", "miller-madow", "chao-shen" or "grassberger" (the default).

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
    }
    if method is None:
        if not _holds_numbers(x):
            return _by_kinds(entropy, ENTROPY_METHODS, (x,), "kl", error, given, options)
        method = "kl"
    estimator = build(entropy, ENTROPY_METHODS, method, given, options)
    if error is not None:
        return _with_error(error, estimator, ENTROPY_METHODS, (x,), "x")
    found: Estimate | list[Estimate] = estimator.estimate(x)
    return found


def _holds_numbers(x: object) -> bool:
    """Return whether `x` is a NumPy array of numbers, as most are; the others are looked at."""
    return type(x) is np.ndarray and x.dtype.kind in NUMERIC_KINDS


def _by_kinds(
    function: Callable[..., Any],
    methods: Mapping[str, Method],
    arrays: tuple[object, ...],
    default: str,
    error: object,
    given: Mapping[str, object],
    options: Mapping[str, object],
) -> Estimate | list[Estimate]:
    """Return the estimate of the method that is made for what the arguments hold."""
    # Imported here, because most programs pass numbers and import faster without.
    from fastmi.estimators.auto.choice import choose, options_for

    names = "xyz"[: len(arrays)]
    choice = choose(
        arrays,
        names,
        default,
        conditional=function is cmi,
        normalize=given.get("normalize"),
    )
    if not choice.named:
        estimator = build(function, methods, default, given, options)
        if error is not None:
            return _with_error(error, estimator, methods, choice.arrays, names)
        plain: Estimate | list[Estimate] = estimator.estimate(*choice.arrays)
        return plain
    row = methods[choice.method]
    estimator = build(
        function, methods, choice.method, options_for(choice, row.options, given), options
    )
    with quiet():
        found: Estimate | list[Estimate] = (
            estimator.estimate(*choice.arrays)
            if error is None
            else _with_error(error, estimator, methods, choice.arrays, names)
        )
    return announce(choice.for_each_k(found, given["k"]))


def _with_error(
    error: object,
    estimator: Any,
    methods: Mapping[str, Method],
    arrays: Sequence[object],
    names: Sequence[str],
) -> Estimate | list[Estimate]:
    # Imported here, because most programs ask for no error and import faster without.
    from fastmi.estimators._halves import estimate_with_error

    return estimate_with_error(error, estimator, methods, arrays, names)
