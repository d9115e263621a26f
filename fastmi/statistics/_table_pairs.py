"""Pairs of columns with gaps: each pair is estimated from the rows that both columns have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import Seed
from fastmi.estimators.auto.kinds import CLASSES, method_of_columns
from fastmi.statistics._mixed_pairs import Notes, PairEngine, PairTable, Report
from fastmi.statistics._variables import Variable

Mask: TypeAlias = NDArray[np.bool_]


class PairRows(NamedTuple):
    """The engine that estimates one pair, and what the pair is there.

    Attributes:
        engine: An engine of the rows that both columns have.
        pair: Positions of x and of y in it.
        rows: Numbers of those rows, None for all.
    """

    engine: PairEngine
    pair: tuple[int, int]
    rows: NDArray[np.intp] | None


class TablePairs:
    """Pairs of the columns of one table, or of two whose rows are paired.

    Args:
        x: Columns in the first place of a pair.
        y: Columns in the second place; the same list as `x` for pairs within a table.
        ks: Numbers of neighbours.
        noise: As in :class:`fastmi.statistics._mixed_pairs.PairEngine`.
        seed: Seed of the noise.
    """

    def __init__(
        self,
        x: list[Variable],
        y: list[Variable],
        *,
        ks: tuple[int, ...],
        noise: float | None,
        seed: Seed | None,
    ) -> None:
        self.x, self.y = x, y
        self.ks = ks
        self._options: dict[str, Any] = {"ks": ks, "noise": noise, "seed": seed}
        # Columns with the same gaps share what is computed for their rows.
        numbers: dict[bytes, int] = {}
        self._masks: list[Mask] = []
        self._gaps = [[self._number(each.missing, numbers) for each in own] for own in (x, y)]
        self._engines: dict[tuple[int, int], PairEngine] = {}

    def _number(self, missing: Mask | None, numbers: dict[bytes, int]) -> int:
        """Return the number of a pattern of gaps, -1 for none."""
        if missing is None:
            return -1
        key = np.packbits(missing).tobytes()
        number = numbers.setdefault(key, len(self._masks))
        if number == len(self._masks):
            self._masks.append(missing)
        return number

    def method(self, pair: Sequence[int]) -> str:
        """Return the name of the method of a pair."""
        return method_of_columns(self.x[pair[0]].kind, self.y[pair[1]].kind)

    def _pattern(self, pair: Sequence[int]) -> tuple[int, int]:
        first, second = self._gaps[0][pair[0]], self._gaps[1][pair[1]]
        return (first, second) if first <= second else (second, first)

    def _kept(self, pattern: tuple[int, int]) -> Mask | None:
        masks = [self._masks[number] for number in pattern if number >= 0]
        return ~np.logical_or.reduce(masks) if masks else None

    def of_pair(self, pair: Sequence[int]) -> PairRows:
        """Return the engine of one pair; the engine of complete columns is made once."""
        pattern = self._pattern(pair)
        kept = self._kept(pattern)
        if kept is None:
            if pattern not in self._engines:
                self._engines[pattern] = PairEngine(self.x, self.y, **self._options)
            return PairRows(self._engines[pattern], (pair[0], pair[1]), None)
        rows = np.flatnonzero(kept)
        own = [self.x[pair[0]].rows(rows)], [self.y[pair[1]].rows(rows)]
        return PairRows(PairEngine(*own, **self._options), (0, 0), rows)

    def entropies(self, pair: Sequence[int]) -> tuple[float, float]:
        """Return H(X) and H(Y) of a pair in nats, from its rows; NaN for what has no classes."""
        if CLASSES not in (self.x[pair[0]].kind.name, self.y[pair[1]].kind.name):
            return np.nan, np.nan
        engine, (i, j), _ = self.of_pair(pair)
        return engine.x[i].entropy, engine.y[j].entropy

    def estimate(
        self, pairs: NDArray[np.int64], *, n_jobs: int | None, report: Report
    ) -> list[PairTable]:
        """Return the estimates of the pairs, shape (p, 2), for each k.

        Args:
            pairs: Positions of x and of y.
            n_jobs: Number of threads.
            report: Function that is called with numbers of pairs that have been done.
        """
        groups: dict[tuple[int, int], list[int]] = {}
        for number, pair in enumerate(pairs.tolist()):
            groups.setdefault(self._pattern(pair), []).append(number)
        empty = np.full(len(pairs), np.nan)
        tables = [
            PairTable(k, empty.copy(), empty.copy(), np.zeros(len(pairs), dtype=np.int64), {})
            for k in self.ks
        ]
        for pattern, numbers in groups.items():
            self._group(pattern, np.array(numbers), pairs, tables, n_jobs, report)
        return tables

    def _group(
        self,
        pattern: tuple[int, int],
        numbers: NDArray[np.intp],
        pairs: NDArray[np.int64],
        tables: list[PairTable],
        n_jobs: int | None,
        report: Report,
    ) -> None:
        """Estimate the pairs with these numbers, whose rows are the same, into `tables`."""
        kept = self._kept(pattern)
        own = pairs[numbers]
        if kept is None:
            engine = self.of_pair(own[0].tolist()).engine
        else:
            n = int(kept.sum())
            least = 2 * max(self.ks) + 2
            if n < least:
                text = f"only {n} rows have both columns, fewer than the {least} that are needed"
                self._refuse(numbers, tables, n, Caution(text, "few_samples"))
                report(len(numbers))
                return
            rows = np.flatnonzero(kept)
            places: list[dict[int, int]] = [{}, {}]
            used: list[list[Variable]] = [[], []]
            for side, variables in enumerate((self.x, self.y)):
                for j in np.unique(own[:, side]).tolist():
                    places[side][j] = len(used[side])
                    used[side].append(variables[j].rows(rows))
            flat = [
                number
                for number, (i, j) in zip(numbers.tolist(), own.tolist(), strict=True)
                if _flat(used[0][places[0][i]]) or _flat(used[1][places[1][j]])
            ]
            if flat:
                text = "a column is constant, or each row a class of its own, where both are known"
                self._refuse(np.array(flat), tables, n, Caution(text, "constant"))
                report(len(flat))
                numbers = np.setdiff1d(numbers, flat)
                own = pairs[numbers]
                if not len(numbers):
                    return
            own = np.array([[places[0][i], places[1][j]] for i, j in own.tolist()], dtype=np.int64)
            engine = PairEngine(used[0], used[1], **self._options)
        found = engine.estimate(own, n_jobs=n_jobs, report=report)
        for table, of_group in zip(tables, found, strict=True):
            table.values[numbers] = of_group.values
            table.stderr[numbers] = of_group.stderr
            table.n[numbers] = of_group.n
            for at, notes in of_group.warnings.items():
                table.warnings[int(numbers[at])] = notes

    def _refuse(
        self, numbers: NDArray[np.intp], tables: list[PairTable], n: int, caution: Caution
    ) -> None:
        notes: Notes = (caution,)
        for table in tables:
            table.n[numbers] = n
            table.warnings.update((number, notes) for number in numbers.tolist())


def _flat(variable: Variable) -> bool:
    """Return whether a column says nothing in some of its rows."""
    values = variable.values
    if variable.kind.name == CLASSES:
        number = int(values.max()) + 1
        return number < 2 or number == len(values)
    return bool((values == values[0]).all())
