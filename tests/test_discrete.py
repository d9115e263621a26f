"""Entropy and information of discrete variables: the formulas, known truths, what is warned of."""

import math
import pickle
from decimal import Decimal
from itertools import permutations

import numpy as np
import pytest

import fastmi
import reference
from fastmi._symbols import as_symbols, crossed
from fastmi.estimators._chance import chance_information
from fastmi.estimators.discrete import Discrete

CORRECTIONS = ("none", "miller-madow", "chao-shen", "grassberger")
each_correction = pytest.mark.parametrize("correction", CORRECTIONS)


def levels(rng, n, k, skew=0.0):
    """n independent symbols of k levels, with shares that fall as (1 + s)^-skew."""
    share = (1.0 + np.arange(k)) ** -skew
    return rng.choice(k, size=n, p=share / share.sum())


@each_correction
@pytest.mark.parametrize("k, skew", [(1, 0), (2, 0), (7, 1), (40, 1), (2000, 0)])
@pytest.mark.parametrize("n", [1, 2, 3, 64, 301])
def test_entropy_against_the_definition(n, k, skew, correction, rng):
    x = levels(rng, n, k, skew)
    got = fastmi.entropy(x, method="discrete", correction=correction)
    expected = reference.discrete_entropy(x.tolist(), correction)
    assert float(got) == pytest.approx(expected, abs=1e-12)
    assert got.local.mean() == pytest.approx(expected, abs=1e-12)


@each_correction
@pytest.mark.parametrize("dims", [(1, 1), (2, 3)])
def test_information_against_the_definition(dims, correction, rng):
    blocks = [rng.integers(0, 3, (200, d)) for d in (*dims, 1)]
    x, y, z = blocks
    y[:, 0] = (x[:, 0] + y[:, 0]) // 2
    for got, expected in (
        (
            fastmi.mi(x, y, method="discrete", correction=correction),
            reference.discrete_total_correlation([x, y], correction),
        ),
        (
            fastmi.total_correlation(*blocks, method="discrete", correction=correction),
            reference.discrete_total_correlation(blocks, correction),
        ),
        (
            fastmi.cmi(x, y, z, method="discrete", correction=correction),
            reference.discrete_cmi(x, y, z, correction),
        ),
    ):
        assert float(got) == pytest.approx(expected, abs=1e-12)
        assert got.local.mean() == pytest.approx(expected, abs=1e-12)


def test_grassberger_is_the_integral_of_the_paper():
    """G(j) = psi(j) + (-1)^j times the integral of t^(j - 1)/(1 + t) over (0, 1)."""
    t = (np.arange(200_000) + 0.5) / 200_000
    for j in (1, 2, 3, 8, 51):
        integral = float((t ** (j - 1) / (1 + t)).mean())
        psi = float(reference.digamma(np.array([j]))[0])
        assert reference.discrete.grassberger_g(j) == pytest.approx(
            psi + (-1) ** j * integral, abs=1e-9
        )


def test_by_hand():
    x = ["a", "a", "b", "c"]
    plain = 0.5 * math.log(2) + 0.5 * math.log(4)
    entropy = {c: fastmi.entropy(x, method="discrete", correction=c) for c in CORRECTIONS}
    assert float(entropy["none"]) == pytest.approx(plain, abs=1e-15)
    assert float(entropy["miller-madow"]) == pytest.approx(plain + 2 / 8, abs=1e-15)
    # Two of four samples are single: coverage 1/2, shares 1/4, 1/8, 1/8.
    seen = (1 - 0.75**4, 1 - 0.875**4)
    shen = 0.25 * math.log(4) / seen[0] + 2 * 0.125 * math.log(8) / seen[1]
    assert float(entropy["chao-shen"]) == pytest.approx(shen, abs=1e-14)
    gamma = 0.5772156649015329
    grass = math.log(4) - (2 * (2 - gamma - math.log(2)) - 2 * (gamma + math.log(2))) / 4
    assert float(entropy["grassberger"]) == pytest.approx(grass, abs=1e-14)
    np.testing.assert_array_equal(entropy["none"].counts, [[1, 1, 0, 0]])


