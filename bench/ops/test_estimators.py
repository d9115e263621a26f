"""Every method of `fastmi.mi`, `cmi`, `total_correlation` and `entropy`: the rows of `METHODS`.

An estimator is timed on the law and with the options that `known` tries it with, in three columns
where there is such a law; one that trains a network on correlated Gaussians, for a few updates. A
new row is covered without a change; it fails if it takes no such samples, until `known` has some.
"""

import math
from importlib.util import find_spec

import known
import numpy as np
import pytest

import fastmi
from fastmi.datasets import CorrelatedGaussian
from fastmi.estimators import METHODS

SAMPLES = {"small": 500, "large": 100_000}
# Large sizes of what takes longer than half a second there.
FEWER = {
    ("mi", "ksg_global"): 20_000,
    ("mi", "ksg_global_linf"): 20_000,
    ("mi", "lnc"): 30_000,
    ("cmi", "ksg2"): 30_000,
}

# Columns of each variable, samples, and options.
TRAININGS = {
    "small": (1, 300, {"steps": 3, "batch_size": 32}),
    "large": (10, 5_000, {"steps": 10, "batch_size": 128}),
}


def parametrize(*, trains):
    chosen = [(row.function, row.name) for row in METHODS if row.trains == trains]
    return pytest.mark.parametrize("quantity, method", chosen)


@parametrize(trains=False)
def test_estimator(benchmark, size, quantity, method):
    sample, tried = case(quantity, method)
    n = FEWER.get((quantity, method), SAMPLES["large"]) if size == "large" else SAMPLES[size]
    benchmark.extra_info["case"] = f"{sample.name}, d = {sample.dims}, n = {n}"
    blocks = sample.draw(n, np.random.default_rng(0))
    estimate = benchmark(getattr(fastmi, quantity), *blocks, **tried.arguments())
    benchmark.extra_info["algorithm"] = estimate.algorithm
    # Classes of one sample that the other lacks make a divergence infinite.
    assert math.isfinite(estimate) or (quantity, method) == ("kl_divergence", "discrete")
    assert estimate.n == n


def case(quantity, method):
    """Return a sample of `known` that a method is tried on, and how; else any, and no options."""
    tried = [
        (sample, each)
        for sample in known.SAMPLES
        for each in sample.methods
        if (sample.quantity, each.name) == (quantity, method)
    ]
    if not tried:
        alone = known.Method(method, None)
        tried = [(sample, alone) for sample in known.SAMPLES if sample.quantity == quantity]
    return next((each for each in tried if each[0].dims.startswith("3")), tried[0])


@pytest.mark.skipif(find_spec("torch") is None, reason="what trains a network needs torch")
@parametrize(trains=True)
def test_trained_estimator(benchmark, size, quantity, method):
    d, n, options = TRAININGS[size]
    benchmark.extra_info["case"] = f"Gaussian, d = {d}, n = {n}, {options['steps']} steps"
    x, y = CorrelatedGaussian(0.6, d).sample(n, 0)
    z = np.random.default_rng(1).standard_normal((n, d))
    blocks = {"mi": (x, y), "cmi": (x, y, z)}[quantity]
    estimate = benchmark.pedantic(
        getattr(fastmi, quantity),
        blocks,
        {"method": method, "seed": 0, "patience": None, **options},
        rounds=3,
        warmup_rounds=1,
    )
    assert math.isfinite(estimate)
    assert estimate.n == n
