"""The command `lag`: mutual information of two series at several lags."""

from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

import fastmi
from fastmi._cautions import Caution
from fastmi.cli import documents, render
from fastmi.cli.bars import Bar, Headings, show_bars
from fastmi.cli.columns import DataError
from fastmi.cli.help import DATA
from fastmi.cli.notes import in_options, notes_on, shape_notes
from fastmi.cli.options import (
    Bits,
    Data,
    Header,
    Jobs,
    Json,
    MethodName,
    MethodOptions,
    Neighbours,
    Noise,
    Out,
    Plot,
    Rotations,
    Scale,
    Scaling,
    Seed,
    columns_option,
    parse_options,
    parse_permutations,
)
from fastmi.cli.pairs import in_unit, write_rows
from fastmi.cli.readers import read_table
from fastmi.cli.samples import as_samples
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
from fastmi.cli.steps import step_cautions
from fastmi.cli.tables import check_outputs, say_written, written
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find

#: What the commands on series say of gaps.
NO_GAPS = "a series has none: fill them, or take rows without gaps"
_LEVEL = 0.05


def lag(
    data: Data,
    x: Annotated[list[str], columns_option("--x", "Column of X; several are one series.")],
    y: Annotated[list[str], columns_option("--y", "Column of Y.")],
    max_lag: Annotated[
        int,
        typer.Option(
            "--max-lag",
            metavar="N",
            help="Largest lag in rows; at positive lags X is earlier than Y.",
            rich_help_panel=DATA,
        ),
    ],
    min_lag: Annotated[
        int | None,
        typer.Option(
            "--min-lag",
            metavar="N",
            help="Smallest lag.  [default: the largest one with the other sign]",
            show_default=False,
            rich_help_panel=DATA,
        ),
    ] = None,
    header: Header = None,
    k: Neighbours = None,
    method: MethodName = "ksg1",
    option: MethodOptions = None,
    scale: Scaling = Scale.STD,
    noise: Noise = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    permutations: Rotations = None,
    out: Out = None,
    plot: Plot = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Mutual information of two series at several lags.

    Rows are times at equal steps. With --permutations each lag is compared with rotations of X,
    which keep the autocorrelation of both series; "p (all)" is the p-value of a lag among all lags.
    """
    unit = "bits" if bits else "nats"
    with reported_errors() as messages:
        lags = _lags(min_lag, max_lag)
        row = find(MI_METHODS, method)
        options = parse_options(method, option)
        options |= given(k=k, noise=noise, seed=seed, n_jobs=n_jobs)
        count = int(parse_permutations(permutations, auto=False))
        check_outputs(out, plot)
        with shown_warnings(messages):
            table = read_table(data, header=header)
        blocks = [table.select(x), table.select(y)]
        notes = [*table.notes, *shape_notes(table), *notes_on([*blocks[0], *blocks[1]])]
        show_notes(messages, notes)
        steps = step_cautions(table.columns)
        for text in steps:
            render.warn(messages, text)
        samples = as_samples(table, blocks, drop_missing=False, scale=scale.value, advice=NO_GAPS)
        notes += [*steps, *note_samples(messages, samples)]
        with progress_of(messages, "rotations", count) as advance, shown_warnings(messages):
            tested: dict[str, Any] = {}
            if count:
                tested = {"n_permutations": count, "progress": advance}
            first, second = samples.blocks
            result = fastmi.lagged_mi(first, second, lags, method=row.name, **options, **tested)
    rows = _rows(result)
    cautions = in_options(_cautions(result), scaled=samples.scaled)
    failures = [
        written(out, lambda path: write_rows(rows, path, unit)),
        draw("lags", lambda: result, plot, unit=unit),
    ]
    names = [[column.name for column in block] for block in blocks]
    if as_json:
        found = [
            {name: documents.json_number(column[at]) for name, column in rows.items()}
            | documents.estimate_dict(rows["mi"][at], rows["stderr"][at], (), unit)
            | ({"band": _in(rows["band"][at], unit)} if "band" in rows else {})
            for at in range(len(lags))
        ]
        for each in found:
            each.pop("warnings")
        head = {"data": str(data), "x": names[0], "y": names[1]}
        about = documents.settings(samples, row, {**options, "n_permutations": count})
        common = documents.closing(unit, sum(each.seconds for each in result.estimates), notes)
        warned = [{"kind": each.kind, "text": str(each)} for each in cautions]
        documents.print_json(head | about | common | {"warnings": warned, "lags": found})
        end_with(messages, *failures)
        return
    console = render.console_for("stdout")
    series = [render.shortened(each) for each in names]
    parts = [f"I({series[0]} at t ; {series[1]} at t + lag) in {unit}", f"n = {samples.n}", method]
    parts += [samples.describe_scale(), *([f"{count} rotations"] if count else [])]
    render.show_title(console, parts)
    _show(console, rows, unit, *series)
    for caution in cautions:
        render.remark(messages, caution, str(caution))
    end_with(messages, *failures)
    say_written(messages, "table of lags", out, plot)


def _lags(low: int | None, high: int) -> list[int]:
    low = -abs(high) if low is None else low
    high = abs(high) if low == -abs(high) else high
    if low > high:
        raise DataError(f"--min-lag must be at most --max-lag; got {low} and {high}")
    return list(range(low, high + 1))


def _rows(result: Any) -> dict[str, list[Any]]:
    """Return what is known of each lag, by name; without a test there are no p-values."""
    rows: dict[str, list[Any]] = {
        "lag": result.lags.tolist(),
        "mi": [float(each) for each in result.estimates],
        "stderr": [each.stderr for each in result.estimates],
        "n": [each.n for each in result.estimates],
    }
    for name in ("p_value", "p_corrected", "band"):
        found = getattr(result, name)
        if found is not None:
            rows[name] = np.asarray(found, dtype=float).tolist()
    return rows


def _cautions(result: Any) -> list[Caution]:
    found = list(result.warnings)
    found += [each for estimate in result.estimates for each in estimate.warnings]
    return list({each.kind: each for each in found}.values())


def _show(console: Console, rows: dict[str, list[Any]], unit: str, x: str, y: str) -> None:
    """Print a line for each lag, and which of them stands out."""
    tests = [name for name in ("p_value", "p_corrected", "band") if name in rows]
    bars = [
        Bar(
            (f"{lag:+d}" if lag else "0",),
            rows["mi"][at],
            rows["stderr"][at],
            {name: rows[name][at] for name in tests},
        )
        for at, lag in enumerate(rows["lag"])
    ]
    show_bars(console, Headings("lag"), bars, unit)
    console.print(Text(_said(rows, x, y), style="bold"))


def _said(rows: dict[str, list[Any]], x: str, y: str) -> str:
    """Say which lag stands out, and what its sign means."""
    tested = "p_corrected" in rows
    smallest = min(rows["p_corrected"]) if tested else 0.0
    among = [
        at for at in range(len(rows["lag"])) if not tested or rows["p_corrected"][at] == smallest
    ]
    best = max(among, key=lambda at: rows["mi"][at])
    lag = rows["lag"][best]
    order = "at the same time"
    if lag:
        rows_of = f"{abs(lag)} row{'s' * (abs(lag) != 1)}"
        order = f"{x if lag > 0 else y} is {rows_of} earlier"
    if not tested:
        return f"largest at lag {lag} ({order}); --permutations 200 tells whether it is chance"
    if smallest > _LEVEL:
        return f"no lag stands out (p = {smallest:.2g} among all lags)"
    return f"lag {lag} stands out: {order} (p = {smallest:.2g} among all lags)"


def _in(value: float, unit: str) -> float | str:
    return documents.json_number(in_unit(value, unit))
