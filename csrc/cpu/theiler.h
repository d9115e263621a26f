#pragma once

#include <cstdint>
#include <vector>

#include "common/algorithm.h"
#include "common/metric.h"
#include "common/points.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Neighbours and counts that leave out samples near in time (Theiler 1986,
/// https://doi.org/10.1103/PhysRevA.34.2427): sample j counts as another sample of i only if |i -
/// j| > window.
struct TheilerTask {
  std::int64_t window;
  /// If false, a sample has one radius, and counts are strict. If true, it has a radius in each
  /// block, the largest distance to its k joint neighbours in the order of kneighbors, and counts
  /// include that.
  bool closed;
  std::vector<std::vector<int>> spaces;  ///< blocks of each subspace to count in
};

/// Writes radius[ks][n], the joint k-th distances, and counts[ks][spaces][n], the samples within
/// reach in every block of a subspace. With window 0 these are the numbers of kth_distance and ksg.
/// ks ascend, each <= n - 1 - 2 window. O(n^2 d) time, n numbers of scratch per block and query in
/// flight. Independent of threads and SIMD level. Returns kBrute.
template <class T>
Algorithm theiler_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                         const TheilerTask& task, Metric metric, const Execution& execution,
                         T* radius, std::int64_t* counts);

}  // namespace fastmi::cpu
