"""All ways to run a case, and the verdict on each."""

import os
import warnings
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import fastmi.ops.sweep
from fastmi import EstimateWarning, _backend, _cpu
from fastmi._blocks import DeviceArray
from fuzz.cases import Case
from fuzz.operation import UNDECIDED, WRONG
from fuzz.operations import OPS
from host_cuda import MODULES as HOST_CUDA
from host_cuda import HostCuda

CUDA = "cuda"
# Where operations live; a caller may pass others in their place.
MODULES: Mapping[str, Any] = {"_cpu": _cpu, "sweep": fastmi.ops.sweep, "fastmi": fastmi}
# Numbers of threads that a call may get.
_THREADS = (1, 1, 1, 2, 3, 4)


class Way(NamedTuple):
    """A SIMD level, or CUDA; the name of a search, "-" where none is passed; threads."""

    level: str
    algorithm: str
    threads: int


class Fault(NamedTuple):
    """The first wrong number of an answer, or an error that the arguments do not explain."""

    where: str  # an expression after the name of the answer, such as "[2][0, 1][17]"
    got: Any
    low: Any
    high: Any


class Outcome(NamedTuple):
    """Numbers that were compared, by verdict."""

    tried: int = 0
    wrong: int = 0
    undecided: int = 0
    refused: int = 0
    fault: Fault | None = None


def ways_of(case: Case) -> list[Way]:
    """Return every level and search, each with a number of threads that the case chooses."""
    op = OPS[case.op]
    forced = os.environ.get("FASTMI_SIMD_LEVEL")
    levels = [forced] if forced else _cpu.simd_levels()
    ways = []
    for level in levels:
        for algorithm in op.algorithms or ("-",):
            if algorithm == "-" or op.accepts(case, algorithm):
                chance = zlib.crc32(f"{case.seed} {level} {algorithm}".encode())
                ways.append(Way(level, algorithm, _THREADS[chance % len(_THREADS)]))
    if op.cuda and not isinstance(HOST_CUDA, str):
        searches = [name for name in op.algorithms or ("-",) if name != "sort"]
        ways += [Way(CUDA, algorithm, 1) for algorithm in searches]
    return ways


@contextmanager
def simd_level(level):
    """Select a level of the CPU for the calls inside."""
    before = os.environ.get("FASTMI_SIMD_LEVEL")
    os.environ["FASTMI_SIMD_LEVEL"] = level
    try:
        yield
    finally:
        if before is None:
            del os.environ["FASTMI_SIMD_LEVEL"]
        else:
            os.environ["FASTMI_SIMD_LEVEL"] = before


def call(case: Case, way: Way, modules: Mapping[str, Any] = MODULES) -> Any:
    """Return what the operation answers."""
    op = OPS[case.op]
    if way.level == CUDA:
        cuda = HostCuda()
        found = {"return_value": _backend.Cuda(cuda, "")}
        with (
            mock.patch.object(_backend, "find_cuda", **found),
            mock.patch("fastmi._device.find_cuda", **found),
        ):
            blocks = [DeviceArray(0, host=block) for block in case.host_blocks]
            kernels = cuda if op.module == "_cpu" else modules[op.module]
            return op.call(kernels, blocks, case, way.algorithm, way.threads)
    with simd_level(way.level), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", EstimateWarning)
        return op.call(modules[op.module], case.host_blocks, case, way.algorithm, way.threads)


def truth_of(case: Case) -> Any:
    with np.errstate(all="ignore"):
        return OPS[case.op].truth(case, case.host_blocks)


def judge(case: Case, way: Way, truth: Any, modules: Mapping[str, Any] = MODULES) -> Outcome:
    """Run a case one way and compare the answer with the truth."""
    try:
        got = call(case, way, modules)
    except ValueError as error:
        if may_refuse(case) or OPS[case.op].may_refuse(case, truth):
            return Outcome(tried=1, refused=1)
        return Outcome(1, 1, fault=Fault("", repr(error), None, None))
    except (TypeError, RuntimeError, MemoryError, Warning) as error:
        return Outcome(1, 1, fault=Fault("", repr(error), None, None))
    tried = wrong = undecided = 0
    fault = None
    with np.errstate(all="ignore"):
        for part in OPS[case.op].judge(truth, case, got):
            verdicts = part.verdicts()
            tried += verdicts.size
            undecided += int(np.count_nonzero(verdicts == UNDECIDED))
            bad = np.argwhere(verdicts == WRONG)
            wrong += len(bad)
            if len(bad) and fault is None:
                at = tuple(int(i) for i in bad[0])
                values = (np.broadcast_to(side, verdicts.shape)[at] for side in part[1:4])
                where = part.name + (f"[{', '.join(map(str, at))}]" if at else "")
                fault = Fault(where, *values)
    return Outcome(tried, wrong, undecided, 0, fault)


def may_refuse(case: Case) -> bool:
    """Whether Euclidean distances of these samples may leave what their dtype can hold.

    That is where they may exceed the largest number, or where one column is so much wider than
    others, or than half of its own values, that squares of both cannot be held together.
    """
    if case.metric != "euclidean" or max(case.dims) == 1:
        return False
    wide = np.hstack(case.host_blocks).astype(np.longdouble)
    limits = np.finfo(case.dtype)
    if np.abs(wide).max() * 4 * np.sqrt(wide.shape[1]) > float(limits.max):
        return True
    ordered = np.sort(wide, axis=0)
    n = len(wide)
    halves = ordered[(3 * n) // 4 if n > 3 else -1] - ordered[n // 4 if n > 3 else 0]
    halves = halves[halves > 0]
    spread = np.ptp(wide, axis=0).max()
    return bool(len(halves)) and spread > halves.max() * np.longdouble(2.0) ** (0.5 * limits.maxexp)
