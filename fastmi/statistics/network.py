"""The result of :func:`fastmi.transfer_entropy_network`: matrices, links and a table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, by_kind
from fastmi._checks import check_integer, check_real
from fastmi._results import Table

Floats = NDArray[np.float64]


class Link(NamedTuple):
    """One ordered pair of a network.

    Attributes:
        source: Label of the source.
        target: Label of the target.
        lag: Lag of the largest transfer entropy.
        te: That transfer entropy in nats.
        p_value: P-value of the largest over all lags; NaN without a test.
        q_value: Q-value among all pairs; NaN without a test.
    """

    source: Hashable
    target: Hashable
    lag: int
    te: float
    p_value: float
    q_value: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TransferNetwork(Table):
    """Transfer entropy of every ordered pair of series.

    Matrices have a row for each source and a column for each target, shape (m, m), in the order of
    `names`; their diagonals are NaN, and 0 in `lag`. ``print`` shows the pairs that stand out.

    Attributes:
        names: Labels of the series.
        lag: Lag of the largest transfer entropy of each pair.
        te: That transfer entropy in nats, not clipped. The largest of several lags is too high
            where all are noise; the p-values allow for it.
        stderr: Its standard error in nats, see :class:`fastmi.Estimate`.
        p_value: P-value of the largest over all lags; None without a test.
        q_value: Smallest false discovery rate at which the pair is a link, among all pairs; None
            without a test.
        max_lag: Largest lag.
        source_history: Number of source values.
        target_history: Number of target values.
        condition: "none", or "all" where the past of all other series is given.
        condition_history: Number of values of each other series; 0 without a condition.
        n_permutations: Number of rotations of each pair at most; 0 without a test.
        n: Number of times that every estimate uses.
        method: Name of the method.
        k: Number of neighbours; None where the method searches none.
        left_out: Why a column of the table is no series of the network, by its label.
        cautions: Reasons to distrust the network as a whole.
        warnings: Reasons to distrust a pair, by the labels of source and target; pairs without any
            are left out. The call that made them issues one for each kind.
        seconds: Wall time.
    """

    names: tuple[Hashable, ...]
    lag: NDArray[np.int64] = field(repr=False)
    te: Floats = field(repr=False)
    stderr: Floats = field(repr=False)
    p_value: Floats | None = field(repr=False)
    q_value: Floats | None = field(repr=False)
    max_lag: int
    source_history: int
    target_history: int
    condition: str
    condition_history: int
    n_permutations: int
    n: int
    method: str
    k: int | None
    left_out: dict[Hashable, str] = field(default_factory=dict, repr=False)
    cautions: tuple[Caution, ...] = field(default=(), repr=False)
    warnings: dict[tuple[Hashable, Hashable], tuple[Caution, ...]] = field(
        default_factory=dict, repr=False
    )
    seconds: float = field(default=0.0, repr=False, compare=False)

    def links(self, alpha: float = 0.05) -> list[Link]:
        """Return the pairs whose q-value is at most `alpha`, those with the smallest first.

        About a share `alpha` of the links that are returned is false, on average.

        Raises:
            TypeError: `alpha` is not a number.
            ValueError: `alpha` is not in (0, 1], or the network has no p-values.
        """
        level = check_real("alpha", alpha, 0.0, 1.0, ends="(]")
        if self.q_value is None:
            raise ValueError(
                "links() needs p-values; got a network without them: call "
                "transfer_entropy_network with n_permutations='auto', or take top()"
            )
        return [link for link in self._ordered() if link.q_value <= level]

    def top(self, n: int = 10) -> list[Link]:
        """Return the first `n` pairs: those with the smallest q-values, then with the largest te.

        Raises:
            TypeError: `n` is not an integer.
            ValueError: `n` is less than 1.
        """
        return self._ordered()[: check_integer("n", n, 1)]

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the links as arrows by :func:`fastmi.plot.network`, which takes the options.

        Args:
            ax: matplotlib Axes to draw into; None for a new figure.
            **options: Options of :func:`fastmi.plot.network`.

        Returns:
            The Axes.

        Raises:
            ImportError: matplotlib is not installed.
        """
        # Imported here, because most programs draw nothing.
        return import_module("fastmi.plot").network(self, ax=ax, **options)

    def _order(self) -> list[tuple[int, int]]:
        """Return source and target of each pair, by rising q-value and falling te."""
        m = len(self.names)
        pairs = [(i, j) for i in range(m) for j in range(m) if i != j]

        def key(pair: tuple[int, int]) -> tuple[float, float, float]:
            te = -float(self.te[pair])
            if self.q_value is None or self.p_value is None:
                return (0.0, 0.0, te)
            return (float(self.q_value[pair]), te, float(self.p_value[pair]))

        return sorted(pairs, key=key)

    def _ordered(self) -> list[Link]:
        return [
            Link(
                self.names[i],
                self.names[j],
                int(self.lag[i, j]),
                float(self.te[i, j]),
                float("nan") if self.p_value is None else float(self.p_value[i, j]),
                float("nan") if self.q_value is None else float(self.q_value[i, j]),
            )
            for i, j in self._order()
        ]

    def _rows(self) -> dict[str, Sequence[Any]]:
        order = self._order()
        pairs = self._ordered()
        tests = {} if self.p_value is None else {"p_value": [each.p_value for each in pairs]}
        if self.q_value is not None:
            tests["q_value"] = [each.q_value for each in pairs]
        return {
            "source": [each.source for each in pairs],
            "target": [each.target for each in pairs],
            "lag": [each.lag for each in pairs],
            "te": [each.te for each in pairs],
            "stderr": [float(self.stderr[pair]) for pair in order],
            **tests,
            "warnings": [
                "; ".join(self.warnings.get((each.source, each.target), ())) for each in pairs
            ],
        }

    def _about(self) -> dict[str, Any]:
        names = (
            "max_lag",
            "source_history",
            "target_history",
            "condition",
            "condition_history",
            "n_permutations",
            "n",
            "method",
            "k",
            "left_out",
            "cautions",
        )
        return {"names": list(self.names), **{name: getattr(self, name) for name in names}}

    def __str__(self) -> str:
        pairs = len(self.names) * (len(self.names) - 1)
        of = "" if self.k is None else f", k={self.k}"
        given = ", given all others" if self.condition == "all" else ""
        head = (
            f"transfer entropy in nats ({self.method}{of}, n={self.n}, lags 1 to {self.max_lag}"
            f"{given})"
        )
        if self.q_value is None:
            shown, about = self.top(), f"largest of {pairs} pairs, no test"
        else:
            shown = self.links()
            about = f"{len(shown)} of {pairs} pairs with q <= 0.05"
        lines = [
            f"{each.source} -> {each.target}, lag {each.lag}: {each.te:.4g}"
            + ("" if self.q_value is None else f", p = {each.p_value:.3g}, q = {each.q_value:.3g}")
            for each in shown
        ]
        left = [f"left out: {label}, {reason}" for label, reason in self.left_out.items()]
        return "\n".join([head, about, *lines, *left, *self.cautions, *summaries(self)])


def summaries(network: TransferNetwork) -> list[Caution]:
    """Return one caution or note for each kind, with its number of pairs and an example."""
    total = len(network.names) * (len(network.names) - 1)
    found = []
    for example, pairs in by_kind(network.warnings):
        source, target = pairs[0]
        text = f"{len(pairs)} of {total} pairs, for example {source} -> {target}: {example}"
        found.append(type(example)(text, example.kind))
    return found
