"""The command line: what it prints and writes, and the program around it."""

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
from command import DIABETES, EXAMPLES, NAMES, WINE, A, B, C, mi_json, run, run_json, write_text
from fastmi.cli import bars, main, render
from fastmi.cli.app import app
from fastmi.cli.pairs import PairEstimate, PairMatrix


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_text(tmp_path / "data.csv")


# Results -------------------------------------------------------------------------------------


def test_mi_table(data):
    text = run("mi", data, "--x", "a", "--y", "b,c", "--k", "3,5")
    assert "I(a ; b, c), n = 60, ksg1" in text
    a, bc = A / A.std(), np.column_stack([B / B.std(), C / C.std()])
    for estimate in fastmi.mi(a, bc, k=[3, 5]):
        assert f"{estimate.k}  {float(estimate):>9.6f}  {estimate.stderr:.6f}" in text


def test_bits(data):
    assert mi_json(data, "a", "b", "--bits") == pytest.approx(fastmi.mi(A, B).bits, rel=1e-14)
    assert "MI (bits)" in run("mi", data, "--x", "a", "--y", "b", "--bits")


def test_mi_json(data):
    options = ("--k", "3,5", "--method", "ksg2", "--scale", "none")
    result = run_json("mi", data, "--x", "a", "--y", "b,c", *options)
    assert result["x"] == ["a"]
    assert result["y"] == ["b", "c"]
    assert result["unit"] == "nats"
    expected = fastmi.mi(A, np.column_stack([B, C]), k=[3, 5], method="ksg2")
    assert [row["mi"] for row in result["estimates"]] == [float(value) for value in expected]
    assert [row["k"] for row in result["estimates"]] == [3, 5]


def test_json_has_stdout_to_itself():
    # The note on the text column must go to stderr.
    done = subprocess.run(
        [sys.executable, "-m", "fastmi.cli", "matrix", WINE, "--method", "ksg1", "--json"],
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
    result = run_json("matrix", WINE, "--method", "ksg1")
    values = [pair["mi"] for pair in result["pairs"]]
    assert values == sorted(values, reverse=True)
    best = result["pairs"][0]
    assert {best["x"], best["y"]} == {"total_phenols", "flavanoids"}
    x, y = (table[name] / table[name].std() for name in (best["x"], best["y"]))
    assert best["mi"] == pytest.approx(float(fastmi.mi(x, y)), abs=1e-12)
    raw = run_json(
        *("matrix", WINE, "--columns", "hue,proline", "--method", "ksg1", "--scale", "none")
    )["pairs"]
    assert raw[0]["mi"] == float(fastmi.mi(table["hue"], table["proline"]))


def test_matrix_out(data, tmp_path):
    run(
        *("matrix", data, "--out", tmp_path / "out.csv", "--bits", "--method", "ksg1"),
        *("--scale", "none"),
    )
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


def test_tied_pairs_are_marked_and_not_ranked_without_noise():
    raw = ("--method", "ksg1", "--noise", "0")
    result = run_json("matrix", DIABETES, "--columns", "age,sex,bmi", *raw)
    tied = [pair for pair in result["pairs"] if pair["tied"]]
    assert result["pairs"][-len(tied) :] == tied
    assert {(pair["x"], pair["y"]) for pair in tied} >= {("age", "sex")}
    output = CliRunner().invoke(app, ["matrix", str(DIABETES), *raw]).output
    assert "(marked *) are not ranked" in output
    quiet = run_json("matrix", DIABETES, "--columns", "age,sex", "--noise", 1e-10, "--seed", 0)
    assert not quiet["pairs"][0]["tied"]


def test_matrix_needs_two_columns(data):
    message = run("matrix", data, "--columns", "a,a", fails=True)
    assert "at least two columns that can be used; got 1" in message


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
    render.show_matrix(console, matrix, "nats")
    bars.show_strongest(console, matrix, 3, "nats")
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
    if "import torch" in script.read_text():
        pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, script], capture_output=True, check=True, cwd=tmp_path, text=True
    )
    assert done.stdout
    assert not done.stderr
