"""The command `te`: transfer entropy between series."""

import math
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

import fastmi
from fastmi.cli import documents, render
from fastmi.cli.bars import Bar, Headings, show_bars
from fastmi.cli.columns import Column, DataError, Table
from fastmi.cli.frames import as_frame, one_column
from fastmi.cli.help import ESTIMATE
from fastmi.cli.lags import NO_GAPS
from fastmi.cli.notes import in_options, shape_notes
from fastmi.cli.options import (
    Bits,
    Data,
    FalseDiscoveries,
    Fdr,
    Given,
    Header,
    Jobs,
    Json,
    MethodOfTransfer,
    MethodOptions,
    Neighbours,
    Noise,
    Out,
    PermutationsOfTransfer,
    Plot,
    Seed,
    Top,
    columns_option,
    parse_options,
    parse_permutations,
)
from fastmi.cli.pairs import write_rows
from fastmi.cli.readers import read_table
from fastmi.cli.session import (
    draw,
    end_with,
    given,
    progress_of,
    reported_errors,
    show_notes,
    shown_warnings,
)
from fastmi.cli.steps import step_cautions
from fastmi.cli.tables import (
    called,
    check_outputs,
    note_result,
    say_written,
    texts,
    written,
)
from fastmi.estimators import CMI_METHODS
from fastmi.estimators._lookup import find

_LEVEL = 0.05


