"""Dual total correlation, O-information and S-information: definitions, known laws, m = 2."""

import itertools
import math

import numpy as np
import pytest

import fastmi
import reference
from samples import draw, draw_blocks

NAMES = ("dual_total_correlation", "o_information", "s_information")
LN2 = math.log(2)

each = pytest.mark.parametrize("name", NAMES)


def of(name):
    return getattr(fastmi, name)


def equicorrelated(n, m, rho, seed=0):
    """Return n samples of m Gaussians, all correlated by rho, and their covariance."""
    covariance = np.full((m, m), rho) + (1 - rho) * np.eye(m)
    x = np.random.default_rng(seed).multivariate_normal(np.zeros(m), covariance, n)
    return list(x.T), covariance


def gaussian_value(name, covariance):
    """The quantity of a Gaussian with these single columns, from log determinants."""
    return reference.signed_sum(
        name,
        len(covariance),
        lambda space: 0.5 * np.linalg.slogdet(covariance[np.ix_(space, space)])[1],
    )


def words(m, law):
    """Return one sample for each outcome of a law, a function of m - 1 fair bits."""
    bits = np.array(list(itertools.product((0, 1), repeat=m - 1)))
    return [*bits.T, law(bits)]


# Nearest neighbours


@each
@pytest.mark.parametrize("sample", ["gaussian", "grid", "cauchy", "duplicates"])
@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 3), (1, 1, 1, 2)])
def test_against_the_definition(name, sample, dims, metric, dtype):
    blocks = draw_blocks(sample, 130, dims, dtype)
    got = of(name)(*blocks, k=4, metric=metric, noise=0)
    expected = reference.signed_sum(name, len(dims), reference.ksg_entropies(blocks, 4, metric))
    assert float(got) == pytest.approx(expected, abs=1e-12)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert got.dims == dims
    assert got.counts.shape == ((1 if name.startswith("dual") else 2) * len(dims), 130)


@each
@pytest.mark.parametrize("algorithm", ["tree", "brute"])
def test_bits_depend_on_neither_search_nor_threads(name, algorithm):
    blocks = draw_blocks("gaussian", 300, (1, 2, 1), "float64")
    plain = of(name)(*blocks)
    for n_jobs in (1, 3):
        assert of(name)(*blocks, algorithm=algorithm, n_jobs=n_jobs) == plain


@each
@pytest.mark.parametrize("m, rho", [(3, 0.6), (3, 0.0), (4, 0.3), (6, 0.0)])
def test_equicorrelated_gaussians(name, m, rho):
    variables, covariance = equicorrelated(5000, m, rho)
    got = of(name)(*variables)
    assert float(got) == pytest.approx(gaussian_value(name, covariance), abs=5 * got.stderr + 0.02)
    assert got.warnings == ()


def test_synergy_and_redundancy_have_their_signs():
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 3000))
    synergy = fastmi.o_information(x, y, x + y + 0.3 * z)
    redundancy = fastmi.o_information(x, x + 0.3 * y, x + 0.3 * z)
    assert float(synergy) < -0.5
    assert float(redundancy) > 0.5


@each
@pytest.mark.parametrize("method", ["ksg1", "gaussian"])
def test_two_variables(name, method):
    x, y = draw_blocks("gaussian", 300, (2, 1), "float64")
    pair = float(fastmi.mi(x, y, method=method))
    got = of(name)(x, y, method=method)
    times = {"dual_total_correlation": 1, "o_information": 0, "s_information": 2}[name]
    assert float(got) == pytest.approx(times * pair, abs=1e-12)
    assert got.local.mean() == pytest.approx(got.uncorrected, abs=1e-12)


@pytest.mark.parametrize("method", ["ksg1", "gaussian", "discrete"])
def test_parts_are_those_of_the_other_functions(method):
    blocks = draw_blocks("gaussian", 400, (1, 2, 1), "float64")
    if method == "discrete":
        blocks = [np.round(block).astype(int) for block in blocks]
    total = float(fastmi.total_correlation(*blocks, method=method))
    dual = float(fastmi.dual_total_correlation(*blocks, method=method))
    for name, sign in (("o_information", -1), ("s_information", 1)):
        got = of(name)(*blocks, method=method)
        assert got.terms["total_correlation"] == pytest.approx(total, abs=1e-12)
        assert got.terms["dual_total_correlation"] == pytest.approx(dual, abs=1e-12)
        assert float(got) == pytest.approx(total + sign * dual, abs=1e-12)


