// fastmi._cpu: the contract of ops.h for arrays in host memory, and what the CPU alone has.
#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bindings/cpu_backend.h"
#include "bindings/cpu_bnaf.h"
#include "bindings/ops.h"
#include "bindings/stop_flag.h"
#include "common/unscale.h"
#include "cpu/coincidences.h"
#include "cpu/digamma.h"
#include "cpu/exchanged.h"
#include "cpu/leaf_tree.h"
#include "cpu/rectangles.h"
#include "cpu/ross.h"
#include "cpu/simd_level.h"
#include "cpu/strips.h"
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

/// Checks that numbers are in [0, end).
template <class Numbers>
void check_range(const Numbers& numbers, std::int64_t end, const std::string& name) {
  for (const std::int64_t number : numbers) {
    if (number < 0 || number >= end) {
      throw std::invalid_argument(name + " must be in [0, " + std::to_string(end) + "); got " +
                                  std::to_string(number));
    }
  }
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

/// Returns distances T and indices int64 [n - among, k] of the nearest of the first `among` samples
/// of each of the others, and the name of the algorithm that ran; see cpu/knn.h.
template <class T>
py::tuple call_kneighbors_among(const std::vector<py::array>& given, std::int64_t among, int k,
                                Metric metric, Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<CpuBackend, T>(given);
  const std::int64_t n = blocks.front().n;
  if (among < 1 || among >= n) throw std::invalid_argument("among must be in [1, n - 1]");
  if (k < 1 || k > among) throw std::invalid_argument("k must be in [1, among]");
  Array<T> distances({py::ssize_t{n - among}, py::ssize_t{k}});
  Array<std::int64_t> indices({py::ssize_t{n - among}, py::ssize_t{k}});
  T* to = distances.mutable_data();
  std::int64_t* rows = indices.mutable_data();
  CpuBackend::Place place(given, threads);
  place.run([&](const cpu::Execution& execution) {
    algorithm = cpu::kneighbors_among(blocks, among, k, metric, algorithm, execution, to, rows);
  });
  return py::make_tuple(distances, indices, algorithm_name(algorithm));
}

/// Returns counts int64 [s, len(ks), 3, n] for blocks x, y and z and orders int64 [s, n], whose
/// entries are rows; see cpu/exchanged.h.
template <class T>
Array<std::int64_t> call_exchanged_counts(const std::vector<py::array>& given,
                                          const std::vector<int>& ks,
                                          const Array<std::int64_t>& orders, int threads) {
  const Blocks<T> blocks = as_blocks<CpuBackend, T>(given);
  if (blocks.size() != 3) throw std::invalid_argument("blocks must be x, y and z");
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  check_ascending(ks);
  if (ks.back() > cpu::kStripMaxK) {
    throw std::invalid_argument("ks must be at most " + std::to_string(cpu::kStripMaxK));
  }
  const Array<std::int64_t> checked = as_orders(orders, n);
  check_range(std::span(checked.data(), static_cast<std::size_t>(checked.size())), n, "orders");
  const std::int64_t number = checked.shape(0);
  Array<std::int64_t> counts({py::ssize_t{number}, length(ks), py::ssize_t{3}, py::ssize_t{n}});
  const std::int64_t* rows = checked.data();
  std::int64_t* out = counts.mutable_data();
  const CpuBackend::Place place(given, threads);
  place.run([&](const cpu::Execution& execution) {
    cpu::exchanged_counts(blocks[0], blocks[1], blocks[2], ks, rows, number, execution, out);
  });
  return counts;
}

/// Returns int64 [m], the sample that each row gets; see cpu/exchanged.h. taken bool [n] stays as
/// it is. The call is so short that it keeps the GIL.
Array<std::int64_t> exchange(const Array<std::int64_t>& candidates,
                             const Array<std::int64_t>& sequence, const Array<bool>& taken) {
  const py::ssize_t rows = sequence.size();
  if (candidates.ndim() != 2 || candidates.shape(0) != rows || candidates.shape(1) < 1) {
    throw std::invalid_argument("candidates must have shape [m, size] for sequence [m]");
  }
  // Each number is read once, as another thread may overwrite it between a check and its use.
  const std::vector<std::int64_t> own(candidates.data(), candidates.data() + candidates.size());
  const std::vector<std::int64_t> drawn(sequence.data(), sequence.data() + rows);
  std::vector<bool> used(taken.data(), taken.data() + taken.size());
  check_range(own, taken.size(), "candidates");
  check_range(drawn, rows, "sequence");
  Array<std::int64_t> chosen(rows);
  std::fill_n(chosen.mutable_data(), rows, 0);
  cpu::exchange(own.data(), rows, static_cast<int>(candidates.shape(1)), drawn.data(), used,
                chosen.mutable_data());
  return chosen;
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
      "kneighbors_among",
      [](const std::vector<py::array>& blocks, std::int64_t among, int k, const std::string& metric,
         const std::string& algorithm, int threads) {
        return with_dtype<CpuBackend>(blocks, [&]<class T>() {
          return call_kneighbors_among<T>(blocks, among, k, as_metric(metric),
                                          as_algorithm<CpuBackend>(algorithm), threads);
        });
      },
      "blocks"_a, "among"_a, "k"_a, "metric"_a, "algorithm"_a, "threads"_a);
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
      "exchanged_counts",
      [](const std::vector<py::array>& blocks, const std::vector<int>& ks,
         const Array<std::int64_t>& orders, int threads) {
        return with_dtype<CpuBackend>(blocks, [&]<class T>() {
          return call_exchanged_counts<T>(blocks, ks, orders, threads);
        });
      },
      "blocks"_a, "ks"_a, "orders"_a.noconvert(), "threads"_a);
  m.def("exchange", &exchange, "candidates"_a.noconvert(), "sequence"_a.noconvert(),
        "taken"_a.noconvert());
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
