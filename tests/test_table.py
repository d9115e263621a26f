"""Reading tables: each dtype of each library becomes the same values, gaps and reasons."""

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from fastmi._table import read_table

NAN = float("nan")
DAY = 86400.0


def only(X):
    (column,) = read_table(X, "X")
    return column


def check(column, values, missing=(), *, named=False):
    """The values where nothing is missing, the missing rows, and whether they are names."""
    assert column.problem == ""
    assert column.named is named
    gaps = np.zeros(len(values), dtype=bool) if column.missing is None else column.missing
    assert sorted(np.flatnonzero(gaps).tolist()) == sorted(missing)
    kept = ~gaps
    np.testing.assert_array_equal(column.values[kept], np.array(values, dtype=float)[kept])
    assert column.values.dtype == (np.intp if named else column.values.dtype)
    if not named:
        assert column.values.dtype in (np.float32, np.float64)


class TestArrays:
    @pytest.mark.parametrize("kind", ["i1", "u2", "i8", "u8", "f2", "f8", ">f8", ">i4"])
    def test_numbers(self, kind):
        check(only(np.array([3, 1, 2], dtype=kind)), [3, 1, 2])

    def test_float32_stays(self):
        column = only(np.array([1.5, NAN], dtype=np.float32))
        assert column.values.dtype == np.float32
        check(column, [1.5, 0], [1])

    def test_booleans_are_names(self):
        check(only(np.array([True, False, True])), [1, 0, 1], named=True)

    def test_strings_are_names(self):
        for values in (np.array(["b", "a", "b"]), np.array([b"b", b"a", b"b"])):
            check(only(values), [1, 0, 1], named=True)

    def test_columns_have_their_numbers(self):
        columns = read_table(np.arange(6.0).reshape(3, 2), "X")
        assert [column.label for column in columns] == [0, 1]
        check(columns[1], [1, 3, 5])

    def test_fields(self):
        array = np.array(
            [(1, 2.5, "u"), (3, 4.5, "v")], dtype=[("a", int), ("b", float), ("c", "U1")]
        )
        a, b, c = read_table(array, "X")
        assert (a.label, b.label, c.label) == ("a", "b", "c")
        check(a, [1, 3])
        check(b, [2.5, 4.5])
        check(c, [0, 1], named=True)

    def test_masked_entries_are_missing(self):
        check(only(np.ma.masked_equal([1, 7, 2], 7)), [1, 0, 2], [1])
        check(only(np.ma.array(["a", "b", "a"], mask=[0, 1, 0])), [0, 0, 0], [1], named=True)
        beneath = np.ma.array([1.0, np.inf, NAN], mask=[False, True, False])
        check(only(beneath), [1, 0, 0], [1, 2])

    def test_times_are_seconds_from_the_first(self):
        times = np.array(["2020-01-02", "2020-01-01", "NaT"], dtype="datetime64[D]")
        check(only(times), [DAY, 0, 0], [2])
        months = np.array(["2020-02", "2020-01"], dtype="datetime64[M]")
        check(only(months), [31 * DAY, 0])

    def test_nanoseconds_are_told_apart(self):
        """As float64 since 1970 they would be equal: they are 2**-8 of its last digit."""
        start = np.datetime64("2024-05-01T00:00:00", "ns")
        column = only(start + np.arange(4).astype("timedelta64[ns]"))
        np.testing.assert_allclose(column.values, np.arange(4) * 1e-9, rtol=1e-12)

    def test_durations_are_seconds(self):
        check(only(np.array([90, 30, "NaT"], dtype="timedelta64[s]")), [90, 30, 0], [2])
        check(only(np.array([1, 2], dtype="timedelta64[25s]")), [25, 50])

    def test_large_integers_lose_their_offset_and_no_digit(self):
        check(only(np.array([2**60, 2**60 + 1, 2**60 + 2])), [0, 1, 2])
        check(only(np.array([-(2**63), -(2**63) + 5])), [0, 5])
        check(only(np.array([2**64 - 1, 2**64 - 3], dtype=np.uint64)), [2, 0])
        assert "span more than 2**53" in only(np.array([0, 2**60])).problem


