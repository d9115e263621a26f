"""What the benches of single operations share: sizes, and the record of the machine.

    pytest bench/ops --benchmark-autosave --benchmark-compare
    pytest bench/ops --benchmark-disable -m "not large"          # every result once, no timing

Each test times one operation and checks its result. The table of a comparison has a block for
each operation; without one, a block for each function.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_benchmark.plugin  # noqa: F401 - without the plugin its hooks below are unknown

# importlib import mode leaves these folders off the path: the harness, and the definitions.
sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "tests")]

import machine
import tasks


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
    # The plugin warns of what a run shall survive, as of a first run that finds none to compare.
    config.addinivalue_line(
        "filterwarnings", "default::pytest_benchmark.logger.PytestBenchmarkWarning"
    )
    if config.option.benchmark_group_by == "group":
        config.option.benchmark_group_by = "fullname" if config.option.benchmark_compare else "func"


def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    return machine.environment()


def pytest_benchmark_update_commit_info(commit_info: dict[str, Any]) -> None:
    commit_info.update(machine.run())
