"""Distributions with known mutual information: its value, the samples, and that the two agree.

The values are compared with integration over a grid (`reference.information`), with each other and
with golden values; the samples are compared with the values by KSG, within its standard error.
"""

import math
import pickle

import numpy as np
import pytest

import fastmi
from fastmi import datasets
from reference.information import of_masses


def normal_grid(covariance):
    """Masses of a bivariate normal, for which the trapezoid rule is exact up to rounding."""
    t = np.linspace(-10, 10, 801)
    sd = np.sqrt(np.diagonal(covariance))
    points = np.stack(np.meshgrid(t * sd[0], t * sd[1], indexing="ij"), axis=-1)
    quadratic = np.einsum("xyi,ij,xyj->xy", points, np.linalg.inv(covariance), points)
    return np.exp(-0.5 * quadratic)


class TestAgainstIntegration:
    @pytest.mark.parametrize("rho", [0.0, 0.1, -0.6, 0.9])
    def test_correlated_gaussian(self, rho):
        integral = of_masses(normal_grid(np.array([[1.0, rho], [rho, 1.0]])))
        got = datasets.CorrelatedGaussian(rho).mutual_information
        assert got == pytest.approx(integral, abs=1e-10)

    @pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0])
    def test_additive_noise(self, sigma):
        integral = of_masses(normal_grid(np.array([[1.0, 1.0], [1.0, 1.0 + sigma**2]])))
        got = datasets.AdditiveNoise(sigma).mutual_information
        assert got == pytest.approx(integral, abs=1e-10)

    def test_gaussian(self):
        covariance = np.array([[2.0, -1.0], [-1.0, 3.0]])
        got = datasets.Gaussian(covariance).mutual_information
        assert got == pytest.approx(of_masses(normal_grid(covariance)), abs=1e-10)

    @pytest.mark.parametrize("nu, reach", [(1.0, 40.0), (2.5, 16.0), (10.0, 6.0)])
    @pytest.mark.parametrize("rho", [0.0, 0.7])
    def test_student(self, nu, reach, rho):
        # With x = sinh(s), tails that fall like a power of x fall exponentially in s.
        s = np.linspace(-reach, reach, 2401)
        x = np.sinh(s)
        weight = np.cosh(s)
        quadratic = (x[:, None] ** 2 - 2 * rho * np.outer(x, x) + x**2) / (1 - rho**2)
        masses = (1 + quadratic / nu) ** (-(nu + 2) / 2) * np.outer(weight, weight)
        got = datasets.Student(nu, [[1.0, rho], [rho, 1.0]]).mutual_information
        assert got == pytest.approx(of_masses(masses), abs=1e-6)

    @pytest.mark.parametrize("epsilon", [0.05, 0.25, 0.5, 0.8, 3.0])
    def test_smoothed_uniform(self, epsilon):
        cells = 1000
        x = (np.arange(cells) + 0.5) / cells
        y = np.arange(round(-epsilon * cells), round((1 + epsilon) * cells) + 1) / cells
        masses = (np.abs(y - x[:, None]) < epsilon).astype(float)
        got = datasets.SmoothedUniform(epsilon).mutual_information
        assert got == pytest.approx(of_masses(masses), abs=1e-3)

    @pytest.mark.parametrize("m", [1, 2, 5, 10])
    def test_discrete_plus_uniform(self, m):
        """Given x, the density of Y is constant on two unit cells, so that the sum is exact."""
        masses = np.eye(m, m + 1) + np.eye(m, m + 1, 1)
        got = datasets.DiscretePlusUniform(m).mutual_information
        assert got == pytest.approx(of_masses(masses), abs=1e-14)

    @pytest.mark.parametrize("p", [0.0, 1e-6, 0.15, 0.5, 0.899, 0.901, 0.999, 1.0])
    def test_zero_inflated_poisson(self, p):
        # With x exponential, u = exp(-x) is uniform.
        u, weight = np.polynomial.legendre.leggauss(400)
        u, weight = 0.5 * (u + 1), 0.5 * weight
        y = np.arange(150)
        log_factorial = np.array([math.lgamma(j + 1) for j in y])
        x = -np.log(u)[:, None]
        poisson = np.exp(y * np.log(x) - x - log_factorial)
        masses = weight[:, None] * ((1 - p) * poisson + p * (y == 0))
        law = datasets.ZeroInflatedPoisson(p)
        assert law.mutual_information == pytest.approx(of_masses(masses), abs=1e-5)
        # The outcome 0 is split in two, as if inflated zeros were marked.
        marked = weight[:, None] * np.hstack([(1 - p) * poisson, np.full((len(u), 1), p)])
        assert law.informed_mutual_information == pytest.approx(of_masses(marked), abs=1e-5)

    @pytest.mark.parametrize("theta", [0.3, 1.0, 2.0, 20.0])
    def test_gamma_exponential(self, theta):
        # The grid is in s = log x and t = log y.
        s = np.linspace(-30 / theta, 5, 1201)[:, None]
        t = np.linspace(-40, 30 / theta + 6, 2401)
        x = np.exp(s)
        masses = np.exp(theta * s - x) * np.exp(s + t - np.exp(s + t))
        got = datasets.GammaExponential(theta).mutual_information
        assert got == pytest.approx(of_masses(masses), abs=1e-6)


