"""The one place that loads compiled modules, picks one for a device and counts threads."""

from __future__ import annotations

import os
import platform
import sys
from types import ModuleType
from typing import Any

import numpy as np

try:
    from fastmi import _cpu
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

# OpenMP ends the whole process when it cannot start a thread, so a slip such as
# n_jobs=10**6 must not reach it. Far above what helps, far below what any system refuses.
_MAX_OVERSUBSCRIBED_THREADS = 256


def kernels() -> ModuleType:
    """Return the compiled module that serves arrays in host memory."""
    return _cpu


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
        # OpenMP allows a list, one entry per nesting level; the outermost is ours.
        outermost = requested.split(",", 1)[0].strip()
        if outermost.isdecimal() and int(outermost) >= 1:
            return min(int(outermost), max(_MAX_OVERSUBSCRIBED_THREADS, _usable_cores()))
    return _usable_cores()


def _usable_cores() -> int:
    # Asked on each call: taskset, cgroups and job schedulers change it while a process lives.
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def config() -> dict[str, Any]:
    """Return what this installation runs on, as plain JSON-able values.

    Returns:
        Keys: ``version``, ``python``, ``numpy``, ``simd_level`` (in use), ``simd_levels``
        (what this build and this CPU can run), ``threads`` (what ``n_jobs=None`` means),
        ``openmp_runtimes`` (paths of the OpenMP libraries in this process; more than one
        can slow all of them down), ``cuda`` (``available`` and ``reason``) and ``build``
        (compiler and versions).
    """
    build = dict(_cpu.build_info())
    del build["version"]
    reason = str(build.pop("cuda", "not part of this build")).removeprefix("off: ")
    return {
        "version": VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "simd_level": _simd_level(),
        "simd_levels": list(_cpu.simd_levels()),
        "threads": thread_count(None),
        "openmp_runtimes": _openmp_runtimes(),
        "cuda": {"available": False, "reason": reason},
        "build": build,
    }


def _simd_level() -> str:
    try:
        return str(_cpu.simd_level())
    except ValueError as error:  # this is where a user comes to see what is wrong
        return f"none: {error}"


def show_config() -> None:
    """Print :func:`config`, one line per entry."""
    settings = config()
    cuda = settings["cuda"]
    settings["cuda"] = "on" if cuda["available"] else f"off: {cuda['reason']}"
    build = {f"build {name}": value for name, value in settings.pop("build").items()}
    for name, value in {**settings, **build}.items():
        shown = ", ".join(map(str, value)) or "none" if isinstance(value, list) else value
        print(f"{name:<16} {shown}")


def _openmp_runtimes() -> list[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = {line.split(maxsplit=5)[-1].strip() for line in maps if "omp" in line}
    except OSError:  # not Linux
        return []
    stems = ("libgomp", "libomp", "libiomp")
    return sorted(path for path in paths if os.path.basename(path).startswith(stems))
