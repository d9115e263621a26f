"""Features ranked by their mutual information with a target."""

from __future__ import annotations

import importlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, by_kind, say
from fastmi._checks import (
    Seed,
    as_k,
    check_choice,
    check_noise,
    check_search,
    check_seed,
    k_list,
)
from fastmi._columns import check_pairing
from fastmi._docs import describes_options
from fastmi._extras import Progress, ProgressBar
from fastmi._results import Table
from fastmi._table import TableColumn, read_table
from fastmi.statistics._normalized import check_normalized, normalized_pairs
from fastmi.statistics._pair_matrix import kinds_of, library_of, text_table
from fastmi.statistics._pair_tests import (
    PairPValues,
    cautions_of,
    make_plan,
    p_values_of_pairs,
    serial_cautions,
)
from fastmi.statistics._table_pairs import TablePairs
from fastmi.statistics._variables import (
    MISSING,
    Variable,
    copies_caution,
    copies_of_target,
    decide,
    discrete_beside,
    discrete_columns,
    left_out_caution,
    told_apart,
)

Floats: TypeAlias = NDArray[np.float64]

#: The label of a target that has none.
TARGET = "y"


@dataclass(frozen=True, kw_only=True, eq=False)
class RankedFeatures(Table):
    """Features by falling mutual information with a target.

    Attributes:
        names: Labels of the features, their numbers in an array.
        mi: Estimates in nats, not clipped; NaN, and last, where a feature has too few rows.
        stderr: Standard errors in nats, see :class:`fastmi.Estimate`.
        p_value: P-values of the permutation tests, not corrected for the number of features; None
            if no test was asked for.
        q_value: P-values corrected for the number of features; None without a test.
        p_corrected: P-values of the largest statistic of all features; None if not asked for.
        normalized: The estimates in the normalised form that was asked for, else None.
        methods: Method of each feature.
        kinds: What each feature was taken for: "continuous", "classes" or "mixture".
        n: Rows that were used for each feature.
        target: Label of the target, "y" if it has none.
        target_kind: What the target was taken for.
        left_out: Why columns were left out, by label.
        warnings: Reasons to distrust a feature, by its label; features without any are left out.
        k: Number of neighbours.
        seconds: Wall time, shared by all k of one call.
    """

    names: tuple[Hashable, ...]
    mi: Floats
    stderr: Floats = field(repr=False)
    p_value: Floats | None = field(default=None, repr=False)
    q_value: Floats | None = field(default=None, repr=False)
    p_corrected: Floats | None = field(default=None, repr=False)
    normalized: Floats | None = field(default=None, repr=False)
    methods: tuple[str, ...] = field(repr=False)
    kinds: tuple[str, ...] = field(repr=False)
    n: NDArray[np.int64] = field(repr=False)
    target: Hashable
    target_kind: str
    left_out: dict[Hashable, str] = field(repr=False)
    warnings: dict[Hashable, tuple[Caution, ...]] = field(repr=False)
    k: int
    seconds: float = field(compare=False)
    _frames: str = field(default="", repr=False)
    _notes: tuple[Caution, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def __str__(self) -> str:
        head = f"information with {self.target} ({self.target_kind}) in nats, k={self.k}"
        return "\n".join([head, text_table(self._rows()), *self._notes, *summaries(self)])

    def top(self, n: int = 10) -> RankedFeatures:
        """Return the first `n` features; what was corrected for all of them stays so."""
        kept = slice(0, max(n, 0))
        rows = {
            name: getattr(self, name)[kept]
            for name in ("names", "mi", "stderr", "methods", "kinds", "n")
        }
        for name in ("p_value", "q_value", "p_corrected", "normalized"):
            if getattr(self, name) is not None:
                rows[name] = getattr(self, name)[kept]
        names = set(rows["names"])
        rows["warnings"] = {name: found for name, found in self.warnings.items() if name in names}
        return replace(self, **rows)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the ranking with :func:`fastmi.plot.features`, which takes the options."""
        # Imported here, because most programs draw nothing.
        plot = importlib.import_module("fastmi.plot")
        return plot.features(self, ax=ax, **options)

    def _library(self) -> str:
        return self._frames or "pandas"

    def _rows(self) -> dict[str, Sequence[Any]]:
        rows: dict[str, Sequence[Any]] = {
            "feature": self.names,
            "mi": self.mi.tolist(),
            "stderr": self.stderr.tolist(),
        }
        for name in ("normalized", "p_value", "q_value", "p_corrected"):
            if getattr(self, name) is not None:
                rows[name] = getattr(self, name).tolist()
        rows["kind"] = self.kinds
        rows["method"] = self.methods
        rows["n"] = self.n.tolist()
        rows["warnings"] = [kinds_of(self.warnings.get(name, ())) for name in self.names]
        return rows

    def _about(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "target_kind": self.target_kind,
            "k": self.k,
            "left_out": self.left_out,
        }


def summaries(result: RankedFeatures) -> list[Caution]:
    """Return one caution or note for each kind, with its number of features and an example."""
    return [
        type(example)(
            f"{len(names)} of {len(result)} features, for example {names[0]}: {example}",
            example.kind,
        )
        for example, names in by_kind(result.warnings)
    ]


@describes_options()
def rank_features(
    X: object,
    y: object,
    *,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
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
    progress: Progress = False,
) -> RankedFeatures | list[RankedFeatures]:
    """Rank the columns of a table by their mutual information with a target, in nats.

    Every column gets the method of its kind and that of the target, as in
    :func:`fastmi.pairwise_mi`, and all values are on one scale.

    Args:
        X: Samples, shape (n, d): a data frame, an array, or a dictionary of columns.
        y: The target: an array or a column, shape (n,), or the label of a column of `X`, which is
            then no feature. Strings, categories and booleans are classes; a number with few
            different values is, too, unless `discrete` says otherwise.
        discrete: Which columns of numbers are classes: "auto" takes those with few different
            values; True or False for all columns and the target, or the labels, positions or a mask
            of columns of `X`, counted with the target where that is one of them.
        missing: What to do about missing values (NaN, None, NA, NaT): "raise" refuses them,
            "pairwise" estimates each feature from the rows that have it and the target, and "drop"
            all features from the rows that have all.
        normalized: None, or the form of `normalized` in the result: "target", I / H(y) for a target
            with classes; "correlation", sqrt(1 - exp(-2 I)); or for a feature and a target with
            classes I over "min", "max", the "geometric" or "arithmetic" mean of their entropies, or
            over the "joint" entropy.
        n_permutations: Largest number of surrogates of each feature for the p-values, 0 for none;
            "auto" takes as many as decisions about all features need: 25 for each, and at least
            999. Features without classes share their surrogates, which is exact
            and costs little.
        sequential: Whether the test of a feature ends once 100 surrogates have reached its estimate
            (Besag and Clifford 1991, https://doi.org/10.1093/biomet/78.2.301); the p-values are
            valid all the same.
        corrected: Whether to compute `p_corrected` too: each estimate is compared with the largest
            of all features for a target in another order, in deviations of its own null
            distribution, step by step downwards (Westfall and Young 1993); "auto" takes 999 such
            orders.
        fdr: How `q_value` corrects for the number of features, "bh" or "by", see
            :func:`fastmi.q_values`.
        noise: None separates equal values of columns that are no classes; a number adds ``noise *
            sd(column) * U(-1/2, 1/2)`` to each such column, and 0 adds none.

    Returns:
        The ranking; a list of them if `k` is a sequence.

    Raises:
        TypeError: What is no table; an option of the wrong type.
        ValueError: Samples of wrong shape or length; missing values; a target that is constant, or
            whose classes hardly repeat; `y` is the label of no column, or of several; an option out
            of range; no usable feature.
    """
    start = perf_counter()
    as_k(k)
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    check_seed(seed)
    check_choice("missing", missing, MISSING)
    check_normalized(normalized, target=True)
    plan = make_plan(n_permutations, sequential, corrected, fdr)
    features, target, classes = _split(X, y, discrete)
    if len(target.values) != len(features[0].values):
        raise ValueError(
            f"X and y must have the same number of samples; got X with n={len(features[0].values)},"
            f" y with n={len(target.values)}"
        )
    found, cautions = decide([features, [target]], ("X", "y"), classes=classes, missing=missing)
    if not found[1].used:
        ((label, reason),) = found[1].left_out.items()
        raise ValueError(f"y must be a target that varies; got {label!r}: {reason}")
    if not found[0].used:
        reasons = "; ".join(f"{label!r}: {why}" for label, why in found[0].left_out.items())
        raise ValueError(f"X must have at least one usable column; got none ({reasons})")
    used, (of_target,) = found[0].used, found[1].used
    ks = k_list(as_k(k), len(of_target.values))
    source = TablePairs(used, [of_target], ks=ks, noise=noise, seed=seed)
    pairs = np.column_stack([np.arange(len(used)), np.zeros(len(used), dtype=np.int64)])
    with ProgressBar(progress, len(pairs), "features") as bar:

        def report(count: int) -> None:
            for _ in range(count):
                bar.advance()

        estimates = source.estimate(pairs, n_jobs=n_jobs, report=report)
    notes = [*cautions, *left_out_caution(found[:1]), *copies_caution(found)]
    leaks = copies_of_target(used, of_target)
    forms: list[Floats | None] = [None] * len(ks)
    if normalized is not None:
        entropies = [source.entropies(pair) for pair in pairs.tolist()]
        made = [normalized_pairs(normalized, each.values, entropies) for each in estimates]
        forms = [form for form, _ in made]
        notes += made[0][1]
    tested: Sequence[PairPValues | None] = [None] * len(ks)
    serial: dict[int, tuple[Caution, ...]] = {}
    if plan.most:
        serial = serial_cautions(found, pairs)
        tested = p_values_of_pairs(
            source,
            pairs,
            estimates,
            plan,
            symmetric=False,
            n_jobs=n_jobs,
            seed=seed,
            progress=progress,
        )
    seconds = perf_counter() - start
    results = []
    for table, form, tests in zip(estimates, forms, tested, strict=True):
        order = np.argsort(np.where(np.isnan(table.values), np.inf, -table.values), kind="stable")
        results.append(
            RankedFeatures(
                names=tuple(used[j].label for j in order),
                mi=table.values[order],
                stderr=table.stderr[order],
                p_value=None if tests is None else tests.p_value[order],
                q_value=None if tests is None else tests.q_value[order],
                p_corrected=(
                    None if tests is None or tests.p_corrected is None else tests.p_corrected[order]
                ),
                normalized=None if form is None else form[order],
                methods=tuple(source.method((int(j), 0)) for j in order),
                kinds=tuple(used[j].kind.name for j in order),
                n=table.n[order],
                target=of_target.label,
                target_kind=of_target.kind.name,
                left_out=found[0].left_out,
                warnings=_warnings(used, order.tolist(), (leaks, table.warnings, serial)),
                k=table.k,
                seconds=seconds,
                _frames=library_of(X),
                _notes=(*notes, *cautions_of(tests)),
            )
        )
    say(caution for result in results for caution in (*result._notes, *summaries(result)))
    return results[0] if isinstance(as_k(k), int) else results


def _warnings(
    used: Sequence[Variable],
    order: Sequence[int],
    sources: Sequence[Mapping[int, tuple[Caution, ...]]],
) -> dict[Hashable, tuple[Caution, ...]]:
    """Return the cautions of each feature that has any, in the order of the features."""
    found = {}
    for j in order:
        cautions = tuple(caution for source in sources for caution in source.get(j, ()))
        if cautions:
            found[used[j].label] = cautions
    return found


def _split(
    X: Any, y: Any, discrete: Any
) -> tuple[list[TableColumn], TableColumn, list[list[bool | None]]]:
    """Return the features, the target, and whether the numbers of each are classes.

    Raises:
        TypeError: `discrete` of the wrong type.
        ValueError: `y` is the label of no column or of several, or has several columns; `X` has no
            other column; `discrete` names what is no column.
    """
    columns = read_table(X, "X")
    if _is_label(y):
        places = [j for j, column in enumerate(columns) if _same_label(column.label, y)]
        if len(places) != 1:
            what = "several columns" if places else "no column"
            listed = ", ".join(repr(column.label) for column in columns[:10])
            more = ", ..." if len(columns) > 10 else ""
            raise ValueError(
                f"y must be the label of one column of X, or an array; got {y!r}, the label of "
                f"{what}: the columns are {listed}{more}"
            )
        (place,) = places
        # Where labels repeat, features go by their numbers in X, as the user counts them.
        labels = told_apart([column.label for column in columns])
        numbered = zip(columns, labels, strict=True)
        rest = [
            replace(column, label=label) for j, (column, label) in enumerate(numbered) if j != place
        ]
        if not rest:
            raise ValueError("X must have a column beside the target; got the target alone")
        return rest, columns[place], discrete_beside(columns, place, discrete)
    check_pairing((X, y), ("X", "y"))
    target = read_table(y, "y")
    if len(target) != 1:
        raise ValueError(
            f"y must be one column, shape (n,); got {len(target)} columns: fastmi.pairwise_mi(X, Y)"
            " takes several targets"
        )
    label = target[0].label
    if label == 0 and not hasattr(y, "name"):
        label = TARGET
    named = replace(target[0], label=label)
    return columns, named, discrete_columns([columns, [named]], discrete)


def _is_label(y: Any) -> bool:
    """Return whether `y` can only be the label of a column: a string, a number or a tuple."""
    if isinstance(y, str | bytes | int | float | np.generic):
        return True
    # A tuple is a label of several levels if its parts are no numbers.
    return isinstance(y, tuple) and all(isinstance(part, str) for part in y)


def _same_label(label: Hashable, y: Any) -> bool:
    return type(label) is not bool and bool(label == y)