class TestGoldenValues:
    @pytest.mark.parametrize(
        "mi, rho", [(2, 0.426), (5, 0.627), (10, 0.795), (15, 0.881), (20, 0.930)]
    )
    def test_correlated_gaussian_of_twenty_columns(self, mi, rho):
        assert datasets.CorrelatedGaussian.from_mi(mi, 20).rho == pytest.approx(rho, abs=5e-4)

    @pytest.mark.parametrize("mi, rho", [(5, 0.9966), (8, 0.99983)])
    def test_sparse_gaussian(self, mi, rho):
        assert datasets.SparseGaussian.from_mi(mi, 20).rho == pytest.approx(rho, abs=5e-5)

    @pytest.mark.parametrize(
        "nu, dx, dy, mi", [(1, 1, 1, 0.22417), (4, 2, 3, 0.09353), (2, 5, 5, 0.44815)]
    )
    def test_uncorrelated_student(self, nu, dx, dy, mi):
        law = datasets.Student(nu, np.eye(dx + dy), dx)
        assert law.mutual_information == pytest.approx(mi, abs=5e-6)

    def test_others(self):
        assert datasets.GammaExponential(2.0).mutual_information == pytest.approx(0.2296, abs=5e-5)
        five = datasets.DiscretePlusUniform(5).mutual_information
        assert five == pytest.approx(1.0549, abs=5e-5)
        assert datasets.ZeroInflatedPoisson(0.0).mutual_information == pytest.approx(
            0.30124, abs=5e-6
        )


# Each distribution with a bound in nats on the bias that KSG has on it.
LAWS = {
    "correlated": (datasets.CorrelatedGaussian(0.7), 0.0),
    "correlated-3": (datasets.CorrelatedGaussian(-0.5, 3), 0.03),
    "sparse": (datasets.SparseGaussian(0.8, 3), 0.1),
    "additive": (datasets.AdditiveNoise(0.7, 2), 0.04),
    "gaussian": (
        datasets.Gaussian([[2.0, 0.5, 0.8], [0.5, 1.0, -0.3], [0.8, -0.3, 1.5]], 2),
        0.02,
    ),
    "student": (datasets.Student.from_mi(0.8, 3.0), 0.03),
    "student-2": (datasets.Student(4.0, np.eye(4), 2), 0.03),
    "correlated-uniform": (datasets.CorrelatedUniform(0.7), 0.02),
    "smoothed-narrow": (datasets.SmoothedUniform(0.2), 0.02),
    "smoothed-wide": (datasets.SmoothedUniform(0.9), 0.02),
    "zero-inflated": (datasets.ZeroInflatedPoisson(0.15), 0.03),
    "gamma": (datasets.Mapped(datasets.GammaExponential(0.8), "log", "log"), 0.02),
    "bump": (datasets.BumpImages(0.6, 8), 0.05),
    "product": (
        datasets.Product((datasets.CorrelatedGaussian(0.6), datasets.CorrelatedUniform(0.5))),
        0.03,
    ),
    "cubed": (datasets.Mapped(datasets.CorrelatedGaussian(0.7), None, "cube"), 0.02),
    "half-cubed": (datasets.Mapped(datasets.CorrelatedGaussian(0.7), "half-cube"), 0.02),
    "arcsinh-student": (
        datasets.Mapped(datasets.Student.from_mi(0.8, 1.0), "arcsinh", "arcsinh"),
        0.02,
    ),
}


