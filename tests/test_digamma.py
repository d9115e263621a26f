"""The digamma function psi at positive integers."""

import numpy as np
import pytest

import reference
from fastmi import _cpu, neighbors


def test_against_the_harmonic_sum():
    n = np.arange(1, 2001)
    np.testing.assert_allclose(_cpu.digamma(n), reference.digamma(n), rtol=1e-15, atol=1e-15)


def test_large_arguments():
    n = np.unique(np.geomspace(2000, 2**53, 2000).astype(np.int64))
    np.testing.assert_allclose(_cpu.digamma(n), reference.digamma(n), rtol=1e-15)


def test_against_scipy():
    special = pytest.importorskip("scipy.special")
    n = np.concatenate([np.arange(1, 5000), [10**6, 10**9, 10**12, 2**62]])
    np.testing.assert_allclose(_cpu.digamma(n), special.digamma(n), rtol=1e-15, atol=1e-15)


def test_one_is_minus_euler_gamma():
    assert _cpu.digamma(np.array([1]))[0] == pytest.approx(-0.5772156649015329, abs=1e-16)


def test_recurrence():
    """psi(n + 1) = psi(n) + 1 / n."""
    n = np.arange(1, 100_000)
    psi = _cpu.digamma(np.arange(1, 100_001))
    np.testing.assert_allclose(np.diff(psi), 1.0 / n, rtol=0, atol=8e-15)


def test_increasing():
    assert np.all(np.diff(_cpu.digamma(np.arange(1, 200_000))) > 0)


@pytest.mark.parametrize("bad", [0, -1, np.iinfo(np.int64).min])
def test_rejects_arguments_below_one(bad):
    with pytest.raises(ValueError, match="positive"):
        _cpu.digamma(np.array([3, bad, 4]))
    with pytest.raises(ValueError, match="positive"):
        neighbors.digamma(np.array([3, bad, 4]))


def test_public_function():
    np.testing.assert_array_equal(neighbors.digamma([1, 2, 10]), _cpu.digamma(np.array([1, 2, 10])))
