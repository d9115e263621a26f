"""The command `matrix` where each pair has the estimator of its two columns."""

import csv

import numpy as np
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

import fastmi
from command import EXAMPLES, WINE, run, run_json
from fastmi.cli.app import app

PASSENGERS = EXAMPLES / "data" / "passengers.csv"


def of_pair(document, x, y):
    (found,) = (pair for pair in document["pairs"] if {pair["x"], pair["y"]} == {x, y})
    return found


def test_text_takes_part_and_values_are_those_of_the_library():
    found = run_json("matrix", WINE)
    assert found["columns"][-1] == "cultivar"
    assert len(found["pairs"]) == 91
    assert found["method"] == "by pair"
    table = np.genfromtxt(WINE, delimiter=",", names=True, dtype=None, encoding="utf-8")
    expected = fastmi.pairwise_mi({name: table[name] for name in table.dtype.names})
    rows = expected.top(91).to_dict()["rows"]
    assert [(row["x"], row["y"], row["mi"]) for row in found["pairs"]] == [
        (row["x"], row["y"], row["mi"]) for row in rows
    ]
    assert of_pair(found, "hue", "cultivar")["method"] == "ross"
    assert of_pair(found, "hue", "proline")["method"] == "ksg1"
    assert found["kinds"]["cultivar"] == "classes"
    assert "estimator by pair" in run("matrix", WINE).splitlines()[0]


def test_gaps_pair_by_pair():
    args = ("matrix", PASSENGERS, "--columns", "sex,age,deck,survived", "--seed", 0)
    assert "--missing pairwise" in run(*args, fails=True)
    pairs = run_json(*args, "--missing", "pairwise")
    drop = run_json(*args, "--missing", "drop")
    assert of_pair(pairs, "sex", "survived")["n"] == 900
    both = of_pair(pairs, "age", "deck")["n"]
    assert {pair["n"] for pair in drop["pairs"]} == {both}
    assert drop["n"] == both or "rows" in " ".join(drop["notes"])


def test_tests_of_pairs(tmp_path):
    rng = np.random.default_rng(2)
    table = rng.normal(size=(150, 8))
    table[:, 7] = table[:, 0] + 0.7 * rng.normal(size=150)
    np.save(tmp_path / "a.npy", table)
    args = ("matrix", tmp_path / "a.npy", "--permutations", "auto", "--corrected", "--seed", 0)
    found = run_json(*args)
    best = of_pair(found, "0", "7")
    assert found["pairs"][0] == best
    assert max(best["q_value"], best["p_corrected"]) <= 0.05
    assert all(pair["p_value"] <= pair["p_corrected"] for pair in found["pairs"])
    assert all(pair["p_value"] <= pair["q_value"] for pair in found["pairs"])
    header = next(line for line in run(*args).splitlines() if line.startswith("strongest"))
    assert header.split()[-6:] == ["±", "stderr", "p", "q", "p", "(all)"]
    named = run_json(*args[:2], "--method", "ksg1", "--permutations", 99, "--seed", 0)
    assert named["pairs"][0]["p_value"] == 0.01


@pytest.mark.parametrize(
    "options, message",
    [
        (["-o", "normalize=local"], "--option normalize=local: name the method that it is for"),
        (["--scale", "none"], "--scale none is for a --method that is named"),
        (["--method", "ksg1", "--missing", "pairwise"], "leave out --method ksg1"),
        (["--method", "ksg1", "--discrete", "hue"], "leave out --method ksg1"),
        (["--normalized", "target"], "normalized must be"),
        (["--columns", "hue"], "at least two columns that can be used; got 1"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    text = run("matrix", WINE, *options, fails=True)
    assert message in text
    assert "Traceback" not in text


def test_columns_that_cannot_be_used_are_named(tmp_path):
    rng = np.random.default_rng(3)
    rows = [
        f"n{i},{x!r},{y!r},7,,{{}}" for i, (x, y) in enumerate(rng.normal(size=(60, 2)).tolist())
    ]
    (tmp_path / "a.csv").write_text("\n".join(["name,x,y,same,empty,braces", *rows]))
    result = CliRunner().invoke(app, ["matrix", str(tmp_path / "a.csv")])
    assert result.exit_code == 0, result.output
    for name in ("name", "same", "empty", "braces"):
        assert f"'{name}' left out: " in result.stderr
    assert run_json("matrix", tmp_path / "a.csv")["columns"] == ["x", "y"]


def test_normalized_form_of_the_strongest():
    args = ("matrix", WINE, "--normalized", "correlation", "--columns", "0:5")
    pairs = run_json(*args)["pairs"]
    for pair in pairs:
        assert pair["normalized"] == pytest.approx(np.sqrt(-np.expm1(-2 * max(pair["mi"], 0))))
    assert f"{pairs[0]['normalized']:.3f}" in run(*args).split()


def test_out_is_the_matrix_with_its_text_columns(tmp_path):
    args = ("matrix", WINE, "--columns", "hue,proline,cultivar")
    found = run_json(*args)
    run(*args, "--out", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = {row["column"]: row for row in csv.DictReader(file)}
    assert float(rows["hue"]["cultivar"]) == of_pair(found, "hue", "cultivar")["mi"]
    assert rows["cultivar"]["cultivar"] == ""


@pytest.mark.parametrize("options", [[], ["--method", "ksg1"]])
def test_plot_has_the_names_of_the_columns(tmp_path, options):
    pytest.importorskip("matplotlib")
    run("matrix", WINE, "--columns", "hue,proline,ash", *options, "--plot", tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text()
    for name in ("hue", "proline", "ash"):
        assert f"<!-- {name} -->" in drawn


@pytest.mark.parametrize("options", [[], ["--method", "ksg1", "--noise", "0"]])
def test_plot_says_what_is_warned_of(tmp_path, options):
    pytest.importorskip("matplotlib")
    copies = tmp_path / "copies.csv"
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(size=(150, 3)), 2, axis=0)
    np.savetxt(copies, rows, delimiter=",", header="a,b,c\x1b", comments="")
    run("matrix", copies, *options, "--plot", tmp_path / "a.svg")
    drawn = (tmp_path / "a.svg").read_text()
    assert "pairs with warnings: copies" in drawn
    assert "\x1b" not in drawn


@pytest.mark.parametrize("columns", [40, 50, 80])
def test_nothing_is_wider_than_the_terminal(columns):
    args = ["matrix", str(WINE), "--permutations", "99", "--seed", "0", "--corrected"]
    result = CliRunner().invoke(app, args, env={"COLUMNS": str(columns)})
    assert result.exit_code == 0
    assert max(cell_len(line.rstrip()) for line in result.output.splitlines()) <= columns
    for pair in run_json(*args)["pairs"][:3]:
        assert f"{pair['mi']:.3f}" in result.stdout.split()
