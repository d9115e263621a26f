"""Parquet, NPY and NPZ files with everything that such files may hold."""

import datetime
import decimal
import importlib

import numpy as np
import pytest
from typer.testing import CliRunner

import fastmi
import hostile
from command import A, B, mi_json, run, run_json
from fastmi.cli.app import app
from fastmi.cli.columns import DataError
from fastmi.cli.readers import read_table

NAN = float("nan")
START = 1_600_000_000_000_000_001


def column_of(path):
    (column, *_) = read_table(path).columns
    return column


# Parquet -------------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path):
    """Write one column to a Parquet file and return how it is read."""
    pa = pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")

    def write(cells, kind=None, encode=False):
        array = pa.array(cells, type=kind and getattr(pa, kind[0])(*kind[1:]))
        array = array.dictionary_encode() if encode else array
        try:
            parquet.write_table(pa.table({"a": array}), tmp_path / "data.parquet")
        except NotImplementedError as error:
            pytest.skip(str(error))  # an older pyarrow
        return column_of(tmp_path / "data.parquet")

    return write


@pytest.mark.parametrize(
    "cells, kind, expected",
    [
        ([1, None, 3], ("int8",), [1, NAN, 3]),
        ([1, 2**40], ("uint64",), [1, 2**40]),
        ([1.5, None], ("float64",), [1.5, NAN]),
        ([np.float16(1.5), np.float16(2)], ("float16",), [1.5, 2.0]),
        ([True, None, False], None, [1, NAN, 0]),
        ([None, None], ("null",), [NAN, NAN]),
        ([None, None], ("date32",), [NAN, NAN]),
        ([decimal.Decimal("1.25"), None], ("decimal128", 5, 2), [1.25, NAN]),
        (["1.5", "NA", "2"], None, [1.5, NAN, 2]),
        (["1,5", "2"], None, [1.5, 2]),
        ([START, START + 2, None], ("int64",), [0, 2, NAN]),
        ([2**64 - 1, 2**64 - 3], ("uint64",), [2, 0]),
        ([-(2**63), -(2**63) + 1], ("int64",), [0, 1]),
        # Multiples of 1024 beyond 2**53 that float64 holds, over all of the range.
        ([-(2**62), 2**62], ("int64",), [0, 2.0**63]),
    ],
)
def test_parquet_numbers(written, cells, kind, expected):
    column = written(cells, kind)
    assert not column.problem
    np.testing.assert_array_equal(column.values, expected)
    large = any(isinstance(cell, int) and abs(cell) > 2**53 for cell in cells)
    assert ("was subtracted" in column.note) == large


def test_parquet_float32_stays(written):
    assert written([1.5, 2.5], ("float32",)).values.dtype == np.float32


def test_parquet_dictionary(written):
    assert written([3, 1, None, 3], ("int64",), encode=True).values[:2].tolist() == [3, 1]
    column = written(["u", "v", None], encode=True)
    assert column.labels.tolist() == ["u", "v", None]
    assert column.problem == "text ('u')"


@pytest.mark.parametrize(
    "cells, kind, problem",
    [
        ([datetime.date(2019, 1, 2)], None, "dates ('2019-01-02')"),
        ([None, datetime.datetime(2019, 1, 2)], None, "dates ('2019-01-02 00:00:00')"),
        ([datetime.timedelta(1)], None, "durations"),
        ([[1, 2], [3]], None, "values of type list<"),
        ([{"x": 1}], None, "values of type struct<"),
        ([b"u"], None, "values of type binary"),
        ([0, START], ("int64",), "float64 cannot tell apart"),
        ([0, 2**64 - 1], ("uint64",), "float64 cannot tell apart"),
    ],
)
def test_parquet_without_numbers(written, cells, kind, problem):
    assert problem in written(cells, kind).problem


def test_parquet_that_is_none(tmp_path):
    (tmp_path / "data.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"cannot read .*data\.parquet"):
        read_table(tmp_path / "data.parquet")


def test_parquet_without_rows(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    parquet.write_table(pa.table({"a": pa.array([], "f8")}), tmp_path / "data.parquet")
    with pytest.raises(DataError, match=r"data\.parquet: it has no rows"):
        read_table(tmp_path / "data.parquet")


# NumPy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, 2], [3, 4]], order="F"),
        np.array([[1.5, 2], [3, 4]], dtype=">f8"),
        np.array([[1.5, 2], [3, 4]], dtype=">f4"),
        np.array([[1.5, 2], [3, 4]], dtype=np.float16),
        np.array([[1.5, 2], [3, 4]], dtype=np.longdouble),
    ],
    ids=["Fortran", "big-endian", "big-endian single", "half", "long double"],
)
def test_npy_layouts(tmp_path, array):
    np.save(tmp_path / "data.npy", array)
    first, second = read_table(tmp_path / "data.npy").columns
    assert first.values.tolist() == [1.5, 3]
    assert second.values.tolist() == [2, 4]
    assert first.values.dtype == np.float64


