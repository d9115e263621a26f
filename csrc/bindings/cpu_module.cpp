// fastmi._cpu: the contract of ops.h for arrays in host memory, and what the CPU alone has.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "bindings/cpu_backend.h"
#include "bindings/cpu_bnaf.h"
#include "bindings/ops.h"
#include "bindings/stop_flag.h"
#include "common/unscale.h"
#include "cpu/coincidences.h"
#include "cpu/digamma.h"
#include "cpu/leaf_tree.h"
#include "cpu/rectangles.h"
#include "cpu/ross.h"
#include "cpu/simd_level.h"
#include "cpu/theiler.h"

namespace fastmi::bindings {
namespace {

Array<double> digamma(const Array<std::int64_t>& n) {
  const std::int64_t* from = n.data();
  Array<double> psi(std::vector<py::ssize_t>(n.shape(), n.shape() + n.ndim()));
  // Each number is read once: another thread may overwrite it between a check and its use.
  std::transform(from, from + n.size(), psi.mutable_data(), [](std::int64_t number) {
    if (number < 1) throw std::invalid_argument("n must be positive integers");
    return cpu::digamma(number);
  });
  return psi;
}

/// Checks neighbours [n, at least k], whose entries are rows.
const std::int64_t* as_neighbours(const Array<std::int64_t>& neighbours, std::int64_t n, int k) {
  if (neighbours.ndim() != 2 || neighbours.shape(0) != n || neighbours.shape(1) < k) {
    throw std::invalid_argument("neighbours must have shape [n, k]");
  }
  const std::int64_t* rows = neighbours.data();
  for (py::ssize_t p = 0; p < neighbours.size(); ++p) {
    if (rows[p] < 0 || rows[p] >= n) throw std::invalid_argument("neighbours must be in [0, n)");
  }
  return rows;
}

void check_ascending(const std::vector<int>& ks) {
  if (!std::is_sorted(ks.begin(), ks.end())) {
    throw std::invalid_argument("ks must be in ascending order");
  }
}

/// See radii_and_counts, and cpu/theiler.h.
template <class T>
py::tuple call_theiler_counts(const std::vector<py::array>& given, const std::vector<int>& ks,
                              std::int64_t window, bool closed,
                              const std::vector<std::vector<int>>& spaces, Metric metric,
                              int threads) {
  check_ascending(ks);
  return radii_and_counts<CpuBackend, T>(
      given, ks, spaces, threads,
      [&](const Blocks<T>& blocks, const cpu::Execution& execution, T* radius,
          std::int64_t* counts) {
        return cpu::theiler_counts(blocks, ks, {window, closed, spaces}, metric, execution, radius,
                                   counts);
      });
}

/// Returns distances T [len(ks), n] in one block, given the joint neighbours int64 [n, k] of each
/// sample; see cpu/rectangles.h.
template <class T>
Array<T> call_rectangle_radii(const py::array& block, const Array<std::int64_t>& neighbours,
                              const std::vector<int>& ks, Metric metric, int threads) {
  const std::vector<py::array> given{block};
  const Blocks<T> blocks = as_blocks<CpuBackend, T>(given);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  const int k = *std::max_element(ks.begin(), ks.end());
  const std::int64_t* rows = as_neighbours(neighbours, n, k);
  const int width = static_cast<int>(neighbours.shape(1));
  if (blocks.front().d == 1) metric = Metric::kChebyshev;
  Array<T> radius({length(ks), py::ssize_t{n}});
  T* out = radius.mutable_data();
  CpuBackend::Place place(given, threads);
  place.run([&](const cpu::Execution& execution) {
    const T scale = cpu::tree_scale(blocks, metric);
    cpu::rectangle_radii(blocks.front(), rows, width, ks, metric, scale, execution, out);
    unscale(std::ilogb(scale), out, static_cast<std::int64_t>(ks.size()) * n);
  });
  return radius;
}

/// See radii_and_counts, and cpu/rectangles.h.
template <class T>
py::tuple call_rectangle_counts(const std::vector<py::array>& given, const std::vector<int>& ks,
                                const std::vector<std::vector<int>>& spaces, Metric metric,
                                Algorithm algorithm, int threads) {
  check_ascending(ks);
  return radii_and_counts<CpuBackend, T>(
      given, ks, spaces, threads,
      [&](const Blocks<T>& blocks, const cpu::Execution& execution, T* radius,
          std::int64_t* counts) {
        return cpu::rectangle_counts(blocks, ks, spaces, metric, algorithm, execution, radius,
                                     counts);
      });
}

/// Returns estimates double [len(ks), s] for values double [n], ascending, and labels int64 [s, n];
/// see cpu/ross.h.
Array<double> call_ross_estimates(const Array<double>& values, const Array<std::int64_t>& labels,
                                  const std::vector<int>& ks, int threads) {
  if (values.ndim() != 1 || labels.ndim() != 2 || labels.shape(1) != values.shape(0)) {
    throw std::invalid_argument("values and labels must have shapes [n] and [s, n]");
  }
  const std::int64_t n = values.shape(0);
  if (n > CpuBackend::kMaxSamples) {
    throw std::invalid_argument("values must be at most " +
                                std::to_string(CpuBackend::kMaxSamples) +
                                "; got n=" + std::to_string(n));
  }
  check_ks(ks, n);
  const double* from = values.data();
  if (!std::all_of(from, from + n, [](double value) { return std::isfinite(value); }) ||
      !std::is_sorted(from, from + n)) {
    throw std::invalid_argument("values must be finite and in ascending order");
  }
  const std::int64_t number = labels.shape(0);
  Array<double> estimates({length(ks), static_cast<py::ssize_t>(number)});
  double* out = estimates.mutable_data();
  const CpuBackend::Place place({}, threads);
  place.run([&](const cpu::Execution& execution) {
    cpu::ross_estimates(from, n, labels.data(), number, ks, execution, out);
  });
  return estimates;
}

/// Returns whether rows may be copies of one another and whether values may tie, as two bools. The
/// call is so short that it keeps the GIL.
template <class T>
py::tuple call_coincidences(const std::vector<py::array>& given) {
  const cpu::Coincidences found = cpu::coincidences(as_blocks<CpuBackend, T>(given));
  return py::make_tuple(found.copies, found.ties);
}

/// Raises KeyboardInterrupt if the flag that the calling thread watches is set, for work between
/// kernels.
void heed_stop() {
  if (stop_asked_for()) throw py::error_already_set();
}

py::dict build_info() {
  py::dict info;
  info["version"] = FASTMI_VERSION;
  info["compiler"] = FASTMI_COMPILER;
#ifdef FASTMI_X86_LEVELS
  info["simd_levels"] = std::vector<std::string>{"scalar", "avx2", "avx512"};
#else
  info["simd_levels"] = std::vector<std::string>{"scalar"};
#endif
  info["cuda"] = FASTMI_CUDA_STATE;
  return info;
}

std::vector<std::string> simd_levels() {
  std::vector<std::string> names;
  for (const cpu::SimdLevel level : cpu::available_simd_levels()) {
    names.emplace_back(cpu::simd_level_name(level));
  }
  return names;
}

}  // namespace

PYBIND11_MODULE(_cpu, m, py::mod_gil_not_used()) {
  using namespace py::literals;

  register_ops<CpuBackend>(m);
  register_cpu_bnaf(m);
  m.def(
      "theiler_counts",
      [](const std::vector<py::array>& blocks, const std::vector<int>& ks, std::int64_t window,
         bool closed, const std::vector<std::vector<int>>& spaces, const std::string& metric,
         int threads) {
        return with_dtype<CpuBackend>(blocks, [&]<class T>() {
          return call_theiler_counts<T>(blocks, ks, window, closed, spaces, as_metric(metric),
                                        threads);
        });
      },
      "blocks"_a, "ks"_a, "window"_a, "closed"_a, "spaces"_a, "metric"_a, "threads"_a);
  m.def(
      "rectangle_radii",
      [](const py::array& block, const Array<std::int64_t>& neighbours, const std::vector<int>& ks,
         const std::string& metric, int threads) {
        return with_dtype<CpuBackend>(block, [&]<class T>() -> py::array {
          return call_rectangle_radii<T>(block, neighbours, ks, as_metric(metric), threads);
        });
      },
      "block"_a, "neighbours"_a.noconvert(), "ks"_a, "metric"_a, "threads"_a);
  m.def(
      "rectangle_counts",
      [](const std::vector<py::array>& blocks, const std::vector<int>& ks,
         const std::vector<std::vector<int>>& spaces, const std::string& metric,
         const std::string& algorithm, int threads) {
        return with_dtype<CpuBackend>(blocks, [&]<class T>() {
          return call_rectangle_counts<T>(blocks, ks, spaces, as_metric(metric),
                                          as_algorithm<CpuBackend>(algorithm), threads);
        });
      },
      "blocks"_a, "ks"_a, "spaces"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def("ross_estimates", &call_ross_estimates, "values"_a.noconvert(), "labels"_a.noconvert(),
        "ks"_a, "threads"_a);
  m.def(
      "coincidences",
      [](const std::vector<py::array>& blocks) {
        return with_dtype<CpuBackend>(blocks,
                                      [&]<class T>() { return call_coincidences<T>(blocks); });
      },
      "blocks"_a);
  py::class_<StopFlag, std::shared_ptr<StopFlag>>(m, "StopFlag")
      .def(py::init<>())
      .def("set", &StopFlag::set)
      .def("watch", &StopFlag::watch);
  m.def("heed_stop", &heed_stop);
  m.def("digamma", &digamma, "n"_a.noconvert());
  m.def("simd_level", [] { return cpu::simd_level_name(cpu::current_simd_level()); });
  m.def("simd_levels", &simd_levels);
  m.def("build_info", &build_info);
}

}  // namespace fastmi::bindings
