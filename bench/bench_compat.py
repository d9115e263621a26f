"""fastmi.compat beside NPEET and scikit-learn on real data: values, and interleaved times.

Both sides get the same columns, moved by up to 1e-6 of their deviation to part coincident samples,
whose entropies are infinite (bench_parity.py has ties). NPEET's noise is off on both sides
(`noise=0`; the identity in NPEET); scikit-learn's is on, from the same `random_state`.
`shuffle_test` draws the same shuffles, after the same numpy.random.seed. Values that are the same
infinity or NaN on both sides would count as left out.

    python bench/bench_compat.py --json bench/results/compat.json
"""

from __future__ import annotations

import argparse
import statistics
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import NamedTuple

import machine
import numpy as np
import render
import tasks
from bench_parity import Block, load
from peers.npeet import npeet_without_noise
from timing import interleave, progress, timed

import fastmi.compat.npeet
import fastmi.compat.sklearn

TOLERANCE = 1e-9
DATA_SETS = ("diabetes", "wine", "breast_cancer", "iris")
SHUFFLES = 50

Call = Callable[[ModuleType], object]
"""One call of a module that has NPEET's or scikit-learn's names; returns numbers."""


class Case(NamedTuple):
    """Calls that make one row.

    Attributes:
        function: Name of the function.
        original: "NPEET" or "scikit-learn".
        calls: Each returns a number or an array.
    """

    function: str
    original: str
    calls: list[Call]


def quartiles(column: Block) -> Block:
    """Return 0 to 3 by the quartiles of a column."""
    return np.searchsorted(np.quantile(column, (0.25, 0.5, 0.75)), column).astype(np.int64)


def cases(columns: Block) -> Iterator[Case]:
    """Yield what is called on one data set, target last."""
    dims = columns.shape[1]
    x, target = columns[:, :-1], columns[:, -1]
    single = [columns[:, [j]] for j in range(dims)]
    codes = [quartiles(column) for column in columns.T]
    half = len(columns) // 2
    # Rows alternate between the two samples, since some files are sorted by class.
    first, second = columns[0 : 2 * half : 2], columns[1 : 2 * half : 2]
    near = range(dims - 1)

    def npeet_case(function: str, calls: list[Call]) -> Case:
        return Case(function, "NPEET", calls)

    yield npeet_case("mi", [lambda m, j=j: m.mi(single[j], single[j + 1]) for j in near])
    yield npeet_case("mi, blocks", [lambda m: m.mi(x[:, : dims // 2], x[:, dims // 2 :])])
    yield npeet_case(
        "cmi",
        [lambda m, j=j: m.cmi(single[j], single[j + 1], single[j + 2]) for j in range(dims - 2)],
    )
    yield npeet_case("entropy", [lambda m, j=j: m.entropy(columns[:, : j + 1]) for j in near])
    yield npeet_case("kldiv", [lambda m, j=j: m.kldiv(first[:, j:], second[:, j:]) for j in near])
    yield npeet_case("midd", [lambda m, j=j: m.midd(codes[j], codes[j + 1]) for j in near])
    yield npeet_case(
        "micd", [lambda m, j=j: m.micd(single[j], codes[-1][:, None], warning=False) for j in near]
    )

    def shuffled(m: ModuleType) -> object:
        # NPEET knows no other generator.
        np.random.seed(0)  # noqa: NPY002
        mean, (low, high) = m.shuffle_test(m.mi, single[0], single[-1], ns=SHUFFLES)
        return np.array([mean, low, high])

    yield npeet_case(f"shuffle_test, {SHUFFLES} shuffles", [shuffled])
    yield Case(
        "mutual_info_regression",
        "scikit-learn",
        [lambda m: m.mutual_info_regression(x, target, random_state=0)],
    )
    yield Case(
        "mutual_info_classif",
        "scikit-learn",
        [lambda m: m.mutual_info_classif(x, codes[-1], random_state=0)],
    )


def values(module: ModuleType, case: Case) -> Block:
    """Return everything the calls of a case return."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.concatenate([np.ravel(call(module)) for call in case.calls])


def measure(data: str, n: int, case: Case, ours: ModuleType, theirs: ModuleType, budget: float):
    """Return one row of the table."""
    mine, original = values(ours, case), values(theirs, case)
    both_nan = np.isnan(mine) & np.isnan(original)
    left_out = both_nan | (np.isinf(original) & (mine == original))
    gaps = np.abs(mine[~left_out] - original[~left_out])
    times = interleave(
        {
            "fastmi": partial(timed, partial(values, ours, case)),
            "original": partial(timed, partial(values, theirs, case)),
        },
        budget=budget,
    )
    pairs = zip(times["original"].seconds, times["fastmi"].seconds, strict=False)
    return {
        "function": case.function,
        "original": case.original,
        "data": data,
        "n": n,
        "values": int(gaps.size),
        "left_out": int(left_out.sum()),
        "largest_difference": float(gaps.max(initial=0.0)),
        "seconds": {name: timing.median for name, timing in times.items()},
        "ratio": statistics.median(slow / fast for slow, fast in pairs),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "two data sets, three rounds")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of rounds per row")
    arguments = parser.parse_args(argv)

    from sklearn import feature_selection

    pairs = {"scikit-learn": (fastmi.compat.sklearn, feature_selection)}
    noiseless = ModuleType("noiseless")
    for name in ("mi", "cmi", "entropy", "micd"):
        setattr(noiseless, name, partial(getattr(fastmi.compat.npeet, name), noise=0))
    for name in ("kldiv", "midd", "shuffle_test"):
        setattr(noiseless, name, getattr(fastmi.compat.npeet, name))
    try:
        pairs["NPEET"] = (noiseless, npeet_without_noise())
    except ImportError as error:
        progress(f"NPEET left out: {error}")
    rows = []
    for data in DATA_SETS[-2:] if arguments.quick else DATA_SETS:
        columns = load(data)
        columns += 1e-6 * np.random.default_rng(0).random(columns.shape)
        for case in cases(columns):
            if case.original in pairs:
                budget = 0.0 if arguments.quick else arguments.budget
                rows.append(measure(data, len(columns), case, *pairs[case.original], budget))
                progress(
                    "{data} {function}: {largest_difference:.0e}, {ratio:.1f}x".format(**rows[-1])
                )
    rows.sort(key=lambda row: row["original"])
    render.report({"bench": "compat", "machine": machine.describe(), "rows": rows}, arguments.json)
    # "> TOLERANCE" would let NaN pass.
    return int(not all(row["largest_difference"] <= TOLERANCE for row in rows))


if __name__ == "__main__":
    sys.exit(main())
