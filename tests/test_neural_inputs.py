"""What neural estimators do to columns: units and offsets, heavy tails, columns of few values."""

import math

import numpy as np
import pytest

import fastmi
from fastmi import datasets

pytest.importorskip("torch")
import torch

from fastmi.estimators.neural.inputs import make_map

pytestmark = pytest.mark.usefixtures("one_torch_thread")

CRITIC = {"hidden": (16, 16), "steps": 60, "batch_size": 64, "lr": 3e-3, "eval_every": 20}
FLOW = {"steps": 30, "batch_size": 64}
METHODS = {
    **dict.fromkeys(("mine", "dv", "nwj", "infonce", "infonce-anchor"), CRITIC),
    **dict.fromkeys(("smile", "demi", "ccmi", "doe"), CRITIC),
    **dict.fromkeys(("ndoe", "bnaf", "mienf"), FLOW),
    "ndoe-realnvp": FLOW | {"hidden": 16, "couplings": 2},
}
TERMS = ("cross_entropy", "conditional_cross_entropy")


@pytest.fixture(scope="module")
def gaussian():
    return datasets.CorrelatedGaussian.from_mi(0.8, d=2).sample(600, seed=0)


def estimate(x, y, method, **others):
    return fastmi.mi(x, y, method=method, seed=0, **METHODS[method], **others)


@pytest.mark.parametrize("method", METHODS)
def test_units_and_offsets_do_not_matter(method, gaussian):
    x, y = gaussian
    plain = estimate(x, y, method)
    for a, b in ((1e-4, 2000), (1, 2000), (100, 0)):
        moved = estimate(a * x + b, a * y + b, method)
        assert float(moved) == pytest.approx(float(plain), abs=1e-3), (a, b)
        # Entropies have units: those of one variable grow by the log of its scale a column.
        for name in set(TERMS) & set(plain.terms):
            variables = 2 if method == "mienf" else 1
            grown = plain.terms[name] + 2 * variables * math.log(a)
            assert moved.terms[name] == pytest.approx(grown, abs=1e-3), (a, b, name)


def test_powers_of_two_round_nothing(gaussian):
    x, y = gaussian
    assert float(estimate(1024 * x, y / 8, "mine")) == float(estimate(x, y, "mine"))


@pytest.mark.parametrize("normalize", ["local", "global", "global-linf", "global-corrected"])
def test_units_and_offsets_do_not_matter_to_the_normalisers(normalize, gaussian):
    x, y = gaussian
    plain = estimate(x, y, "mine", normalize=normalize)
    for a, b in ((1e-4, 2000), (100, 0)):
        moved = estimate(a * x + b, a * y + b, "mine", normalize=normalize)
        assert float(moved) == pytest.approx(float(plain), abs=1e-3)


@pytest.mark.parametrize("normalize", [None, "local", "global"])
@pytest.mark.parametrize("offset", [1e9, -1e12, 1e15])
def test_offsets_that_float64_barely_holds(offset, normalize, gaussian):
    """The values are those of the digits that are left, to the last bit."""
    far = [block + offset for block in gaussian]
    near = [block - block[0] for block in far]
    got = estimate(*far, "mine", normalize=normalize)
    assert float(got) == float(estimate(*near, "mine", normalize=normalize))
    np.testing.assert_allclose(got.pointwise(*far).mean(), float(got), atol=0.3)


def test_columns_that_vanish_are_refused(gaussian):
    x, y = gaussian
    with pytest.raises(ValueError, match=r"x must keep its values apart .* columns 1 that are con"):
        estimate(x * np.array([1.0, 1e-60]), y, "mine", inputs="none")
    with pytest.raises(ValueError, match="y must be large enough to be normalized"):
        estimate(x, 1e-310 * y, "mine", normalize="local")


def test_units_and_offsets_do_not_matter_to_cmi(gaussian):
    x, y = gaussian
    z = x[:, 0] + y[:, 0]
    options = {"method": "ccmi", "seed": 0, **CRITIC}
    plain = fastmi.cmi(x, y, z, **options)
    moved = fastmi.cmi(100 * x + 2000, 1e-4 * y, z + 2000, **options)
    assert float(moved) == pytest.approx(float(plain), abs=1e-3)


