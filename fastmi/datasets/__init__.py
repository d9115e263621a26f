"""Distributions whose mutual information is known exactly, for tests and benchmarks.

    >>> from fastmi import datasets
    >>> law = datasets.CorrelatedGaussian.from_mi(1.0, d=3)
    >>> x, y = law.sample(1000, seed=0)  # shapes (1000, 3)
    >>> law.mutual_information  # doctest: +SKIP
    1.0

:class:`Product` puts independent distributions side by side, :class:`Mapped` passes x and y
through bijections. :mod:`~fastmi.datasets.transforms` holds transformations of one variable that
keep its mutual information with others, :mod:`~fastmi.datasets.metrics` the measures of how far
estimates are from the truth.
"""

from fastmi.datasets import metrics, transforms
from fastmi.datasets._base import Distribution, Product
from fastmi.datasets.exponential import GammaExponential, ZeroInflatedPoisson
from fastmi.datasets.gaussian import AdditiveNoise, CorrelatedGaussian, Gaussian, SparseGaussian
from fastmi.datasets.images import BumpImages, RectangleImages
from fastmi.datasets.maps import Mapped
from fastmi.datasets.student import Student
from fastmi.datasets.uniform import CorrelatedUniform, DiscretePlusUniform, SmoothedUniform

__all__ = [
    "AdditiveNoise",
    "BumpImages",
    "CorrelatedGaussian",
    "CorrelatedUniform",
    "DiscretePlusUniform",
    "Distribution",
    "GammaExponential",
    "Gaussian",
    "Mapped",
    "Product",
    "RectangleImages",
    "SmoothedUniform",
    "SparseGaussian",
    "Student",
    "ZeroInflatedPoisson",
    "metrics",
    "transforms",
]
