"""Fixtures shared by every test, and the report header.

`simd_level` and `algorithm` multiply a test by every code path that must return the same bits.
"""

import os
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# importlib import mode leaves this folder off the path; `reference` and `samples` live in it.
sys.path.insert(0, str(Path(__file__).parent))

import fastmi
from devices import CPU, Device, gpu, host
from fastmi import _backend, _cpu
from fastmi.estimators._measure import Measure

METRICS = ("chebyshev", "euclidean")
ALGORITHMS = ("auto", "tree", "brute", "sort")
# A run with the level forced from outside stays on it.
FORCED_LEVEL = os.environ.get("FASTMI_SIMD_LEVEL")
SIMD_LEVELS = [FORCED_LEVEL] if FORCED_LEVEL else _cpu.simd_levels()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config: pytest.Config) -> None:
    # A width from outside would break the lines of messages that tests read.
    os.environ.pop("COLUMNS", None)
    # Where a shell runs the tests in the background, Ctrl-C is ignored, and it would be by the
    # processes that tests start as well.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Only some test files need hypothesis; the package tests run with NumPy and pytest alone.
    if find_spec("hypothesis") is None:
        return
    from hypothesis import HealthCheck, settings

    slow = config.getoption("--slow")
    settings.register_profile(
        "fastmi",
        deadline=None,
        derandomize=not slow,
        database=None,
        max_examples=1000 if slow else 40,
        # The fixtures only choose a code path; they hold no state that an example could spoil.
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("fastmi")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs --slow"))


def pytest_report_header() -> list[str]:
    return [
        f"fastmi: {fastmi.__version__} from {Path(fastmi.__file__).parent}",
        *(f"fastmi: {key} = {value}" for key, value in fastmi.config().items()),
        f"fastmi: FASTMI_SIMD_LEVEL = {FORCED_LEVEL}",
    ]


@pytest.fixture(params=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=METRICS)
def metric(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=ALGORITHMS)
def algorithm(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=SIMD_LEVELS)
def simd_level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every instruction set this build and this CPU can run, selected while the test runs."""
    monkeypatch.setenv("FASTMI_SIMD_LEVEL", request.param)
    assert _cpu.simd_level() == request.param
    return request.param


@pytest.fixture(params=["cpu", "host-cuda", "cuda"])
def device(request: pytest.FixtureRequest) -> Device:
    """One after the other: the CPU, the host build of the module for GPUs, and a GPU if any."""
    if request.param == "cpu":
        return CPU
    return request.getfixturevalue("host_gpu" if request.param == "host-cuda" else "real_gpu")


@pytest.fixture(params=["host-cuda", "cuda"])
def any_gpu(request: pytest.FixtureRequest) -> Device:
    """One after the other: the host build of the module for GPUs, and a GPU if any."""
    return request.getfixturevalue("host_gpu" if request.param == "host-cuda" else "real_gpu")


@pytest.fixture
def host_gpu(monkeypatch: pytest.MonkeyPatch) -> Device:
    """The module for GPUs built for the host; fastmi takes it for one on a GPU."""
    found = host()
    if isinstance(found, str):
        pytest.skip(f"no host build of the CUDA module: {found}")
    backend = _backend.Cuda(found.kernels, "")
    monkeypatch.setattr(_backend, "find_cuda", lambda: backend)
    monkeypatch.setattr("fastmi._device.find_cuda", lambda: backend)
    return found


@pytest.fixture
def real_gpu() -> Device:
    """A GPU; without one the test is skipped, with the reason."""
    found = gpu()
    if isinstance(found, str):
        # bench/gpu_check.sh sets this, because a run that skips everything would pass.
        if os.environ.get("FASTMI_REQUIRE_GPU"):
            pytest.fail(f"no GPU: {found}")
        pytest.skip(f"no GPU: {found}")
    return found


@pytest.fixture
def simd_levels() -> list[str]:
    """All levels of `simd_level`, for a test that compares them with each other."""
    return SIMD_LEVELS


@pytest.fixture(params=[1, 2, 3, 4], ids=lambda t: f"threads{t}")
def threads(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20040623)


@pytest.fixture
def estimated_from(monkeypatch: pytest.MonkeyPatch) -> list[list[np.ndarray]]:
    """The blocks that repeated estimates are made from, in the order of the estimates."""
    seen = []
    call = Measure.__call__

    def spy(
        self: Measure, blocks: list[np.ndarray], *others: Any, **options: Any
    ) -> list[fastmi.Estimate]:
        seen.append(blocks)
        return call(self, blocks, *others, **options)

    monkeypatch.setattr(Measure, "__call__", spy)
    return seen


@pytest.fixture(scope="module")
def one_torch_thread() -> Iterator[None]:
    """One thread for torch, so that results and times of short trainings are the same anywhere."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
