// The kernel contract: what fastmi._cpu and fastmi._cuda both offer, under the same names, with the
// same arguments in the same order and the same results. register_ops<Backend> adds it to a module;
// a backend is a class like CpuBackend (cpu_backend.h) and CudaBackend (cuda_backend.h).
//
// blocks: a list of arrays [n, d] of samples in the memory of the backend, all with the same n and
// the same dtype (T below), float32 or float64. On the CPU they are NumPy arrays, on a GPU objects
// that say where they lie. metric: "chebyshev" or "euclidean". algorithm: "auto", "tree", "brute"
// or, on the CPU, "sort". threads: how many threads of the host to use, at least 1; a GPU ignores
// it. Everything else that goes in or comes out is in host memory:
//
//   kth_distance    distances T [len(ks), n]
//   kneighbors      distances T [n, k], indices int64 [n, k], by (distance, index)
//   count_within    counts int64 [n]; radius T [n]
//   space_counts    radius T [len(ks), n]; counts int64 [len(ks), len(spaces), n], of the samples
//                   within the radius of each k; a space is a list of blocks, by their numbers.
//                   "sort" counts in spaces of one column, and leaves others to "auto"
//   ksg             psi_mean, psi_std [len(ks)]; counts int64 [len(ks), m, n]; zero_radius int64
//                   [len(ks)]; count_sum int64 [len(ks), 2], of the first two blocks; for m blocks,
//                   variant 1 or 2
//   ksg_sweep       the same for blocks x and y with (len(scales), len(ks)) in front and m = 2
//   ksg_pairs       psi_mean, psi_std [len(ks), p]; count_sum int64 [len(ks), 2, p]; zero_radius
//                   int64 [len(ks), p]; for pairs int64 [p, 2] of columns, numbered through all
//                   blocks side by side. report: None, or a function that is called
//                   regularly with the number of pairs done
//   ksg_surrogates  psi_mean [s, len(ks)] for the rows of x in each of s orders and y;
//                   next_orders() returns orders int64 [., n] until it returns None
//
// Each of these returns a tuple that ends with the name of the algorithm that ran, in the joint
// space where there are several searches. The numbers do not depend on it.
//
//   first_unusable    position of the first value that is NaN, infinite or above half of the
//                     largest number, or -1
//   choose_algorithm  what "auto" stands for where blocks of these dims are searched for k
//                     neighbours (0: samples within a radius are counted), their indices or not
//   ceiling_probe     Chebyshev pair-dimensions per second of the bare arithmetic, in the dtype and
//                     at the place of the block; measured for about `seconds`
//
// Errors: ValueError for arguments, TypeError for a wrong dtype or layout, MemoryError, and
// RuntimeError for whatever else a device reports.
#pragma once

#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arguments.h"
#include "bindings/arrays.h"
#include "common/algorithm.h"
#include "common/points.h"
#include "common/psi_summary.h"

namespace fastmi::bindings {

template <class Backend>
using BlockList = std::vector<typename Backend::Block>;

template <class Backend>
Algorithm as_algorithm(const std::string& name) {
  for (const Algorithm algorithm : Backend::kAlgorithms) {
    if (name == algorithm_name(algorithm)) return algorithm;
  }
  throw std::invalid_argument(Backend::no_such_algorithm(name));
}

/// Calls f.template operator()<T>() for the dtype of the block; a dtype that is neither float32 nor
/// float64 gets double, whose checks then refuse it.
template <class Backend, class F>
decltype(auto) with_dtype(const typename Backend::Block& block, F&& f) {
  if (Backend::template holds<float>(block)) return f.template operator()<float>();
  return f.template operator()<double>();
}

template <class Backend, class F>
decltype(auto) with_dtype(const BlockList<Backend>& blocks, F&& f) {
  if (blocks.empty()) throw std::invalid_argument("blocks must not be empty");
  return with_dtype<Backend>(blocks.front(), f);
}

template <class Backend, class T>
Blocks<T> as_blocks(const BlockList<Backend>& given) {
  Blocks<T> blocks;
  for (const auto& block : given) blocks.push_back(Backend::template points<T>(block));
  const std::int64_t n = blocks.front().n;
  for (const Points<T>& block : blocks) {
    if (block.n != n) {
      throw std::invalid_argument("blocks must have the same n; got " + std::to_string(n) +
                                  " and " + std::to_string(block.n));
    }
  }
  if (n < 2 || n > Backend::kMaxSamples) {
    throw std::invalid_argument("n must be in [2, " + std::to_string(Backend::kMaxSamples) +
                                "]; got n=" + std::to_string(n));
  }
  return blocks;
}

/// The members of summaries, as arrays in the shape of the estimates.
struct PsiArrays {
  Array<double> mean;
  Array<double> std;
  Array<std::int64_t> zero_radius;
  Array<std::int64_t> count_sum;  ///< two of each