@each
@pytest.mark.parametrize("method", ["ksg1", "gaussian"])
def test_order_of_variables_and_scale_are_irrelevant(name, method):
    blocks = draw_blocks("gaussian", 300, (1, 2, 1), "float64")
    plain = of(name)(*blocks, method=method)
    assert float(of(name)(*blocks[::-1], method=method)) == pytest.approx(float(plain), abs=1e-12)
    scaled = of(name)(*(8 * b for b in blocks), method=method)
    assert float(scaled) == pytest.approx(float(plain), abs=1e-12)
    moved = of(name)(*(b + 1024 for b in blocks), method=method)
    assert float(moved) == pytest.approx(float(plain), abs=1e-9)


@each
def test_sequence_of_k_normalize_and_one_list(name):
    blocks = draw_blocks("gaussian", 200, (1, 2, 1), "float64")
    for one in of(name)(*blocks, k=[5, 2]):
        assert float(one) == float(of(name)(blocks, k=one.k))
        assert one.terms == of(name)(tuple(blocks), k=one.k).terms
    blocks[1] = blocks[1] * 1000
    scaled = [fastmi.normalize.local(b) for b in blocks]
    assert float(of(name)(*blocks, normalize="local")) == float(of(name)(*scaled))


@each
def test_ties_get_one_trace_of_noise_for_all_parts(name):
    rng = np.random.default_rng(1)
    x, y, z = np.round(rng.normal(size=(3, 2000)), 1)
    got = of(name)(x, y, z)
    assert [each.kind for each in got.warnings] == ["ties"]
    assert abs(float(got)) < 4 * got.stderr + 0.02
    assert got == of(name)(x, y, z)
    assert of(name)(x, y, z, seed=1) != got
    with pytest.warns(fastmi.EstimateWarning, match="neighbours at the same distance"):
        of(name)(x, y, z, noise=0)


@each
def test_a_constant_adds_nothing_and_is_named(name):
    x, y = draw_blocks("gaussian", 300, (1, 1), "float64")
    pair = float(fastmi.mi(x, y))
    times = {"dual_total_correlation": 1, "o_information": 0, "s_information": 2}[name]
    got = of(name)(x, np.full(300, 7.0), y)
    assert float(got) == pytest.approx(times * pair, abs=1e-12)
    (said,) = got.warnings
    assert said.startswith("variables[1] is constant: it adds nothing")
    flat = np.zeros(300)
    assert "all samples are the same" in of(name)(flat, flat, flat).warnings[0]


@each
def test_scale_that_dominates_is_named(name):
    x, y, z = draw_blocks("gaussian", 500, (1, 1, 1), "float64")
    (said,) = of(name)(x, 1e6 * y, z).warnings
    assert said.startswith("the scale of variables[1] dominates")
    assert of(name)(x, 1e6 * y, z, normalize="local").warnings == ()


@each
def test_ceiling_and_few_samples(name):
    x = draw("gaussian", 300, 1, "float64")
    kinds = {each.kind for each in of(name)(x, x, x).warnings}
    assert kinds == {"ceiling"}
    found = of(name)(x[:20], x[:20] ** 2, x[20:40]).warnings
    assert found[0].startswith("n=20 samples are few")


def test_a_value_far_too_low_is_named():
    variables, covariance = equicorrelated(1000, 10, 0.5)
    got = fastmi.s_information(*variables)
    assert float(got) < gaussian_value("s_information", covariance) - 0.2
    assert "low" in {each.kind for each in got.warnings}
    variables, _ = equicorrelated(1000, 10, 0.0)
    assert fastmi.s_information(*variables).warnings == ()


@each
def test_error_from_halves(name):
    variables, _ = equicorrelated(600, 3, 0.5)
    got = of(name)(*variables, error="half")
    plain = of(name)(*variables)
    assert got == plain
    assert 0.7 < got.stderr / plain.stderr < 2.5


@each
def test_bad_input(name):
    x = draw("gaussian", 50, 1, "float64")
    for given in ((), (x,), ([x],)):
        with pytest.raises(ValueError, match="variables must be two or more; got"):
            of(name)(*given)
    with pytest.raises(ValueError, match=r"variables\[0\] and variables\[2\] must have the same"):
        of(name)(x, x, x[:49])
    with pytest.raises(ValueError, match=r"k must be in \[1, n - 1\]; got k=50, n=50"):
        of(name)(x, x, x, k=50)
    with pytest.raises(ValueError, match="method must be one of 'ksg1', 'gaussian', 'discrete'"):
        of(name)(x, x, method="mixed")
    with pytest.raises(TypeError, match=r"options must be among .*; got bins"):
        of(name)(x, x, bins=3)
    wrong = x.copy()
    wrong[3] = np.nan
    with pytest.raises(ValueError, match=r"variables\[1\] must be finite"):
        of(name)(x, wrong, x)


