"""What the benches of a GPU share: times, rates, and a record that outlives a part that fails."""

from __future__ import annotations

import json
import statistics
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import render

NO_GPU = 77
"""Exit status of a bench that had no GPU to measure."""


def missing() -> bool:
    """Return whether there is no GPU that fastmi can use, and print why."""
    import fastmi

    cuda = fastmi.config()["cuda"]
    if not cuda["available"]:
        print(f"no GPU: not measured ({cuda['reason']})")
    return not cuda["available"]


class Recording:
    """The results of a bench whose parts may fail, or come too late, and do not stop the others.

    Args:
        bench: Name of the bench among the tables of `render`.
        seconds: Seconds after which no further part starts.
        out: File that holds the results so far, so that a run cut short leaves them; None for none.
        parts: Empty values of what the result will hold.

    Attributes:
        result: The JSON-able record.
    """

    def __init__(self, bench: str, seconds: float, out: str | None, **parts: Any) -> None:
        self._end = time.perf_counter() + seconds
        self._out = out
        self.result: dict[str, Any] = {
            "bench": bench,
            "machine": machine.describe(),
            "gpu": {},
            **parts,
            "failures": [],
        }
        self.result["gpu"] = self.attempt("record of the GPU", describe) or {}

    def left(self) -> float:
        """Return the seconds until no further part starts."""
        return self._end - time.perf_counter()

    def attempt(self, what: str, call: Callable[[], Any]) -> Any:
        """Return what the call returns; None if it fails or the time is up."""
        if self.left() <= 0:
            self.fail(what, "not started: time is up")
            return None
        try:
            return call()
        except Exception as error:
            traceback.print_exc()
            self.fail(what, f"{type(error).__name__}: {error}")
            return None

    def fail(self, what: str, error: str) -> None:
        """Record that a part failed."""
        self.result["failures"].append({"what": what, "error": error})

    def save(self) -> None:
        """Write what there is so far."""
        if self._out:
            Path(self._out).parent.mkdir(parents=True, exist_ok=True)
            Path(self._out).write_text(json.dumps(self.result, indent=1) + "\n")

    def finish(self) -> int:
        """Write the results, print their table, and return the exit status."""
        self.save()
        print(render.section(self.result))
        return 1 if self.result["failures"] else 0


def describe() -> dict[str, Any]:
    """Return what the numbers depend on besides the machine: the GPU, torch, the driver."""
    import torch

    import fastmi

    properties = torch.cuda.get_device_properties(0)
    return {
        "name": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "memory": properties.total_memory,
        "torch": torch.__version__,
        "cuda": fastmi.config()["cuda"],
    }


def median_time(call: Callable[[], object], *, budget: float, most: int = 30) -> dict[str, float]:
    """Median of wall times and of times between device events, in seconds, after a warm-up."""
    import torch

    call()
    wall: list[float] = []
    events: list[float] = []
    stop = time.perf_counter() + budget
    while len(wall) < most and (len(wall) < 3 or time.perf_counter() < stop):
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start = time.perf_counter()
        before.record()
        call()
        after.record()
        torch.cuda.synchronize()
        wall.append(time.perf_counter() - start)
        events.append(before.elapsed_time(after) / 1e3)
        if sum(wall) > 4 * budget:
            break
    return {
        "median": statistics.median(wall),
        "min": min(wall),
        "events_median": statistics.median(events),
        "calls": len(wall),
    }


def copy_rate() -> float:
    """Bytes/s of a copy inside the GPU's memory, what is read and what is written together."""
    import torch

    source = torch.empty(2**28, device="cuda").normal_()
    target = torch.empty_like(source)
    copy = median_time(lambda: target.copy_(source), budget=0.5)
    return 2 * source.nbytes / copy["events_median"]
