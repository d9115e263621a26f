"""The matrix of pairs that each have the method of the kinds of their columns."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import Seed, as_k, k_list
from fastmi._columns import check_pairing
from fastmi._extras import Progress, ProgressBar
from fastmi._table import read_table
from fastmi.statistics._mixed_pairs import PairTable
from fastmi.statistics._normalized import normalized_pairs
from fastmi.statistics._pair_matrix import (
    BY_KIND,
    PairwiseMI,
    all_pairs,
    framed,
    library_of,
    matrix_of,
)
from fastmi.statistics._pair_tests import (
    PairPValues,
    Plan,
    cautions_of,
    p_values_of_pairs,
    serial_cautions,
)
from fastmi.statistics._table_pairs import TablePairs
from fastmi.statistics._variables import Variables, copies_caution, decide, left_out_caution

Matrix: TypeAlias = NDArray[np.float64]


def by_kind(
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
    places = all_pairs((len(x), len(y)), symmetric=Y is None)
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
                table._replace(warnings=warned),
                tested[row],
                n=n,
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
    of: PairTable,
    tests: PairPValues | None,
    *,
    n: int,
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
        p_value=framed_matrix(tests and tests.p_value),
        q_value=framed_matrix(tests and tests.q_value),
        p_corrected=framed_matrix(tests and tests.p_corrected),
        normalized=framed_matrix(normalized),
        kinds=kinds,
        left_out=left_out,
        warnings=warned,
        k=of.k,
        n=n,
        method=BY_KIND,
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
