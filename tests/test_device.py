"""Samples on a GPU are found where they are, checked there, and never moved unless asked for.

All of it runs on the host build of the CUDA module (`host_cuda`); the tests that take `device`
run on a GPU too, where there is one.
"""

import json
import pickle
import re
import signal
import sys

import numpy as np
import pytest

import fastmi
from devices import host, same
from fastmi import _backend, neighbors
from fastmi._device import as_device, check_index
from host_cuda import ILLEGAL_ADDRESS, NO_KERNEL_IMAGE, OUT_OF_MEMORY, Array


@pytest.fixture
def x(rng):
    return rng.standard_normal((60, 2))


@pytest.fixture
def y(x, rng):
    return x[:, :1] + rng.standard_normal((60, 1))


@pytest.fixture
def z(rng):
    return rng.standard_normal((60, 1))


def absent(monkeypatch, reason="no driver"):
    found = _backend.Cuda(None, reason)
    monkeypatch.setattr(_backend, "find_cuda", lambda: found)
    monkeypatch.setattr("fastmi._device.find_cuda", lambda: found)


MI = [
    {"method": "ksg1"},
    {"method": "ksg2", "metric": "euclidean"},
    {"method": "ksg1", "normalize": "local", "k": [1, 4]},
    {"method": "ksg1", "noise": 1e-6, "seed": 3},
    {"method": "ksg_eq6"},
    {"method": "biksg"},
    {"method": "biksg", "p": 2},
    {"method": "mixed"},
    {"method": "lnc", "k": 5},
    {"method": "3h"},
    {"method": "ksg_global", "k": [2, 3]},
    {"method": "ksg_global_linf", "sweep_side": "x"},
]


class TestEstimates:
    @pytest.mark.parametrize("options", MI, ids=str)
    def test_mi(self, x, y, dtype, device, options):
        x, y = x.astype(dtype), y.astype(dtype)
        on_cpu = fastmi.mi(x, y, **options)
        estimate = fastmi.mi(device.put(x), device.put(y), **options)
        same(estimate, on_cpu)
        first = estimate[0] if isinstance(estimate, list) else estimate
        assert first.device == device.name
        same(fastmi.mi(x, y, device=device.name, **options), on_cpu)

    @pytest.mark.parametrize(
        "options", [{}, {"metric": "euclidean", "k": [1, 2]}, {"normalize": "rank"}], ids=str
    )
    def test_cmi(self, x, y, z, device, options):
        there = [device.put(each) for each in (x, y, z)]
        same(fastmi.cmi(*there, **options), fastmi.cmi(x, y, z, **options))
        same(fastmi.cmi(*there[:2], **options), fastmi.cmi(x, y, **options))

    @pytest.mark.parametrize("method", ["ksg1", "ksg2", "biksg"])
    def test_total_correlation(self, x, y, z, device, method):
        estimate = fastmi.total_correlation(*map(device.put, (x, y, z)), method=method)
        same(estimate, fastmi.total_correlation(x, y, z, method=method))

    @pytest.mark.parametrize(
        "function", [fastmi.dual_total_correlation, fastmi.o_information, fastmi.s_information]
    )
    def test_leave_one_out(self, x, y, z, device, function):
        estimate = function(*map(device.put, (x, y, z)), k=[2, 4])
        same(estimate, function(x, y, z, k=[2, 4]))

    @pytest.mark.parametrize("method", ["kl", "wkl"])
    def test_entropy(self, x, device, method):
        estimate = fastmi.entropy(device.put(x), method=method)
        same(estimate, fastmi.entropy(x, method=method))
        assert estimate.device == device.name

    def test_neighbors(self, x, y, metric, dtype, device):
        x, y = x.astype(dtype), y.astype(dtype)
        there = (device.put(x), device.put(y))
        for k in (3, [1, 5]):
            got = neighbors.kth_distance(there, k, metric=metric)
            np.testing.assert_array_equal(got, neighbors.kth_distance((x, y), k, metric=metric))
        got = neighbors.kneighbors(there[0], 4, metric=metric)
        for one, other in zip(got, neighbors.kneighbors(x, 4, metric=metric), strict=True):
            np.testing.assert_array_equal(one, other)
        for radius in (0.5, np.linspace(0, 1, len(x))):
            got = neighbors.count_within(there, radius, strict=False, metric=metric)
            expected = neighbors.count_within((x, y), radius, strict=False, metric=metric)
            np.testing.assert_array_equal(got, expected)

    def test_the_result_stands_on_the_host(self, x, y, device):
        estimate = fastmi.mi(device.put(x), device.put(y))
        restored = pickle.loads(pickle.dumps(estimate))
        assert restored.device == device.name
        assert restored.algorithm in {"brute", "tree", "sort"}
        assert f"on {device.name}" in restored._repr_html_()

    def test_one_dtype(self, x, y, device):
        estimate = fastmi.mi(x.astype(np.float32), y, device=device.name)
        same(estimate, fastmi.mi(x.astype(np.float32), y))