@pytest.mark.parametrize("seed", range(3))
def test_truth_of_a_table(seed):
    """A symmetric channel of four symbols that passes a symbol with probability 0.7."""
    rng = np.random.default_rng([101, seed])
    x = rng.integers(0, 4, 20_000)
    y = np.where(rng.random(20_000) < 0.7, x, (x + rng.integers(1, 4, 20_000)) % 4)
    truth = math.log(4) + 0.7 * math.log(0.7) + 0.3 * math.log(0.1)
    for correction in CORRECTIONS:
        got = fastmi.mi(x, y, method="discrete", correction=correction)
        assert float(got) == pytest.approx(truth, abs=4 * got.stderr)
        assert got.warnings == ()


@pytest.mark.parametrize("equal", [0.0, 0.5])
def test_the_standard_error_is_that_of_repeated_samples(equal):
    rng = np.random.default_rng([505, int(10 * equal)])
    found = []
    for _ in range(300):
        x = rng.integers(0, 5, 300)
        y = np.where(rng.random(300) < equal, x, rng.integers(0, 5, 300))
        found.append(fastmi.mi(x, y, method="discrete"))
    errors = [each.stderr for each in found]
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.15)


@pytest.mark.parametrize("k", [2, 10, 30])
def test_independent_variables_have_no_information(k):
    """The default is within 0.05 nats of 0, or says that the table has too few samples."""
    rng = np.random.default_rng([202, k])
    for _ in range(10):
        x, y = rng.integers(0, k, (2, 1000))
        got = fastmi.mi(x, y, method="discrete")
        assert abs(float(got)) < 0.05 or "few_samples" in [each.kind for each in got.warnings]
        if k <= 10:
            assert got.warnings == ()


def test_corrections_remove_bias():
    """20 levels, 100 samples: the plug-in is too low by about 19/200, and the others by less."""
    rng = np.random.default_rng(303)
    samples = rng.integers(0, 20, (200, 100))
    bias = {
        c: np.mean([fastmi.entropy(x, method="discrete", correction=c) for x in samples])
        - math.log(20)
        for c in CORRECTIONS
    }
    assert bias["none"] == pytest.approx(-19 / 200, abs=0.02)
    assert abs(bias["miller-madow"]) < 0.02
    assert abs(bias["grassberger"]) < 0.01
    assert abs(bias["chao-shen"]) < 0.08


def test_invariances(rng):
    x, y = rng.integers(0, 5, (2, 300))
    z = rng.integers(0, 2, 300)
    plain, with_z = (
        float(fastmi.mi(x, y, method="discrete")),
        float(fastmi.cmi(x, y, z, method="discrete")),
    )
    assert float(fastmi.mi(y, x, method="discrete")) == plain
    order = rng.permutation(300)
    assert float(fastmi.mi(x[order], y[order], method="discrete")) == plain
    assert float(fastmi.mi(7 - x**3, np.array(list("qxzab"))[y], method="discrete")) == plain
    assert float(fastmi.mi(np.column_stack([x, 2 * x]), y, method="discrete")) == plain
    assert float(fastmi.cmi(y, x, 1 - z, method="discrete")) == with_z
    assert float(fastmi.cmi(x, y, method="discrete")) == plain
    assert float(fastmi.total_correlation(x, y, method="discrete")) == plain


@each_correction
def test_information_about_itself_is_the_entropy(correction, rng):
    x = rng.integers(0, 6, 100)
    options = {"method": "discrete", "correction": correction}
    assert fastmi.mi(x, -x, **options) == fastmi.entropy(x, **options)


def test_the_chain_rule_of_the_plug_in(rng):
    x, y, z = rng.integers(0, 3, (3, 200))
    options = {"method": "discrete", "correction": "none"}
    both = fastmi.mi(x, np.column_stack([y, z]), **options)
    parts = fastmi.mi(x, z, **options) + fastmi.cmi(x, y, z, **options)
    assert float(both) == pytest.approx(parts, abs=1e-12)


def test_one_symbol():
    """No information and no entropy, but for the 1/n by which Grassberger's G is off log n."""
    ones, x = np.ones(101), np.arange(101) % 3
    for correction, bound in zip(CORRECTIONS, (1e-15, 1e-15, 1e-15, 1.01 / 101), strict=True):
        got = fastmi.entropy(ones, method="discrete", correction=correction)
        assert abs(float(got)) <= bound
        got = fastmi.mi(ones, x, method="discrete", correction=correction)
        assert abs(float(got)) <= bound + 1e-15


