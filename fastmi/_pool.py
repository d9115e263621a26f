"""Independent pieces of work on threads, all of which an interrupt ends at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from fastmi._backend import kernels

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Name of the threads.
NAME = "fastmi"


def on_threads(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """Return ``[work(item) for item in items]``, computed by a number of threads.

    Python raises KeyboardInterrupt on the main thread, which waits here, and which would then wait
    for all that runs. A flag therefore tells the threads: their kernels stop at it within some 50
    ms, and so does :func:`heed_stop` between kernels. An exception of one piece of work ends the
    others in the same way.

    The threads are daemons: at its end the process would wait for those of
    :mod:`concurrent.futures`, which also starts none from then on.

    Args:
        work: Function of one item. Where it computes for long without a kernel, it calls
            :func:`heed_stop` now and then.
        items: What to work on.
        threads: Number of threads, at least 1; 1 computes on the calling thread. Where the system
            grants fewer, there are fewer.
    """
    if threads == 1:
        return [work(item) for item in items]
    flag = kernels().StopFlag()
    lock = threading.Lock()
    todo = iter(enumerate(items))
    results: dict[int, Result] = {}
    errors: list[BaseException] = []

    def serve() -> None:
        flag.watch()
        try:
            while True:
                heed_stop()
                with lock:
                    following = next(todo, None)
                if following is None:
                    return
                results[following[0]] = work(following[1])
        except BaseException as error:
            with lock:
                errors.append(error)
                # The others are about its consequences.
                del errors[1:]
            flag.set()

    team = [threading.Thread(target=serve, name=NAME, daemon=True) for _ in range(threads)]
    try:
        with suppress(RuntimeError):  # the system grants no more
            for thread in team:
                thread.start()
        for thread in team:
            if thread.is_alive():
                thread.join()
        # Where there are none at all, this thread does the work.
        results.update((number, work(item)) for number, item in ([] if errors else todo))
    except BaseException:
        flag.set()
        for thread in team:
            if thread.is_alive():
                thread.join()
        raise
    if errors:
        raise errors.pop()
    return [results[number] for number in range(len(results))]


def heed_stop() -> None:
    """Raise KeyboardInterrupt if the work that this thread does for :func:`on_threads` is to end.

    Elsewhere, and as long as nothing has happened, it does nothing.
    """
    kernels().heed_stop()
