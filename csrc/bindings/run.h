// Runs a kernel for the bindings: without the GIL, and so that Ctrl-C reaches it.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>
#include <utility>

#include "bindings/stop_flag.h"
#include "common/interrupted.h"

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastmi::bindings {

namespace py = pybind11;

/// Reports nothing.
struct Quiet {
  void operator()() const {}
};

/// Releases the GIL as long as it lives.
///
/// Once the interpreter ends, no other thread gets the GIL back. CPython up to 3.13 ends the thread
/// that asks for it by unwinding its stack, which the first destructor or `catch (...)` on the way
/// turns into the end of the process, and which would free Python objects without the GIL. CPython
/// 3.14 lets the thread sleep for ever, and so does this class whatever the version.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() { take(); }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

  /// Calls f() with the GIL.
  template <class F>
  auto with_gil(F&& f) {
    take();
    struct Release {
      ~Release() { PyEval_SaveThread(); }
    };
    // Python code that f runs gives the GIL away now and then, and asks for it again.
#if defined(__GLIBCXX__)
    try {
      const Release release;
      return f();
    } catch (const abi::__forced_unwind&) {
      sleep_for_ever();
    }
#else
    const Release release;
    return f();
#endif
  }

 private:
  [[noreturn]] static void sleep_for_ever() {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }

  void take() noexcept {
    try {
      PyEval_RestoreThread(state_);
    } catch (...) {  // not an exception of C++: the unwinding
      sleep_for_ever();
    }
  }

  PyThreadState* state_;
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
    WithoutGil no_gil;
    execution.interrupted = [&no_gil, &report] {
      return no_gil.with_gil([&report] {
        report();
        return stop_asked_for();
      });
    };
    f(std::as_const(execution));
  } catch (const Interrupted&) {
    throw py::error_already_set();
  }
}

}  // namespace fastmi::bindings
