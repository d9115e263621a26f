"""Every estimator of the tables that `fastmi.mi`, `cmi`, `total_correlation` and `entropy` read.

An estimator is timed on the law and with the options that `known` tries it with, in three columns
where there is such a law; one that trains a network on correlated Gaussians, for a few updates. A
new name in a table is timed at the sizes of its quantity, or fails until it stands in `known`.
"""

import math
from importlib.util import find_spec

import known
import numpy as np
import pytest

import fastmi
from fastmi.datasets import CorrelatedGaussian
from fastmi.estimators import (
    CMI_METHODS,
    ENTROPY_METHODS,
    MI_METHODS,
    TOTAL_CORRELATION_METHODS,
)
from fastmi.estimators._lookup import Lazy

TABLES = {
    "mi": MI_METHODS,
    "cmi": CMI_METHODS,
    "total_correlation": TOTAL_CORRELATION_METHODS,
    "entropy": ENTROPY_METHODS,
}
METHODS = [(quantity, name) for quantity, table in TABLES.items() for name in table]
TRAINED = [(q, name) for q, name in METHODS if isinstance(TABLES[q][name], Lazy)]
OTHERS = [each for each in METHODS if each not in TRAINED]

SAMPLES = {"small": 500, "large": 30_000}
# Large sizes of what takes longer than a second there: n^2, or many dimensions at once.
FEWER = {
    ("mi", "ksg_global"): 5_000,
    ("mi", "ksg_global_linf"): 5_000,
    ("mi", "3h"): 10_000,
    ("mi", "lnc"): 10_000,
}

# Columns of each variable, samples, and options.
TRAININGS = {
    "small": (1, 300, {"steps": 3, "batch_size": 32}),
    "large": (10, 5_000, {"steps": 10, "batch_size": 128}),
}


def identify(value):
    return "-".join(value)


@pytest.mark.parametrize("method", OTHERS, ids=identify)
def test_estimator(benchmark, size, method):
    quantity, name = method
    sample, tried = case(quantity, name)
    n = FEWER.get(method, SAMPLES["large"]) if size == "large" else SAMPLES[size]
    benchmark.extra_info["case"] = f"{sample.name}, d = {sample.dims}, n = {n}"
    blocks = sample.draw(n, np.random.default_rng(0))
    estimate = benchmark(getattr(fastmi, quantity), *blocks, **tried.arguments())
    assert math.isfinite(estimate)
    assert estimate.n == n


def case(quantity, name):
    """Return a sample of `known` that a method is tried on, and its options."""
    tried = [
        (sample, method)
        for sample in known.SAMPLES
        for method in sample.methods
        if (sample.quantity, method.name) == (quantity, name)
    ]
    if not tried:
        pytest.fail(f"method={name!r} of {quantity} is tried on no sample of bench/known.py")
    return next((each for each in tried if each[0].dims.startswith("3")), tried[0])


@pytest.mark.skipif(find_spec("torch") is None, reason="what trains a network needs torch")
@pytest.mark.parametrize("method", TRAINED, ids=identify)
def test_trained_estimator(benchmark, size, method):
    quantity, name = method
    d, n, options = TRAININGS[size]
    benchmark.extra_info["case"] = f"Gaussian, d = {d}, n = {n}, {options['steps']} steps"
    x, y = CorrelatedGaussian(0.6, d).sample(n, 0)
    z = np.random.default_rng(1).standard_normal((n, d))
    blocks = {"mi": (x, y), "cmi": (x, y, z)}[quantity]
    estimate = benchmark.pedantic(
        getattr(fastmi, quantity),
        blocks,
        {"method": name, "seed": 0, "patience": None, **options},
        rounds=3,
        warmup_rounds=1,
    )
    assert math.isfinite(estimate)
    assert estimate.n == n
