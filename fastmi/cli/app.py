"""The program: its commands, of which `mi`, `methods` and `info` are here."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Any, TypeVar

import typer

import fastmi
from fastmi.cli import documents, help, render
from fastmi.cli.independence import independence
from fastmi.cli.lags import lag
from fastmi.cli.matrices import matrix
from fastmi.cli.networks import te
from fastmi.cli.notes import in_options, notes_on, shape_notes, shared_notes
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
    columns_option,
    option_rows,
    parse_ks,
    parse_options,
)
from fastmi.cli.ranking import rank
from fastmi.cli.readers import read_table
from fastmi.cli.samples import as_samples, class_blocks
from fastmi.cli.session import (
    given,
    note_samples,
    reported_errors,
    show_notes,
    shown_warnings,
)
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find

Function = TypeVar("Function", bound=Callable[..., Any])

app = typer.Typer(
    name="fastmi",
    cls=help.Commands,
    help="Mutual information between the columns of a data file: what depends on what, and how "
    "sure that is.",
    no_args_is_help=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "terminal_width": help.WIDTH,
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


def _command(short: str, *examples: str, name: str | None = None) -> Callable[[Function], Function]:
    """Return a decorator that makes a function a command."""
    return app.command(name, short_help=short, epilog="\n".join(examples), cls=help.Command)


_command(
    "Columns by what they tell about one of them.",
    "fastmi rank wine.csv --target cultivar",
    "fastmi rank patients.csv --target outcome --missing pairwise --permutations auto "
    "--plot ranking.png",
)(rank)
_command(
    "MI of every two columns.",
    "fastmi matrix wine.csv --permutations auto --plot matrix.png",
    "fastmi matrix diabetes.csv --columns age,bmi,bp --method ksg1 --k 5",
)(matrix)
_command(
    "P-value of the dependence of two blocks of columns.",
    "fastmi test diabetes.csv --x bmi --y progression --given age,sex",
    "fastmi test series.csv --x rain --y flow --scheme circular --permutations 1000",
    name="test",
)(independence)
_command(
    "MI of two series at several lags.",
    "fastmi lag series.csv --x rain --y flow --max-lag 48 --permutations 200",
    "fastmi lag series.csv --x rain --y flow --min-lag 0 --max-lag 24 --plot lags.png",
)(lag)
_command(
    "Transfer entropy between series.",
    "fastmi te series.csv --max-lag 5 --plot network.png",
    "fastmi te series.csv --source rain --target flow --max-lag 24 --target-history 2",
)(te)


@_command(
    "MI of two blocks of columns.",
    "fastmi mi diabetes.csv --x bmi,bp --y progression --k 3,5",
    "fastmi mi wine.csv --x hue --y cultivar --method ross",
)
def mi(
    data: Data,
    x: Annotated[
        list[str],
        columns_option("--x", "Columns of X: names, indices or ranges; a,b or 0:3."),
    ],
    y: Annotated[list[str], columns_option("--y", "Columns of Y.")],
    k: Annotated[
        str | None,
        typer.Option(
            "--k",
            metavar="N",
            help="Neighbours; several as 3,5,10.  [default: 3]",
            show_default=False,
            rich_help_panel=help.ESTIMATE,
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

    KSG compares distances across columns, so each column of numbers is scaled to unit standard
    deviation unless told --scale none. Methods that take classes take columns of text.
    """
    unit = "bits" if bits else "nats"
    with reported_errors() as messages:
        row = find(MI_METHODS, method)
        options = parse_options(method, option)
        options |= given(k=parse_ks(k), noise=noise, seed=seed, n_jobs=n_jobs)
        options |= given(error=error and error.value)
        with shown_warnings(messages):
            table = read_table(data, header=header)
        blocks = [table.select(x), table.select(y)]
        notes = [*table.notes, *shape_notes(table), *notes_on([*blocks[0], *blocks[1]])]
        notes += shared_notes(*blocks)
        show_notes(messages, notes)
        samples = as_samples(
            table,
            blocks,
            drop_missing=drop_missing,
            scale=scale.value,
            classes=class_blocks(row),
        )
        notes += note_samples(messages, samples)
        # A training shows a bar of its own.
        waiting = nullcontext() if row.trains else messages.status(f"{samples.n} samples")
        with waiting, shown_warnings(messages):
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
        settings = documents.settings(samples, row, options)
        common = documents.closing(unit, estimates[0].seconds, notes)
        documents.print_json(head | settings | common | {"estimates": rows})
        return
    title = ", ".join(
        [
            f"I({render.shortened(x_names)} ; {render.shortened(y_names)})",
            f"n = {samples.n}",
            method,
            samples.describe_scale(),
            render.duration(estimates[0].seconds),
        ]
    )
    render.show_estimates(render.console_for("stdout"), title, estimates, unit)
    for text in dict.fromkeys(text for own in cautions for text in own):
        render.remark(messages, text, text)


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
    with reported_errors():
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