  PsiArrays(const std::vector<PsiSummary>& summaries, std::vector<py::ssize_t> shape)
      : mean(shape), std(shape), zero_radius(shape), count_sum(paired(std::move(shape))) {
    for (std::size_t e = 0; e < summaries.size(); ++e) {
      mean.mutable_data()[e] = summaries[e].mean;
      std.mutable_data()[e] = summaries[e].std;
      zero_radius.mutable_data()[e] = summaries[e].zero_radius;
      std::copy_n(summaries[e].count_sum, 2, count_sum.mutable_data() + 2 * e);
    }
  }

 private:
  static std::vector<py::ssize_t> paired(std::vector<py::ssize_t> shape) {
    shape.push_back(2);
    return shape;
  }
};

inline py::ssize_t length(const std::vector<int>& ks) {
  return static_cast<py::ssize_t>(ks.size());
}

// Kernels are called without a namespace below: argument-dependent lookup finds those of the
// namespace of the Execution, cpu or cuda.

template <class Backend, class T>
py::tuple call_kth_distance(const BlockList<Backend>& given, const std::vector<int>& ks,
                            Metric metric, Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  Array<T> distances({length(ks), py::ssize_t{n}});
  T* out = distances.mutable_data();
  typename Backend::Place place(given, threads);
  place.fit(blocks);
  place.run([&](const auto& execution) {
    algorithm = kth_distance(blocks, ks, metric, algorithm, execution, out);
  });
  return py::make_tuple(distances, algorithm_name(algorithm));
}

template <class Backend, class T>
py::tuple call_kneighbors(const BlockList<Backend>& given, int k, Metric metric,
                          Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  const std::int64_t n = blocks.front().n;
  check_k(k, n);
  Array<T> distances({py::ssize_t{n}, py::ssize_t{k}});
  Array<std::int64_t> indices({py::ssize_t{n}, py::ssize_t{k}});
  T* out = distances.mutable_data();
  std::int64_t* out_indices = indices.mutable_data();
  typename Backend::Place place(given, threads);
  place.fit(blocks);
  place.run([&](const auto& execution) {
    algorithm = kneighbors(blocks, k, metric, algorithm, execution, out, out_indices);
  });
  return py::make_tuple(distances, indices, algorithm_name(algorithm));
}

template <class Backend, class T>
py::tuple call_count_within(const BlockList<Backend>& given, const py::array& radius, bool strict,
                            Metric metric, Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  const std::int64_t n = blocks.front().n;
  if (!py::isinstance<Array<T>>(radius)) {
    throw py::type_error("radius must be a C-contiguous host array of the dtype of the blocks");
  }
  const T* r = as_radii<T>(radius, n);
  Array<std::int64_t> counts(py::ssize_t{n});
  std::int64_t* out = counts.mutable_data();
  typename Backend::Place place(given, threads);
  place.fit(blocks);
  place.run([&](const auto& execution) {
    algorithm = count_within(blocks, r, strict, metric, algorithm, execution, out);
  });
  return py::make_tuple(counts, algorithm_name(algorithm));
}

/// Returns k-th distances T [len(ks), n], counts int64 [len(ks), len(spaces), n] and the name of
/// the algorithm; count(blocks, execution, radius, counts) writes the arrays and returns the
/// algorithm.
template <class Backend, class T, class F>
py::tuple radii_and_counts(const BlockList<Backend>& given, const std::vector<int>& ks,
                           const std::vector<std::vector<int>>& spaces, int threads, F&& count) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  check_spaces(spaces, blocks.size());
  Array<T> radius({length(ks), py::ssize_t{n}});
  Array<std::int64_t> counts({length(ks), static_cast<py::ssize_t>(spaces.size()), py::ssize_t{n}});
  T* reach = radius.mutable_data();
  std::int64_t* out = counts.mutable_data();
  Algorithm ran = Algorithm::kAuto;
  typename Backend::Place place(given, threads);
  place.fit(blocks);
  place.run([&](const auto& execution) { ran = count(blocks, execution, reach, out); });
  return py::make_tuple(radius, counts, algorithm_name(ran));
}

