"""The functions of ``fastmi._cpu`` on a GPU: same arguments, same results, other memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastmi._device_array import DeviceArray

Array = NDArray[Any]

ALGORITHMS = ("auto", "brute", "tree")


class _Call(NamedTuple):
    """The arguments that say what to work on and where."""

    blocks: list[tuple[int, int]]
    n: int
    dtype: str
    device: int
    stream: int


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


class CudaKernels:
    """Kernels of ``fastmi._cuda`` for blocks of :class:`fastmi._device_array.DeviceArray`.

    Every function waits for its result, which lies in host memory. All of them raise
    MemoryError if the GPU has too little memory, and RuntimeError for what else it reports.
    """

    def __init__(self, module: ModuleType) -> None:
        self._cuda = module

    def why_unusable(self) -> str:
        """Return why no GPU can be used, "" if one can."""
        return str(self._cuda.driver_info()["reason"])

    def describe(self) -> dict[str, Any]:
        """Return versions and devices, as JSON-able values."""
        driver = self._cuda.driver_info()
        devices = []
        for index in range(self._cuda.device_count()):
            device = dict(self._cuda.device_info(index))
            device["compute_capability"] = ".".join(map(str, device["compute_capability"]))
            devices.append(device)
        return {
            "runtime": _version(driver["runtime_version"]),
            "driver": _version(driver["driver_version"]),
            "devices": devices,
        }

    def check_device(self, device: int) -> None:
        """Raise ValueError unless there is a GPU of this index."""
        count = self._cuda.device_count()
        if device >= count:
            valid = "'cuda:0'" if count == 1 else f"'cuda:0' to 'cuda:{count - 1}'"
            raise ValueError(f"device must be {valid} on this machine; got 'cuda:{device}'")

    def device_of(self, pointer: int) -> int:
        """Return the index of the GPU that holds an address."""
        return int(self._cuda.pointer_device(pointer))

    def upload(self, array: Array, device: int, stream: int) -> Any:
        """Return a copy of a C-contiguous array on the GPU, an object with a ``pointer``."""
        return self._cuda.Buffer(array, device, stream)

    def first_unusable(self, block: DeviceArray) -> int:
        """Return the flat position of the first NaN, infinite or too large value, or -1."""
        size = block.shape[0] * block.shape[1]
        return int(
            self._cuda.first_unusable(
                block.pointer, size, str(block.dtype), block.device, block.stream
            )
        )

    def choose_algorithm(self, n: int, dims: Sequence[int], k: int, indices: bool = False) -> str:
        """Return the name that "auto" stands for."""
        del indices  # no algorithm here depends on them
        return str(self._cuda.choose_algorithm(n, list(dims), k))

    def kth_distance(
        self,
        blocks: Sequence[DeviceArray],
        ks: Sequence[int],
        metric: str,
        algorithm: str,
        threads: int,
    ) -> Array:
        """See :func:`fastmi.ops.knn.kth_distance`."""
        del threads
        samples, n, dtype, device, stream = self._call(blocks, algorithm)
        distances: Array = self._cuda.kth_distance(
            samples, n, dtype, ks, metric, algorithm, device, stream
        )
        return distances

    def kneighbors(
        self, blocks: Sequence[DeviceArray], k: int, metric: str, algorithm: str, threads: int
    ) -> tuple[Array, NDArray[np.int64]]:
        """See :func:`fastmi.ops.knn.kneighbors`."""
        del threads
        samples, n, dtype, device, stream = self._call(blocks, algorithm)
        distances, indices = self._cuda.kneighbors(
            samples, n, dtype, k, metric, algorithm, device, stream
        )
        return distances, indices

    def count_within(
        self,
        blocks: Sequence[DeviceArray],
        radius: Array,
        strict: bool,
        metric: str,
        algorithm: str,
        threads: int,
    ) -> NDArray[np.int64]:
        """See :func:`fastmi.ops.count.count_within`; `radius` is in host memory."""
        del threads
        samples, n, dtype, device, stream = self._call(blocks, algorithm)
        counts: NDArray[np.int64] = self._cuda.count_within(
            samples, n, dtype, radius, strict, metric, algorithm, device, stream
        )
        return counts

    def ksg(
        self,
        blocks: Sequence[DeviceArray],
        ks: Sequence[int],
        variant: int,
        metric: str,
        algorithm: str,
        threads: int,
    ) -> tuple[Array, Array, Array, Array]:
        """See :func:`fastmi.ops.ksg.ksg_terms`."""
        del threads
        samples, n, dtype, device, stream = self._call(blocks, algorithm)
        mean, std, counts, zero_radius = self._cuda.ksg(
            samples, n, dtype, ks, variant, metric, algorithm, device, stream
        )
        return mean, std, counts, zero_radius

    def ksg_sweep(
        self,
        x: DeviceArray,
        y: DeviceArray,
        scales: Sequence[float],
        ks: Sequence[int],
        metric: str,
        threads: int,
    ) -> tuple[Array, Array, Array, Array]:
        """See :func:`fastmi.ops.sweep.sweep_terms`."""
        del threads
        samples, n, dtype, device, stream = self._call((x, y), "auto")
        mean, std, counts, zero_radius = self._cuda.ksg_sweep(
            samples, n, dtype, scales, ks, metric, device, stream
        )
        return mean, std, counts, zero_radius

    def ksg_surrogates(
        self,
        x: DeviceArray,
        y: DeviceArray,
        ks: Sequence[int],
        metric: str,
        algorithm: str,
        next_orders: Callable[[], NDArray[np.int64] | None],
        threads: int,
    ) -> Array:
        """See :func:`fastmi.ops.surrogates.surrogate_means`."""
        del threads
        samples, n, dtype, device, stream = self._call((x, y), algorithm)
        means = [np.empty((0, len(ks)))]
        while (orders := next_orders()) is not None:
            mean, _, _ = self._cuda.ksg_permutations(
                samples, n, dtype, orders, ks, metric, algorithm, device, stream
            )
            means.append(mean)
        return np.concatenate(means)

    def ksg_pairs(
        self,
        blocks: Sequence[DeviceArray],
        pairs: NDArray[np.int64],
        ks: Sequence[int],
        algorithm: str,
    ) -> tuple[Array, Array, Array, Array]:
        """Return mean, std, count_sum (p, len(ks), 2) and zero_radius of KSG algorithm 1.

        Row p is of two columns, ``pairs[p]``, of the blocks side by side; pairs (p, 2), the
        others (p, len(ks)).
        """
        samples, n, dtype, device, stream = self._call(blocks, algorithm)
        mean, std, count_sum, zero_radius = self._cuda.ksg_pairs(
            samples, n, dtype, pairs, ks, algorithm, device, stream
        )
        return mean, std, count_sum, zero_radius

    def bnaf_sizes(
        self, shape: tuple[Any, ...], dtype: str, keep: bool, device: int
    ) -> tuple[int, int, int]:
        """See ``csrc/bindings/cuda_bnaf.cpp``."""
        sizes: tuple[int, int, int] = self._cuda.bnaf_sizes(shape, dtype, keep, device)
        return sizes

    def bnaf_forward(self, *arguments: Any) -> None:
        """See ``csrc/bindings/cuda_bnaf.cpp``; does not wait, nor does the next."""
        self._cuda.bnaf_forward(*arguments)

    def bnaf_backward(self, *arguments: Any) -> None:
        """See ``csrc/bindings/cuda_bnaf.cpp``."""
        self._cuda.bnaf_backward(*arguments)

    def _call(self, blocks: Sequence[DeviceArray], algorithm: str) -> _Call:
        first = blocks[0]
        if algorithm not in ALGORITHMS:
            listed = ", ".join(map(repr, ALGORITHMS))
            raise ValueError(
                f"algorithm must be one of {listed} on a GPU; got algorithm={algorithm!r}"
            )
        # Read before waiting: the first use of a pointer may start a copy.
        samples = [(block.pointer, block.shape[1]) for block in blocks]
        for stream in {block.stream for block in blocks} - {first.stream}:
            self._cuda.synchronize(first.device, stream)
        return _Call(samples, len(first), str(first.dtype), first.device, first.stream)
