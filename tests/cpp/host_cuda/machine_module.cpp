// The machine of machine.h for the Python tests, in the same file as the module that runs on it.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "machine.h"

namespace py = pybind11;
using fastmi::test::Machine;
using fastmi::test::Settings;

PYBIND11_MODULE(_machine, m) {
  using namespace py::literals;
  py::class_<Settings>(m, "Settings", py::module_local())
      .def_readwrite("devices", &Settings::devices)
      .def_readwrite("runtime_version", &Settings::runtime_version)
      .def_readwrite("driver_version", &Settings::driver_version)
      .def_readwrite("multiprocessors", &Settings::multiprocessors)
      .def_readwrite("memory", &Settings::memory)
      .def_readwrite("scratch_bytes", &Settings::scratch_bytes)
      .def_readwrite("pair_dims_per_launch", &Settings::pair_dims_per_launch)
      .def_readwrite("one_pass_from", &Settings::one_pass_from);
  Machine& machine = Machine::get();
  m.attr("settings") = py::cast(&machine.settings, py::return_value_policy::reference);
  m.def("reset", [&] { machine.reset(); });
  m.def(
      "adopt",
      [&](std::uintptr_t begin, std::size_t bytes, int device) {
        const std::lock_guard<std::recursive_mutex> lock(machine.mutex);
        machine.adopt(begin, bytes, device);
      },
      "begin"_a, "bytes"_a, "device"_a);
  m.def(
      "fail",
      [&](const std::string& function, int error) {
        machine.failures[function] = static_cast<cudaError_t>(error);
      },
      "function"_a, "error"_a);
  m.def("scratch", [&] { return machine.scratch(); });
  m.def("launches", [&] { return machine.launches(); });
  m.def("waits", [&] { return machine.waits(); });
  m.def("contexts", [&] { return machine.contexts; });
  m.def("set_device", [&](int device) { machine.set_device(device); }, "device"_a);
  m.def("current_device", [&] { return machine.device(); });
}
