"""The command `matrix`: what every two columns of a table tell about each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from rich.console import Console

import fastmi
from fastmi.cli import documents, render
from fastmi.cli.bars import show_strongest
from fastmi.cli.columns import Column, DataError, Table
from fastmi.cli.frames import labels_of
from fastmi.cli.notes import left_out, notes_on, shape_notes, usable_columns
from fastmi.cli.options import (
    Bits,
    Corrected,
    Data,
    Discrete,
    DropMissing,
    FalseDiscoveries,
    Fdr,
    Header,
    Jobs,
    Json,
    MethodByPair,
    MethodOptions,
    Missing,
    MissingValues,
    Neighbours,
    Noise,
    Normalized,
    Out,
    Permutations,
    Plot,
    Scale,
    ScalingOfMethod,
    Seed,
    Top,
    columns_option,
    missing_of,
    parse_options,
)
from fastmi.cli.pairs import (
    PairMatrix,
    check_pairs,
    drawable,
    pairs_by_kind,
    pairs_of_method,
    write_matrix,
)
from fastmi.cli.readers import read_table
from fastmi.cli.samples import as_samples, class_blocks
from fastmi.cli.session import (
    draw,
    end_with,
    given,
    note_samples,
    progress_of,
    reported_errors,
    show_notes,
    shown_warnings,
)
from fastmi.cli.tables import (
    called,
    check_outputs,
    framed,
    note_result,
    rows_used,
    say_written,
    shown,
    steps_of,
    test_options,
    texts,
    written,
)
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find
from fastmi.estimators._methods import Method


def matrix(
    data: Data,
    columns: Annotated[
        list[str] | None,
        columns_option(
            "--columns",
            "Columns to pair: names, indices or ranges; a,b or 0:3.  [default: all that can be "
            "used]",
        ),
    ] = None,
    discrete: Discrete = None,
    missing: MissingValues = None,
    drop_missing: DropMissing = False,
    header: Header = None,
    k: Neighbours = None,
    method: MethodByPair = None,
    option: MethodOptions = None,
    scale: ScalingOfMethod = None,
    noise: Noise = None,
    normalized: Normalized = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    permutations: Permutations = None,
    fdr: FalseDiscoveries = Fdr.BH,
    corrected: Corrected = False,
    top: Top = 10,
    out: Out = None,
    plot: Plot = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Mutual information between every two columns.

    Columns may be numbers, text, truth values or dates. Each pair gets the estimator that suits its
    two columns, and all values are on one scale: columns of numbers are taken by their ranks, text
    as classes. With a --method that is named, each column of numbers is divided by its standard
    deviation unless --scale none is given, and --method discrete takes text.
    """
    unit = "bits" if bits else "nats"
    with reported_errors() as messages:
        options: dict[str, Any] = given(k=k, noise=noise, seed=seed, n_jobs=n_jobs)
        options |= given(normalized=normalized and normalized.value)
        options |= test_options(permutations, fdr, corrected=corrected)
        kept = missing_of(missing, drop_missing=drop_missing)
        check_outputs(out, plot)
        row = None if method is None else find(MI_METHODS, method)
        if row is None:
            _check_unnamed(option, scale)
        else:
            options |= parse_options(row.name, option)
            _check_named(row, discrete, kept)
        with shown_warnings(messages):
            table = read_table(data, header=header)
        if row is None:
            options["missing"] = kept
            found = _by_kind(messages, table, columns, discrete, options)
        else:
            drop = kept == Missing.DROP.value
            found = _of_method(messages, table, columns, row, scale, options, drop=drop)
    pairs = found.pairs
    failures = [
        written(out, lambda path: write_matrix(pairs, path, unit)),
        draw("matrix", lambda: found.drawable, plot, unit=unit),
    ]
    if as_json:
        head = {"data": str(data), "columns": list(pairs.names), "k": pairs.k}
        common = documents.closing(unit, pairs.seconds, found.notes)
        document = head | found.about | common | {"pairs": documents.pair_dicts(pairs, unit)}
        documents.print_json(document)
        end_with(messages, *failures)
        return
    console = render.console_for("stdout")
    neighbours = [] if pairs.k is None else [f"k = {pairs.k}"]
    parts = [f"MI in {unit}", found.rows, *neighbours, *found.words]
    render.show_title(console, [*parts, render.duration(pairs.seconds)])
    render.show_matrix(console, pairs, unit)
    if top:
        console.print()
        show_strongest(console, pairs, top, unit, normalized and normalized.value)
    render.summarise_warnings(messages, pairs)
    end_with(messages, *failures)
    say_written(messages, "matrix", out, plot)
    if out is not None and pairs.tied():
        render.note(messages, f"it holds {len(pairs.tied())} starred value(s) without a mark")


