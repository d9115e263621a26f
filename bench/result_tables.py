"""Markdown tables for the JSON of the benches of speed, and what all tables share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from timing import format_seconds

Result = dict[str, Any]


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """First column left, all others right."""
    lines = [list(header), ["---", *["---:"] * (len(header) - 1)], *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def caption(result: Result) -> str:
    """Where and with what the numbers were measured, one line."""
    m = result["machine"]
    dirty = "+" if m["git_dirty"] else ""
    dtype = f", {result['dtype']}" if "dtype" in result else ""
    return (
        f"{m['cpu']}, {m['threads']} of {m['cores']} cores, SIMD {m['simd_level']}{dtype}, "
        f"fastmi {m['fastmi']} at `{m['git']}{dirty}`, Python {m['python']}, "
        f"NumPy {m['numpy']}. `{m['command']}`"
    )


def _fraction(value: float) -> str:
    return f"{value:.0%}" if value < 10 else f"{value:.0f}x"


def mi_line(row: dict[str, Any]) -> str:
    """One row for the terminal."""
    ratio = "" if row["ratio"] is None else f" {row['ratio']:6.1f}x {row['best_peer']}"
    others = ", ".join(f"{name} {t['text']}" for name, t in row["times"].items())
    return f"{row['case']:14}{ratio}  {row['pair_dims_per_second'] / 1e9:.3g} G/s  [{others}]"


def mi_table(result: Result) -> str:
    """Rows of bench_mi: time of fastmi, ratio to the best rival, every rival's time."""
    rivals = [name for name in result["peers"] if name != "fastmi"]
    header = ["case", "fastmi", "best rival", "ratio", "of ceiling", *rivals]
    rows = []
    for row in result["rows"]:
        times = row["times"]
        rows.append(
            [
                row["case"],
                times["fastmi"]["text"],
                row["best_peer"] or "",
                "" if row["ratio"] is None else f"{row['ratio']:.1f}x",
                _fraction(row["pair_dims_per_second"] / result["ceiling"]),
                *(times[name]["text"] if name in times else "" for name in rivals),
            ]
        )
    versions = "; ".join(
        f"{name} {peer['version']} ({peer['notes']})" for name, peer in result["peers"].items()
    )
    return (
        f"{markdown_table(header, rows)}\n\n"
        f"Ceiling {result['ceiling'] / 1e9:.1f} G pair-dimensions/s. {versions}."
    )


def front_page_table(result: Result) -> str:
    """What a newcomer wants to know of bench_mi: how long, and against whom."""
    rows = [
        [
            row["case"],
            row["times"]["fastmi"]["text"],
            f"{row['best_peer']}, {row['times'][row['best_peer']]['text']}",
            f"{row['ratio']:.1f}x",
            *(
                f"{row['times'][name]['median'] / row['times']['fastmi']['median']:.0f}x"
                if name in row["times"]
                else ""
                for name in ("NPEET", "sklearn x2")
            ),
        ]
        for row in result["rows"]
        if row["best_peer"]
    ]
    header = ["(dx,dy) n", "fastmi", "fastest rival", "ratio", "NPEET", "scikit-learn, 2 processes"]
    return f"{markdown_table(header, rows)}\n\n{caption(result)}\n"


def sweep_table(result: Result) -> str:
    rows = []
    for row in result["rows"]:
        seconds = row["seconds"]
        rivals = [name for name in seconds if name not in ("sweep", "one scale")]
        rows.append(
            [
                row["case"],
                format_seconds(seconds["sweep"]),
                f"{seconds['sweep'] / seconds['one scale']:.2f}x",
                *(
                    f"{format_seconds(seconds[name])} ({seconds[name] / seconds['sweep']:.0f}x)"
                    for name in rivals
                ),
            ]
        )
    header = ["case", "20 scales", "of one evaluation", *(f"{name}, 20 calls" for name in rivals)]
    return markdown_table(header, rows)


_PERMUTATION_COLUMNS = ("test", "mi", "mi of a shuffle", "on one thread")


def pairwise_table(result: Result) -> str:
    names = list(dict.fromkeys(name for row in result["rows"] for name in row["seconds"]))
    rivals = names[1:]
    rows = []
    for row in result["rows"]:
        seconds = row["seconds"]
        own = seconds["pairwise_mi"]
        rows.append(
            [
                f"{row['columns']} columns, n = {row['n']}",
                f"{row['pairs']}",
                format_seconds(own),
                f"{row['pairs'] / own:.3g}",
                *(
                    f"{format_seconds(seconds[name])} ({seconds[name] / own:.1f}x)"
                    if name in seconds
                    else ""
                    for name in rivals
                ),
            ]
        )
    return markdown_table(["case", "pairs", "pairwise_mi", "pairs/s", *rivals], rows)