def test_the_result():
    x = np.arange(300) % 4
    got = fastmi.mi(x, x // 2, method="discrete")
    assert got.warnings == ()
    assert (got.k, got.method, got.algorithm, got.dims) == (None, "discrete", "none", (1, 1))
    assert got.counts.shape == (2, 300)
    assert pickle.loads(pickle.dumps(got)).to_dict() == got.to_dict()
    conditional = fastmi.cmi(x, x // 2, np.c_[x > 2, x < 1], method="discrete")
    assert conditional.counts.shape == (3, 300)
    assert conditional.dims == (1, 1, 2)


# What counts as a symbol

SAME = [0, 1, 1, 2, 0, 1, 2, 2]
NAMES = np.array(["zero", "one", "two"])


def frames():
    pd = pytest.importorskip("pandas")
    names = NAMES[SAME]
    yield pd.Series(names)
    yield pd.Series(names, dtype=object)
    yield pd.Series(names, dtype="category")
    yield pd.Categorical(names)
    yield pd.Series(SAME, dtype="Int64")
    yield pd.Series(SAME, dtype="category")
    yield pd.DataFrame({"a": names, "b": SAME})
    yield pd.DataFrame([[a, "x"] for a in names], columns=["a", "a"])
    yield pd.to_datetime(pd.Series(SAME), unit="D")
    yield pd.to_timedelta(pd.Series(SAME), unit="h")
    pl = pytest.importorskip("polars")
    yield pl.Series(names)
    yield pl.Series(names, dtype=pl.Categorical)
    yield pl.Series(names, dtype=pl.Enum(NAMES.tolist()))
    yield pl.DataFrame({"column": names, "b": SAME})
    pa = pytest.importorskip("pyarrow")
    yield pa.array(names.tolist())
    yield pa.table({"a": names.tolist(), "b": SAME})


def arrays():
    names = NAMES[SAME]
    yield np.array([-128, 127, 0], dtype=np.int8)[SAME]
    yield np.array(SAME, dtype=np.uint64) + 2**63
    yield np.array(SAME) + 2**60  # neighbours that float64 would merge
    yield 1.5 * np.array(SAME) - 1
    yield np.array(SAME, dtype=np.float32)
    yield np.array([0, 1, 2], dtype="datetime64[D]")[SAME]
    yield names
    yield names.tolist()
    yield tuple(names)
    yield names.astype("S4")
    yield names.astype(object)
    yield [[a, 1] for a in names]
    yield [(1, "1", 2.5)[s] for s in SAME]
    yield [(Decimal("0.1"), True, "x")[s] for s in SAME]
    yield np.array([[0, 0], [0, 1], [1, 0]])[SAME]
    yield np.array([[0, 0], [0, 1], [1, 0]])[SAME] > 0


def test_symbols_of_any_type_give_the_same_entropy():
    plain = fastmi.entropy(SAME, method="discrete")
    for given in [*arrays(), *frames()]:
        assert fastmi.entropy(given, method="discrete") == plain, given


def test_booleans():
    x = np.array(SAME) > 0
    got = fastmi.entropy(x, method="discrete")
    assert got == fastmi.entropy(x.astype(int), method="discrete")
    assert got == fastmi.entropy(x.astype(object), method="discrete")
    assert got == fastmi.entropy(x.tolist(), method="discrete")


def missing():
    nan = math.nan
    yield [1.0, nan, 2.0, nan]
    yield ["a", None, "b", None]
    yield ["a", nan, "b", nan]  # which NumPy makes the string "nan"
    yield np.array(["a", nan, "b", nan], dtype=object)
    yield np.array([1, None, 2, None], dtype=object)
    yield np.array(["2020-01-01", "NaT", "2020-01-02", "NaT"], dtype="datetime64[D]")
    pd = pytest.importorskip("pandas")
    yield pd.Series(["a", None, "b", None])
    yield pd.Series(["a", pd.NA, "b", pd.NA], dtype=object)
    yield pd.Series(["a", None, "b", None], dtype="category")
    yield pd.Series([1, None, 2, None], dtype="Int64")
    yield pd.Series([True, None, False, None], dtype="boolean")
    yield pd.Series([pd.Timestamp(0), pd.NaT, pd.Timestamp(1), pd.NaT], dtype=object)
    pl = pytest.importorskip("polars")
    yield pl.Series(["a", None, "b", None])
    yield pl.Series([1, None, 2, None])
    yield pl.Series(["a", None, "b", None], dtype=pl.Categorical)


def test_missing_labels_are_counted_and_refused():
    for given in missing():
        with pytest.raises(
            ValueError, match=r"^x must not have .*; got 2 of them.* first in row 1"
        ):
            fastmi.entropy(given, method="discrete")


def test_missing_labels_name_the_column():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["u", "v", None]})
    with pytest.raises(ValueError, match="got 1 of them in column 'b', the first in row 2"):
        fastmi.entropy(frame, method="discrete")
    with pytest.raises(ValueError, match="got 1 of them in column 1, the first in row 2"):
        fastmi.entropy(frame.to_numpy(), method="discrete")


