"""Digamma of real arguments and the normal distribution function, without SciPy."""

import math

import numpy as np
import pytest

import reference
from fastmi.datasets import _special


def test_digamma_at_integers():
    n = np.arange(1, 300)
    got = [_special.digamma(float(v)) for v in n]
    np.testing.assert_allclose(got, reference.digamma(n), rtol=1e-14, atol=1e-15)


def test_digamma_at_half():
    expected = -reference.EULER_GAMMA - 2 * math.log(2)
    assert _special.digamma(0.5) == pytest.approx(expected, abs=1e-15)


def test_against_scipy():
    special = pytest.importorskip("scipy.special")
    z = np.geomspace(1e-6, 1e8, 400)
    got = [_special.digamma(float(v)) for v in z]
    np.testing.assert_allclose(got, special.digamma(z), rtol=1e-13, atol=1e-14)
    excess = [_special.digamma_excess(float(v)) for v in z[z < 1e3]]
    np.testing.assert_allclose(
        excess, special.digamma(z[z < 1e3] + 1) - np.log(z[z < 1e3]), rtol=1e-11
    )
    x = np.linspace(-37, 10, 997).reshape(-1, 1)
    np.testing.assert_allclose(_special.normal_cdf(x), special.ndtr(x), rtol=1e-13, atol=0)


def test_digamma_excess_far_out():
    assert _special.digamma_excess(1e12) == pytest.approx(0.5e-12, rel=1e-11)
