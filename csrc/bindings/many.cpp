#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "bindings/cpu_ops.h"
#include "cpu/pairwise.h"
#include "cpu/strips.h"
#include "cpu/surrogates.h"

namespace fastmi::bindings {
namespace {

template <class T>
py::tuple ksg_pairwise(const Array<T>& columns, const Array<std::int64_t>& pairs,
                       const std::vector<int>& ks, const py::object& report, int threads) {
  if (columns.ndim() != 2 || columns.shape(0) < 1) {
    throw std::invalid_argument("columns must have shape [m, n] with m at least 1; got ndim=" +
                                std::to_string(columns.ndim()));
  }
  const std::int64_t m = columns.shape(0);
  const std::int64_t n = columns.shape(1);
  check_n(n);
  check_ks(ks, n);
  const int k = *std::max_element(ks.begin(), ks.end());
  if (k > cpu::kStripMaxK) {
    throw std::invalid_argument("ks must be at most " + std::to_string(cpu::kStripMaxK) + "; got " +
                                std::to_string(k));
  }
  if (pairs.ndim() != 2 || pairs.shape(1) != 2) {
    throw std::invalid_argument("pairs must have shape [p, 2]; got ndim=" +
                                std::to_string(pairs.ndim()));
  }
  check_threads(threads);
  std::vector<cpu::ColumnPair> chosen;
  for (py::ssize_t p = 0; p < pairs.shape(0); ++p) {
    chosen.push_back({pairs.at(p, 0), pairs.at(p, 1)});
    for (const std::int64_t column : {chosen.back().x, chosen.back().y}) {
      if (column < 0 || column >= m) {
        throw std::invalid_argument("pairs must be in [0, " + std::to_string(m) + "); got " +
                                    std::to_string(column));
      }
    }
  }
  const T* data = columns.data();
  std::atomic<std::int64_t> done{0};
  std::vector<cpu::PairSummary> found;
  on_threads(
      threads,
      [&](const cpu::Execution& execution) {
        found = cpu::ksg_pairwise(data, m, n, chosen, ks, execution, done);
      },
      [&] {
        if (!report.is_none()) report(done.load());
      });
  const auto lists = static_cast<py::ssize_t>(ks.size());
  const py::ssize_t number = pairs.shape(0);
  Array<double> mean({lists, number});
  Array<double> std({lists, number});
  Array<std::int64_t> count_sum({lists, py::ssize_t{2}, number});
  Array<std::int64_t> zero_radius({lists, number});
  for (py::ssize_t p = 0; p < number; ++p) {
    for (py::ssize_t q = 0; q < lists; ++q) {
      const cpu::PairSummary& summary = found[static_cast<std::size_t>(p * lists + q)];
      mean.mutable_at(q, p) = summary.mean;
      std.mutable_at(q, p) = summary.std;
      for (int b = 0; b < 2; ++b) count_sum.mutable_at(q, b, p) = summary.count_sum[b];
      zero_radius.mutable_at(q, p) = summary.zero_radius;
    }
  }
  return py::make_tuple(mean, std, count_sum, zero_radius);
}

/// psi_mean [surrogates, ks]; `next_orders` returns orders [s, n] until it returns None.
template <class T>
py::array ksg_surrogates(const py::array& x, const py::array& y, const std::vector<int>& ks,
                         Metric metric, Algorithm algorithm, const py::function& next_orders,
                         int threads) {
  const Blocks<T> blocks = as_blocks<T>({x, y});
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  check_threads(threads);
  std::optional<cpu::Surrogates<T>> surrogates;
  on_threads(threads, [&](const cpu::Execution& execution) {
    surrogates.emplace(blocks[0], blocks[1], ks, metric, algorithm, execution);
  });
  std::vector<double> found;
  for (;;) {
    const py::object next = next_orders();
    if (next.is_none()) break;
    if (!py::isinstance<Array<std::int64_t>>(next)) {
      throw py::type_error("orders must be C-contiguous int64");
    }
    const auto orders = py::reinterpret_borrow<Array<std::int64_t>>(next);
    if (orders.ndim() != 2 || orders.shape(1) != n) {
      throw std::invalid_argument("orders must have shape [s, n] with n=" + std::to_string(n) +
                                  "; got ndim=" + std::to_string(orders.ndim()));
    }
    const std::size_t before = found.size();
    found.resize(before + static_cast<std::size_t>(orders.shape(0)) * ks.size());
    const std::int64_t* data = orders.data();
    const std::int64_t number = orders.shape(0);
    on_threads(threads, [&](const cpu::Execution& execution) {
      surrogates->psi_means(data, number, execution, found.data() + before);
    });
  }
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<double> means({static_cast<py::ssize_t>(found.size()) / lists, lists});
  std::copy(found.begin(), found.end(), means.mutable_data());
  return means;
}

}  // namespace

void register_many(py::module_& m) {
  using namespace py::literals;

  m.def("ksg_pairwise", &ksg_pairwise<double>, "columns"_a.noconvert(), "pairs"_a.noconvert(),
        "ks"_a, "report"_a, "threads"_a);
  m.def("ksg_pairwise", &ksg_pairwise<float>, "columns"_a.noconvert(), "pairs"_a.noconvert(),
        "ks"_a, "report"_a, "threads"_a);
  m.def(
      "ksg_surrogates",
      [](const py::array& x, const py::array& y, const std::vector<int>& ks,
         const std::string& metric, const std::string& algorithm, const py::function& next_orders,
         int threads) {
        return with_dtype({x}, [&]<class T>() {
          return ksg_surrogates<T>(x, y, ks, as_metric(metric), as_algorithm(algorithm),
                                   next_orders, threads);
        });
      },
      "x"_a, "y"_a, "ks"_a, "metric"_a, "algorithm"_a, "next_orders"_a, "threads"_a);
}

}  // namespace fastmi::bindings