@pytest.mark.parametrize("dtype", ["<i8", ">i8", "<u8"])
def test_npy_nanoseconds_keep_their_differences(tmp_path, dtype):
    np.save(tmp_path / "data.npy", np.array([START, START + 2], dtype=dtype))
    column = column_of(tmp_path / "data.npy")
    assert column.values.tolist() == [0, 2]
    assert column.note.startswith(f"{START} was subtracted")


@pytest.mark.parametrize(
    "array, problem",
    [
        (np.array([0, START]), "float64 cannot tell apart"),
        (np.array(["u", ""]), "text ('u')"),
        (np.array([b"u", b"v"]), "text ('u')"),
        (np.array(["2019-01-01"], dtype="M8[D]"), "values of type datetime64[D] (dates)"),
        (np.zeros(2, dtype=[("a", "f8", 3)]), "an array in every row, of shape (3,)"),
    ],
)
def test_npy_without_numbers(tmp_path, array, problem):
    np.save(tmp_path / "data.npy", array)
    assert problem in column_of(tmp_path / "data.npy").problem


@pytest.mark.parametrize(
    "array, message",
    [
        (np.array([None, 1.0]), "holds Python objects, which are not loaded"),
        (np.zeros((0, 3)), "the array is empty: its shape is (0, 3)"),
        (np.float64(3), "must have shape (n,) or (n, d); got ()"),
    ],
)
def test_npy_that_is_refused(tmp_path, array, message):
    np.save(tmp_path / "data.npy", array)
    with pytest.raises(DataError) as error:
        read_table(tmp_path / "data.npy")
    assert message in str(error.value)


def test_npz_with_objects_in_one_array(tmp_path):
    np.savez(tmp_path / "data.npz", a=np.arange(9.0), o=np.array([None, "u"]))
    a = column_of(tmp_path / "data.npz")
    assert a.values.tolist() == list(range(9))
    message = run("mi", tmp_path / "data.npz", "--x", "a", "--y", "o", fails=True)
    assert "column 'o' of data.npz holds Python objects, which are not loaded" in message


def test_what_is_no_array_is_left_out(tmp_path):
    path = tmp_path / "data.npz"
    members = {"a.npy": hostile.npy(A), "b.npy": hostile.npy(B), "readme.txt": b"hello"}
    path.write_bytes(hostile.zipped(members))
    result = CliRunner().invoke(app, ["matrix", str(path)])
    assert result.exit_code == 0
    assert "'readme.txt' left out: it holds no array" in result.output


def test_empty_array_beside_others(tmp_path):
    empty = {"t": np.array([], dtype="U3"), "f": np.array([]), "g": np.zeros((0, 3))}
    np.savez(tmp_path / "data.npz", a=A, b=B, **empty)
    result = CliRunner().invoke(app, ["matrix", str(tmp_path / "data.npz")])
    assert "2 columns" not in result.stdout
    for name in empty:
        assert f"'{name}' left out: it holds an empty array" in result.output


def test_settings_and_images_beside_samples(tmp_path):
    # Programs save the rate of a recording, or a stack of pictures, beside the samples.
    np.savez(tmp_path / "data.npz", a=A, b=B, rate=250.0, stack=np.zeros((3, 2, 2)))
    result = CliRunner().invoke(app, ["matrix", str(tmp_path / "data.npz")])
    assert result.exit_code == 0
    assert "'rate' left out: it holds an array of shape ()" in result.output
    assert "'stack' left out: it holds an array of shape (3, 2, 2)" in result.output
    assert mi_json(tmp_path / "data.npz") == float(fastmi.mi(A, B))
    message = run("mi", tmp_path / "data.npz", "--x", "a", "--y", "rate", fails=True)
    assert "column 'rate' of data.npz holds an array of shape ()" in message


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_every_kind_of_sound_npy_is_read(tmp_path, version, order, layout):
    array = np.asarray(np.column_stack([A, B]), dtype=f"{order}f8", order=layout)
    with (tmp_path / "data.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version=(version, 0))
    np.testing.assert_array_equal(read_table(tmp_path / "data.npy").columns[1].values, B)


def test_names_of_fields_in_utf8(tmp_path):
    table = np.zeros(3, dtype=[("höhe", "f8"), ("中", "i4")])
    with pytest.warns(UserWarning, match=r"format 3\.0"):
        np.save(tmp_path / "data.npy", table)
    names = [column.name for column in read_table(tmp_path / "data.npy").columns]
    assert names == ["höhe", "中"]


@pytest.mark.parametrize("name", ["data.npy", "data.npz"])
def test_numpy_file_that_is_none(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot read"):
        read_table(tmp_path / name)


def test_note_of_a_chosen_column_is_shown_and_in_the_json(tmp_path):
    rng = np.random.default_rng(0)
    times = START + rng.permutation(60)
    np.savez(tmp_path / "data.npz", t=times, x=rng.normal(size=60))
    result = run_json("mi", tmp_path / "data.npz", "--x", "t", "--y", "x")
    assert result["notes"] == [
        f"'t': {times.min()} was subtracted, because float64 would round such large numbers"
    ]
