"""What a timing depends on besides the code: machine, build, thread counts, versions."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
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


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def environment(threads: int | None = None) -> dict[str, Any]:
    """Return what stays the same from run to run: timings compare only where it is equal.

    Args:
        threads: Cores the libraries were given; all usable ones if None.
    """
    return {
        "cpu": _cpu_model(),
        "cores": cores(),
        "threads": cores() if threads is None else threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "torch": _version("torch"),
        **_build(),
    }


def _build() -> dict[str, Any]:
    """Return what fastmi says of itself: a build copied into place has no metadata to read."""
    try:
        import fastmi
    except ImportError:
        return {"fastmi": None, "simd_level": "none", "build": {}, "device": None}
    config = fastmi.config()
    cuda = config["cuda"]
    return {
        "fastmi": config["version"],
        "simd_level": config["simd_level"],
        "build": config["build"],
        "device": cuda["devices"][0]["name"] if cuda["available"] else None,
    }


def run() -> dict[str, Any]:
    """Return what belongs to one run: the code, the command, how busy the machine was."""
    return {
        "load_average": round(os.getloadavg()[0], 2),
        "git": _git("rev-parse", "--short=12", "HEAD"),
        "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "command": " ".join(["python", *sys.argv]),
    }


def describe(threads: int | None = None) -> dict[str, Any]:
    """Return a JSON-able record of everything a reader needs to judge the numbers.

    Args:
        threads: Cores the libraries were given; all usable ones if None.
    """
    return {**environment(threads), **run()}


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
