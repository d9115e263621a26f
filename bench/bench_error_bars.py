"""Do the error bars of an estimate cover what they promise? A simulation on laws of known truth.

Three error bars are tried: `stderr` (deviation of the local values over sqrt(n)),
`jackknife_error` with 20 blocks, and that of 40 random halves (`error="half"`). For each the table
has

- the standard deviation of the estimates over the runs, which an error bar has to match, and the
  mean of the error bars: a ratio of 1 is right, below 1 too narrow;
- how often intervals of 68 % and 95 % around the estimate cover the mean estimate (the promise)
  and the true value, which the bias of the estimator takes out of reach: no error bar contains it.
  Their half-widths are the error bar times the quantile of Student's t with 39 degrees of freedom
  for 40 halves, 19 for 20 blocks, and that of a normal distribution for `stderr`.

    python bench/bench_error_bars.py --json bench/results/error_bars.json
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

import machine
import numpy as np
import render
import tasks

import fastmi
from fastmi._extras import ProgressBar
from fastmi.datasets import CorrelatedGaussian, Student

# Half-widths of intervals of 68.27 % and 95 % in error bars.
NORMAL = (1.0, 1.959964)
STUDENT_39 = (1.012986, 2.022691)
STUDENT_19 = (1.027017, 2.093024)

Pair = tuple[np.ndarray, np.ndarray]
ErrorBar = Callable[[fastmi.Estimate], float]

ERROR_BARS: dict[str, tuple[ErrorBar, tuple[float, float]]] = {
    "stderr": (lambda plain: float(plain.local.std() / math.sqrt(plain.n)), NORMAL),
    "jackknife_error, 20 blocks": (
        lambda plain: fastmi.jackknife_error(plain, n_blocks=20),
        STUDENT_19,
    ),
    'error="half"': (lambda halved: halved.stderr, STUDENT_39),
}


@dataclass(frozen=True)
class Law:
    """A distribution with known information.

    Attributes:
        name: What the table calls it.
        d: Columns of each variable.
        truth: Information in nats.
        draw: Function that returns n samples of both variables, shapes (n, d).
    """

    name: str
    d: int
    truth: float
    draw: Callable[[int, np.random.Generator], Pair]


def gaussian(rho: float, d: int) -> Law:
    law = CorrelatedGaussian(rho, d)
    return Law(f"normal, rho {rho:g}", d, law.mutual_information, law.sample)


def lognormal(n: int, rng: np.random.Generator) -> Pair:
    x, y = CorrelatedGaussian(0.7, 1).sample(n, rng)
    return np.exp(1.5 * x), np.exp(1.5 * y)


def uniform_noise(n: int, rng: np.random.Generator) -> Pair:
    x = rng.random((n, 1))
    return x, x + 0.5 * (rng.random((n, 1)) - 0.5)


def mixture(n: int, rng: np.random.Generator) -> Pair:
    centres = np.array([[-2.0, -2.0], [2.0, -2.0], [0.0, 2.0]])
    both = centres[rng.integers(0, 3, n)] + 0.6 * rng.standard_normal((n, 2))
    return both[:, :1], both[:, 1:]


def spiral(n: int, rng: np.random.Generator) -> Pair:
    x, y = CorrelatedGaussian(0.8, 2).sample(n, rng)
    turns = np.exp(3j * np.linalg.norm(x, axis=1)) * (x[:, 0] + 1j * x[:, 1])
    return np.column_stack([turns.real, turns.imag]), y


def whole_numbers(n: int, rng: np.random.Generator) -> Pair:
    x, y = CorrelatedGaussian(0.6, 1).sample(n, rng)
    return np.round(4 * x), np.round(4 * y)


def truth_of_mixture() -> float:
    """Return the information of the mixture, by numerical integration of its density."""
    grid = np.linspace(-7.0, 7.0, 1401)
    centres = [(-2.0, -2.0), (2.0, -2.0), (0.0, 2.0)]

    def bell(centre: float) -> np.ndarray:
        return np.exp(-(((grid - centre) / 0.6) ** 2) / 2) / (0.6 * math.sqrt(2 * math.pi))

    joint = sum(np.outer(bell(a), bell(b)) for a, b in centres) / 3
    step = grid[1] - grid[0]
    x, y = joint.sum(axis=1) * step, joint.sum(axis=0) * step
    held = joint > 1e-300
    ratio = np.log(joint[held] / np.outer(x, y)[held])
    return float((joint[held] * ratio).sum() * step**2)


def truth_of_whole_numbers() -> float:
    """Return the information of the rounded normal columns, from the probability of each cell."""
    erf = np.frompyfunc(math.erf, 1, 1)
    edges = (np.arange(-24, 25) - 0.5) / 4

    def below(values: np.ndarray) -> np.ndarray:
        return 0.5 * (1 + erf(values / math.sqrt(2)).astype(float))

    # y given x is normal; x is integrated over its cell on a fine grid.
    fine = np.linspace(edges[0], edges[-1], 48 * 200 + 1)
    middle = (fine[1:] + fine[:-1]) / 2
    density = np.exp(-(middle**2) / 2) / math.sqrt(2 * math.pi) * (fine[1] - fine[0])
    cells = np.diff(below((edges[np.newaxis] - 0.6 * middle[:, np.newaxis]) / 0.8), axis=1)
    joint = (density[:, np.newaxis] * cells).reshape(48, 200, 48).sum(axis=1)
    x, y = joint.sum(axis=1), joint.sum(axis=0)
    held = joint > 0
    return float((joint[held] * np.log(joint[held] / np.outer(x, y)[held])).sum())


def cases() -> list[tuple[Law, int]]:
    """Return the laws with their numbers of samples."""
    student = Student(3, np.kron([[1.0, 0.5], [0.5, 1.0]], np.eye(2)), 2)
    bell = -0.5 * math.log(1 - 0.7**2)
    return [
        *((gaussian(rho, d), n) for rho in (0.0, 0.5, 0.9) for d in (1, 3) for n in (300, 2000)),
        (Law("lognormal", 1, bell, lognormal), 1000),
        (Law("Student, nu 3", 2, student.mutual_information, student.sample), 1000),
        (Law("uniform noise", 1, math.log(2) + 0.25, uniform_noise), 1000),
        (Law("three clusters", 1, truth_of_mixture(), mixture), 1000),
        (Law("spiral", 2, -math.log(1 - 0.8**2), spiral), 1000),
        (Law("whole numbers", 1, truth_of_whole_numbers(), whole_numbers), 1000),
    ]


def measure(law: Law, n: int, runs: int) -> list[dict[str, object]]:
    """Return one row for each error bar."""
    estimates = np.empty(runs)
    bars = {name: np.empty(runs) for name in ERROR_BARS}
    for run in range(runs):
        x, y = law.draw(n, np.random.default_rng([run, n, law.d]))
        estimate = fastmi.mi(x, y, error="half", seed=run)
        estimates[run] = float(estimate)
        for name, (error_bar, _) in ERROR_BARS.items():
            bars[name][run] = error_bar(estimate)
    from_mean = np.abs(estimates - estimates.mean())
    from_truth = np.abs(estimates - law.truth)
    return [
        {
            "error_bar": name,
            "law": law.name,
            "d": law.d,
            "n": n,
            "runs": runs,
            "truth": law.truth,
            "bias": float(estimates.mean()) - law.truth,
            "sd": float(estimates.std(ddof=1)),
            "stderr": float(own.mean()),
            "mean_68": float((from_mean <= ERROR_BARS[name][1][0] * own).mean()),
            "mean_95": float((from_mean <= ERROR_BARS[name][1][1] * own).mean()),
            "truth_68": float((from_truth <= ERROR_BARS[name][1][0] * own).mean()),
            "truth_95": float((from_truth <= ERROR_BARS[name][1][1] * own).mean()),
            "undefined": int(sum(not math.isfinite(value) for value in own)),
        }
        for name, own in bars.items()
    ]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="400, or 20 with --quick")
    tasks.add_arguments(parser, "one case, few runs")
    arguments = parser.parse_args(argv)

    runs = arguments.runs or (20 if arguments.quick else 400)
    chosen = [(gaussian(0.5, 1), 300)] if arguments.quick else cases()
    rows: list[dict[str, object]] = []
    with ProgressBar(True, len(chosen), "error bars") as bar:
        for law, n in chosen:
            rows += measure(law, n, runs)
            bar.advance()
    rows.sort(key=lambda row: list(ERROR_BARS).index(str(row["error_bar"])))
    render.report(
        {"bench": "error_bars", "machine": machine.describe(), "rows": rows}, arguments.json
    )


if __name__ == "__main__":
    main()
