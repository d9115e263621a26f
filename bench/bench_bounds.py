"""Bounds with known densities: time per weight, peak memory as K grows, gap against work.

The gaps are those of two random decoders without closed form, by importance samples of the
prior and of a learned proposal, and by annealing from both.

    python bench/bench_bounds.py --folder bench/results/bounds      # everything: JSON, CSV, PNG
    python bench/bench_bounds.py --only speed memory                # needs torch, as all but memory
    python bench/bench_bounds.py --only kernels                     # what fixed HMC's constants
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import machine
import numpy as np
from bench_memory import memory
from result_tables import markdown_table
from timing import interleave, progress, timed

from fastmi import bounds

Rows = list[dict[str, Any]]
PARTS = ("speed", "memory", "gap", "kernels")


def gaussian(dims: int) -> bounds.Model:
    """x = z + noise of variance 1/4 in each of `dims` dimensions."""
    constant = -0.5 * dims * math.log(0.5 * math.pi)
    return bounds.Model(
        log_lik=lambda x, z: constant - 2.0 * ((x - z) ** 2).sum(axis=-1),
        log_prior=lambda z: -0.5 * (z**2).sum(axis=-1) - 0.5 * dims * math.log(2 * math.pi),
        sample_prior=lambda m, rng: rng.standard_normal((m, dims)),
        grad_log_joint=lambda x, z: -z + 4.0 * (x - z),
        grad_log_prior=lambda z: -z,
    )


def pairs(n: int, dims: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    z = rng.standard_normal((n, dims))
    return z + 0.5 * rng.standard_normal((n, dims)), z


def _distributions(dims: int) -> tuple[Any, Callable[[Any], Any]]:
    import torch
    from torch.distributions import Independent, Normal

    zero = torch.zeros(dims, dtype=torch.float64)
    return Independent(Normal(zero, torch.ones_like(zero)), 1), lambda z: Independent(
        Normal(z, 0.5), 1
    )


def torch_loop(x: Any, z: Any, k: int) -> tuple[float, float]:
    """Draw and weigh one importance sample after the other, as a first version would."""
    import torch

    prior, likelihood = _distributions(x.shape[1])
    own = likelihood(z).log_prob(x)
    weights = []
    for _ in range(k):
        weights.append(likelihood(prior.sample((len(x),))).log_prob(x))
    upper = own - torch.logsumexp(torch.stack(weights, 1), 1) + math.log(k)
    together = torch.stack([own, *weights], 1)
    lower = own - torch.logsumexp(together, 1) + math.log(k + 1)
    return float(lower.mean()), float(upper.mean())


def torch_at_once(x: Any, z: Any, k: int) -> tuple[float, float]:
    """Draw and weigh all importance samples in one array."""
    import torch

    prior, likelihood = _distributions(x.shape[1])
    own = likelihood(z).log_prob(x)
    weights = likelihood(prior.sample((len(x), k))).log_prob(x[:, None])
    upper = own - torch.logsumexp(weights, 1) + math.log(k)
    together = torch.cat([own[:, None], weights], 1)
    lower = own - torch.logsumexp(together, 1) + math.log(k + 1)
    return float(lower.mean()), float(upper.mean())


def candidates(dims: int, n: int, k: int) -> dict[str, Callable[[], float]]:
    """Return what is timed: each gives the mean of its two bounds."""
    import torch

    x, z = pairs(n, dims)
    tensors = torch.from_numpy(x), torch.from_numpy(z)
    by_torch = bounds.Model.from_distributions(*_distributions(dims))
    options = {"n_importance": k, "seed": 0}
    return {
        "fastmi, NumPy callables": lambda: (
            bounds.sandwich(gaussian(dims), x, z, **options).midpoint
        ),
        "fastmi, torch distributions": lambda: (
            bounds.sandwich(by_torch, *tensors, **options).midpoint
        ),
        "torch, loop over samples": lambda: sum(torch_loop(*tensors, k)) / 2,
        "torch, one array": lambda: sum(torch_at_once(*tensors, k)) / 2,
    }


def speed(quick: bool) -> Rows:
    """Seconds per 1e6 weights of n = 1000 pairs, K = 1000, one thread, candidates in turns."""
    import torch

    torch.set_num_threads(1)
    n, k = 1000, 100 if quick else 1000
    rows = []
    for dims in (1, 10):
        calls = candidates(dims, n, k)
        # One thread runs: its CPU time is the wall time of an idle machine.
        timings = interleave(
            {name: partial(timed, run, time.process_time) for name, run in calls.items()},
            budget=2 if quick else 15,
        )
        for name, timing in timings.items():
            per_million = timing.median / (n * k) * 1e6
            rows.append(
                {
                    "dims": dims,
                    "by": name,
                    "seconds_per_million": per_million,
                    "best": timing.best / (n * k) * 1e6,
                    "midpoint": float(timing.value),
                }
            )
            progress(f"d={dims} {name:28} {per_million * 1e3:.1f} ms per 1e6 weights")
    return rows


def memory_growth(quick: bool) -> Rows:
    """Peak memory above the input at n = 100 pairs, each call in a fresh process."""
    rows = []
    for name, sizes in (
        ("fastmi", (1_000, 10_000, 100_000, 1_000_000)),
        ("torch, one array", (1_000, 10_000, 100_000)),
    ):
        for k in sizes[:2] if quick else sizes:
            child = subprocess.run(
                [sys.executable, __file__, "--child", name, str(k)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            rows.append({"by": name, "n_importance": k, **json.loads(child.stdout)})
            progress(f"{name:18} K={k:<8} {rows[-1]['above_input_mb']:.1f} MB above the input")
    return rows


def _child(name: str, k: int) -> None:
    x, z = pairs(100, 1)
    if name == "fastmi":

        def run(count: int) -> float:
            return bounds.sandwich(gaussian(1), x, z, n_importance=count, seed=0).midpoint
    else:
        import torch

        tensors = torch.from_numpy(x), torch.from_numpy(z)

        def run(count: int) -> float:
            return sum(torch_at_once(*tensors, count)) / 2

    run(10)
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    start = time.perf_counter()
    value = run(k)
    seconds = time.perf_counter() - start
    above = memory("VmHWM") - before
    print(json.dumps({"above_input_mb": above, "seconds": seconds, "midpoint": value}))


class Decoder:
    """x = tanh(z A) B + noise of deviation 0.5, z standard normal."""

    def __init__(self, dz: int, dx: int, hidden: int) -> None:
        rng = np.random.default_rng(1)
        self.dz, self.dx, self.noise = dz, dx, 0.5
        self.a = rng.standard_normal((dz, hidden)) * 2.0 / math.sqrt(dz)
        self.b = rng.standard_normal((hidden, dx)) * 2.0 / math.sqrt(hidden)

    def mean(self, z: np.ndarray) -> np.ndarray:
        return np.tanh(z @ self.a) @ self.b

    def log_lik(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        constant = -0.5 * self.dx * math.log(2 * math.pi * self.noise**2)
        return constant - 0.5 * (((x - self.mean(z)) / self.noise) ** 2).sum(axis=-1)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        z = rng.standard_normal((n, self.dz))
        return self.mean(z) + self.noise * rng.standard_normal((n, self.dx)), z

    def grad(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        hidden = np.tanh(z @ self.a)
        residual = (x - hidden @ self.b) / self.noise**2
        return -z + ((residual @ self.b.T) * (1 - hidden**2)) @ self.a.T

    def model(self) -> bounds.Model:
        constant = -0.5 * self.dz * math.log(2 * math.pi)
        return bounds.Model(
            log_lik=self.log_lik,
            log_prior=lambda z: constant - 0.5 * (z**2).sum(axis=-1),
            sample_prior=lambda m, rng: rng.standard_normal((m, self.dz)),
            sample_joint=self.sample,
            grad_log_joint=self.grad,
            grad_log_prior=lambda z: -z,
        )


DECODERS = {"4 latents": Decoder(4, 8, 16), "16 latents": Decoder(16, 24, 32)}


def gap(quick: bool) -> Rows:
    """Bounds of the decoders against evaluations of the likelihood per pair."""
    import torch

    torch.set_num_threads(1)  # arrays of a few thousand numbers: a second thread only waits
    return [
        {"decoder": name, **row}
        for name, decoder in DECODERS.items()
        for row in _gap_of(decoder.model(), quick)
    ]


def _gap_of(model: bounds.Model, quick: bool) -> Rows:
    from fastmi.nn import Training

    x, z = model.sample(100 if quick else 500, seed=0)
    learned = bounds.learn_proposal(
        *model.sample(4_000 if quick else 40_000, seed=1),
        n_components=4,
        training=Training(steps=300 if quick else 4000, lr=1e-3, patience=10, seed=0),
    )
    hmc = bounds.HMC()
    # Forward and reverse chains: a weight and a move of n_leapfrog + 1 gradients each.
    per_step = 2 * (hmc.n_leapfrog + 2)
    rows: Rows = []

    def add(name: str, size: int, evaluations: int, both: bounds.Sandwich) -> None:
        rows.append(
            {
                "proposal": name,
                "size": size,
                "evaluations": evaluations,
                "lower": float(both.lower),
                "lower_stderr": both.lower.stderr,
                "upper": float(both.upper),
                "upper_stderr": both.upper.stderr,
                "gap": both.gap,
                "gap_stderr": both.gap_stderr,
                "seconds": both.lower.seconds,
            }
        )
        progress(f"{name:18} {size:5} {both}")

    for k in (1, 4, 16, 64) if quick else (1, 4, 16, 64, 256, 1024, 4096):
        for name, q in (("prior", None), ("learned", learned)):
            add(name, k, k, bounds.sandwich(model, x, z, proposal=q, n_importance=k, seed=2))
    for steps in (2, 8) if quick else (2, 8, 32, 128, 400):
        for name, q in (("AIS from prior", None), ("AIS from learned", learned)):
            schedule = "quadratic" if q is None else "linear"
            both = bounds.ais(
                model, x, z, proposal=q, n_steps=steps, kernel=hmc, schedule=schedule, seed=3
            )
            add(name, steps, per_step * steps, both)
    return rows


def draw(rows: Rows, path: Path) -> None:
    """Plot both bounds, and the gap, against evaluations of the likelihood."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
    for (left, right), decoder in zip(panels, DECODERS, strict=True):
        chosen = [row for row in rows if row["decoder"] == decoder]
        best = min(chosen, key=lambda row: row["gap"])
        left.axhspan(best["lower"], best["upper"], color="0.85", label="tightest pair")
        for color, name in enumerate(dict.fromkeys(row["proposal"] for row in chosen)):
            own = [row for row in chosen if row["proposal"] == name]
            work = [row["evaluations"] for row in own]
            style = {"color": f"C{color}", "marker": "o", "markersize": 3, "capsize": 2}
            for axes, value in ((left, "lower"), (left, "upper"), (right, "gap")):
                axes.errorbar(
                    work,
                    [row[value] for row in own],
                    [2 * row[f"{value}_stderr"] for row in own],
                    label=None if value == "lower" else name,
                    **style,
                )
        left.set(ylim=(0, 2.5 * best["upper"]), ylabel="bounds on I(X; Z), nats")
        right.set(yscale="log", ylabel="gap, nats")
        for axes in (left, right):
            axes.set(
                xscale="log", xlabel="likelihood evaluations per pair", title=f"decoder, {decoder}"
            )
    panels[0, 0].legend(frameon=False)
    figure.savefig(path, dpi=110)


