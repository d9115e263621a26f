"""Independent pieces of work on threads, all of which an interrupt ends at once."""

from __future__ import annotations

from _thread import LockType, allocate_lock, start_new_thread
from collections import deque
from collections.abc import Callable, Iterable
from time import sleep
from typing import Any, TypeVar

from fastmi._backend import kernels

Item = TypeVar("Item")
Result = TypeVar("Result")

# Seconds between two looks at whether all threads have ended after an interrupt.
_NAP = 0.002
# Seconds between two looks at signals. The system may hand one to any thread, and Python's handler
# runs when the main thread does: one that waits without an end would sleep on.
_LOOK = 0.05


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
        threads: Number of threads, at least 1; 1 computes on the calling thread. Where the system
            grants fewer, there are fewer.
    """
    if threads == 1:
        return [work(item) for item in items]
    flag = kernels().StopFlag()
    waiting = deque(enumerate(items))
    results: list[Any] = [None] * len(waiting)
    errors: list[BaseException] = []
    ended: list[None] = []

    def serve(running: LockType) -> None:
        try:
            flag.watch()
            while waiting:
                try:
                    number, item = waiting.popleft()
                except IndexError:  # another thread took the last one
                    break
                heed_stop()
                results[number] = work(item)
        except BaseException as error:
            errors.append(error)
            flag.set()
        finally:
            ended.append(None)
            running.release()

    # Neither an executor nor Thread: both take locks on the calling thread that they share with
    # others, and an interrupt in the middle leaves such a lock locked, for which all wait for ever.
    # At its end the process would also wait for their threads.
    team: list[LockType] = []
    try:
        for _ in range(min(threads, len(results))):
            running = allocate_lock()
            running.acquire()
            try:
                start_new_thread(serve, (running,))
            except RuntimeError:  # the system grants no more threads: those that run do all
                break
            team.append(running)
        for running in team:
            while not running.acquire(timeout=_LOOK):
                pass
        # All is left where there is no thread at all.
        for number, item in () if errors else waiting:
            results[number] = work(item)
    except BaseException:
        flag.set()
        while len(ended) < len(team):
            sleep(_NAP)
        raise
    if errors:
        raise errors[0]
    return results


def heed_stop() -> None:
    """Raise KeyboardInterrupt if the work that this thread does for :func:`on_threads` is to end.

    Elsewhere, and as long as nothing has happened, it does nothing.
    """
    kernels().heed_stop()
