// Runs a kernel for the bindings: without the GIL, and so that Ctrl-C reaches it.
#pragma once

#include <pybind11/pybind11.h>

#include <utility>

#include "bindings/stop_flag.h"
#include "common/interrupted.h"

namespace fastmi::bindings {

namespace py = pybind11;

/// Reports nothing.
struct Quiet {
  void operator()() const {}
};

/// Whether to stop; then Python's error is set, to KeyboardInterrupt or whatever a handler of
/// signals has raised. Needs the GIL.
inline bool stop_asked_for() {
  if (StopFlag::seen()) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
    return true;
  }
  return PyErr_CheckSignals() != 0;
}

/// Runs f(execution) without the GIL; Ctrl-C before or during it comes back as KeyboardInterrupt,
/// on threads that watch a StopFlag too. Whenever the kernel asks whether to stop, `report` is
/// called first, with the GIL.
template <class Execution, class F, class Report>
void run_without_gil(Execution execution, F&& f, Report&& report) {
  if (stop_asked_for()) throw py::error_already_set();
  try {
    const py::gil_scoped_release no_gil;
    execution.interrupted = [&report] {
      const py::gil_scoped_acquire gil;
      report();
      return stop_asked_for();
    };
    f(std::as_const(execution));
  } catch (const Interrupted&) {
    throw py::error_already_set();
  }
}

}  // namespace fastmi::bindings
