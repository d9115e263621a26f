"""Independent pieces of work on threads, all of which an interrupt ends at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

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
    from concurrent.futures import ThreadPoolExecutor

    flag = kernels().StopFlag()

    def begin(item: Item) -> Result:
        # What waits in the queue begins although the flag is set, if the interrupt came before
        # all of it was there.
        heed_stop()
        return work(item)

    with ThreadPoolExecutor(threads, initializer=flag.watch) as pool:
        try:
            return list(pool.map(begin, items))
        except BaseException:
            flag.set()
            raise


def heed_stop() -> None:
    """Raise KeyboardInterrupt if the work that this thread does for :func:`on_threads` is to end.

    Elsewhere, and as long as nothing has happened, it does nothing.
    """
    kernels().heed_stop()
