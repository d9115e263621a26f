"""Agreement with NPEET and scikit-learn on real data, their noise switched off.

scikit-learn is asked through the function under `mutual_info_regression` that works on data
it was given, and NPEET with its noise replaced by the identity. What remains of their habits:

- At a k-th distance of 0 scikit-learn counts coincident samples and NPEET takes psi(0), while
  the definition counts nothing. Such estimates are left out, and the number left out is shown.
- NPEET subtracts 1e-15 from the radius to turn `<=` into `<`. Distances that differ by less,
  which decimals divided by a standard deviation produce, would be confused; so NPEET is
  compared on columns rounded to multiples of 2^-30 standard deviations, whose differences
  are exact. scikit-learn uses the next float down and is compared on the unrounded columns.
- scikit-learn clips at 0: fastmi's estimate is clipped for that comparison.

    python bench/bench_parity.py --json bench/results/parity.json
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from itertools import combinations

import machine
import numpy as np
import render
import tasks
from numpy.typing import NDArray
from peers.npeet import Npeet, npeet_without_noise
from timing import progress

TOLERANCE = 1e-9
DATA_SETS = ("diabetes", "wine", "breast_cancer", "iris", "linnerud")
NEIGHBOURS = (1, 3, 10)
GRID = 2.0**-30

Block = NDArray[np.float64]


def load(name: str) -> Block:
    """Return all columns of a bundled data set, target last, each divided by its deviation."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    target = np.asarray(bunch.target, dtype=np.float64).reshape(len(bunch.data), -1)
    columns = np.hstack([bunch.data, target])
    return np.ascontiguousarray(columns / columns.std(axis=0))


def pairs(columns: Block, quick: bool) -> Iterator[tuple[Block, Block]]:
    """Yield every pair of single columns, or of neighbouring ones if quick."""
    dims = columns.shape[1]
    for a, b in combinations(range(dims), 2):
        if not quick or b == a + 1:
            yield columns[:, [a]], columns[:, [b]]


def splits(columns: Block) -> Iterator[tuple[Block, Block]]:
    """Yield blocks of several columns: the first dx against the rest."""
    dims = columns.shape[1]
    for dx in sorted({1, 2, dims // 2, dims - 1} & set(range(1, dims))):
        yield columns[:, :dx], columns[:, dx:]


def smallest_radius(x: Block, y: Block, k: int) -> float:
    """Smallest distance to the k-th neighbour in the joint space."""
    from scipy.spatial import cKDTree

    points = np.hstack([x, y])
    return float(cKDTree(points).query(points, k=[k + 1], p=np.inf)[0].min())


def by_sklearn(x: Block, y: Block, k: int) -> float:
    from sklearn.feature_selection import _mutual_info

    return float(_mutual_info._compute_mi_cc(x[:, 0], y[:, 0], k))


def by_npeet(x: Block, y: Block, k: int) -> float:
    return float(npeet_without_noise().mi(x, y, k=k, base=math.e))


def compare(name: str, peer: str, quick: bool) -> dict[str, object]:
    """Return the largest difference over the pairs and blocks of one data set."""
    import fastmi

    columns = load(name)
    if peer == "NPEET":
        columns = np.round(columns / GRID) * GRID
        cases = [*pairs(columns, quick), *splits(columns)]
    else:
        cases = list(pairs(columns, quick))
    largest, estimates, coincident = 0.0, 0, 0
    for x, y in cases:
        for k in NEIGHBOURS:
            if smallest_radius(x, y, k) == 0:
                coincident += 1
                continue
            ours = float(fastmi.mi(x, y, k=k, noise=0))
            if peer == "NPEET":
                difference = abs(ours - by_npeet(x, y, k))
            else:
                difference = abs(max(0.0, ours) - by_sklearn(x, y, k))
            largest = max(largest, difference)
            estimates += 1
    return {
        "data": name,
        "peer": peer,
        "n": len(columns),
        "estimates": estimates,
        "left_out": coincident,
        "largest_difference": largest,
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "fewer pairs of columns")
    arguments = parser.parse_args(argv)

    rivals = ["scikit-learn"]
    reason = Npeet().why_unavailable()
    if reason is None:
        rivals.append("NPEET")
    else:
        progress(f"NPEET left out: {reason}")
    rows = []
    for name in DATA_SETS:
        for peer in rivals:
            rows.append(compare(name, peer, arguments.quick))
            progress("{data} {peer}: {largest_difference:.1e} over {estimates}".format(**rows[-1]))
    render.report({"bench": "parity", "machine": machine.describe(), "rows": rows}, arguments.json)
    return int(any(row["largest_difference"] > TOLERANCE for row in rows))


if __name__ == "__main__":
    sys.exit(main())
