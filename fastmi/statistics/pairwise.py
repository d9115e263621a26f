"""Mutual information of every pair of columns."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import pair_cautions
from fastmi._cautions import Caution, say
from fastmi._checks import (
    Seed,
    as_k,
    check_choice,
    check_noise,
    check_search,
    check_seed,
    did_you_mean,
    generator,
    k_list,
)
from fastmi._columns import check_pairing, column_labels
from fastmi._device import as_device, gpu_of
from fastmi._docs import describes_options
from fastmi._extras import Progress, ProgressBar
from fastmi._table import read_table
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find
from fastmi.estimators._measure import add_noise, make_measure, read_samples, reads_on
from fastmi.estimators._methods import listed
from fastmi.statistics._named_gaps import entropies_of, estimate_with_gaps, read_with_gaps
from fastmi.statistics._named_pairs import estimate_named
from fastmi.statistics._normalized import CORRELATION, check_normalized, normalized_pairs
from fastmi.statistics._pair_matrix import (
    PairwiseMI,
    RankedPairs,
    framed,
    library_of,
    matrix_of,
    summaries,
)
from fastmi.statistics._pair_tests import (
    PairPValues,
    Plan,
    cautions_of,
    make_plan,
    p_values_of_pairs,
    resolution_cautions,
    serial_cautions,
)
from fastmi.statistics._sequential import STOP_AT
from fastmi.statistics._table_pairs import TablePairs
from fastmi.statistics._variables import (
    MISSING,
    Variables,
    copies_caution,
    decide,
    left_out_caution,
    told_apart,
)
from fastmi.statistics.multiple import q_values

__all__ = ["PairwiseMI", "RankedPairs", "pairwise_mi"]

Matrix: TypeAlias = NDArray[np.float64]

#: What results say of `method` where each pair had the method of its kinds.
BY_KIND = "by kind"


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
            about all pairs need: 40 for each pair, at least 999 and at most a million. Without a
            `method`, pairs whose margins have the same values (all pairs of columns without
            classes) share their surrogates, which is exact and costs little.
        sequential: Whether the test of a pair ends once 20 surrogates have reached its estimate, so
            that pairs with nothing to find take few (Besag and Clifford 1991,
            https://doi.org/10.1093/biomet/78.2.301); the p-values are valid all the same.
        corrected: Whether to compute `p_corrected` too: each estimate is compared with the largest
            of all pairs of a surrogate, in deviations of its own null distribution, step by step
            downwards (Westfall and Young 1993). A surrogate reorders all columns of X, or with `Y`
            the rows of Y together. Without a `method` only.
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
        results = _by_kind(X, Y, discrete=discrete, missing=missing, **common)
    else:
        if not (isinstance(discrete, str) and discrete == "auto"):
            raise ValueError(
                "discrete must be 'auto' where one method serves every pair, on a GPU or by its "
                f"name; got discrete={discrete!r}: leave method at None"
            )
        on_gpu: dict[str, Any] = {"normalize": "copula"} if method is None else {}
        results = _by_name(
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


class _Found(NamedTuple):
    """Estimates of all pairs for one k."""

    k: int | None
    values: Matrix
    stderr: Matrix
    n: NDArray[np.int64]
    warnings: dict[int, tuple[Caution, ...]]
    tested: PairPValues | None


def _by_kind(
    X: Any,
    Y: Any,
    *,
    k: Any,
    discrete: Any,
    missing: str,
    normalized: str | None,
    plan: Plan,
    n_jobs: int | None,
    noise: float | None,
    seed: Seed | None,
    progress: Progress,
) -> list[PairwiseMI]:
    """Return the results of pairs whose method is that of their kinds."""
    found, cautions = _read(X, Y, discrete=discrete, missing=missing)
    n = len(found[0].used[0].values)
    ks = k_list(as_k(k), n)
    x, y = found[0].used, found[-1].used
    source = TablePairs(x, y, ks=ks, noise=noise, seed=seed)
    places = _pairs((len(x), len(y)), symmetric=Y is None)
    with ProgressBar(progress, len(places), "pairs") as bar:

        def report(count: int) -> None:
            for _ in range(count):
                bar.advance()

        estimates = source.estimate(places, n_jobs=n_jobs, report=report)
    tested: Sequence[PairPValues | None] = [None] * len(estimates)
    if plan.most:
        tested = p_values_of_pairs(
            source,
            places,
            estimates,
            plan,
            symmetric=Y is None,
            n_jobs=n_jobs,
            seed=seed,
            progress=progress,
        )
    notes = [*cautions, *left_out_caution(found), *copies_caution(found)]
    forms: list[Matrix] | None = None
    if normalized is not None:
        entropies = [source.entropies(pair) for pair in places.tolist()]
        made = [normalized_pairs(normalized, each.values, entropies) for each in estimates]
        forms = [matrix for matrix, _ in made]
        notes += made[0][1]
    ordered = serial_cautions(found, places) if plan.most else {}
    results = []
    for row, table in enumerate(estimates):
        warned = {
            number: (*table.warnings.get(number, ()), *ordered.get(number, ()))
            for number in sorted({*table.warnings, *ordered})
        }
        results.append(
            _result(
                X,
                found,
                places,
                _Found(
                    table.k,
                    table.values,
                    table.stderr,
                    table.n,
                    warned,
                    tested[row],
                ),
                n=n,
                method=BY_KIND,
                methods=tuple(source.method(pair) for pair in places.tolist()),
                normalized=None if forms is None else forms[row],
                notes=(*notes, *cautions_of(tested[row])),
            )
        )
    return results


def _read(X: Any, Y: Any, *, discrete: Any, missing: str) -> tuple[list[Variables], list[Caution]]:
    """Return what is used of X, and of Y if there is one, and cautions."""
    given = (X,) if Y is None else (X, Y)
    names = ("X", "Y")[: len(given)]
    check_pairing(given, names)
    tables = [read_table(each, name) for each, name in zip(given, names, strict=True)]
    rows = [len(table[0].values) for table in tables]
    if len(set(rows)) > 1:
        raise ValueError(
            f"X and Y must have the same number of samples; got X with n={rows[0]}, Y with "
            f"n={rows[1]}"
        )
    if Y is None and len(tables[0]) < 2:
        raise ValueError("X must have at least two columns if there is no Y; got one")
    found, cautions = decide(tables, names, discrete=discrete, missing=missing)
    for own, name in zip(found, names, strict=True):
        least = 2 if Y is None else 1
        if len(own.used) < least:
            reasons = "; ".join(f"{label!r}: {why}" for label, why in own.left_out.items())
            needed = "two usable columns" if least == 2 else "one usable column"
            raise ValueError(
                f"{name} must have at least {needed}; got {len(own.used)} of {len(own.labels)} "
                f"({reasons})"
            )
    return found, cautions


def _result(
    X: Any,
    found: Sequence[Variables],
    places: NDArray[np.int64],
    of: _Found,
    *,
    n: int,
    method: str,
    methods: tuple[str, ...],
    normalized: Matrix | None,
    notes: tuple[Caution, ...],
) -> PairwiseMI:
    """Return the result for one k."""
    library = library_of(X)
    symmetric = len(found) == 1
    own = (found[0], found[-1])
    if library:
        labels = tuple([variable.label for variable in each.used] for each in own)
        shown = places
    else:
        labels = tuple(list(each.labels) for each in own)
        shown = np.column_stack(
            [np.array(each.places)[places[:, side]] for side, each in enumerate(own)]
        )
    shape = (len(labels[0]), len(labels[1]))

    values = matrix_of(of.values, shown, shape, symmetric=symmetric)

    def framed_matrix(entries: Matrix | None) -> Any:
        if entries is None:
            return None
        matrix = matrix_of(entries, shown, shape, symmetric=symmetric)
        return framed(library, matrix, (labels[0], labels[1]))

    warned = {
        (own[0].used[i].label, own[1].used[j].label): of.warnings[number]
        for number, (i, j) in enumerate(places.tolist())
        if number in of.warnings
    }
    kinds: dict[Hashable, str] = {}
    left_out: dict[Hashable, str] = {}
    for each, name in zip(found, "XY", strict=False):
        for variable in each.used:
            kinds[_key(variable.label, kinds, name)] = variable.kind.name
        for label, reason in each.left_out.items():
            left_out[_key(label, left_out, name)] = reason
    return PairwiseMI(
        mi=framed(library, values, (labels[0], labels[1])),
        stderr=framed_matrix(of.stderr),
        p_value=framed_matrix(of.tested and of.tested.p_value),
        q_value=framed_matrix(of.tested and of.tested.q_value),
        p_corrected=framed_matrix(of.tested and of.tested.p_corrected),
        normalized=framed_matrix(normalized),
        kinds=kinds,
        left_out=left_out,
        warnings=warned,
        k=of.k,
        n=n,
        method=method,
        seconds=0.0,
        _values=values,
        _labels=(labels[0], labels[1]),
        _pairs=shown,
        _methods=methods,
        _n=of.n,
        _frames=library,
        _notes=notes,
    )


def _key(label: Hashable, taken: dict[Hashable, str], name: str) -> Hashable:
    """Return the label, with the name of its table where a column of the other has it, too."""
    return f"{label} of {name}" if label in taken else label


def _by_name(
    X: Any,
    Y: Any,
    *,
    k: Any,
    method: str | None,
    missing: str,
    device: str,
    options: dict[str, Any],
    normalized: str | None,
    plan: Plan,
    n_jobs: int | None,
    noise: float | None,
    seed: Seed | None,
    progress: Progress,
) -> list[PairwiseMI]:
    """Return the results of pairs that all have one method."""
    row = find(MI_METHODS, "ksg1" if method is None else method)
    if normalized not in (None, CORRELATION) and row.name != "discrete":
        raise ValueError(
            f"normalized={normalized!r} needs classes: leave method at None, or use "
            f"method='discrete'; got method={method!r}"
        )
    if plan.corrected:
        raise ValueError(
            f"corrected must be False with one method for every pair; got method={method!r}: leave "
            "method at None"
        )
    rng = generator(seed)
    where, options = reads_on(device, row, options)
    measure = make_measure(pairwise_mi, row, k=k, options=options)
    given = (X,) if Y is None else (X, Y)
    names = ("X", "Y")[: len(given)]
    masks = None
    if missing == "raise":
        blocks = read_samples(row, given, names, where)
    else:
        blocks, masks = read_with_gaps(row, given, names)
    if noise:
        blocks = add_noise(row, blocks, noise, rng)
    shape = (blocks[0].shape[1], blocks[-1].shape[1])
    if Y is None and shape[0] < 2:
        raise ValueError("X must have at least two columns if there is no Y; got one")
    pairs = _pairs(shape, symmetric=Y is None)
    shuffles = plan.of(len(pairs))
    common: dict[str, Any] = {
        "k": k,
        "options": options,
        "shuffles": shuffles,
        "stop_at": STOP_AT if plan.sequential else 0,
        # What is left to each pair: no more noise, or what its ties need.
        "noise": None if noise is None else 0.0,
        "seed": seed,
        "rng": rng,
        "n_jobs": n_jobs,
        "progress": progress,
    }
    n = len(blocks[0])
    rows = np.full(len(pairs), n, dtype=np.int64)
    notes: list[Caution] = []
    if masks is None:
        tables = estimate_named(measure, blocks, pairs, **common)
    else:
        tables, rows, notes = estimate_with_gaps(
            measure, blocks, masks, pairs, drop=missing == "drop", **common
        )
    forms: list[Matrix] | None = None
    if normalized is not None:
        entropies = [(np.nan, np.nan)] * len(pairs)
        if row.name == "discrete":
            entropies = entropies_of(blocks, masks, pairs)
        made = [normalized_pairs(normalized, table.values, entropies) for table in tables]
        forms = [form for form, _ in made]
    labels = [_labels(each, d) for each, d in zip((X, X if Y is None else Y), shape, strict=True)]
    keys = [told_apart(own) for own in labels]
    ordered = pair_cautions(blocks, pairs) if shuffles else {}
    library = library_of(X)

    def framed_matrix(entries: Matrix | None) -> Any:
        if entries is None:
            return None
        matrix = matrix_of(entries, pairs, shape, symmetric=Y is None)
        return framed(library, matrix, (labels[0], labels[1]))

    results = []
    for at, table in enumerate(tables):
        warned = {
            (keys[0][pairs[number, 0]], keys[1][pairs[number, 1]]): (
                *table.warnings.get(number, ()),
                *ordered.get(number, ()),
            )
            for number in sorted({*table.warnings, *ordered})
        }
        values = matrix_of(table.values, pairs, shape, symmetric=Y is None)
        q = q_values(table.p_values, plan.fdr) if shuffles else None
        results.append(
            PairwiseMI(
                mi=framed(library, values, (labels[0], labels[1])),
                stderr=framed_matrix(table.stderr),
                p_value=framed_matrix(table.p_values) if shuffles else None,
                q_value=framed_matrix(q),
                normalized=None if forms is None else framed_matrix(forms[at]),
                warnings=warned,
                k=table.k,
                n=n,
                method=BY_KIND if method is None else method,
                seconds=0.0,
                _values=values,
                _labels=(labels[0], labels[1]),
                _pairs=pairs,
                _methods=(row.name,) * len(pairs),
                _n=rows,
                _frames=library,
                _notes=(*notes, *resolution_cautions(shuffles, table.p_values, q)),
            )
        )
    return results


def _pairs(shape: tuple[int, int], *, symmetric: bool) -> NDArray[np.int64]:
    """Return the row and the column in the matrix of every pair to estimate, shape (p, 2)."""
    if symmetric:
        return np.column_stack(np.triu_indices(shape[0], 1)).astype(np.int64, copy=False)
    rows, columns = np.indices(shape, dtype=np.int64)
    return np.column_stack([rows.ravel(), columns.ravel()])


def _labels(samples: Any, d: int) -> list[Hashable]:
    columns = column_labels(samples)
    if columns is not None:
        return columns
    name = getattr(samples, "name", None)
    return [name] if name is not None and d == 1 else list(range(d))
