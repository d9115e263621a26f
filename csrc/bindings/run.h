// Runs a kernel for the bindings: without the GIL, and so that Ctrl-C reaches it.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#include "common/interrupted.h"

namespace fastmi::bindings {

namespace py = pybind11;

/// Reports nothing.
struct Quiet {
  void operator()() const {}
};

/// Runs f(execution) without the GIL; Ctrl-C during it comes back as KeyboardInterrupt. Whenever
/// the kernel asks whether to stop, `report` is called first, with the GIL.
template <class Execution, class F, class Report>
void run_without_gil(Execution execution, F&& f, Report&& report) {
  try {
    const py::gil_scoped_release no_gil;
    execution.interrupted = [&report] {
      const py::gil_scoped_acquire gil;
      report();
      return PyErr_CheckSignals() != 0;
    };
    f(std::as_const(execution));
  } catch (const Interrupted&) {
    throw py::error_already_set();
  }
}

}  // namespace fastmi::bindings