def kernels(quick: bool) -> Rows:
    """Gap by settings of HMC at equal temperatures; the constants of fastmi/bounds/kernels.py."""
    from fastmi.bounds import kernels as module

    cases = [("10 Gaussian dimensions", gaussian(10), *pairs(1000, 10), 20)]
    decoder = DECODERS["4 latents"].model()
    cases.append(("decoder", decoder, *decoder.sample(500, seed=0), 50))
    shortest = module._SHORTEST
    rows = []
    for name, model, x, z, steps in cases[:1] if quick else cases:
        for share in (0.2, 0.8, 1.0):
            module._SHORTEST = share
            for leapfrog in (1, 3, 5, 10):
                for acceptance in (0.65, 0.8, 0.9):
                    kernel = bounds.HMC(n_leapfrog=leapfrog, target_acceptance=acceptance)
                    both = bounds.ais(model, x, z, n_steps=steps, kernel=kernel, seed=0)
                    rows.append(
                        {
                            "case": name,
                            "shortest": share,
                            "n_leapfrog": leapfrog,
                            "acceptance": acceptance,
                            "gap": both.gap,
                            "gap_stderr": both.gap_stderr,
                            "seconds": both.lower.seconds,
                        }
                    )
    module._SHORTEST = shortest
    return rows


def table(rows: Rows) -> str:
    cells = [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    return markdown_table(list(rows[0]), cells)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS[:3]))
    parser.add_argument("--folder", type=Path, metavar="OUT", help="write JSON, CSV and PNG here")
    parser.add_argument("--child", nargs=2, metavar=("NAME", "K"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        _child(arguments.child[0], int(arguments.child[1]))
        return
    parts = {"speed": speed, "memory": memory_growth, "gap": gap, "kernels": kernels}
    for part in arguments.only:
        rows = parts[part](arguments.quick)
        print(f"\n### {part}\n\n{table(rows)}")
        if arguments.folder is None:
            continue
        arguments.folder.mkdir(parents=True, exist_ok=True)
        record = {"bench": f"bounds {part}", "machine": machine.describe(), "rows": rows}
        Path(arguments.folder, f"{part}.json").write_text(json.dumps(record, indent=1) + "\n")
        if part == "gap":
            with Path(arguments.folder, "gap.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
            draw(rows, Path(arguments.folder, "gap.png"))


if __name__ == "__main__":
    main()
