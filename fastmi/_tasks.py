"""Runs many independent estimates on threads, with progress and reproducible random streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from fastmi._backend import thread_count
from fastmi._checks import Seed, generator
from fastmi._extras import Progress, ProgressBar
from fastmi._pool import heed_stop, on_threads

Result = TypeVar("Result")

#: Largest number of estimates in one call; their seeds and values take about 2 GB.
MOST_TASKS = 10_000_000
# Number of tasks handed to a thread at once: a short estimate takes as long as handing it over.
_CHUNK = 16


def run(
    task: Callable[[int, int], Result],
    count: int,
    *,
    n_jobs: int | None,
    progress: Progress,
    what: str,
) -> list[Result]:
    """Return ``[task(0, threads), ..., task(count - 1, threads)]``.

    Args:
        task: Function of the task's number and of the number of threads that it may use itself.
        count: Number of tasks.
        n_jobs: Number of threads in all. Each works on tasks of its own; if there are more threads
            than tasks, several work inside each task.
        progress: True shows a bar, which needs tqdm; a function is called after each task, from
            any thread.
        what: Label of the bar.
    """
    threads = thread_count(n_jobs)
    workers = max(1, min(threads, count))
    inner = threads // workers

    def chunk(start: int) -> list[Result]:
        results = []
        for number in range(start, min(start + size, count)):
            heed_stop()
            results.append(task(number, inner))
            bar.advance()
        return results

    size = max(1, count if workers == 1 else min(_CHUNK, count // (4 * workers)))
    with ProgressBar(progress, count, what) as bar:
        parts = on_threads(chunk, range(0, count, size), workers)
    return [result for part in parts for result in part]


def streams(seed: Seed | None, count: int) -> list[list[int]]:
    """Return seeds of `count` independent generators, from a seed of any kind."""
    rng = generator(seed)
    return cast("list[list[int]]", rng.integers(0, 2**63, size=(count, 2)).tolist())
