"""kl_divergence: definitions, closed forms, standard errors, ties, classes, and what is refused."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi import _cpu, neighbors
from samples import EDGE_SIZES, SAMPLES, draw, draw_blocks

LN2 = math.log(2)


def normal(mean=0.0, spread=1.0, d=1):
    """D(N(0, 1) || N(mean, spread^2)) with independent columns."""
    return d * (math.log(spread) + (1 + mean**2) / (2 * spread**2) - 0.5)


# The search of one sample in another


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("dims", [(1,), (2,), (1, 1), (2, 1, 3), (14,)])
def test_neighbours_in_a_reference(name, dims, metric, dtype):
    both = draw_blocks(name, 230, dims, dtype)
    asking, known = [b[:130] for b in both], [b[130:] for b in both]
    k = 20
    distance, index = reference.kneighbors_among(asking, known, k, metric)
    for algorithm, threads in (("tree", 1), ("tree", 3), ("brute", 1), ("auto", 2)):
        got = neighbors.kneighbors(
            tuple(asking),
            k,
            reference=tuple(known),
            metric=metric,
            algorithm=algorithm,
            n_jobs=threads,
        )
        np.testing.assert_array_equal(got[0], distance)
        np.testing.assert_array_equal(got[1], index)
    radii = neighbors.kth_distance(tuple(asking), [1, k], reference=tuple(known), metric=metric)
    np.testing.assert_array_equal(radii, distance.T[[0, k - 1]])


@pytest.mark.parametrize("n", EDGE_SIZES)
def test_neighbours_in_a_reference_at_edges(n, metric):
    for m in (1, 2, 63, 64, 65, 130):
        asking, known = draw("grid", n, 2, "float64"), draw("gaussian", m, 2, "float64")
        for k in {1, min(m, 7), m}:
            distance, index = reference.kneighbors_among([asking], [known], k, metric)
            for algorithm in ("tree", "brute"):
                got = neighbors.kneighbors(
                    asking, k, reference=known, metric=metric, algorithm=algorithm
                )
                np.testing.assert_array_equal(got[0], distance)
                np.testing.assert_array_equal(got[1], index)


def test_samples_far_from_the_reference():
    rng = np.random.default_rng(0)
    asking, known = rng.normal(size=(3000, 3)), 50 + rng.normal(size=(2000, 3))
    distance, index = reference.kneighbors_among([asking[:100]], [known], 5, "chebyshev")
    got = neighbors.kneighbors(asking, 5, reference=known)
    np.testing.assert_array_equal(got[0][:100], distance)
    np.testing.assert_array_equal(got[1][:100], index)


def test_a_reference_is_checked():
    x = np.zeros((9, 2))
    with pytest.raises(ValueError, match="reference must have the blocks and columns of x"):
        neighbors.kneighbors(x, 3, reference=np.zeros((9, 3)))
    with pytest.raises(ValueError, match="k must be at most the number of samples of reference"):
        neighbors.kth_distance(x, [1, 8], reference=np.zeros((7, 2)))
    with pytest.raises(ValueError, match="algorithm must be 'auto', 'tree' or 'brute' with a"):
        neighbors.kth_distance(x, 1, reference=x, algorithm="sort")
    with pytest.raises(ValueError, match="reference must be finite"):
        neighbors.kneighbors(x, 1, reference=np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="among must be in"):
        _cpu.kneighbors_among([x], 9, 1, "chebyshev", "auto", 1)
    # float32 beside float64 is computed in float64.
    got = neighbors.kth_distance(x.astype(np.float32), 1, reference=x + 0.1)
    np.testing.assert_array_equal(got, np.full(9, 0.1))


# Nearest neighbours


@pytest.mark.parametrize("name", ["gaussian", "cauchy", "lognormal"])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("k", [1, 4])
def test_against_the_definition(name, d, k, metric, dtype):
    both = draw(name, 330, d, dtype)
    x, other = both[:130], both[130:] * 1.5
    got = fastmi.kl_divergence(x, other, k=k, metric=metric, noise=0)
    expected = reference.kl_divergence(x, other, k, metric)
    assert float(got) == pytest.approx(expected, abs=1e-6 if dtype == "float32" else 1e-11)
    assert got.local.mean() == pytest.approx(float(got), abs=1e-12)
    assert (got.n, got.dims, got.method, got.k) == (130, (d, d), "knn", k)
    of_other = reference.jackknife_over_other(x, other, k, metric)
    whole = math.hypot(got.local.std() / 130**0.5, of_other)
    assert got.stderr == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize(
    "d, mean, spread", [(1, 0.0, 1.0), (1, 1.0, 1.0), (1, 0.0, 2.0), (2, 0.5, 1.5), (3, 0.0, 1.3)]
)
def test_gaussians(d, mean, spread):
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(4000, d)), mean + spread * rng.normal(size=(6000, d))
    for method in ("knn", "gaussian"):
        got = fastmi.kl_divergence(x, other, method=method)
        truth = normal(mean, spread, d)
        assert float(got) == pytest.approx(truth, abs=4 * got.stderr + 0.01)
        assert got.warnings == ()


def test_exponentials():
    rng = np.random.default_rng(1)
    x, other = rng.exponential(1.0, 5000), rng.exponential(2.0, 3000)
    got = fastmi.kl_divergence(x, other, k=5)
    assert float(got) == pytest.approx(LN2 + 0.5 - 1, abs=4 * got.stderr + 0.01)


@pytest.mark.parametrize("n, m", [(300, 300), (300, 1500), (1500, 200)])
@pytest.mark.parametrize("mean", [0.0, 0.7])
@pytest.mark.parametrize("method", ["knn", "gaussian"])
def test_standard_error_holds_the_scatter_of_both(n, m, mean, method):
    rng = np.random.default_rng(n + m)
    found = [
        fastmi.kl_divergence(rng.normal(size=n), mean + rng.normal(size=m), method=method)
        for _ in range(150)
    ]
    scatter = np.std(found)
    claimed = np.mean([one.stderr for one in found])
    if method == "knn" or mean > 0:  # a Gaussian one is of second order where both are the same
        assert 0.75 < claimed / scatter < 1.6
    assert np.mean(found) == pytest.approx(normal(mean), abs=4 * scatter / 150**0.5 + 0.02)


def test_origin_unit_and_order_of_columns():
    rng = np.random.default_rng(2)
    x, other = rng.normal(size=(300, 2)), rng.normal(size=(400, 2)) + 0.5
    plain = float(fastmi.kl_divergence(x, other))
    assert float(fastmi.kl_divergence(1024 * x, 1024 * other)) == pytest.approx(plain, abs=1e-12)
    assert float(fastmi.kl_divergence(x + 8, other + 8)) == pytest.approx(plain, abs=1e-9)
    assert float(fastmi.kl_divergence(x[:, ::-1], other[:, ::-1])) == plain
    for factor in (1e-200, 1e200):
        assert float(fastmi.kl_divergence(factor * x, factor * other)) == pytest.approx(plain)
    turned = np.array([[2.0, 1.0], [0.3, -1.0]])
    gaussian = float(fastmi.kl_divergence(x, other, method="gaussian"))
    assert float(fastmi.kl_divergence(x @ turned, other @ turned, method="gaussian")) == (
        pytest.approx(gaussian, abs=1e-10)
    )


def test_sequence_of_k_threads_and_searches():
    rng = np.random.default_rng(3)
    x, other = rng.normal(size=(500, 2)), rng.normal(size=(300, 2))
    for one in fastmi.kl_divergence(x, other, k=[5, 2]):
        again = fastmi.kl_divergence(x, other, k=one.k, n_jobs=3, algorithm="tree")
        assert (float(again), again.stderr) == (float(one), one.stderr)
        assert fastmi.kl_divergence(x, other, k=one.k, algorithm="brute") == one
    column = fastmi.kl_divergence(x[:, 0], other[:, 0], algorithm="sort")
    assert column == fastmi.kl_divergence(x[:, 0], other[:, 0], algorithm="tree")


# Ties, copies, supports


def test_rounded_readings_are_spread_in_both_samples():
    rng = np.random.default_rng(4)
    x, other = rng.normal(size=2000), rng.normal(size=3000) + 0.5
    got = fastmi.kl_divergence(np.round(x, 1), np.round(other, 1))
    assert [each.kind for each in got.warnings] == ["ties"]
    assert float(got) == pytest.approx(normal(0.5), abs=4 * got.stderr)
    whole = fastmi.kl_divergence(np.round(3 * x), np.round(3 * other))
    assert float(whole) == pytest.approx(normal(0.5), abs=4 * whole.stderr)


def test_copies_are_named_or_refused():
    rng = np.random.default_rng(5)
    x = rng.normal(size=500)
    assert "copies" in {each.kind for each in fastmi.kl_divergence(x, x).warnings}
    with pytest.raises(ValueError, match=r"copies of a sample in x_other.*got 500 of 500"):
        fastmi.kl_divergence(x, x, k=1)
    with pytest.raises(ValueError, match="copies of a sample in x, the divergence"):
        fastmi.kl_divergence(np.repeat(x[:100], 5) + 1e-3, x)


def test_columns_that_add_no_dimension():
    rng = np.random.default_rng(12)
    x, other = rng.normal(size=(300, 2)), rng.normal(size=(400, 2)) + 0.5
    plain = fastmi.kl_divergence(x, other)
    got = fastmi.kl_divergence(*(np.insert(each, 1, 3.0, axis=1) for each in (x, other)))
    assert float(got) == float(plain)
    assert got.dims == (3, 3)
    assert [each.kind for each in got.warnings] == ["constant"]
    twice = [np.column_stack([each, each[:, 0] - 2 * each[:, 1]]) for each in (x, other)]
    with pytest.raises(ValueError, match="no linear functions of one another"):
        fastmi.kl_divergence(*twice)
    for first, second, name in (
        (np.zeros(50), np.ones(50), "x"),
        (np.zeros(50), np.zeros(50), "x"),
        (x[:, 0], np.ones(50), "x_other"),
        (np.ones(50), x[:, 0], "x"),
    ):
        with pytest.raises(ValueError, match=f"^{name} must have columns that vary; got one value"):
            fastmi.kl_divergence(first, second)


def test_samples_outside_the_support_are_named():
    rng = np.random.default_rng(6)
    got = fastmi.kl_divergence(rng.uniform(0, 2, 1000), rng.uniform(0, 1, 1000))
    assert [each.kind for each in got.warnings] == ["support"]
    assert fastmi.kl_divergence(rng.uniform(0, 1, 1000), rng.uniform(0, 2, 1000)).warnings == ()
    alarms = [
        fastmi.kl_divergence(rng.normal(size=300), rng.normal(size=300)).warnings for _ in range(50)
    ]
    assert sum(map(bool, alarms)) <= 2


def test_few_samples_are_named():
    x = np.random.default_rng(7).normal(size=40)
    assert fastmi.kl_divergence(x[:20], x[20:]).warnings[0].kind == "few_samples"


# Gaussian


def test_gaussian_form_is_the_textbook_formula():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3))
    other = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 3)) + 1
    a, b = (np.cov(each.T, bias=True) for each in (x, other))
    shift = x.mean(axis=0) - other.mean(axis=0)
    expected = 0.5 * (
        np.trace(np.linalg.solve(b, a))
        + shift @ np.linalg.solve(b, shift)
        - 3
        + np.linalg.slogdet(b)[1]
        - np.linalg.slogdet(a)[1]
    )
    got = fastmi.kl_divergence(x, other, method="gaussian", bias_correction=None)
    assert float(got) == pytest.approx(expected, rel=1e-10)
    corrected = fastmi.kl_divergence(x, other, method="gaussian")
    assert corrected.uncorrected == pytest.approx(expected, rel=1e-10)
    assert corrected.local.mean() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("mean, spread", [(0.0, 1.0), (1.0, 1.5)])
def test_gaussian_form_has_no_bias(mean, spread):
    rng = np.random.default_rng(9)

    def value():
        x, other = rng.normal(size=(25, 3)), mean + spread * rng.normal(size=(30, 3))
        return float(fastmi.kl_divergence(x, other, method="gaussian"))

    found = [value() for _ in range(1500)]
    assert np.mean(found) == pytest.approx(normal(mean, spread, 3), abs=4 * np.std(found) / 38)


# Classes


def test_classes_by_hand():
    x, other = ["a", "a", "a", "b"], ["a", "b"]
    got = fastmi.kl_divergence(x, other, correction="none")
    assert float(got) == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5), abs=1e-14)
    assert (got.method, got.n, got.dims) == ("discrete", 4, (1, 1))
    assert float(fastmi.kl_divergence(x, x, correction="none")) == 0.0
    assert [float(one) for one in fastmi.kl_divergence(x, other, k=[3, 4])] == 2 * [
        float(fastmi.kl_divergence(x, other))
    ]


def test_a_class_that_is_missing_makes_it_infinite():
    got = fastmi.kl_divergence(["a", "b", "b"], ["a", "a"])
    assert float(got) == math.inf
    assert math.isnan(got.stderr)
    assert got.warnings[0].startswith("1 classes of x, with 2 of 3 samples, do not occur")
    assert math.isfinite(fastmi.kl_divergence(["a", "a"], ["a", "b", "b"]))


def test_bias_and_error_of_classes():
    rng = np.random.default_rng(10)
    p, q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.25, 0.25, 0.3, 0.2])
    truth = float((p * np.log(p / q)).sum())
    runs = [(rng.choice(4, 200, p=p), rng.choice(4, 300, p=q)) for _ in range(600)]
    found = [fastmi.kl_divergence(*run, method="discrete") for run in runs]
    scatter = np.std(found)
    assert np.mean(found) == pytest.approx(truth, abs=4 * scatter / 600**0.5)
    assert np.mean([one.stderr for one in found]) == pytest.approx(scatter, rel=0.15)
    options = {"method": "discrete", "correction": "none"}
    plain = [float(fastmi.kl_divergence(*run, **options)) for run in runs]
    assert np.mean(plain) > np.mean(found) + 0.005


def test_classes_of_other_kinds_of_columns():
    pd = pytest.importorskip("pandas")
    x, other = np.array(["u", "v", "v", "u", "v"]), np.array(["v", "u", "v"])
    expected = fastmi.kl_divergence(x, other)
    assert fastmi.kl_divergence(pd.Series(x, dtype="category"), pd.Series(other)) == expected
    assert fastmi.kl_divergence(x.tolist(), other.astype(object)) == expected
    flags = fastmi.kl_divergence(pd.Series(x == "u"), pd.Series(other == "u"))
    assert flags == expected
    wide = np.column_stack([x, x]), np.column_stack([other, other])
    assert float(fastmi.kl_divergence(*wide)) == float(expected)


# What is refused


def test_bad_input():
    x, other = np.random.default_rng(11).normal(size=(2, 50))
    with pytest.raises(ValueError, match="x and x_other must have the same number of columns"):
        fastmi.kl_divergence(x, np.column_stack([other, other]))
    with pytest.raises(ValueError, match=r"x_other must be finite; got nan in row 3"):
        fastmi.kl_divergence(x, np.where(np.arange(50) == 3, np.nan, other))
    with pytest.raises(ValueError, match=r"k must be in \[1, n - 1\]; got k=50"):
        fastmi.kl_divergence(x, np.tile(other, 3), k=50)
    with pytest.raises(ValueError, match="k must be at most the number of samples of x_other"):
        fastmi.kl_divergence(x, other[:5], k=6)
    with pytest.raises(TypeError, match="must both hold names, or both numbers; got names in x "):
        fastmi.kl_divergence(["a", "b"], other)
    with pytest.raises(ValueError, match="method must be one of 'knn', 'gaussian', 'discrete'"):
        fastmi.kl_divergence(x, other, method="kl")
    with pytest.raises(ValueError, match="x_other must have columns that vary"):
        fastmi.kl_divergence(x, np.ones(40), method="gaussian")
    with pytest.raises(ValueError, match="must have more samples than columns"):
        fastmi.kl_divergence(np.eye(5), np.eye(5), method="gaussian")
    with pytest.raises(ValueError, match="has no GPU kernels"):
        fastmi.kl_divergence(x, other, device="cuda")
    with pytest.raises(ValueError, match="correction must be one of 'none', 'grassberger'"):
        fastmi.kl_divergence([1, 2], [1, 2], method="discrete", correction="chao-shen")