@dataclass(frozen=True)
class _Found:
    """Estimates of all pairs, and what is to be said of them.

    Attributes:
        pairs: The estimates.
        drawable: What the library returned, with the names of columns.
        rows: How many rows were used.
        words: How they were estimated, for the title.
        about: The settings, for a document.
        notes: How the data were taken.
    """

    pairs: PairMatrix
    drawable: Any
    rows: str
    words: list[str]
    about: dict[str, Any]
    notes: list[str]


def _by_kind(
    messages: Console,
    table: Table,
    columns: list[str] | None,
    discrete: list[str] | None,
    options: dict[str, Any],
) -> _Found:
    """Estimate every pair by the method that suits its two columns."""
    chosen = table.select(columns) if columns else list(table.columns)
    frame, refused, notes = framed(messages, table, chosen)
    options = {**options, "discrete": labels_of(table, frame, discrete)}
    steps = steps_of("pairs of columns", check_pairs(len(frame)), options)
    with progress_of(messages, *steps) as advance:
        result = called(messages, table, fastmi.pairwise_mi, frame, progress=advance, **options)
    notes += note_result(messages, table, result, refused)
    pairs = pairs_by_kind(result)
    about = {
        "n": result.n,
        "method": "by pair",
        "options": shown(options),
        "kinds": texts(result.kinds),
        "left_out": refused | texts(result.left_out),
    }
    rows = rows_used([each.n for each in pairs.estimates.values()])
    return _Found(pairs, result, rows, ["estimator by pair"], about, notes)


def _of_method(
    messages: Console,
    table: Table,
    columns: list[str] | None,
    row: Method,
    scale: Scale | None,
    options: dict[str, Any],
    *,
    drop: bool,
) -> _Found:
    """Estimate every pair by one method, on columns of numbers, or of classes if it takes them."""
    classes = class_blocks(row) == (0, 1)
    chosen = table.select(columns) if columns else usable_columns(table, classes=classes)
    left = [] if columns else left_out(table, classes=classes)
    notes = [*table.notes, *shape_notes(table), *left, *notes_on(chosen)]
    show_notes(messages, notes)
    steps = steps_of("pairs of columns", check_pairs(len(chosen)), options)
    samples = as_samples(
        table,
        [[column] for column in chosen],
        drop_missing=drop,
        scale=(scale or Scale.STD).value,
        classes=range(len(chosen)) if classes else (),
        as_codes=True,
    )
    notes += note_samples(messages, samples)
    with progress_of(messages, *steps) as advance, shown_warnings(messages):
        result = fastmi.pairwise_mi(
            np.hstack(samples.blocks), method=row.name, progress=advance, **options
        )
    pairs = pairs_of_method(
        result,
        _names(chosen),
        samples.blocks,
        method=row,
        noise=options.get("noise"),
        scaled=samples.scaled,
    )
    about = documents.settings(samples, row, options)
    words = [row.name, samples.describe_scale()]
    return _Found(pairs, drawable(result, pairs.names), f"n = {samples.n}", words, about, notes)


def _names(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns]


def _check_unnamed(option: list[str] | None, scale: Scale | None) -> None:
    """Raise `DataError` for options that only a named method has."""
    if option:
        raise DataError(
            f"--option {option[0]}: name the method that it is for, for example --method ksg1"
        )
    if scale is not None:
        raise DataError(
            f"--scale {scale.value} is for a --method that is named; without one, columns of "
            "numbers are taken by their ranks, which have no scale"
        )


def _check_named(row: Method, discrete: list[str] | None, missing: str) -> None:
    """Raise `DataError` for options that no named method has."""
    for flag in ([f"--discrete {','.join(discrete)}"] if discrete else []) + (
        [f"--missing {missing}"] if missing == Missing.PAIRWISE.value else []
    ):
        raise DataError(
            f"{flag} is for estimators that are chosen by pair: leave out --method {row.name}"
        )
