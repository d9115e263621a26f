"""The command line reads every file type, and says what it cannot use of one."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import fastmi
from command import DIABETES, WINE, A, B, C, mi_json, run, run_json, write_text
from fastmi.cli.app import app


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_text(tmp_path / "data.csv")


# Reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, delimiter",
    [
        ("data.csv", ","),
        ("semicolons.csv", ";"),
        ("data.tsv", "\t"),
        ("data.txt", "  "),
        ("DATA.CSV", ","),
    ],
)
def test_text_files(tmp_path, name, delimiter):
    assert mi_json(write_text(tmp_path / name, delimiter)) == float(fastmi.mi(A, B))


def test_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    parquet.write_table(pa.table({"a": A, "b": B}), tmp_path / "data.parquet")
    assert mi_json(tmp_path / "data.parquet") == float(fastmi.mi(A, B))


def test_parquet_nulls_and_text(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    columns = {"a": [1, None, 3], "b": [True, None, False], "t": ["u", "v", None]}
    parquet.write_table(pa.table(columns), tmp_path / "data.parquet")
    for column in ("a", "b"):
        message = run("mi", tmp_path / "data.parquet", "--x", column, "--y", "a", fails=True)
        assert f"column '{column}' has no value in row 1 (missing in 1 of 3 rows)" in message
    message = run("mi", tmp_path / "data.parquet", "--x", "t", "--y", "a", fails=True)
    assert "column 't' of data.parquet holds text ('u')" in message


def test_parquet_without_pyarrow_names_what_to_install(tmp_path, data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "data.parquet").touch()
    message = run("matrix", tmp_path / "data.parquet", fails=True)
    assert "pip install pyarrow" in message
    message = run("matrix", data, "--out", tmp_path / "out.parquet", fails=True)
    assert "pip install pyarrow" in message


def test_npy_by_index(tmp_path):
    np.save(tmp_path / "data.npy", np.column_stack([A, B, C]))
    assert mi_json(tmp_path / "data.npy", "0", "1") == float(fastmi.mi(A, B))
    assert mi_json(tmp_path / "data.npy", "0:2", "2") == float(
        fastmi.mi(np.column_stack([A, B]), C)
    )
    message = run("mi", tmp_path / "data.npy", "--x", "3", "--y", "0", fails=True)
    assert "column index 3 is out of range; data.npy has columns 0 to 2" in message
    message = run("mi", tmp_path / "data.npy", "--x", "1:4", "--y", "0", fails=True)
    assert "column range 1:4 does not fit" in message


def test_npy_keeps_float32(tmp_path):
    single = np.column_stack([A, B]).astype(np.float32)
    np.save(tmp_path / "data.npy", single)
    assert mi_json(tmp_path / "data.npy", "0", "1") == float(fastmi.mi(single[:, 0], single[:, 1]))


def test_npy_structured_by_field(tmp_path):
    table = np.zeros(len(A), dtype=[("a", "f8"), ("b", "f4")])
    table["a"], table["b"] = A, B
    np.save(tmp_path / "data.npy", table)
    assert mi_json(tmp_path / "data.npy") == float(fastmi.mi(table["a"], table["b"]))


@pytest.mark.parametrize(
    "array, message",
    [
        (np.zeros((2, 2, 2)), "must have shape (n,) or (n, d); got (2, 2, 2)"),
        (np.array([None, 1.0]), "cannot read"),
        (np.array([1j, 2j]), "holds values of type complex128"),
    ],
)
def test_npy_that_is_not_a_table(tmp_path, array, message):
    np.save(tmp_path / "data.npy", array)
    assert message in run("mi", tmp_path / "data.npy", "--x", "0", "--y", "0", fails=True)


def test_npz_by_key(tmp_path):
    np.savez(tmp_path / "data.npz", a=A, wide=np.column_stack([B, C]), short=A[:9])
    path = tmp_path / "data.npz"
    assert mi_json(path, "a", "wide") == float(fastmi.mi(A, np.column_stack([B, C])))
    assert mi_json(path, "a", "wide[1]") == float(fastmi.mi(A, C))
    message = run("mi", path, "--x", "a", "--y", "short", fails=True)
    assert "'a' has 60 and 'short' has 9" in message


def test_file_without_header(tmp_path):
    path = write_text(tmp_path / "data.csv", header=False)
    assert mi_json(path, "0", "1") == float(fastmi.mi(A, B))
    # If the first line of numbers is forced to be a header, there is one sample less.
    assert run_json("mi", path, "--x", "0:1", "--y", "1:2", "--header")["n"] == len(A) - 1


def test_missing_value_in_the_first_row_is_no_header(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("3.5,NA\n4,5\n7,8\n2,3\n5,1\n9,2\n")
    assert run_json("mi", path, "--x", "0", "--y", "1", "--k", "1", "--drop-missing")["n"] == 5
    assert "line 1" in run("mi", path, "--x", "0", "--y", "1", "--k", "1", fails=True)


def test_quoted_names_blank_lines_and_byte_order_mark(tmp_path):
    lines = [
        '"a, first",b',
        "",
        *(f"{a!r},{b!r}" for a, b in zip(A.tolist(), B.tolist(), strict=True)),
    ]
    (tmp_path / "data.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    for spec in ("a, first", '"a, first"'):
        assert mi_json(tmp_path / "data.csv", spec, "b") == float(fastmi.mi(A, B))


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "data.csv is empty"),
        ("a,b\n", "data.csv has column names and no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3 of data.csv has 3 fields; expected 2, as in line 1"),
        ("a,a\n1,2\n", "more than one column called 'a'"),
    ],
)
def test_malformed_text(tmp_path, text, message):
    (tmp_path / "data.csv").write_text(text)
    assert message in run("mi", tmp_path / "data.csv", "--x", "a", "--y", "b", fails=True)


def test_unknown_file_type(tmp_path):
    (tmp_path / "data.xlsx").touch()
    message = run("matrix", tmp_path / "data.xlsx", fails=True)
    assert "expected .csv, .tsv, .txt, .parquet, .npy or .npz" in message


# Unusable columns and cells ------------------------------------------------------------------


def test_wrong_name_lists_the_right_ones():
    message = run("mi", DIABETES, "--x", "BIM", "--y", "progression", fails=True)
    assert "no column 'BIM' in diabetes.csv; did you mean 'bmi'?" in message
    assert "columns: age, sex, bmi, bp, tc, ldl, hdl, tch, ltg, glu, progression" in message


def test_name_like_no_other_gets_no_suggestion(data):
    message = run("mi", data, "--x", "temperature", "--y", "a", fails=True)
    assert "did you mean" not in message
    assert "columns: a, b, c" in message


@pytest.mark.parametrize("cell", ["", "NA", "nan", "null"])
def test_missing_value_names_column_and_row(tmp_path, cell):
    path = tmp_path / "data.csv"
    path.write_text(f"a,b\n1,2\n\n3,{cell}\n4,5\n2,{cell}\n7,8\n")
    message = run("mi", path, "--x", "a", "--y", "b", fails=True)
    assert "column 'b' has no value in row 1 (line 4 of data.csv) (missing in 2 of 5" in message
    assert run_json("mi", path, "--x", "a", "--y", "b", "--k", 1, "--drop-missing")["n"] == 3


def test_infinite_value_names_column_and_row(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n3,inf\n")
    message = run("matrix", tmp_path / "data.csv", "--method", "ksg1", fails=True)
    assert "column 'b' is infinite in row 1 (line 3 of data.csv)" in message
    message = run("matrix", tmp_path / "data.csv", fails=True)
    assert "'b': it has 1 infinite value, the first in row 1 (line 3 of data.csv)" in message


KSG = ("matrix", WINE, "--method", "ksg1")


def test_text_column_is_an_error_only_where_it_is_asked_for():
    message = run("mi", WINE, "--x", "cultivar", "--y", "hue", fails=True)
    assert "column 'cultivar' of wine.csv holds text ('class_0' in line 2)" in message
    assert run(*KSG, "--columns", "cultivar,hue", fails=True) == message
    assert "cultivar" not in run_json(*KSG)["columns"]
    result = CliRunner().invoke(app, list(map(str, KSG)))
    assert "'cultivar' left out: it holds text ('class_0' in line 2)" in result.output


def test_constant_column_is_left_out_unless_named(tmp_path):
    table = np.column_stack([A, B, np.full(len(A), 0.1)])
    np.save(tmp_path / "data.npy", table)
    named = ["matrix", str(tmp_path / "data.npy"), "--method", "ksg1"]
    result = CliRunner().invoke(app, named)
    assert "'2' left out: it is constant" in result.output
    result = CliRunner().invoke(app, [*named, "--columns", "0,2"])
    assert "'2' is constant: it carries no information" in result.output
    (pair,) = run_json(*named, "--columns", "0,2")["pairs"]
    assert abs(pair["mi"]) < 1e-12


@pytest.mark.parametrize(
    "options, message",
    [
        (["--k", "three"], "--k must be whole numbers such as 3 or 3,5; got 'three'"),
        (["--k", "60"], "k=60"),
        (["--method", "ksg3"], "ksg3"),
        (["--n-jobs", "0"], "n_jobs"),
    ],
)
def test_bad_option(data, options, message):
    assert message in run("mi", data, "--x", "a", "--y", "b", *options, fails=True)
