"""Every method that trains a network, options at their defaults: time and distance to the truth.

python bench/bench_neural_defaults.py --json bench/results/neural_defaults.json   # 10 minutes
python bench/bench_neural_defaults.py --margins --json bench/results/neural_margins.json

The first is one call at n = 5000 and 10 + 10 columns on each task. The second shows what the option
`inputs` does on one column each: margins from uniform to Cauchy on the copula of a normal pair, and
the bivariate Student's t, all of known information. Seeds are those of --seeds.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import machine
import numpy as np
import render
import torch
from numpy.typing import NDArray
from scipy import special, stats
from timing import progress

import fastmi
from fastmi import datasets
from fastmi.estimators import MI_METHODS

Array = NDArray[np.float64]
Task = tuple[str, Array, Array, float]

RHO = 0.8
MARGINS: dict[str, Callable[[Array], Array]] = {
    "normal": stats.norm.ppf,
    "uniform": lambda u: u,
    "two humps": lambda u: stats.norm.ppf(u) + 4.0 * np.sign(u - 0.5),
    "exponential": lambda u: -np.log(u),
    "Laplace": stats.laplace.ppf,
    "t, 3": lambda u: stats.t.ppf(u, 3),
    "t, 2": lambda u: stats.t.ppf(u, 2),
    "Cauchy": stats.cauchy.ppf,
    "cube": lambda u: stats.norm.ppf(u) ** 3,
    "lognormal": lambda u: np.exp(stats.norm.ppf(u)),
}
# Training of the second part, short and small, as it compares inputs and not methods.
SHORT: dict[str, dict[str, Any]] = {
    "mine": {"steps": 1000, "lr": 2e-3, "hidden": (128, 128)},
    "infonce": {"steps": 1000, "lr": 2e-3, "critic": "separable"},
    "smile": {"steps": 1000, "lr": 2e-3, "critic": "separable"},
    "demi": {"steps": 1000, "lr": 2e-3, "hidden": (128, 128)},
    "doe": {"steps": 1000, "lr": 2e-3, "hidden": (128, 128)},
    "ndoe": {"steps": 600, "lr": 2e-3},
    "mienf": {"steps": 600, "batch_size": 256},
}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--margins", action="store_true", help="the second part")
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it works")
    parser.add_argument("--methods", nargs="*")
    parser.add_argument("--tasks", nargs="*", help="names of tasks or margins; all by default")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--threads", type=int, default=machine.cores())
    parser.add_argument("--json")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    rows = []
    for row in _margin_rows(arguments) if arguments.margins else _default_rows(arguments):
        rows.append(row)
        progress("  ".join(f"{key} {value}" for key, value in row.items()))
    result = {
        "bench": "neural_margins" if arguments.margins else "neural_defaults",
        "machine": machine.describe(arguments.threads),
        "rows": rows,
    }
    render.report(result, arguments.json)


def _default_rows(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    n = 700 if arguments.quick else 5000
    names = arguments.methods or [
        *(name for name, row in MI_METHODS.items() if row.trains),
        "cmi ccmi",
    ]
    for seed in arguments.seeds:
        for task, x, y, truth in _tasks(n, seed):
            if arguments.tasks and task not in arguments.tasks:
                continue
            for name in names:
                start = perf_counter()
                found: Any
                if name == "cmi ccmi":
                    # The condition is independent of both, so that the truth is the same.
                    z = np.random.default_rng(seed).normal(size=(n, 1))
                    found = fastmi.cmi(x, y, z, method="ccmi", seed=seed)
                else:
                    found = fastmi.mi(x, y, method=name, seed=seed)
                yield {
                    "task": task,
                    "seed": seed,
                    "method": name,
                    "truth": round(truth, 3),
                    "estimate": round(float(found), 3),
                    "stderr": round(found.stderr, 3),
                    "seconds": round(perf_counter() - start, 1),
                    "best_step": found.history.best_step,
                    "steps": int(found.history.steps[-1]),
                    "warnings": sorted({caution.kind for caution in found.warnings}),
                }


def _tasks(n: int, seed: int) -> Iterator[Task]:
    """Yield tasks of 10 + 10 columns."""
    rng = np.random.default_rng(1000 + seed)
    for truth in (0.5, 2.0, 5.0):
        x, y = datasets.CorrelatedGaussian.from_mi(truth, d=10).sample(n, seed=seed)
        yield f"normal, {truth:g}", x, y, truth
        if truth == 2.0:
            yield "cube of y, 2", x, y**3, truth
            turns = [np.linalg.qr(rng.normal(size=(10, 10)))[0] for _ in range(2)]
            yield "tanh of y, both turned, 2", x @ turns[0], np.tanh(y) @ turns[1], truth
    x, y = rng.normal(size=(2, n, 10))
    y[:, 0] = x[:, 0] * x[:, 1] + 0.3 * y[:, 0]
    yield "product of two columns", x, y, _product_information(0.3)


def _product_information(noise: float) -> float:
    """Return the information in nats between (A, B) and A B + noise N, all standard normal."""
    step = 0.005
    grid = np.arange(-40.0, 40.0, step) + step / 2
    # The density of A B is K0(|p|) / pi; its singularity at 0 is integrable.
    mass = special.k0(np.abs(grid)) / math.pi * step
    mass /= mass.sum()
    kernel = stats.norm.pdf(grid, scale=noise) * step
    density = np.convolve(mass, kernel / kernel.sum(), "same") / step
    density = density[density > 1e-300]
    return float(-(density * np.log(density)).sum() * step) - float(stats.norm.entropy(scale=noise))


def _margin_rows(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    n = 700 if arguments.quick else 4000
    for seed in arguments.seeds:
        for task, x, y, truth in _margin_tasks(n, seed):
            if arguments.tasks and task not in arguments.tasks:
                continue
            for name in arguments.methods or SHORT:
                values = {
                    inputs: fastmi.mi(x, y, method=name, inputs=inputs, seed=seed, **SHORT[name])
                    for inputs in ("standard", "asinh", "auto")
                }
                yield {
                    "task": task,
                    "seed": seed,
                    "method": name,
                    "truth": round(truth, 3),
                    **{inputs: round(float(value), 3) for inputs, value in values.items()},
                }


def _margin_tasks(n: int, seed: int) -> Iterator[Task]:
    """Yield tasks of one column each."""
    rng = np.random.default_rng(2000 + seed)
    factor = np.array([[1.0, RHO], [0.0, math.sqrt(1.0 - RHO**2)]])
    normal = rng.normal(size=(n, 2)) @ factor
    uniform = stats.norm.cdf(normal)
    truth = -0.5 * math.log1p(-(RHO**2))
    for name, quantile in MARGINS.items():
        x, y = quantile(uniform).T
        yield name, x, y, truth
    for nu in (1, 2, 3):
        x, y = (normal * np.sqrt(nu / rng.chisquare(nu, (n, 1)))).T
        yield f"bivariate t, {nu}", x, y, truth + 2 * _t_entropy(1, nu) - _t_entropy(2, nu)


def _t_entropy(d: int, nu: int) -> float:
    """Return the entropy of d columns of Student's t, less that of a normal of the same matrix."""
    half = 0.5 * (nu + d)
    return (
        math.lgamma(0.5 * nu)
        - math.lgamma(half)
        + 0.5 * d * math.log(nu / 2.0)
        - 0.5 * d
        + half * float(special.psi(half) - special.psi(0.5 * nu))
    )


if __name__ == "__main__":
    main()
