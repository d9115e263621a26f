#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "bindings/arrays.h"
#include "bindings/bnaf.h"
#include "cpu/ceiling.h"
#include "cpu/count.h"
#include "cpu/digamma.h"
#include "cpu/knn.h"
#include "cpu/ksg.h"
#include "cpu/pairwise.h"
#include "cpu/simd_level.h"
#include "cpu/strips.h"
#include "cpu/surrogates.h"
#include "cpu/sweep.h"
#include "cpu/theiler.h"

namespace fastmi::bindings {
namespace {

using cpu::Algorithm;

Metric as_metric(const std::string& name) {
  if (name == "chebyshev") return Metric::kChebyshev;
  if (name == "euclidean") return Metric::kEuclidean;
  throw std::invalid_argument("metric must be 'chebyshev' or 'euclidean'; got '" + name + "'");
}

Algorithm as_algorithm(const std::string& name) {
  for (const Algorithm algorithm :
       {Algorithm::kAuto, Algorithm::kTree, Algorithm::kBrute, Algorithm::kSort}) {
    if (name == cpu::algorithm_name(algorithm)) return algorithm;
  }
  throw std::invalid_argument("algorithm must be 'auto', 'tree', 'brute' or 'sort'; got '" + name +
                              "'");
}

void check_k(int k, std::int64_t n) {
  if (k < 1 || k >= n) {
    throw std::invalid_argument("k must be in [1, n - 1]; got k=" + std::to_string(k) +
                                ", n=" + std::to_string(n));
  }
}

void check_ks(const std::vector<int>& ks, std::int64_t n) {
  if (ks.empty()) throw std::invalid_argument("ks must not be empty");
  for (const int k : ks) check_k(k, n);
}

void check_threads(int threads) {
  if (threads < 1) {
    throw std::invalid_argument("threads must be at least 1; got " + std::to_string(threads));
  }
}

/// Runs f(execution) without the GIL on `threads`; Ctrl-C during it comes back as
/// KeyboardInterrupt. `report` is called with the GIL some twenty times a second.
template <class F, class Report>
void on_threads(int threads, F&& f, Report&& report) {
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
             f, [] {});
}

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
  if (radius.ndim() != 1 || radius.shape(0) != n) {
    throw std::invalid_argument("radius must have shape [n]; got n=" + std::to_string(n) + " and " +
                                std::to_string(radius.size()) + " radii");
  }
  const T* r = static_cast<const T*>(radius.data());
  if (!std::all_of(r, r + n, [](T value) { return value >= 0; })) {
    throw std::invalid_argument("radius must not be negative or NaN");
  }
  Array<std::int64_t> counts(static_cast<py::ssize_t>(n));
  std::int64_t* out = counts.mutable_data();
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    cpu::count_within(blocks, r, 1, strict, metric, algorithm, execution, out);
  });
  return counts;
}

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
  Array<double> mean(lists);
  Array<double> std(lists);
  Array<std::int64_t> counts(
      {lists, static_cast<py::ssize_t>(blocks.size()), static_cast<py::ssize_t>(n)});
  Array<std::int64_t> zero_radius(lists);
  std::int64_t* out = counts.mutable_data();
  std::vector<cpu::PsiSummary> summaries;
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    summaries = cpu::ksg(blocks, ks, variant == 1 ? cpu::KsgVariant::kOne : cpu::KsgVariant::kTwo,
                         metric, algorithm, execution, out);
  });
  for (py::ssize_t q = 0; q < lists; ++q) {
    mean.mutable_at(q) = summaries[q].mean;
    std.mutable_at(q) = summaries[q].std;
    zero_radius.mutable_at(q) = summaries[q].zero_radius;
  }
  return py::make_tuple(mean, std, counts, zero_radius);
}