@pytest.mark.parametrize(
    "bad, error, message",
    [
        (
            [],
            ValueError,
            r"x must be 1-D or 2-D with at least one sample; got list of shape \(0,\)",
        ),
        ("abc", TypeError, "x must be classes in 1 or 2 .*got str: pass the values"),
        ({"a": 1}, TypeError, "x must be classes in .*got dict: columns by name make a data frame"),
        ({1, 2}, TypeError, "x must be classes in .*got set: a set has no order"),
        ((v for v in "ab"), TypeError, r"x must be .*got generator: an array is .* list\(x\)"),
        (None, TypeError, "x must be classes in 1 or 2 dimensions; got NoneType"),
        (np.zeros((3, 2, 2)), ValueError, "x must be 1-D or 2-D"),
        ([["a", "b"], ["c"]], ValueError, "x must be readable as a NumPy array"),
        (np.array([{}, {}]), TypeError, "x must be classes: .*with a hash; got dict in ndarray"),
        (np.zeros(3, dtype=[("a", int)]), TypeError, "x must be classes: .*got ndarray with dtype"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_column_of_classes(bad, error, message):
    with pytest.raises(error, match=message):
        fastmi.entropy(bad, method="discrete")


def test_lengths_must_match():
    with pytest.raises(ValueError, match="x and y must have the same number of samples"):
        fastmi.mi(["a", "b", "b"], ["a", "b"], method="discrete")
    with pytest.raises(ValueError, match="x and z must have the same number of samples"):
        fastmi.cmi(["a", "b"], ["a", "b"], ["a"], method="discrete")


# Options


@pytest.mark.parametrize("function", ["mi", "cmi", "total_correlation", "o_information", "entropy"])
def test_an_unknown_correction_lists_the_valid_ones(function):
    arguments = [SAME, SAME] if function != "entropy" else [SAME]
    # Chance needs two variables, and no condition.
    last = ", 'chance'" if function == "mi" else ""
    with pytest.raises(
        ValueError,
        match="correction must be one of 'none', 'miller-madow', 'chao-shen', 'grassberger'"
        f"{last}; got",
    ):
        getattr(fastmi, function)(*arguments, method="discrete", correction="digamma")
    listed = r"method='discrete'.*among method, error, correction; got k"
    with pytest.raises(TypeError, match=listed):
        getattr(fastmi, function)(*arguments, method="discrete", k=5)


def test_each_method_of_entropy_has_corrections_of_its_own(rng):
    x = rng.normal(size=50)
    assert fastmi.entropy(x, correction="digamma") == fastmi.entropy(x)
    assert fastmi.entropy(x, correction="log") != fastmi.entropy(x)
    labels = x > 0
    default = fastmi.entropy(labels, method="discrete")
    assert default == fastmi.entropy(labels, method="discrete", correction="grassberger")
    with pytest.raises(TypeError, match=r"^entropy\(\) with method='wkl': .*; got correction$"):
        fastmi.entropy(x, method="wkl", correction="digamma")


# What is warned of


def kinds(estimate):
    return [caution.kind for caution in estimate.warnings]


def test_a_continuous_variable_is_named(rng):
    x, y = rng.normal(size=(2, 500))
    label = rng.integers(0, 3, 500)
    with pytest.warns(fastmi.EstimateWarning, match='500 of 500 values of x occur .*method="kl"'):
        got = fastmi.entropy(x, method="discrete")
    assert kinds(got) == ["continuous"]
    got = fastmi.mi(x, label, method="discrete")
    assert kinds(got) == ["continuous"]
    assert '"ross" for continuous x' in got.warnings[0]
    assert [text[:27] for text in fastmi.mi(x, y, method="discrete").warnings] == [
        "500 of 500 values of x occur"[:27],
        "500 of 500 values of y occur"[:27],
    ]
    got = fastmi.cmi(label, label, x, method="discrete")
    assert kinds(got) == ["continuous"]
    assert 'method="fp"' in got.warnings[0]
    got = fastmi.total_correlation(label, x, method="discrete")
    assert "values of variables[1] occur" in got.warnings[0]


def test_too_few_samples_are_named(rng):
    x, y = rng.integers(0, 30, (2, 1000))
    with pytest.warns(fastmi.EstimateWarning, match="of 1000 samples are alone in their joint"):
        assert kinds(fastmi.mi(x, y, method="discrete")) == ["few_samples"]
    assert kinds(fastmi.entropy(x, method="discrete")) == []
    assert kinds(fastmi.entropy(30 * x + y, method="discrete")) == ["few_samples"]


# The correction by chance


@pytest.mark.parametrize("shape", [(2, 2), (3, 7), (8, 8), (2, 12)], ids=str)
def test_chance_is_the_mean_over_all_reorderings(rng, shape):
    """The exact mean lies within the scatter of the mean of many reorderings."""
    n = 40
    x, y = (rng.integers(0, number, n) for number in shape)
    entropy_of = Discrete(correction="chance").entropy_of

    def information(x, y):
        in_x, in_y = (as_symbols(column, "x")[0] for column in (x, y))
        return entropy_of(in_x) + entropy_of(in_y) - entropy_of(crossed(in_x, in_y))

    null = [information(x, rng.permutation(y)) for _ in range(1500)]
    sizes = [np.unique(column, return_counts=True)[1] for column in (x, y)]
    exact = chance_information(*sizes)
    assert abs(exact - np.mean(null)) < 4 * np.std(null) / len(null) ** 0.5


def test_chance_of_four_samples_by_hand():
    """Of the 4! orders of (0, 0, 1, 1) a third pair equal classes, the others give 4 cells."""
    x = np.array([0, 0, 1, 1])
    values = [float(fastmi.mi(x, x[list(p)], method="discrete")) for p in permutations(range(4))]
    assert chance_information(np.array([2, 2]), np.array([2, 2])) == pytest.approx(np.mean(values))


@pytest.mark.parametrize("sizes", [(3000, 4000, 3000), (501, 499), (800, 2001, 199)], ids=str)
def test_chance_of_many_samples_of_each_pair(monkeypatch, sizes):
    """A series gives what the sum over all numbers of samples does."""
    sizes = np.array(sizes)
    series = chance_information(sizes, sizes[::-1])
    monkeypatch.setattr("fastmi.estimators._chance._MANY", 1e9)
    assert chance_information(sizes, sizes[::-1]) == pytest.approx(series, abs=2e-6)
    assert abs(series) < 2 * len(sizes) / sizes.sum()


@pytest.mark.parametrize("n, shape", [(50, (10, 10)), (200, (10, 40)), (200, (40, 40))], ids=str)
def test_independent_classes_have_no_information_after_chance(n, shape):
    """Grassberger's correction alone leaves up to a nat where most pairs are seen once."""
    corrected, plain = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, y = (rng.integers(0, number, n) for number in shape)
        corrected.append(float(fastmi.mi(x, y, method="discrete", correction="chance")))
        plain.append(float(fastmi.mi(x, y, method="discrete")))
    assert abs(np.mean(corrected)) < 4 * np.std(corrected) / 40**0.5
    assert np.mean(plain) > 0.2


def test_parity_of_the_numbers_does_not_scatter_small_tables():
    """Grassberger's alternating sign doubles the scatter of independent variables of two classes.

    The plug-in value, whose mean is 1/(2 n), has the scatter 1/(sqrt(2) n) of chi square.
    """
    n, corrected, plain = 200, [], []
    for seed in range(300):
        x, y = np.random.default_rng(seed).integers(0, 2, (2, n))
        corrected.append(float(fastmi.mi(x, y, method="discrete", correction="chance")))
        plain.append(float(fastmi.mi(x, y, method="discrete")))
    assert np.std(corrected) < 1.3 * 0.5**0.5 / n < 0.8 * np.std(plain)
    assert abs(np.mean(corrected)) < 4 * np.std(corrected) / 300**0.5


def test_chance_keeps_what_one_variable_determines(rng):
    x = rng.integers(0, 6, 40)  # numbers above 8 differ from Grassberger's by their parity
    entropy = Discrete(correction="chance").entropy_of(as_symbols(x, "x")[0])
    corrected = fastmi.mi(x, 7 * x, method="discrete", correction="chance")
    assert float(corrected) == pytest.approx(entropy)
    assert entropy == pytest.approx(float(fastmi.entropy(x, method="discrete")), abs=0.05)
    assert corrected.local.mean() == pytest.approx(float(corrected))
    assert corrected.stderr == pytest.approx(corrected.local.std() / 40**0.5)
