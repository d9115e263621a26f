"""The commands `test`, `lag` and `te`."""

import csv

import numpy as np
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

import fastmi
from command import DIABETES, WINE, run, run_json
from fastmi.cli.app import app

DAYS = np.datetime64("2026-01-01") + np.arange(300)


def invoke(*args, **options):
    result = CliRunner().invoke(app, [str(arg) for arg in args], **options)
    assert result.exit_code == 0, result.output
    return result


def write(path, days, **columns):
    rows = zip(
        days.astype(str), *(map(repr, each.tolist()) for each in columns.values()), strict=True
    )
    path.write_text("\n".join([",".join(["day", *columns]), *map(",".join, rows)]))
    return path


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(4)
    rain = rng.normal(size=300)
    flow = np.roll(rain, 2) + 0.5 * rng.normal(size=300)
    return {"rain": rain, "flow": flow, "other": rng.normal(size=300)}


@pytest.fixture(scope="module")
def series(columns, tmp_path_factory):
    return write(tmp_path_factory.mktemp("series") / "series.csv", DAYS, **columns)


def unit(column):
    return column / column.std()


# test -----------------------------------------------------------------------------------------


def test_test_is_that_of_the_library():
    found = run_json("test", DIABETES, "--x", "bmi", "--y", "progression", "--seed", 1)
    table = np.genfromtxt(DIABETES, delimiter=",", names=True)
    expected = fastmi.permutation_test(unit(table["bmi"]), unit(table["progression"]), seed=1)
    assert found["mi"] == float(expected.estimate)
    assert found["p_value"] == expected.p_value
    assert found["null"] == expected.null.tolist()
    assert found["scheme"] == "shuffle"
    text = run("test", DIABETES, "--x", "bmi", "--y", "progression", "--seed", 1)
    assert text.startswith("I(bmi ; progression) in nats, n = 442, ksg1, unit deviation")
    assert f"{float(expected.estimate):.4f}" in text
    assert text.splitlines()[2].split()[-1] == f"{expected.p_value:.2g}"
    assert "▲" in text.splitlines()[3]


def test_given(series, columns):
    args = ("test", series, "--x", "rain", "--y", "flow", "--given", "other", "--seed", 0)
    found = run_json(*args, "--permutations", 50)
    expected = fastmi.permutation_test(
        *(unit(columns[name]) for name in ("rain", "flow", "other")), n_permutations=50, seed=0
    )
    assert found["mi"] == float(expected.estimate)
    assert found["p_value"] == expected.p_value
    assert (found["given"], found["scheme"]) == (["other"], expected.scheme)
    assert "I(rain ; flow | other)" in run(*args)


def test_schemes(series):
    args = ("test", series, "--x", "rain", "--y", "flow", "--permutations", 30, "--seed", 0)
    assert run_json(*args, "--scheme", "circular")["scheme"] == "circular"
    assert run_json(*args, "--scheme", "block", "--block-length", 9)["scheme"] == "block"
    assert "scheme must be" in run(*args, "--scheme", "rotate", fails=True)
    assert "--permutations must be a whole number; got 'auto'" in run(
        *args[:-4], "--permutations", "auto", fails=True
    )


def test_text_is_classes():
    found = run_json("test", WINE, "--x", "hue", "--y", "cultivar", "--seed", 0)
    assert found["p_value"] < 0.01
    named = run_json(
        *("test", WINE, "--x", "hue", "--y", "cultivar", "--method", "ross", "--seed", 0)
    )
    assert named["method"] == "ross"
    assert named["p_value"] < 0.01


def test_numbers_with_a_slip_are_no_classes(tmp_path):
    """One word among numbers is refused as by the other commands, and makes no classes of them."""
    path = tmp_path / "slip.csv"
    lines = [f"{'oops' if at == 7 else at % 9},{at * 7 % 11}" for at in range(90)]
    path.write_text("\n".join(["a,b", *lines]))
    for command in ("test", "mi"):
        found = CliRunner().invoke(app, [command, str(path), "--x", "a", "--y", "b"])
        assert found.exit_code == 1
        said = " ".join(found.output.split())
        assert "column 'a' of slip.csv holds text in 1 of 90 cells ('oops' in line 9)" in said