template <class Backend, class T>
py::tuple call_space_counts(const BlockList<Backend>& given, const std::vector<int>& ks,
                            const std::vector<std::vector<int>>& spaces, bool strict, Metric metric,
                            Algorithm algorithm, int threads) {
  return radii_and_counts<Backend, T>(
      given, ks, spaces, threads,
      [&](const Blocks<T>& blocks, const auto& execution, T* radius, std::int64_t* counts) {
        return space_counts(blocks, ks, spaces, strict, metric, algorithm, execution, radius,
                            counts);
      });
}

template <class Backend, class T>
py::tuple call_ksg(const BlockList<Backend>& given, const std::vector<int>& ks, KsgVariant variant,
                   Metric metric, Algorithm algorithm, int threads) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  if (blocks.size() < 2) throw std::invalid_argument("ksg needs at least 2 blocks");
  Array<std::int64_t> counts({length(ks), static_cast<py::ssize_t>(blocks.size()), py::ssize_t{n}});
  std::int64_t* out = counts.mutable_data();
  KsgResult result;
  typename Backend::Place place(given, threads);
  place.fit(blocks);
  place.run([&](const auto& execution) {
    result = ksg(blocks, ks, variant, metric, algorithm, execution, out);
  });
  const PsiArrays psi(result.summaries, {length(ks)});
  return py::make_tuple(psi.mean, psi.std, counts, psi.zero_radius, psi.count_sum,
                        algorithm_name(result.algorithm));
}

template <class Backend, class T>
py::tuple call_ksg_sweep(const BlockList<Backend>& given, const std::vector<double>& scales,
                         const std::vector<int>& ks, Metric metric, int threads) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  const std::vector<T> own_scales = as_scales<T>(scales);
  const auto number = static_cast<py::ssize_t>(scales.size());
  Array<std::int64_t> counts({number, length(ks), py::ssize_t{2}, py::ssize_t{n}});
  std::int64_t* out = counts.mutable_data();
  KsgResult result;
  typename Backend::Place place(given, threads);
  place.fit(blocks);
  place.run([&](const auto& execution) {
    result = ksg_sweep(blocks[0], blocks[1], own_scales, ks, metric, execution, out);
  });
  const PsiArrays psi(result.summaries, {number, length(ks)});
  return py::make_tuple(psi.mean, psi.std, counts, psi.zero_radius, psi.count_sum,
                        algorithm_name(result.algorithm));
}