def permutation_table(result: Result) -> str:
    rivals = [n for n in result["rows"][0]["seconds"] if n not in _PERMUTATION_COLUMNS]
    rows = []
    for row in result["rows"]:
        seconds = row["seconds"]
        test, number = seconds["test"], row["surrogates"]
        rows.append(
            [
                row["case"],
                format_seconds(test),
                *(
                    f"{test / seconds[name]:.0f} x {format_seconds(seconds[name])}"
                    for name in _PERMUTATION_COLUMNS[1:]
                ),
                *(f"{number * seconds[name] / test:.1f}x" for name in rivals),
            ]
        )
    header = ["case", f"test, {number} surrogates", "in calls of mi", "of mi on a shuffle"]
    header += ["of that on one thread", *(f"{name}, {number} calls" for name in rivals)]
    return markdown_table(header, rows)


def ceiling_table(result: Result) -> str:
    rows = [
        [row["dtype"], str(row["threads"]), f"{row['pair_dims_per_second'] / 1e9:.1f} G/s"]
        for row in result["rows"]
    ]
    return markdown_table(["dtype", "threads", "pair-dimensions"], rows)


def growth_table(result: Result) -> str:
    sizes = sorted({row["n"] for row in result["rows"]})
    rows = []
    for case in dict.fromkeys(row["dims"] for row in result["rows"]):
        per_point = {r["n"]: r["seconds"] / r["n"] for r in result["rows"] if r["dims"] == case}
        growth = per_point[max(per_point)] / per_point[min(per_point)]
        cells = [format_seconds(per_point[n]) if n in per_point else "" for n in sizes]
        rows.append([case, *cells, f"{growth:.2f}x"])
    return markdown_table(["time per point", *(f"n = {n:.0e}" for n in sizes), "growth"], rows)


def memory_table(result: Result) -> str:
    rows = [
        [row["peer"], f"{row['above_input_mb']:.0f} MB", f"{row['peak_mb']:.0f} MB"]
        for row in result["rows"]
    ]
    title = f"{result['case']}, input {result['input_mb']:.0f} MB"
    return markdown_table([title, "peak above input", "peak of the process"], rows)


def gpu_table(result: Result) -> str:
    """What bench_gpu measured: estimates, sweeps, batches, and what failed."""
    rows = []
    for row in result["rows"]:
        seconds = row["fastmi"]["median"]
        rival, cpu = row["torch"], row.get("cpu")
        against = "out of memory"
        if "seconds" in rival:
            scaled = "" if rival["rows_timed"] >= 0.9 * rival["of_rows"] else " (scaled)"
            against = f"{rival['seconds'] / seconds:.0f}x{scaled}"
        rows.append(
            [
                f"{row['case']} {row['dtype']}",
                format_seconds(seconds),
                _fraction(row["of_ceiling"]) if "of_ceiling" in row else "",
                against,
                f"{cpu['seconds'] / seconds:.1f}x" if cpu else "",
                ("equal" if row["counts_equal"] else "DIFFERENT") if cpu else "",
            ]
        )
    header = ["case", "fastmi", "of ceiling", "torch.cdist", "fastmi on the CPU", "counts"]
    parts = [markdown_table(header, rows)]
    if result["sweep"]:
        sweeps = [
            f"{row['case']} {row['seconds']['sweep'] / row['seconds']['one scale']:.2f}x"
            for row in result["sweep"]
        ]
        parts.append(f"20 scales, of one evaluation: {', '.join(sweeps)}.")
    if result["batch"]:
        surrogates, pairs = result["batch"]["surrogates"], result["batch"]["pairs"]
        parts.append(
            f"{surrogates['count']} surrogates at {surrogates['case']}: "
            f"{format_seconds(surrogates['seconds'])}, {surrogates['of_one_estimate']:.0f}x one "
            f"estimate; {pairs['count']} pairs of columns, n = {pairs['n']}: "
            f"{format_seconds(pairs['seconds'])}."
        )
    ceiling = result["ceiling"]
    if ceiling:
        parts.append(
            f"Ceiling {ceiling['float32'] / 1e12:.2f} T pair-dimensions/s in float32, "
            f"{ceiling['float64'] / 1e12:.2f} T in float64; "
            f"copy {ceiling['bytes'] / 1e12:.2f} TB/s."
        )
    parts += [f"Failed: {one['what']} ({one['error']})." for one in result["failures"]]
    gpu = result["gpu"]
    return f"{gpu.get('name', 'unknown GPU')}.\n\n" + "\n\n".join(parts)


