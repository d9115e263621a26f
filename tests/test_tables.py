"""Columns, frames and containers of other libraries: the value of the plain array, or advice.

The right value of every readable input is that of the same numbers in a NumPy array. What cannot
be read is refused, and the message says what to do.
"""

import datetime
import decimal
import fractions
from collections import deque

import numpy as np
import pytest

import fastmi
from fastmi._inputs import as_samples

N = 60
RNG = np.random.default_rng(5)
X = RNG.normal(size=N)
Y = 0.9 * X + 0.4 * RNG.normal(size=N)
COUNT = RNG.integers(-50, 50, N)
FLAG = X > 0
NAMES = np.array(["no", "yes"])[FLAG.astype(int)]

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")


def with_gap(values, gap=None):
    """The values as Python objects, with a missing one in row 3."""
    return [*list(values)[:3], gap, *list(values)[4:]]


def decimals():
    return [decimal.Decimal(int(value)) for value in COUNT]


# Readable inputs, and the numbers that they hold.
READABLE = {
    "pandas float": (lambda: pd.Series(X), X),
    "pandas Float64": (lambda: pd.Series(X, dtype="Float64"), X),
    "pandas Int64": (lambda: pd.Series(COUNT, dtype="Int64"), COUNT),
    "pandas boolean": (lambda: pd.Series(FLAG, dtype="boolean"), FLAG),
    "pandas sparse": (lambda: pd.Series(pd.arrays.SparseArray(COUNT)), COUNT),
    "pandas arrow double": (lambda: pd.Series(X, dtype="double[pyarrow]"), X),
    "pandas arrow bool": (lambda: pd.Series(FLAG, dtype="bool[pyarrow]"), FLAG),
    "pandas arrow decimal": (
        lambda: pd.Series(decimals(), dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
        COUNT,
    ),
    "pandas index": (lambda: pd.Index(X), X),
    "pandas frame of one dtype": (lambda: pd.DataFrame({"a": X, "b": Y}), np.c_[X, Y]),
    "pandas frame of all kinds": (
        lambda: pd.DataFrame(
            {"a": X, "b": FLAG, "c": pd.Series(COUNT, dtype="Int64"), "d": X.astype(np.float32)}
        ),
        np.c_[X, FLAG, COUNT, X.astype(np.float32)],
    ),
    "pandas repeated names": (lambda: pd.DataFrame(np.c_[X, Y], columns=["a", "a"]), np.c_[X, Y]),
    "pandas repeated names, two dtypes": (
        lambda: pd.concat([pd.Series(X, name="a"), pd.Series(FLAG, name="a")], axis=1),
        np.c_[X, FLAG],
    ),
    "pandas two levels of names": (
        lambda: pd.DataFrame(np.c_[X, Y], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
        np.c_[X, Y],
    ),
    "polars float": (lambda: pl.Series(X), X),
    "polars Boolean": (lambda: pl.Series(FLAG), FLAG),
    "polars Decimal": (lambda: pl.Series(decimals()), COUNT),
    "polars frame": (
        lambda: pl.DataFrame({"column": X, "b": COUNT, "c": FLAG}),
        np.c_[X, COUNT, FLAG],
    ),
    "polars frame with Decimal": (lambda: pl.DataFrame({"a": X, "b": decimals()}), np.c_[X, COUNT]),
    "pyarrow array": (lambda: pa.array(X), X),
    "pyarrow chunks": (lambda: pa.chunked_array([X[:20], X[20:]]), X),
    "pyarrow table": (lambda: pa.table({"a": X, "b": COUNT}), np.c_[X, COUNT]),
    "list": (X.tolist, X),
    "list of rows": (lambda: [np.array([a, b]) for a, b in zip(X, Y, strict=True)], np.c_[X, Y]),
    "tuple of booleans": (lambda: tuple(FLAG.tolist()), FLAG),
    "deque": (lambda: deque(X.tolist()), X),
    "memoryview": (lambda: memoryview(X), X),
    "range": (lambda: range(N), np.arange(N)),
    "0-d arrays": (lambda: [np.array(value) for value in X], X),
    "masked, none is": (lambda: np.ma.masked_array(X, mask=False), X),
}


@pytest.mark.parametrize("name", READABLE)
def test_numbers_are_read_as_from_a_plain_array(name):
    make, numbers = READABLE[name]
    got = as_samples(make(), "x")
    np.testing.assert_array_equal(got, np.asarray(numbers, dtype=np.float64).reshape(N, -1))
    assert fastmi.mi(make(), Y, method="gaussian") == fastmi.mi(numbers, Y, method="gaussian")


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    for tensor, numbers in (
        (torch.tensor(X, requires_grad=True), X),
        (torch.tensor(FLAG), FLAG),
        (torch.tensor(X).half(), X.astype(np.float16)),
        ((1j * torch.tensor(X)).imag, X),  # a view with the sign pending
    ):
        np.testing.assert_array_equal(as_samples(tensor, "x")[:, 0], numbers)
    with pytest.raises(TypeError, match=r"must be real numbers.*numpy.column_stack\(\[x.real"):
        as_samples(torch.tensor(X) + 0j, "x")
    with pytest.raises(TypeError, match=r"Sparse layout.*to_dense"):
        as_samples(torch.tensor(np.c_[X, Y]).to_sparse(), "x")


# Missing values and infinities are counted, and the column is named.
NOT_FINITE = {
    "array": (lambda: np.array(with_gap(X, np.nan)), r"got nan in row 3 \(1 such value in all\)"),
    "pandas Int64": (lambda: pd.Series(with_gap(COUNT), dtype="Int64"), "got nan in row 3"),
    "pandas boolean": (lambda: pd.Series(with_gap(FLAG), dtype="boolean"), "got nan in row 3"),
    "pandas arrow": (
        lambda: pd.Series(with_gap(COUNT), dtype="int64[pyarrow]"),
        "got nan in row 3",
    ),
    "pandas frame": (
        lambda: pd.DataFrame({"a": X, "b": pd.Series(with_gap(FLAG), dtype="boolean")}),
        r"got nan in column 1 \('b'\), row 3",
    ),
    "pandas repeated names": (
        lambda: pd.DataFrame(np.c_[X, with_gap(X, np.inf)], columns=["a", "a"]),
        r"got inf in column 1 \('a'\), row 3",
    ),
    "polars int": (lambda: pl.Series(with_gap(COUNT.tolist())), "got nan in row 3"),
    "polars Boolean": (lambda: pl.Series(with_gap(FLAG.tolist())), "got nan in row 3"),
    "polars Null": (lambda: pl.Series([None] * N), rf"got nan in row 0 \({N} such values in all\)"),
    "polars frame": (
        lambda: pl.DataFrame({"column": X, "b": with_gap(X.tolist())}),
        r"got nan in column 1 \('b'\), row 3",
    ),
    "pyarrow table": (
        lambda: pa.table({"a": X, "b": with_gap(X.tolist(), np.nan)}),
        r"got nan in column 1 \('b'\), row 3",
    ),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_missing_numbers_are_counted(name):
    make, message = NOT_FINITE[name]
    with pytest.raises(ValueError, match=f"^x must be finite; {message}"):
        as_samples(make(), "x")


CLASSES = 'method="discrete" is for classes, and method="ross" of fastmi.mi for a continuous x'
TIMES = r"make numbers of times, .*\(x - x.min\(\)\) / numpy.timedelta64\(1, 's'\)"
HOURS = np.datetime64("2020-01-01", "s") + 3600 * np.arange(N).astype("timedelta64[s]")
MILLISECONDS = HOURS.astype("datetime64[ms]")
CONVERT = r"convert it, for example with \.astype\(float\)"

REFUSED = {
    "strings": (lambda: NAMES, CLASSES),
    "list of strings": (NAMES.tolist, CLASSES),
    "bytes": (lambda: NAMES.astype("S3"), CLASSES),
    "strings of variable width": (lambda: NAMES.astype(np.dtypes.StringDType()), CLASSES),
    "objects, strings": (lambda: NAMES.astype(object), CLASSES),
    "pandas strings": (lambda: pd.Series(NAMES), CLASSES),
    "pandas category": (lambda: pd.Series(NAMES, dtype="category"), f"dtype category: {CLASSES}"),
    "pandas Categorical": (lambda: pd.Categorical(NAMES), f"dtype category: {CLASSES}"),
    "pandas category of numbers": (
        lambda: pd.Series(COUNT, dtype="category"),
        f"{CLASSES}.*quantities are to be converted",
    ),
    "pandas intervals": (lambda: pd.Series(pd.cut(pd.Series(X), 4)), CLASSES),
    "pandas periods": (lambda: pd.Series(HOURS).dt.to_period("D"), CLASSES),
    "polars strings": (lambda: pl.Series(NAMES.tolist()), CLASSES),
    "polars Categorical": (lambda: pl.Series(NAMES.tolist(), dtype=pl.Categorical), CLASSES),
    "polars Enum": (lambda: pl.Series(NAMES.tolist(), dtype=pl.Enum(["no", "yes"])), CLASSES),
    "strings of numbers": (lambda: X.astype(str), "the strings look like numbers: convert them"),
    "column of strings": (
        lambda: pd.DataFrame({"a": X, "b": NAMES}),
        f"x must be numeric; got column 'b' with dtype .*: {CLASSES}",
    ),
    "column of strings, repeated names": (
        lambda: pd.concat([pd.Series(X, name="a"), pd.Series(NAMES, name="a")], axis=1),
        f"x must be numeric; got column 'a' with dtype .*: {CLASSES}",
    ),
    "column of categories": (
        lambda: pd.DataFrame({"a": X, "b": pd.Series(COUNT, dtype="category")}),
        f"x must be numeric; got column 'b' with dtype category: {CLASSES}",
    ),
    "polars column of strings": (
        lambda: pl.DataFrame({"a": X, "b": NAMES.tolist()}),
        f"x must be numeric; got column 'b' with dtype String: {CLASSES}",
    ),
    "column of times": (
        lambda: pd.DataFrame({"a": X, "b": HOURS}),
        "x must be numeric; got column 'b' with dtype datetime64.*: make numbers of times",
    ),
    "times": (lambda: HOURS, TIMES),
    "pandas times": (lambda: pd.Series(HOURS), TIMES),
    "pandas times of a zone": (lambda: pd.Series(HOURS).dt.tz_localize("UTC"), TIMES),
    "polars times": (lambda: pl.Series(MILLISECONDS), TIMES),
    "polars dates": (lambda: pl.Series(MILLISECONDS).cast(pl.Date), TIMES),
    "datetimes": (lambda: HOURS.astype(datetime.datetime).tolist(), TIMES),
    "durations": (lambda: HOURS - HOURS[0], r"make numbers of durations, x / numpy.timedelta64"),
    "complex": (lambda: X + 0j, r"numpy.column_stack\(\[x.real, x.imag\]\)"),
    "objects, floats": (lambda: X.astype(object), CONVERT),
    "Decimals": (decimals, CONVERT),
    "Fractions": (lambda: [fractions.Fraction(value) for value in X], CONVERT),
    "integers beyond 64 bits": (lambda: [10**30 + value for value in range(N)], CONVERT),
    "None": (
        lambda: with_gap(X),
        CONVERT + r", and leave out rows with missing values \(1 found\)",
    ),
    "a string among numbers": (lambda: np.array(with_gap(X, "?"), dtype=object), "float"),
    "records": (lambda: np.array([(1.0, 2.0)] * N, dtype="f8,f8"), "structured_to_unstructured"),
    "dictionary": (lambda: {"a": X}, r"numpy.column_stack\(list\(x.values\(\)\)\)"),
    "generator": (lambda: (value for value in X), r"an array is made with list\(x\)"),
    "map": (lambda: map(float, X), r"an array is made with list\(x\)"),
    "set": (lambda: set(X), "a set has no order of rows: pass a list"),
    "name of a file": (lambda: "data.csv", "pass the values, not their name"),
    "nothing": (lambda: None, "a variable is missing"),
    "lists of unequal length in an array": (
        lambda: np.array([[1.0], [2.0, 3.0]], dtype=object),
        "it holds values of type list",
    ),
    "polars lazy frame": (lambda: pl.DataFrame({"a": X}).lazy(), r"computed with x.collect\(\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_number_is_refused_with_advice(name):
    make, message = REFUSED[name]
    with pytest.raises(TypeError, match=message) as caught:
        fastmi.mi(make(), Y, method="ksg1")
    assert str(caught.value).startswith("x must be ")


def test_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    for make in (sparse.csr_array, sparse.csr_matrix, sparse.coo_array):
        with pytest.raises(TypeError, match=r"x must be real .*made dense with x.toarray\(\)"):
            fastmi.mi(make(np.c_[X, Y]), Y)
        with pytest.raises(TypeError, match=r"y must be classes .*made dense with y.toarray\(\)"):
            fastmi.mi(X, make(FLAG[:, None]), method="ross")


@pytest.mark.parametrize("other", [X, FLAG])
def test_integers_that_float64_merges_are_refused_beside_other_columns(other):
    nanoseconds = HOURS.astype("datetime64[ns]").astype(np.int64)
    for frame in (
        pd.DataFrame({"a": other, "t": nanoseconds}),
        pl.DataFrame({"a": other, "t": nanoseconds}),
    ):
        with pytest.raises(ValueError, match=r"x must hold integers up to 2\*\*53"):
            fastmi.mi(frame, Y)
    small = pd.DataFrame({"a": other, "t": nanoseconds // 10**9})
    np.testing.assert_array_equal(as_samples(small, "x")[:, 1], nanoseconds // 10**9)


# Classes

LABELS = {
    "strings": lambda: NAMES,
    "list": NAMES.tolist,
    "objects, integers": lambda: FLAG.astype(int).astype(object),
    "objects, booleans": lambda: FLAG.astype(object),
    "booleans": lambda: FLAG,
    "times": lambda: HOURS[:2][FLAG.astype(int)],
    "pandas strings": lambda: pd.Series(NAMES),
    "pandas category": lambda: pd.Series(NAMES, dtype="category"),
    "pandas category of numbers": lambda: pd.Series(FLAG.astype(int), dtype="category"),
    "pandas Int64": lambda: pd.Series(FLAG.astype(int), dtype="Int64"),
    "pandas boolean": lambda: pd.Series(FLAG, dtype="boolean"),
    "pandas arrow strings": lambda: pd.Series(NAMES, dtype=pd.ArrowDtype(pa.string())),
    "pandas frame": lambda: pd.DataFrame({"y": NAMES}),
    "pandas frame of two": lambda: pd.DataFrame({"y": NAMES, "z": FLAG}),
    "polars Categorical": lambda: pl.Series(NAMES.tolist(), dtype=pl.Categorical),
    "polars Enum": lambda: pl.Series(NAMES.tolist(), dtype=pl.Enum(["no", "yes"])),
    "polars Boolean": lambda: pl.Series(FLAG),
    "polars frame": lambda: pl.DataFrame({"column": NAMES.tolist()}),
}
ROSS = float(fastmi.mi(X, FLAG.astype(int), method="ross"))


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_every_kind_are_classes(name):
    assert float(fastmi.mi(X, LABELS[name](), method="ross")) == ROSS


@pytest.mark.parametrize(
    "labels",
    [
        with_gap(NAMES.tolist()),
        with_gap(NAMES.tolist(), float("nan")),  # which NumPy makes the class "nan"
        np.array(with_gap(NAMES.tolist(), pd.NA), dtype=object),
        np.array(with_gap(NAMES.tolist(), pd.NaT), dtype=object),
        pd.Series(with_gap(NAMES.tolist())),
        pd.Series(with_gap(NAMES.tolist()), dtype="category"),
        pd.Series(with_gap(FLAG.tolist()), dtype="boolean"),
        pl.Series(with_gap(NAMES.tolist())),
        np.where(np.arange(N) == 3, np.datetime64("NaT"), HOURS),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_a_missing_label_is_no_class(labels):
    with pytest.raises(
        ValueError, match=r"^y must not have .*; got 1 of them, the first in row 3:"
    ):
        fastmi.mi(X, labels, method="ross")


# Rows of pandas


def test_rows_in_another_order_are_refused():
    x, y = pd.Series(X), pd.Series(Y)
    moved = y.iloc[np.random.default_rng(0).permutation(N)]
    message = r"^x and y must have the same index.*same labels in another order in y.*y.loc\[x.ind"
    for call in (
        lambda: fastmi.mi(x, moved),
        lambda: fastmi.mi(x.to_frame(), moved.to_frame()),
        lambda: fastmi.mi(x, moved > 0, method="ross"),
        lambda: fastmi.mi(x > 0, moved > 0, method="discrete"),
        lambda: fastmi.mi(x, moved, method="gaussian"),
        lambda: fastmi.permutation_test(x, moved, n_permutations=9),
        lambda: fastmi.mi(x.sort_values(), y.sort_values()),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match=r"^X and Y must have the same index"):
        fastmi.pairwise_mi(x.to_frame(), moved.to_frame())
    with pytest.raises(ValueError, match=r"^x and z must have the same index"):
        fastmi.cmi(x, Y, moved)
    aligned = fastmi.mi(x, moved.loc[x.index])
    assert aligned == fastmi.mi(X, Y)
    assert aligned != fastmi.mi(x, moved.to_numpy())


@pytest.mark.parametrize(
    "first, second",
    [
        (np.arange(5, N + 5), np.arange(4, N + 4)),
        (np.arange(N) * 2 + 1, np.arange(N) * 3 + 1),
        (HOURS, HOURS + 1),
        ([f"a{i}" for i in range(N)], [f"b{i}" for i in range(N)]),
        ([f"a{i}" for i in range(N)], np.arange(N) + 7),
    ],
    ids=["shifted", "overlapping", "times", "strings", "two kinds"],
)
def test_rows_with_other_labels_are_refused(first, second):
    with pytest.raises(ValueError, match=r"other labels in y: keep the rows of both with x.align"):
        fastmi.mi(pd.Series(X, index=first), pd.Series(Y, index=second))


@pytest.mark.parametrize(
    "first, second",
    [
        (None, None),
        (HOURS, HOURS.copy()),
        ([0] * N, [0] * N),
        (None, np.arange(N) * 2 + 1),  # predictions beside the rows of a test set
        (np.arange(5, N + 5), None),
        (HOURS, None),
    ],
    ids=["default", "equal", "repeated", "test set", "slice", "times"],
)
def test_rows_with_equal_or_default_labels_are_paired_by_position(first, second):
    got = fastmi.mi(pd.Series(X, index=first), pd.Series(Y, index=second))
    assert got == fastmi.mi(X, Y)


def test_an_index_means_nothing_beside_an_array():
    order = np.random.default_rng(0).permutation(N)
    assert fastmi.mi(pd.Series(X).iloc[order], Y[order]) == fastmi.mi(X[order], Y[order])


# Samples in columns


def test_samples_in_columns_are_named():
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(5, 200))
    with pytest.warns(fastmi.EstimateWarning, match=r"has shape \(5, 200\) transposed\?$"):
        got = fastmi.mi(wide, wide + 1)
    assert [each.kind for each in got.warnings][-1] == "transposed"
    for call in (
        lambda: fastmi.cmi(wide, wide, wide),
        lambda: fastmi.entropy(wide),
        lambda: fastmi.mi(wide[:1] > 0, wide[:1] > 0, method="discrete"),
        lambda: fastmi.mi(wide, wide, method="binning"),
    ):
        assert "transposed" in [each.kind for each in call().warnings]
    for call in (
        lambda: fastmi.mi(wide[:2], wide[:2]),
        lambda: fastmi.mi(wide[:1], wide[:1]),
        lambda: fastmi.entropy(wide[:2]),
        lambda: fastmi.mi(wide[:2], wide[:2], method="gaussian"),
        lambda: fastmi.mi(wide[:1].view(np.matrix), wide[:1].view(np.matrix)),
    ):
        with pytest.raises(ValueError, match=r"samples are rows: is what has shape \(\d, 200\) tr"):
            call()


def test_wide_tables_are_not_taken_for_transposed_ones():
    rng = np.random.default_rng(0)
    for x, y in (((40, 100), (40, 2)), ((40, 40), (40, 40)), ((8, 1), (8, 1))):
        got = fastmi.mi(rng.normal(size=x), rng.normal(size=y))
        assert "transposed" not in [each.kind for each in got.warnings]


# Statistics


def test_statistics_take_classes_where_their_method_does():
    moved = np.random.default_rng(1).permutation(N)
    other = np.array(["a", "b", "c"])[np.random.default_rng(2).integers(0, 3, N)]
    codes = np.unique(other, return_inverse=True)[1]
    for method, x, y, numbers in (
        ("ross", X, NAMES, (X, FLAG)),
        ("discrete", NAMES, other, (FLAG, codes)),
    ):
        options = {"method": method, "seed": 0}
        named, plain = (
            fastmi.permutation_test(*pair, n_permutations=19, **options)
            for pair in ((x, y), numbers)
        )
        assert named.p_value == plain.p_value
        assert named.estimate == fastmi.mi(x, y, method=method)
        assert fastmi.subsample_error(x, y, **options).stderr == (
            fastmi.subsample_error(*numbers, **options).stderr
        )
        assert fastmi.lagged_mi(x, y, 2, method=method) == fastmi.mi(x[:-2], y[2:], method=method)
        with pytest.raises(ValueError, match=r"^y must not have missing labels"):
            fastmi.permutation_test(x, with_gap(y.tolist()), n_permutations=9, **options)
    frame = pd.DataFrame({"a": NAMES, "b": other, "c": pd.Series(other[moved], dtype="category")})
    table = fastmi.pairwise_mi(frame, method="discrete").mi
    assert table.loc["a", "c"] == fastmi.mi(NAMES, other[moved], method="discrete")
    across = fastmi.pairwise_mi(pd.DataFrame({"x": X}), frame, method="ross").mi
    assert across.loc["x", "b"] == fastmi.mi(X, other, method="ross")
    flow = fastmi.transfer_entropy(NAMES, other, method="discrete")
    assert flow == fastmi.cmi(other[1:], NAMES[:-1], other[:-1], method="discrete")


def test_noise_of_a_statistic_is_not_added_to_classes():
    options = {"n_permutations": 9, "noise": 1e-10, "seed": 0}
    noisy = fastmi.permutation_test(X, NAMES, method="ross", **options)
    assert float(noisy.estimate) == pytest.approx(ROSS, abs=1e-6)
    names = fastmi.permutation_test(NAMES, NAMES, method="discrete", **options)
    assert names.estimate == fastmi.entropy(NAMES, method="discrete")
