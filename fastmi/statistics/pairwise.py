"""Mutual information of every pair of columns."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import say
from fastmi._checks import (
    Seed,
    as_k,
    check_choice,
    check_noise,
    check_search,
    check_seed,
    did_you_mean,
)
from fastmi._device import as_device, gpu_of
from fastmi._docs import describes_options
from fastmi._extras import Progress
from fastmi.estimators import MI_METHODS
from fastmi.estimators._methods import listed
from fastmi.statistics._normalized import check_normalized
from fastmi.statistics._pair_matrix import PairwiseMI, RankedPairs, summaries
from fastmi.statistics._pair_tests import make_plan
from fastmi.statistics._pairs_by_kind import by_kind
from fastmi.statistics._pairs_by_name import by_name
from fastmi.statistics._variables import MISSING

__all__ = ["PairwiseMI", "RankedPairs", "pairwise_mi"]


@overload
def pairwise_mi(
    X: object,
    Y: object = ...,
    *,
    k: int = ...,
    method: str | None = ...,
    discrete: Any = ...,
    missing: str = ...,
    normalized: str | None = ...,
    n_permutations: int | str = ...,
    sequential: bool = ...,
    corrected: bool = ...,
    fdr: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    device: str = ...,
    progress: Progress = ...,
    **options: Any,
) -> PairwiseMI: ...


@overload
def pairwise_mi(
    X: object,
    Y: object = ...,
    *,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str | None = ...,
    discrete: Any = ...,
    missing: str = ...,
    normalized: str | None = ...,
    n_permutations: int | str = ...,
    sequential: bool = ...,
    corrected: bool = ...,
    fdr: str = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    device: str = ...,
    progress: Progress = ...,
    **options: Any,
) -> list[PairwiseMI]: ...


@describes_options(method="None, or the name of the method of every pair: " + listed("mi"))
def pairwise_mi(
    X: object,
    Y: object = None,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str | None = None,
    discrete: Any = "auto",
    missing: str = "raise",
    normalized: str | None = None,
    n_permutations: int | str = 0,
    sequential: bool = True,
    corrected: bool = False,
    fdr: str = "bh",
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    device: str = "auto",
    progress: Progress = False,
    **options: Any,
) -> PairwiseMI | list[PairwiseMI]:
    """Estimate the mutual information of every pair of columns of a table, in nats.

    Columns may be numbers, booleans, categories, strings, dates and durations. Without a `method`
    each pair gets the one of its kinds, and all values are on one scale: "ksg1" on normal scores
    for continuous columns and mixtures of values that repeat and others, "ross" on normal scores
    where one column has classes, "discrete" where both have. Equal values of a column that has no
    classes are put in a seeded random order, which changes no information. With a named method the
    value of each pair is that of :func:`fastmi.mi` for its two columns, which must be numbers
    unless the method takes classes.

    Args:
        X: Samples, shape (n, dx): a data frame, an array, or a dictionary of columns. Each column
            is a variable.
        Y: Samples, shape (n, dy); None for the pairs of columns of `X`.
        discrete: Which columns of numbers are classes: "auto" takes those with few different
            values; True, False, or the labels, positions or a mask of them. Strings, categories and
            booleans are classes in any case. For ``method=None`` only.
        missing: What to do about missing values (NaN, None, NA, NaT): "raise" refuses them,
            "pairwise" estimates each pair from the rows that have both columns, and "drop" all
            pairs from the rows that have all columns.
        normalized: None, or the form of `normalized` in the result: "correlation", sqrt(1 - exp(-2
            I)), or for two columns of classes I over "min", "max", the "geometric" or "arithmetic"
            mean of their entropies, or over the "joint" entropy.
        n_permutations: Largest number of surrogates of each pair for the p-values, which reorder
            the rows of one column at random; 0 for no p-values. "auto" takes as many as decisions
            about all pairs need: 25 for each pair, and at least 999. Without a `method`, pairs
            whose margins have the same values (all pairs of columns without classes) share their
            surrogates, which is exact and costs little.
        sequential: Whether the test of a pair ends once 100 surrogates (20 with a named method)
            have reached its estimate, so that pairs with nothing to find take few (Besag and
            Clifford 1991, https://doi.org/10.1093/biomet/78.2.301); the p-values are valid all the
            same.
        corrected: Whether to compute `p_corrected` too: each estimate is compared with the largest
            of all pairs of a surrogate, in deviations of its own null distribution, step by step
            downwards (Westfall and Young 1993). A surrogate reorders all columns of X, or with `Y`
            the rows of Y together, and "auto" takes 999 of these. Without a `method` only.
        fdr: How `q_value` corrects for the number of pairs, "bh" or "by", see
            :func:`fastmi.q_values`.
        n_jobs: Number of threads, which share the pairs; None or -1 as in :func:`fastmi.mi`.
            Networks are trained one after another, by as many threads as torch uses.
        noise: None separates equal values of columns that are no classes, always without a
            `method`, and with one as :func:`fastmi.mi` does. A number adds ``noise * sd(column) *
            U(-1/2, 1/2)`` to each such column once; 0 adds none.
        seed: Seed of noise, shuffles and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        device: As in :func:`fastmi.mi`. Without a `method` samples on a GPU are taken as
            continuous.
        **options: Further options of a named method.

    Raises:
        TypeError: What is no table; with a named method samples that are not real numbers; an
            option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length; missing values, or, with a named method,
            values that are not finite; an option out of range; fewer than two usable columns and no
            `Y`.
    """
    start = perf_counter()
    as_k(k)
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    check_seed(seed)
    check_choice("missing", missing, MISSING)
    check_normalized(normalized, target=False)
    plan = make_plan(n_permutations, sequential, corrected, fdr)
    common: dict[str, Any] = {
        "k": k,
        "normalized": normalized,
        "plan": plan,
        "n_jobs": n_jobs,
        "noise": noise,
        "seed": seed,
        "progress": progress,
    }
    if method is None and not _on_gpu(X, Y, device):
        if options:
            valid = list(pairwise_mi.__kwdefaults__ or ())
            first, *_ = options
            of_ksg1 = first in MI_METHODS["ksg1"].options
            hint = ": it is one of method='ksg1'" if of_ksg1 else did_you_mean(first, valid)
            raise TypeError(
                f"pairwise_mi() with method=None: options must be among {', '.join(valid)}; got "
                f"{', '.join(options)}{hint}"
            )
        results = by_kind(X, Y, discrete=discrete, missing=missing, **common)
    else:
        if not (isinstance(discrete, str) and discrete == "auto"):
            raise ValueError(
                "discrete must be 'auto' where one method serves every pair, on a GPU or by its "
                f"name; got discrete={discrete!r}: leave method at None"
            )
        on_gpu: dict[str, Any] = {"normalize": "copula"} if method is None else {}
        results = by_name(
            pairwise_mi,
            X,
            Y,
            method=method,
            missing=missing,
            device=device,
            options={**on_gpu, **options},
            **common,
        )
    seconds = perf_counter() - start
    for result in results:
        object.__setattr__(result, "seconds", seconds)
    # All k of a call warn of much the same.
    say(caution for result in results for caution in (*result._notes, *summaries(result)))
    return results[0] if isinstance(as_k(k), int) else results


def _on_gpu(X: object, Y: object, device: str) -> bool:
    return as_device(device).startswith("cuda") or any(
        gpu_of(each) is not None for each in (X, Y) if each is not None
    )
