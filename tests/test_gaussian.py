"""The Gaussian closed form: determinants, canonical correlations, degenerate columns."""

import math
import pickle
import warnings

import numpy as np
import pytest

import fastmi
import reference
from samples import draw, draw_blocks


@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (5, 1), (4, 4)])
def test_against_determinants(dims, dtype):
    x, y = draw_blocks("gaussian", 300, dims, dtype)
    got = fastmi.mi(x, y, method="gaussian")
    plug_in = reference.gaussian_total_correlation(x, y)
    assert got.uncorrected == pytest.approx(plug_in, abs=1e-10)
    assert got.bias == pytest.approx(reference.gaussian_bias(300, dims[:1], dims[1:]), abs=1e-13)
    assert float(got) == got.uncorrected - got.bias
    assert got.local.mean() == pytest.approx(plug_in, abs=1e-10)
    plain = fastmi.mi(x, y, method="gaussian", bias_correction=None)
    assert (float(plain), plain.bias) == (pytest.approx(plug_in, abs=1e-10), 0.0)
    assert got.stderr == pytest.approx(got.local.std() / math.sqrt(300))
    assert (got.k, got.n, got.dims, got.counts) == (None, 300, dims, None)


def test_one_column_each_is_the_correlation():
    x, y = draw_blocks("gaussian", 300, (1, 1), "float64")
    rho = np.corrcoef(x[:, 0], y[:, 0])[0, 1]
    got = fastmi.mi(x, y, method="gaussian")
    assert got.uncorrected == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-13)


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.99])
@pytest.mark.parametrize("d", [1, 5])
def test_truth(rho, d):
    n = 20_000
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d))
    y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))
    got = fastmi.mi(x, y, method="gaussian")
    truth = -0.5 * d * math.log(1 - rho**2)
    assert float(got) == pytest.approx(
        truth, abs=5 * abs(rho) * math.sqrt(d / n) + d * d / n + 1e-3
    )


def test_local_values_are_log_ratios_of_densities():
    x, y = draw_blocks("gaussian", 200, (2, 1), "float64")

    def log_density(block):
        centred = block - block.mean(axis=0)
        covariance = centred.T @ centred / len(block)
        squares = np.einsum("ij,jk,ik->i", centred, np.linalg.inv(covariance), centred)
        return -0.5 * (squares + np.linalg.slogdet(2 * math.pi * covariance)[1])

    expected = log_density(np.hstack([x, y])) - log_density(x) - log_density(y)
    np.testing.assert_allclose(fastmi.mi(x, y, method="gaussian").local, expected, atol=1e-11)


@pytest.mark.parametrize("factor", [1e-250, 1e-8, 1e8, 1e250])
def test_linear_maps_of_each_variable_change_nothing(factor):
    x, y = draw_blocks("gaussian", 300, (3, 2), "float64")
    plain = float(fastmi.mi(x, y, method="gaussian"))
    mix = np.random.default_rng(0).standard_normal((3, 3))
    assert float(fastmi.mi(factor * (x @ mix), y + 5, method="gaussian")) == pytest.approx(plain)
    unlike = x * np.array([1.0, factor, 1.0])
    assert float(fastmi.mi(unlike, y, method="gaussian")) == pytest.approx(plain)


def test_symmetry_and_order():
    x, y = draw_blocks("gaussian", 300, (3, 2), "float64")
    plain = float(fastmi.mi(x, y, method="gaussian"))
    assert float(fastmi.mi(y, x, method="gaussian")) == pytest.approx(plain, abs=1e-12)
    assert float(fastmi.mi(x[::-1], y[::-1], method="gaussian")) == pytest.approx(plain, abs=1e-12)


def test_redundant_columns_change_nothing():
    x, y = draw_blocks("gaussian", 300, (2, 1), "float64")
    plain = float(fastmi.mi(x, y, method="gaussian"))
    for more in (x, x[:, :1] + x[:, 1:], np.ones((300, 1)), np.full((300, 1), 1e9)):
        got = fastmi.mi(np.hstack([x, more]), y, method="gaussian")
        assert float(got) == pytest.approx(plain, abs=1e-11)
    assert float(fastmi.mi(np.ones(300), y, method="gaussian")) == 0.0


