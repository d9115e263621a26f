"""Options of the command line: those of the methods, classes, missing rows, warnings, widths."""

import json
import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

import fastmi
from command import DIABETES, EXAMPLES, WINE, A, B, C, run, run_json, write_text
from fastmi.cli.app import app
from fastmi.cli.options import parse_options
from fastmi.estimators import MI_METHODS


@pytest.fixture
def data(tmp_path):
    return write_text(tmp_path / "data.csv")


def unit(*columns):
    return np.column_stack([column / column.std() for column in columns])


def fastmi_command(*args, columns="80"):
    """Run the program as a shell does, with COLUMNS unset if that is empty."""
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    if columns:
        env["COLUMNS"] = columns
    return subprocess.run(
        [sys.executable, "-m", "fastmi.cli", *map(str, args)],
        capture_output=True,
        cwd=EXAMPLES,  # not the root, whose source folder would hide the package
        env=env,
        text=True,
        check=False,
    )


# Methods and their options -------------------------------------------------------------------


def test_options_reach_the_method(data):
    result = run_json(
        *("mi", data, "--x", "a", "--y", "b", "-o", "normalize=local", "-o", "metric=euclidean")
    )
    expected = fastmi.mi(unit(A), unit(B), normalize="local", metric="euclidean")
    assert result["estimates"][0]["mi"] == float(expected)
    assert result["options"] == {"normalize": "local", "metric": "euclidean"}
    result = run_json("mi", data, "--x", "a", "--y", "b", "--method", "binning", "-o", "bins=4")
    expected = fastmi.mi(unit(A), unit(B), method="binning", bins=4)
    assert result["estimates"][0]["mi"] == float(expected)
    (pair, *_) = run_json(
        *("matrix", data, "--columns", "a,b", "--method", "ksg1", "-o", "normalize=rank")
    )["pairs"]
    assert pair["mi"] == float(fastmi.mi(unit(A), unit(B), normalize="rank"))


def test_columns_in_both_blocks(data):
    notes = run_json("mi", data, "--x", "a,b", "--y", "b,c")["notes"]
    assert any(note.startswith("in both --x and --y: 'b';") for note in notes)
    assert run_json("mi", data, "--x", "a", "--y", "b,c")["notes"] == []


def test_an_array_that_lies_on_its_side(tmp_path):
    file = tmp_path / "wide.npy"
    np.save(file, np.random.default_rng(0).standard_normal((2, 50)))
    message = " ".join(run("matrix", file, fails=True).split())
    assert "2 rows and 50 columns, and samples are rows: transpose the array" in message
    np.save(file, np.random.default_rng(0).standard_normal((50, 2)))
    assert run_json("matrix", file)["notes"] == []


def test_advice_names_options_of_the_command(tmp_path):
    rng = np.random.default_rng(0)
    a = rng.standard_normal(200)
    b = np.where(np.arange(200) % 9, a + rng.standard_normal(200), -999)
    file = tmp_path / "markers.csv"
    np.savetxt(file, np.column_stack([a, b, 1e4 * b]), delimiter=",", header="a,b,c", comments="")

    def shown(*args):
        result = CliRunner().invoke(app, list(map(str, args)))
        assert result.exit_code == 0
        return " ".join(result.output.split())

    for command in (("matrix", file, "--method", "ksg1"), ("mi", file, "--x", "a", "--y", "c")):
        scaled = shown(*command)
        assert "unit deviation does not prevent it" in scaled
        assert "-o normalize=copula" in scaled
        assert "normalize='local'" not in scaled
        assert "(-o normalize=local)" in shown(*command, "--scale", "none")
    assert "--noise 0 would leave" in shown(
        "matrix", file, "--method", "ksg1", "-o", "normalize=copula"
    )


@pytest.mark.parametrize(
    "method, text, expected",
    [
        ("ksg1", "normalize=none", {"normalize": None}),
        ("ksg1", "theiler=5", {"theiler": 5}),
        ("discrete", "correction=none", {"correction": "none"}),
        ("mienf", "hidden=[8, 8]", {"hidden": [8, 8]}),
        ("mine", "schedule=None", {"schedule": None}),
        ("mine", "cuda-graph=true", {"cuda_graph": True}),
        ("mine", "lr=1e-3", {"lr": 0.001}),
    ],
)
def test_values_of_options(method, text, expected):
    if MI_METHODS[method].trains:
        pytest.importorskip("torch")
    assert parse_options(method, [text]) == expected


