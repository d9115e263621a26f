"""The command `rank`: what each column of a table tells about one of them."""

from typing import Annotated, Any

from rich.console import Console
from rich.text import Text

import fastmi
from fastmi.cli import documents, render
from fastmi.cli.bars import Bar, Headings, show_bars
from fastmi.cli.columns import DataError
from fastmi.cli.frames import labels_of, one_column
from fastmi.cli.notes import in_options
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
    MissingValues,
    Neighbours,
    Noise,
    Normalized,
    Out,
    Permutations,
    Plot,
    Seed,
    Top,
    columns_option,
    missing_of,
)
from fastmi.cli.pairs import TESTS, write_rows
from fastmi.cli.readers import read_table
from fastmi.cli.session import draw, end_with, given, progress_of, reported_errors, shown_warnings
from fastmi.cli.tables import (
    called,
    check_outputs,
    framed,
    note_result,
    reasons,
    rows_used,
    say_written,
    shown,
    steps_of,
    summarise,
    test_options,
    texts,
    written,
)


def rank(
    data: Data,
    target: Annotated[str, columns_option("--target", "The column that is to be told.")],
    columns: Annotated[
        list[str] | None,
        columns_option(
            "--columns",
            "Columns to rank: names, indices or ranges; a,b or 0:3.  [default: all others]",
        ),
    ] = None,
    discrete: Discrete = None,
    missing: MissingValues = None,
    drop_missing: DropMissing = False,
    header: Header = None,
    k: Neighbours = None,
    noise: Noise = None,
    normalized: Normalized = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    permutations: Permutations = None,
    fdr: FalseDiscoveries = Fdr.BH,
    corrected: Corrected = False,
    top: Top = 30,
    out: Out = None,
    plot: Plot = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Rank the columns by what they tell about one of them.

    Columns may be numbers, text, truth values or dates. Each gets the estimator that suits it and
    the target, and all values are on one scale: columns of numbers are taken by their ranks, text
    as classes. What cannot be used, such as names that hardly repeat, is left out with the reason.
    """
    unit = "bits" if bits else "nats"
    with reported_errors() as messages:
        options: dict[str, Any] = given(k=k, noise=noise, seed=seed, n_jobs=n_jobs)
        options |= given(normalized=normalized and normalized.value)
        options |= test_options(permutations, fdr, corrected=corrected)
        options["missing"] = missing_of(missing, drop_missing=drop_missing)
        check_outputs(out, plot)
        with shown_warnings(messages):
            table = read_table(data, header=header)
        goal = one_column(table, target, "--target")
        chosen = table.select(columns) if columns else list(table.columns)
        chosen = [column for column in chosen if column.name != goal.name]
        frame, refused, notes = framed(messages, table, [goal, *chosen])
        options["discrete"] = labels_of(table, frame, discrete)
        if goal.name in refused:
            raise DataError(f"--target '{goal.name}' cannot be told: {refused[goal.name]}")
        if len(frame) < 2:
            raise DataError("there is no column to rank beside the target", *reasons(refused))
        steps = steps_of("columns", len(frame) - 1, options)
        with progress_of(messages, *steps) as advance:
            result = called(
                messages, table, fastmi.rank_features, frame, goal.name, progress=advance, **options
            )
        notes += note_result(messages, table, result, refused)
    failures = [
        written(out, lambda path: write_rows(result._rows(), path, unit)),
        draw("features", lambda: result, plot, unit=unit),
    ]
    names = [str(name) for name in result.names]
    cautions = [in_options(result.warnings.get(name, ()), scaled=False) for name in names]
    if as_json:
        rows = result._rows()
        found = [
            {"feature": name}
            | documents.estimate_dict(rows["mi"][at], rows["stderr"][at], cautions[at], unit)
            | documents.test_dict(rows, at)
            | {"kind": rows["kind"][at], "method": rows["method"][at], "n": rows["n"][at]}
            for at, name in enumerate(names)
        ]
        document = {
            "data": str(data),
            "target": goal.name,
            "target_kind": result.target_kind,
            "k": result.k,
            "options": shown(options),
            "left_out": refused | texts(result.left_out),
            **documents.closing(unit, result.seconds, notes),
        }
        documents.print_json(document | {"features": found})
        end_with(messages, *failures)
        return
    console = render.console_for("stdout")
    parts = [f"information on {render.shortened([goal.name])} ({result.target_kind}) in {unit}"]
    parts += [f"{len(names)} column{'s' * (len(names) != 1)}", rows_used(result.n)]
    parts += [f"k = {result.k}", render.duration(result.seconds)]
    render.show_title(console, parts)
    _show_ranks(console, result, top, unit, normalized and normalized.value)
    summarise(messages, dict(zip(names, cautions, strict=True)))
    end_with(messages, *failures)
    say_written(messages, "ranking", out, plot)


def _show_ranks(
    console: Console, result: Any, count: int, unit: str, normalized: str | None
) -> None:
    """Print the first `count` columns, and how many more there are."""
    rows = result._rows()
    tests = [name for name in TESTS if name in rows]
    bars = [
        Bar(
            (str(name),),
            rows["mi"][at],
            rows["stderr"][at],
            {test: float(rows[test][at]) for test in tests},
            (rows["kind"][at], *([str(rows["n"][at])] if _differ(rows["n"]) else [])),
        )
        for at, name in enumerate(rows["feature"][:count])
    ]
    about = ("taken as", *(["n"] if _differ(rows["n"]) else []))
    show_bars(console, Headings("column", normalized=normalized or "", about=about), bars, unit)
    if len(result) > count > 0:
        console.print(
            Text(f"... and {len(result) - count} more; --top {len(result)} lists all", style="dim")
        )


def _differ(counts: Any) -> bool:
    return len(set(counts)) > 1