class TestObjects:
    @pytest.mark.parametrize(
        "values, expected",
        [
            ([1, 2.5, None], [1, 2.5, 0]),
            ([Decimal("1.5"), Decimal(2), None], [1.5, 2, 0]),
            ([Fraction(1, 4), 2, NAN], [0.25, 2, 0]),
            ([np.float32(1), np.int8(2), None], [1, 2, 0]),
            ([2**70, 2**70 + 3, None], [0, 3, 0]),
            ([dt.date(2020, 1, 3), dt.date(2020, 1, 1), None], [2 * DAY, 0, 0]),
            ([dt.datetime(2020, 1, 1, 0, 0, 1), dt.datetime(2020, 1, 1), None], [1, 0, 0]),
            ([dt.timedelta(seconds=2), dt.timedelta(seconds=-1), None], [2, -1, 0]),
            ([dt.time(1, 0, 1), dt.time(0), None], [3601, 0, 0]),
        ],
        ids=str,
    )
    def test_numbers_and_times(self, values, expected):
        check(only(np.array(values, dtype=object)), expected, [2])

    def test_names_are_classes_by_equality(self):
        check(only(["b", "a", None, "b"]), [0, 1, 0, 0], [2], named=True)
        check(only(np.array([True, None, False], dtype=object)), [0, 0, 1], [1], named=True)
        check(
            only(np.array([("u", 1), ("v", 2), ("u", 1), 0], dtype=object)[:3]),
            [0, 1, 0],
            named=True,
        )

    def test_time_zones_are_one_moment(self):
        east = dt.timezone(dt.timedelta(hours=2))
        values = [
            dt.datetime(2020, 1, 1, 2, tzinfo=east),
            dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc),
        ]
        check(only(values), [0, 0])
        mixed = only([values[0], dt.datetime(2020, 1, 1)])
        assert "give all of them a time zone" in mixed.problem

    @pytest.mark.parametrize(
        "values, reason",
        [
            ([1, "a", 2], r"mixes numbers with other values \(types int, str\)"),
            ([True, 2, 0], r"mixes numbers with other values \(types bool, int\)"),
            ([1 + 2j, 1], "complex numbers"),
            ([[1], [2, 3]], "holds values of type list"),
            ([{"a": 1}, {}], "holds values of type dict"),
            ([1.0, 10**400], "beyond float64"),
            ([1.0, float("inf")], "1 infinite value, the first in row 1"),
            ([-np.inf, np.inf, np.inf], "3 infinite values, the first in row 0"),
            ([1e308, -1.5e308], "above"),
        ],
        ids=str,
    )
    def test_what_cannot_be_used_says_why(self, values, reason):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        assert re.search(reason, only(array).problem)

    def test_complex_arrays(self):
        assert "real and imaginary parts" in only(np.array([1j, 2])).problem

    def test_strings_that_look_like_numbers_are_noted(self):
        assert "convert them" in only(["1.5", "2", "3e4"]).note
        assert only(["1.5", "2", "x"]).note == ""

    def test_nothing_but_missing(self):
        assert only(np.array([None, NAN], dtype=object)).missing.all()


def expected_of_frames():
    """Values, missing rows and whether they are names, by the label of the column."""
    return {
        "float": ([1.5, 0, 3], [1], False),
        "integer": ([1, 0, 3], [1], False),
        "boolean": ([1, 0, 0], [1], True),
        "string": ([0, 0, 1], [1], True),
        "category": ([0, 0, 1], [1], True),
        "date": ([0, 0, DAY], [1], False),
        "moment": ([0, 0, 1e-6], [1], False),
        "duration": ([1, 0, 2], [1], False),
        "decimal": ([1.5, 0, 2], [1], False),
        "nothing": ([0, 0, 0], [0, 1, 2], False),
        "single": ([1.5, 2.5, 3.5], [], False),
    }


