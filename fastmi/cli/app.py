"""The commands `mi`, `matrix` and `info`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import fastmi
from fastmi.cli import render
from fastmi.cli.columns import Column, DataError, Samples, Table, as_samples
from fastmi.cli.pairs import (
    PairEstimate,
    PairMatrix,
    all_pairs,
    check_writable,
    in_unit,
    write_matrix,
)
from fastmi.cli.readers import read_table
from fastmi.estimators import MI_METHODS

app = typer.Typer(
    name="fastmi",
    help="Mutual information between the columns of a data file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Scale(str, Enum):
    """How columns are brought to a common unit."""

    NONE = "none"
    STD = "std"


Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        exists=True,
        dir_okay=False,
        help="CSV, TSV, TXT, Parquet, NPY or NPZ file; samples in rows.",
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether a text file starts with column names.  [default: unless all numbers]",
        show_default=False,
    ),
]
DropMissing = Annotated[
    bool, typer.Option("--drop-missing", help="Leave out rows that lack a value.")
]
Method = Annotated[str, typer.Option(help=f"Estimator: {', '.join(MI_METHODS)}.")]
Scaling = Annotated[
    Scale,
    typer.Option(help="std: divide each column by its standard deviation first."),
]
Noise = Annotated[
    float | None,
    typer.Option(
        help="Uniform noise relative to each column's spread; 0: none.  "
        "[default: where values tie]",
        show_default=False,
    ),
]
Seed = Annotated[int | None, typer.Option(help="Seed of the noise.")]
Jobs = Annotated[
    int | None,
    typer.Option(help="Threads.  [default: all usable cores]", show_default=False),
]
Bits = Annotated[bool, typer.Option("--bits", help="Report bits instead of nats.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(fastmi.__version__)
        raise typer.Exit


@app.command()
def mi(
    data: Data,
    x: Annotated[
        list[str], typer.Option("--x", help="Columns of X: names, indices or ranges; a,b or 0:3.")
    ],
    y: Annotated[list[str], typer.Option("--y", help="Columns of Y.")],
    k: Annotated[str, typer.Option("--k", help="Neighbours; several as 3,5,10.")] = "3",
    method: Method = "ksg1",
    scale: Scaling = Scale.NONE,
    noise: Noise = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    drop_missing: DropMissing = False,
    header: Header = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Mutual information between two blocks of columns.

    Example: fastmi mi diabetes.csv --x bmi,bp --y progression --k 3,5 --scale std
    """
    unit = "bits" if bits else "nats"
    with _reported_errors() as messages:
        table = read_table(data, header=header)
        blocks = [table.select(x), table.select(y)]
        samples = as_samples(table, blocks, drop_missing=drop_missing, scale=scale.value)
        x_block, y_block = samples.blocks
        with messages.status(f"{samples.n} samples"):
            found = fastmi.mi(
                x_block,
                y_block,
                method=method,
                **_given(k=_parse_ks(k), noise=noise, seed=seed, n_jobs=n_jobs),
            )
    estimates = found if isinstance(found, list) else [found]
    x_names, y_names = ([column.name for column in block] for block in blocks)
    if as_json:
        rows = [
            {"k": item.k, "algorithm": item.algorithm} | _estimate_dict(item, unit)
            for item in estimates
        ]
        head = {"data": str(data), "x": x_names, "y": y_names}
        _print_json(
            head
            | _settings(samples, method, scale, unit, estimates[0].seconds)
            | {"estimates": rows}
        )
        return
    seconds = render.duration(estimates[0].seconds)
    title = f"I({', '.join(x_names)} ; {', '.join(y_names)}), n = {samples.n}, {method}, {seconds}"
    render.show_estimates(render.console_for("stdout"), title, estimates, unit)
    _note_dropped(messages, samples)
    for text in dict.fromkeys(text for item in estimates for text in item.warnings):
        render.warn(messages, text)


