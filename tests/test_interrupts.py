"""Ctrl-C ends every long operation soon, on all its threads, and the next call is right.

`interruptible.py` lists the operations. `faults/interrupts.py` interrupts each of them at random
moments and shows that it takes less than a second; here a few of each kind are interrupted once.
"""

import _thread
import importlib
import inspect
import signal
import sys
import threading
import time
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
import pytest

import fastmi
from fastmi import _pool, _tasks, bounds, datasets, neighbors
from fastmi._pool import heed_stop, on_threads
from fastmi.compat import npeet
from fastmi.estimators._methods import METHODS
from interruptible import OPERATIONS
from interrupting import Child

# An interrupt should take less than a second. A test that waits for two busy cores, on which other
# tests run, needs more, and a call that goes on to its end takes longer than that.
LIMIT_S = 5.0

# Kernels and NumPy, on the calling thread and on several, for few long tasks and many short ones.
FEW = [
    "mi ksg1",
    "mi, theiler",
    "count_within",
    "pairwise_mi",
    "pairwise_mi ksg1, p-values",
    "pairwise_mi mixed, p-values",
    "pairwise_mi discrete, p-values",
    "pairwise_mi by kind",
    "rank_features, classes",
    "permutation_test mixed",
    "permutation_test discrete",
    "permutation_test, local, fp",
    "permutation_test, fewer surrogates than threads",
    "subsample_error ksg1",
    "lagged_mi mixed, rotations",
    "sandwich",
    "ais, HMC",
    "npeet.shuffle_test",
    "sklearn.mutual_info_regression, many columns",
]

# Public functions that read or write numbers once, or compute with as many as there are columns.
SHORT = {
    "bounds.barber_agakov",
    "bounds.feasible_limit",
    "bounds.jeffreys",
    "compat.npeet.add_noise",
    "compat.npeet.avgdigamma",
    "datasets.Distribution",
    "statistics.q_values",
}


class Timer:
    """Raises KeyboardInterrupt on the main thread after `seconds`, and says how late that was."""

    def __init__(self, seconds):
        self._seconds = seconds

    def __enter__(self):
        self._before = signal.signal(signal.SIGALRM, self._raise)
        self.restart()
        return self

    def restart(self):
        self._due = time.perf_counter() + self._seconds
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_):
        self.late = time.perf_counter() - self._due
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _raise(self, *_):
        raise KeyboardInterrupt


@contextmanager
def swallowed(timer):
    """Interrupt once more where Python drops an interrupt, as a user at a terminal would.

    An exception inside a destructor or the callback of a weak reference, for example those that
    torch has left to the garbage collector, ends nothing: Python hands it to `unraisablehook`.
    """
    before = sys.unraisablehook

    def again(dropped):
        if isinstance(dropped.exc_value, KeyboardInterrupt):
            timer.restart()
        else:
            before(dropped)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = before


def interrupted(call, seconds=0.2):
    """Interrupt a call and return how many seconds it took to end."""
    timer = Timer(seconds)
    threads = _thread._count()
    with pytest.raises(KeyboardInterrupt), swallowed(timer), timer:
        call()
    # A thread that was starting just then ends by itself, right after.
    while _thread._count() > threads and timer.late < 2 * LIMIT_S:
        time.sleep(0.01)
        timer.late += 0.01
    assert _thread._count() <= threads
    return timer.late


def values():
    """Small values of kernels and pools, to be the same after an interrupt."""
    x, y = np.random.default_rng(1).standard_normal((2, 400))
    y += x
    test = fastmi.permutation_test(x, y, method="mixed", n_permutations=20, n_jobs=2, seed=0)
    return [float(fastmi.mi(x, y, n_jobs=2)), *test.null.tolist()]


def public(module):
    """Return the names of the functions of a module, and of the distributions of `datasets`."""
    found = importlib.import_module(f"fastmi.{module}")
    members = {name: getattr(found, name) for name in found.__all__}
    return {
        f"{module}.{name}"
        for name, member in members.items()
        if inspect.isfunction(member) or (module == "datasets" and inspect.isclass(member))
    }