def test_plot_of_a_test(series, tmp_path):
    pytest.importorskip("matplotlib")
    args = ("test", series, "--x", "rain", "--y", "flow", "--permutations", 50)
    invoke(*args, "--plot", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


# lag ------------------------------------------------------------------------------------------


def test_lags_are_those_of_the_library(series, columns):
    args = ("lag", series, "--x", "rain", "--y", "flow", "--max-lag", 4, "--seed", 0)
    found = run_json(*args, "--permutations", 99)
    expected = fastmi.lagged_mi(
        unit(columns["rain"]), unit(columns["flow"]), range(-4, 5), n_permutations=99, seed=0
    )
    assert [row["lag"] for row in found["lags"]] == list(range(-4, 5))
    assert [row["mi"] for row in found["lags"]] == expected.mi.tolist()
    assert [row["p_corrected"] for row in found["lags"]] == expected.p_corrected.tolist()
    assert [row["n"] for row in found["lags"]] == [300 - abs(lag) for lag in range(-4, 5)]
    text = run(*args, "--permutations", 99)
    assert "lag 2 stands out: rain is 2 rows earlier (p = 0.01 among all lags)" in text
    backwards = ("lag", series, "--x", "flow", "--y", "rain", "--max-lag", 4, "--seed", 0)
    assert "lag -2 stands out: rain is 2 rows earlier" in run(*backwards, "--permutations", 99)
    none = ("lag", series, "--x", "rain", "--y", "other", "--max-lag", 4, "--seed", 0)
    assert "no lag stands out" in run(*none, "--permutations", 99)


def test_lags_without_a_test(series, columns):
    args = ("lag", series, "--x", "rain", "--y", "flow", "--min-lag", 1, "--max-lag", 3)
    found = run_json(*args)
    assert [row["lag"] for row in found["lags"]] == [1, 2, 3]
    assert "p_value" not in found["lags"][0]
    assert "largest at lag 2 (rain is 2 rows earlier); --permutations 200 tells" in run(*args)
    (alone,) = run_json("lag", series, "--x", "rain", "--y", "flow", "--max-lag", 0)["lags"]
    assert alone["mi"] == float(fastmi.mi(unit(columns["rain"]), unit(columns["flow"])))


def test_lags_in_files(series, tmp_path):
    args = ("lag", series, "--x", "rain", "--y", "flow", "--max-lag", 3, "--permutations", 39)
    found = run_json(*args, "--seed", 0, "--out", tmp_path / "a.csv")["lags"]
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["lag"]) for row in rows] == [row["lag"] for row in found]
    assert [float(row["p_value"]) for row in rows] == [row["p_value"] for row in found]
    pytest.importorskip("matplotlib")
    invoke(*args, "--plot", tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--max-lag", "3", "--min-lag", "5"], "--min-lag must be at most --max-lag; got 5 and 3"),
        (["--max-lag", "300"], "lags must"),
        (["--max-lag", "2", "--permutations", "some"], "--permutations must be a whole number"),
        (["--max-lag", "2", "--y", "day"], "holds dates"),
    ],
)
def test_bad_lags(series, options, message):
    text = run("lag", series, "--x", "rain", "--y", "flow", *options, fails=True)
    assert message in text
    assert "Traceback" not in text


# te -------------------------------------------------------------------------------------------


def test_network_is_that_of_the_library(series, columns):
    args = ("te", series, "--max-lag", 3, "--permutations", 99, "--seed", 0)
    found = run_json(*args)
    expected = fastmi.transfer_entropy_network(columns, max_lag=3, n_permutations=99, seed=0)
    names = list(columns)
    assert found["series"] == names
    assert len(found["pairs"]) == 6
    for pair in found["pairs"]:
        at = names.index(pair["source"]), names.index(pair["target"])
        assert pair["te"] == expected.te[at]
        assert pair["lag"] == expected.lag[at]
        assert pair["p_value"] == expected.p_value[at]
        assert pair["q_value"] == expected.q_value[at]
    lines = run(*args).splitlines()
    assert lines[2].split()[:3] == ["rain", "→", "flow"]
    assert lines[2].endswith("lag 2")
    assert "of 6 pairs are links at a false discovery rate of 5 %" in lines[-1]


def test_two_series(series):
    args = ("te", series, "--source", "rain", "--target", "flow", "--max-lag", 3, "--seed", 0)
    found = run_json(*args, "--permutations", 99)
    assert {(pair["source"], pair["target"]) for pair in found["pairs"]} == {
        ("rain", "flow"),
        ("flow", "rain"),
    }


