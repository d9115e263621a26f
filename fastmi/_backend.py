"""The one place that loads compiled modules, picks one for a device and counts threads."""

from __future__ import annotations

import os
import platform
import sys
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

try:
    # import-linter does not see compiled modules, and would take `from fastmi import _cpu` for an
    # import of the whole package.
    _cpu = import_module("fastmi._cpu")
except ImportError as error:
    raise ImportError(
        "fastmi's compiled module fastmi._cpu could not be imported; did you build it?\n"
        f"  package: {os.path.dirname(__file__)}\n"
        f"  python:  {platform.python_version()} ({sys.executable})\n"
        f"  reason:  {error}\n"
        "In a source checkout run `pip install -e .`. If fastmi is installed elsewhere, this "
        "folder hides it: start Python from another directory."
    ) from error

VERSION: str = _cpu.build_info()["version"]

# Every thread has memory of its own and stays until the process ends, so a slip such as
# n_jobs=10**6 must not reach the kernels. This limit is far above what helps.
_MAX_OVERSUBSCRIBED_THREADS = 256

_HOW_TO_BUILD_CUDA = (
    "to compile the CUDA kernels, run `FASTMI_CUDA=ON pip install .` in a clone of fastmi, with "
    "nvcc 12 or newer on the PATH (CUDAARCHS=90 does it for compute capability 9.0 alone, faster)"
)


class Cuda(NamedTuple):
    """The module ``fastmi._cuda``, or None and the reason why no GPU can be used."""

    kernels: Any
    reason: str


def kernels() -> ModuleType:
    """Return the compiled module that serves arrays in host memory."""
    return _cpu


def kernels_for(block: Any) -> Any:
    """Return the module that serves `block`, an array or a ``DeviceArray``.

    Both modules offer the functions of the kernel contract, see ``csrc/bindings/ops.h``.
    """
    return _cpu if type(block) is np.ndarray else cuda_kernels()


def cuda_kernels() -> Any:
    """Return the module that serves blocks on GPUs.

    Raises:
        RuntimeError: The module or a GPU is missing; the message says why.
    """
    found = find_cuda()
    if found.kernels is None:
        raise RuntimeError(f"fastmi cannot use a GPU here: {found.reason}")
    return found.kernels


@lru_cache(maxsize=1)
def find_cuda() -> Cuda:
    """Return the module for GPUs, or why there is none; the first call loads it and the driver."""
    try:
        module = import_module("fastmi._cuda")
    except ModuleNotFoundError:
        state = str(_cpu.build_info().get("cuda", "not part of this build"))
        if state.startswith("on"):
            return Cuda(None, "fastmi._cuda was built but is not installed")
        return Cuda(None, f"{state.removeprefix('off: ')}; {_HOW_TO_BUILD_CUDA}")
    except ImportError as error:
        return Cuda(None, f"fastmi._cuda could not be loaded: {error}")
    reason = str(module.driver_info()["reason"])
    return Cuda(None, reason) if reason else Cuda(module, "")


def thread_count(n_jobs: int | None) -> int:
    """Return the number of threads to run.

    Args:
        n_jobs: A checked value: None or -1 for ``OMP_NUM_THREADS`` if set, else every core
            this process may use; or a number of threads >= 1.
    """
    if n_jobs is not None and n_jobs != -1:
        if n_jobs <= _MAX_OVERSUBSCRIBED_THREADS:
            return int(n_jobs)
        return min(int(n_jobs), max(_MAX_OVERSUBSCRIBED_THREADS, _usable_cores()))
    requested = os.environ.get("OMP_NUM_THREADS")
    if requested:
        # The variable may hold a list, one entry per nesting level; the outermost is ours.
        outermost = requested.split(",", 1)[0].strip()
        if outermost.isdecimal() and int(outermost) >= 1:
            return min(int(outermost), max(_MAX_OVERSUBSCRIBED_THREADS, _usable_cores()))
    return _usable_cores()


def _usable_cores() -> int:
    # Asked on each call, because taskset, cgroups and job schedulers change the number while a
    # process lives.
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def config() -> dict[str, Any]:
    """Return what this installation runs on, as plain JSON-able values.

    Returns:
        Keys: ``version``, ``python``, ``numpy``, ``simd_level`` (in use), ``simd_levels``
        (what this build and this CPU can run), ``threads`` (what ``n_jobs=None`` means),
        ``cuda`` (``available``; ``reason`` why not; ``build``, ``runtime``, ``driver`` and
        ``devices`` as far as they are known) and ``build`` (compiler and SIMD levels).
    """
    build = dict(_cpu.build_info())
    del build["version"]
    return {
        "version": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "simd_level": _simd_level(),
        "simd_levels": list(_cpu.simd_levels()),
        "threads": thread_count(None),
        "cuda": _cuda_config(str(build.pop("cuda", ""))),
        "build": build,
    }


def _cuda_config(build: str) -> dict[str, Any]:
    kernels, reason = find_cuda()
    settings: dict[str, Any] = {"available": kernels is not None, "reason": reason, "build": build}
    if kernels is not None:
        driver = kernels.driver_info()
        settings["runtime"] = _cuda_version(driver["runtime_version"])
        settings["driver"] = _cuda_version(driver["driver_version"])
        settings["devices"] = []
        for index in range(kernels.device_count()):
            device = dict(kernels.device_info(index))
            device["compute_capability"] = ".".join(map(str, device["compute_capability"]))
            settings["devices"].append(device)
    return settings


def _cuda_version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _simd_level() -> str:
    try:
        return str(_cpu.simd_level())
    except ValueError as error:  # users look here for what is wrong
        return f"none: {error}"


def show_config() -> None:
    """Print :func:`config`, one line per entry."""
    settings = config()
    cuda = settings["cuda"]
    settings["cuda"] = f"off: {cuda['reason']}"
    if cuda["available"]:
        names = ", ".join(device["name"] for device in cuda["devices"])
        settings["cuda"] = f"on: {names}; driver {cuda['driver']}, runtime {cuda['runtime']}"
    build = {f"build {name}": value for name, value in settings.pop("build").items()}
    for name, value in {**settings, **build}.items():
        shown = ", ".join(map(str, value)) or "none" if isinstance(value, list) else value
        print(f"{name:<16} {shown}")