@pytest.mark.parametrize("name", LAWS)
def test_samples_have_the_information(name):
    """KSG agrees within 5 standard errors and the bias above; noise breaks ties."""
    law, bias = LAWS[name]
    x, y = law.sample(8000, seed=17)
    got = fastmi.mi(x, y, k=4, noise=1e-8, seed=0)
    assert float(got) == pytest.approx(law.mutual_information, abs=5 * got.stderr + bias)
    assert got.stderr < 0.03


def test_samples_of_discrete_plus_uniform():
    law = datasets.DiscretePlusUniform(5)
    x, y = law.sample(20_000, seed=1)
    assert set(x.ravel()) == set(range(5))
    np.testing.assert_allclose((y - x).mean(), 1.0, atol=0.02)
    # Rounding Y down to unit cells keeps its information about X.
    masses = np.zeros((5, 6))
    np.add.at(masses, (x.astype(int).ravel(), np.floor(y).astype(int).ravel()), 1.0)
    assert of_masses(masses) == pytest.approx(law.mutual_information, abs=0.01)


EVERY = {
    **{name: law for name, (law, _) in LAWS.items()},
    "discrete": datasets.DiscretePlusUniform(3),
    "rectangle": datasets.RectangleImages(0.6, 6),
}


@pytest.mark.parametrize("name", EVERY)
class TestSamples:
    def test_shapes(self, name):
        law = EVERY[name]
        for n in (1, 7):
            x, y = law.sample(n, seed=0)
            assert (x.shape, y.shape) == ((n, law.dims[0]), (n, law.dims[1]))
            assert x.dtype == y.dtype == np.float64
            assert x.flags.c_contiguous
            assert y.flags.c_contiguous

    def test_samples_drawn_in_parts(self, name, monkeypatch):
        whole = EVERY[name].sample(500, seed=5)
        monkeypatch.setattr("fastmi.datasets._base._AT_ONCE", 100)
        for one, other in zip(whole, EVERY[name].sample(500, seed=5), strict=True):
            # Products of matrices may be summed in another order.
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)

    def test_seeds(self, name):
        law = EVERY[name]
        first, again = law.sample(50, seed=3), law.sample(50, seed=np.random.default_rng(3))
        np.testing.assert_array_equal(first[0], again[0])
        np.testing.assert_array_equal(first[1], again[1])
        assert (law.sample(50, seed=4)[1] != first[1]).any()
        rng = np.random.default_rng(3)
        law.sample(50, rng)
        assert (law.sample(50, rng)[1] != first[1]).any()

    def test_pickles(self, name):
        law = pickle.loads(pickle.dumps(EVERY[name]))
        np.testing.assert_array_equal(law.sample(5, 0)[1], EVERY[name].sample(5, 0)[1])
        assert law.mutual_information == EVERY[name].mutual_information

    def test_is_frozen_and_readable(self, name):
        law = EVERY[name]
        assert type(law).__name__ in repr(law)
        with pytest.raises(AttributeError):
            law.rho = 0.3

    @pytest.mark.parametrize("bad, error", [(0, ValueError), (-3, ValueError), (2.0, TypeError)])
    def test_number_of_samples(self, name, bad, error):
        with pytest.raises(error, match=r"n must be an integer >= 1; got n="):
            EVERY[name].sample(bad)