def threads_table(result: Result) -> str:
    many = max(result["rows"][0]["seconds"], key=int)
    rows = [
        [
            row["case"],
            format_seconds(row["seconds"]["1"]),
            format_seconds(row["seconds"][many]),
            f"{row['seconds']['1'] / row['seconds'][many]:.2f}x",
        ]
        for row in result["rows"]
    ]
    return markdown_table(["case", "1 thread", f"{many} threads", "speed-up"], rows)


def parity_table(result: Result) -> str:
    rows = [
        [
            row["data"],
            row["peer"],
            str(row["n"]),
            str(row["estimates"]),
            str(row["left_out"]),
            f"{row['largest_difference']:.1e}",
        ]
        for row in result["rows"]
    ]
    return markdown_table(
        ["data", "against", "n", "estimates", "left out", "largest difference"], rows
    )


def algorithms_table(result: Result) -> str:
    names = result["algorithms"]
    rows = [
        [
            row["op"],
            f"({row['dx']},{row['dy']})" if row["dy"] else str(row["dx"]),
            f"{row['n']:.0e}",
            str(row["k"]),
            *(format_seconds(row["seconds"][a]) if a in row["seconds"] else "" for a in names),
            row["chosen"],
            f"{row['regret']:.2f}x",
        ]
        for row in result["rows"]
    ]
    return markdown_table(["op", "dims", "n", "k", *names, "auto", "auto / best"], rows)


def critics_speed_table(result: Result) -> str:
    """Rows of bench_critics_speed: time of a training step of each loop."""
    rows = []
    for row in result["rows"]:
        # Loops differ by method; every row names its own.
        times = ", ".join(f"{n} {format_seconds(s)}" for n, s in row["seconds"].items())
        rows.append([row["method"], f"{row['ratio']:.2f}x {row['fastest_rival']}", times])
    return markdown_table(["method", "ratio", "time of a step"], rows)


def compat_table(result: Result) -> str:
    rows = [
        [
            row["function"],
            row["data"],
            str(row["n"]),
            str(row["values"]),
            str(row["left_out"]),
            f"{row['largest_difference']:.1e}",
            format_seconds(row["seconds"]["fastmi"]),
            format_seconds(row["seconds"]["original"]),
            f"{row['ratio']:.1f}x",
        ]
        for row in result["rows"]
    ]
    header = ["function", "data", "n", "values", "left out", "largest difference"]
    return markdown_table([*header, "fastmi", "original", "ratio"], rows)


def bnaf_table(result: Result) -> str:
    """Medians; the ratio is to the fastest rival. Some libraries have no NDoE step."""
    rivals = [name for name in result["rows"][0]["seconds"] if name != "fastmi"]
    rows = []
    for row in result["rows"]:
        seconds = row["seconds"]
        timed = [name for name in rivals if name in seconds]
        best = min((seconds[name] for name in timed), default=seconds["fastmi"])
        rows.append(
            [
                row["case"],
                format_seconds(seconds["fastmi"]),
                f"{best / seconds['fastmi']:.1f}x",
                _fraction(row["ideal"] / seconds["fastmi"]),
                *(format_seconds(seconds[name]) if name in timed else "" for name in rivals),
            ]
        )
    return markdown_table(["(n,a)", "fastmi", "ratio", "of ideal", *rivals], rows)


def bnaf_gpu_table(result: Result) -> str:
    names = ("fastmi", "ref compiled", "modules")
    rows = []
    for row in result["rows"]:
        own = row["seconds"]["fastmi graph"]
        rivals = [
            f"{row['seconds'][name] / own:.1f}x" if name in row["seconds"] else "" for name in names
        ]
        rows.append([row["case"], format_seconds(own), _fraction(row["floor"] / own), *rivals])
    header = ["(n,a)", "fastmi, CUDA graph", "of floor", "fastmi, launch by launch"]
    parts = [
        result["gpu"].get("name", "unknown GPU"),
        markdown_table([*header, "definition compiled, reduce-overhead", "modules"], rows),
        *(f"Failed: {one['what']} ({one['error']})." for one in result["failures"]),
    ]
    return "\n\n".join(parts)
