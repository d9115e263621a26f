"""Functions without a method: numbers stay as they were, names, times, and what is refused."""

import datetime
from decimal import Decimal

import numpy as np
import pytest
from scipy.integrate import quad

import fastmi

pd = pytest.importorskip("pandas")

N = 400
_RNG = np.random.default_rng(0)
X, NOISE, Z = _RNG.normal(size=(3, N))
UP = np.where(X + NOISE > 0, "up", "down")
LETTER = _RNG.choice(["a", "b", "c"], N)
IDENTIFIER = np.array([f"row {i}" for i in range(N)])


def forms(names):
    """Yield names of a form, and the same names in it."""
    yield "NumPy", names
    yield "objects", names.astype(object)
    yield "list", names.tolist()
    yield "column of lists", [[name] for name in names.tolist()]
    yield "pandas", pd.Series(names)
    yield "category", pd.Series(names, dtype="category")
    yield "frame", pd.DataFrame({"c": names})
    polars = pytest.importorskip("polars")
    yield "polars", polars.Series(names.tolist())
    yield "polars category", polars.Series(names.tolist(), dtype=polars.Categorical)
    arrow = pytest.importorskip("pyarrow")
    yield "pyarrow", arrow.chunked_array([names.tolist()])


# Numbers


def test_numbers_stay_with_the_default_bit_for_bit():
    whole = np.round(3 * X).astype(int)
    for x in (X, X.astype(np.float32), X.tolist(), pd.Series(X), whole, X > 0):
        got = fastmi.mi(x, Z)
        assert got.method == "ksg1"
        assert got == fastmi.mi(x, Z, method="ksg1")
        assert got.warnings == fastmi.mi(x, Z, method="ksg1").warnings
        assert fastmi.cmi(x, NOISE, Z) == fastmi.cmi(x, NOISE, Z, method="fp")
    assert fastmi.entropy(X).method == "kl"
    assert fastmi.entropy(X.tolist()) == fastmi.entropy(X, method="kl")
    test = fastmi.permutation_test(X, Z, n_permutations=9, seed=0)
    named = fastmi.permutation_test(X, Z, n_permutations=9, seed=0, method="ksg1")
    assert test.estimate.method == "ksg1"
    np.testing.assert_array_equal(test.null, named.null)


# Names


def test_names_in_every_form_are_classes():
    expected = fastmi.mi(X, UP, method="ross")
    for form, names in forms(UP):
        for got in (fastmi.mi(X, names), fastmi.mi(names, X)):
            assert (form, got) == (form, expected)
            assert got.method == "ross"
            assert got.dims == (1, 1)
        other = fastmi.mi(names, LETTER)
        assert (form, other) == (form, fastmi.mi(UP, LETTER, method="discrete"))
        assert fastmi.entropy(names) == fastmi.entropy(UP, method="discrete")


def test_booleans_of_data_frames_are_classes():
    polars = pytest.importorskip("polars")
    flag = X > 0.5
    expected = fastmi.mi(Z, flag, method="ross")
    for column in (pd.Series(flag), pd.Series(flag, dtype="boolean"), polars.Series(flag)):
        assert fastmi.mi(Z, column) == expected
        assert fastmi.entropy(column).method == "discrete"


def test_exchanged_arguments_keep_their_places_in_the_result():
    wide = np.column_stack([X, Z])
    got = fastmi.mi(UP, wide)
    turned = fastmi.mi(wide, UP)
    assert got == turned
    assert (got.dims, turned.dims) == ((1, 2), (2, 1))
    np.testing.assert_array_equal(got.counts, turned.counts[::-1])
    rare = np.where(np.arange(N) < 2, "rare", UP)
    (said,) = fastmi.mi(rare, X).warnings
    (other,) = fastmi.mi(X, rare).warnings
    assert "in classes of x" in said
    assert "in classes of y" in other


def test_numbers_of_few_values_beside_names_are_classes():
    whole = np.arange(N) % 4
    assert fastmi.mi(UP, whole) == fastmi.mi(UP, whole, method="discrete")
    got = fastmi.cmi(UP, LETTER, whole)
    assert got.method == "discrete"
    assert got == fastmi.cmi(UP, LETTER, whole, method="discrete")


