"""JIDT, through a JVM that stays up, with the jar named by FASTMI_JIDT_JAR."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from peers import _base
from peers._base import Peer, Samples


@cache
def _server() -> subprocess.Popen[str]:
    """Start the JVM; it ends when its stdin closes, that is with this process."""
    source = Path(__file__).with_name("JidtServer.java")
    return subprocess.Popen(
        ["java", "-cp", os.environ["FASTMI_JIDT_JAR"], str(source)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class Jidt(Peer):
    """MutualInfoCalculatorMultiVariateKraskov1 with its normalisation and noise off."""

    name = "JIDT"
    notes = "Kraskov1 calculator timed inside a warm JVM, all cores, no noise, not normalised"
    # Its 1-D counts differ by one at about one sample in ten thousand.
    tolerance = 1e-6

    def why_unavailable(self) -> str | None:
        jar = os.environ.get("FASTMI_JIDT_JAR")
        if not jar:
            return "FASTMI_JIDT_JAR does not name infodynamics.jar"
        if not Path(jar).is_file():
            return f"FASTMI_JIDT_JAR={jar} is not a file"
        if shutil.which("javac") is None:
            return "no JDK: javac is not on the PATH"
        return None

    def version(self) -> str:
        return Path(os.environ["FASTMI_JIDT_JAR"]).name

    def max_n(self, dx: int, dy: int) -> int:
        dims = dx + dy
        return 1_000_000 if dims <= 2 else 100_000 if dims <= 10 else 10_000

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        return self.timed(x, y, k)[0]

    def timed(self, x: Samples, y: Samples, k: int) -> tuple[float, float]:
        server = _server()
        with tempfile.NamedTemporaryFile(suffix=".f64") as file:
            np.hstack([x, y]).astype("<f8").tofile(file.name)
            request = f"{len(x)} {x.shape[1]} {y.shape[1]} {k} {_base.THREADS} {file.name}\n"
            server.stdin.write(request)
            server.stdin.flush()
            answer = server.stdout.readline()
        if not answer:
            raise RuntimeError(f"the JVM ended with exit code {server.wait()}")
        value, seconds = map(float, answer.split())
        return value, seconds

    def pid(self) -> int | None:
        return _server().pid
