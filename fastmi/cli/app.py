"""The commands `mi`, `matrix`, `methods` and `info`."""

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import fastmi
from fastmi.cli import documents, render
from fastmi.cli.columns import DataError
from fastmi.cli.notes import (
    in_options,
    left_out,
    notes_on,
    shape_notes,
    shared_notes,
    usable_columns,
)
from fastmi.cli.options import (
    Bits,
    Data,
    DropMissing,
    ErrorBar,
    Header,
    Jobs,
    Json,
    MethodName,
    MethodOptions,
    Noise,
    Scale,
    Scaling,
    Seed,
    option_rows,
    parse_ks,
    parse_options,
)
from fastmi.cli.pairs import (
    MOST_PAIRS,
    PairMatrix,
    all_pairs,
    check_writable,
    write_matrix,
)
from fastmi.cli.readers import read_table
from fastmi.cli.samples import Samples, as_samples, class_blocks
from fastmi.cli.visible import reason
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find

# Help is at least 50 characters wide unless it is told the width of the terminal.
_HELP_WIDTH = max(30, min(shutil.get_terminal_size().columns, 82) - 2)

app = typer.Typer(
    name="fastmi",
    help="Mutual information between the columns of a data file.",
    no_args_is_help=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "terminal_width": _HELP_WIDTH,
    },
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(fastmi.__version__)
        raise typer.Exit


@app.command(short_help="MI of two blocks of columns.")
def mi(
    data: Data,
    x: Annotated[
        list[str],
        typer.Option(
            "--x", metavar="COLUMNS", help="Columns of X: names, indices or ranges; a,b or 0:3."
        ),
    ],
    y: Annotated[list[str], typer.Option("--y", metavar="COLUMNS", help="Columns of Y.")],
    k: Annotated[
        str | None,
        typer.Option(
            "--k",
            metavar="N",
            help="Neighbours; several as 3,5,10.  [default: 3]",
            show_default=False,
        ),
    ] = None,
    method: MethodName = "ksg1",
    option: MethodOptions = None,
    scale: Scaling = Scale.STD,
    noise: Noise = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    error: ErrorBar = None,
    drop_missing: DropMissing = False,
    header: Header = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Mutual information between two blocks of columns.

    Example: fastmi mi diabetes.csv --x bmi,bp --y progression --k 3,5

    KSG compares distances across columns, so each column of numbers is scaled to unit standard
    deviation unless told --scale none. Methods that take classes take columns of text.
    """
    unit = "bits" if bits else "nats"
    with _reported_errors() as messages:
        row = find(MI_METHODS, method)
        options = parse_options(method, option)
        options |= _given(k=parse_ks(k), noise=noise, seed=seed, n_jobs=n_jobs)
        options |= _given(error=error and error.value)
        with _shown_warnings(messages):
            table = read_table(data, header=header)
        blocks = [table.select(x), table.select(y)]
        notes = [*table.notes, *shape_notes(table), *notes_on([*blocks[0], *blocks[1]])]
        notes += shared_notes(*blocks)
        _show_notes(messages, notes)
        samples = as_samples(
            table,
            blocks,
            drop_missing=drop_missing,
            scale=scale.value,
            classes=class_blocks(row),
        )
        notes += _note_samples(messages, samples)
        # A training shows a bar of its own.
        waiting = nullcontext() if row.trains else messages.status(f"{samples.n} samples")
        with waiting, _shown_warnings(messages):
            found = fastmi.mi(*samples.blocks, method=method, **options)
    estimates = found if isinstance(found, list) else [found]
    cautions = [in_options(item.warnings, scaled=samples.scaled) for item in estimates]
    x_names, y_names = ([column.name for column in block] for block in blocks)
    if as_json:
        rows = [
            {
                "k": item.k,
                "algorithm": item.algorithm,
                "device": item.device,
                "terms": {name: documents.json_number(term) for name, term in item.terms.items()},
            }
            | documents.correction_dict(item, unit)
            | documents.estimate_dict(float(item), item.stderr, own, unit)
            for item, own in zip(estimates, cautions, strict=True)
        ]
        head = {"data": str(data), "x": x_names, "y": y_names}
        settings = documents.settings(samples, row, options, unit, estimates[0].seconds, notes)
        documents.print_json(head | settings | {"estimates": rows})
        return
    title = ", ".join(
        [
            f"I({render.shortened(x_names)} ; {render.shortened(y_names)})",
            f"n = {samples.n}",
            method,
            _describe(samples),
            render.duration(estimates[0].seconds),
        ]
    )
    render.show_estimates(render.console_for("stdout"), title, estimates, unit)
    for text in dict.fromkeys(text for own in cautions for text in own):
        render.remark(messages, text, text)


@app.command(short_help="MI of every two columns.")
def matrix(
    data: Data,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMNS",
            help="Columns to pair: names, indices or ranges; a,b or 0:3.  [default: all numbers]",
            show_default=False,
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option("--k", metavar="N", help="Neighbours.  [default: 3]", show_default=False),
    ] = None,
    method: MethodName = "ksg1",
    option: MethodOptions = None,
    scale: Scaling = Scale.STD,
    noise: Noise = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    top: Annotated[
        int, typer.Option(min=0, metavar="N", help="How many of the strongest pairs to list.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", readable=False, help="Write the matrix to FILE.csv or FILE.parquet."
        ),
    ] = None,
    drop_missing: DropMissing = False,
    header: Header = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Mutual information between every two columns.

    Columns have different units as a rule, and KSG compares distances across them: each column is
    scaled to unit standard deviation unless told --scale none.
    """
    unit = "bits" if bits else "nats"
    with _reported_errors() as messages:
        row = find(MI_METHODS, method)
        options = parse_options(method, option)
        options |= _given(k=k, noise=noise, seed=seed, n_jobs=n_jobs)
        if out is not None:
            check_writable(out)
        with _shown_warnings(messages):
            table = read_table(data, header=header)
        classes = class_blocks(row) == (0, 1)
        chosen = table.select(columns) if columns else usable_columns(table, classes=classes)
        left = [] if columns else left_out(table, classes=classes)
        notes = [*table.notes, *shape_notes(table), *left, *notes_on(chosen)]
        _show_notes(messages, notes)
        pairs = len(chosen) * (len(chosen) - 1) // 2
        if not pairs:
            raise DataError(f"a matrix needs at least two columns of numbers; got {len(chosen)}")
        if pairs > MOST_PAIRS:
            raise DataError(
                f"{len(chosen)} columns make {pairs:,} pairs; this command takes {MOST_PAIRS:,}. "
                "Choose columns, for example --columns 0:100"
            )
        samples = as_samples(
            table,
            [[column] for column in chosen],
            drop_missing=drop_missing,
            scale=scale.value,
            classes=range(len(chosen)) if classes else (),
            as_codes=True,
        )
        notes += _note_samples(messages, samples)
        with _progress(messages) as progress, _shown_warnings(messages):
            task = progress.add_task("pairs of columns", total=pairs)
            result = all_pairs(
                [column.name for column in chosen],
                samples.blocks,
                options={"method": method, **options},
                scaled=samples.scaled,
                advance=lambda: progress.advance(task),
            )
    failure = "" if out is None else _write(result, out, unit)
    if as_json:
        head = {"data": str(data), "columns": list(result.names), "k": result.k}
        settings = documents.settings(samples, row, options, unit, result.seconds, notes)
        documents.print_json(head | settings | {"pairs": documents.pair_dicts(result, unit)})
        _end_with(messages, failure)
        return
    console = render.console_for("stdout")
    parts = [f"MI in {unit}", f"n = {samples.n}"]
    parts += [] if result.k is None else [f"k = {result.k}"]
    parts += [method, _describe(samples), render.duration(result.seconds)]
    render.show_matrix(console, ", ".join(parts), result, unit)
    if top:
        console.print()
        render.show_strongest(console, result, top, unit)
    render.summarise_warnings(messages, result)
    _end_with(messages, failure)
    if out is not None:
        render.note(messages, f"matrix written to {out}")
        if result.tied():
            render.note(messages, f"it holds {len(result.tied())} starred value(s) without a mark")


@app.command(short_help="Methods and their options.")
def methods(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="List the options of this method instead."),
    ] = None,
) -> None:
    """Estimators for --method, or the options of one of them."""
    console = render.console_for("stdout")
    if name is None:
        render.show_methods(console, list(MI_METHODS.values()))
        return
    with _reported_errors():
        row = find(MI_METHODS, name)
        rows = option_rows(row)
    render.show_options(console, row, rows)


