"""Where a test runs: the CPU, a GPU, or the host build of the module for GPUs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from fastmi import _backend, _cpu
from fastmi._blocks import DeviceArray
from host_cuda import MODULES, Array, HostCuda


@dataclass(frozen=True)
class Device:
    """A place where a test runs.

    Attributes:
        name: Name of the device, as the option `device` takes it.
        kernels: Module with the kernels of this device.
        put: Function that makes an array on this device, as a user has it, from a NumPy array.
        cuda: The host build; None for other devices.
    """

    name: str
    kernels: Any
    put: Callable[[np.ndarray], Any]
    cuda: HostCuda | None = None

    def some(self, cases: Sequence[Any]) -> Sequence[Any]:
        """Return the cases to run: all of them, but on the host build only some."""
        return cases if self.cuda is None else cases[::5]

    def blocks(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        """Return the arrays as blocks that the functions of `kernels` take."""
        if self.name == "cpu":
            return list(arrays)
        return [DeviceArray(0, host=np.ascontiguousarray(array)) for array in arrays]


CPU = Device("cpu", _cpu, lambda array: array)


def host(**settings: Any) -> Device | str:
    """Return the host build, or the reason why there is none. It does not change `_backend`.

    Args:
        settings: Fields of `Settings` in cpp/host_cuda/machine.h, which describe its machine.
    """
    if isinstance(MODULES, str):
        return MODULES
    cuda = HostCuda(**settings)
    return Device("cuda:0", cuda, lambda array: Array(cuda, array), cuda)


def gpu() -> Device | str:
    """Return the first GPU, or the reason why there is none to use."""
    kernels, reason = _backend.find_cuda()
    if kernels is None:
        return reason
    if find_spec("torch"):
        import torch

        if torch.cuda.is_available():
            return Device("cuda:0", kernels, lambda array: torch.from_numpy(array).to("cuda:0"))
    if find_spec("cupy"):
        import cupy

        return Device("cuda:0", kernels, cupy.asarray)
    return "neither torch nor CuPy is there to put arrays on the GPU"


def same(on_gpu: Any, on_cpu: Any) -> None:
    """Hold one estimate or several to others: equal counts, values to rounding."""
    several = isinstance(on_gpu, list)
    for one, other in zip(
        on_gpu if several else [on_gpu], on_cpu if several else [on_cpu], strict=True
    ):
        assert float(one) == pytest.approx(float(other), rel=1e-12, abs=1e-12)
        assert one.stderr == pytest.approx(other.stderr, rel=1e-9)
        assert one.warnings == other.warnings
        if one.counts is not None:
            np.testing.assert_array_equal(one.counts, other.counts)
        np.testing.assert_allclose(one.local, other.local, rtol=1e-12, atol=1e-12)
