"""The command `rank`: columns of a table by what they tell about one of them."""

import csv
import importlib
import json
import math
import re

import numpy as np
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

import fastmi
from command import DIABETES, EXAMPLES, WINE, run, run_json
from fastmi.cli.app import app

PASSENGERS = EXAMPLES / "data" / "passengers.csv"


def invoke(*args, **options):
    result = CliRunner().invoke(app, [str(arg) for arg in args], **options)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Return a file with a column of every kind, and its columns."""
    rng = np.random.default_rng(5)
    n = 300
    site = rng.choice(["north", "south", "west"], n)
    dose = rng.gamma(2.0, 10.0, n).round(1)
    day = np.datetime64("2026-01-01") + np.arange(n)
    columns = {
        "id": np.array([f"P{i}" for i in range(n)]),
        "site": site,
        "dose": dose,
        "day": day,
        "german": np.array([f"{d.item():%d.%m.%Y}" for d in day[:40]])[np.arange(n) % 40],
        "mostly": np.where(np.arange(n) % 10 == 3, "n/k", rng.normal(size=n).round(3).astype(str)),
        "same": np.full(n, 7),
        "noise": rng.normal(size=n).round(6),
        "effect": (np.log1p(dose) + (site == "west") + 0.5 * rng.normal(size=n)).round(6),
    }
    path = tmp_path_factory.mktemp("mixed") / "mixed.csv"
    rows = zip(*(column.astype(str) for column in columns.values()), strict=True)
    path.write_text("\n".join([",".join(columns), *map(",".join, rows)]))
    return path, columns


# Values --------------------------------------------------------------------------------------


def test_ranking_is_that_of_the_library():
    found = run_json("rank", WINE, "--target", "cultivar")
    table = np.genfromtxt(WINE, delimiter=",", names=True, dtype=None, encoding="utf-8")
    expected = fastmi.rank_features(table, "cultivar")
    assert [row["feature"] for row in found["features"]] == list(expected.names)
    assert [row["mi"] for row in found["features"]] == expected.mi.tolist()
    assert [row["stderr"] for row in found["features"]] == expected.stderr.tolist()
    assert found["target_kind"] == "classes"
    assert {row["method"] for row in found["features"]} == {"ross"}
    text = run("rank", WINE, "--target", "cultivar").splitlines()
    assert text[0].startswith("information on cultivar (classes) in nats, 13 columns, n = 178")
    assert text[2].split()[:2] == [expected.names[0], f"{expected.mi[0]:.3f}"]


def test_the_main_command_of_the_readme_has_p_values_and_nothing_to_warn_of(monkeypatch):
    """The rows of wine.csv are sorted by cultivar, and no rows are copies."""
    root = EXAMPLES.parent
    text = (root / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"<!-- main-command -->\n```sh\n(.+)\n```", text)
    monkeypatch.chdir(root)
    result = invoke(*line.partition("bin/fastmi ")[2].split())
    assert not re.search("warning|note|error", result.output)
    head, *rows = result.stdout.splitlines()[1:]
    assert head.split()[-4:-2] == ["p", "q"]
    assert [len(row.split()) for row in rows] == [7] * 13


def test_a_column_of_two_classes_does_not_lead():
    rows = run_json("rank", DIABETES, "--target", "progression", "--seed", 0)["features"]
    assert rows[0]["feature"] == "bmi"
    (sex,) = (row["mi"] for row in rows if row["feature"] == "sex")
    assert sex < 0.05  # of ln 2, which it would have if it told itself apart


def test_kinds_and_reasons(mixed):
    path, _ = mixed
    found = run_json("rank", path, "--target", "effect", "--seed", 0)
    assert [row["feature"] for row in found["features"]][:2] == ["dose", "site"]
    kinds = {row["feature"]: row["kind"] for row in found["features"]}
    assert kinds["site"] == "classes"
    assert kinds["day"] == "continuous"
    assert "nearly every row has its own" in found["left_out"]["id"]
    assert "constant" in found["left_out"]["same"]
    assert "text in 30 of 300 cells" in found["left_out"]["mostly"]
    notes = " ".join(found["notes"])
    assert "'day': dates were read as points in time" in notes
    assert "'german': dates were taken as classes" in notes
    assert "'id' left out" in notes


def test_dates_are_points_in_time(tmp_path):
    rng = np.random.default_rng(0)
    days = rng.integers(0, 1000, 200)
    dates = np.datetime64("2020-02-29T12:00") + 60 * days
    for form in (dates, np.char.add(dates.astype(str), ":00Z"), dates.astype("M8[D]")):
        rows = zip(form.astype(str), days, strict=True)
        (tmp_path / "a.csv").write_text("\n".join(["when,x", *(f"{d},{x}" for d, x in rows)]))
        (row,) = run_json("rank", tmp_path / "a.csv", "--target", "x", "--seed", 0)["features"]
        assert row["kind"] == "continuous"
    # The order of days and months is not certain, and February has no day 30.
    for text in ("29/02/2020", "2020-02-30"):
        (tmp_path / "b.csv").write_text(
            "when,x\n" + "".join(f"{text},{i}\n{text},{i}\n" for i in range(9))
        )
        message = run("rank", tmp_path / "b.csv", "--target", "x", fails=True)
        assert "dates were taken as classes" in message


def test_parquet_with_dates_and_categories(tmp_path):
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    frame = pandas.DataFrame(
        {
            "when": pandas.Timestamp("2026-01-01", tz="UTC") + pandas.to_timedelta(x, unit="h"),
            "took": pandas.to_timedelta(x, unit="s"),
            "sign": pandas.Categorical(np.where(x > 0, "plus", "minus")),
            "flag": x > 1,
            "x": x,
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    rows = run_json("rank", tmp_path / "a.parquet", "--target", "x")["features"]
    kinds = {row["feature"]: row["kind"] for row in rows}
    assert kinds == {
        "when": "continuous",
        "took": "continuous",
        "sign": "classes",
        "flag": "classes",
    }
    expected = fastmi.rank_features(frame, "x")
    assert [row["mi"] for row in rows] == expected.mi.tolist()


def test_discrete():
    args = ("rank", PASSENGERS, "--target", "survived", "--columns", "class,relatives")

    def kinds(*more):
        return {row["feature"]: row["kind"] for row in run_json(*args, *more)["features"]}

    assert kinds() == kinds("--discrete", "all") == {"class": "classes", "relatives": "classes"}
    assert "classes" not in kinds("--discrete", "none").values()
    assert kinds("--discrete", "class")["class"] == "classes"
    assert kinds("--discrete", "class")["relatives"] != "classes"
    message = run(*args, "--discrete", "port", fails=True)
    assert "--discrete names 'port', which is not among the columns in use" in message
    both = run_json(*args, "--discrete", "class,survived")
    assert both["target_kind"] == "classes"
    assert "no column 'clas'" in run(*args, "--discrete", "clas", fails=True)


# Gaps ----------------------------------------------------------------------------------------


def test_gaps_are_refused_with_their_place_and_what_to_do():
    message = run("rank", PASSENGERS, "--target", "survived", fails=True)
    error = message.splitlines()[-1]
    assert error.startswith("error: missing values: ")
    assert "'deck'" in error
    assert "(line 2 of passengers.csv)" in error
    assert "--missing pairwise" in error
    assert "--missing drop" in error
    assert "missing=" not in message


def test_passengers():
    found = run_json("rank", PASSENGERS, "--target", "survived", "--missing", "pairwise")
    rows = {row["feature"]: row for row in found["features"]}
    assert next(iter(rows)) == "sex"
    assert rows["age"]["n"] == 900 - PASSENGERS.read_text().count("male,,")
    assert set(found["left_out"]) == {"passenger", "name", "ticket"}
    text = invoke("rank", PASSENGERS, "--target", "survived", "--missing", "pairwise").stdout
    assert "n = " in text
    assert " to 900" in text


def test_drop():
    args = ("rank", PASSENGERS, "--target", "survived", "--columns", "sex,age,fare")
    dropped = run_json(*args, "--drop-missing", "--seed", 0)
    assert dropped["features"] == run_json(*args, "--missing", "drop", "--seed", 0)["features"]
    assert len({row["n"] for row in dropped["features"]}) == 1
    message = run(*args, "--drop-missing", "--missing", "pairwise", fails=True)
    assert "--drop-missing and --missing pairwise contradict" in message


def test_the_committed_passengers_are_those_of_the_script():
    import runpy

    make = runpy.run_path(str(EXAMPLES / "data" / "make_passengers.py"))["passengers"]
    assert PASSENGERS.read_text(encoding="utf-8") == make()


# Tests ---------------------------------------------------------------------------------------


def test_one_true_column_among_noise(tmp_path):
    rng = np.random.default_rng(1)
    table = rng.normal(size=(200, 61))
    table[:, 60] = table[:, 17] + 0.7 * rng.normal(size=200)
    np.savetxt(
        tmp_path / "a.csv",
        table,
        delimiter=",",
        header=",".join(
            [
                *(f"noise{j}" for j in range(17)),
                "true",
                *(f"noise{j}" for j in range(18, 60)),
                "goal",
            ]
        ),
        comments="",
    )
    args = ("rank", tmp_path / "a.csv", "--target", "goal", "--permutations", "auto", "--seed", 0)
    rows = run_json(*args)["features"]
    assert rows[0]["feature"] == "true"
    # A false discovery comes with one true one in about 5 % of such tables; many would be wrong.
    assert sum(row["q_value"] <= 0.05 for row in rows) <= 2
    assert sum(row["p_value"] <= 0.05 for row in rows) > 0
    stricter = run_json(*args, "--fdr", "by")["features"]
    assert stricter[0]["q_value"] > rows[0]["q_value"]
    largest = run_json(*args, "--corrected")["features"]
    assert largest[0]["p_corrected"] <= 0.05
    header = run(*args, "--corrected").splitlines()[1].split()
    assert header[:7] == ["column", "MI", "(nats)", "±", "stderr", "p", "q"]
    assert "... and 30 more" in run(*args)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--permutations", "many"], "--permutations must be a whole number or auto; got 'many'"),
        (["--permutations", "-1"], "--permutations must be a whole number or auto; got '-1'"),
        (["--corrected"], "--corrected needs --permutations"),
        (["--target", "cultiva"], "did you mean 'cultivar'"),
        (["--target", "0:3"], "--target must name one column; got 3: alcohol, malic_acid, ash"),
        (["--columns", "cultivar"], "there is no column to rank beside the target"),
        (["--out", "a.xlsx"], "--out must end in .csv or .parquet"),
        (["--plot", "a.jpg"], "--plot must end in .png, .svg, .pdf; got a.jpg"),
        (["--plot", "nowhere/a.png"], "--plot: there is no folder nowhere"),
        (["--k", "0"], "k must be"),
        (["--k", "200"], "k must be"),
    ],
)
def test_bad_options(options, message):
    text = run("rank", WINE, "--target", "cultivar", *options, fails=True)
    assert message in text
    assert "Traceback" not in text
    assert text.splitlines()[-1].startswith("error: ") or text.startswith("error: ")


def test_target_that_tells_nothing(mixed):
    path, _ = mixed
    for target, why in (("same", "constant"), ("id", "nearly every row has its own")):
        assert why in run("rank", path, "--target", target, fails=True)
    assert "holds text in 30 of 300 cells" in run("rank", path, "--target", "mostly", fails=True)


# What is shown and written -------------------------------------------------------------------


def test_normalized_form():
    args = ("rank", WINE, "--target", "cultivar", "--normalized", "target")
    rows = run_json(*args)["features"]
    labels = np.loadtxt(WINE, delimiter=",", skiprows=1, usecols=13, dtype=str)
    counts = np.unique(labels, return_counts=True)[1] / len(labels)
    entropy = -np.sum(counts * np.log(counts))
    # The entropy is corrected for its bias, which is about (classes - 1) / 2n.
    assert rows[0]["normalized"] == pytest.approx(rows[0]["mi"] / entropy, rel=0.02)
    assert "target" in run(*args).splitlines()[1]


def test_bits(mixed):
    path, _ = mixed
    args = ("rank", path, "--target", "effect", "--seed", 0)
    nats, bits = run_json(*args)["features"], run_json(*args, "--bits")["features"]
    assert bits[0]["mi"] == pytest.approx(nats[0]["mi"] / math.log(2), rel=1e-14)
    assert "MI (bits)" in run(*args, "--bits")


def test_out_is_a_tidy_table(mixed, tmp_path):
    path, _ = mixed
    args = ("rank", path, "--target", "effect", "--permutations", 99, "--seed", 0)
    expected = run_json(*args, "--bits")["features"]
    run(*args, "--out", tmp_path / "a.csv", "--bits")
    run(*args, "--out", tmp_path / "a.parquet", "--bits")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["feature"] for row in rows] == [row["feature"] for row in expected]
    for row, own in zip(rows, expected, strict=True):
        for name in ("mi", "stderr", "p_value", "q_value"):
            assert float(row[name]) == own[name]
    parquet = importlib.import_module("pyarrow.parquet").read_table(tmp_path / "a.parquet")
    assert parquet.column_names == list(rows[0])
    assert parquet["mi"].to_pylist() == [row["mi"] for row in expected]


def test_json_has_stdout_to_itself(mixed):
    path, _ = mixed
    result = invoke("rank", path, "--target", "effect", "--json")
    assert json.loads(result.stdout)["target"] == "effect"
    assert "left out" in result.stderr


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_plot(mixed, tmp_path, kind):
    pytest.importorskip("matplotlib")
    path, _ = mixed
    file = tmp_path / f"picture.{kind}"
    result = invoke("rank", path, "--target", "effect", "--plot", file)
    assert f"picture written to {file}" in " ".join(result.stderr.split()).replace("/ ", "/")
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert file.read_bytes().startswith(starts[kind])
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def test_plot_without_matplotlib(mixed, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    message = run("rank", mixed[0], "--target", "effect", "--plot", tmp_path / "a.png", fails=True)
    assert message == "error: --plot needs matplotlib: pip install 'fastmi[plot]'\n"


def test_result_is_shown_where_the_picture_cannot_be_written(mixed, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    from fastmi.cli import session

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(session, "replacing", full)
    args = ["rank", str(mixed[0]), "--target", "effect", "--plot", str(tmp_path / "a.png")]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 1
    assert "dose" in result.stdout
    assert result.stderr.endswith("a.png: No space left on device\n")


@pytest.mark.parametrize("columns", [40, 50, 60, 80, 120])
@pytest.mark.parametrize("tested", [(), ("--permutations", "99", "--corrected")])
def test_nothing_is_wider_than_the_terminal(columns, tested):
    args = ["rank", str(WINE), "--target", "cultivar", "--seed", "0", *tested]
    result = invoke(*args, env={"COLUMNS": str(columns)})
    lines = result.output.splitlines()
    assert max(cell_len(line.rstrip()) for line in lines) <= columns
    best = run_json(*args)["features"][0]
    assert f"{best['mi']:.3f}" in result.stdout
    if tested:
        assert f"{best['q_value']:.2g}" in result.stdout.split()


def test_bars_end_with_their_errors():
    lines = run("rank", WINE, "--target", "cultivar").splitlines()[2:]
    rows = run_json("rank", WINE, "--target", "cultivar")["features"]
    full = rows[0]["mi"] + rows[0]["stderr"]
    for line, row in zip(lines, rows, strict=True):
        assert line.count("━") == round(24 * row["mi"] / full)
        end = line.count("━") + line.count("─")
        assert end == round(24 * (row["mi"] + row["stderr"]) / full)


def test_no_colour_in_a_pipe_or_where_it_is_not_wanted():
    for env in ({"NO_COLOR": "1", "COLUMNS": "80"}, {"COLUMNS": "80"}):
        assert "\x1b[" not in invoke("rank", WINE, "--target", "cultivar", env=env).output


def test_results_do_not_depend_on_the_number_of_threads(mixed):
    args = ("rank", mixed[0], "--target", "effect", "--permutations", 99, "--seed", 3)
    one = run_json(*args, "--jobs", 1)["features"]
    assert one == run_json(*args, "--n-jobs", 2)["features"]
