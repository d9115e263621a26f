"""How often do permutation tests reject? Their level and power on made-up data, by simulation.

Each cell is one kind of data, scheme and n. A test at 5 % has to reject in 5 % of the runs where x
and y are independent (given z, if there is a z), or to warn; and as often as it can where they are
not. Every cell is added to the JSON file as soon as it is measured, and cells that are in the file
are not measured again, so that a long run can be ended and taken up.

    python bench/bench_rejections.py --json bench/results/rejections.json
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import machine
import numpy as np
import render
import tasks
from rejection_cases import SERIES
from timing import progress

import fastmi
from fastmi._cautions import Note

LEVEL = 0.05
Samples = tuple[np.ndarray, ...]


class Kind(NamedTuple):
    """Random samples of (x, y) or (x, y, z), and the schemes that are tried on them.

    Attributes:
        draw: Function of a generator, n and the correlation of the noise of x with that of y.
        correlation: The correlation in the alternative; it is 0 in the null.
        schemes: Names of schemes, "default" for none.
        sizes: Numbers of samples.
        test: The test of the samples.
    """

    draw: Callable[[np.random.Generator, int, float], Samples]
    correlation: float
    schemes: tuple[str, ...]
    sizes: tuple[int, ...] = (200,)
    test: Callable[..., Any] = fastmi.permutation_test


def _noises(rng: np.random.Generator, n: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    first, other = rng.standard_normal((2, n))
    return first, rho * first + math.sqrt(1.0 - rho**2) * other


def _normal(rng: np.random.Generator, n: int, rho: float) -> Samples:
    return _noises(rng, n, rho)


def _integer(rng: np.random.Generator, n: int, rho: float) -> Samples:
    return tuple(np.round(3.0 * noise) for noise in _noises(rng, n, rho))


def _series(coefficient: float) -> Callable[[np.random.Generator, int, float], Samples]:
    def draw(rng: np.random.Generator, n: int, rho: float) -> Samples:
        spin_up = 200
        series = np.column_stack(_noises(rng, n + spin_up, rho))
        for t in range(1, len(series)):
            series[t] += coefficient * series[t - 1]
        return series[spin_up:, 0], series[spin_up:, 1]

    return draw


def _through(
    columns: int, part: Callable[[np.ndarray], np.ndarray], noise: float
) -> Callable[[np.random.Generator, int, float], Samples]:
    """Return a law of x, y = sum of part(z) over the columns of a normal z, plus noise."""

    def draw(rng: np.random.Generator, n: int, rho: float) -> Samples:
        z = rng.standard_normal((n, columns))
        common = part(z).sum(axis=1)
        first, second = _noises(rng, n, rho)
        return common + noise * first, common + noise * second, z

    return draw


def _binary_z(rng: np.random.Generator, n: int, rho: float) -> Samples:
    z = rng.integers(0, 2, n).astype(float)
    first, second = _noises(rng, n, rho)
    return z + first, z + second, z


def _integers(rng: np.random.Generator, n: int, rho: float) -> Samples:
    """All three columns are whole numbers."""
    x, y, z = _through(1, lambda z: z, 1.0)(rng, n, rho)
    return np.round(3.0 * x), np.round(3.0 * y), np.round(3.0 * z)


def _mixed_z(rng: np.random.Generator, n: int, rho: float) -> Samples:
    """One column of z is binary, the other normal and in a unit that hides the first."""
    group = rng.integers(0, 2, n)
    slow = rng.standard_normal(n)
    first, second = _noises(rng, n, rho)
    common = 2.0 * group + 0.5 * slow
    return common + first, common + second, np.column_stack([group, 1000.0 * slow])


def _uneven(rng: np.random.Generator, n: int, rho: float) -> Samples:
    """The spread of the noise depends on z."""
    z = rng.standard_normal((n, 3))
    spread = np.exp(0.5 * z.sum(axis=1))
    first, second = _noises(rng, n, rho)
    return z.sum(axis=1) + spread * first, z.sum(axis=1) + spread * second, z


def _heavy(rng: np.random.Generator, n: int, rho: float) -> Samples:
    """All columns have the tails of Student's t with 2 degrees of freedom."""
    z = rng.standard_t(2, (n, 3))
    shared, *own = rng.standard_t(2, (3, n))
    common = z.sum(axis=1)
    return common + 0.5 * (own[0] + rho * shared), common + 0.5 * (own[1] + rho * shared), z