def te(
    data: Data,
    max_lag: Annotated[
        int,
        typer.Option(
            "--max-lag",
            metavar="N",
            help="Largest lag in rows of a source before a target.",
            rich_help_panel=ESTIMATE,
        ),
    ],
    columns: Annotated[
        list[str] | None,
        columns_option(
            "--columns",
            "Series: names, indices or ranges; a,b or 0:3.  [default: all columns of numbers]",
        ),
    ] = None,
    source: Annotated[
        str | None,
        columns_option("--source", "With --target: these two series alone, in both directions."),
    ] = None,
    target: Annotated[str | None, columns_option("--target", "See --source.")] = None,
    header: Header = None,
    history: Annotated[
        int,
        typer.Option(
            "--target-history",
            metavar="N",
            help="Values of the target's own past beyond which the source must tell something.",
            rich_help_panel=ESTIMATE,
        ),
    ] = 1,
    condition: Given = None,
    k: Neighbours = None,
    method: MethodOfTransfer = None,
    option: MethodOptions = None,
    noise: Noise = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    permutations: PermutationsOfTransfer = "auto",
    fdr: FalseDiscoveries = Fdr.BH,
    top: Top = 20,
    out: Out = None,
    plot: Plot = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Transfer entropy between series: which past tells about which future.

    Rows are times at equal steps. For every two series the largest transfer entropy over the lags 1
    to --max-lag is compared with rotations of the source, and q-values allow for the number of
    pairs. A link can come through other series unless --condition all is given.
    """
    unit = "bits" if bits else "nats"
    with reported_errors() as messages:
        row = find(CMI_METHODS, method or "fp")
        options = parse_options(row.name, option, CMI_METHODS)
        options |= given(k=k, noise=noise, seed=seed, n_jobs=n_jobs, method=method)
        options |= given(condition=condition and condition.value)
        options |= {"max_lag": max_lag, "target_history": history, "fdr": fdr.value}
        options["n_permutations"] = parse_permutations(permutations, auto=True)
        check_outputs(out, plot)
        if plot is not None and not options["n_permutations"]:
            raise DataError("--plot shows the links that are no chance: leave out --permutations 0")
        with shown_warnings(messages):
            table = read_table(data, header=header)
        chosen, left = _chosen(table, columns, source, target)
        frame, refused, notes = as_frame(chosen)
        notes = [*table.notes, *shape_notes(table), *notes]
        show_notes(messages, notes)
        if refused:
            name, why = next(iter(refused.items()))
            raise DataError(f"'{name}' is no series: {why}")
        _check_gaps(table, chosen)
        steps = step_cautions(table.columns)
        for text in steps:
            render.warn(messages, text)
        total = len(frame) * (len(frame) - 1)
        with progress_of(messages, "pairs of series", total) as advance:
            result = called(
                messages,
                table,
                fastmi.transfer_entropy_network,
                frame,
                progress=advance,
                **options,
            )
        notes += [*steps, *note_result(messages, table, result, left)]
    rows = {name: list(column) for name, column in result._rows().items()}
    failures = [
        written(out, lambda path: write_rows(rows, path, unit)),
        draw("network", lambda: result, plot, unit=unit),
    ]
    if as_json:
        document = {
            "data": str(data),
            "series": [str(name) for name in result.names],
            "n": result.n,
            "k": result.k,
            "method": result.method,
            "options": {name: value for name, value in options.items() if name != "method"},
            "n_permutations": result.n_permutations,
            "left_out": left | texts(result.left_out),
            "cautions": documents.caution_dicts(in_options(result.cautions, scaled=False)),
            **documents.closing(unit, result.seconds, notes),
            "pairs": [_pair(rows, at, result, unit) for at in range(len(rows["te"]))],
        }
        documents.print_json(document)
        end_with(messages, *failures)
        return
    console = render.console_for("stdout")
    title = [f"transfer entropy in {unit}, lags 1 to {max_lag}", f"n = {result.n}", result.method]
    tested = [f"up to {result.n_permutations} rotations"] if result.n_permutations else []
    render.show_title(console, [*title, *tested, render.duration(result.seconds)])
    _show(console, rows, top, unit)
    warned = in_options([each for own in result.warnings.values() for each in own], scaled=False)
    for caution in {each.kind: each for each in warned}.values():
        render.remark(messages, caution, str(caution))
    end_with(messages, *failures)
    say_written(messages, "table of pairs", out, plot)


def _chosen(
    table: Table, columns: list[str] | None, source: str | None, target: str | None
) -> tuple[list[Column], dict[str, str]]:
    """Return the series, and why other columns are none."""
    if (source is None) != (target is None):
        raise DataError(
            "--source and --target belong together; without both, all series are paired"
        )
    if source is not None and target is not None:
        if columns:
            raise DataError("--columns and --source with --target contradict each other")
        pair = [one_column(table, source, "--source"), one_column(table, target, "--target")]
        if pair[0].name == pair[1].name:
            raise DataError(f"--source and --target must differ; got '{pair[0].name}' twice")
        return pair, {}
    if columns:
        return table.select(columns), {}
    left = {c.name: f"it holds {c.problem}" for c in table.columns if c.problem}
    return [column for column in table.columns if not column.problem], left


def _check_gaps(table: Table, columns: list[Column]) -> None:
    """Raise `DataError` where a series lacks a value."""
    for column in columns:
        missing = column.missing
        if missing.any() and not missing.all():
            raise DataError(
                f"column '{column.name}' has no value in {table.place(int(missing.argmax()))} "
                f"(missing in {missing.sum()} of {len(missing)} rows); {NO_GAPS}"
            )


def _show(console: Console, rows: dict[str, list[Any]], count: int, unit: str) -> None:
    """Print the pairs that stand out most, and how many are links."""
    tests = [name for name in ("p_value", "q_value") if name in rows]
    order = sorted(range(len(rows["te"])), key=lambda at: _key(rows, at))
    bars = [
        Bar(
            (str(rows["source"][at]), f"→ {rows['target'][at]}"),
            rows["te"][at],
            rows["stderr"][at],
            {name: rows[name][at] for name in tests},
            (f"lag {rows['lag'][at]}",),
        )
        for at in order[:count]
    ]
    show_bars(console, Headings("source → target", value="TE", about=("",)), bars, unit)
    if len(order) > count > 0:
        console.print(Text(f"... and {len(order) - count} more pairs", style="dim"))
    if "q_value" in rows:
        links = sum(q <= _LEVEL for q in rows["q_value"])
        text = f"{links} of {len(order)} pairs are links at a false discovery rate of 5 %"
        console.print(Text(text, style="bold"))


def _key(rows: dict[str, list[Any]], at: int) -> tuple[float, float]:
    q = rows["q_value"][at] if "q_value" in rows else 0.0
    value = rows["te"][at]
    return (math.inf if math.isnan(q) else q, math.inf if math.isnan(value) else -value)


def _pair(rows: dict[str, list[Any]], at: int, result: Any, unit: str) -> dict[str, Any]:
    """Return one pair for a document."""
    source, target = rows["source"][at], rows["target"][at]
    cautions = in_options(result.warnings.get((source, target), ()), scaled=False)
    values = documents.estimate_dict(rows["te"][at], rows["stderr"][at], cautions, unit)
    values["te"] = values.pop("mi")
    tests: dict[str, Any] = {
        name: documents.json_number(float(rows[name][at]))
        for name in ("p_value", "q_value")
        if name in rows
    }
    return {
        "source": str(source),
        "target": str(target),
        "lag": int(rows["lag"][at]),
        **values,
        **tests,
    }
