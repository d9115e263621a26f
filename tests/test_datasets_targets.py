"""Distributions made by from_mi have the mutual information that was asked for."""

import math

import numpy as np
import pytest

from fastmi import datasets

# These would need infinite noise for zero information.
UNBOUNDED = (datasets.AdditiveNoise.from_mi, datasets.SmoothedUniform.from_mi)


@pytest.mark.parametrize("mi", [0.0, 1e-9, 0.01, 0.3, 1.0, 5.0, 10.0])
@pytest.mark.parametrize("d", [1, 2, 20])
@pytest.mark.parametrize(
    "make",
    [
        datasets.CorrelatedGaussian.from_mi,
        datasets.CorrelatedUniform.from_mi,
        datasets.AdditiveNoise.from_mi,
        datasets.SmoothedUniform.from_mi,
        lambda mi, d: datasets.SparseGaussian.from_mi(mi, d + 1),
        lambda mi, d: datasets.BumpImages.from_mi(mi, d + 1),
        lambda mi, d: datasets.RectangleImages.from_mi(mi, d + 3),
    ],
    ids=["correlated", "uniform", "additive", "smoothed", "sparse", "bump", "rectangle"],
)
def test_reached(make, mi, d):
    if mi == 0.0 and make in UNBOUNDED:
        pytest.skip("zero information is reached in the limit only")
    # At 10 nats per pair the rounding of rho shows.
    assert make(mi, d).mutual_information == pytest.approx(mi, rel=1e-7, abs=1e-16)


@pytest.mark.parametrize("mi", [0.01, 0.3, 0.5, 1.0, 2.49])
def test_gamma_exponential(mi):
    assert datasets.GammaExponential.from_mi(mi).mutual_information == pytest.approx(mi, rel=1e-13)


@pytest.mark.parametrize("mi", [0.0, 1e-6, 0.01, 0.2, 0.3])
def test_zero_inflated_poisson(mi):
    law = datasets.ZeroInflatedPoisson.from_mi(mi)
    assert law.mutual_information == pytest.approx(mi, rel=1e-10, abs=1e-15)


def test_zero_inflated_poisson_at_its_most():
    most = datasets.ZeroInflatedPoisson(0.0).mutual_information
    assert datasets.ZeroInflatedPoisson.from_mi(most).p == 0.0


@pytest.mark.parametrize("nu", [1.0, 3.0, 100.0])
@pytest.mark.parametrize("d", [1, 3])
def test_student(nu, d):
    for mi in (1.5, 4.0):
        law = datasets.Student.from_mi(mi, nu, d)
        assert law.dims == (d, d)
        assert law.mutual_information == pytest.approx(mi, rel=1e-10)


def test_student_below_its_tails():
    least = datasets.Student(1.0, np.eye(2)).mutual_information
    assert datasets.Student.from_mi(least, 1.0).dispersion[0, 1] == 0.0
    with pytest.raises(ValueError, match=r"mi must be in \[0.224"):
        datasets.Student.from_mi(0.2, 1.0)


@pytest.mark.parametrize("mi", [-0.1, math.nan, math.inf])
def test_impossible(mi):
    for law in (
        datasets.CorrelatedGaussian,
        datasets.SparseGaussian,
        datasets.AdditiveNoise,
        datasets.SmoothedUniform,
        datasets.CorrelatedUniform,
        datasets.ZeroInflatedPoisson,
        datasets.GammaExponential,
    ):
        with pytest.raises(ValueError, match="mi must be in"):
            law.from_mi(mi)


def test_out_of_reach():
    with pytest.raises(ValueError, match="about 18 nats per pair"):
        datasets.CorrelatedGaussian.from_mi(25.0)
    with pytest.raises(ValueError, match="mi must be in"):
        datasets.ZeroInflatedPoisson.from_mi(0.31)
    with pytest.raises(TypeError, match="mi must be a real number"):
        datasets.CorrelatedGaussian.from_mi("1")
