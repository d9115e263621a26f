"""Tables of the benches about columns and their target, as Markdown."""

from __future__ import annotations

from typing import Any

from result_tables import Result, markdown_table
from timing import format_seconds


def selection_table(result: Result) -> str:
    """Mean scores of three models by selector and number of columns; the best of a data set."""
    rows = result["rows"]
    kept = sorted({row["kept"] for row in rows if row["seconds"] is not None})
    lines = []
    for data in dict.fromkeys(row["data"] for row in rows):
        own = [row for row in rows if row["data"] == data]
        best = {m: max(row["mean"] for row in own if row["kept"] == m) for m in kept}
        for selector in dict.fromkeys(row["selector"] for row in own):
            cells = {row["kept"]: row for row in own if row["selector"] == selector}
            last = cells[max(cells)]
            if last["seconds"] is None:
                text = f"{last['mean']:.3f} with all {last['columns']}"
                lines.append([data, last["score"], selector, text, *[""] * len(kept)])
                continue
            scores = [_score(cells[m], best[m]) for m in kept]
            spent = format_seconds(last["seconds"])
            lines.append([data, last["score"], selector, *scores, spent])
    header = ["data", "score", "selector", *(f"{m} columns" for m in kept)]
    return markdown_table([*header, f"time for {kept[-1]}"], lines)


def _score(row: dict[str, Any], best: float) -> str:
    text = f"{row['mean']:.3f} ± {row['stderr']:.3f}"
    return f"**{text}**" if row["mean"] == best else text


def features_table(result: Result) -> str:
    """Seconds of one call for a whole table; ratios are to fastmi with the data frame."""
    rows = [
        [
            row["target"],
            str(row["n"]),
            str(row["columns"]),
            candidate,
            format_seconds(seconds),
            f"{row['ratios'][candidate]:.1f}x" if candidate in row["ratios"] else "",
        ]
        for row in result["rows"]
        for candidate, seconds in row["seconds"].items()
    ]
    return markdown_table(["target", "n", "columns", "candidate", "time", "ratio"], rows)


def terms_table(result: Result) -> str:
    """Mean and deviation of estimates by law and kinds of columns, a column for each n."""
    sizes = sorted({row["n"] for row in result["rows"]})
    cells: dict[tuple[str, str, float], dict[int, str]] = {}
    for row in result["rows"]:
        key = (row["law"], row["kinds"], row["truth"])
        cells.setdefault(key, {})[row["n"]] = f"{row['mean']:.3f} ± {row['sd']:.3f}"
    rows = [
        [law, kinds, f"{truth:.3f}", *(of[n] for n in sizes)]
        for (law, kinds, truth), of in cells.items()
    ]
    header = ["law", "kinds of x, y, z", "I(X; Y \\| Z)"]
    return markdown_table([*header, *(f"n = {n}" for n in sizes)], rows)


def fdr_table(result: Result) -> str:
    """Level of p-values, discoveries among many features, and what the tests cost."""
    small = ("0.05", "0.01")
    levels = [
        [
            row["kinds"],
            str(row["n"]),
            *(f"{row[f'p <= {a}']:.4f} ± {row[f'error of p <= {a}']:.4f}" for a in small),
        ]
        for row in result["level"]
    ]
    found = [
        [
            f"{row['true']} of {row['noise'] + row['true']}",
            row["way"],
            f"{row['false_share']:.3f}",
            f"{row['any_false']:.2f}",
            f"{row['power']:.2f}",
            format_seconds(row["seconds"]),
        ]
        for row in result["discoveries"]
    ]
    made, pair = result["surrogates"], result["one_pair"]
    return "\n\n".join(
        [
            "Share of independent pairs with a small p-value:",
            markdown_table(["columns", "n", *(f"p <= {a}" for a in small)], levels),
            f"Features called dependent at 5 %, n = {result['discoveries'][0]['n']}:",
            markdown_table(
                ["true", "called by", "false share", "any false", "power", "time"], found
            ),
            f"Of at most {made['most']} surrogates, tests that stop early make {made['mean']:.0f} "
            f"on average for independent samples (median {made['median']:.0f}), and "
            f"{made['dependent']} for dependent ones, n = {made['n']}.",
            f"One dependent pair among {pair['columns']} columns, n = {pair['n']}: "
            f"{pair['significant']} of {pair['pairs']} pairs have q <= .05, {pair['p <= 0.05']} "
            f"have p <= .05; {format_seconds(pair['seconds'])}.",
            f"```text\n{pair['top']}\n```",
        ]
    )