# Gaussian


@each
@pytest.mark.parametrize("dims", [(1, 1, 1), (2, 1, 3), (1, 1, 1, 2)])
def test_gaussian_form_is_that_of_log_determinants(name, dims):
    blocks = draw_blocks("gaussian", 200, dims, "float64")
    plain = of(name)(*blocks, method="gaussian", bias_correction=None)
    ends = np.cumsum((0, *dims))
    covariance = np.cov(np.hstack(blocks).T)

    def entropy(space):
        columns = np.concatenate([np.arange(ends[b], ends[b + 1]) for b in space])
        return 0.5 * np.linalg.slogdet(covariance[np.ix_(columns, columns)])[1]

    expected = reference.signed_sum(name, len(dims), entropy)
    assert float(plain) == pytest.approx(expected, abs=1e-10)
    corrected = of(name)(*blocks, method="gaussian")
    assert corrected.uncorrected == pytest.approx(expected, abs=1e-10)
    assert corrected.local.mean() == pytest.approx(expected, abs=1e-10)


@each
def test_gaussian_form_has_no_bias(name):
    rng = np.random.default_rng(5)
    found = [float(of(name)(*rng.normal(size=(4, 30)), method="gaussian")) for _ in range(400)]
    assert abs(np.mean(found)) < 4 * np.std(found) / 20


def test_gaussian_form_where_linear_functions_determine_variables():
    x, y = np.random.default_rng(0).normal(size=(2, 200))
    # A sum is synergetic, and copies are redundant.
    assert float(fastmi.o_information(x, y, x + y, method="gaussian")) == -math.inf
    assert float(fastmi.o_information(x, x, x, method="gaussian")) == math.inf
    # A copy beside a third variable is neither: the total correlation and its dual are the same.
    got = fastmi.o_information(x, x, y, method="gaussian")
    assert math.isnan(got)
    assert got.warnings[0].endswith("is not determined")
    for name in ("dual_total_correlation", "s_information"):
        assert float(of(name)(x, y, x + y, method="gaussian")) == math.inf


# Discrete


@pytest.mark.parametrize(
    "law, total, dual",
    [
        (lambda bits: bits.sum(axis=1) % 2, LN2, 2 * LN2),  # XOR
        (lambda bits: bits[:, 0], LN2, LN2),  # a copy of one bit, and one bit alone
        (lambda bits: 0 * bits[:, 0], 0.0, 0.0),
    ],
    ids=["xor", "copy", "constant"],
)
def test_laws_of_two_bits_by_hand(law, total, dual):
    variables = words(3, law)
    options = {"method": "discrete", "correction": "none"}
    expected = {
        "dual_total_correlation": dual,
        "o_information": total - dual,
        "s_information": total + dual,
    }
    for name, value in expected.items():
        assert float(of(name)(*variables, **options)) == pytest.approx(value, abs=1e-12)


def test_three_copies_are_redundant():
    bit = [0, 1]
    options = {"method": "discrete", "correction": "none"}
    assert float(fastmi.o_information(bit, bit, bit, **options)) == pytest.approx(LN2)
    assert float(fastmi.dual_total_correlation(bit, bit, bit, **options)) == pytest.approx(LN2)


@pytest.mark.parametrize("m", [4, 5])
def test_parity_of_many_bits(m):
    variables = words(m, lambda bits: bits.sum(axis=1) % 2)
    options = {"method": "discrete", "correction": "none"}
    # Any m - 1 of them are independent and determine the last.
    dual = float(fastmi.dual_total_correlation(*variables, **options))
    assert dual == pytest.approx((m - 1) * LN2, abs=1e-12)
    o_information = float(fastmi.o_information(*variables, **options))
    assert o_information == pytest.approx((2 - m) * LN2, abs=1e-12)


@each
@pytest.mark.parametrize("correction", ["none", "miller-madow", "chao-shen", "grassberger"])
def test_discrete_form_against_the_definition(name, correction):
    rng = np.random.default_rng(3)
    blocks = [rng.integers(0, 3, (90, d)) for d in (1, 2, 1)]
    labels = np.array(["a", "b", "c"])[blocks[0]]
    got = of(name)(labels, *blocks[1:], method="discrete", correction=correction)

    def entropy(space):
        rows = [tuple(np.concatenate([blocks[b][i] for b in space])) for i in range(90)]
        return reference.discrete_entropy(rows, correction)

    assert float(got) == pytest.approx(reference.signed_sum(name, 3, entropy), abs=1e-12)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert got.dims == (1, 2, 1)