def test_every_operation_has_a_row():
    covered = {name for row in OPERATIONS.values() for name in row.covers}
    for method in METHODS:
        assert f"{method.function} {method.name}" in covered
    modules = ["neighbors", "statistics", "bounds", "datasets", "normalize", "compat.npeet"]
    if find_spec("sklearn"):
        modules.append("compat.sklearn")
    offered = set().union(*map(public, modules))
    assert offered - covered == SHORT
    assert not covered & SHORT


@pytest.mark.filterwarnings("ignore::fastmi.EstimateWarning")
@pytest.mark.parametrize("name", FEW)
def test_a_call_ends_soon_and_the_next_is_right(name):
    operation = OPERATIONS[name]
    modules = {"bounds": bounds, "datasets": datasets, "neighbors": neighbors, "npeet": npeet}
    space = {"np": np, "fastmi": fastmi, "rng": np.random.default_rng(0), **modules}
    space["load"] = pytest.importorskip
    before = values()
    exec(operation.samples, space)
    assert interrupted(lambda: exec(operation.call, space)) < LIMIT_S
    assert values() == before


class Destroyed:
    """An object whose destructor runs until it is interrupted."""

    def __del__(self):
        while True:
            pass


def test_an_interrupt_of_a_destructor_is_repeated():
    def call():
        Destroyed()
        while True:
            pass

    assert interrupted(call) < LIMIT_S


def test_ctrl_c_of_a_process(tmp_path):
    """The signal that a terminal sends, in a process of its own."""
    with Child(OPERATIONS["pairwise_mi mixed, p-values"], tmp_path) as child:
        for _ in range(3):
            child.start()
            assert child.end(0.2)[0] == "running"
            child.interrupt(signal.SIGINT)
            end, seconds = child.end(2 * LIMIT_S)
            assert end == "stopped"
            assert seconds < LIMIT_S
            assert child.check() == "same"


def test_bars_are_closed(monkeypatch):
    tqdm = pytest.importorskip("tqdm")
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, **given):
            super().__init__(**given)
            bars.append(self)
            signal.setitimer(signal.ITIMER_REAL, 0.1)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    x, y = np.random.default_rng(0).standard_normal((2, 2000, 2))
    with pytest.raises(KeyboardInterrupt), Timer(60.0):
        fastmi.permutation_test(
            x, y, method="mixed", n_permutations=100_000, n_jobs=2, progress=True
        )
    (bar,) = bars
    assert bar.n < 100_000
    assert bar.disable  # what close() leaves


def test_tasks_that_wait_do_not_begin():
    begun = []

    def task(number, _):
        begun.append(number)
        time.sleep(0.05)

    late = interrupted(
        lambda: _tasks.run(task, 10_000, n_jobs=3, progress=False, what="tasks"), 0.12
    )
    assert late < LIMIT_S
    assert len(begun) < 1000  # hundreds of chunks were waiting
    number = len(begun)
    time.sleep(0.15)
    assert len(begun) == number


@pytest.mark.parametrize("threads", [1, 3])
def test_work_that_heeds_ends(threads):
    def work(_):
        while True:
            heed_stop()

    assert interrupted(lambda: on_threads(work, range(9), threads), 0.1) < LIMIT_S


def test_an_error_ends_the_other_threads():
    def work(item):
        if item == 0:
            raise ZeroDivisionError("of the first")
        while True:
            heed_stop()

    with pytest.raises(ZeroDivisionError, match="of the first"):
        on_threads(work, range(4), 4)
    assert on_threads(lambda item: 2 * item, range(5), 2) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("granted", [0, 1, 2])
def test_fewer_threads_do_all(granted, monkeypatch):
    begun = []

    def start(*given):
        if len(begun) == granted:
            raise RuntimeError("can't start new thread")
        begun.append(_thread.start_new_thread(*given))

    monkeypatch.setattr(_pool, "start_new_thread", start)
    assert on_threads(lambda item: 2 * item, range(50), 4) == list(range(0, 100, 2))
    assert len(begun) == granted


def test_nobody_is_stopped_without_an_interrupt():
    heed_stop()
    found = []
    thread = threading.Thread(target=lambda: found.append(heed_stop()))
    thread.start()
    thread.join()
    assert found == [None]
