"""What a timing depends on besides the code: machine, build, thread counts, versions."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any


def cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0))


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def simd_level() -> str:
    """SIMD level fastmi's kernels run at, or "none" if fastmi is not installed."""
    try:
        from fastmi import _cpu
    except ImportError:
        return "none"
    return str(_cpu.simd_level())


def describe(threads: int | None = None) -> dict[str, Any]:
    """Return a JSON-able record of everything a reader needs to judge the numbers.

    Args:
        threads: Cores the libraries were given; all usable ones if None.
    """
    import numpy as np

    record: dict[str, Any] = {
        "cpu": _cpu_model(),
        "cores": cores(),
        "threads": cores() if threads is None else threads,
        "simd_level": simd_level(),
        "load_average": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "git": _git("rev-parse", "--short=12", "HEAD"),
        "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "command": " ".join(["python", *sys.argv]),
    }
    try:
        import fastmi
        from fastmi import _cpu

        record["fastmi"] = fastmi.__version__
        record["build"] = {key: str(value) for key, value in _cpu.build_info().items()}
    except ImportError:
        record["fastmi"] = None
    return record


def ceiling(dtype: str, threads: int, seconds: float = 0.5) -> float:
    """Measure the L-inf pair-dimensions/s that register-tiled code can reach.

    Args:
        dtype: "float32" or "float64".
        threads: Cores to use.
        seconds: Probe time; the best of several slices is returned.
    """
    import numpy as np

    from fastmi import _cpu

    return float(_cpu.ceiling_probe(np.zeros((1, 1), dtype), seconds, threads))
