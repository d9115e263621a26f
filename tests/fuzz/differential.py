"""Compares the kernels with brute force, on cases that each come from a seed, and reports.

    python tests/fuzz/differential.py --seconds 60
    python tests/fuzz/differential.py --hours 8 --state hunt.json     # to go on, run it again
    python tests/fuzz/differential.py --seed 1234 --verbose           # one case

Every case runs at all SIMD levels, by all searches and with several numbers of threads, and on the
host build of the module for GPUs where FASTMI_HOST_CUDA names one. What is wrong is minimised and
printed as a test. The exit status is 1 if anything was wrong.
"""

import argparse
import faulthandler
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fastmi
from fuzz.cases import Case, draw
from fuzz.shrink import minimise, snippet
from fuzz.ways import MODULES, Outcome, Way, judge, truth_of, ways_of

VERDICTS = ("tried", "wrong", "undecided", "refused")
# Findings that are minimised; of later ones the seed is reported.
MINIMISED = 20
# What a row of the table stands for.
AXES = ("op", "algorithm", "level", "n", "dtype", "metric", "kind")


class Report:
    """Counts of all comparisons, and what was wrong.

    Attributes:
        next: The first seed that has not been tried.
        cases: Cases tried.
        table: Counts for each combination of the axes.
        faults: Findings: seed, way, numbers, and the minimised case as a test.
    """

    def __init__(self, first: int) -> None:
        self.next = self.first = first
        self.cases = 0
        self.table: dict[tuple[str, ...], Counter[str]] = {}
        self.faults: list[dict[str, object]] = []

    def add(self, case: Case, way: Way, outcome: Outcome) -> None:
        size = "n >= 600" if case.n >= 600 else "n < 600"
        row = (case.op, way.algorithm, way.level, size, case.dtype, case.metric, case.label)
        counts = self.table.setdefault(row, Counter())
        counts.update(dict(zip(VERDICTS, outcome[:4], strict=True)))

    def total(self, verdict: str) -> int:
        return sum(counts[verdict] for counts in self.table.values())

    def lines(self) -> list[str]:
        """Return the table summed over all axes but one or two at a time."""
        lines = []
        for axes in (
            ("op", "algorithm"),
            ("level", "algorithm", "n"),
            ("dtype", "metric"),
            ("kind",),
        ):
            sums: dict[tuple[str, ...], Counter[str]] = {}
            for row, counts in self.table.items():
                named = dict(zip(AXES, row, strict=True))
                keys = [tuple(named[axis] for axis in axes)]
                if axes == ("kind",):
                    keys = [(name,) for name in named["kind"].split("+")]
                for key in keys:
                    sums.setdefault(key, Counter()).update(counts)
            lines += ["", f"| {' | '.join((*axes, *VERDICTS))} |"]
            lines.append("| " + " | ".join(["---"] * len(axes) + ["---:"] * len(VERDICTS)) + " |")
            for key, counts in sorted(sums.items()):
                cells = [*key, *(f"{counts[verdict]:,}" for verdict in VERDICTS)]
                lines.append(f"| {' | '.join(cells)} |")
        totals = ", ".join(f"{self.total(verdict):,} {verdict}" for verdict in VERDICTS)
        seeds = f"seeds {self.first} to {self.next - 1}"
        return [*lines, "", f"{self.cases:,} cases ({seeds}), comparisons: {totals}"]

    def save(self, path: Path) -> None:
        """Write what `load` reads, and what other programs may read."""
        rows = [
            {**dict(zip(AXES, row, strict=True)), **counts}
            for row, counts in sorted(self.table.items())
        ]
        held = {
            "fastmi": fastmi.__version__,
            "first": self.first,
            "next": self.next,
            "cases": self.cases,
            **{verdict: self.total(verdict) for verdict in VERDICTS},
            "faults": self.faults,
            "table": rows,
        }
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(held, indent=1))
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Report":
        held = json.loads(path.read_text())
        report = cls(held["first"])
        report.next, report.cases, report.faults = held["next"], held["cases"], held["faults"]
        for row in held["table"]:
            key = tuple(row[axis] for axis in AXES)
            report.table[key] = Counter({verdict: row[verdict] for verdict in VERDICTS})
        return report


def try_case(
    case: Case, report: Report, modules=MODULES, verbose=False, shrink_seconds=60.0
) -> None:
    """Run a case all ways, count, and print the first fault of it as a test."""
    truth = truth_of(case)
    found = False
    for way in ways_of(case):
        outcome = judge(case, way, truth, modules)
        report.add(case, way, outcome)
        if verbose:
            print(f"{way}: {outcome}")
        if outcome.wrong and not found:
            found = True
            test = ""
            if len(report.faults) < MINIMISED:
                test = snippet(*minimise(case, way, modules, shrink_seconds), modules)
            report.faults.append({"seed": case.seed, "way": way, "kind": case.label, "test": test})
            print(
                f"\nWRONG: seed {case.seed}, {case.op}, {case.label}, {way}: {outcome}\n\n{test}\n"
            )
    report.cases += 1


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--seeds", metavar="A:B", help="try seeds A to B - 1")
    what.add_argument("--seed", type=int, help="try one seed")
    what.add_argument("--first", type=int, default=0, help="first seed, for a run of some time")
    parser.add_argument("--seconds", type=float, help="stop after this time")
    parser.add_argument("--hours", type=float, help="stop after this time")
    parser.add_argument("--state", type=Path, help="file to go on from, rewritten every minute")
    parser.add_argument("--json", type=Path, help="file for the whole table")
    parser.add_argument("--shrink", type=float, default=60, help="seconds to minimise a finding")
    parser.add_argument("--verbose", action="store_true", help="print the case and every outcome")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None, modules=MODULES) -> int:
    options = parse(arguments)
    first, end = options.first, None
    if options.seed is not None:
        first, end = options.seed, options.seed + 1
    elif options.seeds:
        first, end = (int(part) for part in options.seeds.split(":"))
    report = Report(first)
    running = options.state and options.state.with_suffix(".running")
    if options.state and options.state.exists():
        report = Report.load(options.state)
        if running.exists():  # a crash of the process left it
            seed = int(running.read_text())
            print(f"the run before ended within seed {seed}; it counts as a fault")
            report.faults.append({"seed": seed, "way": None, "kind": "crash", "test": ""})
            report.next = seed + 1
    limit = options.seconds or (options.hours * 3600 if options.hours else None)
    if limit is None and end is None:
        limit = 60
    start = saved = time.monotonic()
    while (end is None or report.next < end) and (
        limit is None or time.monotonic() - start < limit
    ):
        case = draw(report.next)
        if options.verbose:
            print(case)
        if running:
            running.write_text(str(case.seed))
        try_case(case, report, modules, options.verbose, options.shrink)
        report.next += 1
        if options.state and time.monotonic() - saved > 60:
            report.save(options.state)
            saved = time.monotonic()
    print("\n".join(report.lines()))
    for path in {options.state, options.json} - {None}:
        report.save(path)
    if running:
        running.unlink(missing_ok=True)
    return 1 if report.faults else 0


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main())