template <class T>
py::tuple ksg_sweep(const py::array& x, const py::array& y, const std::vector<double>& scales,
                    const std::vector<int>& ks, Metric metric, int threads) {
  const Blocks<T> blocks = as_blocks<T>({x, y});
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  std::vector<T> own_scales;
  for (const double scale : scales) {
    own_scales.push_back(static_cast<T>(scale));
    if (!(own_scales.back() > 0) || !std::isfinite(own_scales.back())) {
      throw std::invalid_argument("scales must be positive and finite; got " +
                                  std::to_string(scale));
    }
  }
  if (own_scales.empty()) throw std::invalid_argument("scales must not be empty");
  const auto number = static_cast<py::ssize_t>(scales.size());
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<double> mean({number, lists});
  Array<double> std({number, lists});
  Array<std::int64_t> counts({number, lists, py::ssize_t{2}, static_cast<py::ssize_t>(n)});
  Array<std::int64_t> zero_radius({number, lists});
  std::int64_t* out = counts.mutable_data();
  std::vector<cpu::PsiSummary> summaries;
  without_gil(blocks, threads, [&](const cpu::Execution& execution) {
    summaries = cpu::ksg_sweep(blocks[0], blocks[1], own_scales, ks, metric, execution, out);
  });
  for (std::size_t e = 0; e < summaries.size(); ++e) {
    mean.mutable_data()[e] = summaries[e].mean;
    std.mutable_data()[e] = summaries[e].std;
    zero_radius.mutable_data()[e] = summaries[e].zero_radius;
  }
  return py::make_tuple(mean, std, counts, zero_radius);
}

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
  const auto quiet = [] {};
  std::optional<cpu::Surrogates<T>> surrogates;
  on_threads(
      threads,
      [&](const cpu::Execution& execution) {
        surrogates.emplace(blocks[0], blocks[1], ks, metric, algorithm, execution);
      },
      quiet);
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
    on_threads(
        threads,
        [&](const cpu::Execution& execution) {
          surrogates->psi_means(data, number, execution, found.data() + before);
        },
        quiet);
  }
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<double> means({static_cast<py::ssize_t>(found.size()) / lists, lists});
  std::copy(found.begin(), found.end(), means.mutable_data());
  return means;
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

Array<double> digamma(const Array<std::int64_t>& n) {
  const std::int64_t* from = n.data();
  if (!std::all_of(from, from + n.size(), [](std::int64_t value) { return value >= 1; })) {
    throw std::invalid_argument("n must be positive integers");
  }
  Array<double> psi(std::vector<py::ssize_t>(n.shape(), n.shape() + n.ndim()));
  std::transform(from, from + n.size(), psi.mutable_data(), &cpu::digamma);
  return psi;
}

/// Position of the first entry that is NaN, infinite or so large that a difference of two such
/// entries overflows; -1 if there is none.
template <class T>
std::int64_t first_unusable(const Array<T>& values) {
  constexpr T kLargest = std::numeric_limits<T>::max() / 2;
  constexpr py::ssize_t kRun = 4096;
  const T* from = values.data();
  for (py::ssize_t begin = 0; begin < values.size(); begin += kRun) {
    const py::ssize_t end = std::min(values.size(), begin + kRun);
    py::ssize_t usable = 0;
    for (py::ssize_t p = begin; p < end; ++p) usable += std::abs(from[p]) <= kLargest;
    if (usable == end - begin) continue;
    return std::find_if(from + begin, from + end,
                        [&](T value) { return !(std::abs(value) <= kLargest); }) -
           from;
  }
  return -1;
}

py::dict build_info() {
  py::dict info;
  info["version"] = FASTMI_VERSION;
  info["compiler"] = FASTMI_COMPILER;
  info["openmp"] = _OPENMP;
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
  m.def(
      "theiler_counts",
      [](const Arrays& blocks, const std::vector<int>& ks, std::int64_t window, bool closed,
         const std::vector<std::vector<int>>& spaces, const std::string& metric, int threads) {
        return with_dtype(blocks, [&]<class T>() {
          return theiler_counts<T>(blocks, ks, window, closed, spaces, as_metric(metric), threads);
        });
      },
      "blocks"_a, "ks"_a, "window"_a, "closed"_a, "spaces"_a, "metric"_a, "threads"_a);
  register_bnaf(m);
  m.def("digamma", &digamma, "n"_a.noconvert());
  m.def("first_unusable", &first_unusable<double>, "values"_a.noconvert());
  m.def("first_unusable", &first_unusable<float>, "values"_a.noconvert());
  m.def(
      "choose_algorithm",
      [](std::int64_t n, const std::vector<int>& dims, int k, bool indices) {
        int d = 0;
        for (const int dim : dims) d += dim;
        return cpu::algorithm_name(
            cpu::choose_algorithm(n, static_cast<int>(dims.size()), d, k, indices));
      },
      "n"_a, "dims"_a, "k"_a, "indices"_a = false);
  m.def("simd_level", [] { return cpu::simd_level_name(cpu::current_simd_level()); });
  m.def("simd_levels", &simd_levels);
  m.def("build_info", &build_info);
  m.def(
      "ceiling_probe",
      [](const std::string& dtype, int threads, double seconds) {
        const py::gil_scoped_release no_gil;
        return dtype == "float32" ? cpu::probe_ceiling<float>(threads, seconds)
                                  : cpu::probe_ceiling<double>(threads, seconds);
      },
      "dtype"_a, "threads"_a, "seconds"_a);
}

}  // namespace fastmi::bindings