def check_frame(frame):
    expected = expected_of_frames()
    columns = read_table(frame, "X")
    assert [column.label for column in columns] == list(expected)
    for column in columns:
        values, missing, named = expected[column.label]
        if column.label == "moment":
            np.testing.assert_allclose(column.values[[0, 2]], [0, 1e-6])
            assert np.flatnonzero(column.missing).tolist() == [1]
        else:
            check(column, values, missing, named=named)
    assert columns[-1].values.dtype == np.float32


MOMENTS = [dt.datetime(2020, 1, 1), None, dt.datetime(2020, 1, 1, 0, 0, 0, 1)]
DATES = [dt.date(2020, 1, 1), None, dt.date(2020, 1, 2)]
DURATIONS = [dt.timedelta(seconds=1), None, dt.timedelta(seconds=2)]
DECIMALS = [Decimal("1.5"), None, Decimal(2)]


class TestPandas:
    @pytest.fixture
    def pd(self):
        return pytest.importorskip("pandas")

    def test_its_own_dtypes(self, pd):
        frame = pd.DataFrame(
            {
                "float": [1.5, NAN, 3],
                "integer": pd.array([1, None, 3], dtype="Int64"),
                "boolean": pd.array([True, None, False], dtype="boolean"),
                "string": pd.array(["u", None, "v"], dtype="string"),
                "category": pd.Categorical(["u", None, "v"], categories=["u", "v", "never"]),
                "date": pd.Series(DATES, dtype=object),
                "moment": pd.to_datetime(pd.Series(MOMENTS)),
                "duration": pd.to_timedelta(pd.Series(DURATIONS)),
                "decimal": pd.Series(DECIMALS, dtype=object),
                "nothing": pd.Series([None] * 3, dtype=object),
                "single": np.array([1.5, 2.5, 3.5], dtype=np.float32),
            }
        )
        check_frame(frame)

    def test_arrow_in_pandas(self, pd):
        pa = pytest.importorskip("pyarrow")
        table = arrow_table(pa)
        frame = table.to_pandas(types_mapper=pd.ArrowDtype)
        check_frame(frame)

    def test_time_zones_periods_sparse_intervals(self, pd):
        days = pd.Series(pd.to_datetime(["2020-01-02", None, "2020-01-01"]))
        check(only(days.dt.tz_localize("Asia/Tokyo")), [DAY, 0, 0], [1])
        check(only(pd.Series(pd.period_range("2020-01", periods=2, freq="M"))), [0, 31 * DAY])
        check(only(pd.Series(pd.arrays.SparseArray([0.0, NAN, 2.0]))), [0, 0, 2], [1])
        check(only(pd.Series(pd.interval_range(0, 2))), [0, 1], named=True)
        check(only(pd.Series(pd.array([1.5, None], dtype="Float32"))), [1.5, 0], [1])

    def test_a_column_keeps_its_name_and_repeated_labels_their_place(self, pd):
        assert only(pd.Series([1.0, 2.0], name="age")).label == "age"
        assert only(pd.Series([1.0, 2.0])).label == 0
        frame = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
        first, second = read_table(frame, "X")
        check(first, [1, 3])
        check(second, [2, 4])

    def test_categories_of_numbers_are_names(self, pd):
        check(only(pd.Series([30, 10, 30], dtype="category")), [1, 0, 1], named=True)