class TestRelations:
    def test_gaussian_covers_the_others(self):
        rho, d = 0.6, 3
        one = np.eye(d)
        same = datasets.Gaussian(np.block([[one, rho * one], [rho * one, one]]), d)
        expected = datasets.CorrelatedGaussian(rho, d).mutual_information
        assert same.mutual_information == pytest.approx(expected, rel=1e-12)
        noisy = datasets.Gaussian(np.block([[one, one], [one, 1.25 * one]]), d)
        expected = datasets.AdditiveNoise(0.5, d).mutual_information
        assert noisy.mutual_information == pytest.approx(expected, rel=1e-12)

    def test_gaussian_is_invariant_to_linear_maps_of_each_side(self):
        rng = np.random.default_rng(0)
        root = rng.standard_normal((5, 5))
        covariance = root @ root.T
        maps = np.zeros((5, 5))
        maps[:2, :2], maps[2:, 2:] = rng.standard_normal((2, 2)), rng.standard_normal((3, 3))
        moved = maps @ covariance @ maps.T
        assert datasets.Gaussian((moved + moved.T) / 2, 2).mutual_information == pytest.approx(
            datasets.Gaussian(covariance, 2).mutual_information, rel=1e-9
        )

    def test_student_tends_to_gaussian(self):
        dispersion = [[1.0, 0.5], [0.5, 1.0]]
        gaussian = datasets.Gaussian(dispersion).mutual_information
        got = datasets.Student(1e9, dispersion).mutual_information
        assert got == pytest.approx(gaussian, abs=1e-15)

    @pytest.mark.parametrize("dx, dy", [(1, 1), (2, 7), (30, 30)])
    def test_tails_of_student_where_their_formula_changes(self, dx, dy):
        below, above = (
            datasets.Student(nu, np.eye(dx + dy), dx).mutual_information
            for nu in (40.0 - 1e-9, 40.0 + 1e-9)
        )
        assert below == pytest.approx(above, rel=1e-9, abs=1e-13)
        far = datasets.Student(1e7, np.eye(dx + dy), dx).mutual_information
        assert far == pytest.approx(dx * dy / 2e14, rel=1e-4)

    def test_products_add(self):
        parts = (datasets.CorrelatedGaussian(0.5, 2), datasets.DiscretePlusUniform(4))
        law = datasets.Product(parts)
        assert law.dims == (3, 3)
        assert law.mutual_information == sum(part.mutual_information for part in parts)
        rng = np.random.default_rng(0)
        (x0, y0), (x1, y1) = parts[0].sample(9, rng), parts[1].sample(9, rng)
        x, y = law.sample(9, 0)
        np.testing.assert_array_equal(x, np.hstack([x0, x1]))
        np.testing.assert_array_equal(y, np.hstack([y0, y1]))

    def test_maps_act_on_their_side(self):
        base = datasets.CorrelatedGaussian(0.5, 2)
        x, y = base.sample(20, 0)
        mapped = datasets.Mapped(base, "cube", lambda v: np.hstack([v, v]))
        assert mapped.dims == (2, 4)
        np.testing.assert_array_equal(mapped.sample(20, 0)[0], x * x * x)
        np.testing.assert_array_equal(mapped.sample(20, 0)[1], np.tile(y, 2))

    def test_correlated_uniform_is_a_map(self):
        mapped = datasets.Mapped(datasets.CorrelatedGaussian(0.5, 2), "normal-cdf", "normal-cdf")
        same = datasets.CorrelatedUniform(0.5, 2)
        np.testing.assert_array_equal(mapped.sample(20, 0), same.sample(20, 0))
        assert mapped.mutual_information == same.mutual_information


