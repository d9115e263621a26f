"""Calls from several Python threads, across fork and spawn, next to torch, and under Ctrl-C.

Tests that could hang or kill the interpreter run in a subprocess with a time limit.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastmi
from fastmi import _cpu
from samples import draw_blocks

LIMIT_S = 60.0
DIMS = ((1, 1), (2, 2), (10, 10))

# The samples are so many that a parallel region is worth starting.
PRELUDE = """
import numpy as np
import fastmi

rng = np.random.default_rng(0)
x = rng.standard_normal((3000, 4))
y = x + rng.standard_normal((3000, 4))

def estimate(n_jobs=2):
    return float(fastmi.mi(x, y, k=3, n_jobs=n_jobs))
"""


def run_script(tmp_path, body):
    """Run PRELUDE and `body` as a file of its own; return what it printed."""
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class TestPythonThreads:
    def test_simultaneous_calls_return_what_single_calls_do(self):
        cases = [draw_blocks("gaussian", 1500, DIMS[c % 3], "float64") for c in range(9)]
        alone = [_cpu.ksg(blocks, [3], 1, "chebyshev", "auto", 1)[:4] for blocks in cases]
        workers = 6
        start = threading.Barrier(workers)

        def work(worker):
            start.wait()
            return [
                _cpu.ksg(cases[(worker + c) % 9], [3], 1, "chebyshev", "auto", 2)[:4]
                for c in range(9)
            ]

        with ThreadPoolExecutor(workers) as pool:
            for worker, results in enumerate(pool.map(work, range(workers))):
                for c, result in enumerate(results):
                    for a, b in zip(result, alone[(worker + c) % 9], strict=True):
                        np.testing.assert_array_equal(a, b)

    def test_errors_stay_with_the_caller_that_caused_them(self):
        x, y = draw_blocks("gaussian", 500, (2, 2), "float64")
        expected = float(fastmi.mi(x, y, n_jobs=1))

        def work(worker):
            if worker % 2:
                with pytest.raises(ValueError, match="k"):
                    _cpu.ksg([x, y], [500], 1, "chebyshev", "auto", 2)
                return expected
            return float(fastmi.mi(x, y, n_jobs=2))

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(work, range(40))) == {expected}

    def test_the_gil_is_released(self):
        """A second thread runs Python while the first is inside a kernel."""
        ticks = []
        stop = threading.Event()

        def tick():
            while not stop.wait(0.001):
                ticks.append(time.perf_counter())

        ticker = threading.Thread(target=tick)
        ticker.start()
        try:
            n, inside = 1000, 0
            # n grows until the call is long enough: a call that holds the GIL sees 0 or 1 ticks.
            while n <= 64_000:
                blocks = draw_blocks("gaussian", n, (8, 8), "float64")
                before = time.perf_counter()
                _cpu.kth_distance(blocks, [3], "chebyshev", "brute", 1)
                after = time.perf_counter()
                inside = sum(before < t < after for t in ticks)
                if inside >= 10:
                    break
                n *= 2
        finally:
            stop.set()
            ticker.join()
        assert inside >= 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestFork:
    def test_child_and_parent_after_fork(self, tmp_path):
        """The parent has a warm thread pool that the child does not inherit."""
        out = run_script(
            tmp_path,
            """
            import os
            import warnings

            warnings.simplefilter("ignore", DeprecationWarning)
            print(estimate())
            for _ in range(3):
                read, write = os.pipe()
                child = os.fork()
                if child == 0:
                    os.write(write, f"{estimate()} {estimate()}".encode())
                    os._exit(0)
                _, status = os.waitpid(child, 0)
                assert status == 0
                print(os.read(read, 100).decode())
                print(estimate())
            """,
        )
        assert len(out) == 10
        assert len(set(out)) == 1

    def test_grandchildren_and_errors_after_fork(self, tmp_path):
        out = run_script(
            tmp_path,
            """
            import os
            import warnings

            warnings.simplefilter("ignore", DeprecationWarning)

            def forked(work):
                child = os.fork()
                if child == 0:
                    work()
                    os._exit(0)
                assert os.waitpid(child, 0)[1] == 0

            def check():
                from fastmi import _cpu
                try:
                    _cpu.ksg([x, y], [3000], 1, "chebyshev", "auto", 2)[:4]
                except ValueError:
                    print(estimate(), flush=True)

            check()
            forked(lambda: (check(), forked(check)))
            """,
        )
        assert len(out) == 3
        assert len(set(out)) == 1

    def test_fork_from_a_second_thread(self, tmp_path):
        out = run_script(
            tmp_path,
            """
            import os
            import threading
            import warnings

            warnings.simplefilter("ignore", DeprecationWarning)
            print(estimate(), flush=True)

            def work():
                child = os.fork()
                if child == 0:
                    print(estimate(), flush=True)
                    os._exit(0)
                assert os.waitpid(child, 0)[1] == 0

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            """,
        )
        assert len(out) == 2
        assert len(set(out)) == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method, tmp_path):
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    out = run_script(
        tmp_path,
        f"""
        import multiprocessing
        import warnings

        if __name__ == "__main__":
            warnings.simplefilter("ignore", DeprecationWarning)
            print(estimate())
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                print(*pool.map(estimate, [1, 2, 2, 3]))
        """,
    )
    assert len(out) == 5
    assert len(set(out)) == 1


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
@pytest.mark.parametrize("first", ["torch", "fastmi"])
def test_next_to_torch(first, tmp_path):
    """torch has its own OpenMP runtime; either order of imports must work, also after a fork."""
    second = "fastmi" if first == "torch" else "torch"
    script = f"""
    import warnings

    import {first}
    import {second}
    import os
    import numpy as np
    import torch

    warnings.simplefilter("ignore", DeprecationWarning)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 4))
    y = x + rng.standard_normal((3000, 4))
    a = torch.from_numpy(x)
    for _ in range(3):
        (a @ a.T).sum()
        print(float(fastmi.mi(x, y, n_jobs=2)), flush=True)
    child = os.fork()
    if child == 0:
        print(float(fastmi.mi(x, y, n_jobs=2)), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    alone = run_script(tmp_path, "print(estimate(1))")
    assert done.stdout.split() == alone * 4


LONG_CALLS = {
    "ksg brute": "fastmi.mi(x, y, algorithm='brute', n_jobs={threads})",
    "ksg tree": "fastmi.mi(x, y, algorithm='tree', n_jobs={threads})",
    "ksg2 auto": "fastmi.mi(x, y, method='ksg2', n_jobs={threads})",
    "kneighbors": "neighbors.kneighbors((x, y), 20, n_jobs={threads})",
    "kth_distance euclidean": "neighbors.kth_distance(x, 3, metric='euclidean', n_jobs={threads})",
    "count_within": "neighbors.count_within(x, 3.0, algorithm='brute', n_jobs={threads})",
    "entropy": "fastmi.entropy(x, n_jobs={threads})",
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("call", LONG_CALLS)
def test_ctrl_c_raises_keyboard_interrupt(call, threads, tmp_path):
    """The contract says within a second; two seconds leave room for a loaded machine."""
    script = f"""
    import sys
    import numpy as np
    import fastmi
    from fastmi import neighbors

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 400_000, 25))
    print("ready", flush=True)
    try:
        {LONG_CALLS[call].format(threads=threads)}
    except KeyboardInterrupt:
        # The library still works afterwards.
        again = float(fastmi.mi(x[:1000], y[:1000], n_jobs=2))
        sys.exit(42 if np.isfinite(again) else 1)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=tmp_path, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.3)
            assert process.poll() is None, "the call was too short to interrupt"
            process.send_signal(signal.SIGINT)
            sent = time.perf_counter()
            assert process.wait(timeout=LIMIT_S) == 42
            assert time.perf_counter() - sent < 2.0
        finally:
            process.kill()
