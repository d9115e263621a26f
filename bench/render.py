"""Turn the JSON of the benches into Markdown, and keep the copies in the READMEs up to date.

python bench/render.py bench/results/*.json           # print
python bench/render.py bench/results/*.json --write   # between the markers of both README.md
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import accuracy_tables
import result_tables
import selection_tables
from result_tables import Result, caption, front_page_table, gpu_table

README = Path(__file__).with_name("README.md")
FRONT_PAGE = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
GPU_MARKERS = ("<!-- gpu:begin -->", "<!-- gpu:end -->")

# Heading and table of each bench, in the order of the README.
TABLES: dict[str, tuple[str, Callable[[Result], str]]] = {
    "mi": ("Mutual information against other libraries", result_tables.mi_table),
    "ceiling": ("Measured ceiling", result_tables.ceiling_table),
    "growth": ("Growth with n", result_tables.growth_table),
    "memory": ("Memory", result_tables.memory_table),
    "gpu": ("On a GPU", result_tables.gpu_table),
    "threads": ("Threads", result_tables.threads_table),
    "sweep": ("Scale sweep", result_tables.sweep_table),
    "pairwise": ("Every pair of columns", result_tables.pairwise_table),
    "permutation": ("Permutation test", result_tables.permutation_table),
    "bnaf": ("Training step of a block autoregressive flow, float32", result_tables.bnaf_table),
    "bnaf_gpu": ("The same on a GPU", result_tables.bnaf_gpu_table),
    "parity": ("Agreement on real data", result_tables.parity_table),
    "critics_speed": ("Training of critics", result_tables.critics_speed_table),
    "neural_defaults": (
        "Estimators that train a network, n = 5000, 10 + 10 columns, all options at their defaults",
        accuracy_tables.neural_defaults_table,
    ),
    "neural_margins": (
        "Columns standardised, squashed, and as `inputs='auto'` chooses",
        accuracy_tables.neural_margins_table,
    ),
    "algorithms": ("Algorithms", result_tables.algorithms_table),
    "estimators": (
        "Estimators against closed forms and definitions",
        accuracy_tables.estimators_table,
    ),
    "error_bars": ("Coverage of error bars", accuracy_tables.error_bars_table),
    "size_curve": ("Estimates from fewer samples", accuracy_tables.size_curve_table),
    "rejections": ("Level and power of permutation tests", accuracy_tables.rejections_table),
    "networks": (
        "Links of simulated networks at q <= 5 %",
        accuracy_tables.networks_table,
    ),
    "compat": ("Drop-in replacements", result_tables.compat_table),
    "bmi": ("Many tasks with known information, n = 5000", accuracy_tables.bmi_table),
    "random_laws": ("Random laws of 15 families", accuracy_tables.random_laws_table),
    "features": ("Ranking the columns of a wide table", selection_tables.features_table),
    "selection_terms": (
        "Conditional terms of a selection on known laws",
        selection_tables.terms_table,
    ),
    "fdr": ("P-values of many pairs", selection_tables.fdr_table),
    "selection": ("Columns that tell about a target", selection_tables.selection_table),
    "kinds": ("Columns of every kind", accuracy_tables.kinds_table),
    "discrete": ("Corrections of discrete entropy and information", accuracy_tables.discrete_table),
}


def section(result: Result) -> str:
    """Heading, caption and table of one result file."""
    title, table = TABLES[result["bench"]]
    return f"### {title}\n\n{caption(result)}\n\n{table(result)}\n"


def report(result: Result, out: str | None) -> None:
    """Print the table and, if asked, write the JSON."""
    print(TABLES[result["bench"]][1](result))
    if out:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(json.dumps(result, indent=1) + "\n")


def replace_between_markers(text: str, body: str, markers: tuple[str, str] = (BEGIN, END)) -> str:
    """Return text with what stands between the markers replaced by body.

    Raises:
        ValueError: A marker is missing.
    """
    before, begin, rest = text.partition(markers[0])
    _, end, after = rest.partition(markers[1])
    if not begin or not end:
        raise ValueError(f"expected the markers {' and '.join(markers)}")
    return f"{before}{begin}\n\n{body}\n{end}{after}"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("json", nargs="+", type=Path, help="result files of the benches")
    parser.add_argument("--write", action="store_true", help="update the READMEs")
    arguments = parser.parse_args(argv)

    results = [json.loads(path.read_text()) for path in arguments.json]
    order = list(TABLES)
    results.sort(key=lambda result: order.index(result["bench"]))
    body = "\n".join(section(result) for result in results)
    if arguments.write:
        README.write_text(replace_between_markers(README.read_text(), body))
        for result in results:
            if result["bench"] == "mi":
                front = replace_between_markers(FRONT_PAGE.read_text(), front_page_table(result))
                FRONT_PAGE.write_text(front)
            # The front page need not have a place for it: most machines have no GPU.
            if result["bench"] == "gpu" and GPU_MARKERS[0] in FRONT_PAGE.read_text():
                body_of_gpu = f"{gpu_table(result)}\n\n{caption(result)}\n"
                front = replace_between_markers(FRONT_PAGE.read_text(), body_of_gpu, GPU_MARKERS)
                FRONT_PAGE.write_text(front)
    else:
        print(body)


if __name__ == "__main__":
    main()
