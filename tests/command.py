"""What the tests of the command line share: a table in a file, and ways to run the command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner

from fastmi.cli.app import app
from fastmi.cli.columns import Table
from fastmi.cli.readers import read_table

EXAMPLES = Path(__file__).parent.parent / "examples"
WINE = EXAMPLES / "data" / "wine.csv"
DIABETES = EXAMPLES / "data" / "diabetes.csv"

# a, b and c depend on one another; 60 samples are enough for k = 3 without a warning.
_NOISE = np.random.default_rng(7).standard_normal((3, 60))
A, B, C = _NOISE[0], _NOISE[0] + 0.5 * _NOISE[1], _NOISE[1] + 0.5 * _NOISE[2]
NAMES = ["a", "b", "c"]

# In the root of the repository there is a folder `fastmi` that is not the installed package. The
# environment is passed on because readline adds a width to the one that C programs see.
_CAPTURED: dict[str, Any] = {
    "capture_output": True,
    "cwd": EXAMPLES,
    "env": dict(os.environ),
    "text": True,
}


def run(*args: object, fails: bool = False) -> str:
    """Run the command; return stdout, or stdout and stderr together if it is meant to fail."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == (1 if fails else 0), result.output
    return result.output if fails else result.stdout


def process(*args: object, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Run the command as a process of its own."""
    command = [sys.executable, "-m", "fastmi.cli", *map(os.fsencode, map(_as_path, args))]
    return subprocess.run(command, check=False, **{**_CAPTURED, **options})


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash, in which $FASTMI is the command."""
    environment = {**os.environ, "FASTMI": f"{sys.executable} -m fastmi.cli"}
    options = {**_CAPTURED, "env": environment}
    return subprocess.run(["bash", "-c", line], check=False, **options)


def _as_path(argument: object) -> str | bytes | Path:
    return argument if isinstance(argument, bytes | Path) else str(argument)


def run_json(*args: object) -> dict:
    return json.loads(run(*args, "--json"))


def mi_json(data: Path, x: str = "a", y: str = "b", *more: str) -> float:
    """Return the estimate on the numbers as they are, to compare with that of `fastmi.mi`."""
    options = ("--x", x, "--y", y, "--scale", "none", *more)
    (estimate,) = run_json("mi", data, *options)["estimates"]
    return estimate["mi"]


def write_text(path: Path, delimiter: str = ",", *, header: bool = True) -> Path:
    rows = [[repr(float(value)) for value in row] for row in zip(A, B, C, strict=True)]
    lines = [delimiter.join(row) for row in ([NAMES, *rows] if header else rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table_of(
    tmp_path: Path, content: str | bytes, name: str = "data.csv", header: bool | None = None
) -> Table:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, header=header)


def values(table: Table) -> dict[str, list[float]]:
    return {column.name: column.values.tolist() for column in table.columns}


def check(table: Table, expected: dict[str, list[float]]) -> None:
    assert list(values(table)) == list(expected)
    for column in table.columns:
        assert not column.problem
        np.testing.assert_array_equal(column.values, expected[column.name])
