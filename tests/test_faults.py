"""Faults around a call: no memory, no threads, the end of the interpreter, forks and signals.

Everything here may end a process, so that it runs in one of its own, with a time limit.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

LIMIT_S = 120.0
FAULTS = Path(__file__).parent / "faults"

PRELUDE = """
import os
import signal
import sys
import threading
import time
import warnings

import numpy as np

import fastmi
from fastmi import _cpu

warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads
rng = np.random.default_rng(0)
x, y = rng.standard_normal((2, 3000, 4))

def estimate(n_jobs=2):
    return float(fastmi.mi(x, y, k=3, n_jobs=n_jobs))

def permute(n_jobs=2):
    test = fastmi.permutation_test(x[:200], y[:200], n_permutations=20, n_jobs=n_jobs, seed=0)
    return float(test.null.sum())

"""


def run(tmp_path, body):
    """Run PRELUDE and `body` as a file of its own; return the finished process."""
    script = tmp_path / "script.py"
    script.write_text(PRELUDE + textwrap.dedent(body))
    return subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def succeed(tmp_path, body):
    """Run like `run`, expect success, return the words printed."""
    done = run(tmp_path, body)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class TestMemory:
    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_a_call_without_memory_is_a_memory_error_or_right(self):
        # The stack of a thread takes 8 MiB: below that a call gets no thread but its own.
        command = [sys.executable, FAULTS / "memory.py", "--threads", "2", "64", "--megabytes"]
        command += ["0", "0.5", "4", "9", "30", "--calls", "kth_strips", "count_tree", "pairs"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "'MemoryError'" in done.stdout
        assert "'right'" in done.stdout

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_fewer_threads_give_the_same_numbers(self, tmp_path):
        out = succeed(
            tmp_path,
            """
            import resource

            def threads():
                return len(os.listdir("/proc/self/task"))

            estimate(1)
            before = threads()
            limits = resource.getrlimit(resource.RLIMIT_AS)
            pages = int(open("/proc/self/statm").read().split()[0])
            room = pages * resource.getpagesize() + 6 * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (room, limits[1]))
            print(estimate(256))
            assert threads() == before
            resource.setrlimit(resource.RLIMIT_AS, limits)
            print(estimate(2))
            assert threads() > before
            """,
        )
        assert len(out) == 2
        assert len(set(out)) == 1

    @pytest.mark.parametrize("call", ["estimate", "permute"])
    def test_a_limit_of_threads(self, call, tmp_path):
        out = succeed(
            tmp_path,
            f"""
            import resource

            print({call}(1))
            if os.getuid() == 0:  # the limit is not for root
                os.setgid(65534)
                os.setuid(65534)
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            print({call}(2), {call}(256))
            """,
        )
        assert len(out) == 3
        assert len(set(out)) == 1


class TestEndOfTheInterpreter:
    @pytest.mark.parametrize(
        "call",
        [
            "fastmi.mi(x[:500], y[:500], n_jobs=2)",
            "fastmi.mi(x, y, n_jobs=1)",
            "_cpu.ksg_pairs([x], np.array([[0, 1]] * 200), [3], 'auto', len_of, 2)",
            "fastmi.permutation_test(x, y, n_permutations=10_000, n_jobs=2)",
        ],
    )
    def test_daemon_threads_inside_a_call(self, call, tmp_path):
        """Three threads want the GIL back while the main thread ends the interpreter."""
        done = run(
            tmp_path,
            f"""
            def len_of(number):
                return len(str(number))

            def work():
                while True:
                    {call}

            for _ in range(3):
                threading.Thread(target=work, daemon=True).start()
            time.sleep(0.2)
            """,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""

    def test_a_pool_once_the_main_thread_is_done(self, tmp_path):
        out = succeed(
            tmp_path,
            """
            import atexit

            def late():
                threading.main_thread().join()
                print(permute(2))

            print(permute(1))
            threading.Thread(target=late).start()
            atexit.register(lambda: print(permute(2)))
            """,
        )
        assert len(out) == 3
        assert len(set(out)) == 1

    def test_a_call_while_modules_are_torn_down(self, tmp_path):
        """The main thread may still take the GIL."""
        out = succeed(
            tmp_path,
            """
            class Last:
                def __init__(self):
                    self.call = lambda ksg=_cpu.ksg, x=x, y=y: ksg(
                        [x, y], [3], 1, "chebyshev", "auto", 2
                    )
                    self.print = print

                def __del__(self):
                    self.print(self.call()[0][0])

            kept = Last()
            print(_cpu.ksg([x, y], [3], 1, "chebyshev", "auto", 2)[0][0])
            """,
        )
        assert len(out) == 2
        assert len(set(out)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestFork:
    def test_in_the_middle_of_a_call_on_another_thread(self, tmp_path):
        out = succeed(
            tmp_path,
            """
            print(estimate())
            stop = threading.Event()

            def work():
                while not stop.is_set():
                    estimate()

            threads = [threading.Thread(target=work) for _ in range(2)]
            for thread in threads:
                thread.start()
            for _ in range(10):
                sys.stdout.flush()
                child = os.fork()
                if child == 0:
                    signal.alarm(60)
                    print(estimate(), flush=True)
                    os._exit(0)
                assert os.waitpid(child, 0)[1] == 0
            stop.set()
            for thread in threads:
                thread.join()
            print(estimate())
            """,
        )
        assert len(out) == 12
        assert len(set(out)) == 1

    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_pool_in_the_middle_of_a_call_on_another_thread(self, method, tmp_path):
        out = succeed(
            tmp_path,
            f"""
            import multiprocessing

            if __name__ == "__main__":
                print(estimate())
                stop = threading.Event()

                def work():
                    while not stop.is_set():
                        estimate()

                thread = threading.Thread(target=work)
                thread.start()
                with multiprocessing.get_context("{method}").Pool(2) as pool:
                    print(*pool.map(estimate, [1, 2, 2]))
                stop.set()
                thread.join()
            """,
        )
        assert len(out) == 4
        assert len(set(out)) == 1

    def test_by_a_signal_handler_in_the_middle_of_a_call(self, tmp_path):
        """The child has half a call, whose other threads do not exist."""
        out = succeed(
            tmp_path,
            """
            main = os.getpid()
            children = []

            def fork(*_):
                child = os.fork()
                if child:
                    children.append(child)
                else:
                    signal.alarm(60)

            right = estimate()
            big = rng.standard_normal((100_000, 20))  # a second or more
            signal.signal(signal.SIGALRM, fork)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            try:
                fastmi.entropy(big, n_jobs=2)
            except RuntimeError as error:
                assert os.getpid() != main
                assert "forked" in str(error)
                os._exit(0 if estimate() == right else 1)
            assert os.getpid() == main
            assert os.waitpid(children[0], 0)[1] == 0
            print("both")
            """,
        )
        assert out == ["both"]

    @pytest.mark.parametrize("sent, code", [("SIGTERM", "-15"), ("SIGINT", "42")])
    def test_signals_to_a_worker_process(self, sent, code, tmp_path):
        """SIGTERM ends the process in the middle of a call, SIGINT raises KeyboardInterrupt."""
        out = succeed(
            tmp_path,
            f"""
            import multiprocessing

            def work(ready):
                big = rng.standard_normal((400_000, 25))
                ready.set()
                try:
                    fastmi.entropy(big, n_jobs=2)
                except KeyboardInterrupt:
                    os._exit(42 if np.isfinite(estimate()) else 1)

            if __name__ == "__main__":
                estimate()
                context = multiprocessing.get_context("fork")
                ready = context.Event()
                process = context.Process(target=work, args=(ready,))
                process.start()
                ready.wait()
                time.sleep(0.3)
                os.kill(process.pid, signal.{sent})
                start = time.perf_counter()
                process.join(60)
                assert time.perf_counter() - start < 5.0  # a second, on an idle machine
                print(process.exitcode, estimate() == estimate(1))
            """,
        )
        assert out == [code, "True"]
