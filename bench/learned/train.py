"""Trains the networks of `fastmi/estimators/learned.npz`, and measures them on unseen families.

    python bench/learned/train.py rows.jsonl --out fastmi/estimators/learned.npz
    python bench/learned/train.py rows.jsonl --apply bmi.jsonl

Every family is left out once: networks trained on the others say what they can of it. How far the
truth lies outside their quantiles, in units of these, gives the widths of the intervals. All
families count alike, whatever their rows.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from rows import read

from fastmi.estimators._learned import LEVELS, departure, evaluate, margins, vector

Floats: TypeAlias = NDArray[np.float64]

SEED = 15
HIDDEN, MEMBERS, STEPS, BATCH = 16, 4, 500, 256
RATE, DECAY = 0.01, 0.05
# From the outermost level inwards, as `_learned.margins` reads them: of 0.95, 0.90 and the median.
QUANTILES = (0.025, 0.05, 0.5, 0.95, 0.975)


class Table:
    """Rows as the networks see them.

    Attributes:
        features: Shape (m, features).
        base: The values that the networks correct, in nats, shape (m,).
        unit: The units of the corrections, shape (m,).
        truth: In nats, shape (m,).
        families: Names, shape (m,).
        share: How much of the correction is applied, shape (m,).
        hints: Of each row.
    """

    def __init__(self, path: Path) -> None:
        rows, self.hints = read(path)
        seen = [vector(hints) for hints in self.hints]
        self.features = np.array([features for features, _, _ in seen])
        self.base = np.array([base for _, base, _ in seen])
        self.unit = np.array([unit for _, _, unit in seen])
        self.share = np.array([departure(hints) for hints in self.hints])
        self.truth = np.array([row["truth"] for row in rows])
        self.families = np.array([row["family"] for row in rows])

    @property
    def target(self) -> Floats:
        """What the networks learn."""
        found: Floats = np.arcsinh((self.truth - self.base) / self.unit)
        return found

    def values(self, said: Floats) -> Floats:
        """Return the information that is answered, at least 0."""
        correction = self.unit * np.sinh(said[:, len(QUANTILES) // 2])
        found: Floats = np.maximum(self.base + self.share * correction, 0.0)
        return found

    def nats(self, said: Floats) -> Floats:
        """Return the information that a network means, at least 0."""
        found: Floats = np.maximum(self.base + self.unit * np.sinh(said), 0.0)
        return found


def train(table: Table, folds: list[NDArray[np.bool_]]) -> list[dict[str, Floats]]:
    """Train the networks of each fold, all at once.

    Args:
        table: All rows.
        folds: For each fold the rows to train on.
    """
    rng = torch.Generator().manual_seed(SEED)
    low, high = table.features.min(axis=0), table.features.max(axis=0)
    mean, scale = table.features.mean(axis=0), table.features.std(axis=0)
    inputs = torch.tensor((table.features - mean) / scale, dtype=torch.float32)
    targets = torch.tensor(table.target, dtype=torch.float32)
    levels = torch.tensor(QUANTILES)
    number = len(folds) * MEMBERS
    chosen = []
    for fold in folds:
        weights = np.zeros(len(fold))
        for family in np.unique(table.families[fold]):
            own = fold & (table.families == family)
            weights[own] = 1.0 / own.sum()
        for _ in range(MEMBERS):
            chosen.append(
                torch.multinomial(
                    torch.tensor(weights), STEPS * BATCH, replacement=True, generator=rng
                )
            )
    batches = torch.stack(chosen).view(number, STEPS, BATCH)
    sizes = (inputs.shape[1], HIDDEN, HIDDEN, len(QUANTILES))
    matrices = [
        (torch.randn(number, a, b, generator=rng) * gain / a**0.5).requires_grad_()
        for a, b, gain in zip(sizes[:-1], sizes[1:], (1.0, 1.0, 0.3), strict=True)
    ]
    offsets = [torch.zeros(number, 1, b, requires_grad=True) for b in sizes[1:]]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": DECAY}, {"params": offsets, "weight_decay": 0.0}],
        lr=RATE,
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for step in range(STEPS):
        rows = batches[:, step]
        layer = inputs[rows]
        for matrix, offset in zip(matrices[:2], offsets[:2], strict=True):
            layer = torch.tanh(torch.baddbmm(offset, layer, matrix))
        error = targets[rows][:, :, None] - torch.baddbmm(offsets[2], layer, matrices[2])
        loss = torch.maximum(levels * error, (levels - 1.0) * error).mean(dim=(1, 2)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    found = []
    for fold in range(len(folds)):
        own = slice(fold * MEMBERS, (fold + 1) * MEMBERS)
        arrays = {"mean": mean, "scale": scale, "range": np.stack([low, high])}
        for place in range(3):
            arrays[f"w{place}"] = matrices[place][own].detach().numpy().astype(np.float64)
            arrays[f"b{place}"] = offsets[place][own].detach().numpy().astype(np.float64)
        found.append(arrays)
    return found


def unseen(table: Table) -> Floats:
    """Return what networks say of rows whose family they have not seen, shape (m, quantiles)."""
    names = np.unique(table.families)
    trained = train(table, [table.families != name for name in names])
    said = np.empty((len(table.truth), len(QUANTILES)))
    for name, weights in zip(names, trained, strict=True):
        own = table.families == name
        said[own] = evaluate(weights, table.features[own])
    return said


def widths(table: Table, said: Floats, rows: NDArray[np.bool_]) -> Floats:
    """Return how many times as wide as the quantiles the intervals must be, shape (levels, 2).

    Args:
        table: All rows.
        said: What networks say that have not seen the family, shape (m, quantiles).
        rows: From which to judge.
    """
    weights = np.zeros(len(rows))
    for family in np.unique(table.families[rows]):
        own = rows & (table.families == family)
        weights[own] = 1.0 / own.sum()
    found = np.empty((len(LEVELS), 2))
    distance = table.target - said[:, len(QUANTILES) // 2]
    for position, level in enumerate(LEVELS):
        for side, margin in enumerate(margins(said, position)):
            ratio = (distance if side else -distance) / margin
            order = np.argsort(ratio[rows], kind="stable")
            mass = np.cumsum(weights[rows][order]) / weights[rows].sum()
            place = min(int(np.searchsorted(mass, 0.5 * (1.0 + level))), len(mass) - 1)
            found[position, side] = max(ratio[rows][order][place], 0.1)
    return found


def ends(table: Table, said: Floats, widened: Floats, position: int) -> tuple[Floats, Floats]:
    """Return the ends of the intervals of a level, in nats."""
    below, above = margins(said, position)
    middle = said[:, len(QUANTILES) // 2]
    low = table.nats(middle - widened[position, 0] * below)
    return low, table.nats(middle + widened[position, 1] * above)


def report(table: Table, said: Floats, per_family: list[tuple[NDArray[np.bool_], Floats]]) -> str:
    """Return a table of errors, coverage and widths of all families.

    Args:
        table: All rows.
        said: What networks say, shape (m, quantiles).
        per_family: Of each family its rows and the widths of its intervals.
    """
    value = table.values(said)
    rules = np.maximum(table.base, 0.0)
    columns = defaultdict(list)
    lines = [
        "| family | rows | rules, MAE | learned, MAE | covered 90 % | 95 % | width 90 % | 95 % |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for own, widened in per_family:
        name, rows = table.families[own][0], int(own.sum())
        numbers = [np.abs(rules - table.truth)[own].mean(), np.abs(value - table.truth)[own].mean()]
        covered, wide = [], []
        for position in range(len(LEVELS)):
            low, high = ends(table, said, widened, position)
            low, high = np.minimum(low, value), np.maximum(high, value)
            covered.append(((low <= table.truth) & (table.truth <= high))[own].mean())
            relative = (high - low) / np.maximum(value, 0.2)
            wide.append(np.median(relative[own]))
        numbers += [*covered, *wide]
        for place, number in enumerate(numbers):
            columns[place].append(number)
        lines.append(_line(name, rows, numbers))
    means = [float(np.mean(column)) for column in columns.values()]
    lines.append(_line("mean of families", len(table.truth), means))
    return "\n".join(lines)


def _line(name: str, rows: int, numbers: list[float]) -> str:
    errors = " | ".join(f"{number:.3f}" for number in numbers[:2])
    return f"| {name} | {rows} | {errors} | " + " | ".join(f"{n:.2f}" for n in numbers[2:]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--apply", type=Path, help="rows of other tasks, to measure on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(options.rows)
    everything = np.ones(len(table.truth), dtype=bool)
    said = unseen(table)
    families = [table.families == name for name in np.unique(table.families)]
    print("Each family left out of training, and of the widths of its own intervals:\n")
    print(report(table, said, [(own, widths(table, said, ~own)) for own in families]))
    weights = train(table, [everything])[0]
    weights["widths"] = widths(table, said, everything)
    if options.out is not None:
        stored = {name: array.astype(np.float32) for name, array in weights.items()}
        np.savez_compressed(options.out, **stored)
        print(f"\n{options.out}: {options.out.stat().st_size} bytes")
    if options.apply is not None:
        other = Table(options.apply)
        low, high = weights["range"]
        answers = evaluate(weights, np.clip(other.features, low, high))
        print(f"\n{options.apply}, by networks of all families:\n")
        names = [other.families == name for name in np.unique(other.families)]
        print(report(other, answers, [(own, weights["widths"]) for own in names]))


if __name__ == "__main__":
    main()