template <class Backend, class T>
py::tuple call_ksg_pairs(const BlockList<Backend>& given, const Array<std::int64_t>& pairs,
                         const std::vector<int>& ks, Algorithm algorithm, const py::object& report,
                         int threads) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  check_ks(ks, blocks.front().n);
  const std::int64_t* columns = as_pairs(pairs, total_dims(blocks));
  const py::ssize_t number = pairs.shape(0);
  std::atomic<std::int64_t> done{0};
  KsgResult result;
  const typename Backend::Place place(given, threads);
  place.run(
      [&](const auto& execution) {
        result = ksg_pairs(blocks, columns, number, ks, algorithm, execution, done);
      },
      [&] {
        if (!report.is_none()) report(done.load());
      });
  const py::ssize_t lists = length(ks);
  Array<double> mean({lists, number});
  Array<double> std({lists, number});
  Array<std::int64_t> count_sum({lists, py::ssize_t{2}, number});
  Array<std::int64_t> zero_radius({lists, number});
  for (py::ssize_t p = 0; p < number; ++p) {
    for (py::ssize_t q = 0; q < lists; ++q) {
      const PsiSummary& summary = result.summaries[static_cast<std::size_t>(p * lists + q)];
      mean.mutable_at(q, p) = summary.mean;
      std.mutable_at(q, p) = summary.std;
      for (int b = 0; b < 2; ++b) count_sum.mutable_at(q, b, p) = summary.count_sum[b];
      zero_radius.mutable_at(q, p) = summary.zero_radius;
    }
  }
  return py::make_tuple(mean, std, count_sum, zero_radius, algorithm_name(result.algorithm));
}

/// Checks orders [s, n]; `next` is what next_orders returned.
inline Array<std::int64_t> as_orders(const py::object& next, std::int64_t n) {
  if (!py::isinstance<Array<std::int64_t>>(next)) {
    throw py::type_error("orders must be C-contiguous int64");
  }
  auto orders = py::reinterpret_borrow<Array<std::int64_t>>(next);
  if (orders.ndim() != 2 || orders.shape(1) != n) {
    throw std::invalid_argument("orders must have shape [s, n] with n=" + std::to_string(n) +
                                "; got ndim=" + std::to_string(orders.ndim()));
  }
  return orders;
}

template <class Backend, class T>
py::tuple call_ksg_surrogates(const BlockList<Backend>& given, const std::vector<int>& ks,
                              Metric metric, Algorithm algorithm, const py::function& next_orders,
                              int threads) {
  const Blocks<T> blocks = as_blocks<Backend, T>(given);
  const std::int64_t n = blocks.front().n;
  check_ks(ks, n);
  const typename Backend::Place place(given, threads);
  std::optional<typename Backend::template Surrogates<T>> surrogates;
  place.run([&](const auto& execution) {
    surrogates.emplace(blocks[0], blocks[1], ks, metric, algorithm, execution);
  });
  std::vector<double> found;
  for (;;) {
    const py::object next = next_orders();
    if (next.is_none()) break;
    const Array<std::int64_t> orders = as_orders(next, n);
    const std::int64_t* data = orders.data();
    const std::int64_t number = orders.shape(0);
    const std::size_t before = found.size();
    found.resize(before + static_cast<std::size_t>(number) * ks.size());
    place.run([&](const auto& execution) {
      surrogates->psi_means(data, number, execution, found.data() + before);
    });
  }
  Array<double> means({static_cast<py::ssize_t>(found.size()) / length(ks), length(ks)});
  std::copy(found.begin(), found.end(), means.mutable_data());
  return py::make_tuple(means, algorithm_name(surrogates->algorithm()));
}

