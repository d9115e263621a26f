"""The quantities of several variables; each function looks up an estimator by name and runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import Seed
from fastmi._docs import describes_options
from fastmi._estimate import Estimate
from fastmi._inputs import variable_names
from fastmi.estimators._lookup import build
from fastmi.estimators._methods import listed, methods_of

_METHODS = {
    name: methods_of(name)
    for name in ("total_correlation", "dual_total_correlation", "o_information", "s_information")
}


class OfSeveral(Protocol):
    """What type checkers see of a function of two or more variables."""

    @overload
    def __call__(
        self,
        *variables: object,
        k: int = ...,
        method: str = ...,
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
    def __call__(
        self,
        *variables: object,
        k: Sequence[int] | NDArray[np.integer[Any]],
        method: str = ...,
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


def _typed(function: Callable[..., Any]) -> OfSeveral:
    return cast(OfSeveral, function)


@_typed
@describes_options(method=listed("total_correlation"))
def total_correlation(
    *variables: object,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "ksg1",
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
    """Estimate the total correlation (multi-information) in nats.

    That is ``sum_b h(X_b) - h(X_1, ..., X_m)``. For two variables it is :func:`mi` to the last bit.

    Args:
        *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired; or one
            list or tuple of them.
        **options: Further options of the method.

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Fewer than two variables; samples of wrong shape or length or not finite,
            an option out of range.
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
    return _estimate(total_correlation, variables, method, error, given, options)


@_typed
@describes_options(method=listed("dual_total_correlation"))
def dual_total_correlation(
    *variables: object,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "ksg1",
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
    """Estimate the dual total correlation (binding information) in nats.

    That is ``h(X) - sum_b h(X_b | X_-b)`` with X_-b all variables but b: what is left of the
    uncertainty of all without what each has for itself. For two variables it is :func:`mi`.

    Args:
        *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired; or one
            list or tuple of them.
        **options: Further options of the method.

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Fewer than two variables; samples of wrong shape or length or not finite,
            an option out of range.
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
    return _estimate(dual_total_correlation, variables, method, error, given, options)


@_typed
@describes_options(method=listed("o_information"))
def o_information(
    *variables: object,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "ksg1",
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
    """Estimate the O-information in nats.

    That is the total correlation less the dual total correlation, which are in ``terms`` of the
    result. It is positive where the variables are redundant on balance and negative where they are
    synergetic (Rosas et al. 2019), and 0 for two variables.

    Args:
        *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired; or one
            list or tuple of them.
        **options: Further options of the method.

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Fewer than two variables; samples of wrong shape or length or not finite,
            an option out of range.
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
    return _estimate(o_information, variables, method, error, given, options)


@_typed
@describes_options(method=listed("s_information"))
def s_information(
    *variables: object,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str = "ksg1",
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
    """Estimate the S-information in nats.

    That is the sum of the total correlation and the dual total correlation, which are in ``terms``
    of the result, and of I(X_b; X_-b) over the variables, with X_-b all but b. For two variables it
    is twice :func:`mi`.

    Args:
        *variables: Two or more sets of samples, shapes (n, d_b) or (n,), rows paired; or one
            list or tuple of them.
        **options: Further options of the method.

    Returns:
        The estimate, a float with ``bits``, ``stderr``, ``local``, ``warnings`` and more; a
        list of them if `k` is a sequence.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Fewer than two variables; samples of wrong shape or length or not finite,
            an option out of range.
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
    return _estimate(s_information, variables, method, error, given, options)


def _estimate(
    function: Callable[..., Any],
    variables: tuple[object, ...],
    method: object,
    error: object,
    given: Mapping[str, object],
    options: Mapping[str, object],
) -> Estimate | list[Estimate]:
    """Return what a method of a function says of the variables, or of one list of them."""
    if len(variables) == 1 and isinstance(variables[0], list | tuple):
        variables = tuple(variables[0])
    methods = _METHODS[function.__name__]
    estimator = build(function, methods, method, given, options)
    if error is None:
        found: Estimate | list[Estimate] = estimator.estimate(*variables)
        return found
    # Imported here, because most programs ask for no error and import faster without.
    from fastmi.estimators._halves import estimate_with_error

    return estimate_with_error(error, estimator, methods, variables, variable_names(variables))
