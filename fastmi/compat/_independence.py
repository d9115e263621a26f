"""Tests of conditional independence between columns of one table, many of them, for graphs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import scheme_cautions
from fastmi._cautions import Caution, by_kind, constant_caution, quiet, say
from fastmi._checks import check_integer, check_search
from fastmi._pool import heed_stop
from fastmi._symbols import crossed, numbered
from fastmi.compat._class_table import ClassTable
from fastmi.compat._graph_columns import GraphColumn, read_columns
from fastmi.compat._surrogates import Condition, Orders, Recall, check_scheme
from fastmi.estimators.auto.choice import few_alike
from fastmi.estimators.neighbors.conditional import ConditionalKSG
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.ops.exchanged import MOST_NEIGHBORS
from fastmi.statistics._conditional import (
    CHECKED,
    keeps_residuals,
    lost_dependence,
    switched,
    warned,
)
from fastmi.statistics._exchanged import exchanged_values
from fastmi.statistics._residuals import residuals
from fastmi.statistics._sequential import SequentialTests
from fastmi.statistics.permutation import null_values, p_value

Array = NDArray[Any]
Floats = NDArray[np.float64]
Order = NDArray[np.int64]
# Values of the surrogates from one number up to another.
Null = Callable[[int, int], Floats]

# A test stops when this share of its surrogates has reached the estimate: its p-value is then at
# least as large, far from what decides.
_STOP_SHARE = 0.1
# Surrogates of the first batch, after which half of the tests of independent variables have
# stopped.
_BATCH = 48
# Surrogates of the null that all pairs of numbers share, in units of those of one test: its error
# is in every test.
_SHARED = 10
# Share of the rows in classes of no more samples than neighbours are asked for, above which a
# dependence may go unseen.
_MOST_SMALL = 0.1
# Rows among which surrogates leave a sample where it is, above which a test can hardly reject.
_MOST_FIXED = 0.5


@dataclass(frozen=True, kw_only=True)
class IndependenceResult:
    """The test of one pair of variables, given others.

    Attributes:
        value: Estimate of the information in nats, of normal scores for numbers.
        p_value: ``(1 + b) / (1 + n_permutations)``, where b surrogates are at least the estimate;
            or ``h / m`` if the h-th of them was the m-th surrogate and the test stopped there
            (Besag and Clifford 1991, https://doi.org/10.1093/biomet/78.2.301).
        surrogates: Number of surrogates that were estimated.
        scheme: How they were made: "shuffle", "local" or "residual".
        warnings: Reasons to distrust the p-value.
    """

    value: float
    p_value: float
    surrogates: int
    scheme: str
    warnings: tuple[Caution, ...] = ()


class _Decision(NamedTuple):
    value: float
    p_value: float
    surrogates: int
    stopped: bool = False  # since the p-value is too large to matter


class IndependenceTests:
    """Tests of conditional independence between columns of one table.

    Threads may share them: one test is made at a time, by as many threads as `n_jobs` says.

    Args:
        data: Data frame, or array of shape (n, d), without missing values. Strings, categories and
            booleans are classes.
        k: Number of neighbours; None for about a twentieth of the samples, at least 3 and at most
            20. More of them see weaker and smoother dependence.
        n_permutations: Number of surrogates; no p-value is below ``1 / (1 + n_permutations)``.
        scheme: "local", "residual" or None, as in :func:`fastmi.permutation_test`.
        n_neighbors: Number of rows among which samples are exchanged.
        discrete: "auto", True, False, or labels, positions or a mask of the columns of numbers that
            are classes.
        seed: An integer; p-values depend on it and on the variables of a test, and not on the tests
            made before.
        n_jobs: Number of threads.

    Raises:
        TypeError: An option of the wrong type, or data that cannot be read.
        ValueError: An option out of range, or missing values.
    """

    def __init__(
        self,
        data: object,
        *,
        k: int | None = None,
        n_permutations: int = 200,
        scheme: str | None = None,
        n_neighbors: int = 5,
        discrete: object = "auto",
        seed: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        check_scheme(scheme)
        check_search("chebyshev", "auto", n_jobs)
        self._count = check_integer("n_permutations", n_permutations, 1)
        self._size = check_integer("n_neighbors", n_neighbors, 2)
        self._seed = check_integer("seed", seed, 0)
        self._scheme = scheme
        self._n_jobs = n_jobs
        self.columns: list[GraphColumn] = read_columns(data, discrete, self._seed)
        self.n = len(self.columns[0].values)
        most = min(MOST_NEIGHBORS, self.n - 1)
        if k is None:
            self.k = max(1, min(max(3, self.n // 20), 20, most))
        else:
            self.k = check_integer("k", k, 1, most)
        self._positions = {column.label: j for j, column in enumerate(self.columns)}
        self._recall = Recall()
        self._found: dict[tuple[int, int, tuple[int, ...]], IndependenceResult] = {}
        # Tests share orders, which have to be drawn one after another; pgmpy tests in threads.
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())

    def position(self, label: Hashable) -> int:
        """Return the number of the column with this label.

        Raises:
            ValueError: There is none.
        """
        if label not in self._positions:
            names = ", ".join(repr(column.label) for column in self.columns)
            raise ValueError(
                f"variables must be columns of the data; got {label!r}, not in {names}"
            )
        return self._positions[label]

    def test(self, x: int, y: int, z: Sequence[int] = ()) -> IndependenceResult:
        """Test whether column x is independent of column y, given the columns z.

        The result is kept, and the same in whatever order x, y and z come.
        """
        first, second = sorted((x, y))
        given = tuple(sorted(set(z)))
        if first == second or first in given or second in given:
            raise ValueError(f"x, y and z must be different columns; got x={x}, y={y}, z={given}")
        key = (first, second, given)
        with self._lock:
            if key not in self._found:
                heed_stop()
                with quiet():
                    self._found[key] = self._tested(*key)
            return self._found[key]

    @property
    def results(self) -> dict[tuple[int, int, tuple[int, ...]], IndependenceResult]:
        """Every test made so far, by the numbers of its columns x, y and z."""
        with self._lock:
            return dict(self._found)

    def report(self) -> tuple[Caution, ...]:
        """Return each kind of warning of the tests so far as one sentence, with their number."""
        results = self.results
        found = by_kind({key: result.warnings for key, result in results.items()})
        return tuple(
            type(example)(
                f"{len(keys)} of {len(results)} tests, first that of {self._named(*keys[0])}: "
                f"{example}",
                example.kind,
            )
            for example, keys in found
        )

    def announce(self) -> None:
        """Issue the sentences of :meth:`report` as :class:`fastmi.EstimateWarning`."""
        say(self.report())

    def _named(self, x: int, y: int, z: tuple[int, ...]) -> str:
        name = f"{self.columns[x].label!r} and {self.columns[y].label!r}"
        given = ", ".join(repr(self.columns[j].label) for j in z)
        return f"{name} given {given}" if z else name

    def _tested(self, x: int, y: int, z: tuple[int, ...]) -> IndependenceResult:
        a, b = self.columns[x], self.columns[y]
        constant = [column for column in (a, b) if column.constant]
        if constant:
            cautions = [constant_caution(f"column {column.label!r}") for column in constant]
            return _result(_Decision(0.0, 1.0, 0), "local" if z else "shuffle", cautions)
        # A constant column changes nothing among the conditions.
        given = tuple(j for j in z if not self.columns[j].constant)
        if not given and not a.symbols and not b.symbols:
            return self._of_numbers(a, b)
        condition = self._condition(given) if given else None
        orders = self._orders(given, condition)
        scheme = "local" if given else "shuffle"
        if a.symbols and b.symbols and (condition is None or condition.classes):
            table = ClassTable(a, b, [self.columns[j] for j in given])
            found = self._decide(table.value, table.null(orders.first))
            return _result(found, scheme, self._cautions(found, orders, [a, b]))
        place = np.zeros((self.n, 1)) if condition is None else condition.place
        blocks = [a.place[:, np.newaxis], b.place[:, np.newaxis], place]
        few = self._small_classes([a, b, *(self.columns[j] for j in given)])
        if condition is None or condition.exchange.exact:
            found = self._of_blocks(blocks, orders)
            return _result(found, scheme, [*few, *self._cautions(found, orders, [a, b])])
        result = self._conditional(a, b, condition, blocks, orders)
        return replace(result, warnings=(*few, *result.warnings))

    def _small_classes(self, columns: Sequence[GraphColumn]) -> tuple[Caution, ...]:
        """Return a caution if neighbours of many samples are of other classes than they are."""
        symbols = [numbered(each.values.astype(np.intp)) for each in columns if each.symbols]
        if not symbols:
            return ()
        cells = reduce(crossed, symbols)
        alike = cells.size[cells.of]
        if np.count_nonzero(alike <= self.k) <= _MOST_SMALL * self.n:
            return ()
        return few_alike(alike, self.k)

    def _conditional(
        self, a: GraphColumn, b: GraphColumn, given: Condition, blocks: list[Floats], orders: Orders
    ) -> IndependenceResult:
        """Test given numbers, where surrogates may lose dependence on them."""
        numbers = not a.symbols and not b.symbols
        forced = self._scheme == "residual" and numbers
        scheme = "residual" if forced else "local"
        if forced:
            blocks = self._residual(a, b, given, blocks)
        found = self._of_blocks(blocks, orders)
        cautions = [*self._cautions(found, orders, [a, b]), *self._condition_cautions(blocks)]
        if found.stopped:
            # Surrogates that lost dependence make p-values too small, and this one is large.
            return _result(found, scheme, cautions)
        tied = [a.values[:, np.newaxis], b.values[:, np.newaxis], given.regressors]
        first = [order.astype(np.intp) for order in orders.first(min(CHECKED, self._count))]
        loss = self._loss(blocks[0] if forced else tied[0], given, first, scheme)
        if loss is not None and self._scheme is None and numbers and keeps_residuals(tied):
            cautions.append(switched(loss))
            scheme, blocks = "residual", self._residual(a, b, given, blocks)
            found = self._of_blocks(blocks, orders)
            loss = None if found.stopped else self._loss(blocks[0], given, first, scheme)
        if loss is not None:
            cautions.append(warned(loss, scheme, tied))
        return _result(found, scheme, cautions)

    def _condition(self, z: tuple[int, ...]) -> Condition:
        columns = [self.columns[j] for j in z]
        return self._recall.get(
            ("condition", z),
            lambda: Condition(z, columns, self._size),
            self.n * (self._size + 3 * len(z)),
        )

    def _orders(self, z: tuple[int, ...], condition: Condition | None) -> Orders:
        return self._recall.get(
            ("orders", z),
            lambda: Orders(condition, self.n, (self._seed, len(z), *z)),
            self.n * self._count,
        )

    def _residual(
        self, a: GraphColumn, b: GraphColumn, given: Condition, blocks: list[Floats]
    ) -> list[Floats]:
        """Return x and y less their regressions on z, as normal scores, and z as it was."""

        def left(column: GraphColumn) -> Floats:
            return self._recall.get(
                ("residuals", column.label, given.key),
                lambda: residuals(column.scores[:, np.newaxis], given.regressors),
                self.n,
            )

        return [left(a), left(b), blocks[2]]

    def _loss(
        self, x: Floats, given: Condition, orders: Sequence[NDArray[np.intp]], scheme: str
    ) -> str | None:
        return lost_dependence(x, given.regressors, orders, scheme=scheme, n_jobs=self._n_jobs)

    def _of_numbers(self, a: GraphColumn, b: GraphColumn) -> IndependenceResult:
        """Test two columns of numbers by the null that all of them share.

        Their normal scores are the same numbers in different orders, and independence makes all
        orders equally likely: the null depends on n and k alone.
        """
        ksg = KSG(k=self.k, noise=0.0, n_jobs=self._n_jobs)
        blocks = [a.scores[:, np.newaxis], b.scores[:, np.newaxis]]
        value = float(np.asarray(ksg.estimate(*blocks)))
        count = _SHARED * self._count

        def draw() -> Floats:
            rng = np.random.default_rng([self._seed, self.n])
            scores = np.sort(blocks[0], axis=0)
            null: Floats = null_values(
                ksg,
                [scores, scores],
                lambda _: rng.permutation(self.n),
                count,
                n_jobs=self._n_jobs,
            )[:, 0]
            return null

        null = self._recall.get("shared null", draw, count)
        p = p_value(value, null)
        found = _Decision(value, p, count, p > _STOP_SHARE)
        return _result(found, "shuffle", self._cautions(found, None, [a, b]))

    def _of_blocks(self, blocks: list[Floats], orders: Orders) -> _Decision:
        """Test blocks x, y and z by surrogates of x in these orders."""
        own = [np.ascontiguousarray(block) for block in blocks]

        def null(begin: int, end: int) -> Floats:
            drawn = orders.first(end)
            values: Floats = exchanged_values(
                own,
                [self.k],
                lambda number: drawn[number].astype(np.intp, copy=False),
                end - begin,
                n_jobs=self._n_jobs,
                first=begin,
            )[:, 0]
            return values

        return self._decide(float(np.asarray(self._estimate(own))), null)

    def _estimate(self, blocks: list[Floats]) -> Any:
        return ConditionalKSG(k=self.k, noise=0.0, n_jobs=self._n_jobs).estimate(*blocks)

    def _condition_cautions(self, blocks: list[Floats]) -> list[Caution]:
        """Return the estimator's cautions about a condition that leaves nothing to see."""
        return [each for each in self._estimate(blocks).warnings if each.kind == "condition"]

    def _cautions(
        self, found: _Decision, orders: Orders | None, pair: list[GraphColumn]
    ) -> list[Caution]:
        """Return why the p-value may be too small, if it is small, or cannot be small."""
        cautions: list[Caution] = []
        if orders is not None and (share := orders.fixed) > _MOST_FIXED:
            text = (
                f"{share:.0%} of the rows share their condition with no other row, so that "
                "surrogates leave them where they are: the test can hardly reject; condition on "
                "fewer classes"
            )
            cautions.append(Caution(text, "fixed"))
        if not found.stopped:
            blocks = [column.values[:, np.newaxis] for column in pair]
            cautions.extend(scheme_cautions("shuffle", blocks))
        return cautions

    def _decide(self, value: float, null: Null) -> _Decision:
        """Draw surrogates in batches until enough of them reach the value."""
        enough = max(1, int(_STOP_SHARE * self._count))
        test = SequentialTests(np.array([value]), self._count, enough)
        done = 0
        while not test.done:
            end = min(self._count, max(_BATCH, 2 * done))
            test.add(null(done, end))
            done = end
        stopped = bool(test.reached[0] >= enough)
        return _Decision(value, float(test.p_values()[0]), int(test.seen[0]), stopped)


def _result(found: _Decision, scheme: str, cautions: Sequence[Caution]) -> IndependenceResult:
    return IndependenceResult(
        value=found.value,
        p_value=found.p_value,
        surrogates=found.surrogates,
        scheme=scheme,
        warnings=tuple(cautions),
    )