def test_strong_dependence_keeps_its_digits():
    """For y = x + s e with s down to 1e-6 the value follows from a 1 - rho^2 down to 1e-12."""
    rng = np.random.default_rng(0)
    x, e = rng.standard_normal((2, 5000))
    e -= x * (x @ e) / (x @ x)
    for s in (1e-2, 1e-4, 1e-6):
        truth = 0.5 * math.log1p(x.var() / (s**2 * e.var()))
        got = float(fastmi.mi(x, x + s * e, method="gaussian"))
        assert got == pytest.approx(truth, abs=0.05)


def test_linear_relation_is_infinite_and_says_so():
    x, y = draw_blocks("gaussian", 300, (2, 1), "float64")
    got = fastmi.mi(x, np.hstack([y, x[:, :1] - x[:, 1:]]), method="gaussian")
    assert math.isinf(got)
    (text,) = got.warnings
    assert "the value is infinite" in text
    assert math.isinf(fastmi.total_correlation(x, y, x[:, 0], method="gaussian"))


def pair(noise, n=200):
    x, e = np.random.default_rng(1).standard_normal((2, n))
    return x, x + noise * e


@pytest.mark.parametrize("noise", [1.0, 1e-3, 1e-6, 1e-7, 3e-8, 1e-9])
def test_strong_dependence_against_exact_fractions(noise):
    """The value is 17 nats at a noise of 3e-8."""
    x, y = pair(noise)
    got = fastmi.mi(x, y, method="gaussian")
    assert got.uncorrected == pytest.approx(reference.exact_gaussian_mi(x, y), abs=1e-8)
    assert got.warnings == ()


@pytest.mark.parametrize("noise", [1.0, 1e-2])
@pytest.mark.parametrize("offset", [1e6, 1e9, -1e12, 1e14, 1e15])
def test_offsets_against_exact_fractions(noise, offset):
    x, y = (column + offset for column in pair(noise))
    got = fastmi.mi(x, y, method="gaussian")
    assert got.uncorrected == pytest.approx(reference.exact_gaussian_mi(x, y), abs=1e-9)
    for option in ("local", "global", "global-linf", "global-corrected"):
        assert float(fastmi.mi(x, y, method="gaussian", normalize=option)) == float(got)
    z = np.random.default_rng(2).standard_normal(200)
    plain = [column - offset for column in (x, y)]
    given = fastmi.cmi(x, y, z, method="gaussian")
    assert float(given) == pytest.approx(float(fastmi.cmi(*plain, z, method="gaussian")), abs=1e-9)
    whole = fastmi.total_correlation(x, y, z, method="gaussian")
    assert float(whole) == pytest.approx(
        float(fastmi.total_correlation(*plain, z, method="gaussian")), abs=1e-9
    )


@pytest.mark.parametrize("offset, noise", [(1e12, 1e-5), (1e14, 1e-2), (1e15, 0.3)])
def test_rounding_of_the_samples_that_matters_is_named(offset, noise):
    x, y = pair(noise)
    got = fastmi.mi(x + offset, y + offset, method="gaussian")
    assert [caution.kind for caution in got.warnings] == ["rounding"]
    assert "subtract an offset before rounding" in got.warnings[0]
    assert float(got) < float(fastmi.mi(x, y, method="gaussian")) - 0.01


def test_values_that_an_offset_has_swallowed():
    x, y = pair(1.0)
    got = fastmi.mi(x + 1e16, y + 1e16, method="gaussian")
    assert {caution.kind for caution in got.warnings} == {"rounding"}
    for option in (None, "local"):
        got = fastmi.mi(x + 4e15, 0.1 * y + 4e15, method="gaussian", normalize=option)
        assert float(got) == 0.0
        assert "rounding" in [caution.kind for caution in got.warnings]
        got = fastmi.mi(x + 1e17, y, method="gaussian", normalize=option)
        assert float(got) == 0.0
        assert [caution.kind for caution in got.warnings] == ["constant"]


@pytest.mark.parametrize("offset", [0.0, 3.0, 1e3, 1e6])
@pytest.mark.parametrize("dims", [1, 4])
def test_linear_functions_are_infinite_up_to_rounding(offset, dims):
    x = np.random.default_rng(3).standard_normal((2000, dims))
    y = x @ np.arange(1.0, dims + 1) + offset
    assert math.isinf(fastmi.mi(x, y, method="gaussian"))
    single = x.astype(np.float32)
    got = fastmi.mi(single, 2 * single[:, 0] + 1, method="gaussian")
    assert math.isinf(got)
    assert [caution.kind for caution in got.warnings] == ["deterministic"]


