"""Figures of the paper on scale-invariant estimators: points (CSV), plot (PNG), and what they show.

    python reproductions/scale_invariance/figures.py --figure 6

Exits 1 if a figure does not show what it has to (`claims.py`).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

from claims import CLAIMS, MINE_CLAIMS, Curves
from curves import FIGURES, Panel, Point, measure, quick
from curves_mine import MINE_FIGURES
from estimators import Column, columns

from fastmi._extras import ProgressBar, load

OUT = Path(__file__).parents[1] / "results" / "scale_invariance"


def write_csv(path: Path, points: Sequence[Point]) -> None:
    """Write one line for each point."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f.name for f in fields(Point)])
        for point in points:
            writer.writerow(
                f"{value:.6g}" if isinstance(value, float) else value for value in astuple(point)
            )


def plot(
    path: Path,
    panels: Sequence[Panel],
    points: Sequence[Point],
    estimators: Mapping[str, Column],
) -> None:
    """Draw the panels side by side."""
    matplotlib = load("matplotlib", extra="plot", needed_by="figures.py")
    matplotlib.use("Agg")
    pyplot = load("matplotlib.pyplot", extra="plot", needed_by="figures.py")
    figure, axes = pyplot.subplots(
        1, len(panels), figsize=(5.2 * len(panels), 3.8), squeeze=False, layout="constrained"
    )
    for axis, panel in zip(axes[0], panels, strict=True):
        for name in (*panel.columns, "truth"):
            curve = [p for p in points if (p.panel, p.column) == (panel.name, name)]
            if not curve:
                continue
            at = [p.at for p in curve]
            values = [p.value for p in curve]
            if name == "truth":
                axis.plot(at, values, color="black", linestyle="--", label="truth")
                continue
            color = estimators[name].color
            axis.plot(at, values, color=color, marker=".", label=name)
            if panel.summary == "mean":
                error = [p.deviation / p.trials**0.5 for p in curve]
                low, high = (
                    [v + s * e for v, e in zip(values, error, strict=True)] for s in (-1, 1)
                )
                axis.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)
        if panel.logarithmic:
            axis.set_xscale("log", base=10 if max(panel.at) > 100 else 2)
        unit = "" if panel.summary.startswith("share") else " (bits)" if panel.bits else " (nats)"
        axis.set_xlabel(panel.axis)
        axis.set_ylabel(panel.summary + unit)
        axis.set_title(f"Figure {panel.name}, {panel.trials} trials", fontsize=10)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--figure", type=int, choices=sorted({*FIGURES, *MINE_FIGURES}), required=True
    )
    parser.add_argument("--mine", action="store_true", help="the panels of MINE: 2, 5, 6b, 6d")
    parser.add_argument("--quick", action="store_true", help="5 trials, every other position")
    parser.add_argument("--sweep-side", choices=("x", "y"), default="x", help="of ksg-glo")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of CSV and PNG")
    arguments = parser.parse_args(argv)

    figures, claimed = (MINE_FIGURES, MINE_CLAIMS) if arguments.mine else (FIGURES, CLAIMS)
    if arguments.figure not in figures:
        parser.error(
            f"figure {arguments.figure} runs {'without' if arguments.mine else 'with'} --mine"
        )
    panels = figures[arguments.figure]
    if arguments.quick:
        panels = tuple(map(quick, panels))
    estimators = columns(arguments.sweep_side)
    total = sum(len(panel.at) * panel.trials for panel in panels)
    points: list[Point] = []
    with ProgressBar(True, total, f"figure {arguments.figure}") as bar:
        for panel in panels:
            points += measure(panel, estimators, bar.advance)

    arguments.out.mkdir(parents=True, exist_ok=True)
    stem = arguments.out / f"figure{arguments.figure}{'_mine' if arguments.mine else ''}"
    write_csv(stem.with_suffix(".csv"), points)
    plot(stem.with_suffix(".png"), panels, points, estimators)
    claims = claimed[arguments.figure](Curves(points))
    for text, holds in claims:
        print(f"{'yes' if holds else 'NO '}  {text}")
    return int(not all(holds for _, holds in claims))


if __name__ == "__main__":
    sys.exit(main())