@pytest.mark.parametrize(
    "options, message",
    [
        (["-o", "normalise=local"], "method ksg1 has no option 'normalise': did you mean 'normal"),
        (["-o", "normalize"], "--option must be NAME=VALUE"),
        (["-o", "n-jobs=2"], "--option n_jobs: use --n-jobs"),
        (["-o", "normalize=loca"], "did you mean 'local'"),
        (["-o", "theiler=much"], "theiler"),
        (["--method", "gauss"], "did you mean 'gaussian'"),
        (["--method", "gaussian", "--k", "5"], "got k"),
        (["--method", "gaussian", "-o", "bins=4"], "method gaussian has no option 'bins'"),
    ],
)
@pytest.mark.parametrize("command", ["mi", "matrix"])
def test_bad_options_of_methods(data, command, options, message):
    columns = ["--x", "a", "--y", "b"] if command == "mi" else []
    # Without a name a matrix has no single method whose options these could be.
    if command == "matrix" and "--method" not in options:
        columns += ["--method", "ksg1"]
    assert message in run(command, data, *columns, *options, fails=True)


def test_methods_are_those_of_the_table():
    text = run("methods")
    for name, method in MI_METHODS.items():
        assert name in text
        assert method.summary in text


def test_options_of_a_method_are_listed():
    text = run("methods", "ksg1")
    assert "--k  [default: 3]" in text
    assert "-o normalize=  [default: none]" in text
    assert "variant" not in text  # the name of the method fixes it
    assert ":mod:" not in text
    assert not any(line.endswith("  ") for line in text.splitlines())
    assert "did you mean 'ross'" in run("methods", "roos", fails=True)


def test_noise_is_that_of_the_method_unless_given(data):
    result = run_json("mi", data, "--x", "a", "--y", "b")
    assert "noise" not in result["options"]
    result = run_json("mi", data, "--x", "a", "--y", "b", "--noise", "0", "--seed", "3")
    assert result["options"] == {"noise": 0.0, "seed": 3}


def test_error_bars_from_halves(data):
    command = ("mi", data, "--x", "a", "--y", "b", "--k", "3,5", "--error", "half", "--seed", "4")
    result = run_json(*command)
    assert result["options"] == {"k": [3, 5], "seed": 4, "error": "half"}
    expected = fastmi.mi(unit(A), unit(B), k=[3, 5], error="half", seed=4)
    for row, estimate in zip(result["estimates"], expected, strict=True):
        assert row["mi"] == float(estimate)
        assert row["stderr"] == estimate.stderr
    assert "error" not in run_json("mi", data, "--x", "a", "--y", "b")["options"]
    wrong = CliRunner().invoke(app, [*map(str, command[:6]), "--error", "third"])
    assert wrong.exit_code == 2
    assert "'third' is not one of 'half'" in wrong.output


def test_interval_and_bias_are_in_the_unit_that_is_asked_for(data):
    command = ("mi", data, "--x", "a", "--y", "b,c", "--method", "auto")
    expected = fastmi.mi(unit(A), unit(B, C), method="auto")
    for flags, nat in (((), 1.0), (("--bits",), 1.0 / math.log(2.0))):
        (row,) = run_json(*command, *flags)["estimates"]
        assert row["interval"] == pytest.approx([nat * end for end in expected.interval])
        assert row["bias"] == pytest.approx(nat * expected.bias)
        assert row["twin"]["reference"] == pytest.approx(nat * expected.twin.reference)
    low, high = expected.interval
    assert f"{low:.4f} to {high:.4f}" in run(*command)
    (row,) = run_json("mi", data, "--x", "a", "--y", "b")["estimates"]
    assert (row["interval"], row["twin"]) == (None, None)


def test_mi_and_matrix_use_one_scale(data):
    one = run_json("mi", data, "--x", "a", "--y", "c")
    (pair,) = run_json("matrix", data, "--columns", "a,c", "--method", "ksg1")["pairs"]
    assert one["estimates"][0]["mi"] == pair["mi"] == float(fastmi.mi(unit(A), unit(C)))
    assert one["scale"] == "std"
    assert "unit deviation" in run("mi", data, "--x", "a", "--y", "c")
    assert "not scaled" in run("mi", data, "--x", "a", "--y", "c", "--scale", "none")


# Classes -------------------------------------------------------------------------------------


