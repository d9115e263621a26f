"""Laws of known information outside BMI, in two groups, and a check of every truth.

The first member of each kind is for development: thresholds and weights may be chosen on it. All
others are held back: they are only looked at to report.

    python bench/bmi/laws.py            # name, columns, truth
    python bench/bmi/laws.py --check    # beside a Monte Carlo mean of the log density ratio
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from copulas import copula
from families import (
    cauchy_pair,
    clusters,
    common_factor,
    common_scale,
    cross,
    elliptical,
    factors,
    function_of_one,
    independent,
    laplace_pair,
    multiplied,
    product,
    ring,
    spread,
    uniform_noise,
)
from law import Law, beside, mapped, rotated, spiral
from quadrature import CAUCHY


def _pairs(law: Law, pairs: int, columns: int, noise: str = "normal") -> Law:
    """Return independent copies of a small law among columns that carry nothing."""
    dx, dy = (columns - pairs * d for d in law.dims)
    return beside(*[law] * pairs, independent(dx, dy, noise))


def _of_strength(nats: float) -> float:
    """Return the correlation of a normal pair with this information."""
    return math.sqrt(-math.expm1(-2.0 * nats))


_SPARSE_NORMAL = beside(elliptical((0.8, 0.8)), independent(8, 8))
_FOUR = ((-2.0, 2.0), (2.0, 2.0), (-2.0, -2.0), (0.0, -2.0))
_SIX = ((0.0, 0.0), (3.0, 0.0), (0.0, 3.0), (-3.0, -3.0), (3.0, -3.0), (6.0, 3.0))

#: The members of each kind by name; the first is for development.
KINDS: dict[str, dict[str, Law]] = {
    "rotated": {
        "Laplace pairs, rotated 4+4": rotated(_pairs(laplace_pair(0.6), 2, 4, "laplace"), 1),
        "Laplace pairs, rotated 8+8": rotated(_pairs(laplace_pair(0.5), 3, 8, "laplace"), 2),
        "uniform pairs, rotated 6+6": rotated(
            beside(uniform_noise(0.8, 2), independent(4, 4, "uniform")), 3
        ),
    },
    "sparse": {
        "square among noise 10+10": _pairs(function_of_one(np.square, 0.5), 1, 10),
        "sine among noise 20+20": _pairs(function_of_one(lambda x: np.sin(2.5 * x), 0.3), 1, 20),
        "two normal pairs 40+40": beside(elliptical((0.8, 0.8)), independent(38, 38)),
        "absolute value, twice 5+5": _pairs(function_of_one(np.abs, 0.3), 2, 5),
    },
    "t": {
        "t, nu 1.5, 2+2": elliptical((0.5, 0.5), 1.5),
        "t, nu 4, 6+6": elliptical((0.4,) * 6, 4.0),
        "t, nu 5, 10+10": elliptical((0.0,) * 10, 5.0),
    },
    "lognormal": {
        "lognormal 3+3": mapped(
            elliptical((0.7, 0.5, 0.3)), lambda x: np.exp(1.5 * x), lambda y: np.exp(1.5 * y)
        ),
        "lognormal 8+8": mapped(
            beside(elliptical((0.7,) * 4), independent(4, 4)),
            lambda x: np.exp(2.0 * x),
            lambda y: np.exp(2.0 * y),
        ),
    },
    "heavy noise": {
        "Cauchy + Cauchy noise 1+1": cauchy_pair(0.5),
        "normal + Cauchy noise 1+1": function_of_one(lambda x: x, 0.3, CAUCHY),
        "normal + Cauchy noise 3+3": _pairs(function_of_one(lambda x: x, 0.5, CAUCHY), 3, 3),
    },
    "multiplied": {
        "x * normal 1+1": multiplied("normal"),
        "x * normal 2+2": _pairs(multiplied("normal"), 2, 2),
        "x * lognormal 3+3": _pairs(multiplied("lognormal"), 2, 3),
    },
    "spread": {
        "spread of one column 2+2": beside(spread(0.8, 1), independent(1, 1)),
        "spread of five columns 5+5": beside(spread(0.6, 5), independent(4, 0)),
    },
    "uniform noise": {
        "uniform noise 3+3": uniform_noise(1.5, 3),
        "uniform noise 1+1": uniform_noise(0.4, 1),
        "uniform noise 4+4": uniform_noise(1.2, 4),
        "uniform noise 5+5": uniform_noise(2.0, 5),
    },
    "spiral": {
        "spiral 2+2": mapped(elliptical((0.8, 0.8)), spiral(0.8)),
        "spiral 4+4": mapped(elliptical((0.8, 0.8, 0.0, 0.0)), spiral(0.6), spiral(0.6)),
        "spiral 10+10": mapped(_SPARSE_NORMAL, spiral(0.5), spiral(0.5)),
    },
    "clusters": {
        "four clusters 1+1": clusters(_FOUR, 0.7),
        "six clusters, rotated 5+5": rotated(_pairs(clusters(_SIX, 0.8), 1, 5), 4),
        "cross 1+1": cross(0.2),
        "cross among noise 3+3": _pairs(cross(0.2), 1, 3),
    },
    "rings": {
        "ring 1+1": ring(0.15),
        "two rings 4+4": _pairs(ring(0.15), 2, 4),
        "figure of eight 1+1": ring(0.1, 2),
    },
    "products of two": {
        "x1 x2 + noise 2+1": product(2, 0.5),
        "x1 x2 + noise 5+5": beside(product(2, 0.3), independent(3, 4)),
        "two products 4+2": beside(product(2, 0.3), product(2, 0.5)),
    },
    "products of three": {
        "x1 x2 x3 + noise 3+1": product(3, 0.3),
        "x1 x2 x3 + noise 6+3": beside(product(3, 0.2), independent(3, 2)),
    },
    "copulas": {
        "Clayton 1+1": copula("clayton", 2.0),
        "Gumbel 1+1": copula("gumbel", 2.5),
        "Frank 1+1": copula("frank", 6.0),
        "Clayton pairs among noise 6+6": _pairs(copula("clayton", 3.0), 3, 6),
        "Frank pairs among noise 10+10": _pairs(copula("frank", 10.0), 2, 10),
    },
    "common scale": {
        "two scales 2+2": common_scale((1.0, 5.0), 2, 2),
        "three scales 1+1": common_scale((0.3, 1.0, 10.0), 1, 1),
        "three scales 5+5": common_scale((0.5, 1.0, 3.0), 5, 5),
    },
    "factors": {
        "normal factors 20+20": factors(20, 20, (4.0, 2.0, 1.0), 5),
        "normal factors, sinh 30+30": mapped(
            factors(30, 30, (6.0, 3.0), 6), np.sinh, lambda y: np.sinh(y) + y
        ),
        "Laplace factors 15+15": rotated(_pairs(common_factor(0.5, "laplace"), 2, 15), 7),
        "binary factors 12+12": rotated(_pairs(common_factor(0.6, "binary"), 3, 12), 8),
    },
    "strong": {
        "normal, 5 nats 2+2": elliptical((_of_strength(2.5),) * 2),
        "normal, 5 nats, cubed 1+1": mapped(elliptical((_of_strength(5.0),)), lambda x: x**3),
        "uniform noise, 5 nats 1+1": uniform_noise(0.00676, 1),
    },
    "weak": {
        "normal, .02 nats 3+3": elliptical((_of_strength(0.02), 0.0, 0.0)),
        "Frank, weak 1+1": copula("frank", 1.2),
        "Clayton, weak 5+5": _pairs(copula("clayton", 0.25), 1, 5),
    },
    "independent normal": {
        "independent normal 5+5": independent(5, 5),
        "independent normal 1+1": independent(1, 1),
        "independent normal 25+25": independent(25, 25),
        "independent normal 50+50": independent(50, 50),
    },
    "independent t": {
        "independent t, nu 3, 10+10": independent(10, 10, "t", 3.0),
        "independent t, nu 2, 1+1": independent(1, 1, "t", 2.0),
        "independent t, nu 2, 5+5": independent(5, 5, "t", 2.0),
        "independent t, nu 4, 25+25": independent(25, 25, "t", 4.0),
        "independent t, nu 3, 50+50": independent(50, 50, "t", 3.0),
    },
    "independent uniform": {
        "independent uniform 3+3": independent(3, 3, "uniform"),
        "independent uniform 1+1": independent(1, 1, "uniform"),
        "independent uniform 25+25": independent(25, 25, "uniform"),
        "independent uniform 50+50": independent(50, 50, "uniform"),
    },
}

LAWS = {name: law for members in KINDS.values() for name, law in members.items()}
DEVELOPMENT = {name: law for members in KINDS.values() for name, law in list(members.items())[:1]}
HELD_BACK = {name: law for name, law in LAWS.items() if name not in DEVELOPMENT}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with Monte Carlo means")
    parser.add_argument("--n", type=int, default=200_000, help="rows of a Monte Carlo mean")
    arguments = parser.parse_args(argv)

    wrong = []
    for name, law in LAWS.items():
        line = f"{name:34} {law.dims[0]:3}+{law.dims[1]:<3} {law.truth:8.4f}  {law.how}"
        if arguments.check:
            mean, error = law.monte_carlo(arguments.n, np.random.default_rng(1))
            line += f"; by Monte Carlo {mean:.4f} +- {error:.4f}"
            if abs(mean - law.truth) > 4.0 * error + 1e-9:
                wrong.append(name)
                line += "  <- differs"
        print(line, flush=True)
    if wrong:
        raise SystemExit(f"{len(wrong)} of {len(LAWS)} truths differ: {wrong}")


if __name__ == "__main__":
    main()
