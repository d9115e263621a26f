"""Markdown tables for the JSON of the benches of accuracy: errors, coverage, levels of tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from result_tables import Result, markdown_table
from timing import format_seconds


def estimators_table(result: Result) -> str:
    rows = []
    for row in result["rows"]:
        head = [row["quantity"], row["sample"], row["dims"], str(row["n"]), str(row["runs"])]
        neighbors = "" if row["k"] is None else str(row["k"])
        numbers = [f"{row[name]:.3f}" for name in ("truth", "bias", "sd", "rmse")]
        rows.append([*head, row["estimator"], neighbors, *numbers, f"{row['from_definition']:.0e}"])
    header = ["quantity", "sample", "d", "n", "runs", "estimator", "k"]
    return markdown_table([*header, "truth", "bias", "sd", "rmse", "from definition"], rows)


def error_bars_table(result: Result) -> str:
    rows = [
        [
            row["error_bar"],
            row["law"],
            str(row["d"]),
            str(row["n"]),
            str(row["runs"]),
            *(f"{row[name]:.4f}" for name in ("bias", "sd", "stderr")),
            f"{row['stderr'] / row['sd']:.2f}",
            *(f"{row[name]:.1%}" for name in ("mean_68", "mean_95", "truth_68", "truth_95")),
        ]
        for row in result["rows"]
    ]
    header = ["error bar", "law", "d", "n", "runs", "bias", "sd", "its mean", "ratio"]
    return markdown_table(
        [*header, "68 % of mean", "95 % of mean", "68 % of truth", "95 % of truth"], rows
    )


def size_curve_table(result: Result) -> str:
    rows = []
    for row in result["rows"]:
        whole, half, quarter, _ = row["means"]
        values = [row["truth"], quarter, half, whole, row["extrapolated"]]
        errors = [row["sd"], row["error"], row["extrapolated_sd"], row["extrapolated_error"]]
        head = [f"{row['rho']:g}", str(row["d"]), str(row["n"]), str(row["runs"])]
        rows.append([*head, *(f"{x:.3f}" for x in [*values, *errors]), f"{row['warned']:.0%}"])
    header = ["rho", "d", "n", "runs", "truth", "from n / 4", "from n / 2", "from n"]
    header += ["extrapolated", "sd from n", "its error", "sd extrapolated", "its error", "warned"]
    return markdown_table(header, rows)


def discrete_table(result: Result) -> str:
    """Mean errors, arithmetic and geometric, by samples per effective symbol and by singles."""
    groups = {
        "H, all": lambda row: row["quantity"] == "entropy",
        "H, n < exp(H)": lambda row: _per_symbol(row) < 1,
        "H, n from exp(H) to 10 exp(H)": lambda row: 1 <= _per_symbol(row) < 10,
        "H, n above 10 exp(H)": lambda row: 10 <= _per_symbol(row) < math.inf,
        "I, all": lambda row: row["quantity"] == "mi",
        "I, up to 5 % alone": lambda row: row["quantity"] == "mi" and row["singles"] <= 0.05,
        "I, above 5 % alone": lambda row: row["quantity"] == "mi" and row["singles"] > 0.05,
        "I = 0, up to 5 % alone": lambda row: (
            row["quantity"] == "mi" and row["singles"] <= 0.05 and row["truth"] < 1e-9
        ),
    }
    corrections = list(result["rows"][0]["error"])
    table = []
    for name, belongs in groups.items():
        rows = [row for row in result["rows"] if belongs(row)]
        if not rows:
            continue
        errors = [[row["error"][correction] for row in rows] for correction in corrections]
        off = [
            sum(e > max(0.05, 0.1 * row["truth"]) for e, row in zip(own, rows, strict=True))
            for own in errors
        ]
        cells = [
            f"{sum(own) / len(own):.3f} ({math.exp(sum(map(math.log, own)) / len(own)):.4f}), {o}"
            for own, o in zip(errors, off, strict=True)
        ]
        table.append([name, str(len(rows)), *cells])
    return markdown_table(["laws and n", "rows", *corrections], table)


def kinds_table(result: Result) -> str:
    """Mean errors of each method over the pairs of kinds, and the worst of them."""
    table = []
    keys = sorted({(row["n"], row["rho"]) for row in result["rows"]})
    for n, rho in keys:
        for method in ("by kind", "mesner", "ksg1"):
            rows = [
                row
                for row in result["rows"]
                if (row["n"], row["rho"]) == (n, rho) and method in row
            ]
            errors = [abs(row[method]["error"]) for row in rows]
            worst = max(rows, key=lambda row: abs(row[method]["error"]))
            beyond = sum(abs(row[method]["error"]) > row[method]["sd"] for row in rows)
            table.append(
                [
                    str(n),
                    f"{rho:g}",
                    method,
                    str(len(rows)),
                    f"{sum(errors) / len(errors):.3f}",
                    f"{beyond}",
                    f"{worst[method]['error']:+.3f} ({worst['x']}, {worst['y']}; "
                    f"I = {worst['truth']:.2f})",
                ]
            )
    head = ["n", "rho", "method", "pairs", "mean abs. bias", "bias above its sd", "worst bias"]
    return markdown_table(head, table)


def _per_symbol(row: dict[str, Any]) -> float:
    return row["n"] / math.exp(row["truth"]) if row["quantity"] == "entropy" else math.inf


def rejections_table(result: Result) -> str:
    rows = []
    for row in result["rows"]:
        null, alternative = row["null"], row["alternative"]
        # Three binomial standard errors around a level of 5 %.
        most = 0.05 + 3.0 * (0.05 * 0.95 / row["runs"]) ** 0.5
        level = "holds" if null["rejected"] <= most else "exceeded"
        used = "" if row["scheme"] != "default" else f" ({', '.join(null['used'])})"
        rows.append(
            [
                row["kind"],
                row["scheme"] + used,
                str(row["n"]),
                f"{row['runs']} x {row['surrogates']}",
                f"{null['rejected']:.1%}",
                level,
                f"{row['correlation']:g}",
                f"{alternative['rejected']:.0%}",
                ", ".join(f"{kind} {share:.0%}" for kind, share in null["warned"].items()),
            ]
        )
    header = [
        "data",
        "scheme",
        "n",
        "runs x surrogates",
        "null",
        "level 5 %",
        "correlation",
        "alternative",
    ]
    return markdown_table([*header, "warned under the null"], rows)


def networks_table(result: Result) -> str:
    """Return false and true links of each method on each simulated network."""
    rows = [
        [
            row["system"],
            row["method"],
            str(row["n"]),
            str(row["runs"]),
            f"{row['false_share']:.1%}",
            f"{row['any_false']:.0%}",
            "" if row["true_share"] is None else f"{row['true_share']:.0%}",
            f"{row['seconds']:.2g} s",
        ]
        for row in result["rows"]
    ]
    header = ["series", "method", "n", "runs", "false of found", "any false", "true found", "time"]
    return markdown_table(header, rows)


def neural_defaults_table(result: Result) -> str:
    """Estimates of every method on every task, mean over seeds, and its slowest call."""
    return _by_method(
        result,
        lambda row: [row["estimate"]],
        lambda rows: f"{max(r['seconds'] for r in rows):.0f} s",
    )


def neural_margins_table(result: Result) -> str:
    """Estimates with columns standardised, squashed, and as the default chooses."""
    return _by_method(
        result, lambda row: [row["standard"], row["asinh"], row["auto"]], lambda _: ""
    )


def _by_method(
    result: Result,
    values: Callable[[Result], list[float]],
    last: Callable[[list[Result]], str],
) -> str:
    rows = result["rows"]
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    truths = {row["task"]: row["truth"] for row in rows}
    body = []
    for method in methods:
        own = [row for row in rows if row["method"] == method]
        cells = []
        for task in tasks:
            runs = [values(row) for row in own if row["task"] == task]
            means = [sum(each) / len(each) for each in zip(*runs, strict=True)]
            cells.append(", ".join(f"{mean:.2f}" for mean in means))
        body.append([method, *cells, last(own)])
    head = ["truth", *(f"{task}: {truths[task]:.2f}" for task in tasks), "slowest"]
    width = len(head) if last(rows) else len(head) - 1
    return markdown_table(head[:width], [line[:width] for line in body])


def bmi_table(result: Result) -> str:
    """The methods on BMI and on the laws outside it that nothing was chosen on, at n = 5000."""
    groups = {"bmi": "BMI's 40 tasks", "held back": "Laws outside BMI, held back"}
    parts = []
    for group, title in groups.items():
        rows = [row for row in result["rows"] if (row["group"], row["n"]) == (group, 5000)]
        if rows:
            parts.append(f"{title}:\n\n{bmi_lines(rows)}")
    return "\n\n".join(parts)


def random_laws_table(result: Result) -> str:
    """Errors, warnings and coverage on random laws, all together and by family."""
    rows = [
        [
            row["group"],
            row["method"],
            *(str(row[name]) for name in ("tasks", "right")),
            *(digits(row[name], 3) for name in ("mae", "worst")),
            f"{row['off']}: {row['off_warned']}",
            f"{row['right_in_all']}: {row['right_warned']}",
            f"{row['covered'] / row['intervals']:.0%}" if row["intervals"] else "",
            digits(row["width"], 2),
        ]
        for row in result["rows"]
    ]
    header = ["laws", "method", "tasks", "right", "MAE", "worst", "off: of them warned"]
    header += ["right: of them warned", "intervals hold the truth", "median width / value"]
    return markdown_table(header, rows)


def bmi_lines(rows: list[dict[str, Any]]) -> str:
    """A line for each method."""
    header = [
        "method",
        "tasks",
        "MAE",
        "MAE, dx+dy >= 10",
        "worst",
        "right, by seed",
        "off: of them warned",
        "off by > 30 %: of them warned",
        "right: of them warned",
        "median CPU time",
    ]
    lines = [
        [
            row["label"],
            str(row["tasks"]) + (f", {row['refused']} refusals" if row["refused"] else ""),
            *(digits(row[name], 3) for name in ("mae", "mae_many", "worst")),
            ", ".join(map(str, row["right"])),
            *(
                f"{row[whole]}: {row[part]}"
                for whole, part in (
                    ("off", "off_warned"),
                    ("far", "far_warned"),
                    ("right_in_all", "right_warned"),
                )
            ),
            "" if row["seconds"] is None else format_seconds(row["seconds"]),
        ]
        for row in rows
    ]
    return markdown_table(header, lines)


def digits(number: float | None, places: int) -> str:
    """The number with so many decimal places; nothing where there is none."""
    if number is None:
        return ""
    return f"{number:.{places}f}" if abs(number) < 1e4 else f"{number:.0e}"
