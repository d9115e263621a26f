#include "cpu/count.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/possible.h"
#include "common/radius_limit.h"
#include "cpu/kernels.h"

namespace fastmi::cpu {
namespace {

template <class T>
T typical_radius(const T* radius, std::int64_t n) {
  std::vector<T> probe;
  const std::int64_t stride = std::max<std::int64_t>(1, n / 256);
  for (std::int64_t i = 0; i < n; i += stride) {
    const T value = radius[i];
    if (value > 0 && std::isfinite(value)) probe.push_back(value);
  }
  if (probe.empty()) return 0;
  std::nth_element(probe.begin(), probe.begin() + probe.size() / 2, probe.end());
  return probe[probe.size() / 2];
}

template <class T>
void count_in_column(const SortedColumn<T>& sorted, const T* radius, int radii, int exponent,
                     bool strict, const Execution& execution, std::int64_t* counts) {
  const auto n = static_cast<std::int64_t>(sorted.values.size());
  Buffer<T> limits(static_cast<std::size_t>(n));
  for (int r = 0; r < radii; ++r) {
    for (std::int64_t p = 0; p < n; ++p) {
      limits[p] = radius_limit(radius[r * n + sorted.sample[p]], strict, -exponent);
    }
    count_sorted(sorted, T(1), limits.data(), execution, counts + r * n);
  }
}

template <class T>
void count_in_tree(const LeafTree<T>& tree, const T* radius, int radii, int exponent, bool strict,
                   Metric metric, const Execution& execution, std::int64_t* counts) {
  const std::int64_t n = tree.n;
  const int shift = std::ilogb(tree.scale) - exponent;
  const auto count_leaf = current_kernels<T>().count_leaf(metric);
  const std::size_t lanes = static_cast<std::size_t>(radii) * kLeaf;
  std::vector<std::vector<T>> all_limits(execution.threads, std::vector<T>(lanes));
  std::vector<std::vector<std::int64_t>> all_counts(execution.threads,
                                                    std::vector<std::int64_t>(lanes));
  parallel_for(execution, tree.leaves, [&](std::int64_t b, int thread) {
    T* limits = all_limits[thread].data();
    std::int64_t* found = all_counts[thread].data();
    const std::int32_t* samples = tree.leaf_index(static_cast<int>(b));
    const int size = tree.leaf_size(static_cast<int>(b));
    std::fill_n(limits, lanes, T(-1));
    for (int r = 0; r < radii; ++r) {
      for (int i = 0; i < size; ++i) {
        T limit = radius_limit(radius[r * n + samples[i]], strict, shift);
        if (metric == Metric::kEuclidean) limit = squared_limit(limit);
        limits[r * kLeaf + i] = limit;
        found[r * kLeaf + i] = limit > 0 ? -1 : 0;  // the sample itself
      }
    }
    count_leaf(tree, static_cast<int>(b), limits, radii, found);
    for (int r = 0; r < radii; ++r) {
      for (int i = 0; i < size; ++i) {
        counts[r * n + samples[i]] = possible_count(found[r * kLeaf + i], n);
      }
    }
  });
}

}  // namespace

template <class T>
Algorithm count_within(const Blocks<T>& blocks, const T* radius, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, std::int64_t* counts,
                       int radii, int exponent) {
  const int variables = static_cast<int>(blocks.size());
  const std::int64_t n = blocks.front().n;
  const int d = total_dims(blocks);
  if (d == variables) metric = Metric::kChebyshev;
  algorithm = resolve_algorithm(algorithm, n, variables, d, 0);
  if (algorithm == Algorithm::kSort) {
    count_in_column(sort_column(blocks.front().data, n), radius, radii, exponent, strict, execution,
                    counts);
    return algorithm;
  }
  LeafTree<T> tree = build_leaf_tree(blocks, metric, algorithm == Algorithm::kTree, execution);
  if (use_byte_filter(n, d, metric)) {
    quantise(tree, typical_radius(radius, n), execution);
  }
  count_in_tree(tree, radius, radii, exponent, strict, metric, execution, counts);
  return algorithm;
}

template <class T>
CountSpace<T>::CountSpace(const Points<T>& points, Metric metric, Algorithm algorithm,
                          const Execution& execution)
    : n_(points.n), metric_(points.d == 1 ? Metric::kChebyshev : metric) {
  algorithm = resolve_algorithm(algorithm, points.n, 1, points.d, 0);
  sorts_ = algorithm == Algorithm::kSort;
  if (sorts_) {
    sorted_ = sort_column(points.data, points.n);
  } else {
    tree_ = build_leaf_tree(Blocks<T>{points}, metric_, algorithm == Algorithm::kTree, execution);
  }
}

template <class T>
void CountSpace<T>::prepare(const T* radius, const Execution& execution) {
  if (!sorts_ && use_byte_filter(n_, tree_.d, metric_)) {
    quantise(tree_, typical_radius(radius, n_), execution);
  }
}

template <class T>
void CountSpace<T>::count(const T* radius, int radii, int exponent, bool strict,
                          const Execution& execution, std::int64_t* counts) const {
  if (sorts_) {
    count_in_column(sorted_, radius, radii, exponent, strict, execution, counts);
  } else {
    count_in_tree(tree_, radius, radii, exponent, strict, metric_, execution, counts);
  }
}

template <class T>
int CountSpace<T>::exponent() const {
  return std::ilogb(tree_.scale);
}

#define FASTMI_INSTANTIATE(T)                                                          \
  template Algorithm count_within(const Blocks<T>&, const T*, bool, Metric, Algorithm, \
                                  const Execution&, std::int64_t*, int, int);          \
  template class CountSpace<T>;
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
