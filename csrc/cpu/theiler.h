#pragma once

#include <cstdint>
#include <vector>

#include "common/algorithm.h"
#include "common/metric.h"
#include "common/points.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Neighbours and counts that leave out what is near in time (Theiler 1986): sample j is another
/// sample of i only if |i - j| > window.
struct TheilerTask {
  std::int64_t window;
  /// One radius per sample and strict counts; or, if closed, for each block the largest distance
  /// among the k joint neighbours, by (distance, sample), and counts up to and including it.
  bool closed;
  std::vector<std::vector<int>> spaces;  ///< blocks of each subspace to count in
};

/// radius[ks][n]: joint k-th distances; counts[ks][spaces][n]: samples within reach in every block
/// of a subspace. ks ascending, each <= n - 1 - 2 window. O(n^2 d) time, n numbers of scratch per
/// block and query in flight. Independent of threads and SIMD level. Returns kBrute.
template <class T>
Algorithm theiler_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                         const TheilerTask& task, Metric metric, const Execution& execution,
                         T* radius, std::int64_t* counts);

}  // namespace fastmi::cpu