@pytest.mark.parametrize("size", [4, 5, 16, 32])
class TestImagesKeepTheirParameters:
    def test_bump(self, size):
        centers = np.random.default_rng(0).random((50, 2))
        law = datasets.BumpImages(0.5, size)
        images = law.render(centers).reshape(-1, size, size)
        # The log ratio of neighbouring pixels is (2 a - u_0 - u_1) (u_1 - u_0) / (2 width^2).
        u = (np.arange(2) + 0.5) / size
        for axis, ratio in enumerate(
            (images[:, 1, 0] / images[:, 0, 0], images[:, 0, 1] / images[:, 0, 0])
        ):
            read = np.log(ratio) * law.width**2 * size + 0.5 * u.sum()
            np.testing.assert_allclose(read, centers[:, axis], atol=1e-10)

    def test_rectangle(self, size):
        parameters = np.random.default_rng(0).random((50, 4))
        images = datasets.RectangleImages(0.5, size).render(parameters).reshape(-1, size, size)
        assert images.min() >= 0
        assert images.max() <= 1 + 1e-12
        for axis in (0, 1):
            # Some pixel of the other axis is covered in full: the maximum over it is the profile.
            profile = images.max(axis=2 - axis)
            np.testing.assert_allclose(profile.max(axis=1), 1.0, atol=1e-12)
            first = profile.argmax(axis=1)
            covered_before = np.array([p[:f].sum() for p, f in zip(profile, first, strict=True)])
            start = (first - covered_before) / size
            side = profile.sum(axis=1) / size
            least = 2 / size
            u = start / (1 - least)
            v = (side - least) / (1 - least - start)
            np.testing.assert_allclose(u, parameters[:, 2 * axis], atol=1e-9)
            np.testing.assert_allclose(v, parameters[:, 2 * axis + 1], atol=1e-8)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: datasets.CorrelatedGaussian(1.0), r"rho must be in \(-1, 1\); got rho=1.0"),
        (lambda: datasets.CorrelatedGaussian(math.nan), "rho must be in"),
        (lambda: datasets.CorrelatedGaussian(0.5, 0), "d must be an integer >= 1; got d=0"),
        (lambda: datasets.SparseGaussian(0.5, 1), "d must be an integer >= 2; got d=1"),
        (lambda: datasets.CorrelatedGaussian(10**400), "must be in"),
        (lambda: datasets.AdditiveNoise(0.0), "sigma must be in"),
        (lambda: datasets.SmoothedUniform(-1.0), r"epsilon must be in \(0, inf\)"),
        (lambda: datasets.DiscretePlusUniform(0), "m must be an integer >= 1"),
        (lambda: datasets.ZeroInflatedPoisson(1.5), r"p must be in \[0, 1\]; got p=1.5"),
        (lambda: datasets.GammaExponential(0.01), "theta must be in"),
        (lambda: datasets.Student(0.0, np.eye(2)), "nu must be in"),
        (lambda: datasets.Student(3.0, np.eye(2), 2), "dx must leave a column for y"),
        (lambda: datasets.Gaussian(np.eye(3)[:2]), "covariance must be square"),
        (lambda: datasets.Gaussian([[1.0, 0.2], [0.3, 1.0]]), "covariance must be symmetric"),
        (lambda: datasets.Gaussian(np.ones((2, 2))), "covariance must be positive definite"),
        (lambda: datasets.Gaussian(np.eye(3), 0), "dx must be an integer >= 1"),
        (lambda: datasets.BumpImages(0.5, 1), "size must be an integer >= 2"),
        (lambda: datasets.BumpImages(0.5, 8, 0.01), "width must be in"),
        (lambda: datasets.RectangleImages(0.5, 3), "size must be an integer >= 4"),
        (lambda: datasets.Product(()), "parts must have at least one"),
        (lambda: datasets.CorrelatedGaussian(0.5).sample(3, -1), "seed must suit"),
        (lambda: datasets.Mapped(datasets.CorrelatedGaussian(0.5), "tan"), "x must be one of"),
    ],
)
def test_bad_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: datasets.CorrelatedGaussian("0.5"), "rho must be a real number"),
        (lambda: datasets.CorrelatedGaussian(0.5, 2.0), "d must be an integer"),
        (lambda: datasets.CorrelatedGaussian(0.5, True), "d must be an integer"),
        (lambda: datasets.Product((1.0,)), "parts must be distributions"),
        (lambda: datasets.Product(3), "parts must be a tuple of distributions"),
        (lambda: datasets.CorrelatedGaussian(0.5).sample(3, 1.5), "seed must suit"),
        (lambda: datasets.Mapped(None, "cube"), "base must be distributions"),
    ],
)
def test_wrong_types(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_covariance_is_a_copy():
    covariance = np.eye(2)
    law = datasets.Gaussian(covariance)
    covariance[0, 1] = covariance[1, 0] = 0.5
    assert law.mutual_information == 0.0
    with pytest.raises(ValueError, match="read-only"):
        law.covariance[0, 1] = 0.5
