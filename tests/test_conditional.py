"""Conditional mutual information: definition, closed forms, invariances, no condition."""

import math

import numpy as np
import pytest

import fastmi
import reference
from samples import SAMPLES, draw, draw_blocks

KNN = {"fp": 1, "ksg2": 2}


@pytest.fixture(params=KNN)
def method(request):
    return request.param


def common_cause(n, seed=0):
    """x = z + e, y = z + 0.8 x + e': I(X; Y | Z) = 1/2 log 1.64."""
    rng = np.random.default_rng(seed)
    z, x, y = rng.standard_normal((3, n))
    x = x + z
    return x, z + 0.8 * x + y, z


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 3), (1, 3, 2)])
def test_against_the_definition(name, dims, method, metric, dtype):
    x, y, z = draw_blocks(name, 130, dims, dtype)
    got = fastmi.cmi(x, y, z, k=4, method=method, metric=metric, noise=0)
    expected = reference.conditional_counts(x, y, z, 4, KNN[method], metric)
    np.testing.assert_array_equal(got.counts, expected)
    value = reference.conditional_mi(x, y, z, 4, KNN[method], metric)
    assert float(got) == pytest.approx(value, abs=1e-12)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert got.stderr == pytest.approx(got.local.std() / math.sqrt(130))


@pytest.mark.parametrize("n", [2, 3, 17, 64, 257])
def test_sizes(n, method, metric):
    x, y, z = draw_blocks("gaussian", n, (1, 2, 1), "float64")
    k = min(3, n - 1)
    got = fastmi.cmi(x, y, z, k=k, method=method, metric=metric)
    value = reference.conditional_mi(x, y, z, k, KNN[method], metric)
    assert float(got) == pytest.approx(value, abs=1e-12)


def test_dependence_beyond_a_common_cause(method):
    x, y, z = common_cause(4000)
    got = fastmi.cmi(x, y, z, k=4, method=method)
    assert float(got) == pytest.approx(0.5 * math.log(1.64), abs=5 * got.stderr)
    assert got.stderr < 0.02
    assert got.warnings == ()


def test_conditional_independence(method):
    rng = np.random.default_rng(1)
    z = rng.standard_normal((4000, 2))
    x, y = z.sum(axis=1) + rng.standard_normal((2, 4000))
    got = fastmi.cmi(x, y, z, k=4, method=method)
    assert float(got) == pytest.approx(0.0, abs=5 * got.stderr + 0.01)
    assert float(fastmi.mi(x, y)) > 0.2


def test_dependence_that_shows_only_given_a_common_effect(method):
    """z = x + y + e: x and y are independent, their correlation given z is -1/2."""
    rng = np.random.default_rng(2)
    x, y, e = rng.standard_normal((3, 4000))
    got = fastmi.cmi(x, y, x + y + e, k=4, method=method)
    assert float(fastmi.mi(x, y)) == pytest.approx(0.0, abs=0.05)
    assert float(got) == pytest.approx(-0.5 * math.log(0.75), abs=5 * got.stderr + 0.01)


@pytest.mark.parametrize("empty", [None, np.empty((200, 0))])
@pytest.mark.parametrize("method", ["fp", "ksg2", "gaussian", "binning"])
def test_without_a_condition_it_is_mutual_information(empty, method):
    x, y = draw_blocks("gaussian", 200, (2, 1), "float64")
    name = {"fp": "ksg1"}.get(method, method)
    got, plain = fastmi.cmi(x, y, empty, method=method), fastmi.mi(x, y, method=name)
    assert float(got) == float(plain)
    np.testing.assert_array_equal(got.local, plain.local)


def test_constant_condition(method):
    """Variant 1 becomes the form without z; variant 2 keeps its own 1/n terms."""
    n, k = 300, 3
    x, y = draw_blocks("gaussian", n, (1, 1), "float64")
    got = float(fastmi.cmi(x, y, np.ones(n), k=k, method=method))
    plain = fastmi.mi(x, y, k=k, method={"fp": "ksg1"}.get(method, method))
    kept = 0.0
    if method == "ksg2":
        kept = (1 / plain.counts).sum(axis=0).mean() - 1 / k - 1 / (n - 1)
    assert got == pytest.approx(float(plain) + kept, abs=1e-12)


def test_invariances(method):
    x, y, z = draw_blocks("gaussian", 300, (1, 2, 2), "float64")
    plain = fastmi.cmi(x, y, z, method=method)
    swapped = fastmi.cmi(y, x, z, method=method)
    assert float(swapped) == pytest.approx(float(plain), abs=1e-12)
    assert float(fastmi.cmi(-4 * x, -4 * y, -4 * z, method=method)) == float(plain)
    moved = fastmi.cmi(x + 1.5, y - 0.25, z + 3, method=method)
    assert float(moved) == pytest.approx(float(plain), abs=1e-12)
    doubled = fastmi.cmi(np.hstack([x, x]), y, np.hstack([z, z[:, ::-1]]), method=method)
    assert float(doubled) == float(plain)
    order = np.random.default_rng(0).permutation(300)
    shuffled = fastmi.cmi(x[order], y[order], z[order], method=method)
    np.testing.assert_array_equal(shuffled.counts, plain.counts[:, order])


def test_sequence_of_k(method):
    x, y, z = draw_blocks("gaussian", 200, (1, 1, 1), "float64")
    for one in fastmi.cmi(x, y, z, k=[5, 2, 7], method=method):
        alone = fastmi.cmi(x, y, z, k=one.k, method=method)
        assert float(one) == float(alone)
        np.testing.assert_array_equal(one.counts, alone.counts)


