"""fastmi.compat.npeet: NPEET's values, conventions and names.

The golden values were computed by NPEET without its noise. If the environment variable FASTMI_NPEET
names a checkout of NPEET, every function is compared with the original as well.
"""

import inspect
import math
import os
import sys
import warnings

import numpy as np
import pytest

from fastmi.compat import npeet

DISCRETE = {"entropyd", "midd", "cmidd", "centropyd", "tcd", "ctcd", "corexd"}
NOISELESS = DISCRETE | {"kldiv"}


def sample():
    """Sixty points that need no random numbers and are therefore the same everywhere."""
    t = np.arange(1, 61)
    x = np.column_stack([np.sin(t * t * 0.7), np.cos(1.3 * t * t)])
    y = x[:, :1] + 0.5 * np.sin(2.1 * t**1.5)[:, None]
    z = np.cos(0.37 * t**1.7)[:, None] + 0.3 * y
    a, b, c = (t * t % 7 % 3)[:, None], (t % 4)[:, None], (t * 3 % 5 // 2)[:, None]
    return {
        "x": x,
        "y": y,
        "z": z,
        "x2": x[::-1] * 0.8 + 0.3,
        "a": a,
        "b": b,
        "c": c,
        "abc": np.hstack([a, b, c]),
    }


GOLDEN = [
    ("entropy", ("x",), 2.60409158365036),
    ("centropy", ("x", "y"), 1.88573633880582),
    ("tc", ("x",), -1.68020872252592),
    ("ctc", ("x", "y"), -0.482428597163638),
    ("corex", ("x", "y"), 0.102986510670822),
    ("mi", ("x", "y"), 0.900331813821734),
    ("mi", ("x", "y", "z"), 0.662492834661602),
    ("cmi", ("x", "y", "z"), 0.662492834661602),
    ("kldiv", ("x", "x2"), 0.198773004201542),
    ("entropyd", ("a",), 1.37301748513397),
    ("midd", ("a", "b"), 0.00409240577270165),
    ("cmidd", ("a", "b", "c"), 0.310940190013392),
    ("centropyd", ("a", "b"), 1.36892507936126),
    ("tcd", ("abc",), 0.317628942926432),
    ("ctcd", ("abc", "a"), 0.30684778424069),
    ("corexd", ("abc", "b"), 0.00409240577270165),
    ("micd", ("x", "a"), 0.304822120900541),
    ("midc", ("a", "x"), 0.304822120900541),
    ("centropycd", ("x", "a"), 2.12357355072799),
    ("centropydc", ("a", "x"), 2.12357355072799),
    ("ctcdc", ("abc", "x"), 4.5944511090545),
    ("corexdc", ("abc", "x"), -4.27682216612806),
    ("corexcd", ("x", "abc"), -4.27682216612806),
]


@pytest.mark.filterwarnings("ignore:.*too few for k")
@pytest.mark.parametrize("name, arguments, value", GOLDEN)
def test_golden_values(name, arguments, value):
    data = sample()
    options = {} if name in NOISELESS else {"noise": 0}
    result = getattr(npeet, name)(*(data[a] for a in arguments), **options)
    assert type(result) is float
    assert result == pytest.approx(value, abs=1e-9)


def test_golden_options():
    x, y = sample()["x"], sample()["y"]
    assert npeet.mi(x, y, k=5, noise=0) == pytest.approx(0.8949539557404592, abs=1e-9)
    assert npeet.mi(x, y, alpha=0.5, k=5, noise=0) == pytest.approx(1.4757547292019595, abs=1e-9)
    assert npeet.mi(x, y, k=4, base=math.e, noise=0) == pytest.approx(0.6760031630360634, abs=1e-9)


def test_distances_above_16_count_the_boundary():
    # Above 16, 1e-15 is less than half a unit in the last place, so that NPEET counts the boundary.
    x, y = sample()["x"], sample()["y"]
    assert npeet.mi(1000 * x, y, noise=0) == pytest.approx(-0.4808983469629861, abs=1e-9)


def test_the_example_of_its_readme():
    x = [[1.3], [3.7], [5.1], [2.4], [3.4]]
    y = [[1.5], [3.32], [5.3], [2.3], [3.3]]
    assert npeet.mi(x, y) == pytest.approx(0.16831442143704642, abs=1e-6)


@pytest.mark.parametrize("dims", [(1, 1), (2, 3), (12, 13)])
def test_equals_fastmi_off_ties(dims, rng):
    import fastmi

    x, y = (rng.standard_normal((300, d)) for d in dims)
    y[:, 0] += x[:, 0]
    assert npeet.mi(x, y, noise=0) == pytest.approx(fastmi.mi(x, y).bits, abs=1e-9)
    assert npeet.entropy(x, noise=0) == pytest.approx(fastmi.entropy(x).bits, abs=1e-9)


def test_noise_comes_from_the_global_generator(rng):
    x = rng.integers(0, 5, (100, 1))
    np.random.seed(7)  # noqa: NPY002
    first = npeet.mi(x, x)
    np.random.seed(7)  # noqa: NPY002
    noisy = [x + 1e-10 * np.random.random_sample(x.shape) for _ in range(2)]  # noqa: NPY002
    assert npeet.mi(*noisy, noise=0) == first
    assert math.isfinite(first)


def test_coincident_points_without_noise_are_infinite(rng):
    x = rng.integers(0, 3, (50, 1))
    assert npeet.mi(x, x, noise=0) == math.inf
    assert npeet.entropy(x, noise=0) == -math.inf


@pytest.mark.parametrize("shift", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("sizes", [(200, 100), (40, 300)])
@pytest.mark.parametrize("d", [1, 3])
def test_kldiv_searches_across_samples(shift, sizes, d, rng):
    x = rng.standard_normal((sizes[0], d)) + shift
    xp = rng.standard_normal((sizes[1], d))
    k = 4
    own = np.sort(np.abs(x[:, None] - x[None]).max(axis=2), axis=1)[:, k]
    other = np.sort(np.abs(x[:, None] - xp[None]).max(axis=2), axis=1)[:, k - 1]
    nats = np.log(len(xp)) - np.log(len(x) - 1) + d * (np.log(other) - np.log(own)).mean()
    assert npeet.kldiv(x, xp, k=k, base=math.e) == pytest.approx(nats, abs=1e-9)


def test_kldiv_of_gaussians(rng):
    x, xp = rng.standard_normal(20000), 1.0 + rng.standard_normal(20000)
    assert npeet.kldiv(x, xp, k=5, base=math.e) == pytest.approx(0.5, abs=0.05)


def test_nonuniformity_raises_a_strong_dependence(rng):
    x = rng.standard_normal(1000)
    y = x + 1e-4 * rng.standard_normal(1000)
    plain = npeet.mi(x, y, k=5, noise=0)
    corrected = npeet.mi(x, y, k=5, alpha=0.65, noise=0)
    truth = 0.5 * math.log2(1 + 1e8)
    assert plain + 3 < corrected < truth + 0.5


def test_small_classes_warn():
    x, y = sample()["x"], np.arange(60)[:, None] % 30
    with pytest.warns(UserWarning, match="too few for k=3"):
        value = npeet.micd(x, y, noise=0)
    assert value == 0.0
    assert npeet.micd(x, y, warning=False, noise=0) == 0.0


def test_discrete_labels_of_any_type():
    x = [["a"], ["b"], ["a"], ["b"]]
    assert npeet.entropyd(x) == pytest.approx(1.0)
    assert npeet.midd(x, [["p"], ["q"], ["p"], ["q"]]) == pytest.approx(1.0)


def test_shuffle_test(rng):
    x = rng.standard_normal((200, 1))
    y = x + rng.standard_normal((200, 1))
    mean, (low, high) = npeet.shuffle_test(npeet.mi, x, y, ns=40, k=5, noise=0)
    assert low < mean < high < npeet.mi(x, y, k=5)
    mean, _ = npeet.shuffle_test(npeet.cmi, x, y, x, ns=5)
    assert abs(mean) < 1.0


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: npeet.mi([1.0, 2.0], [1.0, 2.0], k=2), "k must be in"),
        (lambda: npeet.mi(np.zeros(9), np.zeros(8)), "same number of samples"),
        (lambda: npeet.kldiv(np.zeros((9, 1)), np.zeros((9, 2))), "same number of columns"),
        (lambda: npeet.kldiv(np.arange(9.0), np.arange(3.0)), "k must be in"),
        (lambda: npeet.entropy([1.0, np.nan, 2.0, 3.0, 4.0]), "finite"),
        (lambda: npeet.midd([1, 2], [1]), "same number of samples"),
        (lambda: npeet.tcd([1, 2, 3]), "2-D"),
        (lambda: npeet.micd(np.arange(9.0), np.zeros(8)), "same number of samples"),
        (lambda: npeet.mi(np.arange(9.0), np.arange(9.0), noise=-1.0), "noise must be"),
        (lambda: npeet.mi(np.arange(9.0), np.arange(9.0), alpha=math.nan), "alpha must be finite"),
        (lambda: npeet.mi(np.arange(9.0), np.arange(9.0), base=1), "base must be positive"),
        (lambda: npeet.entropyd([1, 2], base=0), "base must be positive"),
        (lambda: npeet.entropy(np.ma.masked_array(np.arange(9.0), np.arange(9) == 3)), "masked"),
        (lambda: npeet.midd(np.ma.masked_array([1, 2], [True, False]), [1, 2]), "masked"),
        (lambda: npeet.midd([1.0, math.nan], [1, 2]), "x must not have NaN"),
        (lambda: npeet.micd(np.arange(3.0), [1.0, math.nan, 2.0]), "y must not have NaN"),
        (lambda: npeet.midd(["a", math.nan, "b"], [1, 2, 3]), "x must not have NaN; got 1 of them"),
        (lambda: npeet.cmidd([1, 2], [1, 2], 3), "z must have at least one row"),
        (lambda: npeet.entropyd([[1, 2], [3]]), "sx must be readable"),
        (lambda: npeet.tcd([[1, 2], [3]]), "xs must be readable"),
        (lambda: npeet.avgdigamma(np.arange(9.0), np.ones(8)), "points and dvec must have"),
        (lambda: npeet.avgdigamma(np.arange(9.0), np.ones((9, 2))), "dvec must be one distance"),
        (lambda: npeet.avgdigamma(np.arange(9.0), 1.0), "dvec must be 1-D"),
        (lambda: npeet.shuffle_test(npeet.mi, 1.0, [1.0]), "x must have at least one row"),
        (lambda: npeet.shuffle_test(npeet.mi, [1.0], [1.0], ns=0), "ns must be an integer >= 1"),
        (lambda: npeet.shuffle_test(npeet.mi, [1.0], [1.0], ci=1.0), r"ci must be in \[0, 1\)"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: npeet.mi(np.arange(9.0), np.arange(9.0), alpha="a"), "alpha must be a real"),
        (lambda: npeet.mi(np.arange(9.0), np.arange(9.0), base=True), "base must be a real"),
        (lambda: npeet.midd([1, "a", None], [1, 2, 3]), "x must be labels of one type"),
        (lambda: npeet.add_noise(["a"]), "x must be real numbers"),
        (lambda: npeet.shuffle_test(npeet.mi, [1.0], [1.0], ns=2.5), "ns must be an integer"),
        (lambda: npeet.shuffle_test(npeet.mi, [1.0], [1.0], ci="a"), "ci must be a real number"),
    ],
)
def test_wrong_types(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_numbers_of_neighbours_from_numpy(rng):
    x, y = rng.standard_normal((2, 50))
    assert npeet.mi(x, y, k=np.int64(4), noise=0) == npeet.mi(x, y, k=4, noise=0)


@pytest.fixture(scope="module")
def original():
    path = os.environ.get("FASTMI_NPEET")
    if not path:
        pytest.skip("FASTMI_NPEET does not name a checkout of NPEET")
    sys.path.insert(0, path)
    try:
        return pytest.importorskip("npeet.entropy_estimators")
    finally:
        sys.path.remove(path)


def test_signatures_of_the_original(original):
    for name in npeet.__all__:
        ours, theirs = (inspect.signature(getattr(m, name)).parameters for m in (npeet, original))
        shared = [(p.name, p.default) for p in ours.values() if p.name != "noise"]
        assert shared == [(p.name, p.default) for p in theirs.values()], name


@pytest.mark.parametrize("name, arguments", [(g[0], g[1]) for g in GOLDEN])
def test_equals_the_original_with_its_noise(name, arguments, original):
    data = sample()
    given = [data[a] for a in arguments]
    results = []
    for module in (npeet, original):
        np.random.seed(3)  # noqa: NPY002
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.append(getattr(module, name)(*given))
    assert results[0] == pytest.approx(results[1], abs=1e-9)
