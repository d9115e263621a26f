#include <pybind11/stl.h>

#include "bindings/cpu_ops.h"
#include "cpu/count.h"
#include "cpu/knn.h"

namespace fastmi::bindings {
namespace {

template <class T>
py::array kth_distance(const std::vector<py::array>& arrays, const std::vector<int>& ks,
                       Metric metric, Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<T>(arrays);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  Array<T> distances({static_cast<py::ssize_t>(ks.size()), static_cast<py::ssize_t>(n)});
  T* out = distances.mutable_data();
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    cpu::kth_distance(blocks, ks, metric, algorithm, execution, out);
  });
  return distances;
}

template <class T>
py::tuple kneighbors(const std::vector<py::array>& arrays, int k, Metric metric,
                     Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<T>(arrays);
  const std::int64_t n = blocks.front().n;
  check_k(k, n);
  if (algorithm == Algorithm::kSort) {
    throw std::invalid_argument("kneighbors has no algorithm='sort'; use 'tree' or 'brute'");
  }
  Array<T> distances({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(k)});
  Array<std::int64_t> indices({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(k)});
  T* out = distances.mutable_data();
  std::int64_t* out_indices = indices.mutable_data();
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    cpu::kneighbors(blocks, k, metric, algorithm, execution, out, out_indices);
  });
  return py::make_tuple(distances, indices);
}

template <class T>
py::array count_within(const std::vector<py::array>& arrays, const py::array& radius, bool strict,
                       Metric metric, Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<T>(arrays);
  const std::int64_t n = blocks.front().n;
  if (!py::isinstance<Array<T>>(radius)) {
    throw py::type_error("radius must be C-contiguous and of the dtype of the blocks");
  }
  const T* r = as_radii<T>(radius, n);
  Array<std::int64_t> counts(static_cast<py::ssize_t>(n));
  std::int64_t* out = counts.mutable_data();
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    cpu::count_within(blocks, r, 1, strict, metric, algorithm, execution, out);
  });
  return counts;
}

}  // namespace

void register_neighbors(py::module_& m) {
  using namespace py::literals;
  using Arrays = std::vector<py::array>;

  m.def(
      "kth_distance",
      [](const Arrays& blocks, const std::vector<int>& ks, const std::string& metric,
         const std::string& algorithm, int threads) {
        return with_dtype(blocks, [&]<class T>() {
          return kth_distance<T>(blocks, ks, as_metric(metric), as_algorithm(algorithm), threads);
        });
      },
      "blocks"_a, "ks"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "kneighbors",
      [](const Arrays& blocks, int k, const std::string& metric, const std::string& algorithm,
         int threads) {
        return with_dtype(blocks, [&]<class T>() {
          return kneighbors<T>(blocks, k, as_metric(metric), as_algorithm(algorithm), threads);
        });
      },
      "blocks"_a, "k"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "count_within",
      [](const Arrays& blocks, const py::array& radius, bool strict, const std::string& metric,
         const std::string& algorithm, int threads) {
        return with_dtype(blocks, [&]<class T>() {
          return count_within<T>(blocks, radius, strict, as_metric(metric), as_algorithm(algorithm),
                                 threads);
        });
      },
      "blocks"_a, "radius"_a, "strict"_a, "metric"_a, "algorithm"_a, "threads"_a);
}

}  // namespace fastmi::bindings