def test_few_samples():
    x, y = draw_blocks("gaussian", 30, (3, 3), "float64")
    (text,) = fastmi.mi(x, y, method="gaussian").warnings
    assert "n=30 samples are few for 6 columns: values scatter widely" in text
    (text,) = fastmi.mi(x, y, method="gaussian", bias_correction=None).warnings
    assert "the bias, about the product of the numbers of columns over 2 n" in text


def test_bad_input():
    x = draw("gaussian", 6, 3, "float64")
    with pytest.raises(ValueError, match="columns by more than 1; got n=6, 6 columns"):
        fastmi.mi(x, x, method="gaussian")
    with pytest.raises(TypeError, match=r"normalize, .*bias_correction; got k, noise"):
        fastmi.mi(x, x, method="gaussian", k=4, noise=0.1)
    with pytest.raises(ValueError, match="x must be finite"):
        fastmi.mi([0, np.inf, 1, 2, 3], range(5), method="gaussian")


@pytest.mark.parametrize("value", ["twin", "Normal", True, 0, np.nan])
def test_bias_correction_is_checked(value):
    with pytest.raises(ValueError, match="bias_correction must be None or 'normal'; got bias_corr"):
        fastmi.Gaussian(bias_correction=value)


RUNS = 300


def mean_and_error(values):
    return np.mean(values), np.std(values) / math.sqrt(len(values))


@pytest.mark.parametrize("rho", [0.0, 0.7])
@pytest.mark.parametrize("dx, dy, n", [(1, 1, 20), (3, 3, 30), (2, 5, 40), (10, 10, 60)])
def test_mean_over_normal_samples_is_the_truth(dx, dy, n, rho, rng):
    """The plug-in value is off by 10 to 100 standard errors of these means."""
    shared = min(dx, dy)
    truth = -0.5 * shared * math.log(1 - rho**2)
    corrected, plain = [], []
    for _ in range(RUNS):
        x, y = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
        y[:, :shared] = rho * x[:, :shared] + math.sqrt(1 - rho**2) * y[:, :shared]
        got = fastmi.mi(x, y, method="gaussian")
        corrected.append(float(got))
        plain.append(got.uncorrected)
    mean, error = mean_and_error(corrected)
    assert mean == pytest.approx(truth, abs=4 * error)
    assert np.mean(plain) > mean + 0.5 * dx * dy / n


@pytest.mark.parametrize("dims", [(1, 1, 1), (3, 2, 4), (5, 5, 5)])
def test_mean_of_conditional_and_total_correlation(dims, rng):
    """x and y are functions of z and of a shared part, so that I(X; Y | Z) is known."""
    n, rho = 50, 0.6
    dx, dy, _ = dims
    shared = min(dx, dy)
    truth = -0.5 * shared * math.log(1 - rho**2)
    given, whole = [], []
    for _ in range(RUNS):
        x, y, z = (rng.standard_normal((n, d)) for d in dims)
        y[:, :shared] = rho * x[:, :shared] + math.sqrt(1 - rho**2) * y[:, :shared]
        whole.append(float(fastmi.total_correlation(x, y, z, method="gaussian")))
        x = x + z.sum(axis=1, keepdims=True)
        y = y - 2 * z[:, :1]
        given.append(float(fastmi.cmi(x, y, z, method="gaussian")))
    for values in (given, whole):
        mean, error = mean_and_error(values)
        assert mean == pytest.approx(truth, abs=4 * error)