class TestNames:
    @pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:17"])
    def test_good(self, name):
        assert as_device(name) == name

    @pytest.mark.parametrize(
        "name", ["gpu", "cuda:", "cuda:-1", "cuda:01", "cuda:1٣", "CUDA", "cuda:0 ", ""]
    )
    def test_unknown(self, x, y, name):
        message = f"device must be 'auto', 'cpu', 'cuda' or 'cuda:<index>'; got device={name!r}"
        for call in (
            lambda: fastmi.mi(x, y, device=name),
            lambda: fastmi.mi(x, y, device=name, method="biksg"),
            lambda: fastmi.entropy(x, device=name),
            lambda: neighbors.kth_distance(x, 3, device=name),
        ):
            with pytest.raises(ValueError, match=f"^{message}$"):
                call()

    @pytest.mark.parametrize("name", [0, None, b"cuda", ["cpu"]])
    def test_not_a_name(self, x, y, name):
        with pytest.raises(TypeError, match=r"device must be 'auto', .*; got device="):
            fastmi.mi(x, y, device=name)

    def test_torch_device(self):
        torch = pytest.importorskip("torch")
        assert as_device(torch.device("cuda", 1)) == "cuda:1"
        assert as_device(torch.device("cpu")) == "cpu"


class TestNoGPU:
    def test_the_reason_is_given(self, x, y, monkeypatch):
        absent(monkeypatch, "the driver is too old: 11.0, needed 13.0")
        expected = "^fastmi cannot use a GPU here: the driver is too old: 11.0"
        for call in (
            lambda: fastmi.mi(x, y, device="cuda"),
            lambda: fastmi.entropy(x, device="cuda:0", method="wkl"),
            lambda: neighbors.kth_distance(x, 3, device="cuda"),
        ):
            with pytest.raises(RuntimeError, match=expected):
                call()

    def test_arrays_on_a_gpu_say_so_too(self, host_gpu, x, y, monkeypatch):
        absent(monkeypatch)
        with pytest.raises(RuntimeError, match="no driver"):
            fastmi.mi(*map(host_gpu.put, (x, y)))

    def test_cpu_works_all_the_same(self, x, y, monkeypatch):
        absent(monkeypatch)
        assert fastmi.mi(x, y, device="cpu") == fastmi.mi(x, y)

    def test_config_without_a_module(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "fastmi._cuda", None)
        settings = self.configured()
        assert not settings["available"]
        assert settings["reason"]
        assert "devices" not in settings

    def test_config_with_a_broken_module(self, monkeypatch):
        def broken(name):
            raise ImportError("libstdc++.so.6: version not found", name=name)

        monkeypatch.setattr(_backend, "import_module", broken)
        reason = "fastmi._cuda could not be loaded: libstdc++.so.6: version not found"
        assert self.configured()["reason"] == reason

    @pytest.mark.parametrize(
        "settings, reason",
        [
            ({"driver_version": 0}, "no CUDA driver"),
            ({"devices": 0}, "no CUDA device (CUDA_VISIBLE_DEVICES may hide it)"),
            (
                {"driver_version": 12080},
                "the driver supports CUDA 12.8, older than that of this build, 13.0",
            ),
        ],
        ids=["no driver", "no device", "old driver"],
    )
    def test_config_without(self, monkeypatch, capsys, settings, reason):
        self.install(monkeypatch, **settings)
        found = self.configured()
        assert not found["available"]
        assert found["reason"] == reason
        _backend.find_cuda.cache_clear()
        fastmi.show_config()
        assert f"off: {reason}" in capsys.readouterr().out
        with pytest.raises(RuntimeError, match=f"CUDA cannot run: {re.escape(reason)}"):
            sys.modules["fastmi._cuda"].synchronize(0, 0)

    @pytest.mark.parametrize(
        "state, reason",
        [
            ("off: built without nvcc", "built without nvcc; .*`FASTMI_CUDA=ON pip install .`"),
            ("on: CUDA 13.0, 90-real", "fastmi._cuda was built but is not installed"),
        ],
    )
    def test_config_without_module(self, monkeypatch, capsys, state, reason):
        build = {**_backend.kernels().build_info(), "cuda": state}
        monkeypatch.setattr(_backend.kernels(), "build_info", lambda: build)
        monkeypatch.setitem(sys.modules, "fastmi._cuda", None)
        assert re.match(reason, self.configured()["reason"])
        fastmi.show_config()
        assert re.search(f"off: {reason}", capsys.readouterr().out)
        with pytest.raises(RuntimeError, match=f"^fastmi cannot use a GPU here: {reason}"):
            fastmi.mi([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 3.0, 2.0], k=1, device="cuda")

    def test_config_with_devices(self, monkeypatch, capsys):
        self.install(monkeypatch)
        settings = self.configured()
        assert settings["available"]
        assert settings["reason"] == ""
        assert json.loads(json.dumps(settings)) == settings
        assert settings["devices"][0]["compute_capability"] == "9.0"
        assert [device["name"] for device in settings["devices"]] == ["Host 0", "Host 1"]
        fastmi.show_config()
        assert "on: Host 0, Host 1; driver 13.2, runtime 13.0" in capsys.readouterr().out

    @pytest.fixture(autouse=True)
    def forget(self):
        _backend.find_cuda.cache_clear()
        yield
        _backend.find_cuda.cache_clear()

    def install(self, monkeypatch, **settings):
        found = host(**settings)
        if isinstance(found, str):
            pytest.skip(f"no host build of the CUDA module: {found}")
        monkeypatch.setitem(sys.modules, "fastmi._cuda", found.cuda)

    def configured(self):
        _backend.find_cuda.cache_clear()
        return fastmi.config()["cuda"]