def test_sequences_of_k_and_options():
    listed = fastmi.mi(UP, LETTER, k=[3, 5], n_jobs=1, metric="euclidean")
    assert [float(one) for one in listed] == 2 * [float(fastmi.mi(UP, LETTER))]
    three, five = fastmi.mi(UP, X, k=[3, 5])
    assert (three.k, five.k) == (3, 5)
    assert five == fastmi.mi(X, UP, method="ross", k=5)
    assert fastmi.mi(UP, X, normalize="copula") == fastmi.mi(
        X, UP, method="ross", normalize="copula"
    )
    half = fastmi.mi(UP, X, error="half")
    assert half == fastmi.mi(UP, X)
    assert half.stderr == fastmi.mi(X, UP, method="ross", error="half").stderr


def mixture_information(a):
    """I(S; a S + e) for a fair sign S and normal e."""

    def density(y):
        return (
            0.5 * (np.exp(-0.5 * (y - a) ** 2) + np.exp(-0.5 * (y + a) ** 2)) / np.sqrt(2 * np.pi)
        )

    entropy = quad(lambda y: -density(y) * np.log(density(y)), -12, 12)[0]
    return entropy - 0.5 * np.log(2 * np.pi * np.e)


def mean_and_error(draw, runs=30):
    found = [float(fastmi.cmi(*draw(np.random.default_rng(run)))) for run in range(runs)]
    return np.mean(found), np.std(found) / np.sqrt(runs)


@pytest.mark.parametrize("normalize", [None, "copula"])
def test_conditional_information_of_a_sign(normalize):
    def draw(rng):
        sign, z, e = rng.integers(0, 2, 800), *rng.normal(size=(2, 800))
        return np.array(["-", "+"])[sign], 2 * sign - 1 + z + e, z

    runs = [draw(np.random.default_rng(run)) for run in range(20)]
    found = [fastmi.cmi(*one, normalize=normalize) for one in runs]
    assert {one.method for one in found} == {"fp"}
    assert np.mean(found) == pytest.approx(mixture_information(1.0), abs=0.03)


def test_names_as_the_condition():
    labels = np.array([f"class {i}" for i in range(40)])

    def independent(rng):
        z = rng.integers(0, 40, 400)
        return rng.normal(size=400) + z, rng.normal(size=400) - z, labels[z]

    mean, error = mean_and_error(independent)
    assert abs(mean) < 4 * error + 0.01

    rho = np.linspace(0, 0.9, 5)

    def correlated(rng):
        z = rng.integers(0, 5, 1000)
        u, v = rng.normal(size=(2, 1000))
        # The order of the names says nothing of that of the means.
        return u + 3 * (z * 2 % 5), rho[z] * u + np.sqrt(1 - rho[z] ** 2) * v, labels[z]

    mean, error = mean_and_error(correlated)
    assert mean == pytest.approx(np.mean(-0.5 * np.log(1 - rho**2)), abs=4 * error + 0.02)


def test_what_the_names_are_called_does_not_matter():
    other = np.char.add("zyx"[:1], LETTER)
    renamed = np.select([LETTER == "a", LETTER == "b"], ["q", "m"], "b")
    for names in (other, renamed):
        assert float(fastmi.cmi(X, Z, names)) == pytest.approx(
            float(fastmi.cmi(X, Z, LETTER)), abs=1e-9
        )
        assert float(fastmi.mi(X, names)) == float(fastmi.mi(X, LETTER))


def test_rare_combinations_of_names_are_named():
    many = np.random.default_rng(1).choice([f"c{i}" for i in range(60)], N)
    found = fastmi.cmi(many, X, LETTER).warnings
    assert "small_class" in {each.kind for each in found}
    assert "small_class" not in {each.kind for each in fastmi.cmi(UP, X, LETTER).warnings}


def test_without_a_condition():
    assert fastmi.cmi(UP, LETTER) == fastmi.mi(UP, LETTER)
    assert float(fastmi.cmi(UP, X)) == pytest.approx(float(fastmi.mi(UP, X)), abs=0.02)


def test_a_constant_name_is_named():
    for x, y in ((np.full(N, "same"), X), (X, np.full(N, "same")), (UP, np.full(N, "same"))):
        got = fastmi.mi(x, y)
        assert float(got) == pytest.approx(0.0, abs=1e-5)
        assert [each.kind for each in got.warnings] == ["constant"]


# Permutation tests


@pytest.mark.parametrize("arguments", [(UP, X), (X, UP), (UP, LETTER), (UP, X, Z), (X, Z, UP)])
def test_permutation_test_takes_the_same_method(arguments):
    function = fastmi.mi if len(arguments) == 2 else fastmi.cmi
    expected = function(*arguments)
    test = fastmi.permutation_test(*arguments, n_permutations=19, seed=0)
    assert float(test.estimate) == pytest.approx(float(expected), abs=1e-12)
    assert test.estimate.method == expected.method
    assert test.estimate.dims == expected.dims
    dependent = UP is arguments[0] and X is arguments[1]
    assert (test.p_value == 0.05) == (dependent or UP is arguments[1])