def test_text_is_classes_for_a_method_that_takes_them():
    result = run_json("mi", WINE, "--x", "hue", "--y", "cultivar", "--method", "ross")
    table = np.genfromtxt(WINE, delimiter=",", names=True, dtype=None, encoding="utf-8")
    expected = fastmi.mi(unit(table["hue"]), table["cultivar"], method="ross")
    assert result["estimates"][0]["mi"] == float(expected)
    message = run("mi", WINE, "--x", "cultivar", "--y", "hue", "--method", "ross", fails=True)
    assert "takes classes as --y only: exchange --x and --y" in message
    message = run("mi", WINE, "--x", "hue", "--y", "cultivar", fails=True)
    assert "--method ross takes text as classes of --y, and --method discrete on both" in message


@pytest.fixture
def survey(tmp_path):
    rng = np.random.default_rng(1)
    answer = rng.choice(["yes", "no", "perhaps"], 200)
    town = np.where(rng.random(200) < 0.6, answer, rng.choice(["Rome", "Oslo"], 200))
    grade = rng.integers(1, 4, 200)
    path = tmp_path / "survey.csv"
    rows = zip(answer, town, grade, strict=True)
    path.write_text("\n".join(["answer,town,grade", *(f"{a},{t},{g}" for a, t, g in rows)]))
    return path, {"answer": answer, "town": town, "grade": grade}


@pytest.mark.parametrize("x, y", [("answer", "town"), ("grade", "answer"), ("answer", "grade")])
def test_discrete_method_takes_text_on_both_sides(survey, x, y):
    path, columns = survey
    result = run_json("mi", path, "--x", x, "--y", y, "--method", "discrete")
    expected = fastmi.mi(columns[x], columns[y], method="discrete")
    assert result["estimates"][0]["mi"] == float(expected)
    assert result["scale"] == "none"  # classes have no scale
    options = ("--method", "discrete", "-o", "correction=none")
    result = run_json("mi", path, "--x", x, "--y", y, *options)
    expected = fastmi.mi(columns[x], columns[y], method="discrete", correction="none")
    assert result["estimates"][0]["mi"] == float(expected)


def test_text_and_numbers_can_be_one_variable(survey):
    path, columns = survey
    result = run_json("mi", path, "--x", "answer,grade", "--y", "town", "--method", "discrete")
    both = np.array([f"{a} {g}" for a, g in zip(columns["answer"], columns["grade"], strict=True)])
    expected = fastmi.mi(both, columns["town"], method="discrete")
    assert result["estimates"][0]["mi"] == pytest.approx(float(expected), abs=1e-12)


def test_discrete_matrix_pairs_text(survey):
    path, columns = survey
    result = run_json("matrix", path, "--method", "discrete")
    assert result["columns"] == ["answer", "town", "grade"]
    for pair in result["pairs"]:
        expected = fastmi.mi(columns[pair["x"]], columns[pair["y"]], method="discrete")
        assert pair["mi"] == pytest.approx(float(expected), abs=1e-12)


def test_missing_classes_are_missing_rows(tmp_path):
    rows = [f"{a!r},{'u' if b > 0 else 'v'}" for a, b in zip(A.tolist(), B, strict=True)]
    rows[3] = "1.5,NA"
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["x,class", *rows]))
    options = ("mi", path, "--x", "x", "--y", "class", "--method", "ross")
    assert "column 'class' has no value in row 3 (line 5" in run(*options, fails=True)
    result = run_json(*options, "--drop-missing")
    keep = np.arange(len(A)) != 3
    expected = fastmi.mi(unit(A[keep]), B[keep] > 0, method="ross")
    assert result["estimates"][0]["mi"] == float(expected)


def test_matrix_says_what_to_do_with_text():
    output = CliRunner().invoke(app, ["matrix", str(WINE), "--method", "ksg1"]).output
    assert "'cultivar' left out: it holds text" in output
    assert "text is used as classes where no --method is named" in output


# Missing values ------------------------------------------------------------------------------


@pytest.fixture
def gaps(tmp_path):
    rows = [
        [f"{value!r}" for value in row]
        for row in zip(A.tolist(), B.tolist(), C.tolist(), strict=True)
    ]
    for i in range(40):
        rows[i][1] = ""
    for i in range(38, 44):
        rows[i][2] = "NA"
    path = tmp_path / "gaps.csv"
    path.write_text("\n".join(["a,b,c,empty", *(",".join([*row, ""]) for row in rows)]))
    return path


