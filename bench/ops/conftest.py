"""What the benches of single operations share: sizes, the record of the machine, the comparison.

    pytest bench/ops --benchmark-autosave --benchmark-compare
    pytest bench/ops --benchmark-disable -m "not large"          # every result once, no timing

Each test times one operation and checks its result.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

# importlib import mode leaves these folders off the path: the harness, and the definitions.
sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "tests")]

import machine
import tasks
from result_tables import markdown_table
from timing import format_seconds

COLUMNS = ["min", "median", "stddev", "rounds"]


@pytest.fixture(params=["small", pytest.param("large", marks=pytest.mark.large)])
def size(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def task(size: str, benchmark: Callable[..., Any]) -> tasks.Task:
    """Samples for an operation that takes little more than n log n."""
    return _recorded(benchmark, tasks.OPS_TABLE[size])


@pytest.fixture
def all_pairs_task(size: str, benchmark: Callable[..., Any]) -> tasks.Task:
    """Samples for an operation that looks at every pair of samples."""
    return _recorded(benchmark, tasks.ALL_PAIRS_TABLE[size])


def _recorded(benchmark: Any, task: tasks.Task) -> tasks.Task:
    benchmark.extra_info["case"] = task.name
    return task


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "large: takes about a second; deselect with -m 'not large'")
    # The plugin warns where there is nothing to compare with yet, or the machine is another one;
    # elsewhere in this repository warnings are errors. It does so in this phase and in later ones.
    warnings.simplefilter("default", PytestBenchmarkWarning)
    config.addinivalue_line(
        "filterwarnings", "default::pytest_benchmark.logger.PytestBenchmarkWarning"
    )
    # One table for each function, in few columns, unless the command says otherwise.
    for option, value in (("group_by", "func"), ("columns", COLUMNS)):
        flag = f"--benchmark-{option.replace('_', '-')}"
        if not any(argument.startswith(flag) for argument in config.invocation_params.args):
            setattr(config.option, f"benchmark_{option}", value)


def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    return machine.environment()


def pytest_benchmark_update_commit_info(config: pytest.Config, commit_info: dict[str, Any]) -> None:
    command = " ".join(["pytest", *map(str, config.invocation_params.args)])
    commit_info.update(machine.run() | {"command": command})


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print one line for each operation that an earlier run has too, instead of a table each."""
    session: Any = config.pluginmanager.getplugin("pytest-benchmark")
    rows = list(_compared([each for _, group in session.groups or () for each in group]))
    if rows:
        session.quiet = not session.verbose
        header = ["operation", "case", "run", "before", "now", "now / before, median", "min"]
        terminalreporter.write_line("\n" + markdown_table(header, rows))


def _compared(results: list[dict[str, Any]]) -> Iterator[list[str]]:
    now = {result["fullname"]: result for result in results if result["path"] is None}
    for before in results:
        current = now[before["fullname"]]
        if before is not current:
            yield [
                before["fullname"].partition("::test_")[2],
                current["extra_info"]["case"],
                # The plugin has told the name of the file; its number tells apart several.
                before["source"].partition("_")[0],
                format_seconds(before["median"]),
                format_seconds(current["median"]),
                f"{current['median'] / before['median']:.2f}",
                f"{current['min'] / before['min']:.2f}",
            ]
