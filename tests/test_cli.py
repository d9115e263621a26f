"""The command line: every file type, what it says of unusable data, and what it prints."""

import csv
import importlib
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import fastmi
from fastmi.cli import main, render
from fastmi.cli.app import app
from fastmi.cli.pairs import PairEstimate, PairMatrix

EXAMPLES = Path(__file__).parent.parent / "examples"
WINE = EXAMPLES / "data" / "wine.csv"
DIABETES = EXAMPLES / "data" / "diabetes.csv"

# a, b and c depend on one another; 60 samples are enough for k = 3 without a warning.
_NOISE = np.random.default_rng(7).standard_normal((3, 60))
A, B, C = _NOISE[0], _NOISE[0] + 0.5 * _NOISE[1], _NOISE[1] + 0.5 * _NOISE[2]
NAMES = ["a", "b", "c"]


def run(*args: object, fails: bool = False) -> str:
    """Run the command; return stdout, or stdout and stderr together where it has to fail."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == (1 if fails else 0), result.output
    return result.output if fails else result.stdout


def run_json(*args: object) -> dict:
    return json.loads(run(*args, "--json"))


def mi_json(data: Path, x: str = "a", y: str = "b", *more: str) -> float:
    (estimate,) = run_json("mi", data, "--x", x, "--y", y, *more)["estimates"]
    return estimate["mi"]


def write_text(path: Path, delimiter: str = ",", *, header: bool = True) -> Path:
    rows = [[repr(float(value)) for value in row] for row in zip(A, B, C, strict=True)]
    lines = [delimiter.join(row) for row in ([NAMES, *rows] if header else rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


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
    # Forced to be a header, the first line of numbers is one sample less.
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
    message = run("matrix", tmp_path / "data.csv", fails=True)
    assert "column 'b' is infinite in row 1 (line 3 of data.csv)" in message


def test_text_column_is_an_error_only_where_it_is_asked_for():
    message = run("mi", WINE, "--x", "cultivar", "--y", "hue", fails=True)
    assert "column 'cultivar' of wine.csv holds text ('class_0' in line 2)" in message
    assert run("matrix", WINE, "--columns", "cultivar,hue", fails=True) == message
    assert "cultivar" not in run_json("matrix", WINE)["columns"]
    result = CliRunner().invoke(app, ["matrix", str(WINE)])
    assert "'cultivar' left out: it holds text ('class_0' in line 2)" in result.output


def test_constant_column_is_left_out_unless_named(tmp_path):
    table = np.column_stack([A, B, np.full(len(A), 0.1)])
    np.save(tmp_path / "data.npy", table)
    result = CliRunner().invoke(app, ["matrix", str(tmp_path / "data.npy")])
    assert "'2' left out: it is constant" in result.output
    result = CliRunner().invoke(app, ["matrix", str(tmp_path / "data.npy"), "--columns", "0,2"])
    assert "'2' is constant: it carries no information" in result.output
    (pair,) = run_json("matrix", tmp_path / "data.npy", "--columns", "0,2")["pairs"]
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


# Results -------------------------------------------------------------------------------------


def test_mi_table(data):
    text = run("mi", data, "--x", "a", "--y", "b,c", "--k", "3,5")
    assert "I(a ; b, c), n = 60, ksg1" in text
    for estimate in fastmi.mi(A, np.column_stack([B, C]), k=[3, 5]):
        assert f"{estimate.k}  {float(estimate):>9.6f}  {estimate.stderr:.6f}" in text


def test_bits(data):
    assert mi_json(data, "a", "b", "--bits") == pytest.approx(fastmi.mi(A, B).bits, rel=1e-14)
    assert "MI (bits)" in run("mi", data, "--x", "a", "--y", "b", "--bits")


def test_mi_json(data):
    result = run_json("mi", data, "--x", "a", "--y", "b,c", "--k", "3,5", "--method", "ksg2")
    assert result["x"] == ["a"]
    assert result["y"] == ["b", "c"]
    assert result["unit"] == "nats"
    expected = fastmi.mi(A, np.column_stack([B, C]), k=[3, 5], method="ksg2")
    assert [row["mi"] for row in result["estimates"]] == [float(value) for value in expected]
    assert [row["k"] for row in result["estimates"]] == [3, 5]


def test_json_has_stdout_to_itself():
    # The note on the text column has to go to stderr.
    done = subprocess.run(
        [sys.executable, "-m", "fastmi.cli", "matrix", WINE, "--json"],
        capture_output=True,
        check=True,
        cwd=WINE.parent,
        text=True,
    )
    assert len(json.loads(done.stdout)["pairs"]) == 78
    assert "cultivar" in done.stderr


def test_noise_is_seeded():
    options = ("--noise", "1e-10", "--seed")
    one, same, other = (mi_json(DIABETES, "age", "sex", *options, seed) for seed in "001")
    assert one == same != other


def test_warnings_are_shown(data):
    path = data.with_name("few.csv")
    path.write_text("\n".join(data.read_text().splitlines()[:12]))
    (warning, *_) = fastmi.mi(A[:11], B[:11]).warnings
    result = CliRunner().invoke(app, ["mi", str(path), "--x", "a", "--y", "b"])
    assert f"warning: {warning}" in result.output


def test_matrix_scales_columns_and_ranks_pairs():
    table = np.genfromtxt(WINE, delimiter=",", names=True)
    result = run_json("matrix", WINE)
    values = [pair["mi"] for pair in result["pairs"]]
    assert values == sorted(values, reverse=True)
    best = result["pairs"][0]
    assert {best["x"], best["y"]} == {"total_phenols", "flavanoids"}
    x, y = (table[name] / table[name].std() for name in (best["x"], best["y"]))
    assert best["mi"] == pytest.approx(float(fastmi.mi(x, y)), abs=1e-12)
    raw = run_json("matrix", WINE, "--columns", "hue,proline", "--scale", "none")["pairs"]
    assert raw[0]["mi"] == float(fastmi.mi(table["hue"], table["proline"]))


def test_matrix_out(data, tmp_path):
    run("matrix", data, "--out", tmp_path / "out.csv", "--bits", "--scale", "none")
    with (tmp_path / "out.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["column", "a", "b", "c"]
    assert [row[0] for row in rows] == NAMES
    for i, x in enumerate((A, B, C)):
        for j, y in enumerate((A, B, C)):
            cell = rows[i][j + 1]
            if i == j:
                assert cell == ""
            else:
                assert float(cell) == pytest.approx(fastmi.mi(x, y).bits, abs=1e-12)


def test_matrix_out_parquet_equals_csv(data, tmp_path):
    pytest.importorskip("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    run("matrix", data, "--out", tmp_path / "out.csv")
    run("matrix", data, "--out", tmp_path / "out.parquet")
    frame = parquet.read_table(tmp_path / "out.parquet").to_pydict()
    with (tmp_path / "out.csv").open(newline="") as file:
        for i, row in enumerate(csv.DictReader(file)):
            values = {name: float(row[name]) if row[name] else None for name in NAMES}
            assert {name: frame[name][i] for name in NAMES} == values


@pytest.mark.parametrize("name", ["out.xlsx", "nowhere/out.csv"])
def test_matrix_out_is_checked_before_the_work(data, tmp_path, name):
    assert "--out" in run("matrix", data, "--out", tmp_path / name, fails=True)


def test_tied_pairs_are_marked_and_not_ranked():
    result = run_json("matrix", DIABETES, "--columns", "age,sex,bmi")
    tied = [pair for pair in result["pairs"] if pair["tied"]]
    assert result["pairs"][-len(tied) :] == tied
    assert {(pair["x"], pair["y"]) for pair in tied} >= {("age", "sex")}
    output = CliRunner().invoke(app, ["matrix", str(DIABETES)]).output
    assert "(marked *) are not ranked" in output
    quiet = run_json("matrix", DIABETES, "--columns", "age,sex", "--noise", 1e-10, "--seed", 0)
    assert not quiet["pairs"][0]["tied"]


def test_matrix_needs_two_columns(data):
    message = run("matrix", data, "--columns", "a,a", fails=True)
    assert "at least two columns of numbers; got 1" in message


@pytest.mark.parametrize(
    "width, expected",
    [(60, "0.50"), (36, " .50"), (24, "██"), (19, "do not fit this terminal")],
)
def test_heat_map_adapts_to_the_terminal(width, expected):
    names = [f"name {i}" for i in range(6)]
    estimates = {
        (i, j): PairEstimate(0.5 if j == i + 1 else 0.0, 0.1, (), tied=False)
        for i in range(6)
        for j in range(i + 1, 6)
    }
    console = Console(record=True, width=width, file=io.StringIO())
    matrix = PairMatrix(names, estimates, seconds=0.0)
    render.show_matrix(console, "", matrix, "nats")
    render.show_strongest(console, matrix, 3, "nats")
    text = console.export_text()
    assert expected in " ".join(text.split()) or expected in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_bits_and_nats_agree_in_the_matrix(data):
    nats = run_json("matrix", data)["pairs"][0]["mi"]
    bits = run_json("matrix", data, "--bits")["pairs"][0]["mi"]
    assert bits == pytest.approx(nats / math.log(2), rel=1e-14)


# The program ---------------------------------------------------------------------------------


def test_info():
    assert run_json("info") == fastmi.config()
    assert fastmi.config()["simd_level"] in run("info")


def test_version():
    assert run("--version").strip() == fastmi.__version__


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_missing_extra_is_named(monkeypatch, package):
    for name in list(sys.modules):
        if name.partition(".")[0] == package or name.startswith("fastmi.cli."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit, match=r"pip install 'fastmi\[cli\]'"):
        main()


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example_script(script, tmp_path):
    done = subprocess.run(
        [sys.executable, script], capture_output=True, check=True, cwd=tmp_path, text=True
    )
    assert done.stdout
    assert not done.stderr
