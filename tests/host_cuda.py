"""The CUDA module on the host: bindings, drivers and kernels, on the machine of `cpp/host_cuda`.

FASTMI_HOST_CUDA names its file, which is built with the C++ tests, or is a pattern for it. Memory
counts as that of a GPU if the module allocated it or an `Array` holds it. Other addresses in a call
are errors, as they would be on a GPU.
"""

import glob
import os
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader

import numpy as np

from fastmi._blocks import DeviceArray

OUT_OF_MEMORY, NO_KERNEL_IMAGE, ILLEGAL_ADDRESS = 2, 209, 700
WITHOUT_STREAM = (
    "bnaf_sizes",
    "build_info",
    "choose_algorithm",
    "device_count",
    "device_info",
    "driver_info",
    "pointer_device",
)


def load():
    """Return the module and the machine it runs on, or the reason why there are none.

    Raises:
        FileNotFoundError: The variable is set, but no file matches it.
    """
    pattern = os.environ.get("FASTMI_HOST_CUDA")
    if not pattern:
        return "FASTMI_HOST_CUDA is not set (csrc/cuda/README.md)"
    files = glob.glob(pattern)
    if not files:
        raise FileNotFoundError(f"FASTMI_HOST_CUDA={pattern}: no such file")
    path = max(files, key=os.path.getmtime)
    modules = []
    for name in ("fastmi_host._cuda", "fastmi_host._machine"):
        loader = ExtensionFileLoader(name, path)
        modules.append(module_from_spec(spec_from_loader(name, loader)))
        loader.exec_module(modules[-1])
    return tuple(modules)


MODULES = load()


class HostCuda:
    """The module in the state after the start of a process.

    Attributes:
        machine: Its `settings` may be changed; `fail(function, error)` makes the next call of a
            function of the CUDA runtime fail.
        calls: Name, device and stream of every call.
    """

    def __init__(self, **settings):
        self._module, self.machine = MODULES
        self.machine.reset()
        for name, value in settings.items():
            setattr(self.machine.settings, name, value)
        self.calls = []
        self._held = []

    def put(self, values, device):
        """Return a copy on a device, with the same strides and alignment."""
        reach = [(size - 1) * step for size, step in zip(values.shape, values.strides, strict=True)]
        before = -sum(step for step in reach if step < 0)
        size = before + sum(step for step in reach if step > 0) + values.itemsize
        memory = np.empty(size + 64, np.uint8)
        start = (values.ctypes.data - before - memory.ctypes.data) % 64
        self.machine.adopt(memory.ctypes.data + start, size, device)
        self._held.append(memory)  # so that no other array gets this memory
        copy = np.ndarray(values.shape, values.dtype, memory, start + before, values.strides)
        copy[...] = values
        return copy

    def __getattr__(self, name):
        function = getattr(self._module, name)
        if name in WITHOUT_STREAM:
            return function

        def call(*arguments):
            blocks = []
            for given in arguments:
                listed = given if isinstance(given, list) else [given]
                blocks += [each for each in listed if isinstance(each, DeviceArray)]
            device, stream = (blocks[0].device, blocks[0].stream) if blocks else arguments[-2:]
            for block in blocks:
                held = self._module.pointer_device(block.pointer)
                if held != device:
                    raise RuntimeError(f"an illegal memory access: {block.pointer:#x} is on {held}")
            self.calls.append((name, device, stream))
            return function(*arguments)

        return call


class Array:
    """An array "on a GPU" by one of the two protocols, as another library would have it."""

    def __init__(self, cuda, values, device=0, stream=None, protocol="interface"):
        self._values = cuda.put(np.asarray(values), device)
        self._protocol = protocol
        self._stream = stream
        self._device = device
        self.asked_stream = None

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
    """An array whose library does not say on which device it is."""

    def __init__(self, array):
        self.__cuda_array_interface__ = array.__cuda_array_interface__