class TestPlaces:
    def test_data_stay_where_they_are(self, host_gpu, x, y):
        there = [Array(host_gpu.cuda, each, device=1) for each in (x, y)]
        for device in ("auto", "cuda", "cuda:1"):
            host_gpu.cuda.calls.clear()
            assert fastmi.mi(*there, device=device).device == "cuda:1"
            names = {call[0] for call in host_gpu.cuda.calls}
            assert names == {"first_unusable", "ksg"}
            assert {call[1] for call in host_gpu.cuda.calls} == {1}

    def test_numpy_is_copied_once(self, host_gpu, x, y, z):
        fastmi.cmi(x, y, z, device="cuda:1", k=[1, 2, 3], normalize="local")
        copies = [call for call in host_gpu.cuda.calls if call[0] == "Buffer"]
        assert len(copies) == 3
        assert {call[1] for call in copies} == {1}

    @pytest.mark.usefixtures("host_gpu")
    def test_cuda_is_the_first(self, x, y):
        assert fastmi.mi(x, y, device="cuda").device == "cuda:0"

    def test_wrong_index(self, host_gpu, x, y):
        with pytest.raises(ValueError, match="'cuda:0' to 'cuda:1' on this machine; got 'cuda:2'"):
            fastmi.mi(x, y, device="cuda:2")
        host_gpu.cuda.machine.settings.devices = 1
        with pytest.raises(ValueError, match="device must be 'cuda:0' on this machine"):
            fastmi.mi(x, y, device="cuda:1")

    def test_mixed_devices(self, host_gpu, x, y):
        cuda = host_gpu.cuda
        with pytest.raises(ValueError, match="x on cuda:0, y on the host"):
            fastmi.mi(Array(cuda, x), y)
        with pytest.raises(ValueError, match="x on the host, y on cuda:1"):
            fastmi.mi(x, Array(cuda, y, device=1), device="cuda")
        with pytest.raises(ValueError, match="x on cuda:0, y on cuda:1"):
            fastmi.mi(Array(cuda, x), Array(cuda, y, device=1))

    @pytest.mark.parametrize("device", ["cpu", "cuda:1"])
    def test_another_device_than_that_of_the_data(self, host_gpu, x, y, device):
        there = [Array(host_gpu.cuda, each) for each in (x, y)]
        message = f"x must be on {device} for device='{device}'; got Array on cuda:0: copy it"
        with pytest.raises(ValueError, match=message):
            fastmi.mi(*there, device=device)

    def test_methods_without_kernels(self, host_gpu, x, y):
        there = [Array(host_gpu.cuda, each) for each in (x, y)]
        for method in ("gaussian", "binning", "ross"):
            with pytest.raises(ValueError, match=r"x must be in host memory here; got Array on cu"):
                fastmi.mi(*there, method=method)
        with pytest.raises(ValueError, match="for Ross, which has no GPU kernels"):
            fastmi.mi(x, y > 0, method="ross", device="cuda")
        with pytest.raises(ValueError, match="for ConditionalKSG with variant=2, which"):
            fastmi.cmi(x, y, y, method="ksg2", device="cuda")
        for call in (
            lambda: fastmi.mi(x, y, theiler=2, device="cuda"),
            lambda: fastmi.entropy(x, theiler=2, device="cuda"),
            lambda: fastmi.cmi(x, y, y, theiler=2, device="cuda"),
        ):
            with pytest.raises(ValueError, match=r"device must be 'auto' or 'cpu' for .*, which"):
                call()
        with pytest.raises(ValueError, match="x must be in host memory here"):
            fastmi.mi(*there, theiler=2)
        with pytest.raises(TypeError, match=r"options must be among .*; got device"):
            fastmi.mi(x, y, method="gaussian", device="cuda")
        with pytest.raises(ValueError, match="x must be in host memory"):
            fastmi.normalize.local(there[0])

    @pytest.mark.parametrize(
        "function",
        [fastmi.lagged_mi, fastmi.transfer_entropy, fastmi.subsample_error],
        ids=lambda function: function.__name__,
    )
    def test_functions_that_cut_samples(self, host_gpu, x, y, function):
        there = [Array(host_gpu.cuda, each) for each in (x, y)]
        options = {"lags": 1} if function is fastmi.lagged_mi else {"seed": 0}
        with pytest.raises(ValueError, match=r"(x|source) must be in host memory here; got Array"):
            function(*there, **options)
        on_gpu, on_cpu = (function(x, y, device=name, **options) for name in ("cuda", "cpu"))
        if function is fastmi.subsample_error:
            assert on_gpu.stderr == pytest.approx(on_cpu.stderr, rel=1e-6)
        else:
            same(on_gpu, on_cpu)

    @pytest.mark.usefixtures("host_gpu")
    def test_algorithms_of_the_cpu(self, x, y):
        with pytest.raises(ValueError, match="'auto', 'brute', 'tree' on a GPU; got algorithm='so"):
            fastmi.mi(x[:, :1], y, device="cuda", algorithm="sort")