def test_network_says_what_was_left_out_and_why_to_distrust_it(columns, tmp_path):
    words = np.array(["dry", "wet"])[(columns["rain"] > 0).astype(int)]
    rows = {**columns, "same": np.full(300, 7.0), "word": words}
    path = write(tmp_path / "more.csv", DAYS, **rows)
    options = ("--max-lag", 2, "--permutations", 5, "--seed", 0)
    found = run_json("te", path, "--columns", "day,rain,flow,same", *options)
    assert set(found["left_out"]) == {"day", "same"}
    assert found["left_out"]["same"] == "constant"
    expected = fastmi.transfer_entropy_network(
        {name: rows[name] for name in ("rain", "flow", "same")},
        max_lag=2,
        n_permutations=5,
        seed=0,
    )
    kinds = {caution.kind for caution in expected.cautions}
    assert kinds == {"left_out", "resolution"}
    assert {each["kind"] for each in found["cautions"]} == kinds
    assert all(each["text"] for each in found["cautions"])
    # What the command leaves out by itself, as text that is no series.
    assert set(run_json("te", path, *options)["left_out"]) == {"day", "same", "word"}


def test_network_without_a_test(series):
    found = run_json("te", series, "--max-lag", 2, "--permutations", 0)
    assert "p_value" not in found["pairs"][0]
    assert "links" not in run("te", series, "--max-lag", 2, "--permutations", 0)


def test_network_in_files(series, tmp_path, monkeypatch):
    args = ("te", series, "--max-lag", 2, "--permutations", 99, "--seed", 0)
    run(*args, "--out", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    pytest.importorskip("matplotlib")
    drawn = []
    draw = fastmi.plot.network

    def network(result, **options):
        drawn.append(options)
        return draw(result, **options)

    monkeypatch.setattr(fastmi.plot, "network", network)
    run(*args, "--bits", "--plot", tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    assert drawn == [{"unit": "bits"}]


@pytest.mark.parametrize(
    "options, message",
    [
        (["--source", "rain"], "--source and --target belong together"),
        (["--source", "rain", "--target", "rain"], "must differ; got 'rain' twice"),
        (["--source", "rain", "--target", "flow", "--columns", "0:2"], "contradict each other"),
        (["--condition", "all", "--method", "gauss"], "did you mean 'gaussian'"),
        (["--max-lag", "0"], "max_lag must"),
        (["--permutations", "0", "--plot", "a.png"], "leave out --permutations 0"),
    ],
)
def test_bad_networks(series, options, message):
    if "--plot" in options:
        pytest.importorskip("matplotlib")
    lag = [] if "--max-lag" in options else ["--max-lag", 2]
    text = run("te", series, *lag, *options, fails=True)
    assert message in text
    assert "Traceback" not in text


# Series ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("lag", "--x", "rain", "--y", "flow"), ("te",)])
def test_gaps_are_refused(tmp_path, columns, command):
    path = write(tmp_path / "a.csv", DAYS, **columns)
    lines = path.read_text().splitlines()
    lines[7] = lines[7].rsplit(",", 2)[0] + ",,0.5"
    path.write_text("\n".join(lines))
    message = run(command[0], path, *command[1:], "--max-lag", 2, fails=True)
    assert "column 'flow' has no value in row 6 (line 8 of a.csv) (missing in 1 of 300" in message
    assert "a series has none: fill them, or take rows without gaps" in message


@pytest.mark.parametrize(
    "days, said",
    [
        (DAYS, ""),
        (np.datetime64("2000-01") + np.arange(300), ""),  # months have 28 to 31 days
        (np.delete(np.arange(302), [40, 90]) + DAYS[0], "(2 of 299 are longer than usual)"),
        (DAYS[::-1], "go back in time, so that lags have the opposite sign"),
        (np.random.default_rng(0).permutation(DAYS), "not in order of time: sort them first"),
        (np.repeat(DAYS[:150], 2), "some rows have the same time"),
    ],
)
def test_steps_in_time(tmp_path, columns, days, said):
    path = write(tmp_path / "a.csv", days.astype("M8[D]"), **columns)
    for command in (("lag", path, "--x", "rain", "--y", "flow"), ("te", path, "--permutations", 0)):
        result = invoke(*command, "--max-lag", 1)
        text = " ".join(result.stderr.split())
        assert said in text
        assert ("warning: by 'day'" in text) == bool(said)


@pytest.mark.parametrize("columns_", [40, 60, 100])
@pytest.mark.parametrize("command", ["test", "lag", "te"])
def test_nothing_is_wider_than_the_terminal(series, command, columns_):
    args = [command, series, "--permutations", 50, "--seed", 0]
    args += [] if command == "te" else ["--x", "rain", "--y", "flow"]
    args += [] if command == "test" else ["--max-lag", 3]
    result = invoke(*args, env={"COLUMNS": str(columns_)})
    assert max(cell_len(line.rstrip()) for line in result.output.splitlines()) <= columns_
