#include "cpu/theiler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "common/possible.h"
#include "common/radius_limit.h"
#include "common/unscale.h"
#include "cpu/kernels.h"
#include "cpu/leaf_tree.h"

namespace fastmi::cpu {

template <class T>
Algorithm theiler_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                         const TheilerTask& task, Metric metric, const Execution& execution,
                         T* radius, std::int64_t* counts) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const std::int64_t n = blocks.front().n;
  const int m = static_cast<int>(blocks.size());
  const int k = ks.back();
  // Written so that no window overflows.
  if (task.window < 0 || task.window > (n - 1 - k) / 2) {
    throw std::invalid_argument(
        "window must be in [0, (n - 1 - k) / 2]; got window=" + std::to_string(task.window) +
        ", n=" + std::to_string(n) + ", k=" + std::to_string(k));
  }
  const auto& kernels = current_kernels<T>();
  // In one dim |a - b| is the Euclidean distance.
  if (total_dims(blocks) == m) metric = Metric::kChebyshev;
  std::vector<LeafTree<T>> trees;
  std::vector<bool> squared;
  for (const Points<T>& block : blocks) {
    squared.push_back(metric == Metric::kEuclidean && block.d > 1);
    trees.push_back(build_leaf_tree(Blocks<T>{block},
                                    squared.back() ? Metric::kEuclidean : Metric::kChebyshev, false,
                                    execution));
  }
  // Squares of several blocks are compared where all have one scale, as in kneighbors.
  const bool own_search = metric == Metric::kEuclidean && m > 1;
  if (own_search) {
    squared.push_back(true);
    trees.push_back(build_leaf_tree(blocks, metric, false, execution));
  }
  const int rows = static_cast<int>(trees.size());
  const auto exponent = [&](int row) { return std::ilogb(trees[row].scale); };
  const std::int64_t length = static_cast<std::int64_t>(trees.front().leaves) * kLeaf;
  struct Scratch {
    Buffer<T> rows, best;
    Buffer<std::int32_t> neighbours;
    std::vector<T> reach, limits;
  };
  std::vector<Scratch> scratch(execution.threads);
  parallel_for(execution, n, [&](std::int64_t i, int thread) {
    Scratch& own = scratch[thread];
    if (own.rows.empty()) {
      own.rows.resize(rows * length);
      own.best.resize(k);
      own.neighbours.resize(k);
      own.reach.resize(m);
      own.limits.resize(m);
    }
    for (int b = 0; b < rows; ++b) {
      T* row = own.rows.data() + b * length;
      const auto distance_rows =
          squared[b] ? kernels.distance_rows_euclidean : kernels.distance_rows_chebyshev;
      distance_rows(trees[b], i, 1, 0, trees[b].leaves, row);
      const std::int64_t from = std::max<std::int64_t>(0, i - task.window);
      const std::int64_t to = std::min(n, i + task.window + 1);
      std::fill(row + from, row + to, kInfinity);
    }
    kernels.nearest_in_rows(own.rows.data() + (own_search ? m * length : 0), own_search ? 1 : m,
                            length, k, own.best.data(), own.neighbours.data());
    std::fill(own.reach.begin(), own.reach.end(), T(0));
    int taken = 0;
    for (std::size_t q = 0; q < ks.size(); ++q) {
      const T kth = own.best[ks[q] - 1];
      radius[q * n + i] = squared[rows - 1] ? std::sqrt(kth) : kth;
      for (int b = 0; b < m; ++b) {
        T limit = shifted_limit(radius[q * n + i], exponent(b) - exponent(rows - 1));
        if (task.closed) {
          for (int c = taken; c < ks[q]; ++c) {
            const T* row = own.rows.data() + b * length;
            // Only samples that are overwritten meanwhile leave a place without a neighbour.
            const T distance = own.neighbours[c] < n ? row[own.neighbours[c]] : kInfinity;
            own.reach[b] = std::max(own.reach[b], distance);
          }
          limit = strict_limit(squared[b] ? std::sqrt(own.reach[b]) : own.reach[b], false);
        }
        own.limits[b] = squared[b] ? squared_limit(limit) : limit;
      }
      taken = ks[q];
      for (std::size_t s = 0; s < task.spaces.size(); ++s) {
        const std::int64_t found =
            kernels.count_in_rows(own.rows.data(), length, task.spaces[s].data(),
                                  static_cast<int>(task.spaces[s].size()), own.limits.data());
        counts[(q * task.spaces.size() + s) * n + i] = possible_count(found, n);
      }
    }
  });
  unscale(exponent(rows - 1), radius, static_cast<std::int64_t>(ks.size()) * n);
  return Algorithm::kBrute;
}

#define FASTMI_INSTANTIATE(T)                                                                      \
  template Algorithm theiler_counts(const Blocks<T>&, const std::vector<int>&, const TheilerTask&, \
                                    Metric, const Execution&, T*, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
