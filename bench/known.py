"""Samples whose information is known in closed form, and the methods that are tried on each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastmi
from fastmi import datasets

Blocks = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Method:
    """One estimator with its options.

    Attributes:
        name: What fastmi calls the method.
        k: Number of neighbours; None for a method without neighbours.
        options: Further options by name.
    """

    name: str
    k: int | None = 3
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def label(self) -> str:
        more = [f"{key}={value:g}" for key, value in self.options]
        return ", ".join([self.name, *more])

    def arguments(self) -> dict[str, Any]:
        neighbors = {} if self.k is None else {"k": self.k}
        return {"method": self.name, **neighbors, **dict(self.options)}


@dataclass(frozen=True)
class Sample:
    """Samples of a law and what is to be estimated.

    Attributes:
        quantity: A function of fastmi, for example "mi" or "entropy".
        name: Name of the law.
        dims: Columns of each variable, as the table shows them.
        truth: The true value in nats.
        draw: Makes the arguments of the function from n and a generator.
        methods: The methods that are tried on it.
    """

    quantity: str
    name: str
    dims: str
    truth: float
    draw: Callable[[int, np.random.Generator], Blocks]
    methods: tuple[Method, ...]

    def estimate(self, method: Method, blocks: Blocks) -> float:
        """Return the estimate in nats."""
        return float(getattr(fastmi, self.quantity)(*blocks, **method.arguments()))


CONTINUOUS = (
    Method("ksg1"),
    Method("ksg1", 10),
    Method("ksg2"),
    Method("biksg"),
    Method("biksg", 3, (("p", 2),)),
    Method("ksg_eq6"),
    Method("lnc", 10),
    Method("ksg_global"),
    Method("ksg_global_linf"),
    Method("3h", 10),
    Method("gaussian", None),
    Method("binning", None),
)
# LNC needs k >= dx + dy; ten bins in twenty columns are all singletons, and the weights of "3h"
# multiply scatter by 10^4.
WIDE = tuple(
    m if m.name != "lnc" else Method("lnc", 25)
    for m in CONTINUOUS
    if m.name not in {"binning", "3h"}
)
CONDITIONAL = (
    Method("fp"),
    Method("fp", 10),
    Method("mesner"),
    Method("ksg2"),
    Method("gaussian", None),
    Method("binning", None),
)
TOTAL = (
    Method("ksg1"),
    Method("ksg2"),
    Method("biksg"),
    Method("biksg", 3, (("p", 2),)),
    Method("gaussian", None),
    Method("binning", None),
)
LEAVE_ONE_OUT = (Method("ksg1"), Method("ksg1", 10), Method("gaussian", None))
DIVERGENCE = (Method("knn"), Method("knn", 10), Method("gaussian", None))
ENTROPY = (Method("kl"), Method("kl", 10), Method("wkl", 10))
WIDE_ENTROPY = (Method("kl"), Method("kl", 10), Method("wkl", 40))


def _pair(name: str, law: datasets.Distribution, methods: tuple[Method, ...]) -> Sample:
    dx, dy = law.dims
    return Sample("mi", name, f"{dx}+{dy}", law.mutual_information, law.sample, methods)


def _labels_last(law: datasets.Distribution) -> Callable[[int, np.random.Generator], Blocks]:
    def draw(n: int, rng: np.random.Generator) -> Blocks:
        labels, x = law.sample(n, rng)
        return x, labels

    return draw


def _chain(n: int, rng: np.random.Generator) -> Blocks:
    z, ex, ey = rng.standard_normal((3, n, 1))
    x = z + ex
    return x, z + 0.8 * x + ey, z


def _three_equal(n: int, rng: np.random.Generator) -> Blocks:
    covariance = np.full((3, 3), 0.6) + 0.4 * np.eye(3)
    columns = rng.standard_normal((n, 3)) @ np.linalg.cholesky(covariance).T
    return tuple(columns[:, [b]] for b in range(3))


def _normal(d: int, methods: tuple[Method, ...]) -> Sample:
    truth = 0.5 * d * math.log(2 * math.pi * math.e)
    return Sample(
        "entropy", "normal", str(d), truth, lambda n, rng: (rng.standard_normal((n, d)),), methods
    )


_DISCRETE = datasets.DiscretePlusUniform(5)

# Log determinants of three and of two of these variables give all four quantities.
_ALL, _TWO = math.log(0.4**2 * 2.2), math.log(1 - 0.6**2)
_TOTAL, _DUAL = -0.5 * _ALL, 1.5 * _TWO - _ALL
_OF_THREE_EQUAL = {
    "dual_total_correlation": _DUAL,
    "o_information": _TOTAL - _DUAL,
    "s_information": _TOTAL + _DUAL,
}

SAMPLES: tuple[Sample, ...] = (
    _pair("Gaussian, rho 0.6", datasets.CorrelatedGaussian(0.6, 1), CONTINUOUS),
    _pair("Gaussian, rho 0.6", datasets.CorrelatedGaussian(0.6, 3), CONTINUOUS),
    _pair("Gaussian, rho 0.6", datasets.CorrelatedGaussian(0.6, 10), WIDE),
    _pair("uniform, Gaussian copula", datasets.CorrelatedUniform(0.6, 1), CONTINUOUS),
    _pair("uniform + uniform noise 0.3", datasets.SmoothedUniform(0.3), CONTINUOUS),
    _pair("Student, nu 3, 1 nat", datasets.Student.from_mi(1.0, 3.0), CONTINUOUS),
    _pair(
        "zero-inflated Poisson, 0.15",
        datasets.ZeroInflatedPoisson(0.15),
        (Method("mixed"), Method("mesner")),
    ),
    Sample(
        "mi",
        "5 classes + uniform",
        "1+1",
        _DISCRETE.mutual_information,
        _labels_last(_DISCRETE),
        (Method("mixed"), Method("mesner"), Method("ross"), Method("ross", 10)),
    ),
    Sample("cmi", "Gaussian chain", "1+1 given 1", 0.5 * math.log(1.64), _chain, CONDITIONAL),
    Sample(
        "total_correlation",
        "Gaussian, rho 0.6",
        "1+1+1",
        -0.5 * math.log(0.4**2 * 2.2),
        _three_equal,
        TOTAL,
    ),
    *(
        Sample(name, "Gaussian, rho 0.6", "1+1+1", truth, _three_equal, LEAVE_ONE_OUT)
        for name, truth in _OF_THREE_EQUAL.items()
    ),
    Sample(
        "kl_divergence",
        "Gaussians, shift 0.5",
        "3",
        0.375,
        lambda n, rng: (rng.standard_normal((n, 3)), 0.5 + rng.standard_normal((n, 3))),
        DIVERGENCE,
    ),
    _normal(1, ENTROPY),
    _normal(3, ENTROPY),
    _normal(10, WIDE_ENTROPY),
    Sample(
        "entropy",
        "uniform on the unit cube",
        "3",
        0.0,
        lambda n, rng: (rng.random((n, 3)),),
        ENTROPY,
    ),
)
