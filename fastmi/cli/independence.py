"""The command `test`: whether two blocks of columns are independent, given a third or not."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from rich.console import Console
from rich.text import Text

import fastmi
from fastmi.cli import documents, render
from fastmi.cli.frames import holds_words
from fastmi.cli.notes import in_options, notes_on, shape_notes, shared_notes
from fastmi.cli.options import (
    Bits,
    BlockLength,
    CountOfTest,
    Data,
    DropMissing,
    Header,
    Jobs,
    Json,
    MethodOfTest,
    MethodOptions,
    Neighbours,
    Noise,
    Plot,
    Scale,
    Scaling,
    Scheme,
    Seed,
    columns_option,
    parse_options,
    parse_permutations,
)
from fastmi.cli.pairs import in_unit
from fastmi.cli.readers import read_table
from fastmi.cli.samples import as_samples, class_blocks
from fastmi.cli.session import (
    check_picture,
    draw,
    end_with,
    given,
    note_samples,
    progress_of,
    reported_errors,
    show_notes,
    shown_warnings,
)
from fastmi.cli.tables import say_written
from fastmi.estimators import CMI_METHODS, MI_METHODS
from fastmi.estimators._lookup import find

_TICKS = " ▁▂▃▄▅▆▇█"
_WIDEST = 60


def independence(
    data: Data,
    x: Annotated[
        list[str], columns_option("--x", "Columns of X: names, indices or ranges; a,b or 0:3.")
    ],
    y: Annotated[list[str], columns_option("--y", "Columns of Y.")],
    condition: Annotated[
        list[str] | None,
        columns_option(
            "--given", "Columns that are held fixed; a dependence through them is none."
        ),
    ] = None,
    drop_missing: DropMissing = False,
    header: Header = None,
    k: Neighbours = None,
    method: MethodOfTest = None,
    option: MethodOptions = None,
    scale: Scaling = Scale.STD,
    noise: Noise = None,
    seed: Seed = None,
    n_jobs: Jobs = None,
    permutations: CountOfTest = "200",
    scheme: Scheme = None,
    block_length: BlockLength = None,
    plot: Plot = None,
    bits: Bits = False,
    as_json: Json = False,
) -> None:
    """Test whether X and Y are independent, or independent given further columns.

    The information is compared with that of random orders of the rows. The p-value says how often
    those have as much; --given removes what X and Y have in common through other columns.
    """
    unit = "bits" if bits else "nats"
    with reported_errors() as messages:
        count = parse_permutations(permutations, auto=False)
        table_of = CMI_METHODS if condition else MI_METHODS
        row = None if method is None else find(table_of, method)
        options = {} if row is None else parse_options(row.name, option, table_of)
        options |= given(k=k, noise=noise, seed=seed, n_jobs=n_jobs, method=method)
        options |= given(scheme=scheme, block_length=block_length, n_permutations=count)
        check_picture(plot)
        with shown_warnings(messages):
            table = read_table(data, header=header)
        blocks = [table.select(specs) for specs in (x, y, condition) if specs]
        notes = [*table.notes, *shape_notes(table), *notes_on([c for b in blocks for c in b])]
        notes += shared_notes(blocks[0], blocks[1])
        show_notes(messages, notes)
        if row is None:
            classes = [at for at, block in enumerate(blocks) if any(map(holds_words, block))]
        else:
            both = class_blocks(row) == (0, 1)
            classes = list(range(len(blocks))) if both else list(class_blocks(row))
        samples = as_samples(
            table, blocks, drop_missing=drop_missing, scale=scale.value, classes=classes
        )
        notes += note_samples(messages, samples)
        arrays = [block[:, 0] if block.shape[1] == 1 else block for block in samples.blocks]
        with progress_of(messages, "surrogates", int(count)) as advance, shown_warnings(messages):
            result = fastmi.permutation_test(*arrays, progress=advance, **options)
    failure = draw("null", lambda: result, plot, unit=unit)
    estimate = result.estimate
    cautions = in_options(
        list({str(each): each for each in (*estimate.warnings, *result.warnings)}.values()),
        scaled=samples.scaled,
    )
    names = [[column.name for column in block] for block in blocks]
    if as_json:
        document = {
            "data": str(data),
            "x": names[0],
            "y": names[1],
            "given": names[2] if condition else [],
            "n": samples.n,
            "dropped": samples.dropped,
            "method": estimate.method,
            "options": {name: value for name, value in options.items() if name != "method"},
            "scale": (Scale.STD if samples.scaled else Scale.NONE).value,
            "scheme": result.scheme,
            **documents.closing(unit, estimate.seconds, notes),
            **documents.estimate_dict(float(estimate), estimate.stderr, cautions, unit),
            "p_value": result.p_value,
            "z_score": documents.json_number(result.z_score),
            "null": [documents.json_number(in_unit(each, unit)) for each in result.null.tolist()],
        }
        documents.print_json(document)
        end_with(messages, failure)
        return
    _show(render.console_for("stdout"), result, names, samples.n, samples.describe_scale(), unit)
    for caution in cautions:
        render.remark(messages, caution, str(caution))
    end_with(messages, failure)
    say_written(messages, "test", None, plot)


def _show(
    console: Console,
    result: Any,
    names: Sequence[Sequence[str]],
    n: int,
    scale: str,
    unit: str,
) -> None:
    """Print the estimate beside the values of the surrogates."""
    estimate, null = result.estimate, result.null
    blocks = [render.shortened(each) for each in names]
    about = f"I({blocks[0]} ; {blocks[1]}" + (f" | {blocks[2]})" if len(blocks) > 2 else ")")
    count = f"{len(null)} surrogates by {result.scheme}"
    render.show_title(console, [f"{about} in {unit}", f"n = {n}", estimate.method, scale, count])
    table = render.plain_table()
    for heading in (f"MI ({unit})", "± stderr", "surrogates", "z", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    # Rounded before, so that there is no minus zero.
    mean, deviation = (
        round(in_unit(float(each), unit), 4) + 0.0 for each in (null.mean(), null.std())
    )
    table.add_row(
        Text(f"{in_unit(float(estimate), unit):.4f}", style="bold"),
        Text(f"{in_unit(estimate.stderr, unit):.4f}"),
        Text(f"{mean:.4f} ± {deviation:.4f}"),
        Text("-" if np.isnan(result.z_score) else f"{result.z_score:.1f}"),
        Text(f"{result.p_value:.2g}", style="bold"),
    )
    console.print(table)
    if line := _histogram(null, float(estimate), min(_WIDEST, console.width)):
        console.print(line)


def _histogram(null: Any, value: float, width: int) -> Text | None:
    """Return a line with the histogram of the surrogates and a mark at the estimate."""
    everything = np.append(null, value)
    if not np.isfinite(everything).all() or np.ptp(everything) == 0 or width < 20:
        return None
    counts, edges = np.histogram(null, bins=width, range=(everything.min(), everything.max()))
    heights = np.ceil(counts / counts.max() * (len(_TICKS) - 1)).astype(int)
    line = Text("".join(_TICKS[height] for height in heights), style="dim")
    place = min(int(np.searchsorted(edges, value, side="right")) - 1, width - 1)
    return Text.assemble(line[:place], ("▲", "bold"), line[place + 1 :])
