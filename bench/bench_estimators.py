"""How far is every estimator from the truth, and from its own definition?

Bias, deviation and rmse over runs with a closed form for the truth; and the largest difference
from the slow implementations in tests/reference, on small samples of the same laws.

    python bench/bench_estimators.py --json bench/results/estimators.json
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

import machine
import numpy as np
import render
import scipy.special
import tasks
from known import SAMPLES, Blocks, Method, Sample

from fastmi._extras import ProgressBar
from fastmi.datasets import metrics
from fastmi.estimators.neighbors.lnc import LNC
from fastmi.estimators.neighbors.weighted_entropy import entropy_weights

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import reference  # the oracles of the tests
from reference.digamma import digamma
from reference.normalize import global_, global_linf
from reference.sweep import sweep_counts

TOLERANCE = 1e-8
REFERENCE_RUNS = 3
SCALES = tuple(i / 10 for i in range(1, 21))

Oracle = Callable[[Blocks, Method], float]


def _swept(blocks: Blocks, method: Method) -> float:
    scale = global_ if method.name == "ksg_global" else global_linf
    x, y = map(scale, blocks)
    psi_k, psi_n = digamma(np.array([method.k, len(x)]))
    counts = sweep_counts(x, y, SCALES, method.k)
    return float((psi_k + psi_n - digamma(counts + 1).sum(axis=1).mean(axis=1)).max())


def _corrected(blocks: Blocks, method: Method) -> float:
    # The threshold is a constant from a simulation; the oracle takes it as given.
    alpha = dict(method.options).get("alpha", 0.5)
    return reference.lnc_mi(*blocks, method.k, alpha)


def _normal(blocks: Blocks, _: Method) -> float:
    first, *others = (block.shape[1] for block in blocks)
    bias = reference.gaussian_bias(len(blocks[0]), (first,), tuple(others))
    return reference.gaussian_total_correlation(*blocks) - bias


def _normal_given(blocks: Blocks, _: Method) -> float:
    dx, dy, dz = (block.shape[1] for block in blocks)
    bias = reference.gaussian_bias(len(blocks[0]), (dx,), (dy,), dz)
    return reference.gaussian_conditional_mi(*blocks) - bias


def _binned(blocks: Blocks, _: Method) -> float:
    return reference.binned_total_correlation(list(blocks), 10)


def _three_entropies(blocks: Blocks, method: Method) -> float:
    x, y, joint = (
        reference.weighted_entropy(block, entropy_weights(method.k, block.shape[1]))
        for block in (*blocks, np.hstack(blocks))
    )
    return x + y - joint


def _signed(name: str) -> dict[tuple[str, str], Oracle]:
    """Return the oracles of a sum of entropies, the Gaussian one less its bias."""

    def by_counts(blocks: Blocks, method: Method) -> float:
        entropy = reference.ksg_entropies(blocks, method.k, "chebyshev")
        return reference.signed_sum(name, len(blocks), entropy)

    def normal(blocks: Blocks, _: Method) -> float:
        n = len(blocks[0])

        def entropy(space: tuple[int, ...]) -> float:
            columns = np.hstack([blocks[b] for b in space])
            d = columns.shape[1]
            log_det = np.linalg.slogdet(np.cov(columns.T).reshape(d, d))[1]
            chance = sum(float(scipy.special.psi((n - i) / 2)) for i in range(1, d + 1))
            return 0.5 * (log_det - chance)

        return reference.signed_sum(name, len(blocks), entropy)

    return {(name, "ksg1"): by_counts, (name, "gaussian"): normal}


def _normal_divergence(blocks: Blocks, _: Method) -> float:
    x, other = blocks
    (n, d), m = x.shape, len(other)
    a, b = np.cov(x.T, bias=True), np.cov(other.T, bias=True)
    shift = x.mean(axis=0) - other.mean(axis=0)
    quadratic = np.trace(np.linalg.solve(b, a)) + shift @ np.linalg.solve(b, shift)
    dets = sum(
        sign * (np.linalg.slogdet(s)[1] - d * math.log(2 / size))
        - sign * sum(scipy.special.psi((size - i) / 2) for i in range(1, d + 1))
        for sign, s, size in ((1, b, m), (-1, a, n))
    )
    return float(0.5 * (quadratic * (m - d - 2) / m - d / m - d + dets))


ORACLES: dict[tuple[str, str], Oracle] = {
    ("mi", "ksg1"): lambda b, m: reference.ksg_mi(b, m.k, 1, "chebyshev"),
    ("mi", "ksg2"): lambda b, m: reference.ksg_mi(b, m.k, 2, "chebyshev"),
    ("mi", "biksg"): lambda b, m: reference.biksg(b, m.k, dict(m.options).get("p", math.inf)),
    ("mi", "ksg_eq6"): lambda b, m: reference.ksg_hybrid(*b, m.k, "chebyshev"),
    ("mi", "lnc"): _corrected,
    ("mi", "ksg_global"): _swept,
    ("mi", "ksg_global_linf"): _swept,
    ("mi", "3h"): _three_entropies,
    ("mi", "gaussian"): _normal,
    ("mi", "binning"): _binned,
    ("mi", "mixed"): lambda b, m: reference.mixed_mi(*b, m.k, "chebyshev"),
    ("mi", "ross"): lambda b, m: reference.ross_mi(b[0], b[1][:, 0], m.k, "chebyshev"),
    ("mi", "mesner"): lambda b, m: reference.mesner_mi(*b, m.k, "chebyshev"),
    ("cmi", "mesner"): lambda b, m: reference.mesner_cmi(*b, m.k, "chebyshev"),
    ("cmi", "fp"): lambda b, m: reference.conditional_mi(*b, m.k, 1, "chebyshev"),
    ("cmi", "ksg2"): lambda b, m: reference.conditional_mi(*b, m.k, 2, "chebyshev"),
    ("cmi", "gaussian"): _normal_given,
    ("cmi", "binning"): lambda b, _: reference.binned_conditional_mi(*b, 10),
    ("total_correlation", "ksg1"): lambda b, m: reference.ksg_mi(b, m.k, 1, "chebyshev"),
    ("total_correlation", "ksg2"): lambda b, m: reference.ksg_mi(b, m.k, 2, "chebyshev"),
    ("total_correlation", "biksg"): lambda b, m: reference.biksg(
        b, m.k, dict(m.options).get("p", math.inf)
    ),
    ("total_correlation", "gaussian"): _normal,
    ("total_correlation", "binning"): _binned,
    **_signed("dual_total_correlation"),
    **_signed("o_information"),
    **_signed("s_information"),
    ("kl_divergence", "knn"): lambda b, m: reference.kl_divergence(*b, m.k, "chebyshev"),
    ("kl_divergence", "gaussian"): _normal_divergence,
    ("entropy", "kl"): lambda b, m: reference.kl_entropy(b[0], m.k, "chebyshev"),
    ("entropy", "wkl"): lambda b, m: reference.weighted_entropy(
        b[0], entropy_weights(m.k, b[0].shape[1])
    ),
}


def from_definition(sample: Sample, method: Method, n: int) -> float:
    """Return the largest difference from the slow implementation, on small samples."""
    oracle = ORACLES[sample.quantity, method.name]
    largest = 0.0
    for run in range(REFERENCE_RUNS):
        blocks = sample.draw(n, np.random.default_rng([run, n]))
        ours = (
            float(LNC(k=method.k, alpha=0.5).estimate(*blocks))
            if method.name == "lnc"
            else sample.estimate(method, blocks)
        )
        # max() could drop a NaN.
        largest = float(np.maximum(largest, abs(ours - oracle(blocks, method))))
    return largest


def measure(sample: Sample, method: Method, n: int, runs: int, small: int) -> dict[str, object]:
    """Return one row of the table."""
    estimates = np.empty(runs)
    for run in range(runs):
        blocks = sample.draw(n, np.random.default_rng(run))
        estimates[run] = sample.estimate(method, blocks)
    truths = np.full(runs, sample.truth)
    return {
        "quantity": sample.quantity,
        "sample": sample.name,
        "dims": sample.dims,
        "n": n,
        "runs": runs,
        "estimator": method.label,
        "k": method.k,
        "truth": sample.truth,
        "bias": metrics.bias(estimates, truths),
        "sd": float(estimates.std(ddof=1)),
        "rmse": metrics.rmse(estimates, truths),
        "from_definition": from_definition(sample, method, small),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1000, help="samples")
    parser.add_argument("--runs", type=int, help="50, or 5 with --quick")
    tasks.add_arguments(parser, "few runs")
    arguments = parser.parse_args(argv)

    runs = arguments.runs or (5 if arguments.quick else 50)
    rows = []
    with ProgressBar(True, sum(len(s.methods) for s in SAMPLES), "estimators") as bar:
        for sample in SAMPLES:
            for method in sample.methods:
                rows.append(measure(sample, method, arguments.n, runs, small=120))
                bar.advance()
    render.report(
        {"bench": "estimators", "machine": machine.describe(), "rows": rows}, arguments.json
    )
    # "> TOLERANCE" would let NaN pass.
    wrong = [row for row in rows if not row["from_definition"] <= TOLERANCE]
    for row in wrong:
        print("differs from its definition:", row, file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