def test_permutation_test_for_each_k():
    tests = fastmi.permutation_test(UP, LETTER, k=[3, 5], n_permutations=9, seed=0)
    assert [test.p_value for test in tests] == 2 * [tests[0].p_value]
    tests = fastmi.permutation_test(UP, X, k=[3, 5], n_permutations=9, seed=0)
    assert [test.estimate.k for test in tests] == [3, 5]


def test_level_with_names_as_the_condition():
    labels = np.array(list("abcd"))

    def p_value(run):
        rng = np.random.default_rng(run)
        z = rng.integers(0, 4, 80)
        x, y = rng.normal(size=80) + 2 * z, rng.normal(size=80) - 2 * z
        return fastmi.permutation_test(x, y, labels[z], n_permutations=19, seed=run).p_value

    rejected = sum(p_value(run) <= 0.1 for run in range(100))
    assert 2 <= rejected <= 20


# Times


def test_times_are_seconds_from_the_first():
    polars = pytest.importorskip("polars")
    hours = _RNG.integers(0, 10**6, N)
    start = np.datetime64("2020-03-01T00:00:00.000000001", "ns")
    stamps = start + hours.astype("timedelta64[h]")
    seconds = 3600.0 * (hours - hours.min())
    y = X + hours / 3e5
    expected = fastmi.mi(seconds, y, normalize="local")
    plain = [datetime.datetime(2020, 3, 1) + datetime.timedelta(hours=int(h)) for h in hours]
    for times in (
        stamps,
        pd.Series(stamps),
        pd.Series(stamps).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
        pd.DataFrame({"t": stamps}),
        polars.Series(plain),
        plain,
        stamps - start,
        [Decimal(int(h)) * 3600 for h in hours],
    ):
        got = fastmi.mi(times, y, normalize="local")
        assert got.method == "ksg1"
        assert float(got) == pytest.approx(float(expected), abs=1e-9)
        assert fastmi.mi(times, UP).method == "ross"


# What is refused


def test_missing_values_say_what_to_do():
    holes = pd.Series(X).where(np.arange(N) != 7)
    with pytest.raises(ValueError, match=r"x must be finite; got nan in row 7 .*leave those rows"):
        fastmi.mi(holes, Z)
    with pytest.raises(ValueError, match=r"y must be finite; got nan in row 7 .*leave those rows"):
        fastmi.mi(UP, holes)
    names = pd.Series(UP).where(np.arange(N) != 7)
    with pytest.raises(ValueError, match=r"x must not have missing labels .*in row 7"):
        fastmi.mi(names, Z)
    with pytest.raises(ValueError, match=r"x must not have missing labels .*in row 0"):
        fastmi.mi([None, *UP[1:]], Z)
    times = pd.Series(pd.date_range("2020", periods=N)).where(np.arange(N) != 7)
    with pytest.raises(ValueError, match=r"z must not have missing values; got 1 .* row 7: leave"):
        fastmi.cmi(X, Z, times)


def test_what_no_method_takes():
    with pytest.raises(ValueError, match=r"y must be classes.*as identifiers have: leave it out"):
        fastmi.mi(X, IDENTIFIER)
    with pytest.raises(ValueError, match=r"x must be classes.*as identifiers have: leave it out"):
        fastmi.mi(IDENTIFIER, X)
    with pytest.raises(ValueError, match=r"z must be classes.*as identifiers have: leave it out"):
        fastmi.cmi(X, Z, IDENTIFIER)
    assert fastmi.mi(IDENTIFIER, UP).warnings[0].kind == "continuous"
    with pytest.raises(TypeError, match=r"x must be real numbers.*look like numbers: convert"):
        fastmi.mi(X.astype(str), Z)
    with pytest.raises(ValueError, match="x and y must have the same number of samples"):
        fastmi.mi(UP, X[:-1])
    with pytest.raises(TypeError, match=r"options must be among .*; got theiler"):
        fastmi.mi(UP, X, theiler=3)
    with pytest.raises(ValueError, match="k must be"):
        fastmi.mi(UP, LETTER, k=0)
    with pytest.raises(ValueError, match="method must be one of"):
        fastmi.mi(UP, X, method="none")
    index = pd.Series(UP, index=np.arange(N)[::-1])
    with pytest.raises(ValueError, match="x and y must have the same index"):
        fastmi.mi(index, pd.Series(X))
