"""Samples with known mutual information, named as the benchmark tables name them.

Every task is a pair of standard Gaussian vectors whose matching components correlate with
`rho`; components without a partner are independent. Its mutual information is
`-min(dx, dy) / 2 * log(1 - rho^2)` nats.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True)
class Task:
    """Correlated Gaussians: n samples, dx and dy dims, k neighbours for the estimate.

    Args:
        dx: Dims of x.
        dy: Dims of y.
        n: Number of samples.
        k: Neighbours the estimators are asked for.
        rho: Correlation of each pair of matching components, in (-1, 1).
    """

    dx: int
    dy: int
    n: int
    k: int = 3
    rho: float = 0.6

    @property
    def name(self) -> str:
        """The row label, for example "(2,2) 1e5"."""
        exponent = len(str(self.n)) - 1
        return f"({self.dx},{self.dy}) {self.n / 10**exponent:g}e{exponent}"

    @property
    def mi(self) -> float:
        """True mutual information in nats."""
        return -0.5 * min(self.dx, self.dy) * math.log1p(-(self.rho**2))

    @property
    def pair_dims(self) -> float:
        """Coordinate differences a full scan of all ordered pairs looks at."""
        return float(self.n) * self.n * (self.dx + self.dy)

    def sample(
        self, seed: int = 0, dtype: DTypeLike = np.float64
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Draw x [n, dx] and y [n, dy], C-contiguous."""
        rng = np.random.default_rng(seed)
        shared = min(self.dx, self.dy)
        x = rng.standard_normal((self.n, self.dx))
        y = rng.standard_normal((self.n, self.dy))
        y[:, :shared] *= math.sqrt(1 - self.rho**2)
        y[:, :shared] += self.rho * x[:, :shared]
        return np.ascontiguousarray(x, dtype=dtype), np.ascontiguousarray(y, dtype=dtype)


CPU_TABLE: tuple[Task, ...] = (
    Task(1, 1, 1_000),
    Task(1, 1, 10_000),
    Task(1, 1, 100_000),
    Task(1, 1, 1_000_000),
    Task(2, 2, 100_000),
    Task(3, 3, 100_000),
    Task(5, 5, 10_000),
    Task(5, 5, 100_000),
    Task(10, 10, 10_000),
    Task(10, 10, 50_000),
    Task(20, 20, 10_000),
    Task(50, 50, 10_000),
    Task(100, 100, 10_000),
)

QUICK_TABLE: tuple[Task, ...] = (
    Task(1, 1, 1_000),
    Task(1, 1, 10_000),
    Task(3, 3, 5_000),
    Task(10, 10, 1_000),
)

# The benches of single operations, bench/ops, by size: one table for what takes n log n or little
# more, and one for what looks at every pair of samples.
OPS_TABLE: dict[str, Task] = {"small": Task(2, 2, 1_000), "large": Task(2, 2, 100_000)}
ALL_PAIRS_TABLE: dict[str, Task] = {"small": Task(2, 2, 500), "large": Task(2, 2, 20_000)}


def add_arguments(
    parser: argparse.ArgumentParser, quick: str = "small cases, under a minute"
) -> None:
    """Give a script the options that every script has: --quick and --json."""
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", metavar="OUT", help="write the results to this file")


def add_case_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a script --quick, --json, and --cases, which picks rows of a table."""
    add_arguments(parser)
    parser.add_argument(
        "--cases",
        nargs="+",
        metavar="PATTERN",
        help="only these rows, shell patterns, e.g. '(1,1)*' '(5,5) 1e4'",
    )


def select(tasks: Iterable[Task], patterns: Sequence[str] | None) -> list[Task]:
    """Return the tasks whose name matches any pattern; all of them without patterns.

    Raises:
        SystemExit: A pattern matches nothing; the message lists the names.
    """
    tasks = list(tasks)
    if not patterns:
        return tasks
    for pattern in patterns:
        if not any(fnmatch(task.name, pattern) for task in tasks):
            names = ", ".join(repr(task.name) for task in tasks)
            raise SystemExit(f"--cases {pattern!r} matches no case; the cases are {names}")
    return [task for task in tasks if any(fnmatch(task.name, p) for p in patterns)]