CONDITIONAL = ("local", "residual")
WITH_DEFAULT = ("local", "residual", "default")
KINDS: dict[str, Kind] = {
    "binary z": Kind(_binary_z, 0.35, ("default",), (200, 500)),
    "3 strong z": Kind(_through(3, lambda z: z, 0.5), 0.5, WITH_DEFAULT, (200, 500)),
    "4 strong z": Kind(_through(4, lambda z: z, 0.5), 0.5, CONDITIONAL, (200, 500)),
    "1 z": Kind(_through(1, lambda z: z, 1.0), 0.5, CONDITIONAL, (200, 500)),
    "integer x, y, z": Kind(_integers, 0.5, ("default",), (200, 500)),
    "AR(.95)": Kind(_series(0.95), 0.7, ("default", "circular", "block"), (200, 500)),
    "AR(.5)": Kind(_series(0.5), 0.35, ("default", "circular", "block"), (200, 500)),
    "normal": Kind(_normal, 0.35, ("default",), (200, 500)),
    "integer x, y": Kind(_integer, 0.35, ("default",), (200, 500)),
    "1 strong z": Kind(_through(1, lambda z: z, 0.05), 0.5, WITH_DEFAULT),
    "binary and normal z": Kind(_mixed_z, 0.5, ("default",)),
    "squares of 3 z": Kind(_through(3, np.square, 0.5), 0.5, WITH_DEFAULT),
    "sines of 3 z": Kind(_through(3, lambda z: np.sin(2.0 * z), 0.5), 0.5, CONDITIONAL, (200, 500)),
    "uneven noise, 3 z": Kind(_uneven, 0.5, WITH_DEFAULT),
    "heavy tails, 3 z": Kind(_heavy, 1.0, CONDITIONAL),
    "8 strong z": Kind(_through(8, lambda z: z, 0.5), 0.5, CONDITIONAL),
}
KINDS |= {name: Kind(*case) for name, case in SERIES.items()}
QUICK = ("binary z", "3 strong z")


def measure(
    kind: Kind, name: str, scheme: str, n: int, rho: float, runs: int, surrogates: int
) -> dict[str, Any]:
    """Return the share of runs that reject, and the share that warn, by kind of warning."""
    options: dict[str, Any] = {} if scheme == "default" else {"scheme": scheme}
    rejected = 0
    warned: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for run in range(runs):
        rng = np.random.default_rng([run, n, zlib.crc32(name.encode())])
        test = kind.test(
            *kind.draw(rng, n, rho), n_permutations=surrogates, seed=run, n_jobs=1, **options
        )
        rejected += test.p_value <= LEVEL
        used[test.scheme] += 1
        warned.update({each.kind for each in test.warnings if not isinstance(each, Note)})
    return {
        "rejected": rejected / runs,
        "warned": {each: count / runs for each, count in sorted(warned.items())},
        "used": {each: count / runs for each, count in sorted(used.items())},
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="400, or 20 with --quick")
    parser.add_argument(
        "--surrogates", type=int, default=99, help="of each test; 39 are enough for a level of 5 %%"
    )
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), help="all of them if none")
    tasks.add_arguments(parser, "two kinds, few runs")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore", fastmi.EstimateWarning)

    runs = arguments.runs or (20 if arguments.quick else 400)
    names = arguments.kinds or (QUICK if arguments.quick else list(KINDS))
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    if arguments.json and Path(arguments.json).exists():
        before = json.loads(Path(arguments.json).read_text())["rows"]
        found = {(row["kind"], row["scheme"], row["n"]): row for row in before}
    for size in sorted({n for name in names for n in KINDS[name].sizes}):
        for name in names:
            kind = KINDS[name]
            for scheme in kind.schemes if size in kind.sizes else ():
                if found.get((name, scheme, size), {"runs": 0})["runs"] >= runs:
                    continue
                row = {
                    "kind": name,
                    "scheme": scheme,
                    "n": size,
                    "runs": runs,
                    "surrogates": arguments.surrogates,
                    "correlation": kind.correlation,
                    "null": measure(kind, name, scheme, size, 0.0, runs, arguments.surrogates),
                    "alternative": measure(
                        kind, name, scheme, size, kind.correlation, runs, arguments.surrogates
                    ),
                }
                found[name, scheme, size] = row
                progress(
                    f"{name:20} {scheme:10} n={size:4} null {row['null']['rejected']:.3f}, "
                    f"alternative {row['alternative']['rejected']:.3f}, "
                    f"warned {row['null']['warned']}"
                )
                if arguments.json:
                    _write(found, arguments.json)
    render.report(_result(found), None)


def _result(found: dict[tuple[str, str, int], dict[str, Any]]) -> dict[str, Any]:
    order = list(KINDS)
    rows = sorted(
        found.values(), key=lambda row: (order.index(row["kind"]), row["scheme"], row["n"])
    )
    return {"bench": "rejections", "machine": machine.describe(1), "rows": rows}


def _write(found: dict[tuple[str, str, int], dict[str, Any]], out: str) -> None:
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    Path(out).write_text(json.dumps(_result(found), indent=1) + "\n")


if __name__ == "__main__":
    main()
