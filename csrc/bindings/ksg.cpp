#include "cpu/ksg.h"

#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/cpu_ops.h"
#include "cpu/sweep.h"
#include "cpu/theiler.h"

namespace fastmi::bindings {
namespace {

template <class T>
py::tuple ksg(const std::vector<py::array>& arrays, const std::vector<int>& ks, int variant,
              Metric metric, Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<T>(arrays);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  if (blocks.size() < 2) throw std::invalid_argument("ksg needs at least 2 blocks");
  if (variant != 1 && variant != 2) {
    throw std::invalid_argument("variant must be 1 or 2; got " + std::to_string(variant));
  }
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<std::int64_t> counts(
      {lists, static_cast<py::ssize_t>(blocks.size()), static_cast<py::ssize_t>(n)});
  std::int64_t* out = counts.mutable_data();
  std::vector<cpu::PsiSummary> summaries;
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    summaries = cpu::ksg(blocks, ks, variant == 1 ? cpu::KsgVariant::kOne : cpu::KsgVariant::kTwo,
                         metric, algorithm, execution, out);
  });
  const PsiArrays psi(summaries, {lists});
  return py::make_tuple(psi.mean, psi.std, counts, psi.zero_radius);
}

template <class T>
py::tuple ksg_sweep(const py::array& x, const py::array& y, const std::vector<double>& scales,
                    const std::vector<int>& ks, Metric metric, int threads) {
  const Blocks<T> blocks = as_blocks<T>({x, y});
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  const std::vector<T> own_scales = as_scales<T>(scales);
  const auto number = static_cast<py::ssize_t>(scales.size());
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<std::int64_t> counts({number, lists, py::ssize_t{2}, static_cast<py::ssize_t>(n)});
  std::int64_t* out = counts.mutable_data();
  std::vector<cpu::PsiSummary> summaries;
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    summaries = cpu::ksg_sweep(blocks[0], blocks[1], own_scales, ks, metric, execution, out);
  });
  const PsiArrays psi(summaries, {number, lists});
  return py::make_tuple(psi.mean, psi.std, counts, psi.zero_radius);
}

template <class T>
py::tuple theiler_counts(const std::vector<py::array>& arrays, const std::vector<int>& ks,
                         std::int64_t window, bool closed,
                         const std::vector<std::vector<int>>& spaces, Metric metric, int threads) {
  const Blocks<T> blocks = as_blocks<T>(arrays);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  if (!std::is_sorted(ks.begin(), ks.end())) {
    throw std::invalid_argument("ks must be in ascending order");
  }
  for (const auto& space : spaces) {
    for (const int b : space) {
      if (b < 0 || b >= static_cast<int>(blocks.size())) {
        throw std::invalid_argument("spaces must name blocks; got " + std::to_string(b));
      }
    }
  }
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<T> radius({lists, static_cast<py::ssize_t>(n)});
  Array<std::int64_t> counts(
      {lists, static_cast<py::ssize_t>(spaces.size()), static_cast<py::ssize_t>(n)});
  T* reach = radius.mutable_data();
  std::int64_t* out = counts.mutable_data();
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    cpu::theiler_counts(blocks, ks, {window, closed, spaces}, metric, execution, reach, out);
  });
  return py::make_tuple(radius, counts);
}

}  // namespace

void register_ksg(py::module_& m) {
  using namespace py::literals;
  using Arrays = std::vector<py::array>;

  m.def(
      "ksg",
      [](const Arrays& blocks, const std::vector<int>& ks, int variant, const std::string& metric,
         const std::string& algorithm, int threads) {
        return with_dtype(blocks, [&]<class T>() {
          return ksg<T>(blocks, ks, variant, as_metric(metric), as_algorithm(algorithm), threads);
        });
      },
      "blocks"_a, "ks"_a, "variant"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "ksg_sweep",
      [](const py::array& x, const py::array& y, const std::vector<double>& scales,
         const std::vector<int>& ks, const std::string& metric, int threads) {
        return with_dtype({x}, [&]<class T>() {
          return ksg_sweep<T>(x, y, scales, ks, as_metric(metric), threads);
        });
      },
      "x"_a, "y"_a, "scales"_a, "ks"_a, "metric"_a, "threads"_a);
  m.def(
      "theiler_counts",
      [](const Arrays& blocks, const std::vector<int>& ks, std::int64_t window, bool closed,
         const std::vector<std::vector<int>>& spaces, const std::string& metric, int threads) {
        return with_dtype(blocks, [&]<class T>() {
          return theiler_counts<T>(blocks, ks, window, closed, spaces, as_metric(metric), threads);
        });
      },
      "blocks"_a, "ks"_a, "window"_a, "closed"_a, "spaces"_a, "metric"_a, "threads"_a);
}

}  // namespace fastmi::bindings
