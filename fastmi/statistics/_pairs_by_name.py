"""The matrix of pairs that all have one named method."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import pair_cautions
from fastmi._cautions import Caution
from fastmi._checks import Seed, generator
from fastmi._columns import column_labels
from fastmi._extras import Progress
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find
from fastmi.estimators._measure import add_noise, make_measure, read_samples, reads_on
from fastmi.statistics._named_gaps import entropies_of, estimate_with_gaps, read_with_gaps
from fastmi.statistics._named_pairs import estimate_named
from fastmi.statistics._normalized import CORRELATION, normalized_pairs
from fastmi.statistics._pair_matrix import (
    BY_KIND,
    PairwiseMI,
    all_pairs,
    framed,
    library_of,
    matrix_of,
)
from fastmi.statistics._pair_tests import Plan, resolution_cautions
from fastmi.statistics._sequential import STOP_AT
from fastmi.statistics._variables import told_apart
from fastmi.statistics.multiple import q_values

Matrix: TypeAlias = NDArray[np.float64]


def by_name(
    caller: Callable[..., Any],
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
    """Return the results of pairs that all have one method, for each k.

    Args:
        caller: Function that the user called, for messages.
        method: Its name; None for "ksg1" of samples on a GPU.
    """
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
    measure = make_measure(caller, row, k=k, options=options)
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
    pairs = all_pairs(shape, symmetric=Y is None)
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


def _labels(samples: Any, d: int) -> list[Hashable]:
    if isinstance(samples, Mapping):
        return list(samples)
    columns = column_labels(samples)
    if columns is not None:
        return columns
    name = getattr(samples, "name", None)
    return [name] if name is not None and d == 1 else list(range(d))