template <class Backend>
void register_ops(py::module_& m) {
  using namespace py::literals;
  using Block = typename Backend::Block;
  using List = BlockList<Backend>;
  using Ks = std::vector<int>;
  using Spaces = std::vector<std::vector<int>>;
  using Scales = std::vector<double>;
  using Name = std::string;

  m.def(
      "kth_distance",
      [](const List& blocks, const Ks& ks, const Name& metric, const Name& algorithm, int threads) {
        return with_dtype<Backend>(blocks, [&]<class T>() {
          return call_kth_distance<Backend, T>(blocks, ks, as_metric(metric),
                                               as_algorithm<Backend>(algorithm), threads);
        });
      },
      "blocks"_a, "ks"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "kneighbors",
      [](const List& blocks, int k, const Name& metric, const Name& algorithm, int threads) {
        return with_dtype<Backend>(blocks, [&]<class T>() {
          return call_kneighbors<Backend, T>(blocks, k, as_metric(metric),
                                             as_algorithm<Backend>(algorithm), threads);
        });
      },
      "blocks"_a, "k"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "count_within",
      [](const List& blocks, const py::array& radius, bool strict, const Name& metric,
         const Name& algorithm, int threads) {
        return with_dtype<Backend>(blocks, [&]<class T>() {
          return call_count_within<Backend, T>(blocks, radius, strict, as_metric(metric),
                                               as_algorithm<Backend>(algorithm), threads);
        });
      },
      "blocks"_a, "radius"_a, "strict"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "space_counts",
      [](const List& blocks, const Ks& ks, const Spaces& spaces, bool strict, const Name& metric,
         const Name& algorithm, int threads) {
        return with_dtype<Backend>(blocks, [&]<class T>() {
          return call_space_counts<Backend, T>(blocks, ks, spaces, strict, as_metric(metric),
                                               as_algorithm<Backend>(algorithm), threads);
        });
      },
      "blocks"_a, "ks"_a, "spaces"_a, "strict"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "ksg",
      [](const List& blocks, const Ks& ks, int variant, const Name& metric, const Name& algorithm,
         int threads) {
        return with_dtype<Backend>(blocks, [&]<class T>() {
          return call_ksg<Backend, T>(blocks, ks, as_variant(variant), as_metric(metric),
                                      as_algorithm<Backend>(algorithm), threads);
        });
      },
      "blocks"_a, "ks"_a, "variant"_a, "metric"_a, "algorithm"_a, "threads"_a);
  m.def(
      "ksg_sweep",
      [](const Block& x, const Block& y, const Scales& scales, const Ks& ks, const Name& metric,
         int threads) {
        return with_dtype<Backend>(x, [&]<class T>() {
          return call_ksg_sweep<Backend, T>({x, y}, scales, ks, as_metric(metric), threads);
        });
      },
      "x"_a, "y"_a, "scales"_a, "ks"_a, "metric"_a, "threads"_a);
  m.def(
      "ksg_pairs",
      [](const List& blocks, const Array<std::int64_t>& pairs, const Ks& ks, const Name& algorithm,
         const py::object& report, int threads) {
        return with_dtype<Backend>(blocks, [&]<class T>() {
          return call_ksg_pairs<Backend, T>(blocks, pairs, ks, as_algorithm<Backend>(algorithm),
                                            report, threads);
        });
      },
      "blocks"_a, "pairs"_a.noconvert(), "ks"_a, "algorithm"_a, "report"_a, "threads"_a);
  m.def(
      "ksg_surrogates",
      [](const Block& x, const Block& y, const Ks& ks, const Name& metric, const Name& algorithm,
         const py::function& next_orders, int threads) {
        return with_dtype<Backend>(x, [&]<class T>() {
          return call_ksg_surrogates<Backend, T>({x, y}, ks, as_metric(metric),
                                                 as_algorithm<Backend>(algorithm), next_orders,
                                                 threads);
        });
      },
      "x"_a, "y"_a, "ks"_a, "metric"_a, "algorithm"_a, "next_orders"_a, "threads"_a);
  m.def(
      "first_unusable",
      [](const Block& block) {
        return with_dtype<Backend>(
            block, [&]<class T>() { return Backend::template first_unusable<T>(block); });
      },
      "block"_a);
  m.def(
      "choose_algorithm",
      [](std::int64_t n, const std::vector<int>& dims, int k, bool indices) {
        const int d = std::accumulate(dims.begin(), dims.end(), 0);
        return algorithm_name(
            Backend::choose_algorithm(n, static_cast<int>(dims.size()), d, k, indices));
      },
      "n"_a, "dims"_a, "k"_a, "indices"_a = false);
  m.def(
      "ceiling_probe",
      [](const Block& block, double seconds, int threads) {
        const typename Backend::Place place({block}, threads);
        return with_dtype<Backend>(block, [&]<class T>() {
          const WithoutGil no_gil;
          return place.template probe_ceiling<T>(seconds);
        });
      },
      "block"_a, "seconds"_a, "threads"_a);
}

}  // namespace fastmi::bindings