def test_message_says_which_column_costs_the_rows(gaps):
    message = run("matrix", gaps, "--method", "ksg1", fails=True)
    assert "'empty' left out: all its values are missing" in message
    assert "column 'b' has no value in row 0 (line 2 of gaps.csv) (missing in 40 of 60" in message
    assert "44 of 60 rows lack a value: 'b' lacks 40, 'c' lacks 6" in message
    assert "without 'b', 54 rows are complete instead of 16" in message
    result = CliRunner().invoke(app, ["matrix", str(gaps), "--method", "ksg1", "--drop-missing"])
    assert "44 of 60 rows left out: 'b' lacks 40, 'c' lacks 6" in result.stderr
    assert run_json("matrix", gaps, "--method", "ksg1", "--drop-missing")["dropped"] == 44
    # Without that column most rows stay.
    assert run_json("matrix", gaps, "--columns", "a,c", "--drop-missing")["n"] == 54


def test_no_row_is_complete(gaps):
    message = run("mi", gaps, "--x", "a,b", "--y", "empty", "--drop-missing", fails=True)
    assert "no row of gaps.csv has a value in every column: 'empty' lacks 60, 'b' lacks" in message


def test_columns_left_out_for_one_reason_share_a_note(tmp_path):
    path = tmp_path / "many.csv"
    words = [f"t{j}" for j in range(30)]
    rows = [",".join(["1.5", "2", *words]), ",".join(["2.5", "4", *words])]
    path.write_text("\n".join([",".join(["a", "b", *words]), *rows]))
    output = CliRunner().invoke(app, ["matrix", str(path), "--k", "1"]).output
    assert "30 columns left out: 't0', 't1', 't2', 't3', 't4', 't5', ... and 24 more" in output


# Messages and the program --------------------------------------------------------------------


