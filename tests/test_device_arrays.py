"""Arrays of other libraries on a GPU: how they are read, converted and refused."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import fastmi
from devices import same
from fastmi import neighbors
from fastmi._blocks import DeviceArray, host, take_rows
from fastmi._device import DEFAULT_STREAM, View, gpu_of, view_of
from fastmi._reading import read_device_array
from host_cuda import Array, Unnamed


@pytest.fixture
def x(rng):
    return rng.standard_normal((60, 2))


@pytest.fixture
def y(x, rng):
    return x[:, :1] + rng.standard_normal((60, 1))


class TestProtocols:
    def test_dlpack_alone(self, host_gpu, x, y):
        there = [Array(host_gpu.cuda, each, protocol="dlpack") for each in (x, y)]
        same(fastmi.mi(*there), fastmi.mi(x, y))
        assert {array.asked_stream for array in there} == {DEFAULT_STREAM}

    def test_interface_alone(self, host_gpu, x, y):
        there = [Array(host_gpu.cuda, each, device=1) for each in (x, y)]
        estimate = fastmi.mi(*map(Unnamed, there))
        assert estimate.device == "cuda:1"
        same(estimate, fastmi.mi(x, y))

    def test_sweep_without_a_way_to_the_host(self, host_gpu, x, y):
        there = [Unnamed(Array(host_gpu.cuda, each)) for each in (x, y)]
        sweep = fastmi.KSGSweep(normalize=None)
        np.testing.assert_array_equal(sweep.estimate(*there).curve, sweep.estimate(x, y).curve)

    def test_column(self, host_gpu, y):
        for protocol in ("interface", "dlpack"):
            column = Array(host_gpu.cuda, y[:, 0], protocol=protocol)
            same(fastmi.entropy(column), fastmi.entropy(y))

    def test_dlpack_keeps_its_memory(self, host_gpu, x):
        array = Array(host_gpu.cuda, x, protocol="dlpack")
        view = view_of(array)
        assert view.shape == x.shape
        assert view.dtype == x.dtype
        assert view.contiguous
        assert view.pointer == array._values.ctypes.data

    @pytest.mark.parametrize("protocol", ["interface", "dlpack"])
    @pytest.mark.parametrize(
        "dtype", ["bool", "int8", "uint32", "int64", "float16", "float32", "complex64"]
    )
    def test_dtypes_by_name(self, host_gpu, protocol, dtype):
        if (protocol, dtype) == ("dlpack", "bool"):
            pytest.importorskip("numpy", minversion="2.0")
        values = np.ones((4, 2), dtype=dtype)
        assert view_of(Array(host_gpu.cuda, values, protocol=protocol)).dtype == dtype

    @pytest.mark.parametrize("protocol", ["interface", "dlpack"])
    def test_layouts(self, host_gpu, x, protocol):
        for values, contiguous in ((x[:, ::-1], False), (x.T, False), (x[:1, :], True)):
            array = Array(host_gpu.cuda, values, protocol=protocol)
            assert view_of(array).contiguous is contiguous

    def test_the_stream_is_that_of_the_array(self, host_gpu, x, y):
        there = [Array(host_gpu.cuda, each, stream=77) for each in (x, y)]
        fastmi.mi(*there)
        assert {call[2] for call in host_gpu.cuda.calls} == {77}

    def test_other_streams_are_waited_for(self, host_gpu, x, y):
        fastmi.mi(Array(host_gpu.cuda, x, stream=5), Array(host_gpu.cuda, y, stream=6))
        assert host_gpu.cuda.calls[-1] == ("ksg", 0, 5)
        blocks = [
            read_device_array(Array(host_gpu.cuda, each, stream=stream), "x")
            for each, stream in ((x, 5), (y, 6))
        ]
        before = host_gpu.cuda.machine.waits()
        host_gpu.kernels.ksg(blocks, [3], 1, "chebyshev", "auto", 1)
        # The wait comes before anything runs on the stream of the first array.
        assert host_gpu.cuda.machine.waits()[len(before) :][0] == (0, 6)

    def test_host_arrays_are_no_gpu_arrays(self, x):
        torch = pytest.importorskip("torch")
        for array in (x, x.tolist(), torch.from_numpy(x), torch.ones(3, requires_grad=True)):
            assert gpu_of(array) is None

    def test_arrays_without_memory(self):
        torch = pytest.importorskip("torch")
        with pytest.raises(TypeError, match="x must be readable as a NumPy array; got Tensor"):
            fastmi.entropy(torch.empty(9, device="meta"))

    def test_masked(self, host_gpu, x):
        array = Array(host_gpu.cuda, x)
        described = {**array.__cuda_array_interface__, "mask": array}
        with pytest.raises(ValueError, match=r"x must be readable where it lies .*: a masked"):
            fastmi.entropy(SimpleNamespace(__cuda_array_interface__=described))


class TestValues:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, "large"])
    def test_unusable(self, host_gpu, x, y, dtype, value):
        x = x.astype(dtype)
        x[7, 1] = np.finfo(dtype).max if value == "large" else value
        with pytest.raises(ValueError, match=r"x must be .* in column 1, row 7") as on_gpu:
            fastmi.mi(Array(host_gpu.cuda, x), Array(host_gpu.cuda, y.astype(dtype)))
        with pytest.raises(ValueError, match="x must be") as on_cpu:
            fastmi.mi(x, y)
        assert str(on_gpu.value) == str(on_cpu.value)

    def test_unusable_and_not_to_be_copied(self, host_gpu, x):
        x[7, 1] = np.nan
        with pytest.raises(ValueError, match=r"x must be finite .* in column 1, row 7"):
            fastmi.entropy(Unnamed(Array(host_gpu.cuda, x)))

    def test_normalize_must_have_a_way_to_the_host(self, host_gpu, x, y):
        there = [Unnamed(Array(host_gpu.cuda, each)) for each in (x, y)]
        for options in ({"normalize": "local"}, {"bias_correction": "twin"}):
            with pytest.raises(ValueError, match="normalize and bias_correction must have samples"):
                fastmi.mi(*there, **options)

    @pytest.mark.parametrize(
        "values, message",
        [
            (np.zeros((0, 3)), r"x must have at least one sample .*got shape \(0, 3\)"),
            (np.zeros((2, 2, 2)), r"x must be 1-D .* or 2-D .*; got 3-D, shape \(2, 2, 2\)"),
            (np.float64(3), "x must be 1-D .*; got a scalar"),
            (np.zeros((4, 4))[:, ::2], "C-contiguous float32 or float64 on the GPU; .*not contig"),
            (np.zeros((4, 2), np.int32), "C-contiguous float32 or float64 .* dtype int32: convert"),
            (np.zeros((4, 2), np.float16), "C-contiguous float32 or float64 .* float16: convert"),
        ],
    )
    def test_shapes_and_dtypes(self, host_gpu, values, message):
        with pytest.raises(ValueError, match=message):
            fastmi.entropy(Array(host_gpu.cuda, values))

    @pytest.mark.parametrize("protocol", ["interface", "dlpack"])
    def test_not_aligned(self, host_gpu, protocol):
        values = np.frombuffer(bytearray(36), np.float32, count=8, offset=2)
        with pytest.raises(ValueError, match=r"x must be aligned to its float32 .*; got Array at"):
            fastmi.entropy(Array(host_gpu.cuda, values, protocol=protocol))

    def test_not_numeric(self, host_gpu):
        with pytest.raises(TypeError, match=r"x must be real numbers .* dtype complex128"):
            fastmi.entropy(Array(host_gpu.cuda, np.zeros((4, 2), complex)))

    def test_lengths(self, host_gpu, x, y):
        there = [Array(host_gpu.cuda, x), Array(host_gpu.cuda, y[:-1])]
        with pytest.raises(ValueError, match="x with n=60, y with n=59"):
            fastmi.mi(*there)

    def test_dtypes_that_differ(self, host_gpu, x, y):
        there = [Array(host_gpu.cuda, x.astype(np.float32)), Array(host_gpu.cuda, y)]
        with pytest.raises(ValueError, match=r"x must be C-contiguous float64 .* dtype float32"):
            fastmi.mi(*there)

    def test_k(self, host_gpu, x, y):
        with pytest.raises(ValueError, match="k=60, n=60"):
            fastmi.mi(Array(host_gpu.cuda, x), Array(host_gpu.cuda, y), k=60)


class Tensor:
    """A stand-in with the few parts of torch.Tensor on a GPU that fastmi uses."""

    def __init__(self, cuda, values, stream=9, grad=False):
        self.array = Array(cuda, np.asarray(values))
        self.dtype = self.array._values.dtype
        self.shape = self.array._values.shape
        self.device = "cuda:0"
        self.cuda, self.stream, self.grad = cuda, stream, grad

    def __getattr__(self, name):
        if name == "__cuda_array_interface__":
            if self.grad:
                raise RuntimeError("Can't get __cuda_array_interface__: requires grad")
            return {**self.array.__cuda_array_interface__, "stream": None}
        raise AttributeError(name)

    def __dlpack_device__(self):
        return 2, 0

    def _like(self, values):
        return Tensor(self.cuda, values, self.stream)

    def detach(self):
        return self._like(self.array._values)

    def is_complex(self):
        return self.dtype.kind == "c"

    def to(self, dtype):
        return self._like(self.array._values.astype(dtype))

    def contiguous(self):
        return self._like(np.ascontiguousarray(self.array._values))

    def max(self):
        return self.array._values.max()

    def min(self):
        return self.array._values.min()

    def cpu(self):
        return SimpleNamespace(numpy=lambda: self.array._values)


class TestTorch:
    """Conversions that torch makes on the GPU, with stand-ins for torch and for the GPU."""

    @pytest.fixture(autouse=True)
    def torch(self, monkeypatch):
        module = ModuleType("torch")
        module.Tensor = Tensor
        module.device = type("device", (), {})
        module.float32, module.float64 = np.dtype("float32"), np.dtype("float64")
        module.int64 = np.dtype("int64")
        streams = SimpleNamespace(current_stream=lambda _: SimpleNamespace(cuda_stream=9))
        module.cuda = streams
        monkeypatch.setitem(sys.modules, "torch", module)

    def test_current_stream(self, host_gpu, x, y):
        same(fastmi.mi(*(Tensor(host_gpu.cuda, each) for each in (x, y))), fastmi.mi(x, y))
        assert {call[2] for call in host_gpu.cuda.calls} == {9}

    def test_gradients_are_left_alone(self, host_gpu, x, y):
        there = [Tensor(host_gpu.cuda, each, grad=True) for each in (x, y)]
        same(fastmi.mi(*there), fastmi.mi(x, y))

    @pytest.mark.parametrize(
        "change",
        [
            lambda a: (100 * a).astype(np.int32),
            lambda a: a.astype(np.float16),
            lambda a: a.T.copy().T,
            lambda a: a[::2],
            lambda a: a > 0,
        ],
    )
    def test_conversions(self, host_gpu, x, change):
        there = Tensor(host_gpu.cuda, change(x))
        same_counts = neighbors.count_within(change(x), 1.5)
        np.testing.assert_array_equal(neighbors.count_within(there, 1.5), same_counts)

    def test_dtypes_that_differ(self, host_gpu, x, y):
        single = x.astype(np.float32)
        there = [Tensor(host_gpu.cuda, each) for each in (single, y)]
        same(fastmi.mi(*there), fastmi.mi(single, y))

    def test_no_room_for_the_conversion(self, host_gpu, x, monkeypatch):
        class OutOfMemoryError(RuntimeError):
            pass

        def to(self, dtype):
            raise OutOfMemoryError("tried to allocate 9 GiB")

        monkeypatch.setattr(Tensor, "to", to)
        there = Tensor(host_gpu.cuda, (100 * x).astype(np.int32))
        message = r"x must fit the GPU a second time.*Tensor of shape \(60, 2\): tried to allocate"
        with pytest.raises(MemoryError, match=message):
            fastmi.entropy(there)

    def test_large_integers(self, host_gpu):
        there = Tensor(host_gpu.cuda, np.array([0, 1, 2, 2**53 + 1]))
        with pytest.raises(ValueError, match=r"x must hold integers up to 2\*\*53"):
            fastmi.entropy(there)


class Cupy(ModuleType):
    """A stand-in with the few parts of CuPy that fastmi uses; it works on the current device."""

    def __init__(self, cuda):
        super().__init__("cupy")
        self.current = 0
        cupy = self

        class ndarray(Array):
            def __init__(self, values):
                super().__init__(cuda, values, device=cupy.current)
                self.dtype = self._values.dtype

            @property
            def device(self):
                return cupy.on(self._device)

        self.ndarray = ndarray

    @contextmanager
    def on(self, device):
        before, self.current = self.current, device
        yield
        self.current = before

    def ascontiguousarray(self, array, dtype):
        return self.ndarray(np.ascontiguousarray(array._values, dtype=dtype))


def test_cupy_converts_where_the_array_is(host_gpu, monkeypatch, x):
    cupy = Cupy(host_gpu.cuda)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    values = (100 * x).astype(np.int32)
    with cupy.on(1):
        there = cupy.ndarray(values)
    estimate = fastmi.entropy(there)
    assert estimate.device == "cuda:1"
    same(estimate, fastmi.entropy(values))


class OnlyDLPack:
    """A torch tensor that offers nothing but DLPack."""

    def __init__(self, tensor):
        self._tensor = tensor

    def __dlpack__(self, *, stream=None):
        return self._tensor.__dlpack__(stream=stream)

    def __dlpack_device__(self):
        return self._tensor.__dlpack_device__()


@pytest.mark.usefixtures("real_gpu")
class TestOnAGPU:
    """The same tests with the libraries themselves."""

    @pytest.fixture
    def torch(self):
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("torch has no GPU")
        return torch

    @pytest.mark.parametrize(
        "change",
        [
            lambda t: t,
            lambda t: t.half(),
            lambda t: (100 * t).int(),
            lambda t: t.t().contiguous().t(),
            lambda t: t[::2],
            lambda t: t.clone().requires_grad_(),
            lambda t: t > 0,
        ],
        ids=["same", "half", "int", "transposed", "strided", "gradients", "bool"],
    )
    def test_torch(self, torch, x, change):
        tensor = change(torch.from_numpy(x))
        there = change(torch.from_numpy(x).cuda())
        got = neighbors.count_within(there, 1.5)
        np.testing.assert_array_equal(got, neighbors.count_within(tensor, 1.5))

    def test_torch_on_another_stream(self, torch, rng):
        x = rng.standard_normal((2000, 3))
        expected = fastmi.entropy(2 * x)
        large = torch.ones(6000, 6000, device="cuda")
        with torch.cuda.stream(torch.cuda.Stream()):
            there = torch.from_numpy(x).cuda()
            for _ in range(20):  # work that keeps the stream busy before the samples are there
                large @ large
            there *= 2
            same(fastmi.entropy(there), expected)

    def test_dlpack_alone(self, torch, x, y):
        there = [OnlyDLPack(torch.from_numpy(each).cuda()) for each in (x, y)]
        same(fastmi.mi(*there), fastmi.mi(x, y))

    def test_cupy(self, x, y):
        cupy = pytest.importorskip("cupy")
        for change in (lambda a: a, lambda a: a[::-1], lambda a: (9 * a).astype("int64")):
            there = [change(cupy.asarray(each)) for each in (x, y)]
            same(
                fastmi.mi(*there, noise=1e-9, seed=1),
                fastmi.mi(change(x), change(y), noise=1e-9, seed=1),
            )

    def test_unusable(self, torch, x):
        x[7, 1] = np.nan
        with pytest.raises(ValueError, match=r"x must be finite; got nan in column 1, row 7"):
            fastmi.entropy(torch.from_numpy(x).cuda())


class TestDeviceArray:
    def test_it_is_an_array_on_a_gpu_to_others(self, host_gpu, x, y):
        blocks = [DeviceArray(1, host=each) for each in (x, y)]
        estimate = fastmi.mi(*blocks)
        same(estimate, fastmi.mi(x, y))
        assert estimate.device == "cuda:1"
        same(fastmi.mi(*blocks, normalize="local"), fastmi.mi(x, y, normalize="local"))
        assert gpu_of(blocks[0]) == 1
        assert view_of(blocks[0]).pointer == blocks[0].pointer
        assert host_gpu.cuda.pointer_device(blocks[0].pointer) == 1

    def test_threads_share_one_copy(self, host_gpu, x, monkeypatch):
        upload = host_gpu.cuda.Buffer

        def slow(*arguments):
            sleep(0.05)
            return upload(*arguments)

        monkeypatch.setattr(host_gpu.cuda, "Buffer", slow)
        block = DeviceArray(0, host=x)
        with ThreadPoolExecutor(4) as pool:
            pointers = set(pool.map(lambda _: block.pointer, range(4)))
        assert pointers == {block.pointer}
        assert [call[0] for call in host_gpu.cuda.calls] == ["Buffer"]

    def test_rows(self, host_gpu, x):
        there = Array(host_gpu.cuda, x, stream=4)
        rows = np.array([5, 0, 5])
        taken = take_rows(read_device_array(there, "x"), rows)
        assert taken.stream == 4
        np.testing.assert_array_equal(host(taken), x[rows])
        np.testing.assert_array_equal(take_rows(x, rows), x[rows])


def test_host_addresses_are_no_gpu_memory(host_gpu, x):
    view = View(x.ctypes.data, x.shape, None, x.dtype, 0, x)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        host_gpu.cuda.ksg([DeviceArray(0, view=view)], [3], 1, "chebyshev", "auto", 1)
