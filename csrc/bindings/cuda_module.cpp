// fastmi._cuda: the contract of ops.h for samples in device memory, and what CUDA alone has.
//
// Every function of the contract runs on the device and the stream of its first block, takes its
// scratch from that device's stream-ordered pool and gives it back, and waits for the stream.
//
// bnaf_sizes, bnaf_forward, bnaf_backward: see bindings/cuda_bnaf.cpp.
//
// driver_info(): {"runtime_version", "driver_version" (0: none), "reason" ("" when usable)}; never
// raises, nor does device_count() (0 without a usable driver). device_info(i): name,
// compute_capability, multiprocessors, total_memory. pointer_device(p): number of the device that
// holds p, or -1 for host memory. Buffer(array, device, stream): a device copy of a
// C-contiguous host array, freed with the object. synchronize(device, stream) waits for a stream,
// the integer handle of one; 0 is the legacy default stream.
//
// After an error the context stays usable, unless CUDA itself has lost it.
#include <cstdint>
#include <memory>

#include "bindings/cuda_backend.h"
#include "bindings/cuda_bnaf.h"
#include "bindings/ops.h"
#include "cuda/device.h"

namespace fastmi::bindings {
namespace {

py::dict build_info() {
  py::dict info;
  info["version"] = FASTMI_VERSION;
  info["cuda_version"] = FASTMI_CUDA_VERSION;
  info["architectures"] = FASTMI_CUDA_ARCHITECTURES;
  return info;
}

py::dict driver_info() {
  const cuda::DriverInfo driver = cuda::driver_info();
  py::dict info;
  info["runtime_version"] = driver.runtime_version;
  info["driver_version"] = driver.driver_version;
  info["reason"] = driver.reason;
  return info;
}

py::dict device_info(int device) {
  const cuda::DeviceInfo found = cuda::device_info(device);
  py::dict info;
  info["name"] = found.name;
  info["compute_capability"] = py::make_tuple(found.major, found.minor);
  info["multiprocessors"] = found.multiprocessors;
  info["total_memory"] = found.total_memory;
  return info;
}

std::unique_ptr<cuda::DeviceCopy> make_buffer(const py::array& array, int device,
                                              std::uintptr_t stream) {
  if ((array.flags() & py::array::c_style) == 0) {
    throw py::type_error("array must be C-contiguous");
  }
  const void* from = array.data();
  const auto bytes = static_cast<std::size_t>(array.nbytes());
  const WithoutGil no_gil;
  return std::make_unique<cuda::DeviceCopy>(from, bytes, device, stream);
}

}  // namespace

PYBIND11_MODULE(_cuda, m, py::mod_gil_not_used()) {
  using namespace py::literals;

  register_ops<CudaBackend>(m);
  register_cuda_bnaf(m);
  py::class_<cuda::DeviceCopy>(m, "Buffer", py::module_local())
      .def(py::init(&make_buffer), "array"_a, "device"_a, "stream"_a)
      .def_property_readonly("pointer", &cuda::DeviceCopy::pointer)
      .def_property_readonly("nbytes", &cuda::DeviceCopy::bytes)
      .def_property_readonly("device", &cuda::DeviceCopy::device);
  m.def("device_count", [] { return cuda::driver_info().devices; });
  m.def("driver_info", &driver_info);
  m.def("device_info", &device_info, "device"_a);
  m.def("pointer_device", &cuda::pointer_device, "pointer"_a);
  m.def("synchronize", &cuda::synchronize, "device"_a, "stream"_a, py::call_guard<WithoutGil>());
  m.def("build_info", &build_info);
}

}  // namespace fastmi::bindings