def test_a_million_and_seconds_since_1970():
    """An offset takes digits from the samples; whole seconds have digits to spare."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 10_000_000, 600)
    y = x + rng.integers(0, 10_000_000, 600)
    plain = estimate(x, y, "mine")
    assert float(estimate(x + 1_700_000_000, y, "mine")) == pytest.approx(float(plain), abs=1e-3)
    u, v = datasets.CorrelatedGaussian.from_mi(0.8, d=2).sample(600, seed=0)
    assert float(estimate(u + 1e6, v, "demi")) == pytest.approx(
        float(estimate(u, v, "demi")), abs=1e-3
    )


def test_an_offset_changes_no_bit_of_what_float32_networks_see():
    block = np.random.default_rng(0).normal(size=(2000, 2))
    block[:, 1] **= 3
    made, mapped, _ = mapping(block, np.arange(1500), "auto", grid=2.0**-20)
    _, moved, _ = mapping(block + 2000, np.arange(1500), "auto", grid=2.0**-20)
    np.testing.assert_array_equal(moved, mapped)
    np.testing.assert_array_equal(made(torch.from_numpy(block)).numpy(), mapped)
    exact = mapping(block, np.arange(1500), "auto")[1]
    assert 0 < np.abs(exact - mapped).max() <= 2.0**-21


@pytest.mark.parametrize("inputs", ["auto", "none"])
def test_columns_are_mapped_a_few_at_a_time(inputs, monkeypatch):
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=5).sample(600, seed=0)
    x[:, 3] = 1e6 + x[:, 3] ** 5
    whole = estimate(x, y, "mine", inputs=inputs)
    monkeypatch.setattr("fastmi.estimators.neural.split._AT_ONCE", 1200)
    parts = estimate(x, y, "mine", inputs=inputs)
    assert float(parts) == float(whole)
    assert parts.warnings == whole.warnings
    np.testing.assert_array_equal(parts.pointwise(x, y), whole.pointwise(x, y))


def test_inputs_none_leaves_the_columns_as_they_are(gaussian):
    x, y = gaussian
    plain = estimate(x, y, "mine", inputs="none")
    assert abs(estimate(100 * x, y, "mine", inputs="none") - plain) > 0.1
    far = estimate(x + np.array([0.0, 1e6]), y, "ndoe", inputs="none")
    (lost,) = [caution for caution in far.warnings if caution.kind == "rounding"]
    assert "columns 1 of x vary by less" in lost
    for options in ({"inputs": "auto"}, {"dtype": "float64"}, {"normalize": "rank"}):
        near = estimate(x + np.array([0.0, 1e6]), y, "ndoe", **{"inputs": "none"} | options)
        assert "rounding" not in [caution.kind for caution in near.warnings]


@pytest.mark.parametrize(
    "method, nu", [("infonce", 1), ("smile", 2), ("mine", 1), ("mine", 3), ("ndoe", 1)]
)
def test_heavy_tails(method, nu):
    """Columns of Student's t whose copula is that of normals: 0.511 nats."""
    x, y = heavy(nu)
    few = {"steps": 400} if method == "ndoe" else {"steps": 300, "hidden": (32, 32), "lr": 5e-3}
    found = fastmi.mi(x, y, method=method, seed=0, **METHODS[method] | few)
    assert float(found) == pytest.approx(-0.5 * math.log(1 - 0.64), abs=0.12)


def mapping(block, training, inputs, normalize=None, grid=0.0):
    return make_map(block, training, "x", inputs=inputs, normalize=normalize, grid=grid)


def heavy(nu, n=2500):
    """Return two columns of rank correlation as normals with 0.8, each of Student's t."""
    rng = np.random.default_rng(nu)
    normal = rng.normal(size=(n, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]])
    quantiles = np.sort(rng.standard_t(nu, size=(n, 2)), axis=0)
    ranks = normal.argsort(axis=0).argsort(axis=0)
    return np.take_along_axis(quantiles, ranks, axis=0).T