class TestFailures:
    @pytest.mark.parametrize(
        "function, code, error, message",
        [
            ("cudaMalloc", OUT_OF_MEMORY, MemoryError, "out of memory"),
            ("cudaMallocFromPoolAsync", OUT_OF_MEMORY, MemoryError, r"out of memory \(\d+ of 1024"),
            ("cudaMemcpyAsync", ILLEGAL_ADDRESS, RuntimeError, "cudaErrorIllegalAddress: an ill"),
            ("cudaStreamSynchronize", ILLEGAL_ADDRESS, RuntimeError, "cudaErrorIllegalAddress"),
            ("launch", NO_KERNEL_IMAGE, RuntimeError, "no CUDA kernels for this device"),
        ],
    )
    def test_they_pass_and_leave_no_trace(self, host_gpu, x, y, function, code, error, message):
        machine = host_gpu.cuda.machine
        there = [Array(host_gpu.cuda, each) for each in (x, y)]
        expected = fastmi.mi(*there)
        for given in (there, (x, y)) if function != "cudaMalloc" else ((x, y),):
            machine.fail(function, code)
            with pytest.raises(error, match=message):
                fastmi.mi(*given, device="cuda")
            assert machine.scratch() == 0
            assert machine.current_device() == 0
            assert fastmi.mi(*there) == expected

    def test_little_memory(self, host_gpu, x, y):
        """With any amount of memory a call returns or raises MemoryError, and frees its memory."""
        machine = host_gpu.cuda.machine
        expected = fastmi.mi(x, y, device="cuda")
        outcomes = set()
        for bytes_there in range(10_000, 200_000, 10_000):
            machine.settings.memory = bytes_there
            try:
                outcomes.add(fastmi.mi(x, y, device="cuda") == expected)
            except MemoryError:
                outcomes.add("too little")
            assert machine.scratch() == 0
        assert outcomes == {True, "too little"}

    def test_an_interrupt_between_launches(self, host_gpu, rng):
        machine = host_gpu.cuda.machine
        machine.settings.pair_dims_per_launch = 1
        x, y = rng.standard_normal((2, 4000))

        def handler(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(KeyboardInterrupt):
                fastmi.mi(x, y, device="cuda", algorithm="brute", k=3)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert machine.scratch() == 0

    def test_the_current_device_stays(self, host_gpu, x, y):
        machine = host_gpu.cuda.machine
        for device in ("cuda:1", "cuda:0"):
            fastmi.mi(x, y, device=device)
            assert machine.current_device() == 0

    def test_no_context_where_nothing_runs(self, host_gpu, x, y):
        machine = host_gpu.cuda.machine
        fastmi.config()
        check_index(1)
        assert machine.contexts() == set()
        # As in a program that works on its second GPU.
        machine.set_device(1)
        fastmi.mi(x, y, device="cuda:1")
        assert machine.contexts() == {1}

    def test_a_gpu_out_of_memory(self, real_gpu, x, y):
        torch = pytest.importorskip("torch")
        expected = fastmi.mi(x, y, device="cuda")
        free, _ = torch.cuda.mem_get_info()
        filler = torch.empty(free - 2**26, dtype=torch.uint8, device="cuda")
        large = np.arange(2.0**25, dtype=np.float32)
        with pytest.raises(MemoryError):
            fastmi.mi(large, large, device="cuda")
        del filler
        torch.cuda.empty_cache()
        assert fastmi.mi(x, y, device=real_gpu.name) == expected
