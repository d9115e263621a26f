"""A `fastmi._cuda` without a GPU: its contract on host memory, computed by `_cpu`.

Addresses count as device memory only if an array here has them, so that a host address in a
call is an error as it would be on a GPU.
"""

import ctypes

import numpy as np

from fastmi import _cpu


class Array:
    """An array "on a GPU" by one of the two protocols, as another library would have it."""

    def __init__(self, cuda, values, device=0, stream=None, protocol="interface"):
        self._values = np.asarray(values)
        self._protocol = protocol
        self._stream = stream
        self._device = device
        self.asked_stream = None
        cuda.own(self._values, device)

    def __getattribute__(self, name):
        hidden = {"interface": ("__dlpack__",), "dlpack": ("__cuda_array_interface__",)}
        if name in hidden[object.__getattribute__(self, "_protocol")]:
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    @property
    def __cuda_array_interface__(self):
        values = self._values
        return {
            "shape": values.shape,
            "typestr": values.dtype.str,
            "data": (values.ctypes.data, not values.flags.writeable),
            "strides": None if values.flags.c_contiguous else values.strides,
            "version": 3,
            "stream": self._stream,
        }

    def __dlpack__(self, *, stream=None):
        self.asked_stream = stream
        return self._values.__dlpack__()

    def __dlpack_device__(self):
        return 2, self._device

    def copy_to_host(self):
        return self._values.copy()


class Unnamed:
    """An array whose library says nothing of the device."""

    def __init__(self, array):
        self.__cuda_array_interface__ = array.__cuda_array_interface__


class FakeCuda:
    """The module. `calls` lists what ran: name, device and stream."""

    def __init__(self, devices=2, reason=""):
        self.devices = devices
        self.reason = reason
        self.calls = []
        self.fail = None
        self._memory = []

    def own(self, values, device):
        self._memory.append((values, device))

    def driver_info(self):
        return {"runtime_version": 13000, "driver_version": 13020, "reason": self.reason}

    def device_count(self):
        return 0 if self.reason else self.devices

    def device_info(self, device):
        return {"name": f"Fake {device}", "compute_capability": (9, 0), "total_memory": 2**30}

    def pointer_device(self, pointer):
        for values, device in self._memory:
            reach = [
                (size - 1) * step for size, step in zip(values.shape, values.strides, strict=True)
            ]
            start = values.ctypes.data + sum(step for step in reach if step < 0)
            end = values.ctypes.data + sum(step for step in reach if step > 0) + values.itemsize
            if start <= pointer < end:
                return device
        return -1

    def synchronize(self, device, stream):
        self._enter("synchronize", device, stream)

    def Buffer(self, array, device, stream):
        assert array.flags.c_contiguous
        self._enter("Buffer", device, stream)
        return _Buffer(self, array, device)

    def choose_algorithm(self, n, dims, k):
        del n, dims, k
        return "brute"

    def first_unusable(self, pointer, size, dtype, device, stream):
        values = self._read([(pointer, 1)], size, dtype, device)[0]
        self._enter("first_unusable", device, stream)
        return _cpu.first_unusable(values)

    def kth_distance(self, blocks, n, dtype, ks, metric, algorithm, device, stream):
        samples = self._read(blocks, n, dtype, device)
        self._enter("kth_distance", device, stream)
        return _cpu.kth_distance(samples, ks, metric, algorithm, 1)

    def kneighbors(self, blocks, n, dtype, k, metric, algorithm, device, stream):
        samples = self._read(blocks, n, dtype, device)
        self._enter("kneighbors", device, stream)
        return _cpu.kneighbors(samples, k, metric, algorithm, 1)

    def count_within(self, blocks, n, dtype, radius, strict, metric, algorithm, device, stream):
        samples = self._read(blocks, n, dtype, device)
        self._enter("count_within", device, stream)
        return _cpu.count_within(samples, radius, strict, metric, algorithm, 1)

    def ksg(self, blocks, n, dtype, ks, variant, metric, algorithm, device, stream):
        samples = self._read(blocks, n, dtype, device)
        self._enter("ksg", device, stream)
        return _cpu.ksg(samples, ks, variant, metric, algorithm, 1)

    def ksg_sweep(self, blocks, n, dtype, scales, ks, metric, device, stream):
        samples = self._read(blocks, n, dtype, device)
        self._enter("ksg_sweep", device, stream)
        return _cpu.ksg_sweep(*samples, scales, ks, metric, 1)

    def ksg_permutations(self, blocks, n, dtype, orders, ks, metric, device, stream):
        first, *others = self._read(blocks, n, dtype, device)
        self._enter("ksg_permutations", device, stream)
        return _stacked(
            _cpu.ksg([first[order], *others], ks, 1, metric, "auto", 1) for order in orders
        )

    def ksg_pairs(self, blocks, n, dtype, pairs, ks, device, stream):
        columns = np.hstack(self._read(blocks, n, dtype, device))
        self._enter("ksg_pairs", device, stream)
        return _stacked(
            _cpu.ksg([columns[:, [i]], columns[:, [j]]], ks, 1, "chebyshev", "auto", 1)
            for i, j in pairs
        )

    def _enter(self, name, device, stream):
        assert 0 <= device < self.devices
        self.calls.append((name, device, stream))
        if self.fail is not None:
            failure, self.fail = self.fail, None
            raise failure

    def _read(self, blocks, n, dtype, device):
        kind = {"float32": ctypes.c_float, "float64": ctypes.c_double}[dtype]
        arrays = []
        for pointer, d in blocks:
            held = self.pointer_device(pointer)
            if held != device:
                raise RuntimeError(f"an illegal memory access: {pointer:#x} is on device {held}")
            arrays.append(np.ctypeslib.as_array((kind * (n * d)).from_address(pointer)))
        return [array.reshape(n, -1) for array in arrays]


class _Buffer:
    def __init__(self, cuda, array, device):
        self._values = array.copy()
        cuda.own(self._values, device)
        self.pointer = self._values.ctypes.data


def _stacked(results):
    mean, std, _, zero_radius = zip(*results, strict=True)
    return np.stack(mean), np.stack(std), np.stack(zero_radius)