def test_warnings_are_shown_once_and_not_in_the_form_of_python(tmp_path):
    path = write_text(tmp_path / "data.csv")
    path.write_text("\n".join(path.read_text().splitlines()[:12]))
    for command in (["mi", str(path), "--x", "a", "--y", "b"], ["matrix", str(path)]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = CliRunner().invoke(app, command)
        assert result.exit_code == 0
        assert result.stderr.count("samples are few for k=3") == 1
        assert "warning: " in result.stderr


def test_infinite_estimates(tmp_path):
    path = tmp_path / "data.csv"
    rows = zip(A.tolist(), A.tolist(), B.tolist(), strict=True)
    path.write_text("\n".join(["a,copy,b", *(",".join(map(repr, row)) for row in rows)]))
    result = run_json("matrix", path, "--method", "gaussian")
    first, second, _ = result["pairs"]
    assert (first["mi"], first["stderr"]) == ("inf", "nan")
    assert second["mi"] == pytest.approx(float(fastmi.mi(A, B, method="gaussian")), rel=1e-12)
    lines = run("matrix", path, "--method", "gaussian").splitlines()
    bars = [(line.count("━"), line.count("━") + line.count("─")) for line in lines]
    infinite, *finite = sorted(bars, reverse=True)
    assert infinite == (24, 24)
    # The largest finite value fills its bar together with its error.
    assert finite[0] == finite[1]
    assert finite[0][0] < 24 == finite[0][1]
    (estimate,) = run_json("mi", path, "--x", "a", "--y", "copy", "--method", "gaussian")[
        "estimates"
    ]
    assert estimate["mi"] == "inf"


def test_json_has_kinds_of_warnings_and_the_settings(tmp_path):
    path = write_text(tmp_path / "data.csv")
    path.write_text("\n".join(path.read_text().splitlines()[:12]))
    result = run_json("mi", path, "--x", "a", "--y", "b")
    assert [warning["kind"] for warning in result["estimates"][0]["warnings"]] == ["few_samples"]
    assert "11 samples are few" in result["estimates"][0]["warnings"][0]["text"]
    assert {"n", "dropped", "method", "options", "scale", "unit", "notes", "version"} <= set(result)
    for pair in run_json("matrix", path)["pairs"]:
        assert pair["warnings"][0]["kind"] == "few_samples"


@pytest.mark.parametrize(
    "args, code",
    [
        (["mi", WINE, "--x", "hue", "--y", "proline"], 0),
        (["mi", WINE, "--x", "hue", "--y", "nothing"], 1),
        (["mi", WINE, "--x", "hue"], 2),
        (["mi", "nowhere.csv", "--x", "a", "--y", "b"], 2),
        (["mi", EXAMPLES, "--x", "a", "--y", "b"], 2),
        (["matrix", WINE, "--nothing"], 2),
        (["-h"], 0),
        (["matrix", "-h"], 0),
    ],
)
def test_exit_codes(args, code):
    assert CliRunner().invoke(app, [str(arg) for arg in args]).exit_code == code


def test_data_from_standard_input():
    args = ["mi", "-", "--x", "hue", "--y", "proline", "--json"]
    result = CliRunner().invoke(app, args, input=WINE.read_bytes())
    assert json.loads(result.stdout) | {"seconds": 0, "data": ""} == run_json(
        "mi", WINE, "--x", "hue", "--y", "proline"
    ) | {"seconds": 0, "data": ""}
    assert "standard input is empty" in CliRunner().invoke(app, ["matrix", "-"], input="").output


COMMANDS = ("rank", "matrix", "test", "lag", "te", "mi", "methods", "info")


def test_help_has_a_tour_examples_and_groups():
    text = run("--help")
    assert [name for name in COMMANDS if f"\n  {name} " in text] == list(COMMANDS)
    for name in ("rank", "matrix", "test", "lag", "te"):
        assert f"  fastmi {name} " in text[: text.index("Commands:")]
        text_of = run(name, "--help")
        places = [text_of.index(f"\n{group}:") for group in ("Examples", "Data", "Estimate")]
        assert places == sorted(places)
        assert text_of.index("Estimate:") < text_of.index("\nSignificance:")
        assert text_of.index("\nSignificance:") < text_of.index("\nOutput:")
        assert text_of.count(f"  fastmi {name} ") >= 2


def test_short_and_long_help_are_the_same():
    for command in ([], *([name] for name in COMMANDS)):
        assert run(*command, "-h") == run(*command, "--help")


def test_completion_can_be_installed_and_knows_the_methods():
    assert "--install-completion" in run("--help")
    words = "fastmi mi data.csv --method ks"
    env = {
        **os.environ,
        "_FASTMI_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": "4",
    }
    code = "from fastmi.cli.app import app; app(prog_name='fastmi')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        cwd=EXAMPLES,
        env=env,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [name for name in MI_METHODS if name.startswith("ks")]


@pytest.mark.parametrize("columns", ["40", "60", "100"])
@pytest.mark.parametrize(
    "args",
    [
        ["methods"],
        ["methods", "ksg1"],
        ["info"],
        ["matrix", WINE],
        ["mi", DIABETES, "--x", "0:10", "--y", "progression", "--k", "3,5"],
        ["mi", WINE, "--x", "hue", "--y", "cultivar"],
    ],
    ids=lambda args: " ".join(str(getattr(arg, "name", arg)) for arg in args[:2]),
)
def test_nothing_is_wider_than_the_terminal(args, columns):
    result = CliRunner().invoke(app, list(map(str, args)), env={"COLUMNS": columns})
    lines = result.output.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= int(columns)
    if args == ["matrix", WINE]:
        words = result.stdout.split()
        for pair in run_json(*args)["pairs"][:3]:
            assert f"{pair['mi']:.3f}" in words
            assert {pair["x"], pair["y"]} <= set(words)


@pytest.mark.parametrize("columns", [40, 100])
def test_long_and_wide_names_fit(tmp_path, columns):
    names = ["x" * 200, "列名がとても長い場合" * 4, "[bold]m[/bold]"]
    rows = [
        ",".join(map(repr, row)) for row in zip(A.tolist(), B.tolist(), C.tolist(), strict=True)
    ]
    path = tmp_path / "data.csv"
    path.write_text("\n".join([",".join(names), *rows]), encoding="utf-8")
    for args in (["matrix", str(path)], ["mi", str(path), "--x", "0", "--y", "1,2"]):
        result = CliRunner().invoke(app, args, env={"COLUMNS": f"{columns}"})
        assert max(cell_len(line.rstrip()) for line in result.output.splitlines()) <= columns
        assert "[bold]m[/bold]" in result.stdout


def test_help_fits_a_narrow_terminal():
    for command in ([], *([name] for name in COMMANDS)):
        done = fastmi_command(*command, "--help", columns="40")
        assert max(map(len, done.stdout.splitlines())) <= 40
        assert "..." not in done.stdout.replace("[ARGS]...", "")  # nothing is cut short


def test_a_pipe_gets_no_colours_and_no_line_breaks():
    done = fastmi_command("matrix", WINE, "--method", "ksg1", columns="")
    assert "\x1b[" not in done.stdout + done.stderr
    assert "'cultivar' left out: it holds text ('class_0' in line 2)\n" in done.stderr