class TestPolars:
    @pytest.fixture
    def pl(self):
        return pytest.importorskip("polars")

    def frame(self, pl):
        return pl.DataFrame(
            {
                "float": pl.Series([1.5, None, 3.0]),
                "integer": pl.Series([1, None, 3]),
                "boolean": pl.Series([True, None, False]),
                "string": pl.Series(["u", None, "v"]),
                "category": pl.Series(["u", None, "v"], dtype=pl.Enum(["u", "v", "never"])),
                "date": pl.Series(DATES),
                "moment": pl.Series(MOMENTS),
                "duration": pl.Series(DURATIONS),
                "decimal": pl.Series(DECIMALS),
                "nothing": pl.Series([None] * 3),
                "single": pl.Series([1.5, 2.5, 3.5], dtype=pl.Float32),
            }
        )

    def test_its_dtypes(self, pl):
        check_frame(self.frame(pl))

    def test_further_dtypes(self, pl):
        check(only(pl.Series([1.0, NAN, None])), [1, 0, 0], [1, 2])
        codes = only(pl.Series(["v", "u", "v"], dtype=pl.Categorical)).values
        assert codes[0] == codes[2] != codes[1]
        check(only(pl.Series([dt.time(0, 0, 1), None])), [1, 0], [1])
        check(only(pl.Series([2**61, 2**61 + 1], dtype=pl.UInt64)), [0, 1])
        zoned = pl.Series([dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 1)])
        check(only(zoned.dt.replace_time_zone("Europe/Berlin")), [DAY, 0])
        for nested in (pl.Series([[1], [2]]), pl.Series([{"a": 1}, {"a": 2}])):
            assert "make a column of each entry" in only(nested).problem

    def test_lazy_frames_are_refused_with_advice(self, pl):
        with pytest.raises(TypeError, match=r"table in memory; got LazyFrame: .* X\.collect\(\)"):
            read_table(self.frame(pl).lazy(), "X")


def arrow_table(pa):
    return pa.table(
        {
            "float": pa.array([1.5, None, 3.0]),
            "integer": pa.array([1, None, 3]),
            "boolean": pa.array([True, None, False]),
            "string": pa.array(["u", None, "v"]),
            "category": pa.array(["u", None, "v"]).dictionary_encode(),
            "date": pa.array(DATES),
            "moment": pa.array(MOMENTS),
            "duration": pa.array(DURATIONS),
            "decimal": pa.array(DECIMALS),
            "nothing": pa.array([None] * 3),
            "single": pa.array([1.5, 2.5, 3.5], pa.float32()),
        }
    )


class TestArrow:
    @pytest.fixture
    def pa(self):
        return pytest.importorskip("pyarrow")

    def test_its_types(self, pa):
        check_frame(arrow_table(pa))

    def test_further_types(self, pa):
        check(only(pa.array([1, None], pa.time32("s"))), [1, 0], [1])
        check(only(pa.chunked_array([[1.0], [None, 2.0]])), [1, 0, 2], [1])
        check(only(pa.array(np.array([1, 2], dtype=np.float16))), [1, 2])
        check(only(pa.array([b"u", b"v"])), [0, 1], named=True)
        assert "make a column of each entry" in only(pa.array([[1], [2]])).problem


class TestShapes:
    def test_a_dictionary_of_columns(self):
        a, b = read_table({"a": [1, 2, None], "b": np.array(["u", "v", "u"])}, "X")
        check(a, [1, 2, 0], [2])
        check(b, [0, 1, 0], named=True)
        assert b.label == "b"

    def test_rows_of_values_of_different_types(self):
        a, b = read_table([[1, "u"], [2, "v"], [None, "u"]], "X")
        check(a, [1, 2, 0], [2])
        check(b, [0, 1, 0], named=True)

    def test_a_matrix_within_a_dictionary_is_a_problem(self):
        (column,) = read_table({"a": np.zeros((3, 2))}, "X")
        assert "make a column of each" in column.problem

    @pytest.mark.parametrize(
        "X, error, message",
        [
            (5, TypeError, "X must be a table: .*got int"),
            ("abc", TypeError, "pass the values, not their name"),
            ({1, 2}, TypeError, "a set has no order of rows"),
            (np.zeros((2, 2, 2)), ValueError, r"got 3-D, shape \(2, 2, 2\)"),
            ({}, ValueError, "at least one column; got dict with none"),
            (np.zeros((0, 2)), ValueError, "at least one row"),
            ({"a": [1], "b": [1, 2]}, ValueError, "1 values in 'a' and 2 in 'b'"),
            (SimpleNamespace(collect=None), TypeError, "compute it with X.collect()"),
        ],
        ids=str,
    )
    def test_what_is_no_table(self, X, error, message):
        with pytest.raises(error, match=message.replace("()", r"\(\)")):
            read_table(X, "X")