@pytest.mark.parametrize("algorithm", ["auto", "tree", "brute"])
def test_algorithms_and_threads_agree(algorithm, threads, method):
    x, y, z = draw_blocks("clusters", 400, (1, 1, 2), "float64")
    plain = fastmi.cmi(x, y, z, method=method, n_jobs=1)
    other = fastmi.cmi(x, y, z, method=method, n_jobs=threads, algorithm=algorithm)
    np.testing.assert_array_equal(other.counts, plain.counts)


def test_normalize_and_noise(method):
    x, y, z = draw_blocks("gaussian", 200, (1, 1, 2), "float64")
    got = fastmi.cmi(x, 100 * y, z, method=method, normalize="local")
    scaled = [fastmi.normalize.local(b) for b in (x, 100 * y, z)]
    assert float(got) == float(fastmi.cmi(*scaled, method=method))
    noisy = [float(fastmi.cmi(x, y, z, method=method, noise=0.1, seed=s)) for s in (1, 1, 2)]
    assert noisy[0] == noisy[1] != noisy[2]


class TestClosedForms:
    """The Gaussian and the binned conditional form."""

    def test_gaussian_against_determinants(self):
        x, y, z = draw_blocks("gaussian", 300, (2, 1, 3), "float64")
        got = fastmi.cmi(x, y, z, method="gaussian")
        plug_in = reference.gaussian_conditional_mi(x, y, z)
        assert got.uncorrected == pytest.approx(plug_in, abs=1e-12)
        assert got.local.mean() == pytest.approx(plug_in, abs=1e-12)

    def test_gaussian_truth(self):
        got = fastmi.cmi(*common_cause(20_000), method="gaussian")
        assert float(got) == pytest.approx(0.5 * math.log(1.64), abs=0.02)

    def test_gaussian_where_z_determines_x(self):
        x, y, z = draw_blocks("gaussian", 300, (1, 1, 2), "float64")
        got = fastmi.cmi(z.sum(axis=1), y, z, method="gaussian")
        assert float(got) == 0.0
        assert math.isinf(fastmi.cmi(x, x + z[:, :1], z, method="gaussian"))

    @pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 2)])
    def test_binned(self, dims):
        x, y, z = draw_blocks("gaussian", 300, dims, "float64")
        got = fastmi.cmi(x, y, z, method="binning", bins=3)
        expected = reference.binned_conditional_mi(x, y, z, 3)
        assert float(got) == pytest.approx(expected, abs=1e-12)
        assert got.local.mean() == pytest.approx(float(got), abs=1e-12)


def test_warnings(method):
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 300))
    (alone,) = fastmi.cmi(x, y, rng.standard_normal((300, 30)), method=method).warnings
    assert "z alone decides who is near" in alone
    (ceiling,) = fastmi.cmi(x, x, rng.standard_normal(300), method=method).warnings
    assert "can show" in ceiling
    flat = np.zeros(300)
    warnings = fastmi.cmi(flat, flat, flat, method=method).warnings
    assert "all samples are the same" in warnings[0]


class TestScales:
    @pytest.mark.parametrize("n", [100, 1000])
    def test_one_of_them_dominates(self, n):
        x, y, z = np.random.default_rng(0).standard_normal((3, n))
        factors = {"x": (1e4, 1, 1), "y": (1, 1e4, 1), "x and y": (1e4, 1e4, 1)}
        for big, (of_x, of_y, of_z) in factors.items():
            blocks = of_x * (x + z), of_y * (x + y + z), of_z * z
            with pytest.warns(fastmi.EstimateWarning, match=f"scales? of {big} dominate"):
                got = fastmi.cmi(*blocks)
            assert [caution.kind for caution in got.warnings] == ["scale"]
            assert not fastmi.cmi(*blocks, normalize="local").warnings

    @pytest.mark.parametrize("dims", [(1, 1, 1), (1, 5, 1), (5, 5, 1), (2, 2, 3)])
    @pytest.mark.parametrize("n", [60, 400])
    def test_ordinary_samples_pass(self, dims, n, method):
        x, y, z = draw_blocks("gaussian", n, dims, "float64")
        binary = (y > 1.0).astype(float)
        for of_y in (y, binary, np.round(z[:, :1]), np.ones(n)):
            kinds = [caution.kind for caution in fastmi.cmi(x, of_y, z, method=method).warnings]
            assert "scale" not in kinds
        kinds = [caution.kind for caution in fastmi.cmi(x, y, z > 0, method=method).warnings]
        assert "scale" not in kinds


def test_bad_input():
    x = draw("gaussian", 50, 1, "float64")
    with pytest.raises(ValueError, match="x and z must have the same number of samples"):
        fastmi.cmi(x, x, x[:49])
    with pytest.raises(ValueError, match="z must be finite; got nan"):
        fastmi.cmi(x, x, np.full(50, np.nan))
    with pytest.raises(ValueError, match=r"k must be in \[1, n - 1\]; got k=50, n=50"):
        fastmi.cmi(x, x, x, k=50)
    with pytest.raises(
        ValueError, match="method must be one of 'fp', 'ksg2', 'mesner', 'gaussian'"
    ):
        fastmi.cmi(x, x, x, method="ksg1")
    with pytest.raises(ValueError, match="algorithm='sort'"):
        fastmi.cmi(x, x, x, algorithm="sort")
    with pytest.raises(ValueError, match="variant must be 1 or 2; got variant=0"):
        fastmi.ConditionalKSG(variant=0)
    with pytest.raises(ValueError, match="n must exceed the number of columns"):
        fastmi.cmi(x[:4], x[:4], x[:4], method="gaussian")
    with pytest.raises(TypeError, match="options must be among method, error, bins; got k"):
        fastmi.cmi(x, x, x, method="binning", k=5)