@app.command(short_help="How fastmi was built.")
def info(as_json: Json = False) -> None:
    """Version, SIMD level, threads and CUDA state."""
    config = fastmi.config()
    if as_json:
        documents.print_json(config)
    else:
        render.show_config(render.console_for("stdout"), config)


@contextmanager
def _reported_errors() -> Iterator[Console]:
    """Yield the console for messages; print an error in the data or options and exit with 1."""
    messages = render.console_for("stderr")
    try:
        yield messages
    except DataError as error:
        render.fail(messages, *error.lines)
        raise typer.Exit(error.code) from error
    except (ImportError, OSError, TypeError, ValueError) as error:
        render.fail(messages, " ".join(str(error).split()))
        raise typer.Exit(1) from error
    except (ArithmeticError, MemoryError, RuntimeError) as error:
        render.fail(messages, reason(error))
        raise typer.Exit(1) from error


@contextmanager
def _shown_warnings(messages: Console) -> Iterator[None]:
    """Show warnings of Python as the other messages are, and leave those out that results hold."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    others = [each for each in caught if not issubclass(each.category, fastmi.EstimateWarning)]
    for text in dict.fromkeys(str(each.message) for each in others):
        render.warn(messages, text)


def _write(result: PairMatrix, out: Path, unit: str) -> str:
    """Write the matrix and return what went wrong: what took hours is to be printed even so."""
    try:
        write_matrix(result, out, unit)
    except (OSError, ValueError, MemoryError) as error:
        return f"cannot write {out}: {reason(error)}"
    return ""


def _end_with(messages: Console, failure: str) -> None:
    if failure:
        render.fail(messages, failure)
        raise typer.Exit(1)


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


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that the user gave, because not every method has them all."""
    return {name: value for name, value in options.items() if value is not None}


def _describe(samples: Samples) -> str:
    return "unit deviation" if samples.scaled else "not scaled"


def _show_notes(messages: Console, notes: list[str]) -> None:
    for text in notes:
        render.note(messages, text)


def _note_samples(messages: Console, samples: Samples) -> list[str]:
    notes = [samples.describe_dropped()] if samples.dropped else []
    notes += [samples.describe_rounded()] if samples.rounded else []
    _show_notes(messages, notes)
    return notes
