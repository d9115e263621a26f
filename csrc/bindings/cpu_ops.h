// What the bindings of fastmi._cpu share, and its functions by family.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "bindings/arguments.h"
#include "cpu/knn.h"
#include "cpu/parallel.h"

namespace fastmi::bindings {

using cpu::Algorithm;

inline Algorithm as_algorithm(const std::string& name) {
  for (const Algorithm algorithm :
       {Algorithm::kAuto, Algorithm::kTree, Algorithm::kBrute, Algorithm::kSort}) {
    if (name == cpu::algorithm_name(algorithm)) return algorithm;
  }
  throw std::invalid_argument("algorithm must be 'auto', 'tree', 'brute' or 'sort'; got '" + name +
                              "'");
}

inline void check_threads(int threads) {
  if (threads < 1) {
    throw std::invalid_argument("threads must be at least 1; got " + std::to_string(threads));
  }
}

/// Reports nothing.
struct Quiet {
  void operator()() const {}
};

/// Runs f(execution) without the GIL on `threads`; Ctrl-C during it comes back as
/// KeyboardInterrupt. `report` is called with the GIL some twenty times a second.
template <class F, class Report = Quiet>
void on_threads(int threads, F&& f, Report&& report = {}) {
  try {
    const py::gil_scoped_release no_gil;
    cpu::Execution execution;
    execution.threads = threads;
    execution.interrupted = [&report] {
      const py::gil_scoped_acquire gil;
      report();
      return PyErr_CheckSignals() != 0;
    };
    f(execution);
  } catch (const cpu::Interrupted&) {
    throw py::error_already_set();
  }
}

/// The same on as many of `threads` as one estimate of the samples is worth.
template <class T, class F>
void without_gil(const Blocks<T>& blocks, int threads, F&& f) {
  check_threads(threads);
  on_threads(cpu::useful_threads(threads, blocks.front().n, static_cast<int>(blocks.size()),
                                 total_dims(blocks)),
             f);
}

/// kth_distance, kneighbors, count_within.
void register_neighbors(py::module_& m);

/// ksg, ksg_sweep, theiler_counts.
void register_ksg(py::module_& m);

/// ksg_pairwise, ksg_surrogates.
void register_many(py::module_& m);

}  // namespace fastmi::bindings
