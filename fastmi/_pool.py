"""Independent pieces of work on threads, all of which an interrupt ends at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any, TypeVar

from fastmi._backend import kernels

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_threads(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """Return ``[work(item) for item in items]``, computed by a number of threads.

    Python raises KeyboardInterrupt on the main thread, which waits here, and which would then wait
    for all that runs. A flag therefore tells the threads: their kernels stop at it within some 50
    ms, and so does :func:`heed_stop` between kernels. An exception of one piece of work ends the
    others in the same way.

    Args:
        work: Function of one item. Where it computes for long without a kernel, it calls
            :func:`heed_stop` now and then.
        items: What to work on.
        threads: Number of threads, at least 1; 1 computes on the calling thread.
    """
    if threads == 1:
        return [work(item) for item in items]
    flag = kernels().StopFlag()
    waiting = deque(enumerate(items))
    results: list[Any] = [None] * len(waiting)
    errors: list[BaseException] = []

    def serve() -> None:
        flag.watch()
        try:
            while waiting:
                try:
                    number, item = waiting.popleft()
                except IndexError:  # another thread took the last one
                    return
                heed_stop()
                results[number] = work(item)
        except BaseException as error:
            errors.append(error)
            flag.set()

    # Not an executor: an interrupt in a `with` of one of the locks that it shares with its threads
    # can leave the lock locked, for which both would wait for ever. Here nothing is locked, and a
    # thread that an interrupt keeps from starting is a daemon, so that nothing waits for it.
    team = [
        Thread(target=serve, name="fastmi", daemon=True) for _ in range(min(threads, len(results)))
    ]
    try:
        for thread in team:
            try:
                thread.start()
            except RuntimeError:  # the system grants no more threads: those that run do all
                if thread is team[0]:
                    raise
                break
        for thread in team:
            if thread.ident is not None:
                thread.join()
    except BaseException:
        flag.set()
        for thread in team:
            if thread.is_alive():
                thread.join()
        raise
    if errors:
        raise errors[0]
    return results


def heed_stop() -> None:
    """Raise KeyboardInterrupt if the work that this thread does for :func:`on_threads` is to end.

    Elsewhere, and as long as nothing has happened, it does nothing.
    """
    kernels().heed_stop()