@app.command()
def matrix(
    data: Data,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns to pair: names, indices or ranges; a,b or 0:3.  [default: all numbers]",
            show_default=False,
        ),
    ] = None,
    k: Annotated[int, typer.Option("--k", help="Neighbours.")] = 3,
    method: Method = "ksg1",
    scale: Scaling = Scale.STD,
    noise: Noise = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    top: Annotated[int, typer.Option(min=0, help="How many of the strongest pairs to list.")] = 10,
    out: Annotated[
        Path | None, typer.Option(help="Write the matrix to FILE.csv or FILE.parquet.")
    ] = None,
    drop_missing: DropMissing = False,
    header: Header = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Mutual information between every two columns.

    Columns have different units as a rule, and KSG compares distances across them: this command
    scales each column to unit standard deviation unless told --scale none.
    """
    unit = "bits" if bits else "nats"
    with _reported_errors() as messages:
        if out is not None:
            check_writable(out)
        table = read_table(data, header=header)
        chosen = table.select(columns) if columns else _usable_columns(table, messages)
        if len(chosen) < 2:
            raise DataError(f"a matrix needs at least two columns of numbers; got {len(chosen)}")
        samples = as_samples(
            table, [[column] for column in chosen], drop_missing=drop_missing, scale=scale.value
        )
        for column in chosen:
            if column.is_constant:
                render.note(messages, f"'{column.name}' is constant: it carries no information")
        options = {"method": method, **_given(k=k, noise=noise, seed=seed, n_jobs=n_jobs)}
        pairs = len(chosen) * (len(chosen) - 1) // 2
        with _progress(messages) as progress:
            task = progress.add_task("pairs of columns", total=pairs)
            result = all_pairs(
                [column.name for column in chosen],
                samples.blocks,
                options=options,
                advance=lambda: progress.advance(task),
            )
        if out is not None:
            write_matrix(result, out, unit)
    if as_json:
        head = {"data": str(data), "columns": list(result.names), "k": result.k}
        rows = _pair_dicts(result, unit)
        _print_json(
            head | _settings(samples, method, scale, unit, result.seconds) | {"pairs": rows}
        )
        return
    console = render.console_for("stdout")
    scaled = "unit deviation" if scale is Scale.STD else "not scaled"
    seconds = render.duration(result.seconds)
    number = "" if result.k is None else f"k = {result.k}, "
    title = f"MI in {unit}, n = {samples.n}, {number}{method}, {scaled}, {seconds}"
    render.show_matrix(console, title, result, unit)
    if top:
        console.print()
        render.show_strongest(console, result, top, unit)
    _note_dropped(messages, samples)
    _summarise_warnings(messages, result)
    if out is not None:
        render.note(messages, f"matrix written to {out}")
        if result.tied():
            render.note(messages, f"it holds {len(result.tied())} starred value(s) without a mark")


@app.command()
def info(as_json: Json = False) -> None:
    """Version, SIMD level, threads, OpenMP runtimes and CUDA state."""
    config = fastmi.config()
    if as_json:
        _print_json(config)
    else:
        render.show_config(render.console_for("stdout"), config)


@contextmanager
def _reported_errors() -> Iterator[Console]:
    """Yield the console for messages; print an error in the data or options and exit with 1."""
    messages = render.console_for("stderr")
    try:
        yield messages
    except (DataError, OSError, TypeError, ValueError) as error:
        render.fail(messages, str(error))
        raise typer.Exit(1) from error


def _progress(messages: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=messages,
        transient=True,
        disable=not messages.is_terminal,
    )


def _parse_ks(text: str) -> int | list[int]:
    try:
        ks = [int(part) for part in text.split(",")]
    except ValueError:
        raise DataError(f"--k must be whole numbers such as 3 or 3,5; got {text!r}") from None
    return ks[0] if len(ks) == 1 else ks


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that differ from the defaults, because not every method has them all."""
    defaults: Any = fastmi.mi.__kwdefaults__
    return {name: value for name, value in options.items() if value != defaults[name]}


def _usable_columns(table: Table, messages: Console) -> list[Column]:
    """Return the columns of numbers that vary; say which others are left out, and why."""
    usable = []
    for column in table.columns:
        if column.problem:
            render.note(messages, f"'{column.name}' left out: it holds {column.problem}")
        elif column.is_constant:
            render.note(messages, f"'{column.name}' left out: it is constant")
        else:
            usable.append(column)
    return usable


def _note_dropped(messages: Console, samples: Samples) -> None:
    if samples.dropped:
        render.note(messages, f"{samples.dropped} rows with a missing value left out")


def _summarise_warnings(messages: Console, result: PairMatrix) -> None:
    """Say which pairs were not ranked, and show the other warnings by example."""
    if tied := result.tied():
        render.warn(
            messages,
            f"{len(tied)} of {len(result.estimates)} pairs (marked *) are not ranked: many of "
            "their points coincide, and KSG takes points to differ. Leave out --noise 0, so that "
            "equal values are separated.",
        )
    warned = [pair for pair in result.ranked() if result.estimates[pair].warnings]
    if warned:
        i, j = warned[0]
        render.warn(
            messages,
            f"{len(warned)} of {len(result.estimates)} pairs need care, for example "
            f"{result.names[i]} and {result.names[j]}: "
            f"{'; '.join(result.estimates[i, j].warnings)} (--json lists all)",
        )


def _estimate_dict(estimate: fastmi.Estimate | PairEstimate, unit: str) -> dict[str, Any]:
    value = estimate.value if isinstance(estimate, PairEstimate) else float(estimate)
    return {
        "mi": in_unit(value, unit),
        "stderr": in_unit(estimate.stderr, unit),
        "warnings": list(estimate.warnings),
    }


def _pair_dicts(result: PairMatrix, unit: str) -> list[dict[str, Any]]:
    """Return every pair by falling MI, the tied ones last."""
    return [
        {"x": result.names[i], "y": result.names[j]}
        | _estimate_dict(result.estimates[i, j], unit)
        | {"tied": result.estimates[i, j].tied}
        for i, j in [*result.ranked(), *result.tied()]
    ]


def _settings(
    samples: Samples, method: str, scale: Scale, unit: str, seconds: float
) -> dict[str, Any]:
    return {
        "n": samples.n,
        "dropped": samples.dropped,
        "method": method,
        "scale": scale.value,
        "unit": unit,
        "seconds": seconds,
    }


def _print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))