def test_which_columns_have_heavy_tails():
    rng = np.random.default_rng(0)
    n = 10_000
    light = {
        "normal": rng.normal(size=n),
        "uniform": rng.random(n),
        "mixture": np.where(rng.random(n) < 0.3, -4, 4) + rng.normal(size=n),
        "two values": (rng.random(n) < 0.01) * 1.0,
        "classes": rng.integers(0, 7, n) * 1.0,
        "constant": np.full(n, 3.0),
    }
    tailed = {
        "t3": rng.standard_t(3, n),
        "t2": rng.standard_t(2, n),
        "cauchy": rng.standard_cauchy(n),
        "cube": rng.normal(size=n) ** 3,
        "lognormal": rng.lognormal(size=n),
        "mostly zero": np.where(rng.random(n) < 0.7, 0.0, rng.standard_cauchy(n)),
        "one outlier": np.append(rng.normal(size=n - 1), 1e6),
    }
    block = np.column_stack([*light.values(), *tailed.values()])
    made, mapped, _ = mapping(block, np.arange(n), "auto")
    assert made.heavy.tolist() == [False] * len(light) + [True] * len(tailed)
    assert np.abs(mapped).max() < 40
    live = made.factor.numpy() != 0
    assert live.tolist() == [name != "constant" for name in (*light, *tailed)]
    np.testing.assert_allclose(mapped[:, live].std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(mapped.mean(axis=0), 0, atol=1e-12)
    assert (mapped[:, ~live] == 0).all()
    # Increasing in every column, so that no information is lost.
    for column, image in zip(block.T, mapped.T, strict=True):
        order = column.argsort(kind="stable")
        assert (np.diff(image[order]) >= 0).all()
    assert [len(np.unique(c)) for c in mapped.T[:3]] == [len(np.unique(c)) for c in block.T[:3]]


@pytest.mark.parametrize("inputs", ["auto", "standard", "asinh", "none"])
@pytest.mark.parametrize("normalize", [None, "local", "global", "rank", "copula"])
def test_a_map_for_new_samples_is_that_of_the_training(inputs, normalize):
    rng = np.random.default_rng(0)
    block = rng.standard_t(2, size=(300, 3)) * [1.0, 1e-3, 1e5] + [0.0, 1.0, 1e7]
    block[:, 0] = np.round(block[:, 0])
    made, mapped, _ = mapping(block, np.arange(200), inputs, normalize)
    again = made(torch.from_numpy(block)).numpy()
    np.testing.assert_allclose(again, mapped, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("inputs", ["standard", "asinh"])
def test_log_slope_is_the_derivative(inputs):
    x = torch.tensor(np.random.default_rng(0).standard_t(2, size=(50, 3)) * [1.0, 1e-3, 1e5])
    made, _, _ = mapping(x.numpy(), np.arange(50), inputs)
    x.requires_grad_()
    made(x).sum().backward()  # each column of the map depends on its own column only
    torch.testing.assert_close(made.log_slope(x.detach()), x.grad.log().sum(1))


def test_entropies_behind_the_squash_are_those_of_the_samples():
    """The cross-entropy of Cauchy columns is at least their entropy, log 4 pi, and near it."""
    x = np.random.default_rng(0).standard_cauchy(4000)
    y = np.random.default_rng(1).normal(size=4000)
    found = fastmi.mi(3 * x, y, method="ndoe", steps=300, batch_size=256, lr=5e-3, seed=0)
    assert found.terms["cross_entropy"] == pytest.approx(math.log(12 * math.pi), abs=0.12)


def test_columns_that_do_not_vary_in_the_training():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 500))
    flag = np.zeros(500)
    flag[400:] = 1e6
    estimator = fastmi.MINE(seed=0, **CRITIC)
    test = (np.column_stack([x, flag])[400:], y[400:])
    found = estimator.estimate(np.column_stack([x, flag])[:400], y[:400], test=test)
    assert [c.kind for c in found.warnings if "columns 1 of x" in c] == ["constant"]
    without = estimator.estimate(
        np.column_stack([x, 0 * flag])[:400],
        y[:400],
        test=(np.column_stack([x, 0 * flag])[400:], y[400:]),
    )
    assert float(found) == float(without)
    assert not [c for c in without.warnings if c.kind == "constant"]


@pytest.mark.parametrize("method", METHODS)
def test_constant_and_discrete_columns_are_defined(method):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(600, 2))
    two = (y[:, 0] > 0) * 1.0
    nearly = 1e9 + 1e-9 * rng.normal(size=600)  # varies in the last digit only
    x = np.column_stack([y[:, 0] + rng.normal(size=600), np.full(600, 7.0), two, nearly])
    few = {"side": "y"} if method in ("doe", "ndoe", "ndoe-realnvp", "bnaf") else {}
    found = estimate(x, y, method, **few)
    assert math.isfinite(found)
    assert -0.3 < found < 2.0
    # The value does not depend on the codes of two classes.
    x[:, 2] = np.where(two > 0, 100.0, -55.5)
    assert float(estimate(x, y, method, **few)) == pytest.approx(float(found), abs=1e-3)


def test_values_at_the_ends_of_float64_are_no_trouble():
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=2).sample(400, seed=0)
    plain = estimate(x, y, "mine")
    for scale in (2.0**1000, 2.0**-1000):
        assert float(estimate(scale * x, y, "mine")) == float(plain)


def test_held_out_samples_far_outside_the_training():
    x, y = np.random.default_rng(0).normal(size=(2, 400))
    estimator = fastmi.MINE(seed=0, inputs="standard", **CRITIC)
    with pytest.raises(ValueError, match="x must fit dtype='float32'; got values beyond its range"):
        estimator.estimate(x, y, test=(1e300 * x, y))