@pytest.mark.parametrize(
    "law",
    [
        lambda rng, shape: rng.standard_t(5, shape),
        lambda rng, shape: rng.random(shape),
        lambda rng, shape: np.exp(rng.standard_normal(shape)),
        lambda rng, shape: rng.integers(0, 3, shape).astype(float),
    ],
    ids=["t5", "uniform", "lognormal", "counts"],
)
@pytest.mark.parametrize("normalize", [None, "copula"])
def test_independent_variables_of_other_laws(law, normalize, rng):
    """The bias of 0.56 nats leaves 0.02, because these columns are independent of each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = [
            float(
                fastmi.mi(
                    law(rng, (100, 10)), law(rng, (100, 10)), method="gaussian", normalize=normalize
                )
            )
            for _ in range(100)
        ]
    assert np.mean(values) == pytest.approx(0.0, abs=0.04)


def heavy(rng, n, d, nu, rho):
    """Return columns with one chi-square scale per row: t-distributed, and dependent in scale."""
    x, y = rng.standard_normal((2, n, d))
    y = rho * x + math.sqrt(1 - rho**2) * y
    scale = np.sqrt(nu / rng.chisquare(nu, (n, 1)))
    return scale * x, scale * y


@pytest.mark.parametrize("d, n, nu", [(5, 60, 5), (10, 200, 5), (25, 500, 5), (5, 100, 3)])
@pytest.mark.parametrize("rho", [0.0, 0.6])
@pytest.mark.parametrize("normalize", [None, "copula"])
def test_bias_that_heavy_tails_leave_is_named(d, n, nu, rho, normalize, rng):
    """The caution says half to all of what the value is too high by, beyond its scatter."""
    named, errors = [], []
    for _ in range(20):
        x, y = heavy(rng, n, d, nu, rho)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = fastmi.mi(x, y, method="gaussian", normalize=normalize)
        errors.append(float(got) + 0.5 * d * math.log(1 - rho**2))
        named += [each for each in got.warnings if each.kind == "tails"]
    if normalize is None:
        assert np.mean(errors) > 0.05
        assert len(named) > 15
    said = [float(text.split("about ")[1].split(" nats")[0]) for text in named]
    if rho == 0.0 and len(named) > 15:
        assert 0.4 * np.mean(errors) < np.mean(said) < 1.3 * np.mean(errors)


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
@pytest.mark.parametrize("d, n", [(1, 30), (5, 60), (25, 500), (5, 5000)])
def test_normal_samples_have_no_heavy_tails(rho, d, n, rng):
    x, y = rng.standard_normal((2, n, d))
    y = rho * x + math.sqrt(1 - rho**2) * y
    got = fastmi.mi(x, y, method="gaussian")
    assert "tails" not in [each.kind for each in got.warnings]


def test_ranks_count_and_not_columns(rng):
    x, y, z = rng.standard_normal((3, 100, 4))
    x[:, 3] = x[:, 0] - x[:, 1]
    y[:, 2] = 7.0
    z[:, 0] = z[:, 1]
    assert fastmi.mi(x, y, method="gaussian").bias == pytest.approx(
        reference.gaussian_bias(100, (3,), (3,)), abs=1e-13
    )
    got = fastmi.cmi(np.hstack([x, z[:, :2]]), y, z, method="gaussian")
    assert got.bias == pytest.approx(reference.gaussian_bias(100, (3,), (3,), 3), abs=1e-13)
    got = fastmi.total_correlation(x, y, z, method="gaussian")
    assert got.bias == pytest.approx(reference.gaussian_bias(100, (3, 3), (3,)), abs=1e-13)
    assert fastmi.cmi(x, y, None, method="gaussian", bias_correction=None).bias == 0.0
    assert fastmi.mi(x, x, method="gaussian").bias == 0.0


def test_copula_and_pickle_keep_the_bias(rng):
    x, y = np.exp(3 * rng.standard_normal((2, 200, 2)))
    y[:, 0] += x[:, 0]
    got = fastmi.mi(x, y, method="gaussian", normalize="copula")
    assert got.bias == pytest.approx(reference.gaussian_bias(200, (2,), (2,)), abs=1e-13)
    again = pickle.loads(pickle.dumps(got))
    assert (float(again), again.bias) == (float(got), got.bias)


def test_surrogates_have_the_bias_of_the_samples(rng):
    """A permutation test gives the same p-value with the correction and without."""
    x, y = rng.standard_normal((2, 60, 5))
    y[:, 0] += 0.4 * x[:, 0]
    given = {"method": "gaussian", "n_permutations": 99, "seed": 0}
    with_it = fastmi.permutation_test(x, y, **given)
    without = fastmi.permutation_test(x, y, **given, bias_correction=None)
    assert with_it.p_value == without.p_value
    np.testing.assert_allclose(
        with_it.null + fastmi.mi(x, y, method="gaussian").bias, without.null, atol=1e-12
    )
    assert abs(with_it.null.mean()) < 0.05 < without.null.mean()


def test_text_names_no_k():
    x, y = draw_blocks("gaussian", 300, (2, 1), "float64")
    got = fastmi.mi(x, y, method="gaussian")
    assert "k=" not in repr(got)
    assert "k=" not in got._repr_html_()
    assert got.to_dict()["k"] is None
    assert got.algorithm == "none"
