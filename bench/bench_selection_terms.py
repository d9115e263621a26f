"""I(X; Y | Z) as MISelector estimates it, for all kinds of columns, on laws that are known.

Mean and standard deviation over samples; kinds are c (continuous), d (classes) and m (a mixture of
an atom and other values), of x, y and z in this order.

    python bench/bench_selection_terms.py --json bench/results/selection_terms.json
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import machine
import numpy as np
import render
import tasks

from fastmi.estimators.auto.kinds import CLASSES, CONTINUOUS, MIXTURE, Kind
from fastmi.selection._information import Information
from fastmi.statistics._variables import Variable

KINDS = {"c": CONTINUOUS, "d": CLASSES, "m": MIXTURE}
Draw = Callable[[Any, int], tuple[Any, Any, Any]]


class Law(NamedTuple):
    """A law of x, y and z.

    Attributes:
        name: What it is.
        kinds: One letter for each variable.
        truth: I(X; Y | Z) in nats.
        draw: Function of a generator and n that returns x, y and z.
    """

    name: str
    kinds: str
    truth: float
    draw: Draw


def _made(kind: str, values: Any, rng: Any) -> Any:
    if kind == "d":
        return np.digitize(values, (-1, 0, 1))
    return np.where(rng.random(len(values)) < 0.4, 0.0, np.exp(values)) if kind == "m" else values


def laws() -> Iterator[Law]:
    for kinds in map("".join, product("cdm", repeat=3)):

        def through(rng: Any, n: int, kinds: str = kinds) -> tuple[Any, Any, Any]:
            z = _made(kinds[2], rng.standard_normal(n), rng)
            told = 1.5 * (z - z.mean()) / z.std()
            x, y = (_made(kind, told + rng.standard_normal(n), rng) for kind in kinds[:2])
            return x, y, z

        yield Law("x and y depend on z alone", kinds, 0.0, through)

    def normal(rng: Any, n: int) -> Any:
        return rng.standard_normal(n)

    def copy(rng: Any, n: int) -> Any:
        z = normal(rng, n)
        return z, (z + normal(rng, n) > 0).astype(int), z

    yield Law("x is z", "cdc", 0.0, copy)

    def signs(rng: Any, n: int) -> Any:
        x, z = rng.standard_normal((2, n))
        return x, (x * z > 0).astype(int), z

    yield Law("y is the sign of x z", "cdc", np.log(2), signs)

    def signs_of_sign(rng: Any, n: int) -> Any:
        x, y, z = signs(rng, n)
        return (x > 0).astype(int), y, z

    yield Law("the same, x its sign", "ddc", np.log(2), signs_of_sign)

    def summed(rng: Any, n: int) -> Any:
        x, z, noise = rng.standard_normal((3, n))
        return x, x + z + noise, z

    yield Law("y = x + z + noise", "ccc", 0.5 * np.log(2), summed)

    def summed_classes(rng: Any, n: int) -> Any:
        x, noise = rng.standard_normal((2, n))
        z = rng.integers(0, 3, n)
        return x, x + 3 * z + noise, z

    yield Law("the same, z one of 3 classes", "ccd", 0.5 * np.log(2), summed_classes)
    for z in "cd":

        def many(rng: Any, n: int, z: str = z) -> Any:
            x, y = rng.integers(0, (40, 5), (n, 2)).T
            return x, y, normal(rng, n) if z == "c" else rng.integers(0, 6, n)

        yield Law("40, 5 and 6 random classes", f"dd{z}", 0.0, many)
        same = 0.8 + 0.2 / 5

        def telling(rng: Any, n: int, z: str = z) -> Any:
            x = rng.integers(0, 40, n)
            y = np.where(rng.random(n) < 0.8, x // 8, rng.integers(0, 5, n))
            return x, y, normal(rng, n) if z == "c" else rng.integers(0, 6, n)

        truth = np.log(5) + same * np.log(same) + (1 - same) * np.log(0.2 / 5)
        yield Law("40 classes tell 5, and 6 nothing", f"dd{z}", truth, telling)


def estimate(law: Law, n: int, run: int) -> float:
    columns = law.draw(np.random.default_rng([n, run]), n)
    x, y, z = (
        Variable(
            place,
            values.astype(np.intp if kind == "d" else np.float64),
            None,
            Kind(KINDS[kind], len(np.unique(values)), False, True, 1),
        )
        for place, (values, kind) in enumerate(zip(columns, law.kinds, strict=True))
    )
    of = Information([x, z], y, [0, 1], k=3, n_jobs=1, seed=None)
    return float(of.conditional([0], 1)[0])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "five samples")
    arguments = parser.parse_args(argv)
    rows = []
    for law in laws():
        for n in (200, 1000):
            runs = 5 if arguments.quick else 100
            found = [estimate(law, n, run) for run in range(runs)]
            rows.append(
                {
                    "law": law.name,
                    "kinds": law.kinds,
                    "n": n,
                    "samples": runs,
                    "truth": float(law.truth),
                    "mean": float(np.mean(found)),
                    "sd": float(np.std(found, ddof=1)),
                }
            )
    result = {"bench": "selection_terms", "machine": machine.describe(1), "rows": rows}
    render.report(result, arguments.json)


if __name__ == "__main__":
    main()
